"""Who sends: the workers of this process. A fleet of processes fits in the same place.

Lives here: the protocol, and how workers of this process are started and ended.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import anyio

from rumbleup_async.engine.bookkeeper import Bookkeeper
from rumbleup_async.engine.leases import Leases
from rumbleup_async.engine.options import Options
from rumbleup_async.engine.outlet import Outlet
from rumbleup_async.engine.ports import Ledger, Pace
from rumbleup_async.engine.workers import Workers
from rumbleup_async.messaging import Plan
from rumbleup_async.rules.door import Door


class Crew(Protocol):
    """Workers, wherever they are."""

    @property
    def in_flight(self) -> int:
        """Texts being delivered at this moment, as far as that is known here."""

    @property
    def window(self) -> int:
        """Texts that may be in flight at this moment."""

    def at_work(self, books: Bookkeeper, door: Door, outlet: Outlet) -> AbstractAsyncContextManager[None]:
        """Workers of these books, as long as the context lasts; the books are kept within it. They ask at this door, and what
        happens is told to the outlet."""

    def proved(self) -> None:
        """The first text of the run was accepted."""

    def heed_hold(self, seconds: float) -> None:
        """Workers of other processes let nothing leave for so long, either."""

    def abandon(self) -> None:
        """Do not even wait for what is in flight."""


MakeCrew = Callable[[Ledger, Plan, Pace, Options], Crew]
"""Makes a crew for one run."""


class LocalCrew:
    """Fits `Crew`: workers of this process. `make(books, door)` puts them together; `leases`, where contacts are leased, lets
    them pause and hold."""

    def __init__(self, make: Callable[[Bookkeeper, Door], Workers], leases: Leases | None) -> None:
        self._make = make
        self._leases = leases
        self._workers: Workers | None = None

    @property
    def in_flight(self) -> int:
        return 0 if self._workers is None else self._workers.in_flight

    @property
    def window(self) -> int:
        return 1 if self._workers is None else self._workers.window

    @asynccontextmanager
    async def at_work(self, books: Bookkeeper, door: Door, outlet: Outlet) -> AsyncIterator[None]:  # noqa: ARG002 - the books tell
        workers = self._workers = self._make(books, door)
        books.employ(workers)
        async with anyio.create_task_group() as tasks:
            if self._leases is not None:
                self._leases.attach(books, workers.sender, tasks.start_soon)
            tasks.start_soon(workers.run, tasks.start_soon)
            yield
            workers.end()

    def proved(self) -> None: ...

    def heed_hold(self, seconds: float) -> None: ...

    def abandon(self) -> None:
        if self._workers is not None:
            self._workers.abandon()
        if self._leases is not None:
            self._leases.abandon()
