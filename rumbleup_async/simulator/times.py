"""The provider's time texts: written for `sent_time`, read for `since` and `before`. Pure; standard library only."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

__all__ = ["Stamp", "read"]


def _eastern() -> tzinfo:
    try:
        return ZoneInfo("America/New_York")
    except ZoneInfoNotFoundError:  # a machine without time zone data
        return timezone(timedelta(hours=-5))


_EASTERN = _eastern()

# Formats of the Message API, Action API and TCR API pages, the zone name taken off.
_FORMATS = ("%m/%d/%Y %I:%M%p", "%m/%d/%Y %H:%M", "%m/%d/%Y", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")


class Stamp:
    """Writes `04/17/2025 12:15pm EST`: Eastern wall time under the name EST in summer too, as the pages' samples do."""

    def __init__(self) -> None:
        self._minute = -1
        self._text = ""

    def __call__(self, time: float) -> str:
        minute = int(time // 60)
        if minute != self._minute:
            wall = datetime.fromtimestamp(minute * 60, _EASTERN)
            self._minute, self._text = minute, f"{wall:%m/%d/%Y %I:%M}{'am' if wall.hour < 12 else 'pm'} EST"
        return self._text


def read(text: str) -> float | None:
    """Unix seconds of a `since` or `before`: milliseconds, ISO 8601, or a date with or without time. None: unreadable."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return int(text) / 1000
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        words = text.split()
        if len(words) > 1 and words[-1].isalpha() and words[-1].lower() not in {"am", "pm"}:
            words.pop()
        parsed = next(filter(None, (_parsed(" ".join(words), pattern) for pattern in _FORMATS)), None)
        if parsed is None:
            return None
        moment = parsed
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=_EASTERN)
    return moment.astimezone(UTC).timestamp()


def _parsed(text: str, pattern: str) -> datetime | None:
    try:
        return datetime.strptime(text, pattern)  # noqa: DTZ007  the caller adds the zone
    except ValueError:
        return None
