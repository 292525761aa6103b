"""The Sendblue message object, and what is known of a message beyond the truth. Pure. Source: the Messages API page."""

import datetime as dt
import uuid
from typing import Any

import msgspec

from rumbleup_async.simulator.world.deliveries import Deliveries
from rumbleup_async.simulator.world.inbound import Reply
from rumbleup_async.simulator.world.world import World

__all__ = ["MessageObjects", "Sent", "handle_of", "logid_of"]


def handle_of(logid: str) -> str:
    """The message handle, a UUID, for a log id of the truth."""
    return str(uuid.UUID(logid.removeprefix("rl_")))


def logid_of(handle: object) -> str | None:
    """The log id for a message handle; None if it is no UUID."""
    try:
        return f"rl_{uuid.UUID(str(handle)).hex}"
    except ValueError:
        return None


class Sent(msgspec.Struct):
    """What is known of a message beyond the truth."""

    line: str
    style: str
    media_url: str


class MessageObjects:
    """Writes message objects. `sent` has the messages by their position in the truth."""

    def __init__(self, world: World, deliveries: Deliveries) -> None:
        self._world = world
        self._deliveries = deliveries
        self.sent: dict[int, Sent] = {}

    def row(self, position: int) -> dict[str, Any]:
        """The object of list, get and callbacks. It has `accountEmail` and `date_sent`."""
        texts = self._world.texts
        sent = self.sent[position]
        status, code = self._status(position)
        at = _time(texts.times[position])
        return {
            "accountEmail": "owner@example.com",
            "content": texts.text(position) or "",
            "is_outbound": True,
            "status": status,
            "error_code": code,
            "error_message": None if code is None else "Message failed to send",
            "message_handle": handle_of(texts.logid(position)),
            "date_sent": at,
            "date_updated": at,
            "from_number": sent.line,
            "number": texts.phones[position],
            "to_number": texts.phones[position],
            "sendblue_number": sent.line,
            "media_url": sent.media_url,
            "send_style": sent.style,
            "message_type": "message",
            "group_id": "",
            "participants": [],
            "service": "iMessage",
        }

    def inbound(self, reply: Reply) -> dict[str, Any]:
        """The object of a contact's reply, as the list shows it."""
        number, at = f"+1{reply.phone[-10:]}", _time(reply.time)
        lines = [sent.line for place, sent in self.sent.items() if self._world.texts.phones[place] == number]
        line = lines[-1] if lines else "+12025550199"
        return {
            "accountEmail": "owner@example.com",
            "content": reply.text,
            "is_outbound": False,
            "status": "RECEIVED",
            "error_code": None,
            "error_message": None,
            "message_handle": handle_of(reply.logid),
            "date_sent": at,
            "date_updated": at,
            "from_number": number,
            "number": number,
            "to_number": line,
            "sendblue_number": line,
            "media_url": "",
            "message_type": "message",
            "group_id": "",
            "participants": [],
            "service": "iMessage",
            "opted_out": "dnd" in reply.flags,
        }

    def short(self, position: int) -> dict[str, Any]:
        """The object of send and status. It has `account_email` and `date_created`, and fewer fields."""
        row = self.row(position)
        row["account_email"] = row.pop("accountEmail")
        row["date_created"] = row.pop("date_sent")
        for name in ("to_number", "sendblue_number", "service", "group_id", "participants", "message_type"):
            row.pop(name)
        return row

    def _status(self, position: int) -> tuple[str, int | None]:
        """The message's status now, and its error code."""
        if self._world.texts.times[position] > self._world.clock() - self._world.settings.receipt_delay:
            return "QUEUED", None
        outcome = self._deliveries.outcome(position)
        if outcome is None:
            return "SENT", None
        return ("DELIVERED", None) if outcome.status == "delivered" else ("ERROR", 10001)


def _time(at: float) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
