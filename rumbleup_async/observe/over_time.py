"""What is worked out from the seconds of a ledger: the speed, how long answers take, holds, the picture over time, the end.

Lives here: no state, and no clock of its own. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rumbleup_async.messaging import LATENCIES, Second
from rumbleup_async.observe.looks import Hold, Point, Waits

RECENT = 10
"""Seconds over which the present speed is taken."""
OF_ANSWERS = 60
"""Seconds over which the time of answers is taken."""
LONGEST_HOLD = 900
"""Seconds: a longer silence is no hold but the time between two sendings."""
MOST_POINTS = 600
"""Points of a picture: a run of many hours is drawn in longer parts."""


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
