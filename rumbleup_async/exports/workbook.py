"""A report as a workbook: a sheet for each question, and the contacts.

Lives here: those sheets. All words are written as words, and none of them begins a formula: a workbook may be saved as CSV.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import IO, Any, Final

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.exports import words
from rumbleup_async.exports.cells import LONGEST
from rumbleup_async.exports.extras import module
from rumbleup_async.exports.outcome import Outcome
from rumbleup_async.exports.rows import Runs
from rumbleup_async.exports.tables import safe

MOST_ROWS: Final = 1_048_576
"""Rows of a sheet, its header among them."""
_MOST_COLUMNS: Final = 16_384

Cell = str | int | float | None
Line = Sequence[Cell]


class _Sheets:
    """The workbook that is being written. Rows go out as they come, so that memory does not notice how many there are."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})

    def add(self, name: str, columns: Sequence[str], widths: Sequence[int] = ()) -> Callable[[int, Line], None]:
        """A sheet with these columns, and what writes a row of it."""
        sheet = self._book.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        for index, column in enumerate(columns):
            width = widths[index] if index < len(widths) else min(40, max(12, len(column) + 2))
            sheet.set_column(index, index, width)
            sheet.write_string(0, index, _cut(column), self._bold)

        def write(row: int, cells: Line) -> None:
            for index, cell in enumerate(cells):
                if isinstance(cell, str):
                    if cell:
                        sheet.write_string(row, index, _cut(cell))
                elif cell is not None:
                    sheet.write_number(row, index, cell)

        return write

    def fill(self, name: str, columns: Sequence[str], lines: Iterable[Line], widths: Sequence[int] = ()) -> None:
        """A whole sheet."""
        write = self.add(name, columns, widths)
        for row, line in enumerate(lines, 1):
            if row < MOST_ROWS:
                write(row, line)


def _cut(cell: str) -> str:
    found = str(safe(cell))
    return found if len(found) <= LONGEST else found[: LONGEST - 1] + "\u2026"


def write(outcomes: Sequence[Outcome], runs: Runs, file: IO[bytes], folder: Path, *, most_rows: int = MOST_ROWS) -> int:
    """Write the workbook. How many contacts are in it. `folder`: where it may put what it is made of meanwhile, which may be
    large and is gone afterwards. ConfigurationError without xlsxwriter."""
    xlsxwriter = module("xlsxwriter", "export", "a workbook")
    if len(runs.columns) > _MOST_COLUMNS:
        raise ConfigurationError(f"a sheet has {_MOST_COLUMNS:,} columns at most; write .csv or .parquet")
    with tempfile.TemporaryDirectory(prefix=".rumbleup-", dir=folder) as parts:
        options = {"constant_memory": True, "tmpdir": parts, "strings_to_formulas": False, "strings_to_urls": False}
        out = _Out(file)
        book = xlsxwriter.Workbook(out, options)
        book.use_zip64()
        try:
            sheets = _Sheets(book)
            _summary(sheets, outcomes)
            number = _contacts(sheets, runs, most_rows)
            book.close()
        except BaseException as error:
            out.is_over = True
            _give_up(book)
            if isinstance(error, xlsxwriter.exceptions.FileCreateError) and isinstance(error.args[0], OSError):
                raise error.args[0] from None  # the disk is full
            raise
    return number


class _Out:
    """The file, as long as the workbook is to be finished. A zip file that is given up writes its end all the same when Python
    takes it away, and would fail once more."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._at = 0
        self.is_over = False

    def write(self, data: bytes) -> int:
        if not self.is_over:
            self._file.write(data)
        self._at += len(data)
        return len(data)

    def flush(self) -> None:
        if not self.is_over:
            self._file.flush()

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        if not self.is_over:
            self._at = self._file.seek(offset, whence)
        elif whence == 0:
            self._at = offset
        return self._at

    def seekable(self) -> bool:
        return True


def _give_up(book: Any) -> None:
    """Close what is open of a workbook that is not to be finished."""
    book.fileclosed = True
    for sheet in book.worksheets():
        for file in (getattr(sheet, "row_data_fh", None), getattr(sheet, "fh", None)):
            if file is not None:
                file.close()


def _contacts(sheets: _Sheets, runs: Runs, most_rows: int) -> int:
    widths = (12, 8, 14, 10, 30, 16, 38, 9, 27, 10, 12, 30, 9, 10)
    write = sheets.add("Contacts", runs.columns, widths)
    number, row, sheet = 0, 0, 1
    for rows in runs:
        for one in rows:
            row += 1
            if row >= most_rows:
                sheet, row = sheet + 1, 1
                write = sheets.add(f"Contacts {sheet}", runs.columns, widths)
            write(row, one.cells())
        number += len(rows)
    return number


def _summary(sheets: _Sheets, outcomes: Sequence[Outcome]) -> None:
    names = [words.clean(one.name) for one in outcomes]
    sheets.fill("Summary", ("", *names), _facts(outcomes), (40, *[28] * len(names)))
    sheets.fill(
        "States",
        ("run", "state", "contacts", "share", "segments", "what it means"),
        (
            (one.name, name, one.counts[state], _share(one.counts[state], one.total), one.segments[state], meaning)
            for one in outcomes
            for state, (name, meaning) in words.STATES.items()
        ),
        (28, 12, 12, 10, 12, 70),
    )
    sheets.fill(
        "Over time",
        ("run", "from", "seconds", "sent per second", "refused", "unknown", "not now", "allowed per second", "held seconds"),
        (
            (one.name, words.moment(p.at), p.seconds, p.sent, p.refused, p.unknown, p.throttled, p.allowed, p.held)
            for one in outcomes
            for p in one.points
        ),
        (28, 26),
    )
    sheets.fill(
        "Zones and hours",
        ("run", "zone", "texts", *(f"{hour}:00" for hour in range(24))),
        (
            (one.name, words.zone(name), number, *(one.hours.get((name, hour)) for hour in range(24)))
            for one in outcomes
            for name, number in one.zones
        ),
        (28, 20, 12, *[8] * 24),
    )
    sheets.fill(
        "Problems",
        ("run", "state", "why", "contacts", "code", "what to do"),
        ((one.name, why.state, why.words, why.number, why.code, why.remedy) for one in outcomes for why in one.reasons),
        (28, 12, 60, 12, 20, 60),
    )
    sheets.fill(
        "Segments and cost",
        ("run", "sent segments", "price", "told segments", "told cost", "cost", "budget"),
        (
            (
                one.name,
                one.sent_segments,
                one.price,
                one.paid_segments if one.paid is not None else None,
                one.paid,
                one.cost,
                one.budget,
            )
            for one in outcomes
        ),
        (28, 16, 12, 16, 14, 14, 14),
    )
    sheets.fill("Delivery", ("run", "what", "code", "the carrier's words", "texts"), _delivery(outcomes), (28, 20, 20, 60, 12))


def _share(number: int, of: int) -> float | None:
    return round(number / of, 4) if of else None


def _facts(outcomes: Sequence[Outcome]) -> Iterable[Line]:
    yield ("How it went", *(words.headline(one) for one in outcomes))
    yield ("How it stands", *(words.how_it_stands(one) for one in outcomes))
    of_each = [dict((*words.facts(one), *words.costs(one))) for one in outcomes]
    for name in dict.fromkeys(name for found in of_each for name in found):
        yield (name, *(found.get(name, "") for found in of_each))


def _delivery(outcomes: Sequence[Outcome]) -> Iterable[Line]:
    for one in outcomes:
        if not one.is_followed:
            yield (one.name, "nobody has asked yet: rumbleup follow does", None, None, None)
            continue
        told = one.receipts
        yield (one.name, "delivered", None, None, told.delivered)
        yield (one.name, "undelivered", None, None, told.undelivered)
        for why in told.why:
            yield (one.name, "undelivered, why", why.code, why.words, why.number)
        yield (one.name, "without a receipt", None, None, one.waiting)
        yield (one.name, "replied", None, None, told.replied)
        yield (one.name, "opted out", None, None, told.opted_out)
