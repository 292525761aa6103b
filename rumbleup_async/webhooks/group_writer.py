"""Writes events to a sink in groups, so that a burst of events costs few fsyncs.

Lives here: the thread that writes, and what becomes of each event.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import msgspec

from rumbleup_async.webhooks.ports import Event, Record, Sink

_log = logging.getLogger("rumbleup_async.webhooks")

_GROUP = 1000
"""The most records in a group, which is written with one fsync."""


class Taken(enum.Enum):
    """What became of an event that the receiver got.

    `NEW` and `REPEATED` events are safe and are acknowledged. `FULL` and `UNSAVED` ones are refused, and the provider
    sends them again.
    """

    NEW = "new"
    REPEATED = "repeated"
    FULL = "full"
    UNSAVED = "unsaved"


def record_of(event: Event) -> Record:
    """The record of an event that came now. A parser's events need not have `about`, `sent` and `weighty`."""
    return Record(
        event.key,
        event.type,
        time.time_ns() // 1_000_000,
        msgspec.Raw(event.raw),
        about=getattr(event, "about", ""),
        sent=getattr(event, "sent", None),
        weighty=getattr(event, "weighty", False),
    )


class GroupWriter:
    """Writes to a sink from one thread. Events that come while a group is written make the next group."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._thread = ThreadPoolExecutor(1, "webhook-sink")
        self._waiting: deque[tuple[Record, asyncio.Future[Taken]]] = deque()
        self._writer: asyncio.Task[None] | None = None

    async def open(self) -> Iterable[str]:
        """Open the sink. Returns the keys that it cannot tell from new ones by itself, oldest first."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._sink.open)

    def write(self, event: Event) -> asyncio.Future[Taken]:
        """Have an event written. The future gets NEW or REPEATED once the event is safe, or else UNSAVED. It never raises."""
        future: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()
        record = record_of(event)
        self._waiting.append((record, future))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_groups())
        return future

    async def close(self) -> None:
        """Write what waits, then close the sink."""
        if self._writer is not None:
            await self._writer
        await asyncio.get_running_loop().run_in_executor(self._thread, self._sink.close)
        self._thread.shutdown(wait=False)

    async def _write_groups(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), _GROUP))]
            results = [Taken.UNSAVED] * len(group)
            try:
                kept = await loop.run_in_executor(self._thread, self._sink.write, [record for record, _ in group])
                if len(kept) != len(group):
                    raise RuntimeError("a sink must answer for every record")  # noqa: TRY301
                results = [Taken.NEW if new else Taken.REPEATED for new in kept]
            except Exception as error:  # noqa: BLE001 - a full disk, or a mistake in a caller's sink
                reason = error.strerror if isinstance(error, OSError) else ""
                _log.error("%d events could not be kept: %s %s", len(group), type(error).__name__, reason)
            for (_, future), result in zip(group, results, strict=True):
                future.set_result(result)
        self._writer = None
