"""How many texts may be in hand at a time, and who waits for room.

Lives here: a number that grows and shrinks, and the queue before it.

It starts at one and grows by one with each text accepted, so it doubles a round: a wrong key, a wrong project or a dead
server is met by the first text, not by the first hundred. After it was too large once it grows by one a round from half of
that on.
"""

from __future__ import annotations

import asyncio
from collections import deque


class Window:
    """Room for up to `size` texts in hand, never more than `most`."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.size = 1
        self.taken = 0
        """Texts in hand: waiting for their turn or being delivered."""
        self._gently_from = most
        self._growth = 0.0
        self._waiting: deque[asyncio.Future[bool]] = deque()
        self._is_closed = False

    def take(self) -> bool:
        """Take room if there is some."""
        if self.taken >= self.size or self._is_closed:
            return False
        self.taken += 1
        return True

    async def wait(self) -> bool:
        """Take room as soon as there is some; False if the window is closed first."""
        if self._is_closed:
            return False
        if self.take():
            return True
        waiting: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        return await waiting

    def give(self) -> None:
        """Give room back."""
        self.taken -= 1
        self._admit()

    def grow(self) -> bool:
        """A text was accepted. Whether there is more room now."""
        if self.size >= self.most:
            return False
        self._growth += 1.0 if self.size < self._gently_from else 1.0 / self.size
        if self._growth < 1.0:
            return False
        self._growth -= 1.0
        self.size += 1
        self._admit()
        return True

    def shrink(self) -> None:
        """Half as many from now on."""
        self.size = self._gently_from = max(1, self.size // 2)
        self._growth = 0.0

    def fit(self, size: int) -> None:
        """So many have room, as has been seen; from now on it grows slowly."""
        self.size = self._gently_from = max(1, min(self.size, size))
        self._growth = 0.0

    def close(self) -> None:
        """Nobody is let in any more."""
        self._is_closed = True
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(False)

    def _admit(self) -> None:
        while self._waiting and self.taken < self.size and not self._is_closed:
            waiting = self._waiting.popleft()
            if not waiting.done():
                self.taken += 1
                waiting.set_result(True)
