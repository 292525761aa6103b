"""What became of the texts that left within a short time, and what is remembered of such batches.

Lives here: counts, no decisions. May import nothing of ours.
"""

from __future__ import annotations

import math
from typing import NamedTuple

BATCH = 0.5
"""Seconds of sending that are judged at a time."""
_FEW = 16
"""Answers that are judged at a time, at least."""
_BEARABLE = 0.01
"""A share of 429s without a time that costs nothing."""


class Batch:
    """What became of the texts that left from `begun` on."""

    __slots__ = ("begun", "due", "last", "need", "refused", "taken")

    def __init__(self, begun: float, rate: float | None, need: float) -> None:
        self.begun = begun
        self.taken = 0
        self.refused = 0
        self.last = begun
        """When the last of them left."""
        self.need = max(_FEW, need)
        self.due = begun + (max(BATCH, min(self.need / rate, 10.0)) if rate else BATCH)

    @property
    def number(self) -> int:
        return self.taken + self.refused

    @property
    def share(self) -> float:
        """Of its texts those that were refused."""
        return self.refused / self.number

    def is_bearable(self, usual: float) -> bool:
        """Whether no more was refused than is usual anyway, or than is worth having: it shows that the rate is at the limit."""
        return self.share <= usual + max(_BEARABLE, 4.0 * math.sqrt(usual * (1.0 - usual) / self.number))

    @property
    def length(self) -> float:
        return max(self.last - self.begun, 1e-3)


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


class Climb(NamedTuple):
    """The rate grows between these moments from `low`, by `speed` texts a second each second."""

    start: float
    end: float
    low: float
    speed: float


class Barren:
    """Refusals in a row: nothing was taken between them."""

    __slots__ = ("number", "since")

    def __init__(self) -> None:
        self.number = 0
        self.since = 0.0
        """When the first of them left."""

    def add(self, left: float) -> None:
        """One more, whose text left at this moment."""
        if not self.number:
            self.since = left
        self.number += 1
