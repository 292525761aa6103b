"""The states' own hours, where they are stricter than the federal 8 to 21, and the days on which they allow no texts.

Lives here: one table, by purpose of the texts, and the holidays it needs. Pure. This is a reading of statutes by programmers,
looked up in November 2026, and not legal advice; docs/hours.md has the sources, and says which rows are uncertain.

Most statutes speak of sales. Of what is neither a sale nor a request for money, few say anything: `POLITICAL` and `NONPROFIT`
texts are bound by fewer rows.
"""

from __future__ import annotations

import datetime as dt
import enum
import functools
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from rumbleup_async.rules.place_tables import PROVINCES, STATES


class Purpose(enum.StrEnum):
    """What texts are for: which rows of the table bind them."""

    COMMERCIAL = "commercial"
    POLITICAL = "political"
    NONPROFIT = "nonprofit"


Window = tuple[int, int]
"""From when until when, in minutes after midnight, the end exclusive."""


class Row(msgspec.Struct, frozen=True):
    """The hours of a state. None: no texts on that day. `holidays`: which legal holidays have no texts, "" for none."""

    weekdays: Window
    saturday: Window | None
    sunday: Window | None
    holidays: str = ""

    def window(self, day: dt.date) -> Window | None:
        """The hours of this day; None if there are none."""
        if self.holidays and day in holidays(self.holidays, day.year):
            return None
        weekday = day.weekday()
        return self.sunday if weekday == 6 else self.saturday if weekday == 5 else self.weekdays


def _clock(hours: float, until: float) -> Window:
    return round(hours * 60), round(until * 60)


def _daily(hours: float, until: float) -> Row:
    return Row(_clock(hours, until), _clock(hours, until), _clock(hours, until))


def _weekly(hours: float, until: float, saturday: Window | None, sunday: Window | None, holidays: str = "") -> Row:
    return Row(_clock(hours, until), saturday, sunday, holidays)


_CANADA: Final = _weekly(9, 21.5, _clock(10, 18), _clock(10, 18))
"""The regulator's curfew, which binds parties and charities as well: they are exempt from the list of numbers only."""

_COMMERCIAL: Final[Mapping[str, Row]] = {
    "AL": _weekly(8, 20, _clock(8, 20), None, "AL"),
    "CT": _daily(9, 20),
    "FL": _daily(8, 20),
    "KY": _daily(10, 21),
    "LA": _weekly(8, 20, _clock(8, 20), None, "LA"),
    "MD": _daily(8, 20),
    "MA": _daily(8, 20),
    "MI": _daily(9, 21),
    "MN": _daily(9, 21),
    "MS": _weekly(8, 20, _clock(8, 20), None),
    "NM": _daily(9, 21),
    "NV": _daily(9, 20),
    "OK": _daily(8, 20),
    "OR": _daily(8, 20),
    "PA": _weekly(8, 21, _clock(8, 21), _clock(13.5, 21), "PA"),
    "RI": _weekly(9, 18, _clock(10, 17), None, "RI"),
    "SD": _weekly(9, 21, None, None),
    "TX": _weekly(9, 21, _clock(9, 21), _clock(12, 21)),
    "UT": _weekly(8, 21, _clock(8, 21), None, "UT"),
    "WA": _daily(8, 20),
    "WY": _daily(8, 20),
}
UNSURE: Final = frozenset({"AL", "KY", "LA", "MI", "MN", "NM", "NV", "PA", "WY"})
"""States whose rows were seen in secondary sources only."""
_NONPROFIT: Final[Mapping[str, Row]] = {
    "WA": _daily(8, 20),  # requests for donations
    "MS": _weekly(9, 21, _clock(9, 21), None),  # fund-raisers of charities
}
_ROWS: Final[Mapping[Purpose, Mapping[str, Row]]] = {
    purpose: {**rows, **dict.fromkeys(PROVINCES, _CANADA)}
    for purpose, rows in (
        (Purpose.COMMERCIAL, _COMMERCIAL),
        (Purpose.NONPROFIT, _NONPROFIT),
        (Purpose.POLITICAL, dict[str, Row]()),
    )
}


def rows(purpose: Purpose, states: Iterable[str]) -> tuple[Row, ...]:
    """The rows that bind texts of this purpose to somebody in one of these states, each once."""
    table = _ROWS[purpose]
    return tuple(dict.fromkeys(table[state] for state in states if state in table))


def is_state(code: str) -> bool:
    """Whether this is the code of a state, a territory or a province."""
    return code in STATES


# ---- holidays ----


@functools.lru_cache(maxsize=256)
def holidays(state: str, year: int) -> frozenset[dt.date]:
    """The days of a year on which a state's holidays fall or are observed. More days rather than fewer."""
    return frozenset(day for near in (year - 1, year, year + 1) for day in _holidays(state, near) if day.year == year)


def _holidays(state: str, year: int) -> set[dt.date]:
    november = _nth(year, 11, 3, 4)
    fixed = [(1, 1), (6, 19), (7, 4), (11, 11), (12, 25)]
    moving = [
        _nth(year, 1, 0, 3),  # Martin Luther King
        _nth(year, 2, 0, 3),  # Washington
        _nth(year, 6, 0, 1) - dt.timedelta(7),  # Memorial Day, the last Monday of May
        _nth(year, 9, 0, 1),  # Labor Day
        _nth(year, 10, 0, 2),  # Columbus
        november,  # Thanksgiving
    ]
    election = _nth(year, 11, 0, 1) + dt.timedelta(1)
    match state:
        case "AL":
            fixed.append((12, 1))  # Rosa Parks
            moving += [_mardi_gras(year), _nth(year, 4, 0, 4), _nth(year, 6, 0, 1)]  # Confederate Memorial, Davis
        case "LA":
            moving += [_mardi_gras(year), _easter(year) - dt.timedelta(2), november + dt.timedelta(1)]
        case "PA":
            fixed.append((6, 14))  # Flag Day
            moving.append(election)
        case "RI":
            fixed.append((5, 4))  # Independence of Rhode Island
            moving += [_nth(year, 8, 0, 2), election]  # Victory Day
        case "UT":
            fixed.append((7, 24))  # Pioneer Day
    found = set(moving)
    for month, day in fixed:
        date = dt.date(year, month, day)
        # On a Saturday it is observed on the Friday before, on a Sunday on the Monday after; the day itself counts too.
        found |= {date, date + dt.timedelta({5: -1, 6: 1}.get(date.weekday(), 0))}
    return found


def _nth(year: int, month: int, weekday: int, nth: int) -> dt.date:
    """The nth such weekday (Monday is 0) of a month."""
    first = dt.date(year, month, 1)
    return first + dt.timedelta((weekday - first.weekday()) % 7 + 7 * (nth - 1))


def _mardi_gras(year: int) -> dt.date:
    return _easter(year) - dt.timedelta(47)


def _easter(year: int) -> dt.date:
    """Easter Sunday of the Gregorian calendar, by the rule of Meeus, Jones and Butcher."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return dt.date(year, month, day + 1)


def both(one: Window | None, other: Window | None) -> Window | None:
    """What is in both windows; None if nothing is."""
    if one is None or other is None:
        return None
    opens, closes = max(one[0], other[0]), min(one[1], other[1])
    return (opens, closes) if opens < closes else None
