"""Work that is brought to its end whatever is cancelled meanwhile: closing the books, a commit that has begun.

Lives here: one function.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

T = TypeVar("T")


async def run_shielded(work: Awaitable[T], on_cancel: Callable[[], None] = lambda: None) -> T:
    """The result of the work; a cancellation by asyncio or by an anyio scope goes on only once the work has ended.

    `on_cancel` is called for each cancellation, and may hurry the work.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    # The shield keeps an anyio scope from cancelling again and again while we wait.
    with anyio.CancelScope(shield=True):
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError as error:
                cancelled = error
                on_cancel()
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # looked at: the cancellation is what the caller hears of
        raise cancelled
    return task.result()
