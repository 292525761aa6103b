"""One connection through the proxy: two directions that share one fault."""

import asyncio
import socket
import struct
from collections.abc import Callable, Sequence

from tests.fault_proxy.faults import HARMLESS, Fault

_PIECE = 65_536
"""The most bytes that are read at once."""


class Connection:
    """Carries both directions, under one fault."""

    def __init__(self, fault: Fault, strike: Callable[[Fault], None]) -> None:
        self.is_reset = False
        self._fault = fault
        self._strike = strike
        self._is_struck = False
        self._cut = asyncio.Event()
        self._passes_on = asyncio.Event()
        """Not set while the connection is a black hole."""
        self._passes_on.set()

    async def over(self, pumps: Sequence[asyncio.Task[None]]) -> None:
        """Return when both directions have ended, or the fault has cut them."""
        for pump in pumps:
            pump.add_done_callback(lambda _: self._cut.set() if all(one.done() for one in pumps) else None)
        await self._cut.wait()

    async def pump(self, direction: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one direction to its end."""
        fault = self._fault
        cuts = direction == fault.direction and fault.kind not in HARMLESS
        left = fault.after
        try:
            while True:
                if cuts and left == 0:
                    await self._happen(writer)
                    return
                piece = await reader.read(min(_PIECE, left) if cuts else _PIECE)
                await self._passes_on.wait()
                if not piece:
                    break
                left -= len(piece)
                await self._pass_on(direction, piece, writer)
            if writer.can_write_eof():
                writer.write_eof()
        except OSError:  # one side is gone, so the other is closed too
            self._cut.set()

    async def _happen(self, writer: asyncio.StreamWriter) -> None:
        self._mark()
        kind = self._fault.kind
        if kind == "half-close":
            if writer.can_write_eof():
                writer.write_eof()
        elif kind == "black-hole":
            self._passes_on.clear()
            await self._passes_on.wait()
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


def reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection with RST instead of FIN."""
    held: socket.socket | None = writer.get_extra_info("socket")
    if held is not None and held.fileno() >= 0:
        reset_on_close(held)
    writer.transport.abort()


def reset_on_close(connection: socket.socket) -> None:
    """Make closing this socket send RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
