"""The results of a run that wait for the caller.

Lives here: the buffer between the engine and the caller.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from rumbleup_async.messaging import Result, State

_BUFFER = 4096
"""Results that may wait for the caller before no new texts are sent."""


class Results:
    """Results that are durable and wait for the caller."""

    def __init__(self) -> None:
        self.waiting: deque[Result] = deque()
        self.sent = 0
        """Texts that were sent since the run was entered."""
        self.news = asyncio.Event()
        """Set when there are results, or the run is over."""
        self.room = asyncio.Event()
        """Set when the caller has taken results."""
        self._is_wanted = True

    def receive(self, results: Sequence[Result]) -> None:
        """Take in results as they become durable."""
        self.sent += sum(1 for result in results if result.state is State.SENT)
        if self._is_wanted:
            self.waiting.extend(results)
            self.news.set()

    def is_full(self) -> bool:
        """Whether too many results wait, so that nothing new should be sent."""
        return self._is_wanted and len(self.waiting) >= _BUFFER

    def take(self) -> tuple[Result, bool]:
        """The next result, and whether there is room for more at this moment."""
        return self.waiting.popleft(), len(self.waiting) == _BUFFER // 2

    def discard(self) -> None:
        """Nobody wants the results one by one."""
        self._is_wanted = False
        self.waiting.clear()
