"""What the keeper of the books and its senders say to each other, over a pair of sockets.

Lives here: the words, and how they travel.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from rumbleup_async.messaging import Closed, Plan, Result, Text
from rumbleup_async.retry import Policy
from rumbleup_async.stops import Stop


class Recipe(msgspec.Struct, frozen=True):
    """How a sender makes the client it sends with: `module:class`, and the arguments of its constructor, secrets among them.

    `longest`: seconds after which whatever it has in flight is closed, unless it does not run at all.
    """

    client: str
    arguments: dict[str, Any]
    longest: float

    def __repr__(self) -> str:
        return f"Recipe({self.client!r})"


# ---- what the keeper says ----


class Setup(msgspec.Struct, frozen=True, tag=True):
    """Begin. `rate` is this sender's share."""

    recipe: Recipe
    plan: Plan
    concurrency: int
    policy: Policy
    rate: float | None


class Opened(msgspec.Struct, frozen=True, tag=True):
    """The answer to `Step`: these are open on the disk. `full`: nobody takes the results, so ask for no more until `Room`."""

    texts: list[Text]
    full: bool = False


class Room(msgspec.Struct, frozen=True, tag=True):
    """Results are taken again."""


class RoundOver(msgspec.Struct, frozen=True, tag=True):
    """The queue is worked through by all: close what is held, and ask for those who were put aside."""


class Holding(msgspec.Struct, frozen=True, tag=True):
    """Another sender was told to wait so many seconds."""

    seconds: float


class Share(msgspec.Struct, frozen=True, tag=True):
    """The rate of this sender from now on."""

    rate: float | None


class Halt(msgspec.Struct, frozen=True, tag=True):
    """Let nothing more leave."""

    stop: Stop


class Abandon(msgspec.Struct, frozen=True, tag=True):
    """Do not even wait for what is in flight."""


Order = Setup | Opened | Room | RoundOver | Holding | Share | Halt | Abandon


# ---- what a sender says ----


class Step(msgspec.Struct, frozen=True, tag=True):
    """Close these, and open up to `want` more; and how many are in flight, and may be.

    `refused`: these are refused for good. `last`: it asks in the last round.
    """

    closed: list[Closed]
    want: int
    in_flight: int
    window: int
    refused: list[Result] = []
    last: bool = False


class Held(msgspec.Struct, frozen=True, tag=True):
    """The provider told this sender to wait."""

    seconds: float
    reason: str


class Done(msgspec.Struct, frozen=True, tag=True):
    """The end of its work: why it stopped early, if it did, or what went wrong."""

    stop: Stop | None = None
    error: str = ""


Word = Step | Held | Done

_encode = msgspec.msgpack.Encoder().encode
read_order = msgspec.msgpack.Decoder(Order).decode
read_word = msgspec.msgpack.Decoder(Word).decode


class Channel:
    """One end of the pair of sockets: messages with their length before them."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def say(self, message: Order | Word) -> None:
        """Send a message; to an end that is gone it is not sent, which `hear` tells."""
        data = _encode(message)
        if not self._writer.is_closing():
            self._writer.write(len(data).to_bytes(4, "big") + data)

    async def hear(self) -> bytes | None:
        """The next message; None once the other end is gone."""
        try:
            size = int.from_bytes(await self._reader.readexactly(4), "big")
            return await self._reader.readexactly(size)
        except (asyncio.IncompleteReadError, OSError):
            return None

    async def aclose(self) -> None:
        """Say what is still to be said, then close."""
        try:
            self._writer.close()
            await self._writer.wait_closed()
        except OSError:
            pass
