"""What the receiver asks of others: a parser, a check, a sink; and the few things it knows of an event.

Lives here: protocols and the values that cross them. No provider is known in this room.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec


class Event(Protocol):
    """What a provider's parser makes of a request."""

    @property
    def type(self) -> str:
        """The provider's word for what happened; may be ""."""
        ...

    @property
    def key(self) -> str:
        """The same for every repeat of the event, and for no other event but one with the same content, if `about` is set. Tells
        nothing of a person: it is logged."""
        ...

    @property
    def raw(self) -> bytes:
        """The event as JSON, on one line."""
        ...


Parser = Callable[[Mapping[str, str], bytes], Event]
"""Headers and body to an event. Raises WebhookRefused, and nothing else."""

Check = Callable[[Mapping[str, str], Mapping[str, str]], bool]
"""Headers and the query of the URL to whether the request may come in. Never raises, compares in constant time."""


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event as a sink keeps it. `received` is Unix milliseconds.

    `about`: of an event that may come again with the same content, such as a contact's change, what it is about; "" where the key
    alone tells repeats. An event may have these three, too: `about`; `sent`, when the provider sent it, in Unix milliseconds; and
    `weighty`, whether it must not be taken for a repeat in doubt, because it may be an opt-out. See `webhooks.changes`.
    """

    key: str
    type: str
    received: int
    event: msgspec.Raw
    about: str = ""
    sent: int | None = None
    weighty: bool = False


class Sink(Protocol):
    """Where events are kept. Its methods may block: they are called one at a time, all from the same thread."""

    def open(self) -> Iterable[str]:
        """Make it ready. Returns keys of the latest events that it cannot tell from new ones by itself, oldest first."""
        ...

    def write(self, records: Sequence[Record]) -> Sequence[bool]:
        """Keep them all, and return for each whether it is new; if it raises, none of them counts as kept.

        What it returns for has to be safe: the provider is told so and will not send it again.
        """
        ...

    def close(self) -> None:
        """Nothing more will come."""
        ...


class Failure(msgspec.Struct, frozen=True):
    """A handler that failed. `error` is what it raised; TimeoutError if it did not come back in time.

    `event` and the message of `error` may hold private data: do not log them as they are.
    """

    event: Event
    handler: str
    error: BaseException

    def __repr__(self) -> str:
        return f"Failure(type={self.event.type!r}, handler={self.handler!r}, error={type(self.error).__name__})"


class Statistics(msgspec.Struct):
    """Counts since the start. Every request that reached the receiver is in exactly one of the first three.

    `received`: new events, answered with 200. `repeated`: answered with 200 and forgotten. `refused`: by reason (`unauthorized`,
    `unreadable`, `too_large`, `slow`, `broken`, `full`, `unsaved`). `handled` and `failed`: calls of handlers. `dropped`: events
    whose handlers had not ended when the time for the shutdown was over.
    """

    received: int = 0
    repeated: int = 0
    refused: dict[str, int] = {}
    handled: int = 0
    failed: int = 0
    dropped: int = 0

    def refuse(self, reason: str) -> None:
        self.refused[reason] = self.refused.get(reason, 0) + 1
