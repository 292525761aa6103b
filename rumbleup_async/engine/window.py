"""How many texts may be in hand at a time.

Lives here: a number that grows and shrinks.

It starts at one and grows by one with each text accepted, so it doubles a round: a wrong key, a wrong project or a dead
server is met by the first text, not by the first hundred. After it was too large once it grows by one a round from half of
that on.
"""

from __future__ import annotations

_NEARLY = 0.75
"""Of so large a part of the room it is taken for used: answers come in clumps, and then fewer are under way for a moment."""
_CAREFUL, _MORE_CAREFUL = 32.0, 8.0
"""Rounds after which one more is tried where one more was too many again and again; and how much longer that takes each time."""


class Window:
    """Room for up to `size` texts in hand, never more than `most`."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.size = 1
        self.taken = 0
        """Texts in hand: waiting for their turn or being delivered."""
        self._gently_from = most
        self._growth = 0.0
        self._rounds = 1.0
        """Rounds from one more to the next, from `_gently_from` on."""
        self._crowded_at = 0.0

    def take(self) -> bool:
        """Take room if there is some."""
        if self.taken >= self.size:
            return False
        self.taken += 1
        return True

    def give(self) -> None:
        """Give room back."""
        self.taken -= 1

    def take_again(self) -> None:
        """Take back what was given for a while, be there room or not."""
        self.taken += 1

    def grow(self) -> bool:
        """A text was accepted. Whether there is more room now."""
        if self.size >= self.most:
            return False
        self._growth += 1.0 if self.size < self._gently_from else 1.0 / (self.size * self._rounds)
        if self._growth < 1.0:
            return False
        self._growth -= 1.0
        if self.size >= self._gently_from:
            self._rounds = max(1.0, self._rounds / 2.0)
        self.size += 1
        return True

    def widen(self, most: int) -> None:
        """Never more than so many from now on, be that more or fewer than before."""
        if self._gently_from >= self.most:
            self._gently_from = most  # it has not been too large yet
        self.most = most
        if self.size > most:
            self.fit(most)

    def shrink(self) -> None:
        """Half as many from now on."""
        self._rounds = 1.0
        self.size = self._gently_from = max(1, self.size // 2)
        self._growth = 0.0

    def crowd(self, left: float, now: float, in_flight: int) -> None:
        """The text that left at this moment was one too many at a time. `in_flight`: how many were under way with it.

        Of those that left before the first such answer was seen, each that is answered so is one too many, and no more than that.
        Then the number grows slowly, and faster again if it turns out that there is room.
        """
        if left > self._crowded_at:
            self._crowded_at = now
            if in_flight < _NEARLY * self.size:
                self.size = in_flight
        self.size = self._gently_from = max(1, self.size - 1)
        self._growth, self._rounds = 0.0, min(_CAREFUL, _MORE_CAREFUL * self._rounds)

    def open(self) -> None:
        """How many have room is not what binds: the number grows quickly again."""
        self._gently_from, self._rounds = self.most, 1.0

    def fit(self, size: int) -> None:
        """So many have room, as has been seen; from now on it grows slowly."""
        self.size = self._gently_from = max(1, min(self.size, size))
        self._growth = 0.0
