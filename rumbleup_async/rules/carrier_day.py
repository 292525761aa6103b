"""Which day of the carriers it is, and when a cap that is used up is reset.

Lives here: from an instant to the day by which carriers count. Pure.

T-Mobile's daily cap is reset at midnight of the Pacific coast, says Twilio (error 30023). "12 am PST" may mean 1:00 in summer:
so days are counted from 0:00, and what has used a day up goes on at 1:00.
"""

from __future__ import annotations

import datetime as dt
from typing import Final
from zoneinfo import ZoneInfo

from rumbleup_async.days import Day
from rumbleup_async.rules.zones import load

PACIFIC: Final = "America/Los_Angeles"


def carrier_day(now: float, most: int | None = None) -> Day:
    """The day in which `now` (Unix seconds) lies. ConfigurationError where there is no time-zone data."""
    zone = load().zone(PACIFIC)
    date = dt.datetime.fromtimestamp(now, zone).date()
    tomorrow = date + dt.timedelta(days=1)
    return Day(_at(zone, date, 0), _at(zone, tomorrow, 0), _at(zone, tomorrow, 1), most)


class Days:
    """The day that it is, looked up anew only when it is over. `most`: segments a day, None for no bound; `first`: a day of which
    something is known."""

    def __init__(self, most: int | None = None, first: Day | None = None) -> None:
        self._most = most
        self.last = Day(0, 0, 0) if first is None else first
        """The day that was asked for last."""

    def __call__(self, now: float) -> Day:
        """The day in which `now` lies."""
        if not self.last.begins <= now < self.last.ends:
            self.last = carrier_day(now, self._most)
        return self.last


def told(moment: float) -> str:
    """A moment by the clocks of the Pacific coast, such as `2026-12-02 01:00 PST`."""
    return f"{dt.datetime.fromtimestamp(moment, load().zone(PACIFIC)):%Y-%m-%d %H:%M %Z}"


def _at(zone: ZoneInfo, date: dt.date, hour: int) -> int:
    return int(dt.datetime(date.year, date.month, date.day, hour, tzinfo=zone).timestamp())
