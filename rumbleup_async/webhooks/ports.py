"""What the receiver needs of others: a parser, a check, a sink; and what it knows of an event.

Lives here: protocols, and the values that cross them. This room knows no provider.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec


class Event(Protocol):
    """An event, as a provider's parser makes it of a request."""

    @property
    def type(self) -> str:
        """The provider's name for what happened; may be ""."""
        ...

    @property
    def key(self) -> str:
        """The key is the same for every repeat of the event. It is the same for no other event, except, where `about` is set,
        for one with the same content. It shows nothing of a person, because it is logged."""
        ...

    @property
    def raw(self) -> bytes:
        """The event as JSON, on one line."""
        ...


Parser = Callable[[Mapping[str, str], bytes], Event]
"""Makes an event of headers and body. Raises WebhookRefused, and nothing else."""

Check = Callable[[Mapping[str, str], Mapping[str, str]], bool]
"""Decides by the headers and the query of the URL whether a request is accepted. Never raises, compares in constant time."""


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event as a sink keeps it.

    `received`: when the event came (Unix milliseconds).
    `event`: the event as JSON.
    `about`: the thing that an event is about if it may come again with the same content, such as a contact's change. "" for
    all other events, whose repeats are known by their key alone.
    `sent`: when the provider sent the event (Unix milliseconds).
    `weighty`: whether the event counts as new in doubt, because it may be an opt-out. See `webhooks.changes`.

    A parser's event may have the last three as attributes.
    """

    key: str
    type: str
    received: int
    event: msgspec.Raw
    about: str = ""
    sent: int | None = None
    weighty: bool = False


class Sink(Protocol):
    """A place where events are kept. Its methods may block: they are called one at a time, all from the same thread."""

    def open(self) -> Iterable[str]:
        """Open the sink. Returns the keys of the latest events whose repeats it cannot find by itself, oldest first."""
        ...

    def write(self, records: Sequence[Record]) -> Sequence[bool]:
        """Keep all records. Returns for each whether it is new. If it raises, none of them counts as kept.

        The records must be safe when it returns, because they are acknowledged then and the provider does not send them again.
        """
        ...

    def close(self) -> None:
        """Close the sink."""
        ...


class Failure(msgspec.Struct, frozen=True):
    """A handler that failed. `error` is what it raised, or TimeoutError if it did not end in time.

    `event` and the message of `error` may have private data: do not log them.
    """

    event: Event
    handler: str
    error: BaseException

    def __repr__(self) -> str:
        return f"Failure(type={self.event.type!r}, handler={self.handler!r}, error={type(self.error).__name__})"


class Statistics(msgspec.Struct):
    """Counts since the start. Every request that reached the receiver is in exactly one of the first three.

    `received`: new events, answered 200.
    `repeated`: repeats, answered 200 and not handled.
    `refused`: by reason (`unauthorized`, `unreadable`, `too_large`, `slow`, `broken`, `full`, `unsaved`).
    `handled` and `failed`: calls of handlers.
    `dropped`: events whose handlers had not ended when the time for the shutdown was over.
    """

    received: int = 0
    repeated: int = 0
    refused: dict[str, int] = {}
    handled: int = 0
    failed: int = 0
    dropped: int = 0

    def refuse(self, reason: str) -> None:
        """Count a refused request."""
        self.refused[reason] = self.refused.get(reason, 0) + 1
