"""Limiters as providers have them, each with its truth: what it lets through, and how much it would have let through.

Lives here: pure models, in seconds since the first request. No clock, no socket.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple, Protocol


class Kind(StrEnum):
    """What becomes of a request. Of a lost one the answer never comes; a broken one is answered 502. Nobody knows of either
    whether its text was taken."""

    ACCEPTED = "accepted"
    THROTTLED = "throttled"
    LOST = "lost"
    BROKEN = "broken"


class Answer(NamedTuple):
    """`after`: what `Retry-After` says, None without one."""

    kind: Kind
    after: float | None = None


_ACCEPTED = Answer(Kind.ACCEPTED)


class Limiter(Protocol):
    """One account's limit."""

    def ask(self, now: float) -> Answer:
        """What becomes of a request that arrives now."""

    def answered(self) -> None:
        """A request that was accepted is answered, and no longer under way."""

    def allowed(self, start: float, end: float) -> float | None:
        """How many texts it would let through between these two moments; None if it has no limit of its own."""


class Bucket:
    """So many a second, and `burst` at once after a pause. `changes`: from which second on the rate is what."""

    def __init__(self, changes: Sequence[tuple[float, float]], burst: float, after: float | None = None) -> None:
        self._changes = [*changes, (math.inf, 0.0)]
        self._burst = self._level = burst
        self._after = after
        self._seen = 0.0

    def ask(self, now: float) -> Answer:
        """One text out of the bucket, which has been filled since the last."""
        self._level = min(self._burst, self._level + self.allowed(self._seen, now))
        self._seen = now
        if self._level < 1.0:
            return Answer(Kind.THROTTLED, self._after)
        self._level -= 1.0
        return _ACCEPTED

    def answered(self) -> None:
        """Nothing: a bucket does not ask what is under way."""

    def allowed(self, start: float, end: float) -> float:
        """What runs into it."""
        pairs = pairwise(self._changes)
        return sum(rate * max(0.0, min(end, until) - max(start, since)) for (since, rate), (until, _) in pairs)


class Share:
    """A share of the requests is answered 429 whatever the rate, and another is lost: every other one without an answer, every
    other one with 502."""

    def __init__(self, throttled: float, lost: float = 0.0, after: float | None = None) -> None:
        self._throttled, self._lost, self._after = throttled, lost, after
        self._chance = random.Random(7)
        self._losses = 0

    def ask(self, now: float) -> Answer:  # noqa: ARG002 - it knows no time
        """By chance."""
        chance = self._chance.random()
        if chance < self._throttled:
            return Answer(Kind.THROTTLED, self._after)
        if chance < self._throttled + self._lost:
            self._losses += 1
            return Answer(Kind.LOST if self._losses % 2 else Kind.BROKEN)
        return _ACCEPTED

    def answered(self) -> None:
        """Nothing."""

    def allowed(self, start: float, end: float) -> None:
        """Whatever comes."""


class FixedWindow:
    """So many in each window; `Retry-After` says, in whole seconds, when the next one begins."""

    def __init__(self, number: int, period: float) -> None:
        self._number, self._period = number, period
        self._window = self._taken = 0

    def ask(self, now: float) -> Answer:
        """One of this window's."""
        window = int(now / self._period)
        if window != self._window:
            self._window, self._taken = window, 0
        if self._taken >= self._number:
            return Answer(Kind.THROTTLED, float(max(1, math.ceil((window + 1) * self._period - now))))
        self._taken += 1
        return _ACCEPTED

    def answered(self) -> None:
        """Nothing."""

    def allowed(self, start: float, end: float) -> float:
        """On average; the runs are whole windows."""
        return self._number * (end - start) / self._period


class AtOnce:
    """So many under way at a time, each for as long as an answer takes."""

    def __init__(self, most: int, latency: float) -> None:
        self._most, self._latency = most, latency
        self._under_way = 0

    def ask(self, now: float) -> Answer:  # noqa: ARG002 - it knows no time
        """One more, if there is room."""
        if self._under_way >= self._most:
            return Answer(Kind.THROTTLED)
        self._under_way += 1
        return _ACCEPTED

    def answered(self) -> None:
        """There is room for another."""
        self._under_way -= 1

    def allowed(self, start: float, end: float) -> float:
        """As many as come one behind the other without a gap."""
        return self._most / self._latency * (end - start)


class Provider(NamedTuple):
    """A row of the table: a limiter, and how it is sent to. `aim`, `least`: the ratio wanted and the least of it, None where no
    figure is asked for. `begins`: seconds before the ratio counts. `phases`: moments at which a new ratio begins; the lowest
    stands in the table. `lasts`: seconds of a run, None for as many as the command says."""

    key: str
    title: str
    concurrency: int
    latency: float
    least: float | None
    aim: float | None
    rate: float = 0.0
    after: float | None = None
    burst: float = 10.0
    share: float = 0.0
    lost: float = 0.0
    window: tuple[int, float] | None = None
    at_once: int = 0
    changes: tuple[tuple[float, float], ...] = ()
    begins: float = 10.0
    phases: tuple[float, ...] = ()
    lasts: float | None = None
    most: float = 700.0
    """Texts a second that no sender exceeds, for the length of the list, and for how many rows run side by side."""
    processes: int = 1
    """Processes that ours sends from."""

    def limiter(self) -> Limiter:
        """A new one of its kind."""
        if self.window is not None:
            return FixedWindow(*self.window)
        if self.at_once:
            return AtOnce(self.at_once, self.latency)
        if self.rate:
            return Bucket(self.changes or ((0.0, self.rate),), self.burst, self.after)
        return Share(self.share, self.lost, self.after)

    def possible(self, start: float, end: float) -> float:
        """Texts that could get through: what the limiter lets through, or what is in flight by what an answer takes.

        Where answers of 429 that come by chance name a time, and each is kept by everybody: what gets through on average until
        the first of them, and what is in flight then, in each such time.
        """
        allowed = self.limiter().allowed(start, end)
        through = 1.0 - self.share - self.lost
        free = through * self.concurrency / self.latency * (end - start)
        if self.share and self.after:
            free = min(free, (through / self.share + self.concurrency) / self.after * (end - start))
        return free if allowed is None else min(allowed, self.concurrency / self.latency * (end - start))


def _bucket(rate: int, after: float | None, least: float, aim: float) -> Provider:
    burst, concurrency = {20: (5.0, 64), 100: (10.0, 64), 1_000: (50.0, 256)}[rate]
    said = "bare 429" if after is None else f"`Retry-After: {after:g}`"
    return Provider(
        "bare" * (after is None) + ("" if after is None else f"after{after:g}") + f"-{rate}",
        f"bucket {rate:,}/s, {said}",
        concurrency,
        0.1,
        least,
        aim,
        rate=rate,
        after=after,
        burst=burst,
        most=1.1 * rate,
    )


_RATES = (20, 100, 1_000)
_BY_TWO = [
    _bucket(100, after, least, aim)._replace(
        key=f"{key}-100-by-2", title=f"bucket 100/s, {said}, ours by two processes", processes=2
    )
    for key, said, after, least, aim in (("bare", "bare 429", None, 0.95, 0.98), ("after1", "`Retry-After: 1`", 1.0, 0.9, 0.96))
]
PROVIDERS = [
    *(_bucket(rate, None, 0.95, 0.98) for rate in _RATES),
    *(_bucket(rate, 1.0, 0.90, 0.96) for rate in _RATES),
    *(_bucket(rate, 5.0, 0.85, 0.93) for rate in _RATES),
    *_BY_TWO,
    *(
        Provider(f"p{share * 100:g}", f"{share:.0%} of requests answered 429, bare", 64, 0.1, 0.95, 0.98, share=share)
        for share in (0.01, 0.03, 0.1)
    ),
    Provider("window-10", "600 in 10 s, `Retry-After` to the end", 64, 0.1, 0.95, 0.99, window=(600, 10.0), most=120.0),
    Provider(
        "window-60",
        "1,000 in 60 s, `Retry-After` to the end",
        64,
        0.1,
        0.95,
        0.99,
        window=(1_000, 60.0),
        begins=60.0,
        lasts=180.0,
        most=120.0,
    ),
    *(
        Provider(f"at-once-{most}", f"at most {most} at a time", 64, 0.1, 0.90, 0.97, at_once=most, most=11.0 * most)
        for most in (10, 50)
    ),
    Provider(
        "other",
        "bucket 100/s, somebody else takes half for 30 s",
        64,
        0.1,
        0.90,
        0.95,
        rate=100.0,
        changes=((0.0, 50.0), (30.0, 100.0)),
        phases=(30.0,),
        most=130.0,
    ),
    Provider(
        "halves",
        "bucket 100/s that halves and doubles every 20 s",
        64,
        0.1,
        0.85,
        0.92,
        rate=100.0,
        changes=((0.0, 100.0), (20.0, 50.0), (40.0, 100.0)),
        most=130.0,
    ),
    Provider("lost-5", "5 % lost or 5xx, no throttling", 64, 0.1, 0.80, None, lost=0.05),
    Provider("lost-9", "9 % lost or 5xx, 3 % 429 with `Retry-After: 1`", 32, 0.002, None, None, share=0.03, lost=0.09, after=1.0),
    Provider("free", "no limit", 64, 0.1, None, None),
]
"""The rows, as issue and measurements name them. A row without a word about it is one of bare 429s."""

BY_KEY = {provider.key: provider for provider in PROVIDERS}
