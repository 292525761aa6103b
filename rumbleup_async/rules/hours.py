"""When texts may leave, as a caller says it: the hours of every recipient, and the days of the run.

Lives here: `Hours` and `Schedule`, what they may say, and how it is written. Pure. What it means for a place on a day stands in
`gates`; why the defaults are what they are, in docs/hours.md.
"""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Callable, Iterable
from typing import Any, Final, Self

import msgspec

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.rules.address_cells import state_of
from rumbleup_async.rules.states import Purpose, Window, both

FEDERAL: Final[Window] = (8 * 60, 21 * 60)
"""Outside of these hours federal law allows no solicitation by phone: 47 CFR 64.1200(c)(1)."""

_YEARS: Final = range(2000, 2200)
"""What lies outside of them is a slip, and near the ends of the calendar no day has a next one."""

_written = re.compile(r"(\d{1,2})(?::(\d\d))?\s*-\s*(\d{1,2})(?::(\d\d))?", re.ASCII).fullmatch


def read_window(written: str, *, anyway: bool = False) -> Window:
    """The window that `H[:MM]-H[:MM]` says, such as 9-20 or 9:30-19:45: minutes after midnight, the end exclusive.

    ConfigurationError if it says none, or one beyond 8-21 without `anyway`.
    """
    match = _written(written.strip())
    if not match:
        raise ConfigurationError(f"{written!r} are no hours; write them as 9-20 or 9:30-19:45, the end exclusive")
    begin, begin_minute, end, end_minute = (int(part or 0) for part in match.groups())
    opens, closes = begin * 60 + begin_minute, end * 60 + end_minute
    if begin_minute > 59 or end_minute > 59 or closes > 24 * 60 or opens >= closes:
        raise ConfigurationError(f"{written!r} are no hours of one day; write them as 9-20, the later hour last, 24 at most")
    if not anyway and (opens < FEDERAL[0] or closes > FEDERAL[1]):
        raise ConfigurationError(
            f"{written!r} goes beyond 8-21, outside of which federal law allows no solicitation; "
            "if your lawyer says that these texts may leave then, say so with --hours-anyway (in Python: anyway=True)"
        )
    return opens, closes


def write_window(window: Window) -> str:
    """The same as `read_window` reads it."""
    return "-".join(f"{minutes // 60}:{minutes % 60:02}" if minutes % 60 else str(minutes // 60) for minutes in window)


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """The hours of every recipient, in his own time: a text leaves only while all zones and states in which he may be are open.

    `window`: hours of a day, the end exclusive; `sunday`: those of Sundays, None for no texts then; `purpose`: which of the
    states' own rules bind (commercial, political, nonprofit); `not_in`: states that are left out; `margin`: seconds before
    closing in which nothing leaves any more; `trust_address`: the area code does not count where the address is known;
    `anyway`: hours beyond 8-21 are meant. `clock` gives the time in Unix seconds.

    ConfigurationError for what cannot be meant. This is no legal advice.
    """

    window: str = "9-20"
    sunday: str | None = "12-20"
    purpose: str = "commercial"
    not_in: tuple[str, ...] = ()
    margin: float = 600.0
    trust_address: bool = False
    anyway: bool = False
    clock: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        set_to = msgspec.structs.force_setattr
        _require_kinds(self)
        self.on_weekdays  # noqa: B018 - raises for what is no window
        set_to(self, "window", self.window.strip())
        set_to(self, "sunday", None if self.sunday is None or self.sunday.strip().lower() == "none" else self.sunday)
        self.on_sundays  # noqa: B018
        if self.purpose not in tuple(Purpose):
            raise ConfigurationError(f"{self.purpose!r} is no purpose; the purposes are {', '.join(Purpose)}")
        if not 0 <= self.margin < 24 * 3600:
            raise ConfigurationError(f"margin is {self.margin}; it is seconds before closing, 0 or more and less than a day")
        set_to(self, "not_in", read_states(self.not_in))

    @property
    def on_weekdays(self) -> Window:
        """Hours of Mondays to Saturdays, in minutes after midnight."""
        return read_window(self.window, anyway=self.anyway)

    @property
    def on_sundays(self) -> Window | None:
        """Hours of Sundays as given, in minutes after midnight; None: no texts. Those of weekdays bind on Sundays as well."""
        return None if self.sunday is None else read_window(self.sunday, anyway=self.anyway)

    def as_dict(self) -> dict[str, Any]:
        """All but the clock, as JSON values."""
        return {name: getattr(self, name) for name in self.__struct_fields__ if name != "clock"}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """What `as_dict` gave. ConfigurationError."""
        return cls(**values)

    def __str__(self) -> str:
        on_sundays = both(self.on_weekdays, self.on_sundays)
        sunday = "no Sunday" if on_sundays is None else f"Sunday {write_window(on_sundays)}"
        left_out = f", not in {', '.join(self.not_in)}" if self.not_in else ""
        return f"hours {self.window}, {sunday}, purpose {self.purpose}{left_out}"


def _require_kinds(hours: Hours) -> None:
    """ConfigurationError for a field of another kind: "no" would count as a yes, and a window of numbers as a fault of ours."""
    kinds: tuple[tuple[str, type | tuple[type, ...], str], ...] = (
        ("window", str, "hours of a day, such as '9-20'"),
        ("sunday", (str, type(None)), "hours of Sundays, such as '12-20', or None"),
        ("purpose", str, f"one of {', '.join(Purpose)}"),
        ("not_in", (str, tuple, list, set, frozenset), "the codes of states, such as ('LA', 'NY')"),
        ("margin", (int, float), "a number of seconds before closing"),
        ("trust_address", bool, "True or False"),
        ("anyway", bool, "True or False"),
    )
    for name, kind, meant in kinds:
        given = getattr(hours, name)
        if not isinstance(given, kind) or (name == "margin" and isinstance(given, bool)):
            raise ConfigurationError(f"{name} is {given!r}; it is {meant}")
    if not callable(hours.clock):
        raise ConfigurationError("clock is a function without arguments that gives Unix seconds, such as time.time")


def read_states(names: str | Iterable[str]) -> tuple[str, ...]:
    """The codes of states and provinces as given, in one string with commas or several, each once. ConfigurationError."""
    found: dict[str, None] = {}
    for given in [names] if isinstance(names, str) else names:
        if not isinstance(given, str):
            raise ConfigurationError(f"{given!r} is no state; write its code, such as LA, or its name in full")
        for name in given.split(","):
            if name.strip() and not state_of(name):
                raise ConfigurationError(f"{name.strip()!r} is no state; write its code, such as LA, or its name in full")
            if name.strip():
                found[state_of(name)] = None
    return tuple(found)


def instant(given: dt.datetime | str | None) -> float | None:
    """A moment in Unix seconds, from a datetime or its ISO form. ConfigurationError without an offset."""
    if given is None:
        return None
    try:
        moment = dt.datetime.fromisoformat(given) if isinstance(given, str) else given
    except ValueError as error:
        raise ConfigurationError(f"{given!r} is no moment; write it as 2026-12-01T09:00-05:00") from error
    if not isinstance(moment, dt.datetime):
        raise ConfigurationError(f"{given!r} is no moment; hand in a datetime with an offset, or such as 2026-12-01T09:00-05:00")
    if moment.tzinfo is None:
        raise ConfigurationError(
            f"{given!s} does not say in which zone; add the offset, as in {moment.isoformat(timespec='minutes')}-05:00"
        )
    if moment.year not in _YEARS:
        raise ConfigurationError(f"{given!s} is no moment of a run; its year is {_YEARS[0]} to {_YEARS[-1]}")
    return moment.timestamp()


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """The days of a run. `not_before`: nothing leaves earlier. `until`: nothing leaves later, and the run may go on over several
    days until then; without it the run ends with the last closing of its first day.

    Both are datetimes with an offset, or such as 2026-12-01T09:00-05:00. ConfigurationError for others.
    """

    not_before: dt.datetime | str | None = None
    until: dt.datetime | str | None = None

    def __post_init__(self) -> None:
        begin, end = self.begins, self.ends
        if begin is not None and end is not None and begin >= end:
            raise ConfigurationError(f"the run would end ({self.until}) before it begins ({self.not_before})")

    def as_dict(self) -> dict[str, Any]:
        """What was given, as JSON values."""
        given = {"not_before": self.not_before, "until": self.until}
        return {name: str(one) if isinstance(one, str) else one.isoformat() for name, one in given.items() if one is not None}

    @property
    def is_given(self) -> bool:
        """It says something, so the run may wait for an hour."""
        return not (self.not_before is None and self.until is None)

    @property
    def begins(self) -> float | None:
        """`not_before` in Unix seconds."""
        return instant(self.not_before)

    @property
    def ends(self) -> float | None:
        """`until` in Unix seconds."""
        return instant(self.until)


EVERY_HOUR: Final = Hours(window="0-24", sunday="0-24", margin=0.0, anyway=True)
"""The hours of a run in which nobody's hours are asked for, only the days of its schedule."""
