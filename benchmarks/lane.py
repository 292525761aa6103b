"""CPU of one POST: our lanes, our aiohttp exchange, and `session.post` as anybody would write it, over http and over TLS.

The same workers, connections and body for all, interleaved against one server process in a process of its own; the figures are
the client's. ConnectionPool are also measured without aiofastnet, to see which TLS is the best on this machine.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from unittest import mock

import aiohttp

from benchmarks.results import Figure, Measured
from benchmarks.running import folder, say
from benchmarks.serving import can_do_tls, loops, serving
from rumbleup_async.session import AiohttpExchange, Exchange, Request, dialing
from rumbleup_async.session.transport import connect, has_pool

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
    """ConnectionPool, with aiofastnet over TLS if it is installed."""
    return await _exchange(connect(url, HEADERS, connections=CONNECTIONS, transport="pool", ssl=trust), stack)


async def lane_with_the_loops_tls(url: str, trust: ssl.SSLContext | None, stack: AsyncExitStack) -> Post:
    """ConnectionPool over what the event loop brings along."""
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


def _compare(
    title: str, posts: dict[str, Opener], url: str, trust: ssl.SSLContext | None, rounds: int, texts: int
) -> list[Figure]:
    figures = []
    for loop, factory in loops().items():
        costs: dict[str, list[float]] = {name: [] for name in posts}
        for _ in range(rounds):
            for name, opener in posts.items():
                with asyncio.Runner(loop_factory=factory) as runner:
                    _, cost = runner.run(_run(opener, url, trust, texts if "lane" in name else texts // 4))
                costs[name].append(cost)
        say(f"lane: {title}, {loop}")
        for name in posts:
            ratios = [other / cost for cost, other in zip(costs[name], costs["session.post"], strict=True)]
            figures.append(Figure(f"{title}, {loop}: {name}", "µs CPU a POST", costs[name]))
            figures.append(Figure(f"{title}, {loop}: {name}", "x less CPU than session.post", ratios))
    return figures


def main(*, quick: bool = False) -> Measured:
    """The comparison."""
    rounds, texts = (1, 512) if quick else (5, 10_000)
    notes = [f"{CONNECTIONS} connections"]
    posts: dict[str, Opener] = {"session.post": naive, "aiohttp exchange": over_aiohttp}
    if has_pool():
        posts["lane"] = lane
    else:
        notes.append("no lanes: httptools is not installed")
    with folder() as work:
        with serving(work) as served:
            figures = _compare("http", posts, served.url, None, rounds, texts)
        if not can_do_tls():
            notes.append("no TLS: openssl is not installed")
            return Measured(rounds=rounds, notes=notes, figures=figures)
        if has_pool() and dialing.has_fast_network():
            posts["lane, the loop's TLS"] = lane_with_the_loops_tls
        with serving(work, tls=True) as served:
            trust = ssl.create_default_context(cafile=served.ca)
            figures += _compare("TLS", posts, served.url, trust, rounds, texts)
    return Measured(rounds=rounds, notes=notes, figures=figures)
