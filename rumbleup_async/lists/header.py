"""What a list is, by its first lines: its kind, its delimiter, its columns, and which of them holds the phone.

Lives here: the guesses, made on content and never on a file's name, and the refusals with their remedies.

A guess that could be wrong is not made: the wrong column would text the wrong people.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from rumbleup_async.errors import ListError
from rumbleup_async.lists import columns as naming
from rumbleup_async.lists import documents
from rumbleup_async.lists.columns import choice, is_phone_name, listed
from rumbleup_async.lists.csv_records import MAX_LINES
from rumbleup_async.patterns import when_used
from rumbleup_async.screening import phones
from rumbleup_async.screening.template import field_name

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

DELIMITERS: Final = ",;\t|"
_SAMPLE_ROWS: Final = 20
separator_line = re.compile(r"\"?sep=(.)\"?\s*", re.IGNORECASE).fullmatch

_phone_as_decimal = when_used(r"[+-]?1?\d{10}(?:\.\d*|,\d{1,2})|[+-]?\d{1,2}(?:,\d{3}){3}(?:\.\d*)?", re.ASCII)

_a_word = when_used(r"\b(?!ext|cell|mob|home|work|fax|tel|phone)[^\W\d_]{3}", re.IGNORECASE)
"""What no number holds, be it ever so damaged."""

_control = when_used(r"[\x00-\x08\x0e-\x1f\x7f]")
"""What no program writes into the names of columns. Pictures and archives have it everywhere."""

REMEDY: Final = "name the column with --phone-field"


class Header(NamedTuple):
    """What the first lines say. `lines` of them are not data, and the first row of data follows row `row`."""

    kind: Literal["csv", "jsonl", "plain"]
    delimiter: str = ","
    columns: tuple[str, ...] | None = None
    phone: int = 0
    lines: int = 0
    row: int = 0
    phones: tuple[int, ...] = ()
    """All columns with phones, in the order in which they are tried; `phone` is the first."""
    cells: tuple[str, ...] = ()
    """The header of a CSV file as it came."""


def refuse_foreign(head: bytes, where: str, *, encoding: str = "") -> None:
    """Raise `ListError` for a file that is no list of text lines. `encoding`,
    if it is known, may be one full of zeros."""
    if (what := documents.of_bytes(head)) and not (encoding.startswith("utf-32") and head.startswith(b"\xff\xfe")):
        raise ListError(f"{where}: this is {what}")
    if head.count(0) * 5 > len(head) and not encoding:
        raise _no_text(where)


def _no_text(where: str) -> ListError:
    return ListError(f"{where}: this is not text, or UTF-16 without its mark; save it as CSV UTF-8")


def read(sample: list[str], where: str, phone_field: str | None) -> Header:
    """The header of the list that begins with these lines. Raises `ListError`
    where it is missing or can mean two things."""
    start = next((number for number, line in enumerate(sample) if line.strip()), None)
    if start is None:
        raise ListError(f"{where}: is empty; it needs a line a contact")
    first = sample[start].strip()
    if _control.search(first) and not is_number(first):
        raise _no_text(where)
    if what := documents.of_lines(sample[start : start + _SAMPLE_ROWS]):
        raise ListError(f"{where}: this is {what}")
    if first.startswith("{"):
        return Header("jsonl")
    delimiters = DELIMITERS
    separator = separator_line(first)
    hidden = 0
    if separator and start + 1 < len(sample):
        # Excel reads this line as a setting and shows the next one as row 1.
        delimiters, start, hidden = separator[1], start + 1, 1
    return (
        _csv(sample, start, hidden, delimiters, where, phone_field)
        or _plain(sample, start, where, phone_field)
        or _below_title(sample, start, hidden, delimiters, where, phone_field)
        or _refuse(sample[start : start + _SAMPLE_ROWS], delimiters, where, phone_field)
    )


def phone_columns(columns: Sequence[str], where: str, phone_field: str | None) -> tuple[int, ...]:
    """The indices of the columns that hold the phone: one, or those that `phone_field` names, in its order."""
    if phone_field is not None:
        return tuple(_column(columns, where, name) for name in naming.phone_fields_in(phone_field, columns))
    found = naming.phones_among(columns)
    if not found:
        raise ListError(f"{where}: no column is called phone, cell or mobile; {REMEDY}; it has {listed(columns)}")
    if len(found) > 1:
        names = [columns[index] for index in found]
        if len(set(names)) == 1:
            raise ListError(f"{where}: {len(names)} columns are called {names[0]!r}; rename all but one")
        several = f"--phone-field {','.join(names)}"
        raise ListError(f"{where}: the phone may be in {' or '.join(names)}; {REMEDY}, or all in their order: {several}")
    return tuple(found)


def _column(columns: Sequence[str], where: str, wanted: str) -> int:
    found = [index for index, name in enumerate(columns) if name == wanted]
    if not found:
        raise ListError(f"{where}: there is no column {wanted!r}; {choice(wanted, columns)}")
    if len(found) > 1:
        raise ListError(f"{where}: {len(found)} columns are called {wanted!r}; rename all but one")
    return found[0]


def require_columns(columns: Sequence[str], fields: Collection[str], where: str) -> None:
    """Raise `ListError` for the first of these fields that is no column, or more than one."""
    for field in fields:
        if field not in columns:
            raise ListError(f"{where}: there is no column {field!r} for the merge field; {choice(field, columns)}")
    refuse_repeated(columns, fields, where)


def refuse_repeated(columns: Sequence[str], fields: Collection[str], where: str) -> None:
    """Raise `ListError` if one of these fields is the name of several columns."""
    for field in fields:
        if columns.count(field) > 1:
            raise ListError(f"{where}: {columns.count(field)} columns are called {field!r}; rename all but one")


def header_of(lines: list[str], delimiter: str) -> tuple[list[str], int]:
    """The cells of the first record and the number of lines it takes; no cells if it cannot be read."""
    try:
        reader = csv.reader([line + "\n" for line in lines[:MAX_LINES]], delimiter=delimiter, skipinitialspace=True)
        return next(reader), reader.line_num
    except csv.Error:
        return [], 0


def _csv(sample: list[str], start: int, hidden: int, delimiters: str, where: str, phone_field: str | None) -> Header | None:
    """The header of a CSV file whose first record names the phone column under one of these delimiters."""
    best: tuple[int, str, tuple[str, ...], int, list[str]] | None = None
    for delimiter in delimiters:
        cells, lines = header_of(sample[start:], delimiter)
        names = tuple(map(field_name, cells))
        if len(names) > 1 and naming.has_phone(names, phone_field):
            found = (len(names), delimiter, names, lines, cells)
            best = max(best or found, found, key=lambda candidate: candidate[0])
    if best is None:
        return None
    _, delimiter, names, lines, cells = best
    if lines > 1 and sum(line.count('"') for line in sample[start : start + lines]) % 2:
        raise ListError(f"{where}, row {start + 1 - hidden}: a quote in the header is never closed; remove it")
    if any(map(is_number, cells)):
        raise _no_header(where, start + 1 - hidden)  # `2125550101,mobile` is somebody, and no names of columns
    phones = phone_columns(names, where, phone_field)
    return Header("csv", delimiter, names, phones[0], start + lines, start + 1 - hidden, phones, tuple(cells))


def _plain(sample: list[str], start: int, where: str, phone_field: str | None) -> Header | None:
    """The header of a list of one number a line, with or without a first line that says so."""
    name = field_name(sample[start])
    if is_phone_name(name) or (name and phone_field is not None and name == field_name(phone_field)):
        phone_columns([name], where, phone_field)
        return Header("plain", columns=(name,), lines=start + 1, row=start + 1)
    lines = [line for line in sample[start:] if line.strip()][:_SAMPLE_ROWS]
    if 2 * sum(map(is_number, lines)) < len(lines) and not (
        # Bad numbers are rows to report, not a reason to refuse the file, as long as there is nothing but one column.
        not any(map(_control.search, lines))
        and all(len(header_of([line], delimiter)[0]) < 2 for line in lines for delimiter in DELIMITERS)
        and any(sum(c.isdigit() for c in line) > 4 for line in lines)
        and 2 * sum(_a_word.search(line) is None for line in lines) > len(lines)
    ):
        return None
    if phone_field is not None:
        if not is_number(sample[start]):
            phone_columns([name], where, phone_field)
        raise ListError(f"{where}: has one number a line and no header, so no column {phone_field!r}; leave the name out")
    return Header("plain", columns=("phone",), lines=start, row=start)


def is_number(cell: str) -> bool:
    """Whether a cell can only have been meant as a phone, a spreadsheet's damage included."""
    bare = cell.strip().strip('"')
    phone, reason = phones.normalise(bare)
    # `1234,2125550101` are two cells.
    return (
        bool(phone) or reason == phones.SCIENTIFIC or (reason == phones.FLOAT and _phone_as_decimal.fullmatch(bare) is not None)
    )


def _refuse(lines: list[str], delimiters: str, where: str, phone_field: str | None) -> Header:
    if any(map(_control.search, lines)):
        raise _no_text(where)
    cells = max((header_of(lines, delimiter)[0] for delimiter in delimiters), key=len)
    if any(is_number(cell) for cell in cells):
        raise _no_header(where, 1)
    if len(cells) < 2 and phone_field is None:
        raise ListError(
            f"{where}: no column is called phone, cell or mobile, and the first line is one column; columns are divided by a "
            "comma, semicolon, tab or bar, and a list of numbers alone has one a line"
        )
    columns = list(map(field_name, cells))
    phone_columns(columns, where, phone_field)
    raise ListError(f"{where}: no phone column was found; put a header with the column phone above the contacts")


def _no_header(where: str, row: int) -> ListError:
    return ListError(
        f"{where}, row {row}: the first row looks like a contact; put a header above it, such as phone,first_name,last_name"
    )


def _below_title(
    sample: list[str], start: int, hidden: int, delimiters: str, where: str, phone_field: str | None
) -> Header | None:
    """The header of a CSV file that stands further down, below a title or a date of export. None if there is none."""
    lines = sample[start : start + _SAMPLE_ROWS]
    for number in range(1, len(lines)):
        for delimiter in delimiters:
            names = [field_name(cell) for cell in header_of(lines[number : number + 1], delimiter)[0]]
            named = naming.has_phone(names, phone_field)
            if sum(map(bool, names)) > 1 and named and not any(map(is_number, names)):
                below = [header_of([line], delimiter)[0] for line in lines[number + 1 :]]
                at = [index for index, name in enumerate(names) if naming.has_phone([name], phone_field)]
                is_sure = any(is_number(cells[index]) for cells in below for index in at if index < len(cells))
                if not is_sure or any(line.count('"') % 2 for line in lines[:number]):
                    raise ListError(
                        f"{where}: the header stands in row {number + 1}, below a title or something else; "
                        "delete the rows above it, so that the header is row 1"
                    )
                if any(is_number(cell) for line in lines[:number] for cell in header_of([line], delimiter)[0]):
                    raise _no_header(where, start + 1 - hidden)  # somebody stands above it
                return _csv(sample, start + number, hidden, delimiters, where, phone_field)
    return None
