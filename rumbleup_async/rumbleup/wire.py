"""What travels to the RumbleUp API and what its answers mean: the one place where a reply is understood.

Lives here: pure functions; status, headers and body in, a value out. Sources: the API overview page (auth, error
object, paging), the Message API page, and for `code` values the proxy-send page.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from rumbleup_async import errors
from rumbleup_async.errors import ApiError, ConfigurationError, UnreadableReply
from rumbleup_async.messaging import mask
from rumbleup_async.outcomes import (
    Accepted,
    Bar,
    Barred,
    Draw,
    Drawn,
    NoneLeft,
    NoneNow,
    Outcome,
    Refused,
    Throttled,
    Unknown,
    barred,
)
from rumbleup_async.provider import belonging, credentials, decoding, replies
from rumbleup_async.reasons import NO_REASON, Code, Reason
from rumbleup_async.screening.phones import normalise
from rumbleup_async.session.exchange import Response

DEFAULT_BASE_URL = "https://app.rumbleup.com/api"
SEND = "/message/send"
NEXT = "/message/next"
LOG = "/message/log/select"

ROWS = ("data", "messages", "logs")
"""Where a page has its rows: as documented, and as an integrator met them."""

_THROTTLED = frozenset({429, 440})
_SPECIAL = frozenset({440, 441})
"""Statuses of the API's own that it may put in the body under another HTTP status; there the body is believed."""


def auth_header(api_key: str, scheme: str = "basic") -> str:
    """The Authorization header of an API key, which is the pair `KEY:SECRET` (or the legacy pair `CID:KEY`, basic only)."""
    credentials.check(api_key, "the API key")
    user, colon, secret = api_key.partition(":")
    if not (user and colon and secret):
        raise ConfigurationError("the API key must be the pair KEY:SECRET; the portal shows it under Integrations, API Keys")
    if not api_key.isprintable() or not api_key.isascii() or " " in api_key:
        raise ConfigurationError("the API key contains a space, a line break or another character that no key has")
    if scheme == "basic":
        return "Basic " + base64.b64encode(api_key.encode()).decode()
    if scheme == "bearer":
        if user.startswith("c_"):
            raise ConfigurationError("a legacy key (c_...) works with auth='basic' only")
        return "Bearer " + api_key
    raise ConfigurationError("auth must be 'basic' or 'bearer'")


def phone_digits(phone: str | int) -> str:
    """The 10 digits RumbleUp knows a phone by, read as a contact list's are; what is in doubt is a ConfigurationError."""
    digits, reason = normalise(str(phone))
    if reason:
        raise ConfigurationError(f"the phone cannot be used: {reason}; it must have 10 digits, with or without +1 in front")
    return digits


def log_phone(phone: str | int) -> str:
    """The same for searching: any 10 digits, for the log may hold what a list would not."""
    digits = re.sub(r"\D", "", str(phone), flags=re.ASCII)
    if len(digits) == 11 and digits.startswith("1"):
        digits = digits[1:]
    if len(digits) != 10:
        raise ConfigurationError("a phone to search for must have 10 digits, with or without +1 in front")
    return digits


class SendBody(msgspec.Struct, omit_defaults=True):
    """The JSON body of message/send. `action` travels as text, as the Message API page has it."""

    phone: str
    action: str
    text: str
    flags: tuple[str, ...] = ()
    name: str | None = None
    group: int | str | None = None

    def __repr__(self) -> str:
        return f"SendBody(phone={mask(self.phone)!r}, action={self.action!r})"


def comma(values: str | int | Iterable[str | int]) -> str:
    """A comma list, as the API takes lists in queries; a value that contains a comma is refused."""
    texts = [str(values)] if isinstance(values, (str, int)) else [str(value) for value in values]
    if not all(text.strip() for text in texts):
        raise ConfigurationError("an empty filter would search for everything; leave it out, or do not ask")
    if isinstance(values, (str, int)):
        return texts[0]
    if any("," in text for text in texts):
        raise ConfigurationError("a value of a comma list must not contain a comma")
    if not texts:
        raise ConfigurationError("an empty list would search for everything; leave the filter out, or do not ask")
    return ",".join(texts)


def tags(flags: Iterable[str]) -> tuple[str, ...]:
    """Tags for a message; ConfigurationError for one word instead of a list, and for what the log could not be searched for."""
    if isinstance(flags, (str, bytes)):
        raise ConfigurationError("flags is a list of tags, not one word")
    texts = tuple(str(flag) for flag in flags)
    if any(not text.strip() or "," in text or not text.isprintable() for text in texts):
        raise ConfigurationError("a tag must be a word without commas")
    return texts


def project_id(action: str | int) -> str:
    """The id of a project as it travels; ConfigurationError for none."""
    given: object = action
    text = str(given).strip() if isinstance(given, (str, int)) and not isinstance(given, bool) else ""
    if not text or not text.isprintable():
        raise ConfigurationError("action is the id of the project to send into")
    return text


class _SendReply(msgspec.Struct):
    """The few fields of a send's answer that decide what became of it; types open: a wrong one must not hide a logid."""

    logid: str | int | None = None
    status: Any = None
    message: Any = None
    code: Any = None
    error: Any = None


_send_reply = msgspec.json.Decoder(_SendReply).decode


def _read_send_reply(body: bytes) -> _SendReply:
    try:
        return _send_reply(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # It may quote a text that was cut in the middle of an emoji, or have a price of NaN; its logid counts all the same.
        return msgspec.convert(replies.decode(body), _SendReply)


def decipher_send(response: Response, redact: tuple[str, ...] = ()) -> Outcome:
    """What the answer to one message/send means for the text. Words of a refusal that quote what is in `redact` are left out.

    - A 2xx with a logid: accepted. Without one: unknown, unless its error speaks of all texts.
    - 429, 440, 441: not now. 408, 425, 499, 5xx, a redirect: unknown.
    - The API's own error object under 400 or 422, or a code about the recipient: refused.
    - One of these that names a logid: unknown, unless its code is about the recipient.
    - Any other 4xx: nothing left, and nobody is written off for it. It is a page of what stands before the API, or it is about
      the key, the account or the project.
    """
    if 200 <= response.status < 300:
        try:
            reply = _read_send_reply(response.body)
        except replies.BROKEN:
            return Unknown(Reason(Code.UNREADABLE, f"unreadable answer: {replies.page_of(response)}"), response.status)
        if (reply.logid or reply.logid == 0) and replies.UNREADABLE not in str(reply.logid):
            return Accepted(str(reply.logid))
        hidden = _decipher_hidden(reply, response, redact)
        return hidden or Unknown(Reason(Code.UNREADABLE, "an answer without a logid"), response.status)
    return _decipher_refusal(response, redact)


def _decipher_hidden(reply: _SendReply, response: Response, redact: tuple[str, ...]) -> Outcome | None:
    """What the error object in a 2xx answer says of all texts: not now, or none before somebody acts.

    What it says of this text alone is not believed: under a success it stays in doubt, which the log settles.
    """
    status = hidden_status(reply.status, reply.message)
    if not status and not reply.logid and _is_about_account(reply):
        failure = read_failure(response, redact)
        return barred(Bar.ACCOUNT, failure.detail, response.status, failure.code)
    if not 400 <= status < 500 or status == 441:
        return None
    outcome = _decipher_refusal(Response(status, response.headers, response.body), redact)
    is_believed = isinstance(outcome, Throttled) or (isinstance(outcome, Barred) and outcome.kind not in _OF_ONE_TEXT)
    return outcome if is_believed else None


def _is_about_account(reply: _SendReply) -> bool:
    """Whether a 2xx answer without a status of its own tells of no funds, or of an account that may not send."""
    words = " ".join(word for word in (reply.message, reply.error) if isinstance(word, str))
    return replies.about_account(words) and _TAKEN_WORDS.search(words) is None


_TAKEN_WORDS = re.compile(r"\b(?:accepted|queued|scheduled|sent|delivered|success\w*)\b", re.IGNORECASE)

_OF_ONE_TEXT = frozenset({Bar.GATEWAY, Bar.OTHER})
"""What bars this text as far as is known; under a status of success that is not believed."""


class _Names(msgspec.Struct):
    """What an answer to a send names."""

    phone: Any = None
    text: Any = None
    flags: Any = None


_names = msgspec.json.Decoder(_Names).decode


class _Usual(msgspec.Struct, gc=False):
    """An answer as the API documents it, as far as it decides anything."""

    logid: str
    phone: str = ""
    text: str | None = None
    flags: tuple[str, ...] = ()


_usual = msgspec.json.Decoder(_Usual).decode


def usual(response: Response, sent: belonging.Sent) -> tuple[Accepted, belonging.Whose] | None:
    """The acceptance that nearly every answer is, read at one look; None for an answer that has to be read with care."""
    if response.status != 200:
        return None
    try:
        reply = _usual(response.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if not reply.logid or replies.UNREADABLE in reply.logid:
        return None
    if reply.phone == sent.phone:
        return Accepted(reply.logid), belonging.Whose.OURS
    if reply.phone or reply.text is not None or "run-" in ",".join(reply.flags):
        return None
    return Accepted(reply.logid), belonging.Whose.NOBODYS


def whose(response: Response, sent: belonging.Sent) -> belonging.Whose:
    """Whom the answer to a message/send is about."""
    named = belonging.read(_Names, _names, response)
    return belonging.whose(sent, named.phone, named.text, named.flags)


_BARS: dict[str, Bar] = {"DAILYCAP": Bar.DAILY_CAP, "TIMERANGE": Bar.OUTSIDE_HOURS}

_ABOUT_RECIPIENT = frozenset({"LANDLINE", "DND", "BAD", "OPTOUT", "UNREACHABLE"})
"""Codes that say something about this phone only. LANDLINE is documented (proxy-send page); the others are how the account's
contact
flags of the same names would read. FIELD is not among them: the wrong field may be the project's id. A code missing here
loses no text: it counts towards the error threshold."""


_CODES = _ABOUT_RECIPIENT | frozenset(_BARS) | frozenset({"FIELD", "PROXY"})
"""Codes that the API is known to have (proxy-send page)."""

_OF_OTHERS = frozenset({"detail", "error", "errors", "instance", "path", "timestamp", "title", "trace", "type"})
"""What an error object of the API never has: gateways and web frameworks write such beside a status and a message."""

_REFUSALS = frozenset({400, 422})
"""Statuses with which the API says no to a text."""

_KEY_REMEDY = "the provider does not accept the API key; check RUMBLEUP_API_KEY (the pair KEY:SECRET) and resume"


def _decipher_refusal(response: Response, redact: tuple[str, ...] = ()) -> Outcome:
    failure = read_failure(response, redact)
    status, code = failure.status, failure.code
    is_made = failure.has_logid and code not in _ABOUT_RECIPIENT  # what is refused gets no id
    if is_made or (response.status >= 500 and status not in _THROTTLED):
        return Unknown(Reason(Code.SERVER_ANSWERED, f"{response.status}{' with a logid' if is_made else ''}"), response.status)
    if 400 <= status < 500 and code in _BARS:
        return barred(_BARS[code], failure.detail, status, code)
    if status in _THROTTLED or status == 441:
        return Throttled(Reason(Code.THROTTLED, str(status)), status, failure.after)
    if is_doubtful(failure):
        return Unknown(Reason(Code.SERVER_ANSWERED, str(failure.told if status in _REFUSALS else status)), status)
    if failure.effective == 401:
        return barred(Bar.KEY_REFUSED, failure.detail, status, code, _KEY_REMEDY)
    if failure.effective == 403 and failure.opt_out:
        return barred(Bar.OPT_OUT_MISSING, failure.detail, status, code)
    if code in _ABOUT_RECIPIENT:
        return Refused(Reason(Code.REFUSED_PERSON, failure.detail), status, code, about_recipient=True)
    if failure.effective == 402 or failure.about_account:
        return barred(Bar.ACCOUNT, failure.detail, status, code)
    if failure.effective == 403 and not code:
        return barred(Bar.NOT_ALLOWED, failure.detail, status, code)
    if not failure.is_own:
        return barred(Bar.GATEWAY, failure.detail, status, code)
    if failure.effective in _REFUSALS:
        return Refused(Reason(Code.REFUSED_TEXT, failure.detail), status, code)
    return barred(Bar.OTHER, failure.detail, status, code)


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
    return found if found in _THROTTLED | _SPECIAL or (400 <= found < 600 and isinstance(message, str)) else 0


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
        return self.told if self.status in _REFUSALS and 400 <= self.told < 600 else self.status

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
        status=status if status in _SPECIAL else response.status,
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


_OPT_OUT = re.compile(
    r"opt[\s-]*out\s+(?:instruction|wording|language|text|message|notice)"
    r"|(?:must|mention|include|contain|missing|add|without|requires?)\b[^.]{0,80}(?:\bSTOP\b|opt[\s-]*out)",
    re.IGNORECASE,
)
"""What a 403 says when the text lacks the opt-out line. A person "on the opt-out list" is another matter: that is about one
contact."""

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
    if kind is None and status in _THROTTLED:
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


class _TwoPhones(UnreadableReply):
    """A contact with two different phones."""


def read_next(response: Response, endpoint: str) -> dict[str, Any]:
    """The contact object of message/next; UnreadableReply if it names two different phones.

    The API page's own sample repeats the key `phone` with two values. JSON parsers keep the last one silently; texting it
    would be a guess about a person.
    """

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        phones = {str(value) for key, value in items if key == "phone"}
        if len(phones) > 1:
            raise _TwoPhones("a contact with two different phones", status=response.status, endpoint=endpoint)
        return dict(items)

    try:
        value = decoding.lenient(response.body, pairs)
        if decoding.may_be_halved(response.body):
            value = decoding.whole(value)
    except (ValueError, RecursionError, msgspec.DecodeError):
        raise UnreadableReply(replies.what(response), status=response.status, endpoint=endpoint) from None
    if not isinstance(value, dict):
        raise UnreadableReply(f"expected an object, got {type(value).__name__}", status=response.status, endpoint=endpoint)
    return value


def read_page(response: Response, endpoint: str) -> replies.Page:
    """The envelope `{count, data, total?, next_token?}`; `data` may be a list, one object, or missing.

    Only `next_token` says whether there is more: the API's samples have counts and totals that do not add up. An integrator
    also met the list under `messages` or `logs`.
    """
    value = replies.read_json(response, endpoint)
    if isinstance(value, list):
        return replies.Page(value, None, None)
    if not isinstance(value, dict):
        raise UnreadableReply(f"expected a page, got {type(value).__name__}", status=response.status, endpoint=endpoint)
    data: Any = next((value[name] for name in ROWS if value.get(name) is not None), [])
    token = value.get("next_token")
    if isinstance(token, bool) or not isinstance(token, (str, int, float)):
        if token:
            # To take this for the end would lose rows without a word.
            raise UnreadableReply("a page token that is neither text nor number", status=response.status, endpoint=endpoint)
        token = None
    return replies.Page(
        rows=data if isinstance(data, list) else [data],
        next_token=str(token) if token not in (None, "") else None,
        total=replies.total(value.get("total")),
    )


_OPTED_OUT = {
    "dnd": Reason(Code.OPTED_OUT, "dnd"),
    "bad": Reason(Code.WRONG_NUMBER, "bad"),
    "landline": Reason(Code.LANDLINE),
}
"""System flags of a contact that must not be texted, and why. Source: the Contacts page."""


def decipher_next(response: Response, redact: tuple[str, ...] = ()) -> Draw:
    """What the answer to one message/next means."""
    if not 200 <= response.status < 300:
        return _decipher_no_contact(response, redact)
    try:
        contact = read_next(response, NEXT)
    except _TwoPhones:
        return Drawn("", _who(response), barred=Reason(Code.TWO_PHONES))
    except UnreadableReply as error:
        return Unknown(Reason(Code.UNREADABLE, error.message), response.status)
    if contact.get("logid") is not None:
        return Unknown(Reason(Code.UNREADABLE, "the answer to another request"), response.status)
    if contact.get("phone") is None:
        if status := hidden_status(contact.get("status"), contact.get("message")):
            return _decipher_no_contact(Response(status, response.headers, response.body), redact)
        return Unknown(Reason(Code.UNREADABLE, "a contact without a phone"), response.status)
    fields = {
        name: str(value)
        for name, value in contact.items()
        if isinstance(value, (str, int, float)) and not isinstance(value, bool)
    }
    worn = _words(contact.get("flags")) | {
        name for name in _OPTED_OUT if contact.get(name) not in (None, False, 0, "", "0", "false")
    }
    why = next((found for flag, found in _OPTED_OUT.items() if flag in worn), NO_REASON)
    return Drawn(fields.get("phone", ""), fields, why)


def _words(flags: object) -> set[str]:
    """Tags however they are written: a list, a comma list, an object of switches, in any case. In doubt a tag is worn."""
    if isinstance(flags, dict):
        flags = [name for name, on in flags.items() if on]
    pieces = flags if isinstance(flags, list) else [flags]
    return {word for piece in pieces if isinstance(piece, str) for word in re.split(r"\W+", piece.casefold()) if word}


def _who(response: Response) -> dict[str, str]:
    """What tells an ambiguous contact from another one, without a phone."""
    try:
        contact = replies.decode(response.body)
    except replies.BROKEN:
        return {}
    if not isinstance(contact, dict):
        return {}
    return {name: str(contact[name]) for name in ("cid", "rupid", "first_name", "last_name") if contact.get(name) is not None}


def _decipher_no_contact(response: Response, redact: tuple[str, ...]) -> Draw:
    failure = read_failure(response, redact)
    special = _special(failure.status, response)
    if special is not None:
        return special
    if failure.is_end:
        return NoneLeft()
    outcome = _decipher_refusal(response, redact)
    assert not isinstance(outcome, Accepted)  # noqa: S101 - an error status never is
    return outcome


def _special(status: int, response: Response) -> Draw | None:
    if status == 441:
        return NoneNow()
    if status in _THROTTLED:
        return Throttled(Reason(Code.THROTTLED, str(status)), status, read_failure(response).after)
    return None
