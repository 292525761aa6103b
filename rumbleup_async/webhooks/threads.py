"""Threads for handlers that are plain functions.

Lives here: a small pool of daemon threads.

concurrent.futures joins its threads when the program ends, so a handler that hangs would keep the process from ending.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any

_Job = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[..., Any], tuple[Any, ...]]


class Threads:
    """At most `limit` threads, which are started when they are needed. Further calls wait for a free thread."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._started = 0
        self._free = 0
        self._lock = threading.Lock()

    async def run(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function in a thread and return its result.

        If the wait is cancelled, a call that has begun goes on, and a call that still waits is not made.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        with self._lock:
            self._free -= 1
            start = self._free < 0 and self._started < self._limit
            if start:
                self._started += 1
                self._free += 1
        self._jobs.put((loop, future, call, arguments))
        if start:
            threading.Thread(target=self._work, name="webhook-handler", daemon=True).start()
        return await future

    def close(self) -> None:
        """Let each thread end once it has nothing to do."""
        for _ in range(self._started):
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            loop, future, call, arguments = job
            result, error = None, None
            if not future.cancelled():
                try:
                    result = call(*arguments)
                except BaseException as raised:  # noqa: BLE001 - every error belongs to the caller who waits
                    error = raised
            with self._lock:
                self._free += 1
            try:
                loop.call_soon_threadsafe(_resolve, future, result, error)
            except RuntimeError:
                return  # the loop is closed, so nobody waits for the result
            del job, future, call, arguments, result, error


def _resolve(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        # A future cannot carry StopIteration, and a SystemExit in a thread must not end the program.
        can_carry = isinstance(error, Exception) and not isinstance(error, StopIteration)
        future.set_exception(error if can_carry else RuntimeError(f"the handler raised {type(error).__name__}"))
