"""What the supervisor and its worker processes say to each other, over a pair of sockets.

Lives here: the words, and how they travel.
"""

from __future__ import annotations

import asyncio
import math
from typing import Any

import msgspec

from rumbleup_async.admission import Verdict
from rumbleup_async.engine.seconds import Tally
from rumbleup_async.events import Event
from rumbleup_async.messaging import Closed, Plan, Text
from rumbleup_async.reasons import Code
from rumbleup_async.retry import Policy
from rumbleup_async.stops import Stop


class Recipe(msgspec.Struct, frozen=True):
    """How a worker process makes its client: `module:class`, and the arguments of its constructor, secrets among them.

    `longest`: seconds after which whatever it has in flight is closed, unless it does not run at all.
    """

    client: str
    arguments: dict[str, Any]
    longest: float

    def __repr__(self) -> str:
        return f"Recipe({self.client!r})"


# ---- what the supervisor says ----


class Setup(msgspec.Struct, frozen=True, tag=True):
    """Begin. `rate` is this process's share. `starts_at`: as in the engine's options. `asks`: rules are to be asked once more
    before each text leaves. `lease`: seconds for which the books may be kept after a step. `tells`: observers want to hear of
    each attempt. `puts_off`: the books take a text back that must wait for itself. `watches`: the clock of the machine must be
    right, for hours are minded."""

    recipe: Recipe
    plan: Plan
    concurrency: int
    policy: Policy
    rate: float | None
    starts_at: int | None = None
    asks: bool = False
    lease: float = math.inf
    tells: bool = False
    puts_off: bool = True
    watches: bool = False


class Opened(msgspec.Struct, frozen=True, tag=True):
    """The answer to `Step`, as `engine.contract.Dealt`."""

    texts: list[Text]
    more: bool = True
    proven: bool = False
    until: float = math.inf


class Wake(msgspec.Struct, frozen=True, tag=True):
    """There may be texts again."""


class LastRound(msgspec.Struct, frozen=True, tag=True):
    """What comes now was put aside before."""


class Holding(msgspec.Struct, frozen=True, tag=True):
    """Another process was told to wait so many seconds."""

    seconds: float


class Share(msgspec.Struct, frozen=True, tag=True):
    """What this process is to go by from now on: its share of the rate that was asked for, and of what all have learned.

    `learned`: texts a second that may leave. `until`: nothing may leave before, on the event loop's clock. `limit`: texts a
    second that the provider was last seen to let through.
    """

    rate: float | None
    learned: float | None = None
    until: float = 0.0
    limit: float | None = None


class Admitted(msgspec.Struct, frozen=True, tag=True):
    """The answer to `Ask`."""

    number: int
    verdict: Verdict


class Pausing(msgspec.Struct, frozen=True, tag=True):
    """Let nothing leave for the time being."""


class GoingOn(msgspec.Struct, frozen=True, tag=True):
    """The pause is over."""


class Halt(msgspec.Struct, frozen=True, tag=True):
    """Let nothing more leave."""


class Abandon(msgspec.Struct, frozen=True, tag=True):
    """Do not even wait for what is in flight."""


class End(msgspec.Struct, frozen=True, tag=True):
    """Nothing comes any more."""


Order = Setup | Opened | Wake | LastRound | Holding | Share | Admitted | Pausing | GoingOn | Halt | Abandon | End


# ---- what a worker process says ----


class Step(msgspec.Struct, frozen=True, tag=True):
    """Close these, and open up to `want` more; and how many are in flight, and may be.

    `is_hopeless`: as `engine.contract.Worker`. `events`: what has happened since the last word that told any. `tally`: what was
    seen since the last one, about once a second. `taken`: when the texts left that the provider has taken since the last word
    that told of any, on the event loop's clock.
    """

    done: list[Closed]
    want: int
    in_flight: int
    window: int
    is_hopeless: bool = False
    events: list[Event] = []
    tally: Tally | None = None
    taken: list[float] = []


class NotNow(msgspec.Struct, frozen=True, tag=True):
    """The text that left at this moment was answered "not now", and perhaps to wait `after` seconds. `in_flight`: how many others
    are under way in this process. `taken`: as for `Step`."""

    left: float
    after: float | None
    in_flight: int
    taken: list[float]


class Held(msgspec.Struct, frozen=True, tag=True):
    """The provider told this process to wait. `events`: as for `Step`."""

    seconds: float
    reason: str
    code: Code = Code.NONE
    events: list[Event] = []


class Ask(msgspec.Struct, frozen=True, tag=True):
    """Whether this text may leave now."""

    number: int
    text: Text


class Stopping(msgspec.Struct, frozen=True, tag=True):
    """Nothing more shall leave, from any process."""

    stop: Stop


class Done(msgspec.Struct, frozen=True, tag=True):
    """The end of its work; `error`: what went wrong, if something did."""

    error: str = ""


Word = Step | NotNow | Held | Ask | Stopping | Done

_encode = msgspec.msgpack.Encoder().encode
read_order = msgspec.msgpack.Decoder(Order).decode
read_word = msgspec.msgpack.Decoder(Word).decode


class Channel:
    """One end of the pair of sockets: messages with their length before them."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def say(self, message: Order | Word) -> None:
        """Send a message. If the other end is gone, nothing is sent, and `hear` tells so."""
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
