"""The simulator on a loopback port: `serve` inside a program, `run` as a program. Imports aiohttp and this folder.

aiohttp's low-level server is used without its application, router and access log: one handler looks the path up in a table.
"""

import asyncio
import ipaddress
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import hdrs, web

from . import wire
from .posting import post
from .replies import Wire
from .side import PREFIX, SideAddress
from .simulator import Simulator

__all__ = ["Server", "run", "serve"]

_STALL_CHECK = 0.01  # seconds between two looks at whether a stalled simulator goes on
_GRACE = 1.0  # seconds that requests in progress may take when the server stops
_QUEUE = 4096  # connections that may wait to be accepted


class _Protocols(web.Server):
    """aiohttp's server, which also forgets a doomed connection that its caller closed first."""

    doomed: set[Any]

    def connection_lost(self, handler: Any, exc: BaseException | None = None) -> None:
        self.doomed.discard(handler)
        super().connection_lost(handler, exc)


class Server:
    """A simulator that listens."""

    def __init__(self, simulator: Simulator, host: str) -> None:
        self.simulator = simulator
        self.host = host
        self.port = 0
        self._side = SideAddress(simulator)
        self._stopping = asyncio.Event()
        self._stopped = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._protocols = _Protocols(self._handle, handler_cancellation=True, access_log=None, tcp_keepalive=False)
        self._protocols.doomed = set()

    @property
    def origin(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The API's base address."""
        return f"{self.origin}/api"

    @property
    def side_url(self) -> str:
        """The address under which the truth is read and the faults are set."""
        return f"{self.origin}{PREFIX}"

    def stop(self) -> None:
        """Make `wait` return. May be called from any thread."""
        self._loop.call_soon_threadsafe(self._stopped.set)

    async def wait(self) -> None:
        """Wait until `stop` is called."""
        await self._stopped.wait()

    @asynccontextmanager
    async def listening(self, port: int) -> AsyncIterator["Server"]:
        """Listen while the context is open; then requests in progress get a second and hung ones are closed."""
        listener = await self._loop.create_server(self._protocols, self.host, port, backlog=_QUEUE)
        self.port = listener.sockets[0].getsockname()[1]
        posting = asyncio.create_task(post(self.simulator))
        try:
            yield self
        finally:
            posting.cancel()
            await asyncio.gather(posting, return_exceptions=True)
            listener.close()
            self._stopping.set()
            self._protocols.pre_shutdown()
            await self._protocols.shutdown(_GRACE)
            await listener.wait_closed()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        simulator = self.simulator
        target = request.raw_path
        content = request.content
        body = content.read_nowait() if content.is_eof() else await self._rest(request)
        if target.startswith(PREFIX):
            return await self._side.answer(request, body)
        if simulator.stalled and not await self._resumed():
            return wire.CLOSE
        doomed = self._protocols.doomed
        if doomed and request.protocol in doomed:
            return wire.CLOSE
        headers = request.headers
        api = simulator.api
        if api.sendblue.serves(target):
            reply = api.sendblue.answer(request.method, target, headers, body)
        else:
            reply = api.answer(request.method, target, headers.get(hdrs.AUTHORIZATION), headers.get(hdrs.CONTENT_TYPE), body)
        try:
            settings = simulator.settings
            if settings.latency:
                await asyncio.sleep(settings.latency)
            if reply.wire is Wire.CLOSE_NEXT:
                doomed.add(request.protocol)
            return await wire.put(
                reply,
                request,
                stopping=self._stopping,
                slow_seconds=settings.slow_seconds,
                drip_seconds=settings.drip_seconds,
            )
        finally:
            api.done(reply)

    async def _rest(self, request: web.BaseRequest) -> bytes:
        if hdrs.EXPECT in request.headers and request.transport is not None:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return await request.content.read()

    async def _resumed(self) -> bool:
        # A simulator belongs to no event loop, so there is no event to wait for; stalling is rare and this is cheap.
        while self.simulator.stalled and not self._stopping.is_set():  # noqa: ASYNC110
            await asyncio.sleep(_STALL_CHECK)
        return not self._stopping.is_set()


@asynccontextmanager
async def serve(simulator: Simulator, port: int = 0, host: str = "127.0.0.1") -> AsyncIterator[Server]:
    """Serve on a loopback address while the context is open; port 0 takes a free one. ValueError for other hosts."""
    _check_loopback(host)
    # The name stands for two addresses, and port 0 would be another number on each.
    async with Server(simulator, "127.0.0.1" if host == "localhost" else host).listening(port) as server:
        yield server


def run(
    simulator: Simulator,
    host: str = "127.0.0.1",
    port: int = 0,
    on_ready: Callable[[Server], object] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, or until `server.stop()`. In another than the main thread no signal is handled."""
    _check_loopback(host)

    async def main() -> None:
        async with serve(simulator, port, host) as server:
            if threading.current_thread() is threading.main_thread():
                loop = asyncio.get_running_loop()
                for number in (signal.SIGINT, signal.SIGTERM):
                    loop.add_signal_handler(number, server.stop)
            if on_ready is not None:
                on_ready(server)
            await server.wait()

    try:
        import uvloop
    except ImportError:
        asyncio.run(main())
    else:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())


def _check_loopback(host: str) -> None:
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ValueError(f"the simulator listens on loopback addresses only, not on {host!r}")
