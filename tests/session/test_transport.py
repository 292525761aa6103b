"""Which exchange is chosen, and that a client's runs and single calls take the one that was asked for."""

import importlib.util
import math
import subprocess
import sys
from typing import Any

import aiohttp
import pytest

from rumbleup_async import RumbleUp
from rumbleup_async.errors import ConfigurationError, NotSentError
from rumbleup_async.session.client import AiohttpExchange
from rumbleup_async.session.exchange import Request
from rumbleup_async.session.limits import Timeouts
from rumbleup_async.session.pool import PoolExchange
from rumbleup_async.session.transport import Later, connect
from rumbleup_async.simulator import Server, Simulator

URL = "http://127.0.0.1:1/api"


async def test_the_pool_unless_something_asks_for_aiohttp() -> None:
    """A caller's session, with its proxy, or its tracing would be passed by without a word."""
    async with aiohttp.ClientSession() as session:
        cases: list[tuple[dict[str, Any], type]] = [
            ({}, PoolExchange),
            ({"transport": "pool"}, PoolExchange),
            ({"transport": "lane"}, PoolExchange),
            ({"transport": "aiohttp"}, AiohttpExchange),
            ({"session": session}, AiohttpExchange),
            ({"trace_configs": [aiohttp.TraceConfig()]}, AiohttpExchange),
        ]
        for options, kind in cases:
            assert type(connect(URL, {}, **options)) is kind
        for options in ({"session": session}, {"trace_configs": [aiohttp.TraceConfig()]}):
            with pytest.raises(ConfigurationError, match="aiohttp"):
                connect(URL, {}, transport="pool", **options)
    with pytest.raises(ConfigurationError, match="auto, pool, aiohttp"):
        connect(URL, {}, transport="http2")


@pytest.mark.parametrize("seconds", [0, -1.0, math.inf, math.nan, None, "5"])
def test_timeouts_that_cannot_be_meant_are_refused(seconds: Any) -> None:
    """`--timeout inf` would end in an arithmetic error, and 0 in texts that are given up before they are answered."""
    with pytest.raises(ConfigurationError, match="the timeout read must be"):
        Timeouts(read=seconds)


def test_without_httptools_it_is_aiohttp(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bare install would not work at all."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert type(connect(URL, {})) is AiohttpExchange
    with pytest.raises(ConfigurationError, match="pip install httptools"):
        connect(URL, {}, transport="pool")


@pytest.mark.parametrize("transport", ["auto", "pool", "aiohttp"])
async def test_a_run_and_a_call_over_each(transport: str, server: Server, simulator: Simulator) -> None:
    """What is asked for would be ignored, or one of the ways not work from end to end."""
    async with RumbleUp("KEY:SECRET", base_url=server.url, transport=transport) as rumbleup:
        await rumbleup.messages.send(phone="2025550100", action=125, text="Hi. STOP to opt out")
        exchange = rumbleup._exchange._begun if isinstance(rumbleup._exchange, Later) else rumbleup._exchange
        assert type(exchange) is (PoolExchange if transport == "pool" else AiohttpExchange)
        async with rumbleup.fast_mode(action=125, text="Hi. STOP to opt out") as run:
            summary = await run.send(f"202555{number:04d}" for number in range(101, 151))
    assert summary.sent == 50
    assert len(simulator.truth) == 51


async def test_what_is_closed_before_it_is_begun_carries_nothing() -> None:
    """A closed client would send all the same."""
    rumbleup = RumbleUp("KEY:SECRET", base_url=URL)
    await rumbleup.aclose()
    with pytest.raises(NotSentError, match="closed"):
        await rumbleup._exchange(Request("POST", "/x"))


def test_aiohttp_is_imported_by_the_first_call_that_needs_it() -> None:
    """A run of few texts would wait longer for an import than for its answers."""
    code = (
        "import asyncio, sys\n"
        "from rumbleup_async import MemoryLedger, RumbleUp\n"
        "async def main():\n"
        "    async with RumbleUp('KEY:SECRET', base_url='http://127.0.0.1:1') as rumbleup:\n"
        "        async with rumbleup.fast_mode(action=125, text='Hi. STOP to opt out', ledger=MemoryLedger()) as run:\n"
        "            await run.send([])\n"
        "asyncio.run(main())\n"
        "print('aiohttp' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"
