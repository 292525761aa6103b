"""The proxy itself: listens, decides what happens to each connection, and refuses where it is told to."""

import asyncio
import contextlib
import os
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from tests.fault_proxy.connection import Connection, reset, reset_on_close
from tests.fault_proxy.faults import DOWN, UP, Choice, Fault


class FaultProxy:
    """Listens on a loopback port of its own and passes connections on to `target`, a port on loopback."""

    def __init__(self, target: int, choose: Choice = lambda _: Fault()) -> None:
        self.choose = choose
        self.port = 0
        self.accepted = 0
        """Connections that were accepted."""
        self.struck: Counter[str] = Counter()
        """Faults that have happened. A connection that ended before its fault is not counted."""
        self._target = target
        self._server: asyncio.Server | None = None
        self._refusing = 0
        """How many pauses go on in which nobody listens."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False

    async def start(self) -> None:
        """Listen."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        self._server = server
        if self._is_closed:  # it was closed during the await
            await self._stop_listening()

    async def aclose(self) -> None:
        """Stop listening and end every connection."""
        self._is_closed = True
        await self._stop_listening()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _stop_listening(self, fault: Fault | None = None) -> None:
        """Stop listening. Connections that the system has accepted, but nobody has served yet, also meet `fault`."""
        server, self._server = self._server, None
        if server is None:
            return
        (listening,) = server.sockets
        asyncio.get_running_loop().remove_reader(listening.fileno())
        try:
            for _ in range(5):
                await asyncio.sleep(0)  # lets in what the loop has accepted: a closed server would lose it
            own = socket.socket(fileno=os.dup(listening.fileno()))
            with own, contextlib.suppress(BlockingIOError):
                while True:
                    connection, _ = own.accept()
                    self.accepted += 1
                    with connection:
                        reset_on_close(connection)
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
            pass  # the proxy is being closed

    async def _refuse(self, fault: Fault, writer: asyncio.StreamWriter) -> None:
        self._strike(fault)
        self._refusing += 1
        reset(writer)
        await self._stop_listening(fault)
        await asyncio.sleep(fault.pause)
        self._refusing -= 1
        if not self._refusing and not self._is_closed:
            await self.start()

    async def _carry(self, fault: Fault, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            reset(writer)  # the target does not listen, and the client is connected already
            return
        connection = Connection(fault, self._strike)
        pumps = [
            asyncio.create_task(connection.pump(UP, reader, to_server)),
            asyncio.create_task(connection.pump(DOWN, from_server, writer)),
        ]
        try:
            await connection.over(pumps)
        finally:
            for pump in pumps:
                pump.cancel()
            for side in (writer, to_server):  # before the first await, in which the proxy may be closed
                if connection.is_reset:
                    reset(side)
                else:
                    side.close()
            await asyncio.gather(*pumps, return_exceptions=True)
            for side in (writer, to_server):
                with contextlib.suppress(OSError):
                    await side.wait_closed()

    def _strike(self, fault: Fault) -> None:
        self.struck[fault.kind] += 1


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
