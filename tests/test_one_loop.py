"""A client and the event loop that it belongs to."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from rumbleup_async import ConfigurationError, Message, NotSentError, RumbleUp
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


@pytest.mark.parametrize("transport", ["auto", "lane"])
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


@pytest.mark.parametrize("transport", ["auto", "lane"])
async def test_after_its_end_a_client_sends_nothing(transport: str) -> None:
    """A run that is begun too late would open connections that nobody closes."""
    client = RumbleUp("KEY:SECRET", base_url="http://127.0.0.1:9/api", transport=transport)
    await client.aclose()
    with pytest.raises(NotSentError, match="closed"):
        await _send(client)
    with pytest.raises(ConfigurationError, match="closed"):
        client.fast_mode(action=125, text="Hi. STOP to opt out")
