"""What travels to the Sendblue API and what its answers mean: the one place where a reply is understood.

Lives here: pure functions. Sources: the Messages API page; the send, status and list reference; the old page of error
codes for what the numbers mean. No page describes an error body, so every form that is seen in the wild is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from rumbleup_async import errors
from rumbleup_async.errors import ApiError, ConfigurationError, UnreadableReply
from rumbleup_async.messaging import mask
from rumbleup_async.outcomes import Accepted, Bar, Outcome, Refused, Throttled, Unknown, barred
from rumbleup_async.provider import arguments, belonging, credentials, replies
from rumbleup_async.provider.models import as_bool
from rumbleup_async.reasons import Code, Reason
from rumbleup_async.screening.phones import normalise
from rumbleup_async.sendblue.models import Message, SendStyle, Status
from rumbleup_async.session.exchange import Response

DEFAULT_BASE_URL = "https://api.sendblue.co"
SEND = "/api/send-message"
STATUS = "/api/status"
MESSAGES = "/api/v2/messages"
MESSAGE = "/api/v2/messages/{id}"

PREFIX = "+1"
"""What turns the ten digits of a screened contact into the E.164 form that Sendblue takes."""

LONGEST = 18_996
"""Characters of a message at most (send reference)."""

NOT_NOW = frozenset({"4001", "5003", "5509", "SMS_LIMIT_REACHED"})
"""Error codes of a limit: the same text would be taken later."""

UNCLEAR = frozenset({"5000", "10002"})
"""Error codes that do not say whether the text left: an internal error, and a status that could not be resolved."""

_TAKEN = frozenset(Status) - {Status.ERROR, Status.DECLINED}

_ABOUT_RECIPIENT = frozenset({"4002"})
_OPTED_OUT_WORDS = re.compile(r"opt(?:ed|s)?[\s-]*out|unsubscribed|blacklist", re.IGNORECASE)
_RECIPIENT_WORDS = re.compile(r"not a verified|not verified|recipient", re.IGNORECASE)
_LINE_WORDS = re.compile(
    r"from[\s_-]*number|sendblue[\s_-]*number|\b(?:this|your|the|sending) line\b|\bline (?:is )?block", re.IGNORECASE
)

_KEY_REMEDY = "the provider does not accept the key; check SENDBLUE_API_KEY and SENDBLUE_API_SECRET and resume"


def headers(api_key: str, api_secret: str) -> dict[str, str]:
    """The two headers of the credentials."""
    credentials.check(api_key, "api_key")
    credentials.check(api_secret, "api_secret")
    given: tuple[object, ...] = (api_key, api_secret)
    for value in given:
        if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable() or " " in value:
            raise ConfigurationError("api_key and api_secret are the two words of the dashboard, without spaces or line breaks")
    return {"sb-api-key-id": api_key, "sb-api-secret-key": api_secret}


_E164 = re.compile(r"\+[1-9]\d{7,14}", re.ASCII).fullmatch


def e164(phone: str | int, what: str = "number") -> str:
    """A phone as Sendblue takes it, `+` and all digits. Without a `+` it is a US number; what is in doubt ConfigurationError."""
    text = str(phone).strip()
    if text.startswith("+") and not text.startswith("+1"):
        digits = re.sub(r"[\s().-]", "", text)
        if _E164(digits):
            return digits
        raise ConfigurationError(f"the {what} cannot be used; write it as +, the country code and the number")
    digits, reason = normalise(text)
    if reason:
        raise ConfigurationError(f"the {what} cannot be used: {reason}; write it as +, the country code and the number")
    return PREFIX + digits


def line(phone: str | int) -> str:
    """One of the sender's own lines. It may be a number that a contact list would not hold, such as 555-0199."""
    text = re.sub(r"[\s().-]", "", str(phone))
    if re.fullmatch(r"1?\d{10}", text, re.ASCII):
        text = "+1" + text[-10:]
    if not _E164(text):
        raise ConfigurationError("a from number cannot be used; write it as +, the country code and the number")
    return text


def content(text: object) -> str:
    """The words of a message, checked."""
    words = arguments.written(text, "the content")
    if len(words) > LONGEST:
        raise ConfigurationError(f"the content has {len(words)} characters; Sendblue takes {LONGEST}")
    return words


def style(value: str | None) -> str | None:
    """A send style, one of `SendStyle`."""
    if value is None:
        return None
    try:
        return SendStyle(str(value)).value
    except ValueError:
        raise ConfigurationError(f"send_style must be one of {', '.join(SendStyle)}") from None


def link(value: str | None, what: str) -> str | None:
    """An address that Sendblue is to fetch or to call."""
    if value is None:
        return None
    given: object = value
    if not isinstance(given, str) or not re.match(r"https?://\S+\Z", given):
        raise ConfigurationError(f"{what} must be an http address")
    return value


class SendBody(msgspec.Struct, omit_defaults=True):
    """The JSON body of send-message."""

    number: str
    from_number: str
    content: str | None = None
    media_url: str | None = None
    send_style: str | None = None
    status_callback: str | None = None

    def __repr__(self) -> str:
        return f"SendBody(number={mask(self.number)!r}, from_number={mask(self.from_number)!r})"


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
    words = next((value[name] for name in ("error", "message", "error_message", "error_reason") if _words(value.get(name))), "")
    message = _words(words)
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
    return bool(code) or failed or bool(_words(value.get("error")) or _words(value.get("error_message")))


_OF_OTHERS = frozenset({"detail", "errors", "instance", "path", "statusCode", "timestamp", "title", "trace", "type"})
"""What an error of the API never has: gateways and web frameworks write such beside their words."""


def _words(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("message")
    return value if isinstance(value, str) else ""


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
    message = Message.read(_row(value))
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


def _row(value: dict[str, Any]) -> dict[str, Any]:
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
        return Unknown(Reason(Code.SERVER_ANSWERED, str(status)), status)
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
    message = Message.read(_row(value))
    return bool(message.message_handle) and (is_limit or message.status not in {None, "ERROR", "DECLINED"})


_REFUSALS = frozenset({400, 422})
"""Statuses with which the API says no to a text."""


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


def sent(response: Response, redact: tuple[str, ...]) -> Message:
    """The message of a send's 2xx answer, or the exception for what `decipher_send` makes of it."""
    outcome = decipher_send(response, redact)
    if isinstance(outcome, Accepted):
        try:
            return Message.read(_row(replies.decode(response.body)), endpoint=SEND)
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


def one(response: Response, endpoint: str, redact: tuple[str, ...]) -> Message:
    """The message of a get or a status call: bare, or under `data`."""
    value = replies.read_json(response, endpoint)
    if isinstance(value, dict) and isinstance(value.get("data"), list) and len(value["data"]) == 1:
        value = {"data": value["data"][0]}
    row = _row(value) if isinstance(value, dict) else value
    message = Message.read(row, endpoint=endpoint)
    if message.message_handle is None and message.status is None and message.number is None:
        raise UnreadableReply("an answer that is no message", status=response.status, endpoint=endpoint)
    if message.message_handle is None and message.number is None and not _is_told(message):
        raise error_of(Response(404, response.headers, response.body), endpoint, redact)
    return message


def _is_told(message: Message) -> bool:
    """Whether there is more of a message than a status, which an error may have, too."""
    told = (message.content, message.from_number, message.to_number, message.date_created, message.date_sent, message.is_outbound)
    return any(field is not None for field in told)


def query(filters: Mapping[str, str | None], token: str | None) -> str:
    """The query of a list's page; the token is the offset of its first row."""
    return arguments.query({**filters, "offset": token})


def page(response: Response, endpoint: str, redact: tuple[str, ...], token: str | None) -> replies.Page:
    """The envelope `{status, data, pagination: {hasMore, limit, offset, total}}`.

    Where `hasMore` is missing there is another page for as long as rows come. An error that came as a success is raised: as an
    empty page it would say that nothing was sent. `token`: the offset that was asked for, None for the beginning.
    """
    value = replies.read_json(response, endpoint)
    rows = value.get("data") if isinstance(value, dict) else None
    if not rows and isinstance(value, dict):
        status = value.get("status")
        is_ok = (
            isinstance(rows, list) and str(status).upper() not in {"ERROR", "FAILED", "DECLINED"} and replies.number(status) < 400
        )
        if any(
            _words(value.get(name))
            for name in ("error", "error_message", *(() if is_ok and status is not None else ("message",)))
        ):
            raise error_of(Response(400, response.headers, response.body), endpoint, redact)
        if not is_ok:
            rows = None
    if not isinstance(rows, list):
        raise UnreadableReply("expected a page of messages", status=response.status, endpoint=endpoint)
    found = value.get("pagination")
    paging: dict[str, Any] = found if isinstance(found, dict) else {}
    more = as_bool(paging.get("hasMore", paging.get("has_more")))
    total = replies.total(paging.get("total"))
    begin = int(token or "0")
    if not rows and (more or (begin == 0 and total)):
        raise UnreadableReply("an empty page that says there are more; the list cannot be read to its end", endpoint=endpoint)
    go_on = bool(rows) if more is None else more
    return replies.Page(rows, str(begin + len(rows)) if go_on else None, total)


DIALECT = replies.Dialect(error_of, query, page)
"""Sendblue as a caller must know it."""
