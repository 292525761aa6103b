"""What travels to the RumbleUp API: arguments as queries, JSON bodies and multipart forms.

Lives here: pure functions from arguments to requests, but for a look at the size of files to be uploaded. Source: the
API overview page (resource style, comma lists, forms) and the samples of each page.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.provider import arguments, times
from rumbleup_async.rumbleup import requests
from rumbleup_async.session.exchange import Part, Request
from rumbleup_async.session.multipart import FileLike, file_part

Many: TypeAlias = str | int | Iterable[str | int]
"""One value or several."""

Time: TypeAlias = dt.datetime | dt.date | int | float | str
"""An aware datetime, a date (its beginning in UTC), Unix milliseconds, or text as the API takes it."""


def plain(value: object, name: str) -> str | None:
    """A value as it stands in a query or a form: lists by comma, times in milliseconds, true and false in words."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dt.date, dt.timedelta)):
        return milliseconds(value)
    if isinstance(value, (int, float)):
        return _number(value, name)
    if isinstance(value, (list, tuple, set, frozenset)):
        return requests.comma([part for part in (plain(one, name) for one in value) if part is not None]) or None
    raise ConfigurationError(f"{name} cannot be sent: {type(value).__name__} is neither text, number, time nor a list of these")


def milliseconds(value: Time | dt.timedelta) -> str:
    """A time, or a length of time, in milliseconds."""
    if isinstance(value, dt.timedelta):
        return str(round(value.total_seconds() * 1000))
    return times.milliseconds(value)


def moment(value: dt.datetime, name: str) -> str:
    """A time as ISO 8601 with a numeric offset; ConfigurationError for a naive one, whose zone nobody can know.

    The project page describes three formats for the times it takes; this is the one without zone names.
    """
    given: object = value
    if not isinstance(given, dt.datetime) or given.utcoffset() is None:
        raise ConfigurationError(f"{name} must be a datetime with a zone, such as one with tzinfo=zoneinfo.ZoneInfo(...)")
    return value.isoformat(timespec="seconds")


def page_size(size: int | None) -> str | None:
    """The `_count` of a list. 1 to 999 is documented for accounts, nothing for the others; the server's own is 32."""
    given: object = size
    if given is not None and (isinstance(given, bool) or not isinstance(given, int) or given < 1):
        raise ConfigurationError("page_size must be a whole number of at least 1")
    return None if size is None else str(size)


def query(values: Mapping[str, object]) -> dict[str, str | None]:
    """Values as they stand in a query."""
    return {name: plain(value, name) for name, value in values.items()}


def reading(path: str, values: Mapping[str, object], timeout: float | None = None) -> Request:
    """A GET of something that is only read."""
    return Request("GET", path, query=arguments.query(query(values)), read=True, timeout=arguments.seconds(timeout))


def posting(path: str, values: Mapping[str, object], timeout: float | None = None) -> Request:
    """A POST with the values that are not None as a JSON object."""
    body = {name: _json(value, name) for name, value in values.items() if value is not None}
    try:
        return Request("POST", path, arguments.encode(body), timeout=arguments.seconds(timeout))
    except (TypeError, ValueError, OverflowError, RecursionError):
        raise ConfigurationError("a value cannot be sent as JSON") from None


async def uploading(
    path: str, values: Mapping[str, object], files: Mapping[str, FileLike], timeout: float | None = None
) -> Request:
    """A POST with the files and, in the same body, every other value that is not None. `files`: part name to file."""
    # An empty list is an empty field, as it is an empty list in JSON: it takes away what was there.
    texts = {name: "" if value in ([], ()) else plain(value, name) for name, value in values.items()}
    if any(text is not None and not _encodes(text) for text in texts.values()):
        raise ConfigurationError(arguments.BROKEN_TEXT)
    parts = [Part(name, text) for name, text in texts.items() if text is not None]
    parts += [await file_part(name, source) for name, source in files.items()]
    return Request("POST", path, parts=tuple(parts), timeout=arguments.seconds(timeout))


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _json(value: object, name: str) -> Any:
    if isinstance(value, dt.datetime):
        return moment(value, name)
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        raise ConfigurationError(f"{name} cannot be sent: bytes are no text; decode them")
    return value


def _number(value: float, name: str) -> str:
    if not math.isfinite(value):
        raise ConfigurationError(f"{name} must be a number")
    return str(int(value)) if value == int(value) else str(value)
