"""Sends messages, shows them one by one and in lists, and posts their status to callbacks. Pure.

Source: the Messages API page and its reference for parameters.
"""

import datetime as dt
from typing import Any

import msgspec

from rumbleup_async.simulator.world.deliveries import Deliveries
from rumbleup_async.simulator.world.inbound import Inbound
from rumbleup_async.simulator.world.loopback import is_loopback_url
from rumbleup_async.simulator.world.replies import Reply, ok
from rumbleup_async.simulator.world.request_parsing import Params
from rumbleup_async.simulator.world.webhook_queue import Delivery, Hook, Webhooks
from rumbleup_async.simulator.world.world import World

from .error_replies import error
from .lines import Lines
from .message_object import MessageObjects, Sent, logid_of

__all__ = ["Messages"]

_STYLES = frozenset(
    "celebration shooting_star fireworks lasers love confetti balloons spotlight echo invisible gentle loud slam".split()  # noqa: SIM905
)
_LONGEST = 18_996
_FILTERS = ("number", "from_number", "to_number", "sendblue_number", "status")


class Callback(Delivery):
    """A message's status on its way to the address that its sender named: the message object without an envelope."""

    def body(self, now: float) -> bytes:  # noqa: ARG002
        """The message object as JSON."""
        return msgspec.json.encode(self.data)


class Messages:
    """The endpoints of messages."""

    def __init__(self, world: World, lines: Lines, deliveries: Deliveries, inbound: Inbound, webhooks: Webhooks) -> None:
        self._world = world
        self._replies = inbound
        self._lines = lines
        self._webhooks = webhooks
        self._objects = MessageObjects(world, deliveries)
        self._callbacks: dict[int, str] = {}
        # Each receipt is either for a message of this API or for a text of the other one, whose observer is kept.
        of_other_texts = deliveries.on_receipt

        def on_receipt(position: int) -> None:
            if position in self._objects.sent:
                self._call_back(position)
            elif of_other_texts is not None:
                of_other_texts(position)

        deliveries.on_receipt = on_receipt

    @property
    def awaits_receipts(self) -> bool:
        """Whether a sender waits for a callback."""
        return bool(self._callbacks)

    def send(self, params: Params) -> Reply:
        """Check a message, let it leave, and answer with its object."""
        world = self._world
        now = world.clock()
        number, line = str(params.get("number") or ""), str(params.get("from_number") or "")
        if (refused := self._refuse(params, number, line)) is not None:
            return refused
        if (refused := self._lines.refuse(line, now, is_new=not world.texts.of_phone(number))) is not None:
            return refused
        content = params.get("content") or ""
        position = world.take_direct(phone=number, text=content, proxy=line, campaign=None, now=now)
        style, media_url = str(params.get("send_style") or ""), str(params.get("media_url") or "")
        self._objects.sent[position] = Sent(line, style, media_url)
        callback = params.get("status_callback")
        if callback and is_loopback_url(str(callback)):
            self._callbacks[position] = str(callback)
        return ok(self._objects.short(position))

    def status(self, handle: object) -> Reply:
        """The short object of one message."""
        position = self._position(handle)
        return error(404, "Message not found") if position is None else ok(self._objects.short(position))

    def get(self, handle: str) -> Reply:
        """The object of one message."""
        position = self._position(handle)
        if position is None:
            return error(404, "Message not found")
        return ok({"status": "OK", "data": self._objects.row(position)})

    def select(self, params: Params) -> Reply:
        """The messages that pass all filters, in pages by offset: what was sent, and what contacts have replied."""
        wanted = {name: str(params[name]) for name in _FILTERS if name in params}
        rows = [
            row
            for place in self._places(params)
            for row in (self._objects.row(place),)
            if all(str(row[name]) == value for name, value in wanted.items())
        ]
        if params.get("is_outbound") != "true":
            rows += [row for row in self._inbound(params) if all(str(row[name]) == value for name, value in wanted.items())]
            rows.sort(key=lambda row: row["date_sent"])
        if params.get("order_direction") == "desc":
            rows.reverse()
        limit, offset = int(params.get("limit", 50)), int(params.get("offset", 0))
        page = rows[offset : offset + limit]
        paging = {"hasMore": offset + len(page) < len(rows), "limit": limit, "offset": offset, "total": len(rows)}
        return ok({"status": "OK", "data": page, "pagination": paging})

    def opt_out(self, params: Params) -> Reply:
        """Block what is sent to a number, or let it through again."""
        number, is_out = str(params.get("number") or ""), params.get("opted_out", True)
        if not _is_e164(number) or not isinstance(is_out, bool):
            return error(400, "number must be in E.164 format", 4000)
        phone = number[-10:]
        if is_out:
            self._world.tag(phone, "dnd")
        else:
            self._world.tags[phone] = tuple(tag for tag in self._world.tags.get(phone, ()) if tag != "dnd")
        return ok({"status": "OK", "number": number, "opted_out": is_out})

    def _inbound(self, params: Params) -> list[dict[str, Any]]:
        """The replies in the time window that are already visible."""
        visible = self._world.clock() - self._world.settings.log_lag
        earliest, latest = _seconds(params.get("created_at_gte")), _seconds(params.get("created_at_lte"))
        return [
            self._objects.inbound(reply)
            for reply in self._replies.replies
            if reply.time <= visible and (earliest is None or reply.time >= earliest) and (latest is None or reply.time <= latest)
        ]

    def _refuse(self, params: Params, number: str, line: str) -> Reply | None:
        content, media = params.get("content") or "", params.get("media_url") or ""
        if not _is_e164(number):
            return error(400, "number must be in E.164 format", 4000)
        if not _is_e164(line):
            return error(400, "from_number is required", 4000)
        if not self._lines.may_send(line):
            return error(400, "from_number is not one of your lines or is blocked", 4000)
        if not isinstance(content, str) or not (content or media) or len(content) > _LONGEST:
            return error(400, f"content must be text of at most {_LONGEST} characters", 4000)
        if params.get("send_style") and params["send_style"] not in _STYLES:
            return error(400, "send_style is not known", 4000)
        if self._world.tags and self._world.blocked_by(number[-10:]) is not None:
            return error(400, "The recipient has opted out", 4002)
        return None

    def _places(self, params: Params) -> list[int]:
        """Positions of the messages in the time window that are already visible."""
        if params.get("is_outbound") == "false":
            return []
        texts = self._world.texts
        visible = self._world.clock() - self._world.settings.log_lag
        earliest, latest = _seconds(params.get("created_at_gte")), _seconds(params.get("created_at_lte"))
        places = texts.of_phone(str(params["number"])) if "number" in params else range(len(texts))
        return [
            place
            for place in places
            if place in self._objects.sent
            and texts.times[place] <= visible
            and (earliest is None or texts.times[place] >= earliest)
            and (latest is None or texts.times[place] <= latest)
        ]

    def _position(self, handle: object) -> int | None:
        logid = logid_of(handle)
        position = None if logid is None else self._world.texts.position(logid)
        return position if position in self._objects.sent else None

    def _call_back(self, position: int) -> None:
        url = self._callbacks.pop(position, None)
        if url is not None:
            hook = Hook(url, None, (), self._world.settings.signing_secret)
            self._webhooks.queue(Callback(hook, "STATUS_CALLBACK", self._objects.row(position)))


def _is_e164(value: str) -> bool:
    return value.startswith("+") and value[1:].isascii() and value[1:].isdigit() and 8 <= len(value) <= 16


def _seconds(value: Any) -> float | None:
    try:
        return None if value is None else dt.datetime.fromisoformat(str(value)).timestamp()
    except ValueError:
        return None
