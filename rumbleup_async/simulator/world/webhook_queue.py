"""The webhooks' deliveries as a queue: repeats, disorder, bursts, and retries with growing pauses. Pure.

The queue knows no socket: `serving.webhook_delivery` takes deliveries from here and posts them.
"""

import heapq
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import msgspec

from .loopback import is_loopback_url
from .settings import Settings

__all__ = ["EVENTS", "Delivery", "Hook", "Webhooks"]

EVENTS = ("MESSAGE_RECEIVED", "DELIVERY_RECEIPT", "CONTACT_UPDATED", "REPORT_CREATED")


class Hook(msgspec.Struct, frozen=True):
    """An address that the account's owner has registered, and the events it wants."""

    url: str
    authorization: str | None
    events: tuple[str, ...]
    secret: str = ""
    """The value of the `sb-signing-secret` header. Empty: no such header."""


class Delivery(msgspec.Struct):
    """One event on its way to one hook. `since` is when it was queued, in seconds of the poster's clock."""

    hook: Hook
    type: str
    data: dict[str, Any]
    since: float = 0.0
    attempts: int = 0

    def body(self, now: float) -> bytes:
        """The request's body if it is sent now (Unix seconds). `ctime` is the time of sending.

        The envelope has neither an id nor a signature (webhooks page).
        """
        return msgspec.json.encode({"type": self.type, "ctime": int(now * 1000), "data": self.data})


class Webhooks:
    """The hooks, and the deliveries that wait for them."""

    def __init__(self, settings: Settings, seed: int) -> None:
        self._settings = settings
        self._seed = seed
        self._numbered = 0
        self.hooks: dict[str, Hook] = {}
        self.delivered: Counter[str] = Counter()
        self.failed_attempts = 0
        self.given_up = 0
        self._fresh: list[Delivery] = []
        self._waiting: list[tuple[float, int, Delivery]] = []
        self._in_progress = 0
        self.mutate: Callable[[str, dict[str, Any]], dict[str, Any]] = lambda _, data: data
        """Applied to the type and data of every event before it is queued; the quirks use it."""

    def add(self, url: str, *, user: str = "", password: str = "", events: tuple[str, ...] = EVENTS) -> None:
        """Register an address for these events. User and password make Basic credentials, a user alone makes a Bearer token.

        ValueError for an address that is not on loopback, and for an unknown event.
        """
        if not is_loopback_url(url):
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
        """Queue an event for the hooks that want it.

        An event of another type than EVENTS goes to every hook: the pages speak of types that they do not name.
        """
        data = self.mutate(type_, data)
        for hook in self.hooks.values():
            if type_ in hook.events or type_ not in EVENTS:
                self.queue(Delivery(hook, type_, data))

    def queue(self, delivery: Delivery) -> None:
        """Queue one delivery."""
        self._fresh.append(delivery)

    def take(self, now: float) -> list[Delivery]:
        """The deliveries to post now, all at the same time; empty if none is due. `now` is in seconds of the poster's clock."""
        settings = self._settings
        for delivery in self._fresh:
            copies = 2 if self._random() < settings.webhook_repeat_rate else 1
            for _ in range(copies):
                held = settings.webhook_hold * self._random() if self._random() < settings.webhook_disorder else 0.0
                self._push(now + held, msgspec.structs.replace(delivery, since=now))
        self._fresh.clear()
        burst: list[Delivery] = []
        waiting = self._waiting
        due = sum(1 for moment, _, _ in waiting[: settings.webhook_burst] if moment <= now)
        if due < settings.webhook_burst and waiting and now - waiting[0][0] < settings.webhook_gather:
            return burst  # the burst is not full yet, and it may still wait
        while waiting and waiting[0][0] <= now and len(burst) < settings.webhook_burst:
            burst.append(heapq.heappop(waiting)[2])
        self._in_progress += len(burst)
        return burst

    def done(self, delivery: Delivery, *, accepted: bool, now: float) -> None:
        """Record how an attempt ended. A delivery that was not accepted waits for its next attempt, each time longer."""
        settings = self._settings
        self._in_progress -= 1
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
        """How many deliveries have neither been accepted nor been given up."""
        return len(self._fresh) + len(self._waiting) + self._in_progress

    def as_dict(self) -> dict[str, Any]:
        """The hooks and the figures, as the admin API shows them."""
        return {
            "hooks": [{"url": hook.url, "events": hook.events} for hook in self.hooks.values()],
            "pending": self.pending,
            "delivered": dict(self.delivered),
            "failed_attempts": self.failed_attempts,
            "given_up": self.given_up,
        }

    def _push(self, due: float, delivery: Delivery) -> None:
        self._numbered += 1
        heapq.heappush(self._waiting, (due, self._numbered, delivery))

    def _random(self) -> float:
        self._numbered += 1
        hashed = blake2b(f"{self._seed} webhook {self._numbered}".encode(), digest_size=7).digest()
        return int.from_bytes(hashed, "big") / (1 << 56)
