"""Opening a connection: the name is looked up each time, both families of addresses are tried, TLS is verified.

Lives here: DNS, TCP and TLS up to the first byte that can be sent. Knows no provider.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import socket
import ssl as ssl_module
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import aiohappyeyeballs

from rumbleup_async.session.limits import Timeouts

P = TypeVar("P", bound=asyncio.Protocol)

_HTTP = "http/1.1"
_SECOND_FAMILY = 0.25
"""Seconds that the first address has before the next is tried beside it."""


class WrongProtocol(Exception):
    """The server wants to speak something else than HTTP/1.1."""


@functools.cache
def _trusting_as_the_system_does() -> ssl_module.SSLContext:
    context = ssl_module.create_default_context()
    context.set_alpn_protocols([_HTTP])
    return context


@functools.cache
def _fast_network() -> Any:
    """aiofastnet, whose TLS costs about half of the loops' own; None where it is
    not installed or does not fit this Python."""
    if sys.platform == "win32":
        return None
    try:
        return importlib.import_module("aiofastnet")
    except ImportError:
        return None


def has_fast_network() -> bool:
    """Whether TLS goes over aiofastnet."""
    return _fast_network() is not None


class Dialer:
    """Opens connections to one host. `ssl`: a context, True for the system's trust, or None for plain HTTP."""

    def __init__(self, host: str, port: int, ssl: ssl_module.SSLContext | bool | None, timeouts: Timeouts) -> None:
        self._host = host
        self._port = port
        self._ssl = ssl
        self._timeouts = timeouts
        self._looking_up: asyncio.Task[list[Any]] | None = None

    async def dial(self, make: Callable[[], P]) -> P:
        """A protocol on an open connection. Raises OSError, ssl.SSLError, TimeoutError, UnicodeError, RuntimeError
        (uvloop), or WrongProtocol: in each case nothing of a request has left.
        """
        loop = asyncio.get_running_loop()
        addresses = await self._addresses(loop)
        async with asyncio.timeout(self._timeouts.sock_connect):
            sock = await aiohappyeyeballs.start_connection(addresses, happy_eyeballs_delay=_SECOND_FAMILY, loop=loop)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        except OSError:
            sock.close()
            raise
        # From here on the transport owns the socket and closes it, also when this is cancelled.
        if not self._ssl:
            return (await loop.create_connection(make, sock=sock))[1]
        context = _trusting_as_the_system_does() if self._ssl is True else self._ssl
        network = _fast_network()
        connect: Any = loop.create_connection if network is None else functools.partial(network.create_connection, loop)
        transport, protocol = await connect(make, sock=sock, ssl=context, server_hostname=self._host.rstrip("."))
        if transport.get_extra_info("ssl_object").selected_alpn_protocol() not in {None, _HTTP}:
            transport.abort()
            raise WrongProtocol
        made: P = protocol
        return made

    async def _addresses(self, loop: asyncio.AbstractEventLoop) -> list[Any]:
        """Looked up afresh; those who dial at the same moment share one look-up."""
        if self._looking_up is None:
            self._looking_up = loop.create_task(self._look_up(loop))
            self._looking_up.add_done_callback(self._looked_up)
        return await asyncio.shield(self._looking_up)

    async def _look_up(self, loop: asyncio.AbstractEventLoop) -> list[Any]:
        return await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)

    def _looked_up(self, task: asyncio.Task[list[Any]]) -> None:
        self._looking_up = None
        if not task.cancelled():
            task.exception()  # seen, also if everybody who waited for it has gone
