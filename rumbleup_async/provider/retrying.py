"""The tries after the first: a read that failed, and a write of which nothing left.

Lives here: the one idiom for both, over tenacity. What may be tried again is the caller's to say; a
request that may have left is never among it.
"""

from __future__ import annotations

from asyncio import sleep
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

_LONGEST_PAUSE = 8.0
"""Seconds between two tries at most, before jitter."""


async def again(
    call: Callable[[], Awaitable[T]], failed: Exception, *, on: tuple[type[Exception], ...], attempts: int, pause: float
) -> T:
    """The result of a call whose first try ended with `failed`, tried until it does not raise one of `on`.

    `attempts` counts the first try too. The first wait takes `pause` to twice `pause` seconds; each later one takes
    about twice as long as the one before. Raises what the last try raised.
    """
    # tenacity costs about 20 us a call even when nothing fails, so it is entered only after a failure.
    import tenacity

    async for attempt in tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception_type(on),
        stop=tenacity.stop_after_attempt(attempts),
        wait=tenacity.wait_exponential(multiplier=pause, max=_LONGEST_PAUSE) + tenacity.wait_random(0, pause),
        sleep=sleep,
        reraise=True,
    ):
        with attempt:
            if attempt.retry_state.attempt_number == 1:
                raise failed
            return await call()
    raise AssertionError("tenacity ended without a result")
