"""CPU of one POST: our lanes, our aiohttp exchange, and `session.post` as anybody would write it, over http and over TLS.

The same workers, connections and body for all, interleaved against one server process in a process of its own; the figures are
the client's. Lanes are also measured without aiofastnet, to see which TLS is the best on this machine.
"""

from __future__ import annotations

import asyncio
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from unittest import mock

import aiohttp

from benchmarks.throughput import loops, server
from rumbleup_async.session import AiohttpExchange, Exchange, Request, dialing
from rumbleup_async.session.transport import can_have_lanes, connect

CONNECTIONS = 64
BODY = b'{"phone":"2025550101","action":"125","text":"Hi Ada, the polls are open until 8 pm. Reply STOP to opt out"}'
HEADERS = {"Authorization": "Basic S0VZOlNFQ1JFVA==", "Accept": "application/json", "User-Agent": "rumbleup_async"}
SEND = Request("POST", "/message/send", BODY)

Post = Callable[[], Awaitable[bytes]]
Opener = Callable[[str, ssl.SSLContext | None, AsyncExitStack], Awaitable[Post]]
"""Opens a client and returns what sends one text with it and returns the answer's body."""


async def _exchange(exchange: Exchange, stack: AsyncExitStack) -> Post:
    stack.push_async_callback(exchange.aclose)

    async def post() -> bytes:
        return (await exchange(SEND)).body

    return post


async def lane(url: str, trust: ssl.SSLContext | None, stack: AsyncExitStack) -> Post:
    """Lanes, with aiofastnet over TLS if it is installed."""
    return await _exchange(connect(url, HEADERS, connections=CONNECTIONS, transport="lane", ssl=trust), stack)


async def lane_with_the_loops_tls(url: str, trust: ssl.SSLContext | None, stack: AsyncExitStack) -> Post:
    """Lanes over what the event loop brings along."""
    stack.enter_context(mock.patch.object(dialing, "_fast_network", return_value=None))
    return await lane(url, trust, stack)


async def over_aiohttp(url: str, trust: ssl.SSLContext | None, stack: AsyncExitStack) -> Post:
    """Our exchange over aiohttp."""
    return await _exchange(AiohttpExchange(url, HEADERS, connections=CONNECTIONS, ssl=trust), stack)


async def naive(url: str, trust: ssl.SSLContext | None, stack: AsyncExitStack) -> Post:
    """aiohttp as its first page shows it."""
    session = await stack.enter_async_context(aiohttp.ClientSession(headers=HEADERS))

    async def post() -> bytes:
        async with session.post(f"{url}/message/send", data=BODY, ssl=trust or True) as response:
            return await response.read()

    return post


async def _run(opener: Opener, url: str, trust: ssl.SSLContext | None, texts: int) -> tuple[float, float]:
    """Texts a second and CPU microseconds a text, of the part after the connections are open."""
    async with AsyncExitStack() as stack:
        post = await opener(url, trust, stack)

        async def worker(count: int) -> None:
            for _ in range(count):
                if b"logid" not in await post():
                    raise RuntimeError("not the answer that was expected")

        await asyncio.gather(*(worker(2) for _ in range(CONNECTIONS)))
        began, used = time.perf_counter(), time.process_time()
        await asyncio.gather(*(worker(texts // CONNECTIONS) for _ in range(CONNECTIONS)))
        done = texts // CONNECTIONS * CONNECTIONS
        return done / (time.perf_counter() - began), (time.process_time() - used) / done * 1e6


def certificate(folder: Path) -> Path | None:
    """A key and a certificate for localhost in one file, made now by openssl; None where there is no openssl."""
    file = folder / "localhost.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    extra = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(file), "-out", str(folder / "cert.pem")]
    try:
        subprocess.run([*command, *extra], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    file.write_text(file.read_text() + (folder / "cert.pem").read_text())
    return file


def _compare(title: str, posts: dict[str, Opener], url: str, trust: ssl.SSLContext | None, rounds: int, texts: int) -> None:
    for loop, factory in loops().items():
        speeds: dict[str, list[float]] = {name: [] for name in posts}
        costs: dict[str, list[float]] = {name: [] for name in posts}
        for _ in range(rounds):
            for name, opener in posts.items():
                with asyncio.Runner(loop_factory=factory) as runner:
                    speed, cost = runner.run(_run(opener, url, trust, texts if "lane" in name else texts // 4))
                speeds[name].append(speed)
                costs[name].append(cost)
        print(f"{title}, {loop}, {CONNECTIONS} connections, medians of {rounds} interleaved rounds")
        base = costs["session.post"]
        for name in posts:
            ratios = [other / cost for cost, other in zip(costs[name], base, strict=True)]
            print(
                f"  {name:<22} {statistics.median(costs[name]):>6.1f} us CPU  {statistics.median(speeds[name]):>8,.0f} texts/s  "
                f"{statistics.median(ratios):>5.2f} x less CPU than session.post ({min(ratios):.2f}-{max(ratios):.2f})"
            )
        print()


def main(*, quick: bool = False) -> None:
    """The comparison."""
    rounds, texts = (1, 512) if quick else (7, 10_000)
    posts: dict[str, Opener] = {"session.post": naive, "aiohttp exchange": over_aiohttp}
    if can_have_lanes():
        posts["lane"] = lane
    else:
        print("no lanes: the extra `fast` is not installed")
    with server() as url:
        _compare("http", posts, url, None, rounds, texts)
    with tempfile.TemporaryDirectory() as folder:
        pem = certificate(Path(folder))
        if pem is None:
            print("no TLS: openssl is not installed", file=sys.stderr)
            return
        if can_have_lanes() and dialing.has_fast_network():
            posts["lane, the loop's TLS"] = lane_with_the_loops_tls
        with server(certificate=pem) as url:
            _compare("TLS", posts, url, ssl.create_default_context(cafile=str(pem)), rounds, texts)
