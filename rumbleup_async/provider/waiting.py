"""How long an answer asks us to wait, however it says so.

Lives here: pure functions over one answer.

No page of either provider describes how a wait is asked for, so every form that is in use is heard. A
wish that cannot be read is a wish all the same: `UNREADABLE` seconds. One that is absurdly long is
told as it is; whoever decides stops then.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import time
from collections.abc import Mapping

from rumbleup_async.patterns import when_used
from rumbleup_async.session.exchange import Response

UNREADABLE = 5.0
"""Seconds waited for a wish that nobody can read. An integrator of the API waits as long where no time is named."""

LONGEST = 1e10
"""Seconds that stand for anything longer, such as "for ever": three hundred years,
which every clock and calendar can count."""

_UNITS = {
    "ms": 0.001, "msec": 0.001, "millisecond": 0.001, "milliseconds": 0.001,
    "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0,
    "m": 60.0, "min": 60.0, "mins": 60.0, "minute": 60.0, "minutes": 60.0,
    "h": 3600.0, "hr": 3600.0, "hour": 3600.0, "hours": 3600.0,
    "d": 86_400.0, "day": 86_400.0, "days": 86_400.0,
}  # fmt: skip

_AMOUNT = when_used(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|[+-]?inf(?:inity)?)\s*([a-z]*)", re.IGNORECASE | re.ASCII)

_RESETS = ("RateLimit-Reset", "X-RateLimit-Reset", "X-Rate-Limit-Reset", "X-RateLimit-Reset-After", "X-RateLimit-Retry-After")
"""Headers that say when a quota is full again. They are heard only where an answer names no time otherwise."""

_FIELDS = when_used(r"(?:\br\s*=\s*0\s*;\s*t|\bremaining\s*=\s*0\s*,\s*reset)\s*=\s*(\d+)", re.ASCII)
"""When a used-up quota is full again, by the drafts of the one header `RateLimit`: `remaining=0, reset=50`, `"day";r=0;t=50`."""

_SMALL = 100.0
"""A `retryAfter` below that, without a unit, is seconds. It is milliseconds in the one limiter known to send it, but nobody asks
for a rest of two of these, while a wait of two seconds that is taken for as many milliseconds is broken at once."""

_EPOCH = 1e9
"""A reset of so many seconds or more is a moment on the calendar, not a time to wait."""
_NEAR = 3e8
"""Seconds between now and a moment on the calendar that a wish is taken for: ten years."""


def retry_after(response: Response, body_either: object, body_seconds: object = None) -> float | None:
    """Seconds the answer asks to wait, None without a wish. The longest counts if there are several, a header before the body.

    `Retry-After` in seconds, in another unit that it names, or as a date or Unix time, which is measured against the
    answer's own `Date`: the server's clock and ours may differ. `retry-after-ms` is milliseconds, `retry_after` in a body is
    seconds. `retryAfter` in a body (`body_either`) is milliseconds from 100 on, and seconds below: so the longer of two readings
    counts where the shorter makes no sense.
    """
    now = _clock(response)
    wishes = [_read(value, 1.0, now) for value in _all(response.headers, "Retry-After")]
    wishes += [_read(value, 0.001, now) for value in _all(response.headers, "retry-after-ms")]
    if not wishes:
        bodies = ((body_either, None), (body_seconds, 1.0))
        wishes += [_of_body(value, unit, now) for value, unit in bodies if value is not None]
    if not wishes:
        wishes += [wish for name in _RESETS for value in _all(response.headers, name) if (wish := _reset(value, now)) is not None]
        wishes += [min(float(wish), LONGEST) for value in _all(response.headers, "RateLimit") for wish in _FIELDS.findall(value)]
    return max(wishes, default=None)


def _all(headers: Mapping[str, str], name: str) -> list[str]:
    """Every value of a header that may come more than once; of an empty one none."""
    several = getattr(headers, "getall", None)
    found = several(name, []) if several is not None else [headers[name]] if name in headers else []
    return [text for value in found if (text := str(value).strip(" \t\r\n\"'"))]


def _clock(response: Response) -> float:
    """The server's Unix time when it answered, ours where it does not tell."""
    for value in _all(response.headers, "Date"):
        if (at := _date(value)) is not None:
            return at
    return time.time()


def _read(text: str, unit: float | None, now: float) -> float:
    found = _AMOUNT.fullmatch(text)
    if found is not None:
        try:
            number = float(found[1])
            return _bounded(number * (_UNITS[found[2].lower()] if found[2] else unit or _likely(number, now)), now)
        except (KeyError, OverflowError):
            return UNREADABLE
    at = _date(text)
    if at is not None:
        return _bounded(max(0.0, at - now))
    several = [_AMOUNT.fullmatch(part.strip()) for part in text.split(",")]
    # A proxy may have made one header of several.
    return max((_read(part[0], unit, now) for part in several if part is not None), default=0.0) if all(several) else UNREADABLE


def _of_body(value: object, unit: float | None, now: float) -> float:
    if isinstance(value, bool):
        return UNREADABLE
    if isinstance(value, (int, float)):
        return _bounded(float(min(value, 1000 * LONGEST)) * (unit or _likely(value, now)), now)
    text = value.strip() if isinstance(value, str) else ""
    return _read(text, unit, now) if text else UNREADABLE


def _likely(number: float, now: float) -> float:
    """The unit of a number whose name does not tell it."""
    return 1.0 if number < _SMALL or abs(number - now) < _NEAR else 0.001


def _reset(text: str, now: float) -> float | None:
    """A quota's reset in seconds from now or on the calendar; None for what is neither, which is no wish."""
    found = _AMOUNT.fullmatch(text)
    if found is not None and not found[2]:
        seconds = float(found[1])
        if seconds >= 1000 * _EPOCH:
            seconds /= 1000
        if seconds >= _EPOCH:
            seconds = max(0.0, seconds - now)
        return min(seconds, LONGEST) if seconds >= 0 else None
    at = _date(text)
    return None if at is None else min(max(0.0, at - now), LONGEST)


def _bounded(seconds: float, now: float | None = None) -> float:
    if now is not None and abs(seconds - now) < _NEAR:
        return max(0.0, seconds - now)
    return min(seconds, LONGEST) if seconds >= 0 and not math.isnan(seconds) else UNREADABLE


def _date(text: str) -> float | None:
    """The Unix time of a date as headers write it, or as ISO 8601 does."""
    import email.utils  # imports more than all around it, and hardly any run meets a date

    for read in (email.utils.parsedate_to_datetime, dt.datetime.fromisoformat):
        try:
            at = read(text)
            return (at if at.tzinfo is not None else at.replace(tzinfo=dt.UTC)).timestamp()
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return None
