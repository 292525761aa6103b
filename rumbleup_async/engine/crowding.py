"""Whether the limit is how many texts are under way at a time, and not how many leave a second.

Lives here: a pure piece; what was taken and what was refused goes in, a number comes out. It has no clock. May import nothing of
ours.

A provider that takes ten texts at a time looks like one that takes a hundred a second, where an answer takes a tenth of a
second. But a rate leaves room unused there: answers do not all take the same time, and texts leave by slices. Whether it is the
one or the other is tried. For some seconds the number under way is kept instead of the rate. If more gets through, that is how it
stays, until it helps no longer.
"""

from __future__ import annotations

import math
from enum import Enum

_SPAN, _LONGEST_SPAN, _TEXTS = 4.0, 20.0, 200
"""Seconds that the one and the other are looked at, and texts that are wanted for it."""
_REFUSALS, _STEADY = 3, 0.05
"""It is tried where a limit is met so often in that time, and where as much got through before, but for such a share."""
_LEAST = 4
"""Of fewer at a time one more or less is too much of a difference."""
_WORTH, _KEPT = 1.015, 0.9
"""So many times as much must get through; and so many times as much later, for others may be at work on the machine."""
_MORE, _MORE_AT_FIRST = 0.1, 0.4
"""By such a share the number may have been found too small. At first it is reckoned from what a rate has got, and a rate leaves
up to a quarter of the room unused; later it is what was seen to be under way."""
_SHORT, _FEW, _LESS, _WRONG = 1.0, 30, 0.8, 0.1
"""After so many seconds and texts it is clear that it does not help, where less gets through or a larger share is refused."""
_REST, _LONGEST_REST = 30.0, 960.0
"""Seconds until it is tried again where it has not helped; twice as many each time."""


class _Phase(Enum):
    WATCHED = 0
    """The rate is kept."""
    TRIED = 1
    KEPT = 2


class Crowding:
    """`most`: so many at a time, where that is the limit or may be; None where it is not. Texts are reported as to `Learning`,
    those that were told to wait excepted."""

    def __init__(self) -> None:
        self.most: int | None = None
        self._phase = _Phase.WATCHED
        self.rate: float | None = None
        """Texts a second that got through when so many were under way."""
        self._before = 0.0
        """Texts a second that got through while the rate was kept."""
        self._rest = _REST
        self._rests_until = 0.0
        self._begin(0.0)

    def _begin(self, now: float) -> None:
        self.begun = now
        """Only what left since then tells anything."""
        self._taken = self._refused = 0
        self._seconds = 0.0

    def start(self, now: float) -> bool:
        """The provider names a time to wait: it is not about what is under way. Whether `most` has changed."""
        was_on = self.most is not None
        if was_on:
            self._give_up(now)
        self._begin(now)
        return was_on

    def taken(self, left: float, now: float) -> bool:
        """The text that left at this moment was taken. Whether `most` has changed."""
        if left < self.begun:
            return False
        self._taken += 1
        self._seconds += now - left
        return self._look(now)

    def refused(self, left: float, now: float) -> bool:
        """It was answered "not now". Whether `most` has changed."""
        if left < self.begun:
            return False
        self._refused += 1
        return self._look(now)

    def _look(self, now: float) -> bool:
        seconds, number = now - self.begun, self._taken + self._refused
        if self._phase is _Phase.WATCHED:
            return self._is_long(seconds, number) and self._try(seconds, now)
        if number < _FEW or seconds < _SHORT:
            return False
        rate = self._taken / seconds
        is_bad = self._refused > _WRONG * number or (self._phase is _Phase.TRIED and rate < _LESS * self._before)
        if not is_bad:
            if not self._is_long(seconds, number):
                return False
            is_bad = rate < (_WORTH if self._phase is _Phase.TRIED else _KEPT) * self._before or self._has_risen(rate)
        if is_bad:
            self._give_up(now)
            return True
        if self._phase is _Phase.TRIED:
            self.most = max(self.most or 0, math.ceil(self._under_way(rate)))
        self._phase, self._rest, self.rate = _Phase.KEPT, _REST, rate
        self._begin(now)
        return False

    def _has_risen(self, rate: float) -> bool:
        """Whether many more than `most` are taken at a time. A rate follows a limit that rises much faster."""
        more = _MORE_AT_FIRST if self._phase is _Phase.TRIED else _MORE
        return self.most is not None and self._under_way(rate) > self.most + max(1.0, more * self.most)

    def _under_way(self, rate: float) -> float:
        """How many were taken at a time, where so many were taken a second."""
        return rate * self._seconds / max(1, self._taken)

    def _is_long(self, seconds: float, number: int) -> bool:
        return seconds >= _SPAN and (number >= _TEXTS or seconds >= _LONGEST_SPAN)

    def _try(self, seconds: float, now: float) -> bool:
        """Keep the number for a while, if the rate has been the same for a while, and the limit is met."""
        rate, latency = self._taken / seconds, self._seconds / max(1, self._taken)
        is_steady = self._refused >= _REFUSALS and abs(rate - self._before) < _STEADY * rate
        self._begin(now)
        most = math.ceil(rate * latency)
        if not is_steady or now < self._rests_until or most < _LEAST:
            self._before = rate
            return False
        self._before = max(rate, self._before)
        self.most, self.rate, self._phase = most, rate, _Phase.TRIED
        self._begin(now + latency)
        return True

    def _give_up(self, now: float) -> None:
        self.most, self._phase = None, _Phase.WATCHED
        self._rests_until = now + self._rest
        self._rest = min(_LONGEST_REST, 2.0 * self._rest)
        self._begin(now)
