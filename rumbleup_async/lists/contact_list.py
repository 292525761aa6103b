"""A list of contacts that is open: what is common to all forms in which lists come.

Lives here: the columns that are read, who must not be texted by a column, batches, and what to say of a list.

Every row comes out exactly once, in order, so that nothing of a list is silently lost. Blank rows are not rows of
anybody, but they count for the row numbers, which are those a spreadsheet or an editor shows: in CSV and in workbooks
the header has one, elsewhere a row's number is its position from 1.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Final, Self

from rumbleup_async.errors import ListError
from rumbleup_async.lists import header
from rumbleup_async.lists.columns import phone_fields
from rumbleup_async.lists.lines import with_sheet
from rumbleup_async.lists.reading import Reading
from rumbleup_async.lists.streams import Incoming
from rumbleup_async.messaging import Contact, Skipped
from rumbleup_async.screening.template import field_name

_BATCH: Final = 2000


class ContactList(abc.ABC):
    """An open list. It is read once, by `batches` or by iterating over it.

    `kind` is "csv", "jsonl", "plain", "json" or "table"; `form` says it in words. `columns` are the normalised column
    names, None for JSON lines; `phone_field` is the column of the phone, None for JSON where each object says it itself.
    """

    kind: str
    form: str
    columns: tuple[str, ...] | None
    names: tuple[str, ...] = ()
    """The names of columns as far as they are known: of JSON lines those of its beginning."""

    def __init__(self, where: str, reading: Reading) -> None:
        self._where = where
        self._reading = reading
        self._taken = False
        self.phone_field = ",".join(phone_fields(reading.phone_field)) if reading.phone_field is not None else None
        self._wanted = None if reading.fields is None else frozenset(map(field_name, reading.fields))
        self._consent = reading.consent
        self._keep = reading.keep
        self._bytes: Incoming | None = None
        self._close: Callable[[], None] | None = None

    def comes_from(self, stream: Incoming | None) -> None:
        """The bytes as they came, where they were unpacked on the way: the list is told from others by them."""
        self._bytes = stream

    def closes(self, close: Callable[[], None]) -> None:
        """What is to be closed with the list."""
        self._close = close

    def _begin(self, names: Sequence[str], labels: Sequence[str]) -> None:
        """The list has these columns, so called by it. `ListError` where one that was asked for is missing."""
        self.names = tuple(name for name in names if name)
        if self._consent is not None:
            self._consent.begin(names, self._where)
        if self._keep is not None:
            self._keep.begin(names, labels, self.phone_field, self._where)
            self._wanted = self._keep.wanted(self._wanted)
        if (whereabouts := self._reading.whereabouts) is not None:
            whereabouts.begin(names, self._where)
            self._wanted = whereabouts.wanted(self._wanted)

    @property
    def encoding(self) -> str:
        """In which encoding a text is, once it is read to its end; "" for what is no text."""
        return ""

    @property
    def where(self) -> str:
        """What the list is called in an error."""
        return self._where

    @property
    def fingerprint(self) -> str | None:
        """Tells this list from others, the same as `fingerprint(path)` for a file; None until the list is read to its end."""
        if not self._taken:
            return None
        own = self._own_fingerprint() if self._bytes is None else self._bytes.fingerprint
        return own if own is None else with_sheet(own, self._reading.sheet)

    def _own_fingerprint(self) -> str | None:
        return None

    @property
    def notes(self) -> list[str]:
        """What is to be said of how the list was read, in words without a phone; complete once it is read to its end."""
        return [*self._own_notes(), *(self._consent.notes() if self._consent is not None else ())]

    @property
    @abc.abstractmethod
    def header(self) -> tuple[str, ...]:
        """The columns of `raw` as they came."""

    @abc.abstractmethod
    def raw(self) -> Iterator[tuple[int, Sequence[str]]]:
        """Every row that is not blank with its cells as they came, instead of `batches`; of one that cannot be read, its line."""

    def close(self) -> None:
        """Close the file, if `open_list` opened it."""
        if self._close is not None:
            self._close()

    @abc.abstractmethod
    def _own_notes(self) -> list[str]: ...

    @abc.abstractmethod
    def _rows(self) -> Iterator[list[Contact | Skipped]]:
        """The rows, in blocks of any length."""

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

    def __iter__(self) -> Iterator[Contact | Skipped]:
        for batch in self.batches():
            yield from batch

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"ContactList({self._where!r}, kind={self.kind!r}, phone_field={self.phone_field!r})"

    def _batches(self, size: int) -> Iterator[list[Contact | Skipped]]:
        rows: list[Contact | Skipped] = []
        empty = True
        try:
            for more in self._rows():
                rows += more
                empty = empty and not rows
                whole = len(rows) - len(rows) % size
                for start in range(0, whole, size):
                    yield rows[start : start + size]
                del rows[:whole]
        except OSError as error:
            raise ListError(f"{self._where}: cannot be read on: {words_of(error)}") from None
        if rows:
            yield rows
        if empty:
            raise self._no_contacts()

    def _no_contacts(self) -> ListError:
        return ListError(f"{self._where}: has no contacts; it ends after its header")


def words_of(error: OSError | ValueError) -> str:
    """What went wrong, without what the file holds."""
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
