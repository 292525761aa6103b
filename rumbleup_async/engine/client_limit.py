"""What all runs of one client know together of the provider's limit, and to which part of it each goes.

Lives here: one `Part` for all of them, and among whom it is divided. Pure: every moment is handed in. All learn from all answers;
a run that asks for less than an equal part leaves the rest to the others, and one that sends nothing leaves them all of it.
"""

from __future__ import annotations

import math
from typing import Protocol

from rumbleup_async.engine.shares import Part

_GONE = 3.0
"""Seconds without a text after which a run's part is the others'."""
_KEPT = 600.0
"""Seconds without any text after which the limit has to be learned anew: it may be another by then."""


class Sharer(Protocol):
    """The pace of one run."""

    @property
    def asked(self) -> float | None:
        """Texts a second that it was asked to send at most; None for as many as may be."""

    def follow(self) -> None:
        """The rate, or its part of it, is another."""

    def shares(self, now: float) -> None:
        """It is not alone any more."""


class ClientLimit:
    """`learning`: what is known; whoever has sent nothing for a while asks for it anew."""

    def __init__(self) -> None:
        self.learning = Part()
        self.number = 1
        """Runs that send now."""
        self._runs: dict[Sharer, float] = {}
        """When each of them was seen last."""
        self._seen = -math.inf
        self._told: float | None = None

    def sees(self, run: Sharer, now: float) -> None:
        """This run is about to send; told about once a second."""
        if now - self._seen > _KEPT:
            self.learning = Part()
        self._seen = now
        before = len(self._runs)
        self._runs[run] = now
        if len(self._runs) == before == 1:
            return
        self._runs = {one: at for one, at in self._runs.items() if now - at <= _GONE}
        was, self.number = self.number, len(self._runs)
        if self.number == was and len(self._runs) == before:
            return
        for one in self._runs:
            if was == 1 and self.number > 1:
                one.shares(now)
            one.follow()

    def part(self, rate: float, run: Sharer) -> float:
        """Of so many texts a second those that are for this run."""
        if run not in self._runs:
            return rate / (self.number + 1)
        number = self.number
        for asked in sorted(one.asked or math.inf for one in self._runs):
            if asked * number >= rate:
                break
            rate -= asked
            number -= 1
        return rate / number if number else math.inf

    def tell(self) -> None:
        """Let all go by the rate of this moment."""
        if self.learning.rate != self._told:
            self._told = self.learning.rate
            for run in self._runs:
                run.follow()
