"""The errors of the RumbleUp API: the object `{status, message, code?}` of an answer, and the exception that it stands for.

Lives here: pure functions; an answer in, a value out. Sources: the API overview page (error object) and, for `code` values, the
proxy-send page.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from rumbleup_async import errors
from rumbleup_async.errors import ApiError, UnreadableReply
from rumbleup_async.outcomes import Bar
from rumbleup_async.patterns import when_used
from rumbleup_async.provider import replies
from rumbleup_async.session.exchange import Response

THROTTLED = frozenset({429, 440})

SPECIAL = frozenset({440, 441})
"""Statuses of the API's own that it may put in the body under another HTTP status; there the body is believed."""

BARS: dict[str, Bar] = {"DAILYCAP": Bar.DAILY_CAP, "TIMERANGE": Bar.OUTSIDE_HOURS}

ABOUT_RECIPIENT = frozenset({"LANDLINE", "DND", "BAD", "OPTOUT", "UNREACHABLE"})
"""Codes that say something about this phone only. LANDLINE is documented (proxy-send page); the others are how the account's
contact
flags of the same names would read. FIELD is not among them: the wrong field may be the project's id. A code missing here
loses no text: it counts towards the error threshold."""

_CODES = ABOUT_RECIPIENT | frozenset(BARS) | frozenset({"FIELD", "PROXY"})
"""Codes that the API is known to have (proxy-send page)."""

_OF_OTHERS = frozenset({"detail", "error", "errors", "instance", "path", "timestamp", "title", "trace", "type"})
"""What an error object of the API never has: gateways and web frameworks write such beside a status and a message."""

REFUSALS = frozenset({400, 422})
"""Statuses with which the API says no to a text."""


class Failure(msgspec.Struct, frozen=True):
    """An error answer, read: the status that counts, the opaque code, the provider's words made safe to show."""

    status: int
    code: str
    message: str
    after: float | None
    opt_out: bool
    readable: bool = True
    """Whether the answer was an error object at all."""
    told: int = 0
    """The status in the error object, 0 if there is none."""
    is_own: bool = False
    """Whether it is an error object as the API writes it, `{status, message, code?}`, and not one of what stands before it."""
    about_account: bool = False
    """Whether its words speak of the account or the project."""
    has_logid: bool = False
    """Whether it names a message all the same."""
    page: str = ""
    """Of an answer that is no error object: what it is instead, as the detail of a reason."""

    @property
    def effective(self) -> int:
        """The status to go by: that of the error object where the HTTP status says no more than "no"."""
        return self.told if self.status in REFUSALS and 400 <= self.told < 600 else self.status

    @property
    def is_end(self) -> bool:
        """Of message/next: whether it says that no contact is left.

        Any web server answers 404 for a wrong address, and many a gateway in JSON; only the API's own error object, or words
        about contacts, say that the work is done.
        """
        return self.status == 404 and self.readable and (self.is_own or "contact" in self.message.lower())

    @property
    def detail(self) -> str:
        """What a reason says of it: status, code, words."""
        return " ".join(part for part in (str(self.status), self.code, self.page or self.message) if part)


class _ErrorBody(msgspec.Struct):
    status: Any = None
    message: Any = None
    code: Any = None
    retryAfter: Any = None  # noqa: N815 - the wire's name
    retry_after: Any = None
    error: Any = None
    logid: Any = None


_error_body = msgspec.json.Decoder(_ErrorBody).decode


def _read_error_body(body: bytes) -> _ErrorBody:
    try:
        return _error_body(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # As for an answer to a send: words cut in the middle of an emoji hide neither status nor code.
        return msgspec.convert(replies.decode(body), _ErrorBody)


_OPT_OUT = when_used(
    r"opt[\s-]*out\s+(?:instruction|wording|language|text|message|notice)"
    r"|(?:must|mention|include|contain|missing|add|without|requires?)\b[^.]{0,80}(?:\bSTOP\b|opt[\s-]*out)",
    re.IGNORECASE,
)
"""What a 403 says when the text lacks the opt-out line. A person "on the opt-out list" is another matter: that is about one
contact."""


def read_failure(response: Response, redact: tuple[str, ...] = ()) -> Failure:
    """The error object `{status, message, code?}` of an answer, or the best substitute for one that is HTML, empty or broken."""
    try:
        body = _read_error_body(response.body)
    except replies.BROKEN:
        return Failure(
            response.status,
            "",
            replies.what(response),
            replies.retry_after(response, None),
            opt_out=False,
            readable=False,
            page=replies.page_of(response),
        )
    message = next((words for words in (body.message, body.error) if isinstance(words, str)), "")
    status = replies.number(body.status)
    code = body.code if isinstance(body.code, (str, int)) and not isinstance(body.code, bool) else ""
    said = replies.safe(str(code), 40, redact).upper()
    return Failure(
        status=status if status in SPECIAL else response.status,
        code=said,
        message=replies.safe(message, redact=redact),
        after=replies.retry_after(response, body.retryAfter, body.retry_after),
        opt_out=_OPT_OUT.search(message) is not None,
        told=status,
        is_own=isinstance(body.message, str) and (400 <= status < 600 or said in _CODES) and _has_own_names(response.body),
        about_account=replies.about_account(f"{message} {code}"),
        has_logid=isinstance(body.logid, (str, int)) and not isinstance(body.logid, bool) and bool(body.logid),
    )


def _has_own_names(body: bytes) -> bool:
    """Whether an error object has no name that those of the API do not have."""
    try:
        return not _OF_OTHERS & replies.decode(body).keys()
    except (*replies.BROKEN, AttributeError):
        return False


def is_doubtful(failure: Failure) -> bool:
    """Whether an error below 500 leaves it open if the text was taken: by its status, or by the one in its error object."""
    told = failure.effective
    return told < 400 or told >= 500 or failure.status < 400 or bool({failure.status, told} & replies.MAYBE)


def hidden_status(status: object, message: object) -> int:
    """The status that the error object in a 2xx answer has, 0 if it is none: the overview page allows the two to differ.

    The statuses of too many requests, and the API's own, need no words beside them; anything else may be a word or a number of
    another kind, unless there is a message.
    """
    found = replies.number(status)
    return found if found in THROTTLED | SPECIAL or (400 <= found < 600 and isinstance(message, str)) else 0


_BY_CODE: dict[str, type[ApiError]] = {
    "LANDLINE": errors.Landline,
    "DAILYCAP": errors.DailyCapReached,
    "TIMERANGE": errors.OutsideHours,
    "PROXY": errors.ProxyUnavailable,
}

_BY_STATUS: dict[int, type[ApiError]] = {401: errors.KeyRefused, 404: errors.NotFound}


def error_of(response: Response, endpoint: str, redact: tuple[str, ...] = ()) -> ApiError:
    """The exception that an answer of status 300 or more stands for, with the request's id if a header tells one."""
    error = _error_of(response, endpoint, redact)
    error.request_id = replies.request_id(response)
    return error


def _error_of(response: Response, endpoint: str, redact: tuple[str, ...]) -> ApiError:
    failure = read_failure(response, redact)
    error = _kind_of(failure, endpoint)
    error.readable = failure.readable and (failure.status != 404 or failure.is_end)
    return error


def _kind_of(failure: Failure, endpoint: str) -> ApiError:
    status, code = failure.status, failure.code
    # A code says more than the status it comes with, which no page names; but it does not turn a 5xx into a refusal.
    kind = _BY_CODE.get(code) if 400 <= status < 500 else None
    if kind is None and status in THROTTLED:
        return errors.RateLimited(failure.message, status=status, code=code, endpoint=endpoint, after=failure.after)
    kind = kind or _BY_STATUS.get(status)
    if kind is None:
        if status >= 500 or (status >= 400 and is_doubtful(failure)):
            kind = errors.ServerFailed
        elif status == 403 and (failure.opt_out or code != "FIELD"):
            kind = errors.OptOutMissing if failure.opt_out else errors.NotAllowed
        elif status == 400 or code == "FIELD":
            kind = errors.GroupNotActive if "must be active" in failure.message.lower() else errors.InvalidField
        elif status < 400:
            return UnreadableReply("a redirect, which is never followed", status=status, endpoint=endpoint)
        else:
            kind = ApiError
    return kind(failure.message, status=status, code=code, endpoint=endpoint)
