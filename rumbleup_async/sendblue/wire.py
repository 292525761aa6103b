"""What the answers to send-message mean: the one place where the fate of a text is read.

Lives here: pure functions. Sources: the Messages API page and the send reference; the old page of error codes for what the
numbers mean.
"""

from __future__ import annotations

from typing import Any

import msgspec

from rumbleup_async import errors
from rumbleup_async.errors import ApiError, UnreadableReply
from rumbleup_async.outcomes import Accepted, Bar, Outcome, Refused, Throttled, Unknown, barred
from rumbleup_async.provider import belonging, replies
from rumbleup_async.reasons import Code, Reason
from rumbleup_async.sendblue.failures import NOT_NOW, UNCLEAR, Failure, is_doubtful, read_failure
from rumbleup_async.sendblue.models import Message, Status
from rumbleup_async.sendblue.requests import SEND
from rumbleup_async.session.exchange import Response

_TAKEN = frozenset(Status) - {Status.ERROR, Status.DECLINED}

_KEY_REMEDY = "the provider does not accept the key; check SENDBLUE_API_KEY and SENDBLUE_API_SECRET and resume"


def decipher_send(response: Response, redact: tuple[str, ...] = ()) -> Outcome:
    """What the answer to one send-message means for the text. Words that quote what is in `redact` are left out.

    A 200 is a verdict only as far as its body goes:

    - a `message_handle` and no error: accepted;
    - an error code of a limit: "not now" only where there is no handle and the status is a failure, for then no message was made.
      With a handle, or under a status such as QUEUED, the message may still leave: unknown;
    - 5000 and 10002 say nothing certain: unknown;
    - no funds, or an account that may not send, and no handle: barred;
    - any other error: refused;
    - neither a handle nor an error: unknown.
    """
    if not 200 <= response.status < 300:
        return _decipher_refusal(response, redact)
    handle = _plainly_accepted(response.body)
    if handle:
        return Accepted(handle)
    try:
        value = replies.decode(response.body)
    except replies.BROKEN:
        return Unknown(Reason(Code.UNREADABLE, f"unreadable answer: {replies.page_of(response)}"), response.status)
    if not isinstance(value, dict):
        return Unknown(Reason(Code.UNREADABLE, "an answer that is no message"), response.status)
    message = Message.read(message_row(value))
    failure = read_failure(response, redact)
    if message.failed or failure.code:
        return _denied(message, failure, redact)
    if message.message_handle and replies.UNREADABLE not in message.message_handle:
        return Accepted(message.message_handle)
    if message.message_handle is None and message.status is None and _is_for_all(failure):
        return barred(Bar.ACCOUNT, failure.detail, response.status, failure.code)
    return Unknown(Reason(Code.UNREADABLE, "an answer without a message handle"), response.status)


def _is_for_all(failure: Failure) -> bool:
    """Whether an error is about the account, and neither about this recipient nor about the line."""
    return failure.about_account and not (failure.about_line or failure.about_recipient)


def _denied(message: Message, failure: Failure, redact: tuple[str, ...]) -> Outcome:
    """What a success means that tells of a failure."""
    status = replies.safe(message.status or "", 20, redact)
    said = failure.detail if failure.code or failure.message else f"{failure.status} {status}"
    if failure.code in UNCLEAR:
        return Unknown(Reason(Code.UNCLEAR, said), failure.status)
    if failure.code in NOT_NOW:
        if message.message_handle or message.status not in {"ERROR", "DECLINED"}:
            return Unknown(Reason(Code.UNCLEAR, f"{said}; it may still leave"), failure.status)
        return Throttled(Reason(Code.LIMIT, said), failure.status, failure.after)
    if message.status not in {None, "ERROR", "DECLINED"}:
        # An error code beside a status such as QUEUED: one of the two is wrong, and nobody knows which.
        return Unknown(Reason(Code.UNCLEAR, f"{said} under the status {status}"), failure.status)
    if _is_for_all(failure) and not message.message_handle:
        return barred(Bar.ACCOUNT, said, failure.status, failure.code)
    return _refused(failure, said)


def _refused(failure: Failure, said: str) -> Refused:
    code = Code.REFUSED_PERSON if failure.about_recipient else Code.REFUSED_TEXT
    return Refused(Reason(code, said), failure.status, failure.code, about_recipient=failure.about_recipient)


class _Names(msgspec.Struct):
    """What an answer to a send names."""

    number: Any = None
    to_number: Any = None
    from_number: Any = None
    sendblue_number: Any = None
    content: Any = None
    data: Any = None


_names = msgspec.json.Decoder(_Names).decode


def whose(response: Response, sent: belonging.Sent) -> belonging.Whose:
    """Whom the answer to a send-message is about."""
    named = belonging.read(_Names, _names, response)
    if isinstance(named.data, dict) and named.number is None and named.to_number is None and named.content is None:
        named = msgspec.convert({name: named.data.get(name) for name in _Names.__struct_fields__}, _Names)
    # `number` is the contact or the line, depending on who asks; the line says nothing.
    phone = named.number if named.to_number in (None, "") else named.to_number
    if phone in (named.from_number, named.sendblue_number):
        phone = None
    return belonging.whose(sent, phone, named.content)


class _PlainReply(msgspec.Struct):
    """What decides over the answer to a send, where each field is of the documented type."""

    message_handle: str = ""
    status: str = ""
    error_code: str | int | None = None
    data: Any = None


_plain_reply = msgspec.json.Decoder(_PlainReply).decode


def _plainly_accepted(body: bytes) -> str:
    """The handle of a message that was taken, if the answer is one as documented: most are, and reading all of it costs ten times
    as much. "" leaves the answer to be read in full."""
    try:
        body.decode()  # of what it passes over, the decoder does not look at the encoding
        reply = _plain_reply(body)
    except replies.BROKEN:
        return ""
    taken = reply.status in _TAKEN and not reply.error_code and reply.data is None
    return reply.message_handle if taken else ""


def message_row(value: dict[str, Any]) -> dict[str, Any]:
    """The message of an answer: bare, or under `data`."""
    inner = value.get("data")
    return inner if isinstance(inner, dict) and "message_handle" not in value else value


def _decipher_refusal(response: Response, redact: tuple[str, ...]) -> Outcome:
    failure = read_failure(response, redact)
    status, code = failure.status, failure.code
    is_limit = status in {429, 440, 441} or code in NOT_NOW
    if _may_be_taken(response.body, is_limit=is_limit):
        return Unknown(Reason(Code.SERVER_ANSWERED, f"{status} with a message handle"), status)
    if status in {429, 440, 441}:
        return Throttled(Reason(Code.THROTTLED, str(status)), status, failure.after)
    if is_doubtful(failure):
        return Unknown(Reason(Code.SERVER_ANSWERED, str(status)), status, failure.after if response.status >= 500 else None)
    if code in NOT_NOW:
        return Throttled(Reason(Code.LIMIT, failure.detail), status, failure.after)
    if status == 401:
        return barred(Bar.KEY_REFUSED, failure.detail, status, code, _KEY_REMEDY)
    if failure.about_line or failure.about_recipient:
        return _refused(failure, failure.detail)
    if status == 402 or failure.about_account:
        return barred(Bar.ACCOUNT, failure.detail, status, code)
    if status == 403 and not code:
        return barred(Bar.NOT_ALLOWED, failure.detail, status, code)
    if not failure.is_own:
        return barred(Bar.GATEWAY, failure.detail, status, code)
    if status in _REFUSALS:
        return Refused(Reason(Code.REFUSED_TEXT, failure.detail), status, code)
    return barred(Bar.OTHER, failure.detail, status, code)


def _may_be_taken(body: bytes, *, is_limit: bool) -> bool:
    """Whether a refusal has a message handle without the status of a message that failed. Behind a limit any may still leave."""
    try:
        value = replies.decode(body)
    except replies.BROKEN:
        return False
    if not isinstance(value, dict):
        return False
    message = Message.read(message_row(value))
    return bool(message.message_handle) and (is_limit or message.status not in {None, "ERROR", "DECLINED"})


_REFUSALS = frozenset({400, 422})
"""Statuses with which the API says no to a text."""


def sent(response: Response, redact: tuple[str, ...]) -> Message:
    """The message of a send's 2xx answer, or the exception for what `decipher_send` makes of it."""
    outcome = decipher_send(response, redact)
    if isinstance(outcome, Accepted):
        try:
            return Message.read(message_row(replies.decode(response.body)), endpoint=SEND)
        except replies.BROKEN:  # in a part that decides nothing
            return Message(message_handle=outcome.logid)
    failure = read_failure(response, redact)
    message = failure.message or outcome.reason
    if isinstance(outcome, Throttled):
        raise errors.RateLimited(message, status=response.status, code=failure.code, endpoint=SEND, after=outcome.after)
    if isinstance(outcome, Unknown):
        raise UnreadableReply(f"{message}; the text may have been sent", status=response.status, code=failure.code, endpoint=SEND)
    kind = errors.InvalidField if failure.code == "4000" else ApiError
    raise kind(message, status=response.status, code=failure.code, endpoint=SEND)
