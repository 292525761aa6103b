"""Everybody who looks at the page gets the same look at the same time: a ledger is read once a second, however many readers there
are, and not at all while there is none.

Lives here: the ticking, and one queue a reader. Messages are server-sent events, encoded once for all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

import msgspec

from rumbleup_async.observe.gallery import Gallery
from rumbleup_async.observe.looks import Look, Point
from rumbleup_async.observe.watched import Watched

T = TypeVar("T")

EVERY = 0.5
"""Seconds between two looks."""
_BEHIND = 8
"""Messages that may wait for a slow reader; then it gets the newest whole look instead of them."""


AGAIN = b"event: again\ndata: {}\n\n"
"""The last message of a reader who was too slow."""


class Brief(msgspec.Struct, frozen=True):
    """One run in the list of all of them. `stands`: running, paused, finished, stopped, not begun, or unreadable."""

    id: str
    name: str
    project: str
    stands: str
    total: int
    sent: int
    at: float


class Picture(msgspec.Struct, frozen=True):
    """A run and its picture. `is_whole`: the points are all there are; otherwise they follow those that were told before."""

    look: Look
    points: list[Point]
    step: int
    is_whole: bool


class Streams:
    """Looks at the ledgers of a gallery for those who read."""

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery
        self._thread: ThreadPoolExecutor | None = None
        self._readers: dict[str, set[asyncio.Queue[bytes]]] = {}
        self._briefs = b""
        self._told: dict[str, tuple[int, int]] = {}
        """By ledger: the step of the points that were told last, and the last of them."""
        self._ticking: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """End all reading. Asked for more it begins anew."""
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
        if self._thread is not None:
            await self._in_thread(self._gallery.close)
            self._thread.shutdown()
            self._thread = None

    async def briefs(self) -> list[Brief]:
        """All runs that there are now."""
        return await self._in_thread(self._all_briefs)

    async def find(self, name: str) -> Watched | None:
        """The ledger with this id; "" finds the first one."""
        ledgers = await self._in_thread(self._gallery.ledgers)
        return next((one for one in ledgers if name in ("", one.id)), None)

    @asynccontextmanager
    async def reading(self, watched: Watched) -> AsyncIterator[asyncio.Queue[bytes]]:
        """A queue of messages about this run, the first of which tells all of it."""
        queue: asyncio.Queue[bytes] = asyncio.Queue(_BEHIND)
        queue.put_nowait(await self._in_thread(partial(_whole, watched)))
        queue.put_nowait(self._briefs or await self._in_thread(self._encoded_briefs))
        self._readers.setdefault(watched.id, set()).add(queue)
        if self._ticking is None or self._ticking.done():
            self._ticking = asyncio.create_task(self._tick())
        try:
            yield queue
        finally:
            self._readers[watched.id].discard(queue)
            if not self._readers[watched.id]:
                del self._readers[watched.id]
                self._told.pop(watched.id, None)

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while self._readers:
            due = max(due + EVERY, loop.time())
            await self._count_until(due)
            await asyncio.sleep(due - loop.time())
            briefs = await self._in_thread(self._encoded_briefs)
            for name, readers in list(self._readers.items()):
                if (watched := await self.find(name)) is None:
                    continue
                news = await self._in_thread(partial(self._news, watched))
                for queue in list(readers):
                    _put(queue, news)
                    if briefs != self._briefs:
                        _put(queue, briefs)
            self._briefs = briefs

    async def _count_until(self, due: float) -> None:
        """A large ledger that nobody sends is counted in the time between two looks: nobody is disturbed by that."""
        loop = asyncio.get_running_loop()
        for name in list(self._readers):
            watched = await self.find(name)
            while watched is not None and watched.is_counting and loop.time() < due - EVERY / 5:
                await self._in_thread(watched.look)

    def _news(self, watched: Watched) -> bytes:
        look, step = watched.look(), watched.step
        told, last = self._told.get(watched.id, (0, -1))
        # The last points are told again: their seconds may not have been over.
        points = watched.points(step, last - 3 * step if told == step else -1)
        self._told[watched.id] = step, points[-1].at if points else last
        return _event("run", Picture(look, points, step, told != step))

    def _all_briefs(self) -> list[Brief]:
        return [_brief(one.look(counts_all=False)) for one in self._gallery.ledgers()]

    def _encoded_briefs(self) -> bytes:
        return _event("runs", self._all_briefs())

    async def _in_thread(self, what: Callable[[], T]) -> T:
        if self._thread is None:
            # All looks are taken by one thread, for a connection of SQLite belongs to the thread that made it.
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="looks")
        return await asyncio.get_running_loop().run_in_executor(self._thread, what)


def _put(queue: asyncio.Queue[bytes], message: bytes) -> None:
    if queue.full():
        # Nobody has taken anything for seconds. What is left out would be missing in the picture, which is to be asked for anew.
        while not queue.empty():
            queue.get_nowait()
        message = AGAIN
    queue.put_nowait(message)


def _whole(watched: Watched) -> bytes:
    look = watched.look()
    return _event("run", Picture(look, watched.points(watched.step), watched.step, is_whole=True))


def _brief(look: Look) -> Brief:
    sent, at = look.counts.get("sent", 0), look.at if look.is_running else 0.0
    return Brief(look.id, look.name, look.project, _stands(look), look.total, sent, at)


def _stands(look: Look) -> str:
    if not look.run:
        return "unreadable"
    if look.paused is not None:
        return "paused"
    if look.is_running:
        return "running"
    if look.problem:
        return "stopped"
    return "not begun" if look.counts["queued"] and look.counts["queued"] + look.counts["skipped"] == look.total else "finished"


def _event(name: str, value: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(value))
