"""Lists of text lines: CSV, JSON lines, one number a line.

Lives here: lines to rows, each a `Contact` or, where it cannot be read, `Skipped`.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from rumbleup_async.errors import ListError
from rumbleup_async.lists import columns as naming
from rumbleup_async.lists import header, mappings, widths
from rumbleup_async.lists.contact_list import ContactList, words_of
from rumbleup_async.lists.csv_records import Fault, Records
from rumbleup_async.lists.lines import Lines, Readable
from rumbleup_async.lists.rows import Rows
from rumbleup_async.messaging import Contact, Skipped
from rumbleup_async.screening.template import field_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rumbleup_async.lists.reading import Reading

_FORMS = {"csv": "CSV", "jsonl": "JSON lines", "plain": "one number a line"}


class TextList(ContactList):
    """A list of lines, from an open binary stream."""

    def __init__(self, stream: Readable, where: str, reading: Reading) -> None:
        super().__init__(where, reading)
        try:
            self._lines = Lines(stream, reading.encoding, reading.copy)
        except (OSError, ValueError) as error:
            raise ListError(f"{where}: cannot be read: {words_of(error)}") from None
        head = self._lines.head
        sample = self._lines.sample()
        if not sample and self._lines.whole:  # of a file with no more than a byte order mark, too
            raise ListError(f"{where}: is empty; it needs a line a contact")
        header.refuse_foreign(head, where, encoding=reading.encoding or self._lines.encoding)
        if not sample:
            raise ListError(f"{where}: its first line is longer than 64 KiB; this is not a list with a line a contact")
        found = self._header = header.read(sample, where, reading.phone_field)
        if self._lines.whole and not any(line.strip() for line in sample[found.lines :]):
            raise self._no_contacts()
        self.kind = found.kind
        self.form = _FORMS[found.kind]
        above = sample[: max(0, found.lines - 1)] if found.kind == "csv" and found.row > 1 else []
        self._has_title = any(line.strip() and not header.separator_line(line.strip()) for line in above)
        self._sample = sample[found.lines :] if found.kind == "csv" else []
        self._has_spaces = f"{found.delimiter} " in "".join(sample[: found.lines])
        self.columns = found.columns
        if found.columns is not None:
            self.phone_field = ",".join(found.columns[index] for index in found.phones or (found.phone,))
            header.refuse_repeated(found.columns, self._wanted or (), where)
            names = list(found.columns)
        else:
            names, settled = mappings.require_phone_key(sample, where, reading.phone_field)
            self.phone_field = self.phone_field or settled
        self._begin(names, found.cells or names)
        if found.kind != "csv":
            self._lines.cr_ends = True

    def _own_fingerprint(self) -> str | None:
        """That of the raw bytes."""
        return self._lines.fingerprint

    @property
    def encoding(self) -> str:
        known = self._reading.encoding or self._lines.encoding or "UTF-8"
        return f"{known} and {guessed}" if (guessed := self._lines.notes.guessed) else known

    def _own_notes(self) -> list[str]:
        below = f"the header is row {self._header.row}; what stands above it is passed over" if self._has_title else ""
        return [*([below] if below else ()), *self._lines.notes()]

    @property
    def header(self) -> tuple[str, ...]:
        """The columns of `raw` as they came: those of a CSV file, else one for the line."""
        return self._header.cells or ((self.columns or ("phone",))[0] if self.kind == "plain" else "line",)

    def raw(self) -> Iterator[tuple[int, Sequence[str]]]:
        """Every row that is not blank with its cells as they came, instead of `batches`; of one that cannot be read, its line."""
        self._taken = True
        at = self._header.row
        if self.kind != "csv":
            for lines in self._data():
                yield from ((row, [line]) for row, line in enumerate(lines, at + 1) if line.strip())
                at += len(lines)
            return
        records = Records(self._header.delimiter, self._width)
        # `None` is the end: what a record that is still open holds comes then.
        for some in itertools.chain[list[str] | None](self._data(), [None]):
            found = records.feed(some or [], last=some is None)
            for row, record in enumerate(found, at + 1):
                if isinstance(record, Fault):
                    yield row, [record.line]
                elif record:
                    yield row, record
            at += len(found)

    @property
    def _width(self) -> int:
        # Columns without a name at the end of the header are no columns: a value there is a shifted row's.
        return max(index for index, name in enumerate(self.columns or ()) if name) + 1

    def _rows(self) -> Iterator[list[Contact | Skipped]]:
        return {"csv": self._from_csv, "jsonl": self._from_objects, "plain": self._from_numbers}[self.kind]()

    def _data(self) -> Iterator[list[str]]:
        """The lines after the header."""
        heads = self._header.lines
        for lines in self._lines:
            yield lines[heads:] if heads else lines
            heads = max(0, heads - len(lines))

    def _from_numbers(self) -> Iterator[list[Contact | Skipped]]:
        name, row = self.phone_field or "phone", self._header.row
        keep = self._wanted is None or name in self._wanted
        for lines in self._data():
            cells = [line.strip().strip('"').strip() for line in lines]
            yield [
                Contact(row, cell, {name: cell} if keep else {})
                if not cell[0].isalpha() or not naming.is_phone_name(field_name(cell))
                else Skipped(row, "", naming.AGAIN)
                for row, cell in enumerate(cells, row + 1)
                if cell
            ]
            row += len(lines)

    def _from_objects(self) -> Iterator[list[Contact | Skipped]]:
        row = self._header.row
        for lines in self._data():
            yield [
                mappings.contact_of_line(line, row, self.phone_field, self._wanted, self._consent)
                for row, line in enumerate(lines, row + 1)
                if line and not line.isspace()
            ]
            row += len(lines)

    def _from_csv(self) -> Iterator[list[Contact | Skipped]]:
        columns = self.columns or ()
        width = self._width
        pick = [
            (name, index)
            for index, name in enumerate(columns)
            if name and columns.count(name) == 1 and (self._wanted is None or name in self._wanted)
        ]
        lengths = widths.lengths(self._sample, self._header, width, has_spaces=self._has_spaces)
        rows = Rows(self._header, width, pick, lengths, self._where, self._consent, self._keep)
        records = Records(self._header.delimiter, width)
        for lines in self._data():
            yield rows.of(records.feed(lines))
        yield rows.of(records.feed([], last=True))
