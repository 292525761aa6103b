"""What a list with typed cells is, whatever it comes from: columns, and rows of as many cells.

Lives here: the protocol, and the search for the header of a sheet. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from rumbleup_async.lists import columns as naming
from rumbleup_async.screening.template import field_name

Record = Sequence[str]
"""The cells of a row as text; none at all for a row that is blank."""


class Table(Protocol):
    """An open table, read once.

    `where` says which it is in an error, `form` what it is. `header` has the names of the columns as they came, and `row` is the
    number of the row that they stand in, 0 if they stand in none.
    """

    @property
    def where(self) -> str: ...
    @property
    def form(self) -> str: ...
    @property
    def header(self) -> tuple[str, ...]: ...
    @property
    def row(self) -> int: ...
    @property
    def several(self) -> Sequence[int]:
        """Which columns hold several values in each row, none of which is the phone for certain."""

    @property
    def fingerprint(self) -> str | None:
        """Tells this list from others, once it has been read to its end."""

    def blocks(self, wanted: Sequence[int]) -> Iterator[list[Record]]:
        """All rows in their order, some at a time: of each the cells of these columns. Raises `ListError`, `OSError`."""

    def notes(self) -> list[str]:
        """What is to be said of how it was read."""

    def close(self) -> None: ...


DEPTH: Final = 30
"""Rows that are looked at for a header."""


def header_at(rows: Sequence[Sequence[str]], phone_field: str | None) -> int | None:
    """Which of these first rows names the columns: the first of them that names a phone and holds nobody's number. Above it may
    stand names of groups of columns, of which one may say phones, too; they are fewer."""
    for number, cells in enumerate(rows):
        if not _names_phone(cells, phone_field):
            continue
        below = rows[number + 1] if number + 1 < len(rows) else ()
        is_group = _names_phone(below, phone_field) and sum(map(bool, below)) > sum(map(bool, cells))
        return number + is_group
    return None


def _names_phone(cells: Sequence[str], phone_field: str | None) -> bool:
    if any(sum(c.isdigit() for c in cell) > 6 for cell in cells):
        return False
    return naming.has_phone([field_name(cell) for cell in cells], phone_field)
