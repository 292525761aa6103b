"""How a list gets into the ledger of a run: as a whole from a file, or batch by batch from what the caller hands over.

Lives here: opening, checking and loading a list, and what is to be said of how it was read.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from rumbleup_async.errors import ConfigurationError, LedgerMismatch, ListError
from rumbleup_async.lists import contacts as lists
from rumbleup_async.lists.batches import BATCH, require_conditions, screened
from rumbleup_async.lists.frames import is_frame
from rumbleup_async.lists.lines import Writable
from rumbleup_async.lists.sources import scheme_of
from rumbleup_async.messaging import Planned, Skipped
from rumbleup_async.runs.choosing import Choosing
from rumbleup_async.runs.planning import Settings, consent_check, has_consent, keep_of
from rumbleup_async.runs.setup import Setup
from rumbleup_async.screening.notes import notes_of
from rumbleup_async.screening.screen import Screen

if TYPE_CHECKING:
    from rumbleup_async.people.run_book import RunBook


class ListLoading:
    """Reads the list of one run. `is_stopped` is asked between batches; a list that is cut short is read anew the next time."""

    def __init__(self, setup: Setup, is_stopped: Callable[[], bool]) -> None:
        self._setup = setup
        self._is_stopped = is_stopped
        self._columns: Sequence[str] = ()
        self.is_cut_short = False
        """The run was stopped while its list was read."""
        self.notes: tuple[str, ...] = ()
        """What is to be said of how a list file was read, such as its encoding."""
        self.absent_fields: tuple[str, ...] = ()
        """Merge fields that the list has no column for: their fallback is used for everybody."""

    @property
    def text_notes(self) -> list[str]:
        """What is worth knowing of the text before it is sent."""
        return [] if self._setup.screen is None else notes_of(self._setup.screen, self._columns)

    async def load(self, path: object, progress: Callable[[int], None] | None = None, *, copy: Writable | None = None) -> bool:
        """Read a whole list, a file, a query or a frame, into the ledger. True if it was read to its end, False if this
        very list is there already or the run was stopped meanwhile. Raises ListError, LedgerMismatch, ConfigurationError."""
        screen, settings, ledger = *self._texts(), self._setup.ledger
        book = self._setup.book
        source = os.fspath(path) if isinstance(path, os.PathLike) else path
        # Of whom it is not known yet where they are, the list is read once more: no text of it has left.
        is_known = self._setup.hours is None or self._setup.is_placed
        if ledger.fingerprint is not None and await self._is_same_list(source, settings) and is_known:
            return False
        consent, keep, placing = consent_check(settings), keep_of(settings), self._setup.placing
        opened = await anyio.to_thread.run_sync(
            lambda: lists.open_list(
                source,
                phone_field=settings.phone_field,
                fields=None if settings.writer is not None else screen.needed_fields,
                encoding=settings.encoding,
                sheet=settings.part.sheet,
                query=settings.part.query,
                consent=consent,
                keep=keep,
                copy=copy,
                whereabouts=placing,
            )
        )
        if placing is not None:
            screen.place_by(placing.placing())

        choosing = self._choosing(screen, settings)
        screen_batch = screen.batch if choosing is None else choosing.in_thread()

        def batches() -> Iterator[Sequence[Planned | Skipped]]:
            done = 0
            for batch in opened.batches(BATCH):
                if self._is_stopped():
                    raise _LoadStopped
                planned = screen_batch(batch)
                if planned is None:
                    raise _LoadStopped
                if keep is not None:
                    planned = keep.with_cells(batch, planned)
                yield planned if book is None else book.sift(planned)
                done += len(batch)
                if progress is not None:
                    progress(done)

        try:
            opened.require(screen.required_fields)
            require_conditions(screen, opened.names, opened.where)
            self.absent_fields = _absent(opened.columns, screen.merge_fields)
            self._columns = opened.names
            screen.learn(opened.names)
            if ledger.is_used:
                await ledger.load(())  # it refuses another list, and what was given with that is not kept
            await self._setup.keep_care()
            # One row can leave a person out of all other rows, so all rows are read first.
            loading = ledger.load(batches(), **({"left_out": consent.barred} if has_consent(settings) else {}))
            await (loading if choosing is None else choosing.until_done(loading))
            await ledger.complete(opened.fingerprint or "")
            self.notes = tuple(opened.notes)
        except _LoadStopped:
            self.is_cut_short = True
            return False
        finally:
            opened.close()
        return True

    def screened(self, contacts: Iterable[object] | AsyncIterable[object]) -> AsyncGenerator[Sequence[Planned | Skipped], None]:
        """The contacts of a caller's iterable as screened batches, read as they are sent. Raises ConfigurationError."""
        screen, settings = self._texts()
        consent = consent_check(settings) if has_consent(settings) else None
        choosing = self._choosing(screen, settings)
        rows = screened(
            contacts,
            screen,
            settings.phone_field,
            consent,
            keep_of(settings),
            self._setup.placing,
            None if choosing is None else choosing.batch,
        )
        return rows if self._setup.book is None else _sifted(rows, self._setup.book)

    def _choosing(self, screen: Screen, settings: Settings) -> Choosing | None:
        """What has the caller's function choose the texts; None where there is none."""
        if settings.writer is None:
            return None
        return Choosing(screen, settings.writer, require_opt_out=settings.require_opt_out, is_stopped=self._is_stopped)

    def check_begun(self) -> None:
        """ListError where nothing was handed in and the ledger has no list either."""
        ledger = self._setup.ledger
        if not (self._setup.is_concurrent or self._is_stopped() or ledger.fingerprint is not None or any(ledger.counts.values())):
            raise ListError("there is no list: neither was one handed to send(), nor is one in the ledger; give contacts")

    def _texts(self) -> tuple[Screen, Settings]:
        """What makes texts of rows; ConfigurationError where the run takes no list."""
        setup = self._setup
        if setup.is_concurrent:
            raise ConfigurationError("in concurrent mode the provider hands out the contacts; there is no list to read")
        if setup.screen is None or setup.settings is None:
            raise ConfigurationError("a resumed run has its list already")
        return setup.screen, setup.settings

    async def _is_same_list(self, source: object, settings: Settings) -> bool:
        """Whether this is the list that is in the ledger already. Where it is another, the ledger says if it may be replaced."""
        ledger = self._setup.ledger
        is_file = not isinstance(source, str) or await anyio.to_thread.run_sync(is_lasting, source)
        if not is_file:
            if not ledger.is_used:
                return False  # as good as new, and what can be read only once is read now
            if source == "-" and (sys.stdin is None or sys.stdin.closed):
                raise ListError("standard input is closed; pipe the list into it or name a file")
        try:
            found = await anyio.to_thread.run_sync(lists.fingerprint, source, settings.part.sheet, settings.part.query)
        except OSError as error:
            raise ListError(f"{source}: cannot be read: {error.strerror or type(error).__name__}") from None
        is_same = found == ledger.fingerprint
        if not is_same and not is_file:
            await ledger.load(())  # it refuses another list, and says what to do
            raise LedgerMismatch("the ledger was begun with another list; use a new one")
        return is_same


async def _sifted(
    batches: AsyncGenerator[Sequence[Planned | Skipped], None], book: RunBook
) -> AsyncGenerator[Sequence[Planned | Skipped], None]:
    """These batches, without whom the book leaves out."""
    async with aclosing(batches):
        async for batch in batches:
            yield await book.sift_soon(batch)


def is_lasting(source: str) -> bool:
    """Whether this list can be read more than once."""
    return bool(scheme_of(source)) or Path(source).is_file()


def check_contacts(contacts: object) -> None:
    """ListError for what is no list of contacts, with the remedy."""
    lists.refuse_table(contacts)
    if is_frame(contacts):
        return
    if isinstance(contacts, str) and not contacts.strip("0123456789+-.() ") and sum(map(str.isdigit, contacts)) >= 7:
        if not Path(contacts).exists():
            raise ListError("a string is the path of a list, and this one seems to be a phone; give a list of phones: [phone]")
    elif isinstance(contacts, Mapping):
        kind = type(contacts).__name__
        raise ListError(f"a list is a path or an iterable of contacts, not one {kind}; give a list of mappings: [contact]")
    elif inspect.iscoroutine(contacts):
        contacts.close()
        raise ListError("the list is a coroutine; await it first: run.send(await rows())")
    elif inspect.isroutine(contacts):
        raise ListError("the list is a function; call it: run.send(rows())")
    elif (inspect.isgenerator(contacts) and contacts.gi_frame is None) or (
        inspect.isasyncgen(contacts) and contacts.ag_frame is None
    ):
        raise ListError("the list is a generator that was used up already: nobody would be texted; make it anew, or keep a list")
    elif callable(getattr(contacts, "read", None)):
        raise ListError("the list is an open file; give its path, or rows that you read from it, such as csv.DictReader(file)")
    elif isinstance(contacts, (bytes, bytearray, memoryview)) or not isinstance(
        contacts, (str, os.PathLike, Iterable, AsyncIterable, type(None))
    ):
        raise ListError(f"a list is a path or an iterable of contacts, not one {type(contacts).__name__}")


def _absent(columns: Sequence[str] | None, fields: Sequence[str]) -> tuple[str, ...]:
    return () if columns is None else tuple(field for field in fields if field not in columns)


class _LoadStopped(Exception):
    """The run was stopped while its list was read."""
