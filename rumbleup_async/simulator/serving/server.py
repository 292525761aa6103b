"""The simulator on a loopback port: `serve` inside a program, `run` as a program.

aiohttp's low-level server is used without its application, router and access log, so that a request costs little.
"""

import asyncio
import signal
import threading
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import hdrs, web

from rumbleup_async.simulator.world.loopback import is_loopback
from rumbleup_async.simulator.world.replies import Wire

from . import writing
from .admin_api import PREFIX, AdminApi
from .simulator import Simulator
from .webhook_delivery import post_deliveries

__all__ = ["Server", "run", "serve"]

_STALL_CHECK = 0.01
"""Seconds between two looks at whether a stalled simulator works again."""
_GRACE = 1.0
"""Seconds that requests in progress may take when the server stops."""
_BACKLOG = 4096
"""Connections that may wait to be accepted."""


class _Protocols(web.Server):
    """aiohttp's server, with the connections that are closed when their next request arrives."""

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
        self._admin = AdminApi(simulator)
        self._stopping = asyncio.Event()
        self._stopped = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._protocols = _Protocols(self._handle, handler_cancellation=True, access_log=None, tcp_keepalive=False)
        self._protocols.doomed = set()

    @property
    def origin(self) -> str:
        """The server's address without a path, such as `http://127.0.0.1:8025`."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The base URL of the API."""
        return f"{self.origin}/api"

    @property
    def admin_url(self) -> str:
        """The address of the admin API, which shows the truth and sets the faults."""
        return f"{self.origin}{PREFIX}"

    @property
    def side_url(self) -> str:
        """The old name of `admin_url`."""
        warnings.warn("Server.side_url is called Server.admin_url now", DeprecationWarning, stacklevel=2)
        return self.admin_url

    def stop(self) -> None:
        """Make `wait` return. Can be called from any thread."""
        self._loop.call_soon_threadsafe(self._stopped.set)

    async def wait(self) -> None:
        """Wait until `stop` is called."""
        await self._stopped.wait()

    @asynccontextmanager
    async def listening(self, port: int) -> AsyncIterator["Server"]:
        """Listen while the context is open. At its end requests in progress get a second, and hung ones are closed."""
        listener = await self._loop.create_server(self._protocols, self.host, port, backlog=_BACKLOG)
        self.port = listener.sockets[0].getsockname()[1]
        posting = asyncio.create_task(post_deliveries(self.simulator))
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
        body = content.read_nowait() if content.is_eof() else await self._read_rest(request)
        if target.startswith(PREFIX):
            return await self._admin.answer(request, body)
        if simulator.stalled and not await self._wait_while_stalled():
            return writing.CLOSE
        doomed = self._protocols.doomed
        if doomed and request.protocol in doomed:
            return writing.CLOSE
        headers = request.headers
        rumbleup, sendblue = simulator.rumbleup, simulator.sendblue
        if sendblue.serves(target):
            reply = sendblue.answer(request.method, target, headers, body)
        else:
            key, content_type = headers.get(hdrs.AUTHORIZATION), headers.get(hdrs.CONTENT_TYPE)
            reply = rumbleup.answer(request.method, target, key, content_type, body)
        try:
            settings = simulator.settings
            if settings.latency:
                await asyncio.sleep(settings.latency)
            if reply.wire is Wire.CLOSE_NEXT:
                doomed.add(request.protocol)
            return await writing.write(
                reply,
                request,
                stopping=self._stopping,
                slow_seconds=settings.slow_seconds,
                drip_seconds=settings.drip_seconds,
            )
        finally:
            rumbleup.done(reply)

    async def _read_rest(self, request: web.BaseRequest) -> bytes:
        if hdrs.EXPECT in request.headers and request.transport is not None:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return await request.content.read()

    async def _wait_while_stalled(self) -> bool:
        """Wait until the simulator works again; False if the server stops first."""
        # A simulator belongs to no event loop, so there is no event to wait for.
        while self.simulator.stalled and not self._stopping.is_set():  # noqa: ASYNC110
            await asyncio.sleep(_STALL_CHECK)
        return not self._stopping.is_set()


@asynccontextmanager
async def serve(simulator: Simulator, port: int = 0, host: str = "127.0.0.1") -> AsyncIterator[Server]:
    """Serve on a loopback address while the context is open. Port 0 takes a free port. ValueError for another host."""
    _check_loopback(host)
    # `localhost` stands for two addresses, on which port 0 would be two different ports.
    async with Server(simulator, "127.0.0.1" if host == "localhost" else host).listening(port) as server:
        yield server


def run(
    simulator: Simulator,
    host: str = "127.0.0.1",
    port: int = 0,
    on_ready: Callable[[Server], object] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, or until `server.stop()`. Signals are handled in the main thread only.

    `on_ready` is called with the server once it listens. ValueError for a host that is not on loopback.
    """
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
    if not is_loopback(host):
        raise ValueError(f"the simulator listens on loopback addresses only, not on {host!r}")
