"""Contacts of a list that comes in while the run is under way, from an iterable of the caller's.

Lives here: bringing them into the ledger, not too far ahead of the sending.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from rumbleup_async.engine.outlet import Outlet
from rumbleup_async.engine.ports import Ledger, Source
from rumbleup_async.errors import LedgerMismatch, ListError
from rumbleup_async.messaging import Planned, Skipped, State
from rumbleup_async.stops import Cause, Stop

_AHEAD = 20_000
"""Contacts that a feed may be ahead of the sending."""


class Fed(Protocol):
    """What a feed tells of itself."""

    stopped: Stop | None

    @property
    def put_aside(self) -> int: ...

    def wake(self) -> None:
        """The queue may have become longer, or the feed is done."""

    def fail(self, error: BaseException, why: Stop) -> None: ...


class Feed:
    """Reads `rows` to their end. `is_comparing`: it has not shown yet that it is the list of before, so nothing is sent."""

    def __init__(
        self, books: Fed, source: Source, ledger: Ledger, outlet: Outlet, rows: AsyncIterator[Sequence[Planned | Skipped]]
    ) -> None:
        self._books = books
        self._source = source
        self._ledger = ledger
        self._outlet = outlet
        self._rows = rows
        self._room = asyncio.Event()
        self._known = ledger.last_row
        """Up to this row the ledger knows the list from before."""
        self._wants_whole = source.wants_whole
        """Nobody is sent to before the whole list is in."""
        self.is_comparing = bool(self._known)
        self.is_done = False
        """Nothing more comes."""
        self.is_whole = False
        """It was read to its end."""

    @property
    def holds_back(self) -> bool:
        """Nobody may be opened yet."""
        return self.is_comparing or (self._wants_whole and not self.is_whole)

    def ring(self) -> None:
        """There may be room again."""
        self._room.set()

    @asynccontextmanager
    async def coming_in(self) -> AsyncIterator[None]:
        """Read within this context; whatever is still to come when it is left is left."""
        task = asyncio.create_task(self._take_in())
        try:
            yield
        finally:
            self.is_done = True
            task.cancel()
            await asyncio.wait([task])

    async def _take_in(self) -> None:
        try:
            async for rows in self._rows:
                await self._wait_for_room()
                skipped = await self._ledger.add(rows)
                if rows and rows[-1].row >= self._known:
                    self.is_comparing = False
                self._source.refill()
                self._books.wake()
                self._outlet.results(skipped)
            self._check_compared()
            await self._ledger.complete("")
            self.is_whole = True
        except asyncio.CancelledError:
            if self.is_done:
                raise
            # Not our doing: whatever the list comes from was cancelled, and the list is not whole.
            error = ListError("the list was cancelled while it was read")
            self._books.fail(error, Stop(Cause.LIST_FAILED, str(error)))
        except Exception as error:  # noqa: BLE001 - whatever the caller's iterable raises is raised again by run()
            self._books.fail(error, Stop(Cause.LIST_FAILED, f"the list could not be read to its end: {type(error).__name__}"))
        self.is_done = True
        self._books.wake()

    def _check_compared(self) -> None:
        if self.is_comparing:
            raise LedgerMismatch("the list is shorter than the one the ledger was begun with; use a new ledger for a new list")

    async def _wait_for_room(self) -> None:
        while self._outlet.is_full() or self._is_far_ahead():
            self._room.clear()
            await self._room.wait()

    def _is_far_ahead(self) -> bool:
        return not self.holds_back and self._ledger.counts[State.QUEUED] - self._books.put_aside > _AHEAD
