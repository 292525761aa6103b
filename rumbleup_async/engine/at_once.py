"""Tasks that end together: if one fails, all the others, and whoever has started them, are cancelled until they have ended.

Lives here: a task group of asyncio that insists. A text that is cancelled on its way takes the cancellation for the end of its
delivery, and its worker would go on; books that are cancelled wait for workers that are gone. anyio's groups insist, too, but
importing its side for asyncio is half of what 64 texts take from start to end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

Work: TypeAlias = Callable[[], Coroutine[Any, Any, None]]

_AGAIN = 0.005
"""Seconds after which those who have not ended are cancelled once more."""


@asynccontextmanager
async def at_once() -> AsyncIterator[Callable[[Work], None]]:
    """Gives what starts a task. The context is left when all have ended; what they raise is raised as a group, an interruption
    as it is."""
    loop = asyncio.get_running_loop()
    host = asyncio.current_task()
    assert host is not None  # noqa: S101 - within a coroutine
    alive: set[asyncio.Task[None]] = set()
    is_within = True

    def insist() -> None:
        if not (alive or is_within):
            return
        # Once the host waits for the others, a further cancellation would only hide why it does.
        for task in (*alive, host) if is_within else tuple(alive):
            task.cancel()
        loop.call_later(_AGAIN, insist)

    def ended(task: asyncio.Task[None]) -> None:
        alive.discard(task)
        if not task.cancelled() and task.exception() is not None:
            loop.call_soon(insist)

    async with asyncio.TaskGroup() as tasks:

        def start(work: Work) -> None:
            task = tasks.create_task(work())
            alive.add(task)
            task.add_done_callback(ended)

        try:
            yield start
        except GeneratorExit:
            raise  # the loop is gone, and with it everybody
        except BaseException:
            loop.call_soon(insist)
            raise
        finally:
            is_within = False
