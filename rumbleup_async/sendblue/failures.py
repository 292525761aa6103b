"""The errors of the Sendblue API: what an answer says of one, wherever it says it, and the exception that it stands for.

Lives here: pure functions; an answer in, a value out. Source: the old page of error codes. No page describes an error body, so
every form that is seen in the wild is read.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from rumbleup_async import errors
from rumbleup_async.errors import ApiError, UnreadableReply
from rumbleup_async.patterns import when_used
from rumbleup_async.provider import replies
from rumbleup_async.sendblue.models import Status
from rumbleup_async.session.exchange import Response

NOT_NOW = frozenset({"4001", "5003", "5509", "SMS_LIMIT_REACHED"})
"""Error codes of a limit: the same text would be taken later."""

UNCLEAR = frozenset({"5000", "10002"})
"""Error codes that do not say whether the text left: an internal error, and a status that could not be resolved."""

_ABOUT_RECIPIENT = frozenset({"4002"})

_OPTED_OUT_WORDS = when_used(r"opt(?:ed|s)?[\s-]*out|unsubscribed|blacklist", re.IGNORECASE)

_RECIPIENT_WORDS = when_used(r"not a verified|not verified|recipient", re.IGNORECASE)

_LINE_WORDS = when_used(
    r"from[\s_-]*number|sendblue[\s_-]*number|\b(?:this|your|the|sending) line\b|\bline (?:is )?block", re.IGNORECASE
)


class Failure(msgspec.Struct, frozen=True):
    """What an answer says of an error, wherever it says it: status, code ("" for none or 0), words made safe to show."""

    status: int
    code: str
    message: str
    after: float | None
    about_line: bool
    about_recipient: bool
    readable: bool = True
    is_own: bool = False
    """Whether it is an error as the API writes it, and not one of what stands before it."""
    about_account: bool = False
    """Whether its words speak of the account."""
    page: str = ""
    """Of an answer that is no error object: what it is instead, as the detail of a reason."""

    @property
    def detail(self) -> str:
        """What a reason says of it: status, code, words."""
        return " ".join(part for part in (str(self.status), self.code, self.page or self.message) if part)


def read_failure(response: Response, redact: tuple[str, ...] = ()) -> Failure:
    """The error of an answer, or the best substitute for one that is HTML, empty or broken."""
    try:
        value = replies.decode(response.body)
    except replies.BROKEN:
        value = None
    if not isinstance(value, dict):
        after = replies.retry_after(response, None)
        return Failure(
            response.status, "", replies.what(response), after, False, False, readable=False, page=replies.page_of(response)
        )
    after = replies.retry_after(response, value.get("retryAfter"), value.get("retry_after"))
    inner = value.get("data")
    if "error_code" not in value and "message_handle" not in value and isinstance(inner, dict):
        outer = ("error", "message", "error_message", "status")
        value = {
            **inner,
            **{name: value[name] for name in outer if value.get(name) and (name != "status" or not inner.get(name))},
        }
    words = next((value[name] for name in ("error", "message", "error_message", "error_reason") if words_of(value.get(name))), "")
    message = words_of(words)
    code = str(value.get("error_code") if isinstance(value.get("error_code"), (str, int, float)) else "")
    code = "" if code.strip() in {"", "0", "0.0", "False", "None"} else code.strip().removesuffix(".0")
    opted_out = code in _ABOUT_RECIPIENT or _OPTED_OUT_WORDS.search(message) is not None
    return Failure(
        status=response.status,
        code=replies.safe(code, 40, redact).upper(),
        message=replies.safe(message, redact=redact),
        after=after,
        # Who has opted out "of this line" is not to be tried over another one.
        about_line=not opted_out and _LINE_WORDS.search(message) is not None,
        about_recipient=opted_out or _RECIPIENT_WORDS.search(message) is not None,
        is_own=_is_own(value, code),
        about_account=replies.about_account(f"{message} {code}"),
    )


def _is_own(value: dict[str, Any], code: str) -> bool:
    """Whether an error is one as the API writes it: with a code, under a status such as ERROR, or in the fields in which the
    vendor's own tools look for its words. A bare `message` is what gateways write as well."""
    if _OF_OTHERS & value.keys():
        return False
    failed = str(value.get("status")).strip().upper() in {Status.ERROR, Status.DECLINED}
    return bool(code) or failed or bool(words_of(value.get("error")) or words_of(value.get("error_message")))


_OF_OTHERS = frozenset({"detail", "errors", "instance", "path", "statusCode", "timestamp", "title", "trace", "type"})
"""What an error of the API never has: gateways and web frameworks write such beside their words."""


def words_of(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("message")
    return value if isinstance(value, str) else ""


def is_doubtful(failure: Failure) -> bool:
    """Whether an answer that is no success leaves it open if the text was taken.

    What a 409 of the API's is in conflict with no page says: it may be this very text, taken a moment ago. An HTML page with that
    status is none of the API's, and took nothing.
    """
    status = failure.status
    is_conflict = status == 409 and failure.readable
    return status >= 500 or status < 400 or status in replies.MAYBE or is_conflict or failure.code in UNCLEAR


def error_of(response: Response, endpoint: str, redact: tuple[str, ...] = ()) -> ApiError:
    """The exception that an answer of status 300 or more stands for."""
    failure = read_failure(response, redact)
    error = _error_of(failure, endpoint)
    error.readable = failure.readable
    error.request_id = replies.request_id(response)
    return error


def _error_of(failure: Failure, endpoint: str) -> ApiError:
    status, code = failure.status, failure.code
    if status in {429, 440, 441} or (400 <= status < 500 and code in NOT_NOW and not is_doubtful(failure)):
        return errors.RateLimited(failure.message, status=status, code=code, endpoint=endpoint, after=failure.after)
    kind: type[ApiError] = ApiError
    if status < 400:
        return UnreadableReply("a redirect, which is never followed", status=status, endpoint=endpoint)
    if is_doubtful(failure):
        kind = errors.ServerFailed
    elif status in {400, 422}:
        kind = errors.InvalidField
    elif status in {401, 403, 404}:
        kind = {401: errors.KeyRefused, 403: errors.NotAllowed, 404: errors.NotFound}[status]
    return kind(failure.message, status=status, code=code, endpoint=endpoint)
