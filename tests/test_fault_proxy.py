"""The proxy itself: each kind of trouble is what it is called, on both sides of the connection."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.fault_proxy import DOWN, KINDS, UP, Choice, Fault, FaultProxy, proxying, script, seeded


class Echo:
    """A server that says back what it hears, after a greeting of four bytes; it notes how its connections ended."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.ends: list[str] = []

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        heard = b""
        end = "closed"
        try:
            writer.write(b"moin")
            while piece := await reader.read(1000):
                heard += piece
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            end = "reset"
        finally:
            self.heard.append(heard)
            self.ends.append(end)
            writer.close()


@asynccontextmanager
async def between(choose: Choice) -> AsyncIterator[tuple[Echo, FaultProxy]]:
    echo = Echo()
    server = await asyncio.start_server(echo.answer, "127.0.0.1", 0)
    proxy = FaultProxy(server.sockets[0].getsockname()[1], choose)
    await proxy.start()
    try:
        yield echo, proxy
    finally:
        await proxy.aclose()
        server.close()
        await asyncio.sleep(0.01)


async def said(proxy: FaultProxy, words: bytes = b"0123456789", patience: float = 20.0) -> tuple[bytes, str]:
    """What comes back for these words, and how it ended: closed, reset, refused or silent."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    except ConnectionError:
        return b"", "refused"
    got = b""
    try:
        writer.write(words)
        writer.write_eof()
        async with asyncio.timeout(patience):
            while piece := await reader.read(1000):
                got += piece
    except ConnectionError:
        return got, "reset"
    except TimeoutError:
        return got, "silent"
    finally:
        writer.transport.abort()
    return got, "closed"


@pytest.mark.parametrize("kind", ["pass", "delay", "split", "throttle"])
async def test_what_only_slows_down_changes_nothing(kind: str) -> None:
    """Else a run through the proxy would prove nothing but that the proxy spoils bytes."""
    words = bytes(range(256)) * 20
    async with between(script([Fault(kind, speed=50_000.0)])) as (echo, proxy):
        assert await said(proxy, words) == (b"moin" + words, "closed")
        assert echo.heard == [words]
        assert proxy.struck == ({} if kind == "pass" else {kind: 1})


@pytest.mark.parametrize("direction", [UP, DOWN])
@pytest.mark.parametrize("after", [0, 3])
@pytest.mark.parametrize(("kind", "end"), [("drop", "closed"), ("reset", "reset")])
async def test_cuts_come_after_exactly_so_many_bytes(kind: str, end: str, after: int, direction: str) -> None:
    """Else "the request arrived by half" would be tested with a request that arrived, or did not."""
    async with between(script([Fault(kind, direction, after)])) as (echo, proxy):
        got, ended = await said(proxy)
        # The kernel may throw away what has arrived when a reset comes, and a close with unread bytes is a reset, too.
        assert ended in {end, "reset"}
        assert len(got) <= 4 + after
        await asyncio.sleep(0.05)
        assert len(echo.heard) == 1
        if direction == UP:
            assert echo.heard[0] in ((b"012"[:after]), b"")
        assert proxy.struck == {kind: 1}
        assert await said(proxy) == (b"moin0123456789", "closed"), "only the first connection has a fault"


async def test_a_half_closed_connection_still_speaks() -> None:
    """Else a server that answers a request whose sender has closed its side would never be met."""
    async with between(script([Fault("half-close", UP, 5), Fault("half-close", DOWN, 2)])) as (echo, proxy):
        assert await said(proxy) == (b"moin01234", "closed")
        got, _ = await said(proxy)
        assert got == b"mo"
        await asyncio.sleep(0.05)
        assert echo.heard == [b"01234", b"0123456789"]


async def test_a_black_hole_is_silent_both_ways() -> None:
    """Else a provider that is there and says nothing would be one that closes, which is easily noticed."""
    async with between(script([Fault("black-hole", UP, 5), Fault("black-hole", DOWN, 2)])) as (echo, proxy):
        for most in (b"moin01234", b"mo"):
            got, end = await said(proxy, patience=0.3)
            assert end == "silent"
            assert most.startswith(got)  # what was on its way back as the silence fell is lost
        assert echo.heard in ([], [b"0123456789"]), "the first connection was closed"
        assert proxy.struck == {"black-hole": 2}


async def test_refused_for_a_while() -> None:
    """Else a provider that restarts would be met only as one that resets."""
    async with between(script([Fault("refuse", pause=0.3)])) as (_, proxy):
        assert (await said(proxy))[1] in {"reset", "refused"}
        assert await said(proxy) == (b"", "refused")
        while (answer := await said(proxy))[1] == "refused":
            await asyncio.sleep(0.05)
        assert answer == (b"moin0123456789", "closed")


async def test_nobody_behind_it() -> None:
    """Else a test against a dead provider would hang in the proxy."""
    proxy = FaultProxy(9)
    await proxy.start()
    assert (await said(proxy))[1] in {"reset", "refused"}
    await proxy.aclose()


def test_a_seed_says_everything() -> None:
    """Else a failure could not be looked into again."""
    first, again, other = ([seeded(seed, share=0.5)(n) for n in range(300)] for seed in (1, 1, 2))
    assert first == again != other
    assert {fault.kind for fault in first} == {*KINDS}
    assert {fault.direction for fault in first} == {UP, DOWN}
    with pytest.raises(ValueError, match="kinds are"):
        Fault("flood")


def test_as_a_process_and_in_a_thread() -> None:
    """Else the command in the docs would not run."""

    async def ask(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"x")
        got = await reader.readexactly(5)
        writer.close()
        await writer.wait_closed()
        return got

    async def both() -> None:
        echo = Echo()
        server = await asyncio.start_server(echo.answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        command = [sys.executable, "-m", "tests.fault_proxy", "--target", str(port), "--kinds", "split"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            assert process.stdout is not None
            assert await ask(int(process.stdout.readline())) == b"moinx"
            process.send_signal(signal.SIGTERM)
            assert json.loads(process.stdout.readline()) == {"accepted": 1, "struck": {"split": 1}}
        with proxying(port) as proxy:
            assert await ask(proxy.port) == b"moinx"
            assert proxy.accepted == 1
        server.close()
        await asyncio.sleep(0.01)

    asyncio.run(both())
