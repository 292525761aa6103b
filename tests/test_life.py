"""A client and its life: the event loop that it belongs to, its end, and the look of a run that is over."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import aiohttp
import pytest

from rumbleup_async import ConfigurationError, Message, NotSentError, Response, RumbleUp, ScriptedExchange
from rumbleup_async.ledger import Reader
from rumbleup_async.simulator import Server, Simulator, run


@pytest.fixture
def apart() -> Iterator[Server]:
    """A simulator in a thread of its own."""
    ready: Future[Server] = Future()
    thread = threading.Thread(target=run, args=(Simulator(),), kwargs={"on_ready": ready.set_result})
    thread.start()
    server = ready.result(20)
    yield server
    server.stop()
    thread.join(20)


async def _send(client: RumbleUp) -> Message:
    return await client.messages.send(phone="2025550101", action=125, text="Hi. STOP to opt out")


@pytest.mark.parametrize("transport", ["auto", "pool"])
def test_another_loop_sends_nothing(transport: str, apart: Server) -> None:
    """In a second `asyncio.run` the text left, and a foreign error made it seem that it had not."""
    client = RumbleUp("KEY:SECRET", base_url=apart.url, transport=transport)

    async def abroad() -> None:
        with pytest.raises(ConfigurationError, match="event loop"):
            await _send(client)

    with asyncio.Runner() as runner:
        runner.run(_send(client))
        runner.run(asyncio.to_thread(asyncio.run, abroad()))
        assert len(apart.simulator.truth) == 1
        runner.run(_send(client))
        assert len(apart.simulator.truth) == 2
        runner.run(client.aclose())


def test_a_run_over_a_session_of_another_loop_sends_nothing(apart: Server) -> None:
    """Each text of the list would leave, and be unknown."""

    async def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession()

    async def abroad(held: aiohttp.ClientSession) -> None:
        async with RumbleUp("KEY:SECRET", base_url=apart.url, session=held) as client:
            with pytest.raises(ConfigurationError, match="event loop"):
                async with client.fast_mode(action=125, text="Hi. STOP to opt out") as mode:
                    await mode.send(["2025550101"])

    with asyncio.Runner() as runner:
        held = runner.run(session())
        runner.run(asyncio.to_thread(asyncio.run, abroad(held)))
        assert len(apart.simulator.truth) == 0
        runner.run(held.close())


def test_a_script_in_the_place_of_a_server_has_no_loop() -> None:
    """One client for all tests of a service would work in the first of them only."""
    exchange = ScriptedExchange(lambda _: Response(200, {}, b'{"logid": "rl_1"}'))
    client = RumbleUp("KEY:SECRET", exchange=exchange)
    assert [asyncio.run(_send(client)).logid for _ in range(2)] == ["rl_1", "rl_1"]


async def test_an_interrupted_look_does_not_change_how_the_run_ended(tmp_path: Path) -> None:
    """`status` would call a run interrupted that went through its whole list."""
    exchange = ScriptedExchange(lambda _: Response(200, {}, b'{"logid": "rl_1"}'))
    path = tmp_path / "run.ledger"
    client = RumbleUp("KEY:SECRET", exchange=exchange)
    async with client.fast_mode(action=125, text="Hi. STOP to opt out", ledger=path) as run:
        await run.send(["2025550101"])
    async with client.resume(path, reconcile=False) as run:
        run.stop("interrupted")
    reader = Reader(path)
    assert reader.stopped is None
    reader.close()


@pytest.mark.parametrize("transport", ["auto", "pool"])
async def test_after_its_end_a_client_sends_nothing(transport: str) -> None:
    """A run that is begun too late would open connections that nobody closes."""
    client = RumbleUp("KEY:SECRET", base_url="http://127.0.0.1:9/api", transport=transport)
    await client.aclose()
    with pytest.raises(NotSentError, match="closed"):
        await _send(client)
    with pytest.raises(ConfigurationError, match="closed"):
        client.fast_mode(action=125, text="Hi. STOP to opt out")
