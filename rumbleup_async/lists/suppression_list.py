"""Suppression lists as people keep them: every number in them, row by row.

Lives here: reading CSV, JSON lines and one number a line for the numbers alone.

A contact list must say which column holds the phone, because the wrong one would text the wrong people. Here every cell that is
a number counts: whoever has opted out has done so with each of his phones. A row that names nobody who could be read is refused,
with its number, so that no opt-out gets lost.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from rumbleup_async.errors import ListError
from rumbleup_async.lists import columns, header
from rumbleup_async.lists.csv_records import Fault, Records
from rumbleup_async.lists.lines import Lines, Readable
from rumbleup_async.lists.streams import Incoming
from rumbleup_async.lists.suppression_forms import unwrapped
from rumbleup_async.patterns import when_used
from rumbleup_async.rules.numbers import UnreadError, numbers_of
from rumbleup_async.screening import phones
from rumbleup_async.screening.template import field_name

_phone_words = when_used(
    r"(?:.*_)?(?:[a-z]*phones?|cell|cellular|mobile?|tel|telephone|telefon|telefono|celular|movil|handy|landline|wireless|msisdn|e164)"
    r"(?:_?(?:number|numbers|no|num))?(?:_?\d)?|home|work"
)
_labelled = when_used(r"[^\d]{0,20}(?<![^\W\d])(?:\+?1\W{0,3})?\(?\d{3}\W{0,3}\d{3}\W{0,2}\d{4}(?![^\W\d])[^\d]{0,24}")
"""`home: 2025550101`, `sip:+12025550101@example.org`: one number, and a word or two beside it."""
_email = when_used(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_masked = when_used(r"(?:\W*[xX*#\u2022?]){3}[xX*#\u2022?\W_]*\d{2,6}")
"""`xxx-xxx-0101`: a number of which the rest was not to be seen."""
_date = when_used(
    r"\b(?:\d{4}([-/.])\d{1,2}\1\d{1,2}|\d{1,2}([-/.])\d{1,2}\2\d{2,4})\b(?:[ T]+\d{1,2}:\d{2}(?::\d{2})?)?", re.ASCII
)
_words = when_used(r"[^\W\d_]{3}")
_WRITTEN_OTHERWISE: Final = frozenset(
    {phones.EXTENSION, phones.TWO_NUMBERS, phones.OTHER_COUNTRY, phones.FLOAT, phones.SCIENTIFIC}
)

_REMEDY: Final = "write it as ten digits, or take the row out"


class Row(NamedTuple):
    """A row of a suppression list. `phones` are the cells whose columns say phone; `number` counts the header."""

    where: str
    number: int
    cells: list[str]
    phones: frozenset[int] = frozenset()
    is_header: bool = False


def read_rows(stream: Readable, where: str) -> Iterator[Row]:
    """The rows that are not blank, the header first if there is one. Raises `ListError` for what is no list."""
    try:
        with contextlib.ExitStack() as keep:
            found = unwrapped(stream, where, keep)
            if isinstance(found, Incoming):
                yield from _read(Lines(found), where)
                return
            is_empty = True
            for called, row, records in found:
                for read in _of_records(records, called, row=row):
                    is_empty = False
                    yield read
            if is_empty:
                raise ListError(f"{where}: is empty; if there is nobody to suppress, leave --suppress out")
    except (OSError, ValueError) as error:
        words = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
        raise ListError(f"{where}: cannot be read: {words}") from None


def _read(lines: Lines, where: str) -> Iterator[Row]:
    header.refuse_foreign(lines.head, where, encoding=lines.encoding)
    sample = lines.sample()
    start = next((number for number, line in enumerate(sample) if line.strip()), None)
    if start is None:
        raise ListError(
            f"{where}: is empty, as a failed export is; if there is nobody to suppress, leave --suppress out, "
            "or put a header such as phone into it"
        )
    first = sample[start].strip()
    lines.cr_ends = lines.cr_ends or "," not in first
    if first.startswith(("{", "[")):
        yield from _objects(lines, where)
        return
    separator = header.separator_line(first)
    # Where nothing divides the first line, nothing divides the others: `212-555-0101; 212-555-0102` is a cell with two numbers.
    sizes = {sign: len(header.header_of([first], sign)[0]) for sign in header.DELIMITERS}
    delimiter = separator[1] if separator else max(sizes, key=lambda sign: sizes[sign])
    delimiter = delimiter if separator or sizes[delimiter] > 1 else "\x1f"
    skipped = start + 1 if separator else start
    yield from _table(_without(lines, skipped), delimiter, where, row=start if separator else skipped)


def _without(lines: Iterable[list[str]], heads: int) -> Iterator[list[str]]:
    """The lines behind the first `heads`."""
    for some in lines:
        yield some[heads:] if heads else some
        heads = max(0, heads - len(some))


def _table(lines: Iterator[list[str]], delimiter: str, where: str, *, row: int) -> Iterator[Row]:
    yield from _of_records(_records(lines, delimiter), where, row=row)


def _of_records(records: Iterable[Sequence[str]], where: str, *, row: int) -> Iterator[Row]:
    header_cells: list[str] | None = None
    phone_columns: frozenset[int] = frozenset()
    for record in records:
        row += 1
        if isinstance(record, Fault):
            raise unreadable(Row(where, row, []), record.reason)
        cells = [cell.strip() for cell in record]
        if not any(cells):
            continue
        if header_cells is None:
            header_cells = cells
            phone_columns = _phone_columns(cells)
            is_alone = len(cells) == 1
            if _is_header(cells, says_phone=bool(phone_columns)):
                yield Row(where, row, cells, is_header=True)
                phone_columns = phone_columns or frozenset(range(is_alone))
                continue
            phone_columns = frozenset(range(is_alone))
        elif cells == header_cells:
            continue  # two exports put together
        yield Row(where, row, cells, phone_columns)


def _records(lines: Iterator[list[str]], delimiter: str) -> Iterator[list[str]]:
    """The records, read with a watch on quotes."""
    records: Records | None = None
    for some in lines:
        if some and records is None:
            width = len(header.header_of(some[:1], delimiter)[0])
            records = Records(delimiter, max(width, 1))
        if records is not None:
            yield from records.feed(some)
    if records is not None:
        yield from records.feed([], last=True)


def _objects(lines: Lines, where: str) -> Iterator[Row]:
    row = 0
    for some in lines:
        for line in some:
            row += 1
            if not line.strip():
                continue
            try:
                value = msgspec.json.decode(line)
            except (msgspec.DecodeError, RecursionError):
                raise unreadable(Row(where, row, []), "not a JSON object on one line, as `jq -c .` writes it") from None
            leaves = list(_leaves("phone", value))
            yield Row(where, row, [text for _, text in leaves], _phone_columns([name for name, _ in leaves]))


def _leaves(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """The texts and numbers in a JSON value, each with the key that it stands under."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(key, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(name, inner)
    elif value is None:
        yield name, ""
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield name, str(value).strip()


def phones_of(row: Row) -> frozenset[str]:
    """The phones of a row that is no header. Raises `ListError` where it names somebody who cannot be read."""
    found: set[str] = set()
    unread = ""
    is_read = bool(row.phones)
    for index, cell in enumerate(row.cells):
        if not cell:
            continue
        if index not in row.phones:
            numbers = _of_any_cell(cell)
            found |= numbers or frozenset()
            is_read = is_read or numbers is not None
            continue
        try:
            found |= numbers_of(cell)
        except UnreadError as error:
            unread = str(error)
            if any(char.isnumeric() for char in cell):
                raise unreadable(row, unread) from None
    if unread and not found:
        raise unreadable(row, unread)
    # Without a column that says phone, a number may have stood anywhere; with one, its blank cell says that there is none.
    if not is_read:
        raise unreadable(row, "no number is found in it, and no column is called phone")
    return frozenset(found)


def _of_any_cell(cell: str) -> frozenset[str] | None:
    """The phones of a cell whose column does not say phone: dates and ids are none. None: there is none in it."""
    phone, reason = phones.normalise(cell)
    if phone:
        return frozenset((phone,))
    if (reason not in _WRITTEN_OTHERWISE or ":" in cell) and not (reason == phones.LETTERS and _labelled.fullmatch(cell)):
        return None
    try:
        return numbers_of(cell)
    except UnreadError:
        return None


def _is_header(cells: list[str], *, says_phone: bool) -> bool:
    """Whether the first row names columns. A row of somebody that is taken for names would be an opt-out that is lost, and the
    word `mobile` stands beside numbers, too."""
    if not any(char.isalpha() for cell in cells for char in cell):
        return False
    return not any(map(_has_number if not says_phone else _is_number, cells))


def _is_number(cell: str) -> bool:
    """Whether a cell is somebody's number, or what is left of one, beside cells that are names of columns."""
    cell = _date.sub("", cell)  # `exported 2026-11-05 10:00`
    try:
        return bool(numbers_of(cell))
    except UnreadError:
        return sum(char.isdigit() for char in cell) > 6 and _words.search(cell) is None


def _has_number(cell: str) -> bool:
    try:
        return bool(numbers_of(cell)) or _email.fullmatch(cell) is not None
    except UnreadError as error:
        # Damaged, masked or half a number: a row of somebody, and no header.
        is_damaged = str(error) == phones.SCIENTIFIC or sum(char.isdigit() for char in cell) > 6
        return is_damaged or _masked.fullmatch(cell) is not None or _email.fullmatch(cell) is not None


def _phone_columns(names: Sequence[str]) -> frozenset[int]:
    known = [field_name(name) for name in names]
    return frozenset(index for index, name in enumerate(known) if columns.is_phone_name(name) or _phone_words.fullmatch(name))


def unreadable(row: Row, reason: str, remedy: str = _REMEDY) -> ListError:
    """The error for a row that may stand for somebody, and nobody can say for whom."""
    return ListError(f"{row.where}, row {row.number}: {reason}; whom it suppresses cannot be read: {remedy}")
