"""What Sendblue answers: messages, in the spellings of all its calls.

Lives here: structs and open enumerations. Sources: the Messages API page (three response models), the webhook pages for
the fields that only callbacks have.
"""

from __future__ import annotations

import enum
from typing import Annotated, ClassVar

from rumbleup_async.provider.models import Model, as_bool, as_text, as_texts
from rumbleup_async.provider.times import Moment


class Status(enum.StrEnum):
    """The words documented for `Message.status`. The set is open: a newer word comes as plain text, upper case."""

    REGISTERED = "REGISTERED"
    PENDING = "PENDING"
    QUEUED = "QUEUED"
    ACCEPTED = "ACCEPTED"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    READ = "READ"
    SUCCESS = "SUCCESS"
    RECEIVED = "RECEIVED"
    ERROR = "ERROR"
    DECLINED = "DECLINED"


class SendStyle(enum.StrEnum):
    """The effects of iMessage; ignored on SMS."""

    CELEBRATION = "celebration"
    SHOOTING_STAR = "shooting_star"
    FIREWORKS = "fireworks"
    LASERS = "lasers"
    LOVE = "love"
    CONFETTI = "confetti"
    BALLOONS = "balloons"
    SPOTLIGHT = "spotlight"
    ECHO = "echo"
    INVISIBLE = "invisible"
    GENTLE = "gentle"
    LOUD = "loud"
    SLAM = "slam"


def as_status(value: object) -> str | None:
    """A status word, upper case whatever it was."""
    text = as_text(value)
    return None if text is None else text.strip().upper() or None


def as_code(value: object) -> str | None:
    """An error code, number or text; 0 means that there is none."""
    text = as_text(value)
    return None if text is None or text.strip() in {"", "0", "0.0"} else text.strip()


class Message(Model, frozen=True, kw_only=True):
    """A message as any of the calls and callbacks shows it; every field may be missing.

    `message_handle` is its id. `status` is a word of `Status` or a newer one; None if not told. `error_code` is text, None for
    0. `number` is the recipient of what we send; of what comes in it may be either side, so use `contact` and `line`.
    `date_created` is what the send and status calls tell, `date_sent` the list and the callbacks. Media links of incoming
    messages expire.
    """

    ALIASES: ClassVar = {
        "account_email": ("accountEmail",),
        "message_handle": ("messageHandle",),
        "date_created": ("dateCreated", "created_at", "createdAt"),
        "date_sent": ("dateSent", "sent_at", "sentAt"),
        "date_updated": ("dateUpdated", "updated_at", "updatedAt"),
        "media_url": ("mediaUrl",),
        "send_style": ("sendStyle",),
        "is_outbound": ("isOutbound",),
    }
    PHONES: ClassVar = frozenset({"number", "from_number", "to_number", "sendblue_number"})
    PRIVATE: ClassVar = frozenset({
        "account_email", "content", "media_url", "error_message", "error_reason", "error_detail", "participants",
        "group_display_name", "extra",
    })  # fmt: skip

    message_handle: str | None = None
    account_email: str | None = None
    number: str | None = None
    from_number: str | None = None
    to_number: str | None = None
    sendblue_number: str | None = None
    content: str | None = None
    media_url: str | None = None
    send_style: str | None = None
    status: Annotated[str | None, as_status] = None
    error_code: Annotated[str | None, as_code] = None
    error_message: str | None = None
    error_reason: str | None = None
    error_detail: str | None = None
    is_outbound: Annotated[bool | None, as_bool] = None
    was_downgraded: Annotated[bool | None, as_bool] = None
    opted_out: Annotated[bool | None, as_bool] = None
    service: str | None = None
    message_type: str | None = None
    group_id: str | None = None
    group_display_name: str | None = None
    participants: Annotated[tuple[str, ...], as_texts] = ()
    plan: str | None = None
    date_created: Moment | None = None
    date_sent: Moment | None = None
    date_updated: Moment | None = None

    @property
    def failed(self) -> bool:
        """Whether the provider says that it was not sent: ERROR, DECLINED, or an error code."""
        return self.status in {Status.ERROR, Status.DECLINED} or self.error_code is not None

    @property
    def incoming(self) -> bool:
        """Whether the contact wrote it."""
        return self.status == Status.RECEIVED if self.is_outbound is None else not self.is_outbound

    @property
    def line(self) -> str | None:
        """Our number. `sendblue_number` is believed first: the other fields change their meaning with the direction."""
        return self.sendblue_number or (self.to_number if self.incoming else self.from_number)

    @property
    def contact(self) -> str | None:
        """The other side's number."""
        if not self.incoming:
            return self.number or self.to_number
        return next((phone for phone in (self.number, self.from_number) if phone and phone != self.line), self.number)


SendblueMessage = Message
"""The name under which `rumbleup_async` offers it: `rumbleup_async.Message` is RumbleUp's."""
