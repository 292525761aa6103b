"""Workbooks: .xlsx, .xlsb, .xls and .ods, read by calamine.

Lives here: which sheet is the list, where its header stands, and what is hidden in it.

calamine keeps the whole sheet in memory (some 100 bytes a cell): the form does not allow less.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, BinaryIO, Final

from rumbleup_async.errors import ListError
from rumbleup_async.lists import extras, header, workbook_parts
from rumbleup_async.lists.cell_values import workbook_text
from rumbleup_async.lists.tables import DEPTH, Record, header_at
from rumbleup_async.screening.template import field_name

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

_Cell = float | str | bool | dt.time | dt.date | dt.timedelta

_BLOCK: Final = 1000
_MOST_CELLS: Final = 64_000_000
"""calamine keeps 24 bytes for each cell up to the last, blank or not: one stray cell would take more memory than there is."""


class Workbook:
    """The sheet of a workbook that is the list, as a `Table`."""

    fingerprint: str | None = None
    several = ()

    def __init__(self, file: BinaryIO, where: str, *, sheet: str | None, phone_field: str | None) -> None:
        calamine = extras.module("python_calamine", "lists", f"{where}: this is a workbook", "save it as CSV UTF-8")
        with _understood(f"{where}: this is a workbook"):
            file.seek(0)
            self._book: CalamineWorkbook = calamine.load_workbook(file)
        self._sheet: CalamineSheet | None = None
        self._file = file
        self._path = where
        found, self._rows = self._choose(sheet, phone_field)
        self.where = f"{where}, sheet {found!r}"
        self.form = "a workbook"
        self._name = found
        at = header_at(self._rows, phone_field)
        if at is None:
            raise self._no_header(phone_field)
        self.row = at + 1
        cells = self._rows[at]
        width = max(index for index, cell in enumerate(cells) if cell.strip()) + 1
        self.header = tuple(cells[:width])
        self._merged = self._merged_cells(at, width)

    def _choose(self, sheet: str | None, phone_field: str | None) -> tuple[str, list[list[str]]]:
        """The sheet that is the list, and its first rows."""
        from python_calamine import SheetTypeEnum, SheetVisibleEnum

        known = [one for one in self._book.sheets_metadata if one.typ == SheetTypeEnum.WorkSheet]
        names = [one.name for one in known]
        if sheet is not None:
            wanted = sheet.strip()
            matches = [name for name in names if name == wanted] or [n for n in names if n.strip().lower() == wanted.lower()]
            if len(matches) != 1:
                raise ListError(f"{self._path}: there is no sheet {sheet!r}; {_listed(names)}")
            return matches[0], self._first_rows(matches[0])
        visible = [one.name for one in known if one.visible == SheetVisibleEnum.Visible]
        heads = {name: self._first_rows(name) for name in visible}
        filled = [name for name in visible if any(map(any, heads[name]))]
        lists = [name for name in filled if header_at(heads[name], phone_field) is not None]
        if len(lists) > 1:
            raise ListError(f"{self._path}: the list may be in the sheets {' or '.join(map(repr, lists))}; name it with --sheet")
        if not filled:
            raise ListError(f"{self._path}: the workbook has nothing in its visible sheets; {_listed(names)}")
        found = (lists or filled)[0]
        if not lists and len(filled) > 1:
            raise ListError(f"{self._path}: no sheet has a column called phone, cell or mobile; {_listed(filled)}; "
                            "name the sheet with --sheet, and the column with --phone-field")  # fmt: skip
        return found, heads[found]

    def _open(self, name: str) -> CalamineSheet:
        """The sheet; calamine reads it whole each time it is asked for one, so the last is kept."""
        if self._sheet is not None and self._sheet.name == name:
            return self._sheet
        _require_reach(self._file, self._path, name)
        with _understood(f"{self._path}: this is a workbook with a sheet {name!r}"):
            self._sheet = self._book.get_sheet_by_name(name)
            return self._sheet

    def _first_rows(self, name: str) -> list[list[str]]:
        rows = []
        for row in _rows_of(self._open(name)):
            rows.append([workbook_text(cell) for cell in row])
            if len(rows) == DEPTH:
                break
        return rows

    def _no_header(self, phone_field: str | None) -> ListError:
        best = max(self._rows, key=lambda cells: sum(1 for cell in cells if cell.strip()))
        if any(header.is_number(cell) for cell in best):
            row = self._rows.index(best) + 1
            return ListError(
                f"{self.where}, row {row}: it looks like a contact, and no row above it names the columns; "
                "put a header above it, such as phone,first_name,last_name"
            )
        names = [name for name in map(field_name, best) if name]
        try:
            header.phone_columns(names, self.where, phone_field)
        except ListError as error:
            return error
        return ListError(f"{self.where}: no row of the first {DEPTH} names a phone column; name it with --phone-field")

    def _merged_cells(self, at: int, width: int) -> int:
        """How many merged cells reach over rows of the list: their value stands in the first of them alone."""
        ranges = self._open(self._name).merged_cell_ranges or []
        return sum(1 for (top, left), (bottom, _) in ranges if bottom > at and bottom > top and left < width)

    def blocks(self, wanted: Sequence[int]) -> Iterator[list[Record]]:
        columns = list(wanted)
        pick = itemgetter(*columns) if len(columns) > 1 else None
        block: list[Record] = []
        for number, row in enumerate(_rows_of(self._open(self._name))):
            if number < self.row:
                continue
            cells = pick(row) if pick is not None else (row[columns[0]],)
            record = [cell if cell.__class__ is str else workbook_text(cell) for cell in cells]
            # Blank is who has nothing in any cell: who lacks only what is asked for is somebody who is skipped.
            block.append(record if any(record) or any(cell != "" for cell in row) else ())
            if len(block) == _BLOCK:
                yield block
                block = []
        yield block

    def notes(self) -> list[str]:
        """The sheet, the header's row, and what is hidden or merged in it."""
        notes = [f"read from the sheet {self._name!r}" + (f", whose header is row {self.row}" if self.row > 1 else "")]
        if hidden := workbook_parts.hidden_rows(self._file, self._name, self.row):
            rows = f"{hidden:,} rows are" if hidden > 1 else "1 row is"
            notes.append(f"{rows} hidden in the sheet, as by a filter, and read like the others; delete who is not to be texted")
        if self._merged:
            cells = f"{self._merged:,} merged cells reach" if self._merged > 1 else "1 merged cell reaches"
            notes.append(f"{cells} over several rows; only the first of these rows has the value")
        return notes

    def close(self) -> None:
        self._book.close()


def visible_sheets(file: BinaryIO, where: str) -> Iterator[tuple[str, Iterator[list[str]]]]:
    """All visible sheets of a workbook with their rows as text. Raises `ListError`."""
    calamine = extras.module("python_calamine", "lists", f"{where}: this is an Excel workbook", "save it as CSV UTF-8")
    with _understood(f"{where}: this is an Excel workbook"):
        file.seek(0)
        book: CalamineWorkbook = calamine.load_workbook(file)
    for one in book.sheets_metadata:
        if one.typ == calamine.SheetTypeEnum.WorkSheet and one.visible == calamine.SheetVisibleEnum.Visible:
            _require_reach(file, where, one.name)
            with _understood(f"{where}: this is a workbook with a sheet {one.name!r}"):
                sheet = book.get_sheet_by_name(one.name)
            yield one.name, ([workbook_text(cell) for cell in row] for row in _rows_of(sheet))


def _rows_of(sheet: CalamineSheet) -> Iterator[list[_Cell]]:
    """The rows of a sheet. Asked for those of one with nothing in it, calamine panics up to 0.8."""
    return iter(()) if sheet.end is None else sheet.iter_rows()


def _require_reach(file: BinaryIO, where: str, name: str) -> None:
    if (reach := workbook_parts.reach(file, name)) and reach[0] > _MOST_CELLS:
        raise ListError(
            f"{where}, sheet {name!r}: reaches as far as the cell {reach[1]}; delete what stands far below the list "
            "or far to its right, with its whole rows and columns, and save it again, or save it as CSV UTF-8"
        )


def _listed(names: Sequence[str]) -> str:
    if not names:
        return "it has no sheets"
    shown = ", ".join(repr(name) for name in names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    return f"it has the {'sheets' if len(names) > 1 else 'sheet'} {shown}"


@contextlib.contextmanager
def _understood(what: str) -> Iterator[None]:
    """What calamine makes of a workbook that it cannot read becomes a ListError. Its words name parts of the file, never what
    stands in a cell."""
    from python_calamine import CalamineError, PasswordError

    try:
        yield
    except PasswordError:
        raise ListError(f"{what} that is protected by a password; open it, take the password off, and save it again") from None
    except (CalamineError, OSError, ValueError) as error:
        words = str(error).split("\n")[0][:100] or type(error).__name__
        raise ListError(f"{what} that cannot be read: {words}; save it as CSV UTF-8") from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # of Rust; nothing exports its class
            raise
        raise ListError(f"{what} that is damaged; get it anew, or save it as CSV UTF-8") from None
