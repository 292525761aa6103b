"""Bounds that the ledger counts itself, over all machines that send a run: what each of them makes of it.

Lives here: what is asked of such a ledger, and when a run ends by what it says. What fits is decided in the ledger, in the very
transaction that opens a text; here nothing is counted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import msgspec

from rumbleup_async.engine.budget import Budget
from rumbleup_async.engine.day_cap import DayCap
from rumbleup_async.money import Bounded
from rumbleup_async.stops import Cause, Stop

SOON = 1.0
"""Seconds after which it is asked again what others have given back, or how their canary has done."""
_LEFT = Stop(Cause.ASKED, "whoever was in charge has ended before the canary had passed; resume the run")


class Bounds(Protocol):
    """What a ledger keeps of the bounds of its run, for all who send it."""

    is_joined: bool
    """Another process is in charge of the run."""
    told: Bounded | None
    """What the last claim has told of them; None where there are none."""

    async def begin(
        self, *, texts: int | None, budget: int | None, price: int | None, cap: int | None, is_canary: bool = False
    ) -> None:
        """From now on nobody opens more: so many texts, micro-dollars, at this price of a segment, segments a day; None for no
        bound. `is_canary`: only this process opens anybody until it draws no lots any more. What was used before is counted in.
        Whoever joins a run calls it to no effect."""


@runtime_checkable
class HasBounds(Protocol):
    """A ledger that counts for all machines what they may open."""

    @property
    def bounds(self) -> Bounds: ...


class Counted:
    """The bounds of one run as its ledger tells of them. `limit`: texts of this call, None where whoever is in charge knows."""

    def __init__(self, bounds: Bounds, limit: int | None, budget: Budget | None, cap: DayCap | None) -> None:
        self.bounds = bounds
        self.spent: Callable[[Stop], None] = _nobody_hears
        self._limit = limit
        self._budget = budget
        self._cap = cap
        self._last = Bounded()

    def room(self, want: int, now: float) -> int:
        """How many texts may be opened at most, of so many that are wanted, as the last step has told. Another process may open
        them first, or they may be longer than a segment: whoever opens them is told."""
        room = want if self._last.texts is None else max(0, min(want, self._last.texts))
        room = room if self._budget is None else self._budget.room(room, 1)
        return room if self._cap is None else self._cap.room(room, now, 1)

    def exhausted(self, now: float) -> float | None:
        """There was no room. When to ask again; None if the run ends."""
        if self._last.texts is not None and self._last.texts <= 0:
            cut = "limit"
        else:
            cut = "budget" if self._budget is not None and not self._budget.room(1, 1) else "day"
        return self.heard(msgspec.structs.replace(self._last, cut=cut), now)

    def heard(self, bounds: Bounded, now: float) -> float | None:
        """A step has told this. When to ask again, if nobody can be opened now; the run ends where nothing can come back."""
        self._last = bounds
        if self._budget is not None:
            self._budget.heard(bounds)
        if self._cap is not None:
            self._cap.heard(bounds, now)
        if not bounds.cut:
            return None
        if bounds.open or bounds.cut == "canary":
            return now + SOON
        if bounds.cut == "left":
            self.spent(_LEFT)
        elif bounds.cut == "day" and self._cap is not None:
            return self._cap.used_up(now)
        elif bounds.cut == "budget" and self._budget is not None:
            self.spent(self._budget.stop)
        elif bounds.cut == "limit":
            self.spent(Stop(Cause.LIMIT, number=self._limit or 0))
        return None


def _nobody_hears(_: Stop) -> None: ...
