"""A ledger whose connections belong to an event loop of a thread, for tests whose own clock jumps.

The suite runs each step on a loop of virtual time, on which no socket can be waited for; here each call is made on a real loop,
always the same, and its answer is waited for.
"""

import asyncio
import inspect
import threading
from collections.abc import Callable
from functools import cache
from typing import Any


@cache
def loop() -> asyncio.AbstractEventLoop:
    """The real loop of this process. It ends with the process."""
    found = asyncio.new_event_loop()
    threading.Thread(target=found.run_forever, name="elsewhere", daemon=True).start()
    return found


class Elsewhere:
    """What `make()` makes, seen from any loop."""

    def __init__(self, make: Callable[[], Any]) -> None:
        async def made() -> Any:
            return make()

        self._real = asyncio.run_coroutine_threadsafe(made(), loop()).result()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def call(*arguments: Any, **options: Any) -> Any:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(found(*arguments, **options), loop()))

        return call
