"""Whether somebody may be texted at one minute, found as a person would: look at the wall clock of each zone, and at each law.

Shares no code and no table with the package: the laws are written down once more, the holidays taken from a calendar.
"""

from __future__ import annotations

import datetime as dt
import functools
import importlib.resources
from collections.abc import Iterable
from zoneinfo import ZoneInfo

LAWS = """
AL 8:00-20:00 8:00-20:00 -- off
CT 9:00-20:00 9:00-20:00 9:00-20:00
FL 8:00-20:00 8:00-20:00 8:00-20:00
KY 10:00-21:00 10:00-21:00 10:00-21:00
LA 8:00-20:00 8:00-20:00 -- off
MD 8:00-20:00 8:00-20:00 8:00-20:00
MA 8:00-20:00 8:00-20:00 8:00-20:00
MI 9:00-21:00 9:00-21:00 9:00-21:00
MN 9:00-21:00 9:00-21:00 9:00-21:00
NM 9:00-21:00 9:00-21:00 9:00-21:00
MS 8:00-20:00 8:00-20:00 --
NV 9:00-20:00 9:00-20:00 9:00-20:00
OK 8:00-20:00 8:00-20:00 8:00-20:00
OR 8:00-20:00 8:00-20:00 8:00-20:00
PA 8:00-21:00 8:00-21:00 13:30-21:00 off
RI 9:00-18:00 10:00-17:00 -- off
SD 9:00-21:00 -- --
TX 9:00-21:00 9:00-21:00 12:00-21:00
UT 8:00-21:00 8:00-21:00 -- off
WA 8:00-20:00 8:00-20:00 8:00-20:00
WY 8:00-20:00 8:00-20:00 8:00-20:00
"""
CANADA = ["9:00-21:30", "10:00-18:00", "10:00-18:00"]
CHARITIES = {"WA": ["8:00-20:00"] * 3, "MS": ["9:00-21:00", "9:00-21:00", "--"]}
PROVINCES = "AB BC MB NB NL NS NT NU ON PE QC SK YT"

HOLIDAYS = """
2026-09-07 2026-10-12 2026-11-11 2026-11-26 2026-12-25 2027-01-01 2027-01-18 2027-02-15 2027-05-31 2027-06-18 2027-06-19
2027-07-04 2027-07-05 2027-09-06 2027-10-11 2027-11-11 2027-11-25 2027-12-24 2027-12-25 2027-12-31 2028-01-01 2028-01-17
2028-02-21 2028-05-29 2028-06-19 2028-07-04 2028-09-04
"""
"""The federal ones as they stand in the government's calendar, from September 2026 to September 2028, with the days themselves
where they are observed on another."""
OWN = {
    "AL": "2026-12-01 2027-02-09 2027-04-26 2027-06-07 2027-12-01 2028-02-29 2028-04-24 2028-06-05",
    "LA": "2026-11-27 2027-02-09 2027-03-26 2027-11-26 2028-02-29 2028-04-14",
    "PA": "2026-11-03 2027-06-14 2027-11-02 2028-06-14",
    "RI": "2026-11-03 2027-05-04 2027-08-09 2027-11-02 2028-05-04 2028-08-14",
    "UT": "2027-07-23 2027-07-24 2028-07-24",
}


@functools.cache
def zone(name: str) -> ZoneInfo:
    with importlib.resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file)


@functools.cache
def laws(purpose: str, states: tuple[str, ...]) -> list[tuple[str, list[str]]]:
    found = []
    for line in LAWS.strip().splitlines() if purpose == "commercial" else ():
        state, *rest = line.split()
        if state in states:
            found.append((state, rest))
    if purpose == "nonprofit":
        found += [(state, hours) for state, hours in CHARITIES.items() if state in states]
    return found + [(state, CANADA) for state in PROVINCES.split() if state in states]


@functools.cache
def is_in(hours: str, clock: tuple[int, int]) -> bool:
    if hours == "--":
        return False
    begin, end = (tuple(map(int, (part + ":00").split(":")[:2])) for part in hours.split("-"))
    return begin <= clock < end


def is_open(names: Iterable[str], states: tuple[str, ...], now: float, window: str, sunday: str | None, purpose: str) -> bool:
    """At this minute the wall clock of each zone is within the window and within each law."""
    for name in names:
        wall = dt.datetime.fromtimestamp(now, zone(name))
        clock, weekday = (wall.hour, wall.minute), wall.strftime("%a")
        if not is_in(window, clock) or (weekday == "Sun" and (sunday is None or not is_in(sunday, clock))):
            return False
        for state, (on_weekdays, on_saturday, on_sunday, *off) in laws(purpose, states):
            if off and wall.strftime("%Y-%m-%d") in (HOLIDAYS + " " + OWN[state]).split():
                return False
            if not is_in({"Sat": on_saturday, "Sun": on_sunday}.get(weekday, on_weekdays), clock):
                return False
    return True
