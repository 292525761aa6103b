"""Replies of any provider, as far as they can be understood without knowing it: JSON, words, times to wait, pages.

Lives here: pure functions over one answer. May import: errors, session.exchange (values only).
"""

from __future__ import annotations

import contextlib
import email.utils
import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from rumbleup_async.errors import ApiError, UnreadableReply
from rumbleup_async.session.exchange import Response

BROKEN = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)
"""What reading JSON raises for a body that is none."""


class Page(msgspec.Struct, frozen=True):
    """One page of a select call: its rows, the token of the next page (None at the end), and the total if told."""

    rows: list[Any]
    next_token: str | None
    total: int | None

    def __repr__(self) -> str:
        return f"Page({len(self.rows)} rows)"


class Dialect(NamedTuple):
    """What a caller must know of a provider.

    `error_of(response, endpoint, hide)`: the exception for an answer of status 300 or more. `query(filters, token)`: the query of
    a list's page, the first one for None. `page(response, endpoint, hide, token)`: reads the page asked for with `token`.
    """

    error_of: Callable[[Response, str, tuple[str, ...]], ApiError]
    query: Callable[[Mapping[str, str | None], str | None], str]
    page: Callable[[Response, str, tuple[str, ...], str | None], Page]


def decode(body: bytes) -> Any:
    """The JSON value of a body; msgspec's errors if there is none.

    Half an emoji (`\\ud83d` alone), which is what a text cut in the middle leaves, makes a row no less readable.
    """
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        if may_be_halved(body):
            with contextlib.suppress(ValueError, RecursionError):
                return made_whole(json.loads(body))
        raise


def may_be_halved(body: bytes) -> bool:
    return b"\\ud" in body.lower()


def made_whole(value: Any) -> Any:
    """The value without halves of characters, which nothing can print, keep or send."""
    return msgspec.json.decode(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def read_json(response: Response, endpoint: str) -> Any:
    """The JSON value of a 2xx answer, or UnreadableReply."""
    try:
        return decode(response.body)
    except BROKEN:
        raise UnreadableReply(what(response), status=response.status, endpoint=endpoint) from None


_DIGITS = re.compile(r"\d(?:[\W_]{0,3}\d){6,}")
_QUOTE = 16
"""Characters that a provider's words and a text must share for the one to count as quoting the other."""


def safe(message: str, length: int = 160, hide: tuple[str, ...] = ()) -> str:
    """A provider's words as they may be logged and reported: a short line without phone numbers, and without quotes of `hide`."""
    words = _folded(message[: 16 * length])
    for secret in hide:
        if _quotes(words, _folded(secret)):
            return "[words that quote the text or the key]"
    line = " ".join("".join(char if char.isprintable() else " " for char in message[: 4 * length]).split())
    line = _DIGITS.sub("[number]", line)
    return line if len(line) <= length else line[: length - 1] + "…"


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _quotes(words: str, secret: str) -> bool:
    if len(secret) <= _QUOTE:
        return bool(secret) and secret in words
    return any(secret[start : start + _QUOTE] in words for start in range(0, len(secret) - _QUOTE + 1, 4))


def what(response: Response) -> str:
    """An unreadable body in words: its kind and size, never its content."""
    if not response.body:
        return "an empty body"
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind == "text/html" or response.body.lstrip()[:1] == b"<":
        return f"an HTML page of {len(response.body)} bytes"
    return f"{len(response.body)} bytes that are not the JSON expected"


def number(value: object) -> int:
    if isinstance(value, bool):
        return 0
    if isinstance(value, (int, float)):
        return int(value) if abs(value) < 1e6 else 0
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 7 else 0


def retry_after(response: Response, body_milliseconds: object) -> float | None:
    """Seconds the provider asks to wait. `Retry-After` in seconds or as a date; `retryAfter` in a body is read as milliseconds.

    Neither is documented for RumbleUp; both are seen in the wild, and a wish to be left alone is honoured however it comes.
    """
    header = response.headers.get("Retry-After", "").strip()
    if header:
        try:
            seconds = float(header)
        except ValueError:
            try:
                seconds = email.utils.parsedate_to_datetime(header).timestamp() - time.time()
            except (ValueError, TypeError, OverflowError):
                seconds = -1.0
        if 0 <= seconds < 1e9:
            return seconds
    if isinstance(body_milliseconds, str) and body_milliseconds.isascii() and body_milliseconds.isdigit():
        body_milliseconds = int(body_milliseconds[:13])
    if isinstance(body_milliseconds, (int, float)) and not isinstance(body_milliseconds, bool) and 0 <= body_milliseconds < 1e12:
        return body_milliseconds / 1000
    return None


_REQUEST_IDS = ("X-Request-Id", "X-Request-ID", "x-request-id", "Request-Id", "X-Correlation-Id", "CF-Ray")


def request_id(response: Response) -> str:
    """What the answer's headers call the request, or ""."""
    found = next((response.headers[name] for name in _REQUEST_IDS if name in response.headers), "")
    return found[:128] if found.isprintable() else ""


def total(value: object) -> int | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return int(value) if 0 <= value < 1e15 else None
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16 else None
