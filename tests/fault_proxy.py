"""A proxy on loopback that does to TCP connections what networks do: late, cut, reset, silent, refused, slow, in crumbs.

It knows nothing of HTTP and repeats no byte. What happens to a connection is decided when it is accepted, by its number: from
a script, or drawn from a seed.

In a test:              with proxying(provider.port, script([Fault("reset", after=0)])) as proxy: ...
As a process:           python -m tests.fault_proxy --target 8080 --seed 1 --share 0.5 --kinds reset,drop
                        (prints its port, and on SIGINT or SIGTERM what it did, as JSON)
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import struct
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import asdict, dataclass

KINDS = {
    "pass": "nothing",
    "delay": "every piece is passed on `pause` seconds late",
    "drop": "after `after` bytes of one side both are closed (FIN)",
    "reset": "after `after` bytes of one side both are reset (RST)",
    "half-close": "after `after` bytes of one side the other side is told that no more comes; what it says is still passed on",
    "black-hole": "after `after` bytes of one side nothing of either is passed on any more, and nothing is closed",
    "refuse": "the connection is reset, and for `pause` seconds nobody listens",
    "throttle": "`speed` bytes a second of one side",
    "split": "every byte of either side is a segment of its own",
}
UP, DOWN = "up", "down"
"""From the client to the server, and back."""

_HARMLESS = frozenset({"pass", "delay", "throttle", "split"})
_PIECE = 65_536


@dataclass(frozen=True)
class Fault:
    """What happens to one connection. `after` counts the bytes of the direction that are passed on before it does."""

    kind: str = "pass"
    direction: str = UP
    after: int = 0
    pause: float = 0.05
    speed: float = 2000.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS or self.direction not in {UP, DOWN}:
            raise ValueError(f"{self.kind} {self.direction}: the kinds are {', '.join(KINDS)}, the directions {UP} and {DOWN}")


Choice = Callable[[int], Fault]
"""The fault of the nth connection, from 0."""


def script(faults: Sequence[Fault], then: Fault | None = None) -> Choice:
    """These faults for the first connections, `then` (or none) for all later ones."""
    return lambda number: faults[number] if number < len(faults) else then or Fault()


def seeded(
    seed: object, *, share: float = 1.0, kinds: Sequence[str] = tuple(KINDS), most: int = 4000, slowest: float = 500.0
) -> Choice:
    """Faults drawn by seed and number for this share of the connections; those that cut do so within `most` bytes, and a
    throttled side carries `slowest` bytes a second, or ten times as many."""

    def choose(number: int) -> Fault:
        chance = random.Random(f"{seed}/{number}")
        if chance.random() >= share:
            return Fault()
        return Fault(
            chance.choice(kinds),
            chance.choice((UP, DOWN)),
            0 if chance.random() < 0.1 else chance.randrange(most),
            chance.uniform(0.001, 0.1),
            chance.choice((slowest, 10 * slowest)),
        )

    return choose


class FaultProxy:
    """Listens on a loopback port of its own and passes connections on to `target`, a port on loopback."""

    def __init__(self, target: int, choose: Choice = lambda _: Fault()) -> None:
        self.choose = choose
        self.port = 0
        self.accepted = 0
        """Connections that were accepted."""
        self.struck: Counter[str] = Counter()
        """Faults that came to pass: a connection that ended before its fault is not counted."""
        self._target = target
        self._server: asyncio.Server | None = None
        self._refusing = 0
        """Pauses under way in which nobody listens."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False

    async def start(self) -> None:
        """Listen."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        self._server = server
        if self._is_closed:  # meanwhile
            await self._stop_listening()

    async def aclose(self) -> None:
        """End it and every connection."""
        self._is_closed = True
        await self._stop_listening()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _stop_listening(self, fault: Fault | None = None) -> None:
        """Whoever is in already, as far as the system is concerned, meets `fault` too."""
        server, self._server = self._server, None
        if server is None:
            return
        (listening,) = server.sockets
        asyncio.get_running_loop().remove_reader(listening.fileno())
        try:
            for _ in range(5):
                await asyncio.sleep(0)  # what the loop has accepted, but not told of yet, comes in: a closed server loses it
            own = socket.socket(fileno=os.dup(listening.fileno()))
            with own, contextlib.suppress(BlockingIOError):
                while True:
                    connection, _ = own.accept()
                    self.accepted += 1
                    with connection:
                        _linger_not(connection)
                    if fault is not None:
                        self._strike(fault)
        finally:
            server.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_closed:
            writer.transport.abort()
            return
        fault = self.choose(self.accepted)
        self.accepted += 1
        task = asyncio.create_task(self._serve(fault, reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: writer.transport.abort())  # also if it is cancelled before it begins

    async def _serve(self, fault: Fault, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if fault.kind == "refuse":
                await self._refuse(fault, writer)
            else:
                await self._carry(fault, reader, writer)
        except asyncio.CancelledError:
            pass  # the proxy ends

    async def _refuse(self, fault: Fault, writer: asyncio.StreamWriter) -> None:
        self._strike(fault)
        self._refusing += 1
        _reset(writer)
        await self._stop_listening(fault)
        await asyncio.sleep(fault.pause)
        self._refusing -= 1
        if not self._refusing and not self._is_closed:
            await self.start()

    async def _carry(self, fault: Fault, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            _reset(writer)  # nobody behind it, and the client is already in: this comes nearest
            return
        connection = _Connection(fault, self._strike)
        pumps = [
            asyncio.create_task(connection.pump(UP, reader, to_server)),
            asyncio.create_task(connection.pump(DOWN, from_server, writer)),
        ]
        try:
            await connection.over(pumps)
        finally:
            for pump in pumps:
                pump.cancel()
            for side in (writer, to_server):  # before the first await: the proxy may be ended in it
                if connection.is_reset:
                    _reset(side)
                else:
                    side.close()
            await asyncio.gather(*pumps, return_exceptions=True)
            for side in (writer, to_server):
                with contextlib.suppress(OSError):
                    await side.wait_closed()

    def _strike(self, fault: Fault) -> None:
        self.struck[fault.kind] += 1


class _Connection:
    """Two directions that share one fault."""

    def __init__(self, fault: Fault, strike: Callable[[Fault], None]) -> None:
        self.is_reset = False
        self._fault = fault
        self._strike = strike
        self._is_struck = False
        self._cut = asyncio.Event()
        self._silence = asyncio.Event()
        """Set while pieces are passed on."""
        self._silence.set()

    async def over(self, pumps: Sequence[asyncio.Task[None]]) -> None:
        """Return when both directions have ended, or the fault has cut them."""
        for pump in pumps:
            pump.add_done_callback(lambda _: self._cut.set() if all(one.done() for one in pumps) else None)
        await self._cut.wait()

    async def pump(self, direction: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one direction to its end."""
        fault = self._fault
        cuts = direction == fault.direction and fault.kind not in _HARMLESS
        left = fault.after
        try:
            while True:
                if cuts and left == 0:
                    await self._come_true(writer)
                    return
                piece = await reader.read(min(_PIECE, left) if cuts else _PIECE)
                await self._silence.wait()
                if not piece:
                    break
                left -= len(piece)
                await self._pass_on(direction, piece, writer)
            if writer.can_write_eof():
                writer.write_eof()
        except OSError:  # one side has gone, and so the other has to
            self._cut.set()

    async def _come_true(self, writer: asyncio.StreamWriter) -> None:
        self._mark()
        kind = self._fault.kind
        if kind == "half-close":
            if writer.can_write_eof():
                writer.write_eof()
        elif kind == "black-hole":
            self._silence.clear()
            await self._silence.wait()
        else:
            self.is_reset = kind == "reset"
            self._cut.set()

    async def _pass_on(self, direction: str, piece: bytes, writer: asyncio.StreamWriter) -> None:
        fault = self._fault
        if fault.kind == "split":
            self._mark()
            for byte in piece:
                writer.write(bytes((byte,)))  # TCP_NODELAY is on, and the loop writes at once: one byte, one segment
                await writer.drain()
        elif fault.kind == "throttle" and direction == fault.direction:
            self._mark()
            step = max(1, int(fault.speed / 20))
            for start in range(0, len(piece), step):
                some = piece[start : start + step]
                writer.write(some)
                await writer.drain()
                await asyncio.sleep(len(some) / fault.speed)
        else:
            if fault.kind == "delay":
                self._mark()
                await asyncio.sleep(fault.pause)
            writer.write(piece)
            await writer.drain()

    def _mark(self) -> None:
        if not self._is_struck:
            self._is_struck = True
            self._strike(self._fault)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Send RST instead of FIN."""
    held: socket.socket | None = writer.get_extra_info("socket")
    if held is not None and held.fileno() >= 0:
        _linger_not(held)
    writer.transport.abort()


def _linger_not(connection: socket.socket) -> None:
    """Closing it sends RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@contextmanager
def proxying(target: int, choose: Choice = lambda _: Fault()) -> Iterator[FaultProxy]:
    """A proxy in a thread of its own, for tests without an event loop."""
    started: Future[tuple[FaultProxy, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        proxy, ended = FaultProxy(target, choose), asyncio.Event()
        await proxy.start()
        started.set_result((proxy, asyncio.get_running_loop(), ended))
        await ended.wait()
        await proxy.aclose()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    proxy, loop, ended = started.result(10)
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()


async def _main(target: int, port: int, choose: Choice) -> None:
    proxy, ended = FaultProxy(target, choose), asyncio.Event()
    proxy.port = port
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await proxy.start()
    print(proxy.port, flush=True)
    await ended.wait()
    await proxy.aclose()
    print(json.dumps({"accepted": proxy.accepted, "struck": dict(proxy.struck)}), flush=True)


def main(arguments: Sequence[str]) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.fault_proxy", description="A TCP proxy with faults, on loopback.")
    parser.add_argument("--target", type=int, required=True, help="port on loopback")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 for any")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--share", type=float, default=1.0, help="part of the connections that get a fault")
    parser.add_argument("--kinds", default=",".join(KINDS), help=f"of {', '.join(KINDS)}")
    parser.add_argument("--after", type=int, default=4000, help="a cut comes within so many bytes")
    given = parser.parse_args(arguments)
    kinds = given.kinds.split(",")
    for kind in kinds:
        print(json.dumps(asdict(Fault(kind))), file=sys.stderr)
    asyncio.run(_main(given.target, given.port, seeded(given.seed, share=given.share, kinds=kinds, most=given.after)))


if __name__ == "__main__":
    main(sys.argv[1:])
