"""Contact lists, read lazily: CSV, JSON lines, one number a line, standard input, and any Python iterable.

Lives here: rows to `Contact` or, where a row cannot be read, `Skipped`.

Every row comes out exactly once, in order, so that nothing of a list is silently lost. Blank lines are not rows of
anybody, but they count for the row numbers, which are those a spreadsheet or an editor shows: in CSV the number of the
record with the header as row 1, elsewhere the number of the line, in an iterable the position from 1.
"""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Self

from rumbleup_async.errors import ListError
from rumbleup_async.lists import columns as naming
from rumbleup_async.lists import encodings, header, mappings, widths
from rumbleup_async.lists.consent import ConsentCheck
from rumbleup_async.lists.csv_records import Fault, Records
from rumbleup_async.lists.kept_columns import Keep
from rumbleup_async.lists.lines import Lines, Readable, Writable, fingerprint
from rumbleup_async.lists.mappings import contact_of, from_iterable, refuse_table
from rumbleup_async.lists.rows import Rows
from rumbleup_async.lists.whereabouts import Whereabouts
from rumbleup_async.messaging import Contact, Skipped
from rumbleup_async.screening.template import field_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from types import TracebackType

__all__ = ["ContactList", "contact_of", "fingerprint", "from_iterable", "open_list", "refuse_table"]

_BATCH: Final = 2000


def open_list(
    source: str | os.PathLike[str] | BinaryIO,
    *,
    phone_field: str | None = None,
    fields: Collection[str] | None = None,
    encoding: str | None = None,
    consent: ConsentCheck | None = None,
    keep: Keep | None = None,
    copy: Writable | None = None,
    whereabouts: Whereabouts | None = None,
) -> ContactList:
    """Open a list: a path, "-" for standard input, or a binary file, which stays the caller's to close.

    `phone_field` names the phone column where its name does not say so. `fields` are the columns to keep in
    `Contact.fields` (None: all); they may be absent, see `ContactList.require`. `encoding` is that of the file, as Python
    calls it (None: UTF-8, UTF-16, or what lines that are neither seem to be; `ContactList.notes` says so).

    `consent` looks at the columns that say who must not be texted; `keep` says which go with the contacts, `whereabouts` which
    say where they are; `copy` takes the bytes as they are read.

    Raises `ListError`, with the remedy, for anything that is not a list of contacts with one phone column, and
    `ConfigurationError` for an encoding that is none.
    """
    encoding = None if encoding is None else encodings.named(encoding)
    more = (encoding, consent, keep, copy, whereabouts)
    if isinstance(source, str | os.PathLike) and source != "-":
        where = str(source)
        try:
            # No buffer: the reader asks for large blocks, which go past it anyway.
            stream = Path(source).open("rb", buffering=0)  # noqa: SIM115 - closed by the ContactList
        except FileNotFoundError:
            raise ListError(f"{where}: there is no such file") from None
        except IsADirectoryError:
            raise ListError(f"{where}: is a directory; give the file of the contact list") from None
        except (OSError, ValueError) as error:
            raise ListError(f"{where}: cannot be opened: {_words(error)}") from None
        try:
            return ContactList(stream, where, phone_field, fields, stream.close, *more)
        except BaseException:
            stream.close()
            raise
    if isinstance(source, str | os.PathLike):
        if sys.stdin is None or sys.stdin.closed:
            raise ListError("standard input is closed; pipe the list into it or name a file")
        return ContactList(sys.stdin.buffer, "standard input", phone_field, fields, None, *more)
    if isinstance(getattr(source, "encoding", None), str):
        raise ListError('the list was opened as text; open it in binary mode, "rb"')
    return ContactList(source, str(getattr(source, "name", "the list")), phone_field, fields, None, *more)


class ContactList:
    """An open list. It is read once, by `batches` or by iterating over it.

    `kind` is "csv", "jsonl" or "plain"; `columns` the normalised column names, None for JSON lines; `phone_field` the
    column of the phone, None for JSON lines where each object says it itself.
    """

    def __init__(
        self,
        stream: Readable,
        where: str,
        phone_field: str | None,
        fields: Collection[str] | None,
        close: Callable[[], None] | None,
        encoding: str | None = None,
        consent: ConsentCheck | None = None,
        keep: Keep | None = None,
        copy: Writable | None = None,
        whereabouts: Whereabouts | None = None,
    ) -> None:
        self._where = where
        self._close = close
        self._taken = False
        try:
            self._lines = Lines(stream, encoding, copy)
        except (OSError, ValueError) as error:
            raise ListError(f"{where}: cannot be read: {_words(error)}") from None
        head = self._lines.head
        sample = self._lines.sample()
        if not sample and self._lines.whole:  # of a file with no more than a byte order mark, too
            raise ListError(f"{where}: is empty; it needs a line a contact")
        header.refuse_foreign(head, where, encoding=encoding or self._lines.encoding)
        if not sample:
            raise ListError(f"{where}: its first line is longer than 64 KiB; this is not a list with a line a contact")
        found = self._header = header.read(sample, where, phone_field)
        if self._lines.whole and not any(line.strip() for line in sample[found.lines :]):
            raise self._no_contacts()
        self.kind = found.kind
        self._sample = sample[found.lines :] if found.kind == "csv" else []
        self._has_spaces = f"{found.delimiter} " in "".join(sample[: found.lines])
        self.columns = found.columns
        self.phone_field = field_name(phone_field) if phone_field is not None else None
        self._wanted = None if fields is None else frozenset(map(field_name, fields))
        names: list[str] = []
        if found.columns is not None:
            self.phone_field = found.columns[found.phone]
            header.refuse_repeated(found.columns, self._wanted or (), where)
            names = list(found.columns)
        else:
            names = mappings.require_phone_key(sample, where, self.phone_field)
        self.names: tuple[str, ...] = tuple(name for name in names if name)
        """The names of columns as far as they are known: of JSON lines those of its beginning."""
        self._consent = consent
        if consent is not None:
            consent.begin(names, where)
        self._keep = keep
        if keep is not None:
            keep.begin(names, found.cells or names, self.phone_field, where)
            self._wanted = keep.wanted(self._wanted)
        if whereabouts is not None:
            whereabouts.begin(names, where)
            self._wanted = whereabouts.wanted(self._wanted)
        if found.kind != "csv":
            self._lines.cr_ends = True

    @property
    def fingerprint(self) -> str | None:
        """The fingerprint of the raw bytes, the same as `fingerprint(path)`; None until the list is read to its end."""
        return self._lines.fingerprint if self._taken else None

    @property
    def notes(self) -> list[str]:
        """What is to be said of how the list was read, in words without a phone; complete once it is read to its end."""
        return [*self._lines.notes(), *(self._consent.notes() if self._consent is not None else ())]

    def require(self, fields: Iterable[str]) -> None:
        """Raise `ListError` if one of these merge fields is not a column, which would skip every contact.

        Knows nothing of JSON lines, where each object may have other keys.
        """
        if self.columns is not None:
            header.require_columns(self.columns, [field_name(field) for field in fields], self._where)

    def batches(self, size: int = _BATCH) -> Iterator[list[Contact | Skipped]]:
        """The rows, `size` at a time (the last batch may be shorter). Raises `ListError` if reading fails or none came."""
        if self._taken:
            raise RuntimeError("a contact list is read once; open it again")
        self._taken = True
        return self._batches(size)

    @property
    def header(self) -> tuple[str, ...]:
        """The columns of `raw` as they came: those of a CSV file, else one for the line."""
        return self._header.cells or ((self.columns or ("phone",))[0] if self.kind == "plain" else "line",)

    def raw(self) -> Iterator[tuple[int, list[str]]]:
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

    def __iter__(self) -> Iterator[Contact | Skipped]:
        for batch in self.batches():
            yield from batch

    def close(self) -> None:
        """Close the file, if `open_list` opened it."""
        if self._close is not None:
            self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"ContactList({self._where!r}, kind={self.kind!r}, phone_field={self.phone_field!r})"

    def _batches(self, size: int) -> Iterator[list[Contact | Skipped]]:
        read = {"csv": self._from_csv, "jsonl": self._from_objects, "plain": self._from_numbers}[self.kind]
        rows: list[Contact | Skipped] = []
        empty = True
        try:
            for more in read():
                rows += more
                empty = empty and not rows
                whole = len(rows) - len(rows) % size
                for start in range(0, whole, size):
                    yield rows[start : start + size]
                del rows[:whole]
        except OSError as error:
            raise ListError(f"{self._where}: cannot be read on: {_words(error)}") from None
        if rows:
            yield rows
        if empty:
            raise self._no_contacts()

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

    def _no_contacts(self) -> ListError:
        return ListError(f"{self._where}: has no contacts; it ends after its header")


def _words(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
