"""Replies of any provider, as far as they can be understood without knowing it: JSON, words, pages, whose fault it is.

Lives here: pure functions over one answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from rumbleup_async.errors import ApiError, UnreadableReply
from rumbleup_async.patterns import when_used
from rumbleup_async.provider.decoding import BROKEN, UNREADABLE, decode
from rumbleup_async.provider.waiting import retry_after
from rumbleup_async.reasons import APART
from rumbleup_async.session.exchange import Response

__all__ = [
    "BROKEN",
    "MAYBE",
    "UNREADABLE",
    "Dialect",
    "Page",
    "about_account",
    "decode",
    "number",
    "page_of",
    "read_json",
    "request_id",
    "retry_after",
    "safe",
    "total",
    "what",
]


class Page(msgspec.Struct, frozen=True):
    """One page of a select call: its rows, the token of the next page (None at the end), and the total if told.

    `cut`: why there may be more rows than those of this page and the ones behind its token; "" if nothing says so.
    """

    rows: list[Any]
    next_token: str | None
    total: int | None
    cut: str = ""

    def __repr__(self) -> str:
        return f"Page({len(self.rows)} rows)"


class Dialect(NamedTuple):
    """What a caller must know of a provider.

    `error_of(response, endpoint, redact)`: the exception for an answer of status 300 or more.
    `query(filters, token)`: the query of a list's page, the first one for None.
    `page(response, endpoint, redact, token)`: reads the page that was asked for with `token`.
    """

    error_of: Callable[[Response, str, tuple[str, ...]], ApiError]
    query: Callable[[Mapping[str, str | None], str | None], str]
    page: Callable[[Response, str, tuple[str, ...], str | None], Page]


def read_json(response: Response, endpoint: str) -> Any:
    """The JSON value of a 2xx answer, or UnreadableReply."""
    try:
        return decode(response.body)
    except BROKEN:
        raise UnreadableReply(what(response), status=response.status, endpoint=endpoint) from None


MAYBE = frozenset({408, 425, 499})
"""Statuses of a gateway that lost patience or did not dare. Nobody knows whether it had handed the request on."""

_NOTHING = r"(?:insufficient|inadequate|not enough|no(?: more| remaining| available)?|out of|zero|negative|exhausted|lack of)"
_MONEY = r"(?:account )?(?:balance|funds?|credits?|money)"
_ACCOUNT = r"(?:account|subscription|organi[sz]ation|customer|tenant|workspace|plan|api access)"
_ENDED = (
    r"(?:suspended|disabled|deactivated|closed|blocked|locked|frozen|inactive|terminated|cancell?ed|expired|delinquent|past due"
    r"|overdue|on hold|not active|not enabled|not authori[sz]ed)"
)
_PROJECT = r"(?:project|action|campaign|group)"
_STANDING = when_used(
    rf"\b{_NOTHING}\s+{_MONEY}\b"
    rf"|\b{_MONEY}\b[^.]{{0,30}}\b(?:too low|insufficient|exhausted|depleted|empty|used up|run out|negative)\b"
    rf"|\bpayment (?:is )?required\b|\btop[\s-]?up\b"
    rf"|\b{_ACCOUNT}\b[^.]{{0,40}}\b{_ENDED}\b|\b{_ENDED}\s+{_ACCOUNT}\b"
    rf"|\bno such {_PROJECT}\b|\b{_PROJECT}\b[^.]{{0,30}}\b(?:not (?:live|active|found|approved)|must be active|archived)\b",
    re.IGNORECASE,
)


def about_account(words: str) -> bool:
    """Whether an error's words speak of the account or the project, which every text
    meets alike: no funds, suspended, not live.

    There is no documented code for either. To be wrong costs a request: whoever was refused for a reason of his own
    is asked for once more, and stays queued.
    """
    return _STANDING.search(words) is not None


_DIGITS = when_used(r"\d(?:[\W_]{0,3}\d){6,}")
_QUOTE = 16
"""Characters that a provider's words and a text must share for the one to count as quoting the other."""


def safe(message: str, length: int = 160, redact: tuple[str, ...] = ()) -> str:
    """A provider's words as they may be logged: a short line without phone numbers and without what is in `redact`."""
    words = _folded(message[: 16 * length])
    for secret in redact:
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
    return page_of(response).replace(APART, "")


def page_of(response: Response) -> str:
    """The same as the detail of a reason: pages of another size are the same reason."""
    if not response.body:
        return "an empty body"
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind == "text/html" or response.body.lstrip()[:1] == b"<":
        return f"an HTML page{APART} of {len(response.body)} bytes"
    return f"{len(response.body)} bytes that are not the JSON expected"


def number(value: object) -> int:
    if isinstance(value, bool):
        return 0
    if isinstance(value, (int, float)):
        return int(value) if abs(value) < 1e6 else 0
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 7 else 0


_REQUEST_IDS = ("X-Request-Id", "X-Request-ID", "x-request-id", "Request-Id", "X-Correlation-Id", "CF-Ray")


def request_id(response: Response) -> str:
    """What the answer's headers call the request, or ""."""
    found = next((response.headers[name] for name in _REQUEST_IDS if name in response.headers), "")
    return found[:128] if found.isprintable() else ""


def total(value: object) -> int | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return int(value) if 0 <= value < 1e15 else None
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16 else None
