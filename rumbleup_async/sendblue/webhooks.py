"""What Sendblue posts to an address of yours: messages that came in, the status of those that went out, and other events.

Lives here: the reading of one request; pure, no I/O. Source: the webhook pages. There is no envelope: the message
itself is the body. What other events look like is described for few.

A receiver in front of it (`rumbleup_async.webhooks`) checks the secret: `checks.header("sb-signing-secret", SECRET)`. Status
callbacks were seen to come without that header; give them an address with a secret in it: `checks.query("secret", SECRET)`.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from rumbleup_async.messaging import mask
from rumbleup_async.provider.events import MAX_BODY, read_object
from rumbleup_async.provider.models import as_text
from rumbleup_async.sendblue.models import Message


class Event(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One event. `data` is the object as it came, `raw` its JSON on one line. `key` is the same for every repeat of it."""

    type: str
    key: str
    data: dict[str, Any]
    raw: bytes

    @property
    def phone(self) -> str | None:
        """The other side's number, if the event is about one."""
        return as_text(self.data.get("number")) or as_text(self.data.get("from_number"))

    @property
    def about(self) -> str:
        """Of an event that may come again with the same content, such as a line that is blocked: what it is about, as 32 hex
        characters; "" for messages and their statuses, of which an equal one is always a repeat."""
        return ""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(type={self.type!r}, key={self.key!r}, phone={mask((self.phone or '')[-16:])!r})"


class _OfMessage(Event, frozen=True, kw_only=True, dict=True):
    @functools.cached_property
    def message(self) -> Message:
        """The message."""
        return Message.read(self.data)

    @property
    def phone(self) -> str | None:
        return self.message.contact


class MessageReceived(_OfMessage, frozen=True, kw_only=True, dict=True):
    """A contact wrote."""

    @property
    def opted_out(self) -> bool:
        """The provider says that the contact has opted out and must not be texted again. The words are not looked at."""
        return self.message.opted_out is True


class MessageStatus(_OfMessage, frozen=True, kw_only=True, dict=True):
    """A message of ours has reached a status. They may come in any order, and more than once."""

    @property
    def status(self) -> str:
        """A word of `Status` or a newer one, upper case; "" if none was sent."""
        return self.message.status or ""

    @property
    def failed(self) -> bool:
        """Whether it was not sent."""
        return self.message.failed


class OtherEvent(Event, frozen=True, kw_only=True, dict=True):
    """Typing, calls, lines blocked or assigned, contacts: whatever is no message. See `data`."""

    @property
    def about(self) -> str:
        named = ["", self.phone or as_text(self.data.get("sendblue_number"))]
        return hashlib.blake2b(msgspec.json.encode(named), digest_size=16).hexdigest()

    @property
    def weighty(self) -> bool:
        """Whether an equal event that came before must not make it a repeat in doubt: nobody knows what it tells."""
        return True


def parse(headers: Mapping[str, str], body: bytes, *, limit: int = MAX_BODY) -> Event:
    """The event of one request. WebhookRefused if the body has more than `limit` bytes or is not a JSON object."""
    data, raw = read_object(headers, body, limit)
    message = Message.read(data)
    kind: type[Event] = OtherEvent
    if message.message_handle is not None and "is_typing" not in data:
        kind = MessageReceived if message.incoming else MessageStatus
    words: dict[type[Event], str] = {MessageReceived: "receive", MessageStatus: "outbound"}
    word = words.get(kind) or as_text(data.get("event_type")) or ("typing_indicator" if "is_typing" in data else "")
    named: object = [message.message_handle, message.status] if kind is not OtherEvent else data
    key = hashlib.blake2b(msgspec.json.encode([word, named], order="sorted"), digest_size=16).hexdigest()
    return kind(type=word, key=key, data=data, raw=raw)
