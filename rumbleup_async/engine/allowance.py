"""What a run may still open: as far as its money goes, and the cap of the day.

Lives here: both as one thing that a source of texts asks. A run without bounds is asked, too, and allows everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rumbleup_async.admission import Verdict, Wait
from rumbleup_async.engine.budget import Budget
from rumbleup_async.engine.canary import Canary
from rumbleup_async.engine.counted import SOON, Counted
from rumbleup_async.engine.day_cap import DayCap
from rumbleup_async.engine.entries import Entry
from rumbleup_async.messaging import Closed, Planned, Text
from rumbleup_async.money import Bounded
from rumbleup_async.reasons import CAPPED, Reason


class ExhaustedError(Exception):
    """The next text may not be opened: there is no money for it, or no room in the day."""


class Allowance:
    """`budget`, `cap`, `canary`: None for no bound. `counted`: what the ledger counts of them for all machines; a cap that
    a book of people counts is not among that."""

    def __init__(
        self,
        budget: Budget | None = None,
        cap: DayCap | None = None,
        canary: Canary | None = None,
        counted: Counted | None = None,
    ) -> None:
        self.budget = budget
        self.cap = cap
        self.canary = canary
        self.counted = counted
        self._budget = None if counted is not None else budget
        """The budget that is counted here."""
        self._cap = None if counted is not None and not (cap is not None and cap.is_shared) else cap
        self._lacks_money = False
        self._is_elsewhere = False
        """There was no room by what the ledger counts."""

    @property
    def is_bounded(self) -> bool:
        """There is something to be asked here."""
        return self._budget is not None or self._cap is not None

    @property
    def is_counted_here(self) -> bool:
        """This process alone counts something. A book of people counts for all that ask it."""
        return self._budget is not None or (self._cap is not None and not self._cap.is_shared)

    @property
    def bounds(self) -> list[Budget | DayCap | Counted]:
        """The bounds that there are."""
        return [bound for bound in (self.budget, self.cap, self.counted) if bound is not None]

    def heard(self, bounds: Bounded | None, now: float) -> float | None:
        """What a step has told of the bounds that the ledger counts: when to ask again, if nobody can be opened now."""
        return None if self.counted is None or bounds is None else self.counted.heard(bounds, now)

    def waits_until(self, now: float) -> float | None:
        """Until when nobody is opened, because the day was used up; None if that is over."""
        return None if self.cap is None else self.cap.waits_until(now)

    def room(self, want: int, now: float) -> int:
        """How many texts of whatever length may be opened, of so many that are wanted."""
        room = want if self._budget is None else self._budget.room(want)
        self._lacks_money = not room
        return room if self._cap is None else self._cap.room(room, now)

    def room_of_all(self, want: int, now: float) -> int:
        """The same, where nobody is known before they are drawn: also as far as the ledger counts for all machines."""
        room = self.room(want, now)
        self._is_elsewhere = False
        if self.counted is not None and room:
            room = self.counted.room(room, now)
            self._is_elsewhere = not room
        return room

    def check(self, texts: Sequence[Text], now: float) -> None:
        """Raises ExhaustedError unless these may be opened, as far as is known before the book of people is asked."""
        self._lacks_money = self._budget is not None and not all(map(self._budget.fits, texts))
        if self._lacks_money or (self._cap is not None and not all(self._cap.fits(text, now) for text in texts)):
            raise ExhaustedError

    def beyond(self, drawn: Sequence[Planned]) -> dict[int, Reason]:
        """Of these, which are to be opened in their order, those that cannot be paid: why, by row."""
        return {} if self._budget is None else self._budget.beyond(drawn)

    def check_claimed(self, verdicts: Sequence[Verdict]) -> None:
        """Raises ExhaustedError where the book of people has said that the day is used up."""
        if self._cap is not None and any(isinstance(verdict, Wait) and verdict.why == CAPPED for verdict in verdicts):
            raise ExhaustedError

    def exhausted(self, now: float, elsewhere: int = 0) -> float | None:
        """Nothing more may be opened. When to go on; None if the run ends, or if something is on the way that may give some of it
        back. `elsewhere`: so many texts are on the way from other machines of the run."""
        if self._is_elsewhere and self.counted is not None:
            return self.counted.exhausted(now)
        if self._lacks_money:
            if self._budget is not None and not self._budget.open:
                self._budget.spent(self._budget.stop)
        elif self._cap is not None and elsewhere > 0:
            return now + SOON
        elif self._cap is not None and not self._cap.open:
            return self._cap.used_up(now)
        return None

    def day_ends(self, now: float) -> float:
        """When the day ends for which texts are counted that are opened now; 0 where no day is."""
        return 0.0 if self.cap is None else self.cap.day(now).ends

    def opened(self, texts: Sequence[Text], now: float) -> None:
        """The intents of these are on the disk."""
        if self._budget is not None:
            self._budget.opened(texts)
        if self._cap is not None:
            self._cap.opened(texts, now)

    def closed(self, done: Sequence[Closed], entries: Mapping[int, Entry]) -> None:
        """These are about to be closed, in the step whose intents are counted next."""
        if self._budget is not None:
            self._budget.closed(done, entries)
        if self._cap is not None:
            self._cap.closed(done, entries)
