"""How many of the last texts nobody knows the fate of, and when those are too many to go on.

Lives here: counting. A provider that loses one answer in twenty hardly ever fails in a row, so nothing else stops the run; but a
list of a million would have 50,000 people in it who may or may not have been texted.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from rumbleup_async.stops import Cause, Stop

LAST: Final = 1000
"""Texts that are looked back at. Nothing is judged before so many have come: of fewer, the rule for a row of failures decides."""

DEFAULT: Final = 0.02
"""The share that may be unknown where nobody has said another."""


class Doubts:
    """`limit`: the share of the last texts that may be unknown, from 0 to 1; 1 for no limit."""

    def __init__(self, limit: float = DEFAULT) -> None:
        self._limit = limit
        self._most = round(limit * LAST, 6)
        self._last: deque[bool] = deque(maxlen=LAST)
        self._unknown = 0
        self.stop: Stop | None = None
        """Why the run must not go on, once more were unknown than may be."""

    def see(self, *, is_unknown: bool) -> None:
        """A text has come to its end: sent, refused, or unknown."""
        last = self._last
        if len(last) == LAST:
            self._unknown -= last[0]
        last.append(is_unknown)
        self._unknown += is_unknown
        if self._unknown > self._most and len(last) == LAST and self.stop is None:
            words = f"of the last {LAST:,} texts, more than {self._limit * 100:g} %"
            self.stop = Stop(Cause.TOO_MANY_UNKNOWN, words, number=self._unknown)
