"""What the hours mean for a list: how many can be texted now, how many later, how many not today.

Lives here: counting, for the plan that a person reads before the question. Pure.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import msgspec

from rumbleup_async.reasons import Code
from rumbleup_async.rules.gates import Gates
from rumbleup_async.rules.places import ANYWHERE, decode
from rumbleup_async.stops import Stop


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of contacts, and instants in Unix seconds (None: there is none).

    `open_now`, `later_today` and `not_today` make up all contacts that ever have an hour; `later_days` are those among the last
    whose day comes before the run's `until`. `no_common_hour` and `left_out` have none. `first_closing`: of the places that are
    open now. `last_opening`: of those that open later today. `last_closing`: the run's end. `by_source`: how many are known by
    what. `in_doubt`: how many have more than one zone. `stop`: why a run over them would not begin, if it would not. `words`: the
    hours; `zone_data`: the version of the data about zones, and `zone_data_old` what is wrong with its age, "" if nothing is.
    """

    open_now: int = 0
    later_today: int = 0
    later_days: int = 0
    not_today: int = 0
    no_common_hour: int = 0
    left_out: int = 0
    first_closing: float | None = None
    last_opening: float | None = None
    last_closing: float | None = None
    by_source: dict[str, int] = {}
    in_doubt: int = 0
    stop: Stop | None = None
    words: str = ""
    zone_data: str = ""
    zone_data_old: str = ""


def outlook(gates: Gates, contacts: Mapping[int, int], now: float) -> Outlook:
    """What lies before these contacts at `now`. `contacts`: how many of them have each place."""
    found = dict.fromkeys(("open_now", "later_today", "later_days", "not_today", "no_common_hour", "left_out", "in_doubt"), 0)
    by_source: dict[str, int] = {}
    closings: list[float] = []
    openings: list[float] = []
    for place, number in contacts.items():
        if place == ANYWHERE:
            found["open_now"] += number
            continue
        facts = decode(place, gates.data)
        by_source[facts.source.word] = by_source.get(facts.source.word, 0) + number
        found["in_doubt"] += number if len(facts.zones) > 1 else 0
        opening = gates.window(place, now)
        if why := gates.why_never(place):
            found["left_out" if why.code is Code.STATE_LEFT_OUT else "no_common_hour"] += number
        elif opening is not None and opening[0] <= now:
            found["open_now"] += number
            closings.append(opening[1])
        elif opening is not None and _is_today(gates, facts.zones, opening[0]):
            found["later_today"] += number
            openings.append(opening[0])
        else:
            found["not_today"] += number
            found["later_days"] += number if opening is not None else 0
    return Outlook(
        open_now=found["open_now"],
        later_today=found["later_today"],
        later_days=found["later_days"],
        not_today=found["not_today"],
        no_common_hour=found["no_common_hour"],
        left_out=found["left_out"],
        in_doubt=found["in_doubt"],
        by_source=by_source,
        first_closing=min(closings, default=None),
        last_opening=max(openings, default=None),
        last_closing=gates.last_closing(contacts, now),
    )


def _is_today(gates: Gates, zones: tuple[str, ...], opens: float) -> bool:
    """An opening is still on the local date on which the run begins, in one of the zones."""
    return any(
        dt.datetime.fromtimestamp(opens, zone).date() == dt.datetime.fromtimestamp(gates.begin, zone).date()
        for zone in map(gates.data.zone, zones)
    )
