"""What a limiter that says for how long to wait gives away: from the end of one wait to the answer that brings the next.

Lives here: a pure piece; counts and moments in, an estimate of the limit out. May import nothing of ours.

A limiter that answers "wait so many seconds" is seen full only for a moment: everything holds then. So little is known each time,
and each time is dear. Three things are told apart:

- The rate grew by leaps, as at the start: hardly anything can be said.
- After the first refusal nothing more got through: so many texts in so long, and no more. The limit is that quota.
- Else a bucket with a burst. What got through between the first refusal and its being seen is the limit; the rate that was
  refused lies above it, by what the burst could bear.
"""

from __future__ import annotations

import math
from typing import NamedTuple

_MANY = 8
"""Refusals from which a quota is told from a bucket that is far too full."""
_BURST = 0.2
"""Seconds of traffic that a burst is taken to be, where nothing is known of it."""
_WIDEST = 0.4
_NARROWEST = 0.02
_PATIENCE = 6.0
"""From the lower to the upper estimate of the limit it takes the seconds of the wait, times this, over the relative distance."""


class Estimate(NamedTuple):
    """The limit lies between `low` and `high`, in texts a second. `high` is 0 where nobody can say."""

    low: float
    high: float


class Climb(NamedTuple):
    """The rate grows between these moments from `low`, by `speed` texts a second each second."""

    start: float
    end: float
    low: float
    speed: float

    def rate(self, now: float) -> float:
        """The rate at this moment."""
        return self.low + self.speed * max(0.0, now - self.start)


class Cycle:
    """Counts from `begun`, the end of a wait, on."""

    __slots__ = ("begun", "first", "rate", "refused", "seen", "speed", "taken", "taken_since", "until")

    def __init__(self, begun: float) -> None:
        self.begun = begun
        self.taken = 0
        """Texts that were taken, of those that left before the first refused one."""
        self.first = 0.0
        """When the first refused text left."""
        self.seen = 0.0
        """When its answer came; 0 until then."""
        self.until = 0.0
        """When the wait that it asked for ends."""
        self.rate = 0.0
        """Texts a second that were let out then; 0 if there was no limit."""
        self.speed = 0.0
        """How fast that rate was growing, in texts a second each second."""
        self.taken_since = 0
        """Texts that were taken, of those that left from the first refused one on."""
        self.refused = 0

    def holds(self, left: float) -> bool:
        """Whether a text that left at this moment belongs to the refusal: it left before the wait was over. Of several processes
        one may hear of the wait a moment later than another."""
        return self.seen > 0 and left < self.until

    def take(self, left: float) -> None:
        """A text that left at this moment was taken."""
        if left < self.begun:
            return
        if self.seen and left >= self.first:
            self.taken_since += left <= self.seen
        else:
            self.taken += 1

    def refuse(self, left: float, now: float, after: float, rate: float, speed: float) -> None:
        """One was told to wait so many seconds from now. `rate` and `speed` are those at this moment."""
        if not self.seen:
            self.first, self.seen, self.rate, self.speed = left, now, rate, speed
        self.refused += 1
        self.until = max(self.until, now + after)

    def estimate(self) -> Estimate:
        """What is known so far of the limit."""
        length = max(self.first - self.begun, 1e-3)
        if not self.rate:
            return Estimate(0.6 * self.taken / length, 0.0)
        since = self.taken_since
        whole = (self.taken + since) / max(self.until - self.begun, 1e-3)
        """What came through on average, the wait included: so much it surely allows."""
        if self.refused >= _MANY and since <= 0.02 * (since + self.refused):
            return Estimate(1.1 * whole, 2.0 * whole)
        # Since the rate passed the limit, the surplus has come out of the burst: a rate that grows slowly is hardly above it.
        overshoot = 1.1 * math.sqrt(2.0 * self.speed * _BURST / self.rate)
        width = min(_WIDEST, max(_NARROWEST, overshoot, 1.25 * _BURST / length))
        low, high = self.rate * (1.0 - width), self.rate
        if since >= 2:
            seen = since / max(self.seen - self.first, 1e-3)
            if 2 * seen / since < high - low and seen < 1.05 * high:
                low, high = seen - 0.5 * seen / since, seen + seen / since
        return Estimate(max(low, whole), max(high, whole))

    def climb(self, low: float, high: float) -> Climb:
        """How the rate is to grow after the wait, from one to the other: the dearer a wait, the more slowly."""
        seconds = _PATIENCE * (self.until - self.seen) / max(high / low - 1.0, _NARROWEST)
        return Climb(self.until, self.until + seconds, low, (high - low) / seconds)
