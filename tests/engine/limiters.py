"""Providers that let only so much through, and whoever sends to them, on virtual time: a minute passes in some milliseconds.

Each limiter is asked `take(now)` for each text that arrives, in the order of time: None if it takes the text, else the seconds
that it asks to wait (0: it names none).
"""

import functools
import heapq
import itertools
import math
import random
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple, Protocol

from rumbleup_async.engine.crowding import Crowding
from rumbleup_async.engine.learning import Learning
from rumbleup_async.engine.ramp import Ramp
from rumbleup_async.engine.window import Window


class Limiter(Protocol):
    """Says no to what is too much."""

    def take(self, now: float) -> float | None: ...

    def release(self) -> None:
        """A text that was taken has been answered."""

    def allows(self, start: float, end: float) -> float:
        """Texts that it lets through from then to then at most, burst left out."""


class Bucket:
    """So many a second, and a burst. `after`: seconds of its Retry-After. `rate_at(now)`: the rate, where it changes."""

    def __init__(
        self,
        rate: float,
        burst: float,
        after: float = 0.0,
        *,
        rate_at: Callable[[float], float] | None = None,
        now: float = 0.0,
    ) -> None:
        self.rate_at = rate_at or (lambda now: rate)
        self.burst = burst
        self.after = after
        self.level = burst
        self.at = now

    def take(self, now: float) -> float | None:
        self.level = min(self.burst, self.level + self.rate_at(now) * (now - self.at))
        self.at = now
        if self.level < 1.0:
            return self.after
        self.level -= 1.0
        return None

    def release(self) -> None: ...

    def allows(self, start: float, end: float) -> float:
        return sum(self.rate_at(start + (end - start) * (part + 0.5) / 1000) for part in range(1000)) * (end - start) / 1000


class Sick(Bucket):
    """One of its nodes is ill: so great a share is answered 429 besides, whatever the rate."""

    def __init__(self, rate: float, burst: float, share: float, seed: int = 1) -> None:
        super().__init__(rate, burst)
        self.share, self.random = share, random.Random(seed)

    def take(self, now: float) -> float | None:
        return 0.0 if self.random.random() < self.share else super().take(now)


class Windows:
    """So many in each window of so many seconds, with a Retry-After of the whole seconds to its end. `shift`: when one begins."""

    def __init__(self, quota: int, seconds: float, shift: float = 0.0, *, names_end: bool = True) -> None:
        self.quota, self.seconds, self.shift, self.names_end = quota, seconds, shift, names_end
        self.number = -1
        self.used = 0

    def take(self, now: float) -> float | None:
        number = math.floor((now + self.shift) / self.seconds)
        if number != self.number:
            self.number, self.used = number, 0
        if self.used >= self.quota:
            return math.ceil((number + 1) * self.seconds - self.shift - now) if self.names_end else 0.0
        self.used += 1
        return None

    def release(self) -> None: ...

    def allows(self, start: float, end: float) -> float:
        return self.quota * (end - start) / self.seconds


class Share:
    """So great a share is answered 429, whatever the rate. `most`: texts a second that leave at most."""

    def __init__(self, share: float, most: float, seed: int = 1, after: float = 0.0) -> None:
        self.share, self.most, self.after, self.random = share, most, after, random.Random(seed)

    def take(self, now: float) -> float | None:
        return self.after if self.random.random() < self.share else None

    def release(self) -> None: ...

    def allows(self, start: float, end: float) -> float:
        return (1 - self.share) * self.most * (end - start)


class AtOnce:
    """So many at a time. `most_at(now)`: how many, where that changes."""

    def __init__(self, most: int, latency: float, *, most_at: Callable[[float], int] | None = None) -> None:
        self.most, self.latency = most, latency
        self.most_at = most_at or (lambda now: most)
        self.busy = 0

    def take(self, now: float) -> float | None:
        if self.busy >= self.most_at(now):
            return 0.0
        self.busy += 1
        return None

    def release(self) -> None:
        self.busy -= 1

    def allows(self, start: float, end: float) -> float:
        moments = (start + (end - start) * (part + 0.5) / 1000 for part in range(1000))
        return sum(self.most_at(moment) for moment in moments) / self.latency * (end - start) / 1000


class Played(NamedTuple):
    """Moments at which texts left that were accepted, and that were throttled; and how many left within a hold."""

    accepted: list[float]
    throttled: list[float]
    broken: int
    rates: list[tuple[float, float | None]]

    def between(self, start: float, end: float) -> int:
        return sum(start <= time < end for time in self.accepted)

    @property
    def share(self) -> float:
        """Of all requests those that were answered 429."""
        return len(self.throttled) / max(1, len(self.throttled) + len(self.accepted))


class Step(Enum):
    """What may happen next to a text."""

    ARRIVES = 1
    LEAVES = 2
    IS_READ = 3


def play(  # noqa: C901 - one loop over all that may happen next
    limiter: Limiter,
    learning: Learning | None = None,
    crowding: Crowding | None = None,
    *,
    seconds: float = 60.0,
    concurrency: int = 64,
    latency: float = 0.1,
    spread: float = 0.0,
    bounce: float | None = None,
    blur: float = 0.0,
    back: float = 0.0,
    stall: float = 0.0,
    asked: float | None = None,
    seed: int = 1,
) -> Played:
    """Send for so long. `spread`: the share by which answers take longer or shorter; `bounce`: seconds that a 429 takes; `blur`:
    seconds by which a text arrives later than another at most, and texts leave by slices of a hundredth of a second then; `back`:
    seconds until an answer is read at most; `stall`: seconds in each half one in which the sender does nothing; `asked`: the rate
    that was asked for."""
    learning = learning or Learning()
    window, ramp = Window(concurrency), Ramp()
    crowding = crowding or Crowding()
    chance = random.Random(seed)
    answers: list[tuple[float, int, float, float | None, Step]] = []
    count = itertools.count()
    played = Played([], [], 0, [])
    now, next_at, broken, in_flight, held_until = 0.0, 0.0, 0, 0, 0.0

    def heed(most: int | None) -> None:
        if most is None:
            window.open()
            learning.resumed(now)
        else:
            window.fit(most)

    begins = functools.cache(lambda number: 0.4 * random.Random(seed + number).random())

    def awake(moment: float) -> float:
        """When that happens which would happen then: in every half second the machine is somebody else's for a while."""
        if not stall:
            return moment
        number, part = divmod(moment, 0.5)
        return moment + max(0.0, begins(number) + stall - part) if part >= begins(number) else moment

    def arrives(left: float) -> None:
        after = limiter.take(now)
        (played.accepted if after is None else played.throttled).append(now)
        takes = latency * (1 + spread * (2 * chance.random() - 1)) if after is None or bounce is None else bounce
        if after is None:
            heapq.heappush(answers, (now + takes, next(count), left, after, Step.LEAVES))
        heapq.heappush(answers, (awake(now + takes + back * chance.random()), next(count), left, after, Step.IS_READ))

    while now < seconds:
        ready = awake(max(now, learning.until, next_at)) if in_flight < window.size else math.inf
        if answers and answers[0][0] <= ready:
            now, _, left_at, after, step = heapq.heappop(answers)
            if step is Step.ARRIVES:
                arrives(left_at)
                continue
            if step is Step.LEAVES:
                limiter.release()
                continue
            in_flight -= 1
            if after is None:
                window.grow()
                if not ramp.is_over:
                    ramp.accepted(now - left_at)
                if learning.rate is not None and crowding.taken(left_at, now):
                    heed(crowding.most)
                if crowding.most is None:
                    learning.accepted(left_at, now)
            else:
                ramp.end()
                if after:
                    held_until = max(held_until, now + after)
                elif learning.rate is not None:
                    if crowding.refused(left_at, now):
                        heed(crowding.most)
                    if crowding.most is not None:
                        if left_at >= crowding.begun:
                            window.crowd(left_at, now, in_flight + 1)
                        continue
                learning.throttled(left_at, now, after or None, in_flight)
                played.rates.append((now, learning.rate))
            continue
        was_held = learning.until > now
        now = ready
        if was_held:
            next_at = max(next_at, now)  # what was missed in a hold is not made up for
        if now >= seconds:
            break
        if was_held:
            learning.resumed(now)
            if learning.until > now:
                continue
        rate = min(
            (rate for rate in (asked, learning.rate if crowding.most is None else None, ramp.rate) if rate is not None),
            default=None,
        )
        if rate is not None:
            next_at = max(next_at, now - 0.02) + 1.0 / rate
            if blur and rate > 100.0:
                next_at = math.ceil(next_at * 100.0) / 100.0 if next_at > now + 0.01 else next_at
        broken += now < held_until
        in_flight += 1
        if blur:
            heapq.heappush(answers, (now + blur * chance.random(), next(count), now, None, Step.ARRIVES))
        else:
            arrives(now)
    return played._replace(broken=broken)


def plain(
    limiter: Limiter, *, seconds: float = 60.0, concurrency: int = 64, latency: float = 0.1, backoff: float = 0.1
) -> Played:
    """The loop that a user would write: each worker sleeps what it is told and a little more, then tries the same text again."""
    played = Played([], [], 0, [])
    ends: list[tuple[float, int, bool]] = [(0.0, number, False) for number in range(concurrency)]
    heapq.heapify(ends)
    tries = [0] * concurrency
    chance = random.Random(7)
    while ends:
        now, worker, was_taken = heapq.heappop(ends)
        if was_taken:
            limiter.release()
        if now >= seconds:
            continue
        after = limiter.take(now)
        if after is None:
            tries[worker] = 0
            played.accepted.append(now)
            heapq.heappush(ends, (now + latency, worker, True))
        else:
            played.throttled.append(now)
            tries[worker] += 1
            pause = after * 1.05 if after else backoff * 2.0 ** min(tries[worker] - 1, 5)
            heapq.heappush(ends, (now + latency + pause * (1 + 0.25 * chance.random()), worker, False))
    return played
