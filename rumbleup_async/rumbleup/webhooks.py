"""What RumbleUp posts to a webhook address: headers and body in, an event out.

Lives here: the reading of one request; pure, no I/O.

An event is `{"type": …, "ctime": …, "data": {…}}` and has no id, so `key` is made of what names the occasion. Whatever
is an object is an event: types that nobody has documented come out as `UnknownEvent` with everything that was sent.
Sources: the Webhooks page, and the readme pages on the payload, on message events and on delivery receipts.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from rumbleup_async.errors import WebhookRefused
from rumbleup_async.messaging import mask
from rumbleup_async.provider import times
from rumbleup_async.provider.events import MAX_BODY, read_object
from rumbleup_async.provider.models import as_text, as_texts
from rumbleup_async.provider.times import Moment
from rumbleup_async.rumbleup.models import ContactRecord, Message


class Event(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One event. `type` is the word that was sent ("" if none), `data` its object ({} if none).

    `key` is the same for every repeat of an event: 32 hex characters that tell nothing of a person.
    `envelope` is the whole object, `raw` the same as it came, on one line.
    """

    type: str
    key: str
    data: dict[str, Any]
    envelope: dict[str, Any]
    raw: bytes

    @functools.cached_property
    def ctime(self) -> Moment | None:
        """When this request was *sent*, exact. The provider sends again for 24 hours, and then it may differ."""
        return times.read(self.envelope.get("ctime"))

    @property
    def sent(self) -> int | None:
        """`ctime` in Unix milliseconds, None if there is none that can be read."""
        found = self.envelope.get("ctime")
        if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) < 16:
            found = int(found)
        if isinstance(found, (int, float)) and not isinstance(found, bool):
            return int(found) if 0 <= found < 1e15 else None
        return None if self.ctime is None or self.ctime.at is None else round(self.ctime.at.timestamp() * 1000)

    @property
    def about(self) -> str:
        """Of an event that may come again with the same content, such as a contact's change: what it is about, as 32
        hex characters; "" for messages and receipts, of which an equal one is always a repeat."""
        return ""

    @property
    def weighty(self) -> bool:
        """Whether an equal event that came before must not make it a repeat
        in doubt: it is an opt-out, or may be one."""
        return False

    @property
    def phone(self) -> str | None:
        """The contact's phone as it was sent, if the event is about one."""
        return as_text(self.data.get("phone"))

    @property
    def incoming(self) -> bool | None:
        """Whether a contact wrote a message to us; False for a message of ours, None for an event about no message.

        By the type first, because a MESSAGE_RECEIVED carries neither status nor sender; for a type that is not known by
        `status` being `received`, then by `sender` being the contact.
        """
        return None

    def __repr__(self) -> str:
        shown = f"type={self.type!r}, key={self.key!r}, ctime={self.ctime.raw if self.ctime else None!r}"
        return f"{type(self).__name__}({shown}, phone={mask((self.phone or '')[-15:])!r})"


class MessageReceived(Event, frozen=True, kw_only=True, dict=True):
    """MESSAGE_RECEIVED: a contact wrote. Its flags are the provider's reading of the words."""

    @functools.cached_property
    def message(self) -> Message:
        """The message; `contact_flags` and `contact_source` tell of the contact as it is now."""
        return Message.read(self.data)

    @property
    def incoming(self) -> bool:
        return True

    @property
    def opted_out(self) -> bool:
        """The contact sent STOP, with this message (flag `dnd`) or before (flag of the contact).

        Dependable: only the system sets `dnd`, and it cannot be removed. Such a contact must not be texted again.
        """
        return _flagged("dnd", self.data, "flags", "contact_flags")

    @property
    def wrong_number(self) -> bool:
        """The words read like "wrong number" or a complaint (flag `bad`): an opt-out in other words, found by a guess.

        The guess may err in both directions, and the flag can be removed from the
        contact; the safe use is not to text on.
        """
        return _flagged("bad", self.data, "flags")

    @property
    def rude(self) -> bool:
        """The message holds common English or Spanish profanity (flag `rude`). Says nothing about an opt-out."""
        return _flagged("rude", self.data, "flags")


class DeliveryReceipt(Event, frozen=True, kw_only=True, dict=True):
    """DELIVERY_RECEIPT: what the carrier says became of a text of ours. Where
    a carrier says nothing, none ever comes."""

    @functools.cached_property
    def message(self) -> Message:
        """The row of the message log, with `status` and, if it was not delivered, `error_code` and `error_text`."""
        return Message.read(self.data)

    @property
    def incoming(self) -> bool:
        return False

    @property
    def status(self) -> str:
        """`delivered`, `undelivered`, perhaps `failed` or a newer word, in lower case; "" if none was sent."""
        return (as_text(self.data.get("status")) or "").lower()

    @property
    def delivered(self) -> bool:
        """The carrier confirmed the delivery. A receipt without it is not proof of the contrary: look at `status`."""
        return self.status == "delivered"

    @property
    def undelivered(self) -> bool:
        """The carrier says it was not delivered."""
        return self.status in {"undelivered", "failed"}


class ContactUpdated(Event, frozen=True, kw_only=True, dict=True):
    """CONTACT_UPDATED: a contact of the account changed."""

    @functools.cached_property
    def contact(self) -> ContactRecord:
        """The contact as it is now."""
        return ContactRecord.read(self.data)

    @property
    def about(self) -> str:
        return _about(self, "CONTACT_UPDATED", "phone", "rupid")

    @property
    def weighty(self) -> bool:
        return self.opted_out or self.wrong_number

    @property
    def opted_out(self) -> bool:
        """The contact has sent STOP at some time (flag `dnd`, set by the system only): it must not be texted."""
        return _flagged("dnd", self.data, "flags")

    @property
    def wrong_number(self) -> bool:
        """The contact is marked as a wrong number or an opt-out in other words (flag `bad`, which can be removed)."""
        return _flagged("bad", self.data, "flags")

    @property
    def rude(self) -> bool:
        """The contact is marked as having been rude."""
        return _flagged("rude", self.data, "flags")


class ReportCreated(Event, frozen=True, kw_only=True, dict=True):
    """REPORT_CREATED: a report is ready. No page shows its payload; presumably it
    is the report object, which is in `data`."""

    @property
    def about(self) -> str:
        return _about(self, "REPORT_CREATED", "rpid")

    @property
    def rpid(self) -> str | None:
        """The report's id, if the payload is the report object."""
        return as_text(self.data.get("rpid"))


class UnknownEvent(Event, frozen=True, kw_only=True, dict=True):
    """An event of a type that is not documented, of no type, or without an object as its data. See `raw`."""

    @property
    def incoming(self) -> bool | None:
        return Message.read(self.data).incoming if as_text(self.data.get("logid")) else None

    @property
    def about(self) -> str:
        # Of one contact there may be several types, such as one for each direction of a change.
        return _about(self, "" if self.phone else self.type.upper(), "phone", "rupid")

    @property
    def weighty(self) -> bool:
        return True  # nobody knows what it tells


TYPES: Mapping[str, type[Event]] = {
    "MESSAGE_RECEIVED": MessageReceived,
    "DELIVERY_RECEIPT": DeliveryReceipt,
    "CONTACT_UPDATED": ContactUpdated,
    "REPORT_CREATED": ReportCreated,
}

_NAMED_BY: Mapping[type[Event], tuple[str, ...]] = {
    MessageReceived: ("cid", "logid"),
    DeliveryReceipt: ("cid", "logid", "status"),
}
"""The fields that tell two events of a type apart; the second one must be there.

Other types are told apart by all of their data. For contacts, (cid, phone, update_time) would not do: the time has no
seconds, and of two changes within a minute the second, which may be an opt-out, would be taken for a repeat.
"""


def parse(headers: Mapping[str, str], body: bytes, *, limit: int = MAX_BODY) -> Event:
    """The event of one request. WebhookRefused if the body has more than `limit` bytes or is not a JSON object."""
    found, raw = read_object(headers, body, limit)
    try:
        return _event(found, raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise WebhookRefused("the body holds what cannot be an event") from None


def _event(found: dict[str, Any], raw: bytes) -> Event:
    word = as_text(found.get("type")) or ""
    data = found.get("data")
    kind = TYPES.get(word.upper(), UnknownEvent)
    if not isinstance(data, dict):
        kind, data = UnknownEvent, {}
    return kind(type=word, key=_key(kind, word, data, found), data=data, envelope=found, raw=raw)


def _key(kind: type[Event], word: str, data: dict[str, Any], found: dict[str, Any]) -> str:
    names = _NAMED_BY.get(kind)
    if names and as_text(data.get(names[1])):
        named: object = [as_text(data.get(name)) for name in names]
    else:
        # Where there are no data, everything that was sent must do: better an event twice than one that is lost.
        named = data or found
    return hashlib.blake2b(msgspec.json.encode([word.upper(), named], order="sorted"), digest_size=16).hexdigest()


def _about(event: Event, kind: str, *names: str) -> str:
    who = next((text for name in names if (text := as_text(event.data.get(name)))), None)
    named = [kind, as_text(event.data.get("cid")), who]
    return hashlib.blake2b(msgspec.json.encode(named), digest_size=16).hexdigest()


def _flagged(flag: str, data: dict[str, Any], *fields: str) -> bool:
    return any(word.lower() == flag for field in fields for word in as_texts(data.get(field)))
