"""Takes each event once: a repeat is known by its key, and an event is kept before it is acknowledged.

Lives here: the window of keys, and the way of an event to the sink and then to the handlers.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from rumbleup_async.webhooks.changes import Changes
from rumbleup_async.webhooks.dispatch import Dispatcher
from rumbleup_async.webhooks.group_writer import GroupWriter, Taken, record_of
from rumbleup_async.webhooks.ports import Event, Sink


class Window:
    """The last `size` keys. A key takes about 200 bytes."""

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


class Intake:
    """Takes each event once: keeps it if there is a sink, then hands it to the dispatcher."""

    def __init__(self, dispatcher: Dispatcher, sink: Sink | None, *, window: int, limit: int) -> None:
        self._dispatcher = dispatcher
        self._sink = sink
        self._window = Window(window)
        self._limit = limit
        self._writer: GroupWriter | None = None
        self._saving: dict[str, asyncio.Future[Taken]] = {}
        self._changes = Changes(window)
        """Without a sink: remembers the events that may come again with the same content."""
        self._changes_saved = 0

    @property
    def waiting(self) -> int:
        """Events that are being kept or handled."""
        return len(self._saving) + self._dispatcher.waiting

    async def start(self) -> None:
        if self._sink is not None:
            self._writer = GroupWriter(self._sink)
            for key in await self._writer.open():
                self._window.add(key)
        self._dispatcher.start()

    async def stop(self, seconds: float) -> None:
        if self._writer is not None:
            await self._writer.close()
            self._writer = None
        await self._dispatcher.drain(seconds)

    async def take(self, event: Event) -> Taken:
        """Take an event. Returns once the request may be answered."""
        if getattr(event, "about", ""):
            return await self._take_change(event)
        key = event.key
        if key in self._window:
            return Taken.REPEATED
        saving = self._saving.get(key)
        if saving is not None:
            # The first event with this key is not safe yet. Neither of the two may be acknowledged before it is.
            return Taken.REPEATED if await asyncio.shield(saving) is not Taken.UNSAVED else Taken.UNSAVED
        if self.waiting >= self._limit:
            return Taken.FULL
        if self._writer is None:
            if self._sink is not None:
                raise RuntimeError("the receiver is not running")
            self._dispatcher.put(event)
            self._window.add(key)
            return Taken.NEW
        saving = self._saving[key] = self._writer.write(event)
        # A callback runs also if the request is cancelled, because its caller has gone.
        saving.add_done_callback(lambda done: self._saved(event, key, done.result()))
        return await asyncio.shield(saving)

    async def _take_change(self, event: Event) -> Taken:
        """Take an event that may come again with the same content.

        The event that came last decides whether this one is a repeat. Only the sink knows the last one, because other
        processes may write to it.
        """
        if self.waiting >= self._limit:
            return Taken.FULL
        if self._writer is None:
            if self._sink is not None:
                raise RuntimeError("the receiver is not running")
            record = record_of(event)
            if self._changes.is_repeat(record):
                return Taken.REPEATED
            self._dispatcher.put(event)
            self._changes.note(record)
            return Taken.NEW
        self._changes_saved += 1
        saved_as = f"{event.key} {self._changes_saved}"
        saving = self._saving[saved_as] = self._writer.write(event)
        saving.add_done_callback(lambda done: self._saved(event, saved_as, done.result()))
        return await asyncio.shield(saving)

    def _saved(self, event: Event, saved_as: str, taken: Taken) -> None:
        del self._saving[saved_as]
        if taken is Taken.UNSAVED:
            return
        if saved_as == event.key:
            self._window.add(event.key)
        if taken is Taken.NEW:
            self._dispatcher.put(event)
