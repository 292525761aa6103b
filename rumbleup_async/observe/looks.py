"""What a page shows of one run at one moment.

Lives here: plain values, and what is worked out from the seconds of a ledger. Pure.

No phone, no text and no name of a person is in any of them: a page is looked at by many, and over a network.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from rumbleup_async.messaging import LATENCIES, Second, State
from rumbleup_async.reasons import Reason

RECENT = 10
"""Seconds over which the present speed is taken."""
OF_ANSWERS = 60
"""Seconds over which the time of answers is taken."""
MOST_POINTS = 600
"""Points of a picture: a run of many hours is drawn in longer parts."""

_number = re.compile(r"\+?\d(?:[ .()/-]{0,2}\d){6,}")


class Point(msgspec.Struct, frozen=True):
    """A part of the picture over time, from Unix second `at` for `seconds`: texts a second. `allowed`: those that the provider
    lets through, as far as known. `held`: seconds of it in which nothing could leave. `slow`: seconds within which 95 of 100
    answers came, None without any."""

    at: int
    seconds: int
    sent: float
    refused: float
    unknown: float
    throttled: float
    held: float
    allowed: float | None = None
    slow: float | None = None


class Why(msgspec.Struct, frozen=True):
    """How many contacts are in a state for a reason. `remedy`: what a person can do about it."""

    state: str
    code: str
    words: str
    remedy: str
    number: int


class Held(msgspec.Struct, frozen=True):
    """A pause: by whom, since when (ISO 8601, UTC), and the words given with it."""

    who: str
    since: str
    why: str


class Money(msgspec.Struct, frozen=True):
    """US dollars: the budget, and what is spent of it or reserved for texts without a price yet."""

    budget: float
    spent: float


class Details(msgspec.Struct, frozen=True):
    """What takes a look at every contact of the ledger, as it was at Unix second `at`. `segments`: the SMS parts of all texts, by
    state. `money`: None without a budget."""

    at: float = 0.0
    reasons: list[Why] = []
    segments: dict[str, int] = {}
    money: Money | None = None


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """How one run stands at Unix second `at`.

    `total` is the sum of the seven states. `speed`: accepted texts a second of late. `allowed`: texts a second that the provider
    lets through, `asked`: those that the run was told to send at most; None where there is no such limit. `seconds_left`: until
    the queue is worked through, None where nobody can say. `half`, `most`: seconds within which 50 and 95 of 100 answers came of
    late. `problem`: why it stopped, or why it cannot be read, in words.
    """

    id: str
    name: str
    at: float
    run: str = ""
    project: str = ""
    is_running: bool = False
    is_read_in: bool = True
    counts: dict[str, int] = {}
    total: int = 0
    elapsed: float = 0.0
    speed: float = 0.0
    allowed: float | None = None
    asked: float | None = None
    seconds_left: float | None = None
    half: float | None = None
    most: float | None = None
    throttled: int = 0
    held: float = 0.0
    paused: Held | None = None
    problem: str = ""
    cause: str = ""
    details: Details = Details()


def speed(seconds: Sequence[Second], now: float) -> float:
    """Accepted texts a second in the last ten whole seconds; 0 where nothing was sent in them."""
    until = int(now)
    recent = [second for second in seconds[-3 * RECENT :] if until - RECENT <= second.at < until]
    return sum(second.sent for second in recent) / RECENT if recent else 0.0


def within(seconds: Iterable[Second], share: float) -> float | None:
    """Seconds within which so large a share of the answers came: the upper bound of a bucket; None without answers."""
    buckets = [0] * (len(LATENCIES) + 1)
    for second in seconds:
        for index, number in enumerate(second.latencies[: len(buckets)]):
            buckets[index] += number
    wanted, seen = share * sum(buckets), 0
    for bound, number in zip((*LATENCIES, float("inf")), buckets, strict=True):
        seen += number
        if number and seen >= wanted:
            return min(bound, 2 * LATENCIES[-1])
    return None


def limit_of(second: Second, asked: float | None) -> float | None:
    """What the provider was seen to let through, in texts a second; a rate that was only asked for is none."""
    return None if second.rate is None or (asked and second.rate > 0.999 * asked) else second.rate


def step_for(seconds: Sequence[Second], last: int) -> int:
    """How many seconds one point of the picture stands for: 1, 2, 5, 10, 30, 60, or more minutes."""
    span = last - seconds[0].at + 1 if seconds else 1
    return next((step for step in (1, 2, 5, 10, 30, 60, 300, 900) if span <= step * MOST_POINTS), 3600)


def points(seconds: Sequence[Second], asked: float | None, step: int) -> list[Point]:
    """The picture over time. A part in which nothing happened has no point."""
    parts: dict[int, list[Second]] = {}
    for second in seconds:
        parts.setdefault(second.at - second.at % step, []).append(second)
    return [_point(at, step, part, asked) for at, part in sorted(parts.items())]


def _point(at: int, step: int, part: Sequence[Second], asked: float | None) -> Point:
    def rate(number: int) -> float:
        return round(number / step, 2)

    limits = [limit for second in part if (limit := limit_of(second, asked)) is not None]
    allowed = round(sum(limits) / len(limits), 1) if limits else None
    held = round(sum(second.held for second in part), 2)
    return Point(
        at,
        step,
        rate(sum(second.sent for second in part)),
        rate(sum(second.refused for second in part)),
        rate(sum(second.unknown for second in part)),
        rate(sum(second.throttled for second in part)),
        held,
        allowed,
        within(part, 0.95),
    )


def reasons(found: Mapping[tuple[State, Reason], int]) -> list[Why]:
    """The reasons by number, the most frequent first; those without words are left out."""
    told = [
        Why(_shown(state), str(why.code), masked(str(why)), why.code.remedy, number)
        for (state, why), number in found.items()
        if why
    ]
    return sorted(told, key=lambda why: (-why.number, why.words, why.state))


def _shown(state: State) -> str:
    """As a report shows it: what is still queued is not sent."""
    return str(State.NOT_SENT if state is State.QUEUED else state)


def masked(words: str) -> str:
    """Words of a provider, without the digits of what may be a phone."""
    return _number.sub(lambda found: "\u2026" + re.sub(r"\D", "", found.group())[-2:], words)
