"""The provider's times as text: how replies write them, and how `since`, `before` and `outsource_*` are read. Pure.

Each format has a letter. The pages show the formats A to J in different places. The place of a time in a reply decides
its format, and a quirk can force one format on all times.
"""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

__all__ = ["FORMATS", "Stamp", "read", "zoned"]


def _zone(name: str, hours: int) -> tzinfo:
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError:  # a machine without time zone data
        return timezone(timedelta(hours=hours))


_EASTERN = _zone("America/New_York", -5)
_CENTRAL = _zone("America/Chicago", -6)
# The Action API page writes both CET and CDT for the same time, so CET is read as US Central time.
_ZONES: dict[str, tzinfo] = {
    **dict.fromkeys(("EST", "EDT", "ET"), _EASTERN),
    **dict.fromkeys(("CST", "CDT", "CET", "CT"), _CENTRAL),
    **dict.fromkeys(("MST", "MDT", "MT"), _zone("America/Denver", -7)),
    **dict.fromkeys(("PST", "PDT", "PT"), _zone("America/Los_Angeles", -8)),
    **dict.fromkeys(("UTC", "GMT"), UTC),
}

# The formats of the Message API, Action API, TCR API and project workflow pages, without the name of the zone.
_DAYS = ("%m/%d/%Y", "%Y-%m-%d", "%m-%d-%Y")
_HOURS = (" %I:%M%p", " %H:%M:%S", " %H:%M", "")
_PATTERNS = tuple(day + hour for day in _DAYS for hour in _HOURS)

FORMATS: dict[str, str] = {
    "A": "04/17/2025 12:15pm EST (message log, account)",
    "B": "04/17/2025 12:15PM EST (webhooks, proxies)",
    "C": "04/17/2025 12:15 EST (TCR)",
    "D": "2025-04-17T16:15:00Z (project object)",
    "E": "2025-04-17T11:15:00-05:00",
    "F": "2025-4-17 11:15 CST (reply of project create)",
    "G": "2025-04-17 11:15:00 GMT-0500 (replies of test, submit, send, stop; stats as CSV)",
    "H": "04-17-2025 12:15 EST",
    "I": "1744906500000, a number",
    "J": "2025-04-17",
    "K": "2025-04-17T16:15:00.000Z",
    "unreadable": "soon",
    "null": "null",
}
"""Letter -> one moment in this format, and where the pages use the format."""


class Stamp:
    """Writes times. Zone names are those of winter, also in summer, as in the pages' samples."""

    def __init__(self) -> None:
        self.forced: str | None = None
        """The letter of the format for all times, if a quirk forces one."""
        self._minute = -1
        self._text = ""

    def __call__(self, time: float) -> Any:
        """The time in format A. The last minute is cached, because almost every reply needs it."""
        if self.forced is not None:
            return self.write("A", time)
        minute = int(time // 60)
        if minute != self._minute:
            self._minute, self._text = minute, _write("A", minute * 60)
        return self._text

    def write(self, letter: str, time: float) -> Any:
        """The time in this format, or in the forced one: a str, but an int for I and None for null."""
        letter = self.forced or letter
        if letter == "I":
            return int(time * 1000)
        return None if letter == "null" else _write(letter, time)


def _write(letter: str, time: float) -> str:
    if letter == "unreadable":
        return "soon"
    eastern = datetime.fromtimestamp(time, _EASTERN)
    if letter in "AB":
        half = ("am", "pm") if letter == "A" else ("AM", "PM")
        return f"{eastern:%m/%d/%Y %I:%M}{half[eastern.hour >= 12]} EST"
    if letter == "C":
        return f"{eastern:%m/%d/%Y %H:%M} EST"
    if letter == "H":
        return f"{eastern:%m-%d-%Y %H:%M} EST"
    utc, central = eastern.astimezone(UTC), eastern.astimezone(_CENTRAL)
    if letter == "D":
        return f"{utc:%Y-%m-%dT%H:%M:%SZ}"
    if letter == "E":
        return central.isoformat(timespec="seconds")
    if letter == "F":
        return f"{central.year}-{central.month}-{central.day} {central:%H:%M} CST"
    if letter == "G":
        return f"{central:%Y-%m-%d %H:%M:%S GMT%z}"
    if letter == "K":
        return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"
    return f"{utc:%Y-%m-%d}"


def read(text: str) -> float | None:
    """Read a time parameter: milliseconds, ISO 8601, or a date with or without time and zone.

    Returns Unix seconds, or None for a text that is no time or a time beyond the calendar.
    """
    try:
        moment = _moment(text.strip())
        if moment is None or isinstance(moment, float):
            return moment
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=_EASTERN)
        return moment.astimezone(UTC).timestamp()
    except (OverflowError, ValueError):  # beyond the calendar, or a number of thousands of digits
        return None


def zoned(text: str) -> bool:
    """Whether a text that `read` understands names its zone, or is in a form that needs no zone."""
    moment = _moment(text.strip())
    return isinstance(moment, float) or (moment is not None and moment.tzinfo is not None)


def _moment(text: str) -> datetime | float | None:
    if text.isascii() and text.isdigit():
        return int(text) / 1000
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    words = text.split()
    zone = None
    if len(words) > 1 and words[-1].isalpha() and words[-1].lower() not in {"am", "pm"}:
        zone = _ZONES.get(words.pop().upper(), _EASTERN)
    wall = " ".join(words)
    parsed = next(filter(None, (_parsed(wall, pattern) for pattern in _PATTERNS)), None)
    return parsed if parsed is None or zone is None else parsed.replace(tzinfo=zone)


def _parsed(text: str, pattern: str) -> datetime | None:
    try:
        return datetime.strptime(text, pattern)  # noqa: DTZ007  the caller adds the zone
    except ValueError:
        return None
