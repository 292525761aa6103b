"""The silence behind an answer that says no: how long it must last, and whether it was listened for.

Lives here: times; no bytes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


class Pauses:
    """How long another answer may take to come behind the one that was read: learned from how long answers take."""

    __slots__ = ("slowest",)

    def __init__(self) -> None:
        self.slowest = 0.0
        """Seconds that the slowest of the last answers took."""

    def took(self, seconds: float) -> None:
        """An answer came after so long."""
        self.slowest = max(seconds, 0.99 * self.slowest)

    @property
    def pause(self) -> float:
        """Seconds to wait."""
        return min(_LONGEST_PAUSE, _SHORTEST_PAUSE + 2.0 * self.slowest)


_SHORTEST_PAUSE = 0.05
_LONGEST_PAUSE = 2.0
_STALL = 0.01
"""Seconds by which a timer is late in a loop that had time to listen."""
_TIMES = 4
"""How often a wait is begun at most, where the loop was busy elsewhere each time."""


def when_silent(loop: asyncio.AbstractEventLoop, pause: float, over: Callable[[], None], times: int = _TIMES) -> None:
    """Call `over` once this process has listened for so many seconds.

    A process that was busy, or stopped, did not listen: what came meanwhile lies in the socket, and timers run
    before it is read. Then the wait begins anew.
    """
    due = time.monotonic() + pause

    def look() -> None:
        left = due - time.monotonic()
        if left > 0.001:  # uvloop counts from when its round began
            loop.call_later(left, look)
        elif left < -_STALL and times > 1:
            when_silent(loop, pause, over, times - 1)
        else:
            over()

    loop.call_later(pause, look)
