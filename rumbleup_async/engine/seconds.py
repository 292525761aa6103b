"""How a run went, second by second, for whoever looks at its ledger from another process.

Lives here: the sums that workers keep, and what the bookkeeper makes of them about once a second.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping

import msgspec

from rumbleup_async.events import STEP_LATENCIES
from rumbleup_async.messaging import LATENCIES, Second, State
from rumbleup_async.outcomes import NotSent, Outcome, Unknown


class Tally(msgspec.Struct):
    """What the workers of one process have seen. `latencies` and `rate` are those of `Second`. `allowed`: as in `Flow`.
    `answers`: how many were timed, which took `waited` seconds together."""

    throttled: int = 0
    latencies: list[int] = msgspec.field(default_factory=lambda: [0] * (len(LATENCIES) + 1))
    rate: float | None = None
    allowed: float | None = None
    answers: int = 0
    waited: float = 0.0

    def see(self, outcome: Outcome, seconds: float) -> None:
        """One attempt that was timed came to this after so long."""
        if not isinstance(outcome, (NotSent, Unknown)):
            self.latencies[bisect_left(LATENCIES, seconds)] += 1
            self.answers += 1
            self.waited += seconds

    def add(self, other: Tally) -> None:
        """What was seen later, too."""
        self.throttled += other.throttled
        self.latencies = [one + more for one, more in zip(self.latencies, other.latencies, strict=True)]
        self.rate, self.allowed = other.rate, other.allowed
        self.answers += other.answers
        self.waited += other.waited


class Flow(msgspec.Struct, frozen=True):
    """What the provider lets through, and what it has said about it in this process's part of the run.

    `allowed`: texts a second that it was last seen to let through; None where it has shown no limit. `throttled`: answers "not
    now". `holds`: how often nothing could leave, for `held` seconds together, be it that the provider asked for it or that it was
    in trouble; None where their number is not known. `latency`: seconds that an answer takes at present, 0 while nobody knows.
    """

    allowed: float | None = None
    throttled: int = 0
    holds: int | None = 0
    held: float = 0.0
    latency: float = 0.0


_NEWS = 0.1
"""A change of what the provider lets through that observers are told of: a learned rate moves a little all the time."""
_FRESH = 0.2
"""How much the answers of the last second count for the latency."""


class Counts:
    """Says what has happened in the second that has just passed, and all in all. `counts`: the contacts of this process by state.
    `tallies`: what each worker has seen since it was last asked."""

    def __init__(self, wall_clock: Callable[[], float], counts: Callable[[], Mapping[State, int]]) -> None:
        self._wall_clock = wall_clock
        self._counts = counts
        self._at = 0
        self._before: dict[State, int] = {}
        self._held_from = self._held_until = 0.0
        self._together = Tally()
        """What workers have seen in this second so far."""
        self._steps = [0] * (len(STEP_LATENCIES) + 1)
        self._step_seconds = self._answer_seconds = 0.0
        """How many steps of the ledger there were since somebody asked, how long they took, and how long the answers."""
        self._flow = Flow()
        self.told: float | None = None
        """Texts a second that the provider lets through, as observers were told last."""

    def held(self, seconds: float) -> None:
        """Nothing leaves for so long."""
        now = self._wall_clock()
        flow, until = self._flow, now + seconds
        if now >= self._held_until:
            self._held_from = now
            self._flow = msgspec.structs.replace(flow, holds=(flow.holds or 0) + 1, held=flow.held + seconds)
        elif until > self._held_until:
            self._flow = msgspec.structs.replace(flow, held=flow.held + until - self._held_until)
        self._held_until = max(self._held_until, until)

    def stepped(self, seconds: float) -> None:
        """A step of the ledger took so long."""
        self._steps[bisect_left(STEP_LATENCIES, seconds)] += 1
        self._step_seconds += seconds

    def took(self) -> tuple[int, float, float, tuple[int, ...]]:
        """How many steps there were since this was asked last, how long they took together, how long the answers, and how many
        steps took how long."""
        found = sum(self._steps), self._step_seconds, self._answer_seconds, tuple(self._steps)
        self._steps = [0] * len(self._steps)
        self._step_seconds = self._answer_seconds = 0.0
        return found

    def flow(self, tallies: Callable[[], Iterable[Tally]]) -> Flow:
        """What there is to be said up to now."""
        self._see(tallies())
        ahead = max(0.0, self._held_until - self._wall_clock())
        return msgspec.structs.replace(self._flow, held=self._flow.held - ahead)

    def passed(self, tallies: Callable[[], Iterable[Tally]]) -> Second | None:
        """The second in which something happened last, once it is over. `tallies` are asked for only then."""
        at = int(self._wall_clock())
        if at <= self._at:
            return None
        last, self._at = self._at, at
        found = self._since(last, tallies())
        return found if last else None

    def last(self, tallies: Callable[[], Iterable[Tally]]) -> Second | None:
        """The second in which the run has ended, as far as it went; None if nothing more has happened."""
        if not self._at:
            return None
        found = self._since(self._at, tallies())
        return found if found.sent or found.refused or found.unknown or found.throttled else None

    def _since(self, at: int, tallies: Iterable[Tally]) -> Second:
        """What has happened since this was asked last, as that of second `at`."""
        counts = self._counts()
        before, self._before = self._before, dict(counts)
        self._see(tallies)
        together, self._together = self._together, Tally()
        if together.answers:
            self._answer_seconds += together.waited
            latency, now = self._flow.latency, together.waited / together.answers
            self._flow = msgspec.structs.replace(self._flow, latency=latency + _FRESH * (now - latency) if latency else now)
        return Second(
            at,
            sent=_more(State.SENT, counts, before),
            refused=_more(State.REFUSED, counts, before),
            unknown=_more(State.UNKNOWN, counts, before),
            throttled=together.throttled,
            held=max(0.0, min(self._held_until, at + 1) - max(self._held_from, at)),
            latencies=tuple(together.latencies),
            rate=together.rate,
        )

    def has_news(self) -> bool:
        """Whether what the provider lets through has changed so much that somebody wants to hear of it; `told` is that then."""
        rate, before = self._flow.allowed, self.told
        if rate is before or (rate is not None and before is not None and abs(rate - before) <= _NEWS * before):
            return False
        self.told = rate
        return True

    def _see(self, tallies: Iterable[Tally]) -> None:
        found = list(tallies)
        if not found:
            return
        for tally in found:
            self._together.add(tally)
        self._together.rate = _sum(tally.rate for tally in found)
        throttled = self._flow.throttled + sum(tally.throttled for tally in found)
        self._flow = msgspec.structs.replace(self._flow, allowed=_sum(tally.allowed for tally in found), throttled=throttled)


def _sum(rates: Iterable[float | None]) -> float | None:
    """Of all processes together; None where none knows."""
    known = [rate for rate in rates if rate is not None]
    return sum(known) if known else None


def _more(state: State, counts: Mapping[State, int], before: Mapping[State, int]) -> int:
    return max(0, counts[state] - before.get(state, 0))
