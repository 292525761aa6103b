"""Each event once: repeats are known by their key, and an event is kept before it is acknowledged.

Lives here: the window of keys, and the thread that writes to the sink in groups.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import msgspec

from rumbleup_async.webhooks.changes import Changes
from rumbleup_async.webhooks.dispatch import Dispatcher
from rumbleup_async.webhooks.ports import Event, Record, Sink

_log = logging.getLogger("rumbleup_async.webhooks")

_GROUP = 1000
"""Records written at one time: one fsync for all of them."""


class Taken(enum.Enum):
    """What became of an event that was offered."""

    NEW = "new"
    REPEATED = "repeated"
    FULL = "full"
    UNSAVED = "unsaved"


def record_of(event: Event) -> Record:
    """An event as it is kept. What tells of changes may be missing: a parser need not know of it."""
    return Record(
        event.key,
        event.type,
        time.time_ns() // 1_000_000,
        msgspec.Raw(event.raw),
        about=getattr(event, "about", ""),
        sent=getattr(event, "sent", None),
        weighty=getattr(event, "weighty", False),
    )


class Window:
    """The last `size` keys. About 200 bytes each."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._keys: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, key: str) -> bool:
        if key not in self._keys:
            return False
        self._keys.move_to_end(key)
        return True

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: str) -> None:
        self._keys[key] = None
        if len(self._keys) > self._size:
            self._keys.popitem(last=False)


class Appender:
    """Writes to a sink from one thread. While a group is being written the next one gathers, so that a burst costs few fsyncs."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._thread = ThreadPoolExecutor(1, "webhook-sink")
        self._waiting: deque[tuple[Record, asyncio.Future[Taken]]] = deque()
        self._writer: asyncio.Task[None] | None = None

    async def open(self) -> Iterable[str]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._sink.open)

    def append(self, event: Event) -> asyncio.Future[Taken]:
        """Resolves to NEW or REPEATED once the event is safe, to UNSAVED if it is not. Never raises."""
        future: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()
        record = record_of(event)
        self._waiting.append((record, future))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        return future

    async def close(self) -> None:
        """Write what waits, then close the sink."""
        if self._writer is not None:
            await self._writer
        await asyncio.get_running_loop().run_in_executor(self._thread, self._sink.close)
        self._thread.shutdown(wait=False)

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), _GROUP))]
            results = [Taken.UNSAVED] * len(group)
            try:
                kept = await loop.run_in_executor(self._thread, self._sink.write, [record for record, _ in group])
                if len(kept) != len(group):
                    raise RuntimeError("a sink must answer for every record")  # noqa: TRY301
                results = [Taken.NEW if new else Taken.REPEATED for new in kept]
            except Exception as error:  # noqa: BLE001 - a full disk or a foreign sink's mistake: the provider is asked to come again
                reason = error.strerror if isinstance(error, OSError) else ""
                _log.error("%d events could not be kept: %s %s", len(group), type(error).__name__, reason)
            for (_, future), result in zip(group, results, strict=True):
                future.set_result(result)
        self._writer = None


class Intake:
    """Takes each event once: keeps it if there is a sink, then hands it to the dispatcher."""

    def __init__(self, dispatcher: Dispatcher, sink: Sink | None, *, window: int, limit: int) -> None:
        self._dispatcher = dispatcher
        self._sink = sink
        self._window = Window(window)
        self._limit = limit
        self._appender: Appender | None = None
        self._under_way: dict[str, asyncio.Future[Taken]] = {}
        self._changes = Changes(window)
        """Of events that may come again with the same content, where no sink knows them."""
        self._coming = 0

    @property
    def waiting(self) -> int:
        """Events that are being kept or handled."""
        return len(self._under_way) + self._dispatcher.waiting

    async def start(self) -> None:
        if self._sink is not None:
            self._appender = Appender(self._sink)
            for key in await self._appender.open():
                self._window.add(key)
        self._dispatcher.start()

    async def stop(self, seconds: float) -> None:
        if self._appender is not None:
            await self._appender.close()
            self._appender = None
        await self._dispatcher.drain(seconds)

    async def take(self, event: Event) -> Taken:
        """Returns when the answer may be given."""
        if getattr(event, "about", ""):
            return await self._take_change(event)
        key = event.key
        if key in self._window:
            return Taken.REPEATED
        saving = self._under_way.get(key)
        if saving is not None:
            # A repeat that overtook the first one's fsync: neither may be acknowledged before it.
            return Taken.REPEATED if await asyncio.shield(saving) is not Taken.UNSAVED else Taken.UNSAVED
        if self.waiting >= self._limit:
            return Taken.FULL
        if self._appender is None:
            if self._sink is not None:
                raise RuntimeError("the receiver is not running")
            self._dispatcher.put(event)
            self._window.add(key)
            return Taken.NEW
        saving = self._under_way[key] = self._appender.append(event)
        # What follows does not depend on the request, whose caller may have gone by then.
        saving.add_done_callback(lambda done: self._saved(event, key, done.result()))
        return await asyncio.shield(saving)

    async def _take_change(self, event: Event) -> Taken:
        """The same for an event that may come again with the same content: whether it is a repeat depends on what came last, and
        only the sink knows that for sure, as others may write to it as well."""
        if self.waiting >= self._limit:
            return Taken.FULL
        if self._appender is None:
            if self._sink is not None:
                raise RuntimeError("the receiver is not running")
            record = record_of(event)
            if self._changes.is_repeat(record):
                return Taken.REPEATED
            self._dispatcher.put(event)
            self._changes.note(record)
            return Taken.NEW
        self._coming += 1
        place = f"{event.key} {self._coming}"
        saving = self._under_way[place] = self._appender.append(event)
        saving.add_done_callback(lambda done: self._saved(event, place, done.result()))
        return await asyncio.shield(saving)

    def _saved(self, event: Event, place: str, taken: Taken) -> None:
        del self._under_way[place]
        if taken is Taken.UNSAVED:
            return
        if place == event.key:
            self._window.add(event.key)
        if taken is Taken.NEW:
            self._dispatcher.put(event)
