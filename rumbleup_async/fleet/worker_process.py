"""A worker process, started by the supervisor with the number of its socket, never by hand.

Lives here: workers whose books are at the other end of a socket. The process is ours alone, so it may choose its event loop, tune
the garbage collector and ignore signals: the supervisor says when to stop. When the supervisor is gone nothing more leaves.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import itertools
import random
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence

from rumbleup_async import collector, open_files
from rumbleup_async.admission import Verdict
from rumbleup_async.engine.contract import Dealt, Worker
from rumbleup_async.engine.lease import Lease
from rumbleup_async.engine.pace import Pace
from rumbleup_async.engine.ports import WatchesClock
from rumbleup_async.engine.workers import Ahead, Workers, assembled
from rumbleup_async.errors import LedgerError, RumbleUpError
from rumbleup_async.events import Event
from rumbleup_async.fleet.channel import (
    Abandon,
    Admitted,
    Ask,
    Channel,
    Done,
    End,
    GoingOn,
    Halt,
    Held,
    Holding,
    LastRound,
    Opened,
    Pausing,
    Setup,
    Share,
    Step,
    Stopping,
    Wake,
    read_order,
)
from rumbleup_async.fleet.shared_limit import RemoteLimit
from rumbleup_async.messaging import Closed, Text
from rumbleup_async.reasons import Code
from rumbleup_async.stops import Stop

_GONE = "the process that keeps the books is gone"


class RemoteBooks:
    """Fits `Books`: what workers of this process say goes over a channel to the bookkeeper of another."""

    def __init__(self, channel: Channel, limit: RemoteLimit) -> None:
        self._channel = channel
        self._limit = limit
        self._answer: asyncio.Future[Dealt] | None = None
        self._noted: list[Event] = []
        self._tally_due = time.monotonic() + 1.0
        self._is_gone = False

    async def step(self, worker: Worker, done: Sequence[Closed], want: int) -> Dealt:
        """LedgerError once the bookkeeper is gone."""
        if self._is_gone:
            raise LedgerError(_GONE)
        self._answer = asyncio.get_running_loop().create_future()
        now = time.monotonic()
        tally = worker.take_tally() if now >= self._tally_due else None
        if tally is not None:
            self._tally_due = now + 1.0
        told, taken = self._told(), self._limit.told()
        self._channel.say(Step(list(done), want, worker.in_flight, worker.window, worker.is_hopeless, told, tally, taken))
        return await self._answer

    def stop(self, why: Stop) -> None:
        self._channel.say(Stopping(why))

    def held(self, seconds: float, reason: str, code: Code = Code.NONE) -> None:
        self._channel.say(Held(seconds, reason, code, self._told()))

    def note(self, event: Event) -> None:
        self._noted.append(event)

    def _told(self) -> list[Event]:
        noted, self._noted = self._noted, []
        return noted

    def opened(self, order: Opened) -> None:
        """The answer to the last step has come."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Dealt(order.texts, order.more, order.proven, order.until))

    def gone(self) -> None:
        """Nobody can write down any more what becomes of a text."""
        self._is_gone = True
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(LedgerError(_GONE))


class RemoteDoor:
    """The rules of the run, asked over the channel: they may look up what only the other process can."""

    def __init__(self, channel: Channel, *, is_open_to_all: bool) -> None:
        self._channel = channel
        self._numbers = itertools.count()
        self._asked: dict[int, asyncio.Future[Verdict]] = {}
        self.is_open_to_all = is_open_to_all

    async def admit(self, text: Text) -> Verdict:
        """As `rules.door.Door.admit`."""
        number = next(self._numbers)
        answer: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        self._channel.say(Ask(number, text))
        try:
            return await answer
        finally:
            del self._asked[number]

    def answered(self, order: Admitted) -> None:
        """The answer to a question has come."""
        answer = self._asked.get(order.number)
        if answer is not None and not answer.done():
            answer.set_result(order.verdict)


async def serve(channel: Channel) -> None:
    """Wait for the setup, send until the supervisor says that nothing comes any more, and tell that it is done."""
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
        limit = RemoteLimit(channel)
        pace.learns_from(limit)
        books = RemoteBooks(channel, limit)
        door = RemoteDoor(channel, is_open_to_all=not setup.asks)
        workers = assembled(
            books,
            gateway,
            pace,
            concurrency=concurrency,
            starts_at=setup.starts_at,
            policy=setup.policy,
            door=door,
            lease=Lease(setup.lease),
            ahead=Ahead(most=concurrency),
            is_detailed=setup.tells,
            puts_off=setup.puts_off,
            wall_clock=time.time,
            jitter=random.random,
        )
        if setup.watches and isinstance(gateway, WatchesClock):
            gateway.watch_clock(time.time, books.stop)
        listening = asyncio.create_task(_listen(channel, workers, books, door, pace, limit))
        collector.keep_what_is_there()
        try:
            async with asyncio.TaskGroup() as tasks:
                await workers.run(lambda work: tasks.create_task(work()))
        except BaseExceptionGroup as group:
            if group.split(LedgerError)[1] is not None:
                raise
            return  # nobody is left to tell
        finally:
            listening.cancel()
            await gateway.aclose()
        channel.say(Done())


async def _listen(  # noqa: C901 - a word each
    channel: Channel, workers: Workers, books: RemoteBooks, door: RemoteDoor, pace: Pace, limit: RemoteLimit
) -> None:
    while (message := await channel.hear()) is not None:
        match read_order(message):
            case Opened() as opened:
                books.opened(opened)
            case Wake():
                workers.wake()
            case LastRound():
                workers.begin_last_round()
            case Holding(seconds=seconds):
                pace.hold.hold(seconds)
            case Share() as share:
                limit.heed(share)
                pace.limit(share.rate)
            case Admitted() as admitted:
                door.answered(admitted)
            case Pausing():
                workers.pause()
            case GoingOn():
                workers.go_on()
            case Halt():
                workers.stop()
            case Abandon():
                workers.abandon()
            case End():
                workers.end()
    books.gone()
    workers.abandon()
    workers.end()  # a worker with nothing in hand asks for nothing, so nothing else would tell it


async def _main(connection: socket.socket) -> None:
    channel = Channel(*await asyncio.open_unix_connection(sock=connection))
    try:
        await serve(channel)
    except RumbleUpError as error:
        channel.say(Done(error=str(error)))
    except MemoryError:
        channel.say(Done(error="memory ran out; take fewer processes, or a smaller concurrency"))
    except Exception as error:  # noqa: BLE001 - told to the supervisor, who raises it; what it says may quote anything
        channel.say(Done(error=f"unexpected {type(error).__name__}"))
    await channel.aclose()


def main() -> None:
    """The whole life of the process."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        # They reach every process of a service at once; the supervisor decides what they mean.
        signal.signal(number, signal.SIG_IGN)
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    with contextlib.suppress(ImportError):
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_main(socket.socket(fileno=int(sys.argv[1]))))
