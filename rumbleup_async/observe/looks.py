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
LONGEST_HOLD = 900
"""Seconds: a longer silence is no hold but the time between two sendings."""
MOST_PROBLEMS = 5
MOST_HOLDS = 5
MOST_POINTS = 600
"""Points of a picture: a run of many hours is drawn in longer parts."""

_WRONG = frozenset({str(State.REFUSED), str(State.UNKNOWN), str(State.NOT_SENT)})

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
    """How many contacts are in a state for a reason. `remedy`: what a person can do about it. `last`: Unix seconds at which the
    last of them came to it, None where nobody knows."""

    state: str
    code: str
    words: str
    remedy: str
    number: int
    last: float | None = None


class Hold(msgspec.Struct, frozen=True):
    """From Unix second `at` on nothing could leave for `seconds`. `why`: in words, as far as the ledger shows it."""

    at: int
    seconds: float
    why: str


class Waits(msgspec.Struct, frozen=True):
    """So many contacts wait for an hour. `opens`: the Unix second at which they may be texted, None if not in this run; `words`:
    the same by their own clocks, or why not."""

    number: int
    opens: float | None
    words: str


class Held(msgspec.Struct, frozen=True):
    """A pause: by whom, since when (ISO 8601, UTC), and the words given with it."""

    who: str
    since: str
    why: str


class Money(msgspec.Struct, frozen=True):
    """US dollars: the budget, if there is one, and what is spent of it or reserved for texts without a price yet. `left`: what
    the texts that are queued will cost, as far as anybody knows."""

    budget: float | None
    spent: float
    left: float | None = None


class Details(msgspec.Struct, frozen=True):
    """What takes a look at every contact of the ledger, as it was at Unix second `at`.

    `problems`: the last things that went wrong, the newest first. `segments`: the SMS parts of all texts, by state. `money`:
    None where no price is known. `waits`: who waits for which hours. `opted_out`: how many are left out because of an opt-out.
    `heard`: of how many recipients something was heard since: that they have opted out, have not got it, have replied.
    """

    at: float = 0.0
    reasons: list[Why] = []
    problems: list[Why] = []
    segments: dict[str, int] = {}
    money: Money | None = None
    waits: list[Waits] = []
    opted_out: int = 0
    heard: dict[str, int] = {}


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """How one run stands at Unix second `at`.

    `total` is the sum of the seven states; `is_exact`: they are those of this moment, else of a while ago, or not all are counted
    yet. `speed`: accepted texts a second of late. `allowed`: texts a second that the provider
    lets through, `asked`: those that the run was told to send at most; None where there is no such limit. `seconds_left`: until
    the queue is worked through, None where nobody can say. `half`, `most`, `slowest`: seconds within which 50, 95 and 99 of 100
    answers came of late. `holds`: the last ones, the newest first. `problem`: why it stopped, or why it cannot be read, in words.
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
    is_exact: bool = True
    elapsed: float = 0.0
    speed: float = 0.0
    allowed: float | None = None
    asked: float | None = None
    seconds_left: float | None = None
    half: float | None = None
    most: float | None = None
    slowest: float | None = None
    throttled: int = 0
    held: float = 0.0
    holds: list[Hold] = []
    paused: Held | None = None
    problem: str = ""
    cause: str = ""
    details: Details = Details()


def speed(seconds: Sequence[Second], now: float) -> float:
    """Accepted texts a second in the last ten whole seconds; 0 where nothing was sent in them."""
    until = int(now)
    recent = [second for second in seconds[-3 * RECENT :] if until - RECENT <= second.at < until]
    return sum(second.sent for second in recent) / RECENT if recent else 0.0


def seconds_left(
    queued: int, speed: float, limit: float | None, asked: float | None, waits: Sequence[Waits], now: float
) -> float | None:
    """Seconds until these are worked through, at what is allowed and asked for, or else at the present speed; None where nobody
    can say. Whoever waits for an hour comes after it has come."""
    known = [rate for rate in (limit, asked) if rate]
    ahead = min(known) if known and limit else speed
    later = [(wait.opens - now, wait.number) for wait in waits if wait.opens is not None]
    queued -= sum(wait.number for wait in waits if wait.opens is None)
    if queued <= 0 or (ahead <= 0 and not later):
        return None
    if not later:
        return queued / ahead
    ahead = ahead or asked or 0.0
    if ahead <= 0:
        return None
    soon = max(0, queued - sum(number for _, number in later))
    left = soon / ahead
    for opens, number in sorted(later):
        left = max(left, opens) + number / ahead
    return left


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


def holds(seconds: Sequence[Second]) -> list[Hold]:
    """When nothing could leave, in the order in which it was. A second in which nothing happens is not in a ledger, so a hold
    lasts up to the next one that is there, if that comes soon enough to be of the same sending."""
    found: list[Hold] = []
    ends = 0.0
    for number, second in enumerate(seconds):
        if second.held <= 0:
            continue
        after = seconds[number + 1].at if number + 1 < len(seconds) else second.at + 1
        gap = after - second.at - 1
        lasts = second.held + (gap if 0 < gap <= LONGEST_HOLD else 0)
        if found and second.at <= ends + 1:
            before = found[-1]
            found[-1] = Hold(before.at, before.seconds + lasts, before.why or _why_held(second))
        else:
            found.append(Hold(second.at, lasts, _why_held(second)))
        ends = max(ends, second.at + max(1, 1 + gap if 0 < gap <= LONGEST_HOLD else 1))
    return found


def _why_held(second: Second) -> str:
    if second.throttled:
        return 'the provider said "not now"'
    if second.unknown:
        return "answers did not come, or could not be read"
    return ""


def reasons(found: Mapping[tuple[State, Reason], int], last: Mapping[tuple[State, Reason], int] | None = None) -> list[Why]:
    """The reasons by number, the most frequent first; those without words are left out. `last`: when the last contact came to it,
    in Unix milliseconds."""
    moments = last or {}
    told = [
        Why(_shown(state), str(why.code), masked(str(why)), why.code.remedy, number, moments.get((state, why), 0) / 1000 or None)
        for (state, why), number in found.items()
        if why
    ]
    return sorted(told, key=lambda why: (-why.number, why.words, why.state))


def problems(told: Iterable[Why]) -> list[Why]:
    """Of these reasons those that went wrong last, the newest first: texts that were tried, and did not get there."""
    tried = [why for why in told if why.last and why.state in _WRONG]
    return sorted(tried, key=lambda why: -(why.last or 0))[:MOST_PROBLEMS]


def _shown(state: State) -> str:
    """As a report shows it: what is still queued is not sent."""
    return str(State.NOT_SENT if state is State.QUEUED else state)


def masked(words: str) -> str:
    """Words of a provider, without the digits of what may be a phone."""
    return _number.sub(lambda found: "\u2026" + re.sub(r"\D", "", found.group())[-2:], words)
