"""Lines of a CSV file as records, with a watch on quotes.

Lives here: what a stray quote can do to a list, and how it is kept from doing it.

The csv module reads on to the next quote when one is never closed. A name typed as `"Ann` would swallow the
contacts after it, or text one person under another's name, and nothing would be reported. So a record over
several lines is taken only if it could not be anything else; otherwise its first line becomes a fault and reading
goes on at the second. The lines that the stray quote would have swallowed may also be the inside of a long note,
so they count only if they are complete.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _csv import Reader

MAX_LINES: Final = 20
"""A record over more lines than this is a quote that was never closed."""
_DOUBTFUL_LINES: Final = 1000

NEVER_CLOSED: Final = "quote never closed"
STRAY_QUOTE: Final = "a quote in the middle of a cell"
CELL_TOO_LONG: Final = "a cell or line is too long"
ROW_IN_CELL: Final = "a quoted cell holds what looks like another row"


class Fault(list[str]):
    """In the place of a record, what is wrong with it and its line. An empty list: no record of the right length is one.

    `is_quote`: the lines behind it may be the inside of a cell.
    """

    __slots__ = ("is_quote", "line", "reason")

    def __init__(self, reason: str, line: str = "", *, is_quote: bool = False) -> None:
        super().__init__()
        self.reason = reason
        self.line = line[:_SHOWN]
        self.is_quote = is_quote


_SHOWN: Final = 4000
"""Characters of a faulty line that are kept."""


class Records:
    """Records of `columns` cells from lines without their ends: one entry a record, `[]` for a blank line."""

    def __init__(self, delimiter: str, columns: int) -> None:
        self._delimiter = delimiter
        self._columns = columns
        self._open: list[str] = []
        self._doubtful = 0
        edge = re.escape(delimiter)
        # Ten digits that fill a cell: a delimiter on one side at least, the end of the line or another on the other.
        cell = r' *"?\+?1?[ .-]?\(?\d{3}\)?[ .-]*\d{3}[ .-]*\d{4}"? *'
        self._phone_cell = re.compile(rf"{edge}{cell}(?:{edge}|$)|^{cell}{edge}", re.MULTILINE | re.ASCII).search

    def feed(self, lines: list[str], *, last: bool = False) -> list[list[str]]:
        """The records of these lines. A record that may go on in the next
        lines is kept back unless these are the last."""
        if self._open:
            lines = self._open + lines
            self._open = []
        if not self._doubtful:
            if self._is_plain("\n".join(lines)):
                return [line.split(self._delimiter) for line in lines]
            try:
                # The empty line at the end becomes a record of its own, unless a quote is still open there.
                records = list(self._read([*lines, ""]))
            except csv.Error:
                records = []
            if len(records) == len(lines) + 1:
                records.pop()
                return records
        return self._carefully(lines, last)

    def _is_plain(self, text: str) -> bool:
        """Whether the csv module would do no more with these lines than cut them at
        the delimiters, at three times the cost."""
        return not (
            '"' in text
            or "\r" in text
            or f"{self._delimiter} " in text
            or "\n " in text
            or "\n\n" in text
            or text[:1] in ("", "\n", " ")
            or text.endswith("\n")
            or len(text) > csv.field_size_limit()
        )

    def _read(self, lines: list[str]) -> Reader:
        # Strict: a quote that closes in the middle of a cell is an error, and not the guess that the cell goes on.
        return csv.reader(lines, delimiter=self._delimiter, skipinitialspace=True, strict=True)

    def _carefully(self, lines: list[str], last: bool) -> list[list[str]]:
        """The same record by record: each is read alone, and no further than a record may reach."""
        entries: list[list[str]] = []
        start = 0
        while start < len(lines):
            line = lines[start]
            window = lines[start : start + MAX_LINES] if line.count('"') % 2 else [line]
            length, record = self._first_of(window)
            if length > len(window) == 1:
                window = lines[start : start + MAX_LINES]
                length, record = self._first_of(window)
            if length > len(window) and len(window) < MAX_LINES and not last:
                self._open = lines[start:]
                break
            found = self._of_line(line, record) if length == 1 else self._of_several(window, length, record)
            entries.extend(found)
            start += 1 if _is_quote(found[0]) else length
            self._doubt_after(found[0], line, length if length <= len(window) else _DOUBTFUL_LINES)
        return entries

    def _doubt_after(self, entry: list[str], line: str, length: int) -> None:
        """Keep count of the lines that follow a stray quote: to where it seemed
        closed, or the next that could close it."""
        if _is_quote(entry):
            self._doubtful = max(length - 1, 0) or MAX_LINES
        elif self._doubtful:
            self._doubtful = 0 if line.count('"') % 2 else max(0, self._doubtful - length)

    def _first_of(self, window: list[str]) -> tuple[int, list[str] | None]:
        """How many lines the first record takes (one more than there are if its quote stays open), and its cells."""
        reader = self._read([*[line + "\n" for line in window], ""])
        try:
            record = next(reader)
        except csv.Error:
            return reader.line_num, None
        return reader.line_num, record

    def _of_line(self, line: str, record: list[str] | None) -> list[list[str]]:
        if record is None and "\r" in line:
            return self._apart(line)
        if record is None:
            is_long = len(line) > csv.field_size_limit()
            return [Fault(CELL_TOO_LONG if is_long else STRAY_QUOTE, line, is_quote=not is_long)]
        if self._doubtful and record and not self._is_complete(record):
            return [Fault(f"{len(record)} columns where the header has {self._columns}, after a stray quote", line)]
        return [record]

    def _of_several(self, window: list[str], length: int, record: list[str] | None) -> list[list[str]]:
        """A record over several lines if it can be nothing else; a fault for
        each line if both readings are possible."""
        if record is None or length > len(window) or not self._is_complete(record):
            return [Fault(NEVER_CLOSED, window[0], is_quote=True)]
        if any("\n" in cell and self._phone_cell(cell) for cell in record):
            return [Fault(ROW_IN_CELL, line) for line in window[:length]]
        return [record]

    def _apart(self, line: str) -> list[list[str]]:
        """A line with lone carriage returns: several rows if each is
        complete, otherwise one with breaks in its cells."""
        pieces = [self._first_of([piece])[1] or [] for piece in line.split("\r") if piece.strip()]
        if '"' not in line and all(map(self._is_complete, pieces)):
            return pieces or [[]]
        line = line.replace("\r", " ")
        length, record = self._first_of([line])
        return self._of_line(line, record) if length == 1 else [Fault(NEVER_CLOSED, line, is_quote=True)]

    def _is_complete(self, record: list[str]) -> bool:
        return len(record) >= self._columns and not any(record[self._columns :])


def _is_quote(entry: list[str]) -> bool:
    return isinstance(entry, Fault) and entry.is_quote
