"""What a limiter that says for how long to wait gives away: from the end of one wait to the answer that brings the next.

Lives here: a pure piece; counts and moments in, an estimate of the limit out. May import nothing of ours.

A limiter that answers "wait so many seconds" is seen full only for a moment: everything holds then. So little is known each time,
and each time is dear. Three things are told apart:

- The rate grew by leaps, as at the start: hardly anything can be said.
- After the first refusal nothing more got through: so many texts in so long, and no more. The limit is that quota.
- Else a bucket with a burst. What got through between the first refusal and its being seen is the limit; the rate that was
  refused lies above it, by what the burst could bear.

Some of them come by chance, whatever the rate is: that is known when they come again and again at rates that are surely allowed.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

_MANY = 8
"""Refusals from which a quota is told from a bucket that is far too full."""
_BURST = 0.2
"""Seconds of traffic that a burst is taken to be, where nothing is known of it."""
_BLUR = 0.002
"""Seconds by which the distance of two texts may be another where they arrive, besides what answers differ by."""
_SEVERAL, _SURELY = 5, 0.3
"""So many of a volley that were taken let the lower estimate rise by so much of what lies between it and the upper one; by less
where the wait is long."""
_MARK, _MARKS = 0.5, 20
"""Seconds between two moments at which it is noted how many were taken, and how many of these notes are kept."""
_HEAVY = 0.3
"""A share of a volley that is refused only by a limiter that is full."""
_BELOW, _TOO_MANY = 0.98, 2
"""So many waits come at less than this share of rates that seemed to be allowed, and no later for that: then they are chance."""
_WITNESSES, _LARGE = 30, 0.25
"""That is taken back where, of so many texts, such a share was refused."""
_WIDEST = 0.4
_NARROWEST = 0.02
_PATIENCE, _WIDE = 6.0, 0.5
"""From the lower to the upper estimate of the limit it takes the seconds of the wait, times this, over the relative distance; and
less where that is larger than the second, for then hardly anything is known."""


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

    __slots__ = (
        "begun",
        "blur",
        "first",
        "last_since",
        "marks",
        "rate",
        "refused",
        "seen",
        "since",
        "speed",
        "taken",
        "taken_since",
        "until",
    )

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
        self.blur = 0.0
        """By how many seconds answers differed then."""
        self.taken_since = 0
        """Texts that were taken, of those that left from the first refused one on."""
        self.since, self.last_since = math.inf, 0.0
        """When the first and the last of these left."""
        self.refused = 0
        self.marks: deque[tuple[float, int]] = deque([(begun, 0)], maxlen=_MARKS)
        """How many had been taken at some moments of the last ten seconds."""

    def holds(self, left: float) -> bool:
        """Whether a text that left at this moment belongs to the refusal: it left before the wait was over. Of several processes
        one may hear of the wait a moment later than another."""
        return self.seen > 0 and left < self.until

    def take(self, left: float) -> None:
        """A text that left at this moment was taken."""
        if left < self.begun:
            return
        if self.seen and left >= self.first:
            if left <= self.seen:
                self.taken_since += 1
                self.since = min(self.since, left)
                self.last_since = max(self.last_since, left)
        else:
            self.taken += 1
            if left >= self.marks[-1][0] + _MARK:
                self.marks.append((left, self.taken))

    def refuse(self, left: float, now: float, after: float, rate: float, speed: float, blur: float = 0.0) -> None:
        """One was told to wait so many seconds from now. `rate` and `speed` are those at this moment. `blur`: by how many seconds
        answers differ."""
        if not self.seen:
            self.first, self.seen, self.rate, self.speed, self.blur = left, now, rate, speed, blur
        self.refused += 1
        self.until = max(self.until, now + after)

    @property
    def is_heavy(self) -> bool:
        """Whether many of those that left with the first refused one were refused, too: the limiter was full."""
        return self.refused >= 3 and self.refused > _HEAVY * (self.refused + self.taken_since)

    def estimate(self, burst: float = math.inf) -> Estimate:
        """What is known so far of the limit. `burst`: so many at most it lets through at once."""
        length = max(self.first - self.begun, 0.05)
        volley = self._volley()
        if not self.rate:
            return volley or Estimate(0.6 * self.taken / length, 0.0)
        since = self.taken_since
        whole = (self.taken + since) / max(self.until - self.begun, 1e-3)
        """What came through on average, the wait included: so much it surely allows."""
        if self.refused >= _MANY and since <= 0.02 * (since + self.refused):
            return Estimate(1.1 * whole, 2.0 * whole)
        # Since the rate passed the limit, the surplus has come out of the burst: a rate that grows slowly is hardly above it.
        overshoot = 1.1 * math.sqrt(2.0 * self.speed * _BURST / self.rate)
        width = min(_WIDEST, max(_NARROWEST, overshoot, 1.25 * _BURST / length))
        low, high = self.rate * (1.0 - width), self.rate
        if volley is not None and volley.high - volley.low < high - low and volley.low < high:
            low, high = volley.low, min(volley.high, high)
        borne = self._borne(burst)
        if borne > high:
            return Estimate(borne, max(self.rate, borne * (1.0 + _NARROWEST)))
        low = max(low, whole, borne)
        return Estimate(low, max(high, whole, low * (1.0 + _NARROWEST)))

    def _borne(self, burst: float) -> float:
        """What it let through for longer than a burst lasts, in texts a second: so much it surely allows.

        A limiter without any burst refuses every other text as soon as the rate is a little too high: by the volley alone its
        limit would be half of what it is.
        """
        spans = ((self.first - at, self.taken - taken) for at, taken in self.marks)
        return max(((number - burst) / seconds for seconds, number in spans if seconds >= 1.0), default=0.0)

    def _volley(self) -> Estimate | None:
        """What a full limiter let through between the first refusal and its being seen; None where it was not full, or took too
        little."""
        taken, seconds = self.taken_since, self.seen - self.first
        if taken < 2 or self.refused < 2 or seconds <= 0:
            return None
        blur = min(_BLUR + self.blur, 0.5 * seconds)
        low, high = (taken - 1) / (seconds + blur), (taken + 1) / (seconds - blur)
        # One is taken whenever there is room for one, so their distance tells more than their number, up to the distance of all.
        span, error = self.last_since - self.since, seconds / (taken + self.refused) + blur
        low = max(low, (taken - 1) / (span + error))
        if span > error:
            high = min(high, (taken - 1) / (span - error))
        if taken >= _SEVERAL:
            low += _SURELY / math.sqrt(max(1.0, self.until - self.seen)) * (high - low)
        return Estimate(low, high) if low < high else None

    def climb(self, low: float, high: float) -> Climb:
        """How the rate is to grow after the wait, from one to the other: the dearer a wait, the more slowly."""
        width = max(high / low - 1.0, _NARROWEST)
        seconds = _PATIENCE * (self.until - self.seen) / (width * max(1.0, width / _WIDE))
        return Climb(self.until, self.until + seconds, low, (high - low) / seconds)


class Waits:
    """What the waits so far have shown, all together."""

    def __init__(self) -> None:
        self.burst = math.inf
        """So many at most the limiter lets through at once."""
        self.are_chance = False
        """They come whatever the rate is: one node of many is ill, or a key is shared with others."""
        self._contradictions = 0
        self._lows = (0.0, 0.0)
        """What the last two that tell much have said of the limit at least."""
        self._lasted = (0, 0)
        """How many were taken before each of these. Where slowing down has put the next one off, it is no chance."""
        self._taken = self._refused = 0

    def over(self, cycle: Cycle) -> bool:
        """This one is over, and all that belongs to it is known. Whether it has shown that they come by chance."""
        were_chance = self.are_chance
        low, high = cycle.estimate(self.burst)
        self.burst = min(self.burst, cycle.taken + cycle.taken_since + 1.0)
        self._taken += cycle.taken + cycle.taken_since
        self._refused += cycle.refused
        if cycle.is_heavy or (self.are_chance and self._taken > _WITNESSES and self._refused > _LARGE * self._taken):
            self.are_chance, self._contradictions = False, 0
        elif cycle.rate and cycle.rate < _BELOW * self._lows[0] and cycle.taken < self._lasted[0]:
            self._contradictions += 1
            self.are_chance = self.are_chance or self._contradictions >= _TOO_MANY
        if not self._contradictions:
            self._taken = self._refused = 0
        if high and cycle.taken >= _MANY:
            self._lows = (self._lows[1], low)
            self._lasted = (self._lasted[1], cycle.taken)
        return self.are_chance and not were_chance
