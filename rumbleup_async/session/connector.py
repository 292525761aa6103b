"""aiohttp's pool of connections, made strict about answers that nobody asked for.

Lives here: a connector, its connections and their responses, as far as they differ from aiohttp's. They use names of
aiohttp that are not documented; tests/session/test_wire_faults.py fails when one of them is no longer asked.

A server that answers twice, or sends a 408 before it closes an idle connection, would otherwise have that taken for the
answer to the next request: a text would be recorded under another's logid.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import time
from collections.abc import Iterator
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler

from rumbleup_async.reasons import Code, Reason
from rumbleup_async.session import limits, proxy

CLOSED = "Connector is closed."
"""What aiohttp says to those whose connection it has just made when it is closed."""
SPOKE = "The server spoke before it was asked."

_MARGIN = 0.1
"""Seconds before its time in which a kept connection is not used any more."""
_SECOND_LOOK = 0.05
"""Seconds between the end of the wait for an answer and the last look whether it has come after all."""


class UnconnectedError(aiohttp.ClientConnectionError):
    """There is no connection, so nothing of the request has left."""

    def __init__(self, why: Reason) -> None:
        super().__init__(str(why))
        self.why = why


class Handler(ResponseHandler):
    """One connection. It notes what comes while nobody waits for an answer."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.is_idle = True
        self.spoke = False
        """Bytes came that nobody had asked for."""

    def set_response_params(self, **parameters: Any) -> None:
        self.is_idle = False
        super().set_response_params(**parameters)

    def data_received(self, data: bytes) -> None:
        if self.is_idle and data:
            self.spoke = True
            self.force_close()
            return
        super().data_received(data)

    def _on_read_timeout(self) -> None:
        # A process that was stopped for longer than its patience runs its timers
        # before it reads what has come meanwhile.
        self._read_timeout_handle = self._loop.call_later(_SECOND_LOOK, super()._on_read_timeout)


class HeldResponse(aiohttp.ClientResponse):
    """Keeps its connection, which aiohttp gives back at the end of the body, until `release()` or `close()`."""

    def _response_eof(self) -> None: ...


class Connector(aiohttp.TCPConnector):
    """Drops a kept connection on which something came in while it was idle.

    aiohttp looks at `should_close` only when a connection is put back.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._factory = functools.partial(Handler, loop=self._loop)  # type: ignore[assignment]

    async def _get(self, key: Any, traces: Any) -> Any:
        kept = self._conns.get(key)
        # Behind one that is too old super() takes the next one unasked; it looks at the clock once more, hence the
        # margin. To look at all of them would cost a tenth of a request.
        keepalive = self._keepalive_timeout or 0.0
        oldest = time.monotonic() - keepalive + min(_MARGIN, keepalive / 2)
        while kept and (kept[0][1] < oldest or is_spoiled(kept[0])):
            kept.popleft()[0].close()
        return await super()._get(key, traces)

    def _release(self, key: Any, protocol: Any, *, should_close: bool = False) -> None:
        protocol.is_idle = True
        super()._release(key, protocol, should_close=should_close)

    async def connect(self, *arguments: Any, **options: Any) -> Any:
        try:
            connection = await super().connect(*arguments, **options)
        except TimeoutError:
            raise  # aiohttp says of itself that it is one of connecting
        except aiohttp.ClientHttpProxyError as error:
            raise UnconnectedError(proxy.refusal(error.status)) from None
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientResponseError) as error:
            if isinstance(error, aiohttp.ClientConnectorError):
                raise
            # On the way to the proxy: the request is still here.
            raise UnconnectedError(Reason(Code.PROXY, "the proxy broke off")) from error
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self.closed and task is not None and not task.cancelling():
                # Nobody cancelled it: that is how aiohttp wakes those who wait for a
                # connection when the session is closed.
                raise aiohttp.ClientConnectionError(CLOSED) from None
            raise
        if getattr(connection.protocol, "spoke", False):
            connection.close()
            raise aiohttp.ClientConnectionError(SPOKE)
        return connection


def has_connections(session: aiohttp.ClientSession) -> bool:
    """Whether any is open, by which a request can go in a moment."""
    pool = session.connector
    return pool is not None and (any(pool._conns.values()) or any(one.is_connected() for one in _made(pool)))  # noqa: SLF001


def close_spoiled(session: aiohttp.ClientSession) -> None:
    """Close all that must not be used of a session that was handed in, for until one is
    used the caller's tracing may take its time."""
    if not isinstance(session.connector, aiohttp.TCPConnector):
        return
    for kept in tuple(session.connector._conns.values()):  # noqa: SLF001
        for one in filter(is_spoiled, tuple(kept)):
            kept.remove(one)
            one[0].close()


def is_spoiled(kept: Any) -> bool:
    """Whether a connection that was kept must not be used."""
    return bool(kept[0].should_close) or not kept[0].is_connected()


def has_more(protocol: Any) -> bool:
    """Whether anything has come on a connection behind the answer that was read."""
    return bool(getattr(protocol, "spoke", False) or protocol._buffer or protocol._tail)  # noqa: SLF001


def withdraw(session: aiohttp.ClientSession, protocol: Any) -> None:
    """Take a connection out of the pool of a session that was handed in, so that nobody else gets it; it stays open."""
    for kept in tuple(getattr(session.connector, "_conns", {}).values()):
        for one in [one for one in kept if one[0] is protocol]:
            kept.remove(one)


def _made(pool: aiohttp.BaseConnector) -> Iterator[ResponseHandler]:
    """Connections that carry a request, without those that are being made."""
    acquired: set[object] = set(pool._acquired)  # noqa: SLF001
    return (one for one in acquired if isinstance(one, ResponseHandler))


@functools.cache
def head_sizes() -> dict[str, Any]:
    """How much head an answer may have: as much as over connections of our own, where this aiohttp lets us say so."""
    known = inspect.signature(aiohttp.ClientSession._request).parameters  # noqa: SLF001 - request() takes what it takes
    sizes = {"max_line_size": limits.MAX_HEAD, "max_field_size": limits.MAX_HEAD, "max_headers": limits.MAX_HEADERS}
    return {name: size for name, size in sizes.items() if name in known}
