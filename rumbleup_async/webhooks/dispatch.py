"""Calls handlers with events: several at a time, and none can stop the others.

Lives here: the queue of accepted events, and the workers that call the handlers.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import traceback
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

from rumbleup_async.webhooks.ports import Event, Failure, Statistics
from rumbleup_async.webhooks.threads import Threads

_log = logging.getLogger("rumbleup_async.webhooks")

Handler = Callable[[Any], object]
"""A function that takes an event. A coroutine function runs in the event loop, a plain function runs in a thread."""


class Dispatcher:
    """Calls the handlers that are registered for an event's class.

    `at_once` events are handled at a time. A handler that has not ended after `timeout` seconds is cancelled and counts as
    failed. A handler that ignores its cancellation, or runs in a thread, is not waited for.
    """

    def __init__(
        self, *, at_once: int, timeout: float, on_failure: Callable[[Failure], object] | None, statistics: Statistics
    ) -> None:
        self.waiting = 0
        """Events whose handlers have not all ended."""
        self._at_once = at_once
        self._timeout = timeout
        self._on_failure = on_failure
        self._statistics = statistics
        self._handlers: list[tuple[type, Handler]] = []
        self._by_kind: dict[type, tuple[Handler, ...]] = {}
        self._queue: asyncio.Queue[Event] | None = None
        self._workers: list[asyncio.Task[None]] = []
        self._late: set[asyncio.Task[Any]] = set()
        self._threads = Threads(4 * at_once)

    def on(self, kind: type, handler: Handler) -> None:
        """Call `handler` with every event that is a `kind`."""
        self._handlers.append((kind, handler))
        self._by_kind.clear()

    def start(self) -> None:
        """Start the workers."""
        self._queue = asyncio.Queue()
        self._threads = Threads(4 * self._at_once)
        self._workers = [asyncio.create_task(self._work(self._queue)) for _ in range(self._at_once)]

    def put(self, event: Event) -> None:
        """Queue an event for its handlers. The queue has no limit; the caller compares `waiting` with its own."""
        if self._queue is None:
            raise RuntimeError("the receiver is not running")
        if self._handlers_of(event):
            self.waiting += 1
            self._queue.put_nowait(event)

    async def drain(self, seconds: float) -> None:
        """Wait until the handlers of all queued events have ended, for at most this time, then stop the workers."""
        if self._queue is None:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._queue.join()
        except TimeoutError:
            self._statistics.dropped += self.waiting
            _log.error("the receiver stopped while the handlers of %d events had not ended", self.waiting)
        for task in self._workers:
            task.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        for task in self._late:
            task.cancel()
        if self._late:
            await asyncio.wait(self._late, timeout=1)
        self._threads.close()
        self._queue = None

    def _handlers_of(self, event: Event) -> tuple[Handler, ...]:
        kind = type(event)
        found = self._by_kind.get(kind)
        if found is None:
            found = self._by_kind[kind] = tuple(handler for wanted, handler in self._handlers if issubclass(kind, wanted))
        return found

    async def _work(self, queue: asyncio.Queue[Event]) -> None:
        while True:
            event = await queue.get()
            try:
                await self._handle(event)
            finally:
                self.waiting -= 1
                queue.task_done()

    async def _handle(self, event: Event) -> None:
        calls = {asyncio.create_task(self._call(handler, event)): handler for handler in self._handlers_of(event)}
        try:
            await asyncio.wait(calls, timeout=self._timeout)
        finally:
            for task, handler in calls.items():
                if not task.done():
                    self._late.add(task)
                    task.add_done_callback(self._forget)
                    task.cancel()
                    self._count_failure(event, handler, TimeoutError(f"the handler did not end within {self._timeout:g} s"))
                elif task.cancelled():
                    self._count_failure(event, handler, asyncio.CancelledError())
                elif (error := task.exception()) is not None:
                    self._count_failure(event, handler, error)
                else:
                    self._statistics.handled += 1

    async def _call(self, handler: Handler, event: Event) -> None:
        result = handler(event) if _is_async(handler) else await self._threads.run(handler, event)
        if inspect.isawaitable(result):
            await result

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._late.discard(task)
        if not task.cancelled():
            task.exception()  # retrieved, so that asyncio does not log that it never was

    def _count_failure(self, event: Event, handler: Handler, error: BaseException) -> None:
        self._statistics.failed += 1
        name = _name(handler)
        # The message of an error may quote a phone or a text, so only its class and place are logged.
        _log.error(
            "handler %s failed: %s%s; event %s %s", name, type(error).__name__, _place(error), ascii(event.type), event.key
        )
        if self._on_failure is None:
            return
        try:
            self._on_failure(Failure(event, name, error))
        except Exception as second:  # noqa: BLE001 - a callback may fail as a handler may
            _log.error("on_failure itself failed: %s%s", type(second).__name__, _place(second))


def _is_async(handler: Handler) -> bool:
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(getattr(handler, "__call__", None))  # noqa: B004


def _name(handler: Handler) -> str:
    while isinstance(handler, functools.partial):
        handler = handler.func
    return getattr(handler, "__qualname__", None) or type(handler).__qualname__


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f" at {PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
