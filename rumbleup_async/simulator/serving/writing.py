"""Writes a `Reply` on the socket, whole or spoiled.

The bytes are written here and not by aiohttp's own response. A spoiled reply needs control of every byte, and a server
that benchmarks measure against should cost little.
"""

import asyncio
import socket
import struct

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from rumbleup_async.simulator.world.replies import Reply, Wire

__all__ = ["CLOSE", "KEEP", "write"]

_LINGER_ZERO = struct.pack("ii", 1, 0)
"""With this SO_LINGER, closing the socket sends RST and drops unsent bytes."""


class _Written(web.StreamResponse):
    """Tells aiohttp that the reply is already written, and whether the connection stays open."""

    def __init__(self, *, keep_alive: bool) -> None:
        super().__init__()
        self._stays_open = keep_alive

    @property
    def keep_alive(self) -> bool:
        return self._stays_open

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:  # noqa: ARG002
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        pass


KEEP = _Written(keep_alive=True)
CLOSE = _Written(keep_alive=False)


async def write(
    reply: Reply, request: web.BaseRequest, *, stopping: asyncio.Event, slow_seconds: float, drip_seconds: float
) -> web.StreamResponse:
    """Write a reply as its `wire` says. A reply that hangs waits until the server stops or the caller gives up."""
    transport = request.transport
    if transport is None:
        return CLOSE
    keep_alive = request.keep_alive
    body = reply.body
    wire = reply.wire
    if wire is Wire.WHOLE:
        transport.write(reply.head(keep_alive=keep_alive, length=len(body)) + body)
        return KEEP if keep_alive else CLOSE
    if wire is Wire.HANG:
        await stopping.wait()
        return CLOSE
    if wire is Wire.RESET:
        _reset(transport)
        return CLOSE
    if wire is Wire.CLOSE:
        return CLOSE
    if wire is Wire.SLOW:
        await _unless_stopping(stopping, slow_seconds)
    length = len(body) - 10 if wire is Wire.SHORT_LENGTH and len(body) > 10 else len(body)
    head = reply.head(keep_alive=keep_alive, length=length)
    if wire is Wire.DRIP:
        for byte in head + body:
            transport.write(bytes((byte,)))
            await asyncio.sleep(drip_seconds)
    else:
        transport.write(_cut(wire, head, body))
    return KEEP if keep_alive and wire in _STAYS_OPEN else CLOSE


_STAYS_OPEN = frozenset({Wire.SLOW, Wire.DRIP, Wire.SHORT_LENGTH, Wire.CLOSE_NEXT})


def _cut(wire: Wire, head: bytes, body: bytes) -> bytes:
    if wire is Wire.CUT_STATUS:
        return head[:10]
    if wire is Wire.CUT_HEAD:
        return head[: head.index(b"\r\n") + 9]
    if wire is Wire.HALF_BODY:
        return head + body[: len(body) // 2]
    return head + body


def _reset(transport: asyncio.Transport) -> None:
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
    transport.abort()


async def _unless_stopping(stopping: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        pass
