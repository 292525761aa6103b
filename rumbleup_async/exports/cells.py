"""Cells of a report: what a spreadsheet does not run, and what shows nobody's phone.

Lives here: pure, but for the writing of a row.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from rumbleup_async.messaging import mask
from rumbleup_async.patterns import when_used

LONGEST: Final = 32_767
"""Characters that a cell of a workbook holds."""

_STARTS: Final = frozenset("=@+-\t\r\n\uff1d\uff20\uff0b\uff0d")
"""First characters by which spreadsheets know a formula; the last four are their wide forms."""

# A phone of the United States or Canada, written in any way, and no part of a longer number.
_phone = when_used(r"(?<!\d)(?:\+?1[ ./-]?)?(?:\([2-9]\d\d\) ?|[2-9]\d\d[ ./-]?)[2-9]\d\d[ ./-]?\d{4}(?!\d)", re.ASCII)
_plain = when_used(r"\D", re.ASCII)


def harmless(cell: str) -> str:
    """A cell from a list or a server; one that a spreadsheet would run as a formula becomes plain text."""
    if cell[:1] == "+" and cell[1:].isdecimal():
        return cell  # a phone: to a spreadsheet a number, no formula
    return "'" + cell if cell[:1] in _STARTS else cell


def whole(cell: str) -> str:
    """A cell in which no half of a character is left, which no file in UTF-8 can hold."""
    return cell if cell.isascii() else cell.encode("utf-8", "replace").decode()


def masked(cell: str) -> str:
    """A cell without its phones."""
    if sum(map(str.isdigit, cell)) < 10:
        return cell
    return _phone.sub(lambda found: mask(_plain.sub("", found[0])[-10:]), cell)


def apart(names: Iterable[str], ours: Iterable[str]) -> list[str]:
    """The names of kept columns beside those of the report, which come first and mean something else."""
    taken = set(ours)
    found = []
    for name in names:
        called = name
        while called.lower() in taken:
            called = f"list_{called}"
        taken.add(called.lower())
        found.append(called)
    return found


class _Writes(Protocol):
    def write(self, text: str, /) -> object:
        """Write it."""


class Csv:
    """Writes rows of CSV. A cell with a line end of any kind is quoted.

    Python's own writer leaves a carriage return bare, and whatever reads the file would begin a record behind it.
    """

    def __init__(self, file: _Writes) -> None:
        self._plain = csv.writer(file, lineterminator="\n")
        self._quoted = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)

    def row(self, cells: Sequence[object]) -> None:
        """Write a row."""
        has_return = any(isinstance(cell, str) and "\r" in cell for cell in cells)
        (self._quoted if has_return else self._plain).writerow(cells)
