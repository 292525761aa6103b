"""How a run went, second by second, for whoever looks at its ledger from another process.

Lives here: the sums that workers keep, and what the bookkeeper makes of them about once a second.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping

import msgspec

from rumbleup_async.messaging import LATENCIES, Second, State
from rumbleup_async.outcomes import NotSent, Outcome, Unknown


class Tally(msgspec.Struct):
    """What the workers of one process have seen. `latencies` and `rate` are those of `Second`."""

    throttled: int = 0
    latencies: list[int] = msgspec.field(default_factory=lambda: [0] * (len(LATENCIES) + 1))
    rate: float | None = None

    def see(self, outcome: Outcome, seconds: float) -> None:
        """One attempt that was timed came to this after so long."""
        if not isinstance(outcome, (NotSent, Unknown)):
            self.latencies[bisect_left(LATENCIES, seconds)] += 1

    def add(self, other: Tally) -> None:
        """What was seen later, too."""
        self.throttled += other.throttled
        self.latencies = [one + more for one, more in zip(self.latencies, other.latencies, strict=True)]
        self.rate = other.rate


class Counts:
    """Says what has happened in the second that has just passed. `counts`: the ledger's contacts by state."""

    def __init__(self, wall_clock: Callable[[], float], counts: Callable[[], Mapping[State, int]]) -> None:
        self._wall_clock = wall_clock
        self._counts = counts
        self._at = 0
        self._before: dict[State, int] = {}
        self._held_from = self._held_until = 0.0

    def held(self, seconds: float) -> None:
        """Nothing leaves for so long."""
        now = self._wall_clock()
        if now >= self._held_until:
            self._held_from = now
        self._held_until = max(self._held_until, now + seconds)

    def passed(self, tallies: Callable[[], Iterable[Tally]]) -> Second | None:
        """The second in which something happened last, once it is over. `tallies` are asked for only then."""
        at = int(self._wall_clock())
        if at <= self._at:
            return None
        last, self._at = self._at, at
        counts = self._counts()
        before, self._before = self._before, dict(counts)
        together, rates = Tally(), []
        for tally in tallies():
            together.add(tally)
            if tally.rate is not None:
                rates.append(tally.rate)
        if not last:
            return None
        return Second(
            last,
            sent=_more(State.SENT, counts, before),
            refused=_more(State.REFUSED, counts, before),
            unknown=_more(State.UNKNOWN, counts, before),
            throttled=together.throttled,
            held=max(0.0, min(self._held_until, last + 1) - max(self._held_from, last)),
            latencies=tuple(together.latencies),
            rate=sum(rates) if rates else None,
        )


def _more(state: State, counts: Mapping[State, int], before: Mapping[State, int]) -> int:
    return max(0, counts[state] - before[state])
