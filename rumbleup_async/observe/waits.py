"""Who waits for which hours: places of contacts that are queued, by when they open.

Lives here: the openings that the options of a run come to. Nothing is decided by it; the run asks its own gates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.observe.looks import Waits
from rumbleup_async.rules.gates import Gates
from rumbleup_async.rules.hours import Hours, Schedule

MOST = 8
"""Openings that are told one by one."""


def gates_of(options: Mapping[str, Any], now: float) -> Gates | None:
    """The gates of a run that was given these options; None without hours and days, and for those that nobody can read."""
    hours, schedule = options.get("hours"), options.get("schedule")
    if not (hours or schedule):
        return None
    begun = options.get("begun")
    try:
        days = Schedule(**schedule) if schedule else None
        begin = days.begins if days is not None and days.begins is not None else float(begun or now)
        return Gates(Hours.from_dict(dict(hours)) if hours else None, days, begin=begin, has_sent=begun is not None)
    except (ConfigurationError, TypeError, ValueError):
        return None


def waits(gates: Gates, places: Mapping[int, int], now: float) -> list[Waits]:
    """Of these contacts, by place, those who may not be texted now: by the instant at which they may, the soonest first."""
    later: Counter[float] = Counter()
    where: dict[float, int] = {}
    never: Counter[str] = Counter()
    for place, number in places.items():
        if gates.is_open(place, now):
            continue
        if why := gates.why_never(place):
            never[str(why)] += number
        elif (opening := gates.window(place, now)) is None:
            never["not in this run any more: its hours are over"] += number
        else:
            later[opening[0]] += number
            where[opening[0]] = place
    told = [
        Waits(number, opens, f"{gates.local(opens, where[opens]):%a %Y-%m-%d %H:%M %Z}")
        for opens, number in sorted(later.items())
    ]
    if len(told) > MOST:
        rest = told[MOST - 1 :]
        told = [*told[: MOST - 1], Waits(sum(one.number for one in rest), rest[0].opens, f"{rest[0].words} and later")]
    return told + [Waits(number, None, words) for words, number in never.most_common()]
