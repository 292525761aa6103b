"""The budget of a run: what a text costs is reserved before its intent, and what its answer costs takes the place of that.

Lives here: counting, in micro-dollars. Pure. What the ledger knows of it is read once, when the run begins to send.

What is reserved need not be written down: it is the number of segments of all that the ledger has as sent, unknown or on the way,
at the price of a segment. So it is as durable as the intents are. What answers have named is kept by the ledger in the very step
that closes their texts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from rumbleup_async.engine.entries import Entry
from rumbleup_async.messaging import Closed, Planned, State, Text
from rumbleup_async.money import Bounded, Money, Spending
from rumbleup_async.reasons import Code, Reason
from rumbleup_async.stops import Cause, Stop

_NOTHING_LEFT = Reason(Code.BUDGET)


_LAST: Final = 100
FEWEST: Final = 10
"""A price is learned from the last answers that name one, if there are at least so many."""


class Budget:
    """`budget` and `price`, of a segment, in micro-dollars; no price where it is to be learned from a canary. `most`: segments
    that a text may have."""

    def __init__(self, budget: int, price: int | None, known: Money, most: int) -> None:
        self._budget = budget
        self._given = price or 0
        self._last: deque[int] = deque(maxlen=_LAST)
        """What a segment cost by the last answers."""
        self._paid = known.paid
        self._dearest = known.dearest
        self._segments = known.reserved - known.paid_segments
        """Of texts that may have left, and whose price no answer has named."""
        self._most = max(most, known.most)
        # Of an earlier part of the run it is known what its answers cost together, and at most.
        self._last.extend([known.dearest] * min(_LAST, known.paid_segments // self._most))
        self.spent: Callable[[Stop], None] = _nobody_hears
        """Is told once nothing more can be paid, and nothing is on the way that may come back."""
        self.open = 0
        """Texts whose intents are on the disk, and whose end is not."""

    @property
    def _price(self) -> int:
        # An answer that costs more than was said is believed of all from then on.
        return max(self._given, self._dearest)

    @property
    def is_learning(self) -> bool:
        """Nobody has said what a segment costs, and it is not learned yet."""
        return not self._given

    def learn(self) -> int | None:
        """What a segment costs, from now on: the most of the last answers. None if too few have named a price."""
        if self.is_learning and len(self._last) >= FEWEST:
            self._given = max(self._last)
        return self._given or None

    def heard(self, bounds: Bounded) -> None:
        """What the ledger has counted of all machines takes the place of what was counted here."""
        self._paid, self._segments, self._dearest = bounds.paid, bounds.segments, bounds.dearest
        self._given = self._given or bounds.price
        if self.is_learning and bounds.priced >= FEWEST:
            self._last.append(bounds.dearest)
            self._last.extend([bounds.dearest] * (FEWEST - len(self._last)))

    @property
    def spending(self) -> Spending:
        """How it stands now."""
        dearest = self._dearest if self._dearest > self._given else 0
        return Spending(self._budget, self._given, dearest, self._paid, self._price * self._segments)

    @property
    def left(self) -> int:
        """What can still be reserved."""
        return self._budget - self._paid - self._price * self._segments

    @property
    def stop(self) -> Stop:
        """Why the run ends once there is nothing left."""
        return Stop(Cause.BUDGET, f"{self.spending}; resume with a larger --budget to text the rest")

    def room(self, want: int, segments: int = 0) -> int:
        """How many texts of whatever length can be paid, of so many that are wanted; `segments`: or of this length."""
        cost = self._price * (segments or self._most)
        return max(0, min(want, self.left // cost)) if cost else want

    def fits(self, text: Text) -> bool:
        """Whether this text can be paid."""
        return self._price * max(1, text.segments) <= self.left

    def beyond(self, drawn: Sequence[Planned]) -> dict[int, Reason]:
        """Of these, which are to be opened in their order, those that cannot be paid: why, by row."""
        left, found = self.left, dict[int, Reason]()
        for row in drawn:
            cost = self._price * max(1, row.segments)
            if cost > left:
                found[row.row] = _NOTHING_LEFT
            else:
                left -= cost
        return found

    def opened(self, texts: Sequence[Text]) -> None:
        """The intents of these are on the disk."""
        self.open += len(texts)
        self._segments += sum(max(1, text.segments) for text in texts)

    def closed(self, done: Sequence[Closed], entries: Mapping[int, Entry]) -> None:
        """These are about to be closed, in the step whose intents are counted next."""
        self.open -= len(done)
        for close in done:
            segments = max(1, entries[close.row].text.segments)
            if close.state is State.SENT and close.price:
                self._paid += close.price
                each = -(-close.price // segments)
                self._dearest = max(self._dearest, each)
                self._last.append(each)
                self._segments -= segments
            elif close.state not in (State.SENT, State.UNKNOWN):
                self._segments -= segments


def _nobody_hears(_: Stop) -> None: ...
