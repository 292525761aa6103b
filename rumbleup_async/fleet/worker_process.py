"""A sending process, started by the keeper of the books with the number of its socket, never by hand.

Lives here: an engine whose ledger is at the other end of a socket. The process is ours alone, so it may choose its
event loop, tune the garbage collector and ignore signals: the keeper says when to stop. When the keeper is gone nothing
more leaves.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from rumbleup_async import open_files
from rumbleup_async.engine.engine import Engine
from rumbleup_async.engine.options import Options
from rumbleup_async.errors import LedgerError, RumbleUpError
from rumbleup_async.fleet.channel import (
    Abandon,
    Channel,
    Done,
    Halt,
    Held,
    Holding,
    Opened,
    Room,
    RoundOver,
    Setup,
    Share,
    Step,
    read_order,
)
from rumbleup_async.messaging import Closed, Owner, Result, State, Text
from rumbleup_async.messaging import Step as _Step

if TYPE_CHECKING:
    from rumbleup_async.engine.ports import Ledger

_GONE = "the process that keeps the books is gone"


class Till:
    """The ledger of an engine whose books are kept by another process: as much of `engine.ports.Ledger` as an engine asks for
    that has neither a feed nor texters."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._answer: asyncio.Future[list[Text]] | None = None
        self._is_gone = False
        self.full = False
        self.in_flight: Callable[[], tuple[int, int]] = lambda: (0, 0)
        self.is_last_round: Callable[[], bool] = lambda: False
        self.counts: Mapping[State, int] = dict.fromkeys(State, 0)
        self.last_row = 0

    async def enlist(self, name: str) -> Owner:
        return Owner(0, name)  # the keeper is the owner of all

    async def step(self, owner: int, done: Sequence[Closed], want: int, now: float) -> _Step:  # noqa: ARG002
        return _Step(await self._ask(done, want, []))

    async def refuse(self, refused: Sequence[Result]) -> None:
        await self._ask([], 0, refused)

    async def again(self) -> bool:
        return False  # that is for the keeper to say, once all senders are through

    async def _ask(self, closed: Sequence[Closed], want: int, refused: Sequence[Result]) -> list[Text]:
        if self._is_gone:
            raise LedgerError(_GONE)
        self._answer = asyncio.get_running_loop().create_future()
        self._channel.say(Step(list(closed), want, *self.in_flight(), list(refused), self.is_last_round()))
        return await self._answer

    def opened(self, order: Opened) -> None:
        self.full = order.full
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(order.texts)

    def make_room(self, ring: Callable[[], None]) -> None:
        self.full = False
        ring()

    def gone(self) -> None:
        self._is_gone = True
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(LedgerError(_GONE))


class _Teller:
    """Passes on to the keeper what the engine observes. Results it knows already: it has closed them."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def results(self, results: Sequence[Result]) -> None: ...

    def held(self, seconds: float, reason: str) -> None:
        self._channel.say(Held(seconds, reason))


async def serve(channel: Channel) -> None:
    """Wait for the setup, send until nothing is left or the keeper says stop, and tell how it ended."""
    first = await channel.hear()
    setup = None if first is None else read_order(first)
    if not isinstance(setup, Setup):
        return
    module, _, name = setup.recipe.client.partition(":")
    client = getattr(importlib.import_module(module), name)(**setup.recipe.arguments)
    async with client:
        room = open_files.room()
        concurrency = setup.concurrency if room is None else min(room, setup.concurrency)
        pace, gateway = client.sending(setup.plan, concurrency, setup.rate)
        till = Till(channel)
        engine = Engine(
            cast("Ledger", till),
            gateway,
            pace,
            Options(concurrency=concurrency, policy=setup.policy),
            observer=_Teller(channel),
            sink=lambda _: None,
            full=lambda: till.full,
        )
        till.in_flight = lambda: (engine.in_flight, engine.window)
        till.is_last_round = lambda: engine.is_last_round
        listening = asyncio.create_task(_listen(channel, engine, till, pace))
        tune_collector()
        try:
            stopped = await engine.run()
        except LedgerError:
            return  # nobody is left to tell
        finally:
            listening.cancel()
            await gateway.aclose()
        channel.say(Done(stopped))


def tune_collector() -> None:
    """Let the garbage collector look at less, less often: texts in flight are no garbage. Only for processes that are ours
    alone."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


async def _listen(channel: Channel, engine: Engine, till: Till, pace: Any) -> None:
    while (message := await channel.hear()) is not None:
        match read_order(message):
            case Opened() as opened:
                till.opened(opened)
            case Room():
                # The engine sees first that the answer before this was short for want of room, not of texts.
                asyncio.get_running_loop().call_soon(till.make_room, engine.ring)
            case RoundOver():
                till.full = False
                engine.end_round()
            case Holding(seconds=seconds):
                pace.hold.hold(seconds)
            case Share(rate=rate):
                pace.limit(rate)
            case Halt(stop=stop):
                engine.stop(stop)
            case Abandon():
                engine.abandon()
    # Nobody can write down any more what becomes of a text.
    till.gone()
    engine.abandon()


async def _main(connection: socket.socket) -> None:
    channel = Channel(*await asyncio.open_unix_connection(sock=connection))
    try:
        await serve(channel)
    except RumbleUpError as error:
        channel.say(Done(error=str(error)))
    except MemoryError:
        channel.say(Done(error="memory ran out; take fewer processes, or a smaller concurrency"))
    except Exception as error:  # noqa: BLE001 - told to the keeper, who raises it; what it says may quote anything
        channel.say(Done(error=f"unexpected {type(error).__name__}"))
    await channel.aclose()


def main() -> None:
    """The whole life of the process."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # They reach every process of a service at once; the keeper decides what they mean.
        signal.signal(number, signal.SIG_IGN)
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    with contextlib.suppress(ImportError):
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_main(socket.socket(fileno=int(sys.argv[1]))))
