"""Worlds with hours: everybody has a true zone, which the list tells, or leaves open, and nobody is texted at a wrong hour.

What the world knows of a person is where they are: one of the zones and one of the states that their row allows for. A run that
is given no end must leave nothing for the next day; once it has ended so, the next process may be told of a later end. Wall
clocks are set forward and back and machines sleep, as in all worlds: hours are judged by the clock that the process was shown.
"""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple
from unittest.mock import patch

from rumbleup_async.messaging import State
from rumbleup_async.rules.hours import Hours, Schedule
from rumbleup_async.runs import hours as hours_module
from rumbleup_async.runs.hours import read_hours, read_schedule
from rumbleup_async.runs.run import Run
from rumbleup_async.stops import Cause
from tests.prove import world as world_module
from tests.prove.faults import Fault
from tests.prove.fleet import KINDS as FLEET
from tests.prove.logs import EPOCH
from tests.prove.people import Listed
from tests.prove.storage import Simulated
from tests.prove.world import World
from tests.rules import by_hand


class Home(NamedTuple):
    """Where somebody is, and what the list tells of it."""

    code: str
    zip: str
    state: str
    zone: str
    truly: str
    law: str = ""


def _homes() -> tuple[Home, ...]:
    new_york, chicago, denver, los_angeles = "New_York", "Chicago", "Denver", "Los_Angeles"
    told = [
        ("212", "10001", "NY", "", new_york, ""),
        ("312", "", "", "", chicago, ""),
        ("303", "80202", "", "", denver, "CO"),
        ("415", "94105-1234", "California", "", los_angeles, ""),
        ("602", "", "AZ", "", "Phoenix", ""),
        ("907", "99501", "", "", "Anchorage", ""),
        ("808", "", "", "", "Honolulu", ""),
        ("671", "", "", "", "Guam", ""),
        ("787", "901", "", "", "Puerto_Rico", ""),
        ("204", "", "MB", "", "Winnipeg", "MB"),
        ("604", "V6B 1A1", "", "", "Vancouver", "BC"),
        # Who has moved, and has kept the number.
        ("212", "94105", "CA", "", los_angeles, ""),
        ("212", "", "HI", "", "Honolulu", ""),
        ("305", "79901", "TX", "", denver, "TX"),
        ("305", "79901", "TX", "", new_york, "FL"),
        ("415", "2139", "", "", new_york, "MA"),
        ("702", "84101", "UT", "", denver, "UT"),
        # Codes and prefixes with two zones, by where people really are.
        *[("270", "", "", "", zone, "KY") for zone in (new_york, chicago, chicago)],
        *[("423", "", "TN", "", zone, "") for zone in (new_york, chicago)],
        *[("928", "86515", "", "", zone, "") for zone in ("Phoenix", denver)],
        *[("605", "57501", "SD", "", zone, "SD") for zone in (chicago, denver)],
        *[("208", "", "", "", zone, "") for zone in (denver, los_angeles)],
        # Laws of one day: no Sundays, no holidays, an early end.
        ("401", "02903", "RI", "", new_york, "RI"),
        ("504", "70112", "LA", "", chicago, "LA"),
        ("717", "", "PA", "", new_york, "PA"),
        ("205", "", "", "", chicago, "AL"),
        ("601", "", "", "", chicago, "MS"),
        # Of whom nothing is known, and of whom the list says all.
        *[("221", "", "", "", zone, "") for zone in (new_york, chicago, denver, los_angeles, "Phoenix")],
        ("212", "", "", "America/Los_Angeles", los_angeles, ""),
        ("212", "94105", "CA", "America/Detroit", new_york, ""),
    ]
    islands = {"Honolulu": "Pacific", "Guam": "Pacific"}
    return tuple(Home(*told[:4], f"{islands.get(told[4], 'America')}/{told[4]}", told[5]) for told in told)


HOMES: Final = _homes()

HANDED_OUT: Final = tuple(home for home in HOMES if not home.zone)
"""What message/next hands out has no column with a zone."""

NEAR: Final = ("2026-10-30", "2026-11-25", "2026-12-23", "2027-03-12", "2027-07-02", "2027-11-05")
"""Days before a change of clocks, or a holiday."""

SPANNED, LEFT, WAITED = "run over several days", "left at the end of the day", "nobody was open"
LATER, HOLD = "run that begins later", "429 for twenty minutes"
KINDS = (SPANNED, LEFT, WAITED, LATER, HOLD, *FLEET)
"""What can happen here, besides what meets all worlds."""


class HoursWorld(World):
    """Drawn from `seed`, about `size` texts to people who are everywhere."""

    def __init__(
        self, seed: int, size: int, trace: Callable[[str], None] | None = None, *, concurrent: bool | None = None
    ) -> None:
        draw = random.Random(seed ^ 0x40C)
        super().__init__(seed, size, trace, concurrent=draw.random() < 0.2 if concurrent is None else concurrent)
        self.draw = draw
        self.befalls.is_off = True
        self.feed = draw.choice(("iterable", "async iterable"))
        self.homes: dict[str, Home] = {}
        self.people = self._moved(self.people)
        self.provider.never = self.people.suppressed
        if self.is_concurrent:
            self.provider._free.clear()
            self.provider.hand_out(self.people.handed_out)
        self.rate = draw.choice((None, 0.01, 0.05, 0.5))
        self.limits = False  # whom the provider holds until a place is shut has left, and another comes in that place
        self.given = Hours(
            window=draw.choice(("9-20", "9-20", "8-21", "10:30-17:45")),
            sunday=draw.choice(("12-20", "12-20", "9-21", None)),
            purpose=draw.choice(("commercial", "commercial", "political", "nonprofit")),
            margin=draw.choice((600.0, 600.0, 0.0)),
        )
        day = dt.datetime.fromisoformat(draw.choice(NEAR)).replace(tzinfo=dt.UTC).timestamp()
        self.now = day - EPOCH + draw.uniform(0, 72 * 3600)
        if draw.random() < 0.6:
            # Just before somebody is shut, so that texts are in hand by then.
            wall = dt.datetime.fromtimestamp(EPOCH + self.now, by_hand.zone(draw.choice(HOMES).truly))
            closes = wall.replace(hour=0, minute=0, second=0) + dt.timedelta(minutes=self.given.on_weekdays[1])
            self.now = closes.timestamp() - EPOCH - self.given.margin - draw.uniform(0, 900)
        self.until: float | None = self.now + 60 * 86_400 if draw.random() < 0.4 else None
        self.not_before = EPOCH + self.now + draw.uniform(0, 8) * 3600 if draw.random() < 0.25 else None
        """When the run is to begin, by its wall clock."""
        self.is_news = True
        """The end of the run is to be told."""
        self.began = 0.0
        self.days: tuple[float, float] | None = None
        """When the process began whose text was the first to leave, and when that was, by its wall clock."""
        self.divide(random.Random(seed ^ 0xD1F).choice((1, 1, 2, 3)))
        self.holds_before_closing()
        self.met[LATER] += self.not_before is not None
        self.met[SPANNED] += self.until is not None

    def holds_before_closing(self) -> None:
        """In some worlds the provider asks for twenty minutes of rest now and then, so that a place is shut by the end of it."""
        draw = random.Random(self.seed ^ 0x20A)
        if draw.random() < 0.4:
            hold = Fault(HOLD, "answer", 0, status=429, body=b'{"status":429}', headers={"Retry-After": "1200"})
            self.provider.faults = [hold, *draw.sample(list(self.provider.faults), min(5, len(self.provider.faults)))]
            self.provider.share = max(self.provider.share, 0.1)

    def _moved(self, listed: Listed) -> Listed:
        """The same people, each at a home of their own."""
        draw, moved = self.draw, dict[str, str]()
        rows, handed_out = [], dict[str, bytes]()
        for row in listed.rows:
            home, phone = draw.choice(HANDED_OUT if self.is_concurrent else HOMES), row["phone"]
            if len(phone) == 10:
                home = self.homes[moved[phone]] if phone in moved else home
                moved[phone] = phone = home.code + phone[3:]
                self.homes[phone] = home
            rows.append({**row, "phone": phone, "zip": home.zip, "state": home.state, "timezone": home.zone})
            if row["phone"] in listed.handed_out:
                fields = {"phone": phone, "first_name": row["first_name"], "zip": home.zip, "state": home.state}
                handed_out[phone] = json.dumps({**fields, "rupid": phone}).encode()
        planned = {moved[phone]: text for phone, text in listed.planned.items()}
        return Listed(rows, planned, frozenset(moved[phone] for phone in listed.suppressed), handed_out)

    # ---- what a process is told ----

    def more_given(self, *, is_told: bool) -> dict[str, Any]:
        given: dict[str, Any] = {} if is_told else {"hours": self.given.as_dict()}
        begin = None if is_told or self.not_before is None else dt.datetime.fromtimestamp(self.not_before, dt.UTC)
        until = None if self.until is None else dt.datetime.fromtimestamp(EPOCH + self.until, dt.UTC)
        if begin or (until and self.is_news):
            given["schedule"] = Schedule(not_before=begin, until=until).as_dict()
        return given

    def more_options(self, care: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "hours": read_hours(care.get("hours"), self.wall),
            "schedule": read_schedule(care.get("schedule")),
            "clock": self.wall,
        }

    def options_to_go_on(self) -> dict[str, Any]:
        return self.more_options({"hours": self.given.as_dict()} | self.more_given(is_told=True))

    def before_life(self) -> None:
        self.began = self.wall()
        if all(kept.state in {"queued", "skipped"} for kept in self.storage.kept().values()):
            self.days = None  # nothing has left: the run begins with this process

    # ---- what is looked at ----

    def _on_request(self, number: int) -> None:
        super()._on_request(number)
        phone, wall, hours = self.provider.requests[-1][1], self.wall(), self.given
        home = self.homes[phone]
        laws = tuple(filter(None, {home.law, home.state if home.state in by_hand.LAWS else ""}))
        ends = (wall, wall + hours.margin)
        if not all(by_hand.is_open((home.truly,), laws, at, hours.window, hours.sunday, hours.purpose) for at in ends):
            clock = dt.datetime.fromtimestamp(wall, by_hand.zone(home.truly))
            self.provider.wrongs.append(f"TEXTED OUTSIDE HOURS: {home} at {clock:%a %Y-%m-%d %H:%M:%S}")
        if self.not_before is not None and wall < self.not_before:
            self.provider.wrongs.append(f"TEXTED TOO SOON: {home}, {self.not_before - wall:.0f} seconds before the run begins")
        if self.days is None:
            self.days = (self.began, wall) if self.not_before is None else (self.not_before, self.not_before)
        if self.until is None and not self.most_skew and self._day(home, wall) not in {self._day(home, at) for at in self.days}:
            self.provider.wrongs.append(f"TEXTED ON ANOTHER DAY: {home}, unasked")

    @staticmethod
    def _day(home: Home, wall: float) -> dt.date:
        return dt.datetime.fromtimestamp(wall, by_hand.zone(home.truly)).date()

    def _outcome(self, task: Any) -> bool:
        is_done = super()._outcome(task)
        stopped = self.run_._execution.stopped if isinstance(self.run_, Run) else None
        if stopped is None or task.cancelled():
            return is_done
        if stopped.cause is Cause.OUTSIDE_HOURS:
            self.met[WAITED] += 1
            self.now += self.random.uniform(0.2, 5) * 3600
        elif stopped.cause is Cause.NOT_AFTER:
            self.met[LEFT] += 1
            if isinstance(self.storage, Simulated):
                entries = self.storage.disk._contacts.entries.items()
                silent = [row for row, entry in entries if entry.state is State.QUEUED and not entry.why]
                assert not silent, f"LEFT WITHOUT A REASON at the end of the day: rows {silent[:5]}"
            # Asked for once more, nothing leaves; and then it is said for how long.
            if self.random.random() < 0.7:
                self.until = self.now + 60 * 86_400
                self.is_news = True
        return is_done

    def play(self) -> Any:
        with sober():
            return super().play()


@contextmanager
def sober() -> Iterator[None]:
    """A clock of ours goes as fast as the world's, so that nobody need look at it twenty times a second."""
    with patch.object(hours_module, "_REST_OF_ANOTHER_CLOCK", 60.0), patch.object(world_module, "_LIVES", 200):
        yield
