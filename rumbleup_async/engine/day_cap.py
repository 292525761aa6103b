"""A cap of segments a day: how many texts may still be opened today, and when a run whose day is used up goes on.

Lives here: asking before a text is opened, and counting where no book of people counts for all runs.

With a book the count is in its claims, so it holds over all runs and processes that go at once; what is known here of it is what
the last claim has told. Without one the run counts its own texts, from what its ledger has when it begins to send.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from rumbleup_async.days import Day
from rumbleup_async.engine.entries import Entry
from rumbleup_async.messaging import Closed, State, Text
from rumbleup_async.money import Bounded
from rumbleup_async.rules.carrier_day import Days, carrier_day, told
from rumbleup_async.stops import Cause, Stop

NO_END: Final = 0.0


class DayCap:
    """`most`: segments a day; `longest`: that a text may have. `is_shared`: a book counts, for all runs. `first`: the day on
    which the run begins to send, with what it has used of it. `until`: the Unix second up to which the run was told to go on,
    0 if it was not: then a used-up day ends it."""

    def __init__(self, most: int, *, longest: int, is_shared: bool, first: Day, until: float = NO_END) -> None:
        self.most = most
        self.is_shared = is_shared
        self._longest = max(1, longest)
        self.day = Days(most, first)
        """The day that it is at a moment."""
        self._until = until
        self._closed_until = 0.0
        self.open = 0
        """Texts whose intents are on the disk, and whose end is not."""
        self.spent: Callable[[Stop], None] = _nobody_hears
        """Is told once the day is used up, if the run does not wait for the next one."""

    def room(self, want: int, now: float, segments: int = 0) -> int:
        """How many texts of whatever length may be opened, of so many that are wanted, as far as is known; `segments`: or of this
        length."""
        return max(0, min(want, (self.most - self.day(now).used) // (segments or self._longest)))

    def fits(self, text: Text, now: float) -> bool:
        """Whether this text may be opened. A book that counts is asked by the claim instead."""
        return self.is_shared or self.day(now).used + max(1, text.segments) <= self.most

    def waits_until(self, now: float) -> float | None:
        """Until when nobody is opened, because the day was used up; None if that is over."""
        return self._closed_until if now < self._closed_until else None

    def used_up(self, now: float) -> float | None:
        """Nothing fits into this day any more, and nothing is on the way that might give some of it back: when to go on. None if
        the run ends instead."""
        day = self.day(now)
        if self._until > day.resumes:
            self._closed_until = float(day.resumes)
            return self._closed_until
        self.spent(self.stop(now))
        return None

    def stop(self, now: float) -> Stop:
        """Why the run ends once the day is used up."""
        day = self.day(now)
        whose = "by all runs of the book" if self.is_shared else "by this run"
        left = f"the next text needs more than the {day.left:,} left" if day.left else "none is left"
        detail = f"{day.used:,} of {self.most:,} segments of this day are used {whose}, {left}"
        return Stop(Cause.DAILY_CAP, f"{detail}; resume after {told(day.resumes)}")

    def others(self, counts: Mapping[State, int]) -> int:
        """How many of the run's open texts are not ours. `counts`: contacts by state, as the ledger has just told."""
        return counts[State.INTENT] - self.open

    def heard(self, bounds: Bounded, now: float) -> None:
        """What the ledger has counted of all machines takes the place of what was counted here."""
        day = self.day(now)
        day.used = bounds.used if bounds.day == day.begins else 0

    def opened(self, texts: Sequence[Text], now: float) -> None:
        """The intents of these are on the disk."""
        self.open += len(texts)
        if not self.is_shared:
            self.day(now).used += sum(max(1, text.segments) for text in texts)

    def closed(self, done: Sequence[Closed], entries: Mapping[int, Entry]) -> None:
        """These are about to be closed. What has certainly not left does not count; what is unknown does."""
        self.open -= len(done)
        for close in () if self.is_shared else done:
            text, day = entries[close.row].text, self.day.last
            if close.state not in (State.SENT, State.UNKNOWN) and text.since >= day.begins:
                day.used -= max(1, text.segments)


def dated(stop: Stop, now: float) -> Stop:
    """A stop at `now`; of one because the provider has met the brand's own cap it says when that is reset."""
    if stop.cause is not Cause.DAILY_CAP or stop.detail:
        return stop
    when = told(carrier_day(now).resumes)
    return msgspec.structs.replace(stop, detail=f"the brand's daily cap is used up; resume tomorrow, after {when}")


def _nobody_hears(_: Stop) -> None: ...
