"""What the answers to message/next mean: a contact, none left, none now, or a failure.

Lives here: pure functions; an answer in, a value out. Sources: the Message API page and the Contacts page (flags).
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from rumbleup_async.errors import UnreadableReply
from rumbleup_async.outcomes import Accepted, Draw, Drawn, NoneLeft, NoneNow, Throttled, Unknown
from rumbleup_async.provider import decoding, replies
from rumbleup_async.reasons import NO_REASON, Code, Reason
from rumbleup_async.rumbleup.failures import THROTTLED, hidden_status, read_failure
from rumbleup_async.rumbleup.requests import NEXT
from rumbleup_async.rumbleup.wire import decipher_refusal
from rumbleup_async.session.exchange import Response

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
        contact = _read(response, NEXT)
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


def read_next(response: Response, endpoint: str) -> dict[str, Any]:
    """The contact object of message/next; UnreadableReply if it names two different phones.

    The API page's own sample repeats the key `phone` with two values. JSON parsers keep the last one silently; texting it
    would be a guess about a person.
    """
    try:
        return _read(response, endpoint)
    except _TwoPhones:
        why = "a contact with two different phones"
        raise UnreadableReply(why, status=response.status, endpoint=endpoint) from None


class _TwoPhones(Exception):
    """The contact has two different phones."""


def _read(response: Response, endpoint: str) -> dict[str, Any]:
    """`read_next`, which raises `_TwoPhones` instead."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        phones = {str(value) for key, value in items if key == "phone"}
        if len(phones) > 1:
            raise _TwoPhones
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
    outcome = decipher_refusal(response, redact)
    assert not isinstance(outcome, Accepted)  # noqa: S101 - an error status never is
    return outcome


def _special(status: int, response: Response) -> Draw | None:
    if status == 441:
        return NoneNow()
    if status in THROTTLED:
        return Throttled(Reason(Code.THROTTLED, str(status)), status, read_failure(response).after)
    return None
