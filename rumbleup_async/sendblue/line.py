"""One number to send from: how fast it may send, by what its own texts were answered.

Lives here: waiting times, no waiting. It has no clock: every moment is handed in, on the event loop's clock.

What is learned of a line is learned as of a provider, by `engine.learning`, within the pace that was asked for. Besides, a line
that is answered "not now" several times on end rests, longer each time: it may be used up for the hour, or for good.
"""

from __future__ import annotations

from rumbleup_async.engine.learning import Learning

_ON_END = 4
"""Answers of "not now" on end from which on a line rests: for two of its gaps, and twice as long each time."""
_SHORTEST, _LONGEST = 0.1, 60.0
"""Seconds of a gap that such a rest is reckoned from at least; and of a rest at most."""
_LITTLE = 0.5
"""Seconds that are added at most to a wait that was asked for."""
_IDLE = 10.0
"""Seconds in which a line might have sent and has not, after which what was counted before says nothing any more."""


class LinePace:
    """What all runs of one client know together of the pace of one number. `least`: seconds between two texts at least."""

    def __init__(self) -> None:
        self.learning = Learning()
        self.given_at = 0.0
        """When the last permit was given that has not come back; 0 before the first."""
        self.next_at = 0.0
        self.rests_until = 0.0
        self._under_way = 0
        self._refusals = 0
        """Answers of "not now" since the last text that was taken, those of one volley counted once."""
        self._refused_at = 0.0

    def gap(self, least: float) -> float:
        """Seconds from one text to the next."""
        rate = self.learning.rate
        return least if rate is None else max(least, 1.0 / rate)

    @property
    def held_until(self) -> float:
        """Nothing may leave before; a moment that is past means now."""
        return max(self.rests_until, self.learning.until)

    @property
    def free_at(self) -> float:
        """When the next text may leave."""
        return max(self.next_at, self.held_until)

    def give(self, now: float, least: float) -> None:
        """A text has leave now."""
        if not self.given_at or self.held_until > self.given_at or now > self.next_at + _IDLE:
            self.learning.resumed(now)
        self.given_at, self.next_at = now, now + self.gap(least)
        self._under_way += 1

    def take_back(self, given_at: float) -> None:
        """The text that was given leave at this moment does not leave: the next one may at once."""
        self._under_way -= 1
        if self.given_at == given_at:
            self.next_at = given_at

    def answered(self) -> None:
        """A text is not under way any more, whatever became of it."""
        self._under_way -= 1

    def accepted(self, left: float, now: float) -> None:
        """The text that left at this moment was taken."""
        self._refusals = 0
        self.learning.accepted(left, now)

    def not_now(self, left: float, now: float, after: float | None, least: float) -> None:
        """It was told to wait, perhaps for so many seconds. It is still under way."""
        wait = after + min(_LITTLE, 0.02 * after) + 0.01 if after else None
        self.learning.throttled(left, now, wait, self._under_way - 1)
        if left >= self._refused_at:
            self._refusals, self._refused_at = self._refusals + 1, now
        if (beyond := self._refusals - _ON_END) >= 0:
            rest = max(_SHORTEST, self.gap(least)) * 2.0 ** min(beyond + 1, 20)
            self.rests_until = max(self.rests_until, now + min(_LONGEST, rest))


class Line:
    """A number of one run. `index` counts from 1, in the order in which the lines were given."""

    def __init__(self, index: int, number: str, pace: LinePace) -> None:
        self.index = index
        self.number = number
        self.pace = pace
        self.uses: list[float] = []
        """When it sent to new contacts, Unix seconds, ascending; since the last reset of the day at least."""
        self.refusals = 0
        """Refusals in a row that were not about the recipient."""

    def __repr__(self) -> str:
        return f"Line({self.index})"
