"""What the account's webhooks are told, and when: events, hooks, repeats, disorder, retries as a queue. No I/O; only this folder.

The envelope is `{type, ctime, data}` without an id or a signature; user and password make it Basic, a user alone Bearer
(webhooks page). `posting` takes the deliveries from here and puts them on the wire.
"""

import heapq
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from hashlib import blake2b
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import msgspec

from .contacts import Contacts
from .deliveries import Deliveries
from .message_object import MessageObjects
from .received import Received, Reply
from .reports import Report, Reports
from .state import World

__all__ = ["EVENTS", "Callback", "Delivery", "Hook", "Webhooks"]

EVENTS = ("MESSAGE_RECEIVED", "DELIVERY_RECEIPT", "CONTACT_UPDATED", "REPORT_CREATED")

_NOT_IN_EVENTS = ("sender", "tcr_cid", "group", "price")


class Hook(msgspec.Struct, frozen=True):
    """An address of the account's owner and what it wants to hear."""

    url: str
    authorization: str | None
    events: tuple[str, ...]
    secret: str = ""
    """What stands in `sb-signing-secret`, if anything."""


class Delivery(msgspec.Struct):
    """One event on its way to one hook. `due` and `since` are in seconds of the poster's clock."""

    hook: Hook
    type: str
    data: dict[str, Any]
    since: float = 0.0
    attempts: int = 0

    def body(self, now: float) -> bytes:
        """The request's body, were it sent now (Unix seconds): `ctime` is the time of sending."""
        return msgspec.json.encode({"type": self.type, "ctime": int(now * 1000), "data": self.data})


class Callback(Delivery):
    """The status of one message on its way to the address that its sender named: the bare message, no envelope."""

    def body(self, now: float) -> bytes:  # noqa: ARG002 - the shape of a delivery
        """The message."""
        return msgspec.json.encode(self.data)


class Webhooks:
    """The hooks and the deliveries that wait."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._seed = seed
        self._drawn = 0
        self.hooks: dict[str, Hook] = {}
        self.delivered: Counter[str] = Counter()
        self.failed_attempts = 0
        self.given_up = 0
        self._fresh: list[Delivery] = []
        self._waiting: list[tuple[float, int, Delivery]] = []
        self.on_the_way = 0
        self.bend: Callable[[str, dict[str, Any]], dict[str, Any]] = lambda _, data: data
        """What the quirks make of an event's data."""

    def add(self, url: str, *, user: str = "", password: str = "", events: tuple[str, ...] = EVENTS) -> None:
        """Tell this address of these events. ValueError for an address that is not on loopback, or an unknown event."""
        host = urlsplit(url).hostname or ""
        if host != "localhost" and not _is_loopback(host):
            raise ValueError(f"the simulator posts to loopback addresses only, not to {url!r}")
        if unknown := set(events) - set(EVENTS):
            raise ValueError(f"unknown event {min(unknown)!r}; known: {', '.join(EVENTS)}")
        authorization = None
        if user and password:
            authorization = "Basic " + b64encode(f"{user}:{password}".encode()).decode()
        elif user:
            authorization = f"Bearer {user}"
        self.hooks[url] = Hook(url, authorization, tuple(events))

    def tell(self, type_: str, data: dict[str, Any]) -> None:
        """Something happened. What is not among the EVENTS goes to every hook: the pages speak of types they do not name."""
        data = self.bend(type_, data)
        for hook in self.hooks.values():
            if type_ in hook.events or type_ not in EVENTS:
                self._fresh.append(Delivery(hook, type_, data))

    def call_back(self, url: str, secret: str, message: dict[str, Any]) -> None:
        """Tell the address that a message's sender named how it stands."""
        self._fresh.append(Callback(Hook(url, None, (), secret), "STATUS_CALLBACK", message))

    def take(self, now: float) -> list[Delivery]:
        """Those to be posted now, at the same time: a burst of the first that are due."""
        settings = self._world.settings
        for delivery in self._fresh:
            copies = 2 if self._draw() < settings.webhook_repeat_rate else 1
            for _ in range(copies):
                held = settings.webhook_hold * self._draw() if self._draw() < settings.webhook_disorder else 0.0
                self._push(now + held, msgspec.structs.replace(delivery, since=now))
        self._fresh.clear()
        burst: list[Delivery] = []
        waiting = self._waiting
        due = sum(1 for moment, _, _ in waiting[: settings.webhook_burst] if moment <= now)
        if due < settings.webhook_burst and waiting and now - waiting[0][0] < settings.webhook_gather:
            return burst  # wait a little for a full burst
        while waiting and waiting[0][0] <= now and len(burst) < settings.webhook_burst:
            burst.append(heapq.heappop(waiting)[2])
        self.on_the_way += len(burst)
        return burst

    def done(self, delivery: Delivery, *, accepted: bool, now: float) -> None:
        """How a delivery went; one that was not accepted waits for its next attempt, longer each time."""
        settings = self._world.settings
        self.on_the_way -= 1
        delivery.attempts += 1
        if accepted:
            self.delivered[delivery.type] += 1
            return
        self.failed_attempts += 1
        pause = min(settings.webhook_retry * 2 ** min(delivery.attempts - 1, 20), settings.webhook_retry_most)
        if now + pause - delivery.since > settings.webhook_give_up:
            self.given_up += 1
        else:
            self._push(now + pause, delivery)

    @property
    def pending(self) -> int:
        """Deliveries that were not accepted yet."""
        return len(self._fresh) + len(self._waiting) + self.on_the_way

    def as_dict(self) -> dict[str, Any]:
        """Hooks and figures."""
        return {
            "hooks": [{"url": hook.url, "events": hook.events} for hook in self.hooks.values()],
            "pending": self.pending,
            "delivered": dict(self.delivered),
            "failed_attempts": self.failed_attempts,
            "given_up": self.given_up,
        }

    def follow(
        self, deliveries: Deliveries, received: Received, contacts: Contacts, reports: Reports, objects: MessageObjects
    ) -> None:
        """Be told of what happens in the world, and tell the hooks."""

        def message(row: dict[str, Any], phone: str) -> dict[str, Any]:
            held = contacts.show(phone)
            row = {name: value for name, value in row.items() if name not in _NOT_IN_EVENTS}
            return {"cid": self._world.cid, "name": held["name"], **row, "contact_flags": held["flags"]}

        def on_receipt(position: int) -> None:
            if self.hooks:
                row = objects.text(position, "B")
                self.tell("DELIVERY_RECEIPT", message(row, row["phone"]))

        def on_reply(reply: Reply) -> None:
            if self.hooks:
                row = message(objects.reply(reply, "B"), reply.phone)
                row.pop("status", None)
                source = (self._world.contact(reply.phone) or {}).get("source", "")
                self.tell("MESSAGE_RECEIVED", row | {"contact_source": source})

        def on_contact(phone: str) -> None:
            if self.hooks:
                self.tell("CONTACT_UPDATED", contacts.show(phone))

        def on_report(report: Report) -> None:
            if self.hooks:
                self.tell("REPORT_CREATED", reports.show(report))

        deliveries.on_receipt = on_receipt
        received.on_reply = on_reply
        self._world.on_contact = on_contact
        reports.on_done = on_report

    def _push(self, due: float, delivery: Delivery) -> None:
        self._drawn += 1
        heapq.heappush(self._waiting, (due, self._drawn, delivery))

    def _draw(self) -> float:
        self._drawn += 1
        hashed = blake2b(f"{self._seed} webhook {self._drawn}".encode(), digest_size=7).digest()
        return int.from_bytes(hashed, "big") / (1 << 56)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
