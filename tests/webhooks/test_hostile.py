"""Callers that want too much of the receiver."""

import asyncio
import contextlib
import gzip
from typing import Any

import aiohttp
import pytest

from rumbleup_async.webhooks import serving

from .posting import BASIC, PRIVATE, new_receiver, provider, receipt, until


async def test_bombs() -> None:
    """One request would take all the memory."""
    receiver = new_receiver(body_limit=10_000)

    async def endless() -> Any:
        for _ in range(1000):
            yield b"x" * 1000

    async with provider(receiver) as caller:
        assert await caller.post(b"x" * 10_001) == 413
        assert await caller.post(gzip.compress(b"x" * 50_000_000), **{"Content-Encoding": "gzip"}) == 413
        try:
            async with caller.session.post(caller.url, data=endless(), headers={"Authorization": BASIC}) as answer:
                assert answer.status == 413
        except aiohttp.ClientConnectionError:
            pass  # it was answered and closed while we still wrote
        assert await caller.post(b'{"x":"' + b"x" * 9_000 + b'"}') == 200
        assert await caller.post(gzip.compress(receipt(1)), **{"Content-Encoding": "gzip"}) == 200
    assert receiver.statistics.refused == {"too_large": 3}


async def test_huge_header(caplog: pytest.LogCaptureFixture) -> None:
    """One request would take all the memory, or its credentials would stand in the log."""
    async with provider(new_receiver()) as caller:
        answer = await caller.raw(b"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " + b"a" * 100_000 + b"\r\n\r\n")
        assert b" 400 " in answer[:20]
        assert b" 400 " in (await caller.raw(b"\x16\x03\x01 Ada 5550100001\r\n\r\n"))[:20]
        assert await caller.post(receipt(1)) == 200
    assert "aaaa" not in caplog.text
    assert not any(word in caplog.text for word in PRIVATE)


async def test_slow_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few callers that send a byte now and then would use up all connections."""
    monkeypatch.setattr(serving, "_IDLE", 0.5)
    receiver = new_receiver(body_timeout=0.3)
    head = f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: {BASIC}\r\nContent-Length: 1000\r\n\r\n".encode()
    async with provider(receiver) as caller:
        host, port = caller.url.split("/")[2].split(":")

        async def drip(first: bytes) -> bytes:
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(first)
            answered = bytearray()

            async def read() -> None:
                # We still write when it is closed, so that the connection may end with a reset.
                with contextlib.suppress(ConnectionError):
                    while part := await reader.read(1000):
                        answered.extend(part)

            closed = asyncio.create_task(read())
            async with asyncio.timeout(10):
                while not closed.done():
                    writer.write(b"x")
                    await asyncio.sleep(0.05)
            writer.close()
            return bytes(answered)

        body, header = await asyncio.gather(drip(head + b"{"), drip(b"POST / HTTP/1.1\r\nX-Slow: "))
        assert body.startswith(b"HTTP/1.1 408")
        assert header == b""
        assert await caller.post(receipt(1)) == 200
    assert receiver.statistics.refused == {"slow": 1}


async def test_a_caller_that_goes_away() -> None:
    """Half a request would be taken for an event, or end the receiver."""
    receiver = new_receiver()
    async with provider(receiver) as caller:
        host, port = caller.url.split("/")[2].split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: {BASIC}\r\nContent-Length: 1000\r\n\r\n{{".encode())
        await asyncio.sleep(0.1)
        writer.transport.abort()
        assert await caller.post(receipt(1)) == 200
        await until(lambda: receiver.statistics.refused == {"broken": 1})
    assert receiver.statistics.received == 1
