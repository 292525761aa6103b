"""What became of the texts that left within a short time, and what is remembered of such batches.

Lives here: counts, no decisions. May import nothing of ours.
"""

from __future__ import annotations

import math
from typing import NamedTuple

BATCH = 0.5
"""Seconds of sending that are judged at a time."""
_BEARABLE = 0.01
"""A share of 429s without a time that costs nothing."""
_LITTLE = 0.02
"""A share that is borne while no limit is known: a limiter that refuses so little of all that comes lets nearly all through."""


_MANY = 8
_LARGE = 0.3
"""So many refusals, if they are so large a share, need not wait for the end of their batch."""
_WITNESSES = 12.0
"""Refusals that a test waits for, if it does not help."""
_SLOWEST = 1.2
_SURE = 4.0
"""Without a refusal where so many were to come, it is no longer the share that it was."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 60.0
_SPAN = 0.05
"""Seconds from which on it can be said how much gets through."""


class Batch:
    """What became of the texts that left from `begun` on."""

    __slots__ = ("begun", "due", "is_free", "last", "need", "refused", "slowness", "taken")

    def __init__(self, begun: float, rate: float | None, need: float, slowness: float = 1.0) -> None:
        self.begun = begun
        self.is_free = rate is None
        self.taken = 0
        self.refused = 0
        self.last = begun
        """When the last of them left."""
        self.need = need
        self.slowness = slowness
        """So many times as many as leave might: on a busy machine some are late, and what was missed is not made up for."""
        self.due = begun + (max(BATCH, min(self.need / rate, 10.0)) if rate else BATCH)

    @property
    def number(self) -> int:
        return self.taken + self.refused

    def compare(self, rate: float) -> None:
        """So many a second might have left."""
        self.slowness += 0.3 * (min(_SLOWEST, max(1.0, rate * self.length / self.number)) - self.slowness)

    @property
    def share(self) -> float:
        """Of its texts those that were refused."""
        return self.refused / self.number

    def is_bearable(self, usual: float) -> bool:
        """Whether no more was refused than is usual anyway, or than is worth having: it shows that the rate is at the limit."""
        if self.is_free:
            usual = max(usual, _LITTLE)
        return self.share <= usual + max(_BEARABLE, 4.0 * math.sqrt(usual * (1.0 - usual) / self.number))

    def is_flooded(self, left: float, now: float, in_flight: int) -> bool:
        """Whether it is surely too much, even if all that are under way are taken. `left`: when the last refused one left."""
        is_many = self.refused >= _MANY and self.refused >= _LARGE * (self.number + in_flight)
        return is_many and left - self.begun >= max(_SPAN, (now - left) / 2.0)

    @property
    def length(self) -> float:
        return max(self.last - self.begun, 1e-3)


class Latency:
    """Seconds from a text's leaving to its being taken, and by how much they differ."""

    __slots__ = ("blur", "seconds")

    def __init__(self) -> None:
        self.seconds = 0.0
        self.blur = 0.0

    def see(self, seconds: float) -> None:
        """A text took so long."""
        if not self.seconds:
            self.seconds = seconds
            return
        self.blur += 0.05 * (1.5 * abs(seconds - self.seconds) - self.blur)
        self.seconds += 0.05 * (seconds - self.seconds)


class Row:
    """Cuts that follow each other, and all that was answered meanwhile."""

    __slots__ = ("cuts", "number", "proof", "rate", "refused")

    def __init__(self, rate: float | None) -> None:
        self.rate = rate
        """The rate before the first of them."""
        self.cuts = 0
        """How many in a row led to the same limit."""
        self.number = 0
        self.refused = 0
        self.proof = 0.0
        """Texts to be taken without a refusal until it is certain that the last cut has helped."""

    def add(self, batch: Batch) -> None:
        self.number += batch.number
        self.refused += batch.refused
        self.proof = 3.0 / batch.share

    def is_over(self, batch: Batch) -> bool:
        """Take a batch in that did not lead to a cut. Whether it is certain by now that the last cut has helped."""
        self.number += batch.number
        self.refused += batch.refused
        if not batch.refused:
            self.proof -= batch.number
        return self.proof <= 0

    @property
    def share(self) -> float:
        return self.refused / self.number


class Test(NamedTuple):
    """The rate was cut because of this share of 429s; `rate`: what it was before."""

    share: float
    rate: float | None

    def texts(self, got: float) -> float:
        """How many show whether that helps, where so many a second get through."""
        return min(_WITNESSES / self.share, max(200.0, 3.0 * got))


def is_passed(test: Test | None, batch: Batch) -> bool:
    """Whether it is clear before the end of the test that it has helped."""
    return test is not None and not batch.refused and batch.taken >= _SURE / test.share


class Barren:
    """Refusals in a row: nothing was taken between them."""

    __slots__ = ("back", "number", "since")

    def __init__(self) -> None:
        self.number = 0
        self.since = 0.0
        """When the first of them left."""
        self.back: float | None = None
        """The rate to go on with after them."""

    def add(self, left: float) -> None:
        """One more, whose text left at this moment."""
        if not self.number:
            self.since = left
        self.number += 1

    def is_long(self, now: float, latency: float) -> bool:
        """Whether they have come for so long that something must have been taken, if anything was."""
        return self.number >= _MANY and now - self.since > max(BATCH, 2.0 * latency)


def pause(number: int) -> float:
    """Seconds that a provider is left alone which has taken nothing since so many such pauses."""
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(number, 20))
