"""What the answers to message/send mean: the one place where the fate of a text is read.

Lives here: pure functions; status, headers and body in, a value out. Sources: the API overview page and the Message API page.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from rumbleup_async.money import price_of
from rumbleup_async.outcomes import Accepted, Bar, Barred, Outcome, Refused, Throttled, Unknown, barred
from rumbleup_async.provider import belonging, replies
from rumbleup_async.reasons import Code, Reason
from rumbleup_async.rumbleup.failures import ABOUT_RECIPIENT, BARS, REFUSALS, THROTTLED, hidden_status, is_doubtful, read_failure
from rumbleup_async.session.exchange import Response


class _SendReply(msgspec.Struct):
    """The few fields of a send's answer that decide what became of it; types open: a wrong one must not hide a logid."""

    logid: str | int | None = None
    status: Any = None
    message: Any = None
    code: Any = None
    error: Any = None
    price: Any = None


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
            return Accepted(str(reply.logid), price=price_of(reply.price))
        hidden = _decipher_hidden(reply, response, redact)
        return hidden or Unknown(Reason(Code.UNREADABLE, "an answer without a logid"), response.status)
    return decipher_refusal(response, redact)


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
    outcome = decipher_refusal(Response(status, response.headers, response.body), redact)
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
    price: Any = None


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
        return Accepted(reply.logid, price=price_of(reply.price)), belonging.Whose.OURS
    if reply.phone or reply.text is not None or "run-" in ",".join(reply.flags):
        return None
    return Accepted(reply.logid, price=price_of(reply.price)), belonging.Whose.NOBODYS


def whose(response: Response, sent: belonging.Sent) -> belonging.Whose:
    """Whom the answer to a message/send is about."""
    named = belonging.read(_Names, _names, response)
    return belonging.whose(sent, named.phone, named.text, named.flags)


_KEY_REMEDY = "the provider does not accept the API key; check RUMBLEUP_API_KEY (the pair KEY:SECRET) and resume"


def decipher_refusal(response: Response, redact: tuple[str, ...] = ()) -> Outcome:
    failure = read_failure(response, redact)
    status, code = failure.status, failure.code
    is_made = failure.has_logid and code not in ABOUT_RECIPIENT  # what is refused gets no id
    if is_made or (response.status >= 500 and status not in THROTTLED):
        why = Reason(Code.SERVER_ANSWERED, f"{response.status}{' with a logid' if is_made else ''}")
        return Unknown(why, response.status, failure.after if response.status >= 500 else None)
    if 400 <= status < 500 and code in BARS:
        return barred(BARS[code], failure.detail, status, code)
    if status in THROTTLED or status == 441:
        return Throttled(Reason(Code.THROTTLED, str(status)), status, failure.after)
    if is_doubtful(failure):
        return Unknown(Reason(Code.SERVER_ANSWERED, str(failure.told if status in REFUSALS else status)), status)
    if failure.effective == 401:
        return barred(Bar.KEY_REFUSED, failure.detail, status, code, _KEY_REMEDY)
    if failure.effective == 403 and failure.opt_out:
        return barred(Bar.OPT_OUT_MISSING, failure.detail, status, code)
    if code in ABOUT_RECIPIENT:
        return Refused(Reason(Code.REFUSED_PERSON, failure.detail), status, code, about_recipient=True)
    if failure.effective == 402 or failure.about_account:
        return barred(Bar.ACCOUNT, failure.detail, status, code)
    if failure.effective == 403 and not code:
        return barred(Bar.NOT_ALLOWED, failure.detail, status, code)
    if not failure.is_own:
        return barred(Bar.GATEWAY, failure.detail, status, code)
    if failure.effective in REFUSALS:
        return Refused(Reason(Code.REFUSED_TEXT, failure.detail), status, code)
    return barred(Bar.OTHER, failure.detail, status, code)
