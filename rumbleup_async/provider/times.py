"""The time formats of the RumbleUp API: eleven of them, and zone names that do
not tell the truth about daylight saving.

Lives here: pure reading and writing of times.

17 April 2025 is labelled EST in the API's samples and 22 November 2024 CDT, so a label names a region: `EST`/`EDT` is
read as New York wall time, and likewise for Central, Mountain and Pacific. If the server means the literal offset, the
result is off by an hour; the raw text is always kept beside it.
"""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo

import msgspec

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.patterns import when_used

_REGIONS = {
    "E": ("America/New_York", -5),
    "C": ("America/Chicago", -6),
    "M": ("America/Denver", -7),
    "P": ("America/Los_Angeles", -8),
}

_TEXT = when_used(
    r"""^\s*
    (?: (?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2}) | (?P<m2>\d{1,2})[/-](?P<d2>\d{1,2})[/-](?P<y2>\d{4}) )
    (?: [T\s]\s* (?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:\.(?P<f>\d{1,9}))?)? \s*(?P<ap>[AaPp][Mm])? )?
    \s* (?P<zone> Z | UTC | (?:GMT|UTC)?\s*[+-]\d{2}:?\d{2} | GMT | [ECMP][SDE]?T )?
    \s*$""",
    re.VERBOSE,
)


_most = when_used(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z", re.ASCII)
"""As most are written, which Python reads faster than we do."""


class Moment(msgspec.Struct, frozen=True):
    """A time as the API gave it: `raw` text, and `at`, the best reading as an aware datetime (None if unreadable)."""

    raw: str
    at: dt.datetime | None = None


def read(value: object) -> Moment | None:
    """A `Moment` of whatever the API put in a time field; None for nothing. Never raises.

    Numbers of 9 digits or more are Unix milliseconds, also as text. Text without
    a zone has no `at` that could be trusted.
    """
    if value is None or value == "" or isinstance(value, (bool, dict, list)):
        return None
    raw = str(value)
    try:
        return Moment(raw, _parse(raw))
    except (ValueError, OverflowError, OSError):
        return Moment(raw)


def _parse(raw: str) -> dt.datetime | None:
    if _most.fullmatch(raw):
        return dt.datetime.fromisoformat(raw)
    if re.fullmatch(r"-?\d{9,17}(\.0*)?", raw):
        return dt.datetime.fromtimestamp(float(raw) / 1000, dt.UTC)
    found = _TEXT.match(raw)
    if found is None:
        return None
    g = found.groupdict()
    hour = int(g["H"] or 0)
    if g["ap"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if g["ap"] in {"pm", "PM", "Pm", "pM"} else 0)
    fraction = int((g["f"] or "0")[:6].ljust(6, "0"))
    wall = dt.datetime(  # noqa: DTZ001 - the zone follows
        int(g["y"] or g["y2"]), int(g["m"] or g["m2"]), int(g["d"] or g["d2"]), hour, int(g["M"] or 0), int(g["S"] or 0), fraction
    )
    zone = _zone(g["zone"])
    return None if zone is None else wall.replace(tzinfo=zone)


def _zone(name: str | None) -> dt.tzinfo | None:
    if not name:
        return None
    if name in {"Z", "UTC", "GMT"}:
        return dt.UTC
    offset = re.search(r"([+-])(\d{2}):?(\d{2})$", name)
    if offset:
        minutes = int(offset[2]) * 60 + int(offset[3])
        return dt.timezone(dt.timedelta(minutes=-minutes if offset[1] == "-" else minutes))
    region, hours = _REGIONS[name[0]]
    try:
        return zoneinfo.ZoneInfo(region)
    except zoneinfo.ZoneInfoNotFoundError:
        # A machine without a zone database: the literal standard offset is the next best reading.
        return dt.timezone(dt.timedelta(hours=hours))


def span(moment: Moment | None) -> tuple[float, float] | None:
    """The earliest and the latest time (Unix milliseconds) that it may mean; None if that cannot be told.

    Wall time of the region and the literal offset of the label are both possible; where they differ it is by an hour.
    """
    if moment is None or moment.at is None:
        return None
    at = moment.at.timestamp() * 1000
    label = re.search(r"[ECMP]([SDE]?)T\s*$", moment.raw)
    if label is None:
        return at, at
    if not isinstance(moment.at.tzinfo, zoneinfo.ZoneInfo):
        return at - _HOUR, at  # no zone database: winter was assumed
    is_summer = bool(moment.at.dst())
    if label[1] == "S" and is_summer:
        return at, at + _HOUR
    if label[1] == "D" and not is_summer:
        return at - _HOUR, at
    return at, at


_HOUR = 3_600_000.0


def milliseconds(value: dt.datetime | dt.date | float | str) -> str:
    """What to send as `since` or `before`: Unix milliseconds, exact and free of zones. Text passes through as given.

    An aware datetime or a number of milliseconds; a naive datetime is a
    ConfigurationError, because nobody can know its zone.
    """
    if isinstance(value, str):
        if not value.strip():
            raise ConfigurationError("an empty time would search for everything; leave it out")
        return value
    if isinstance(value, dt.datetime):
        if value.utcoffset() is None:
            raise ConfigurationError("a datetime without a zone is ambiguous; add one, such as datetime.UTC")
        return str(round(value.timestamp() * 1000))
    if isinstance(value, dt.date):
        return str(round(dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC).timestamp() * 1000))
    given: object = value
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not abs(given) < 1e15:
        raise ConfigurationError("a time must be a datetime, a date, Unix milliseconds or text")
    return str(round(value))
