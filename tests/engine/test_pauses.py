"""Pauses: nothing leaves while one holds, nobody is lost by it, and who was queued again comes once more in the same round."""

import asyncio
import random
from collections.abc import Sequence

import pytest

from rumbleup_async.events import Continued, Event, Paused
from rumbleup_async.ledger import MemoryLedger
from rumbleup_async.messaging import State, Text
from rumbleup_async.outcomes import Outcome, Throttled
from rumbleup_async.reasons import from_words as because
from rumbleup_async.stops import Cause
from tests import virtual_time
from tests.engine.scripted import Provider, accepts, check, make_run, phones
from tests.engine.test_texters import Server, fine, make, once


class Watch:
    """Notes pauses."""

    def __init__(self) -> None:
        self.seen: list[Event] = []

    def events(self, events: Sequence[Event]) -> None:
        self.seen += [event for event in events if isinstance(event, Paused | Continued)]


@pytest.mark.parametrize("seed", range(40))
def test_a_run_that_is_paused_again_and_again_texts_everybody_once(seed: int) -> None:
    """Somebody would be texted during a pause, twice after it, or never: at whatever moment of a step it comes."""
    chance = random.Random(seed)
    forbidden: list[float] = []

    def script(text: Text, attempt: int) -> Outcome:
        assert not provider.forbidden
        if attempt == 1 and text.row % 37 == 0:
            return Throttled(because("told 429"), 429, 0.3)
        return accepts(text, attempt)

    provider = Provider(script, latency=0.02)
    count, rate = chance.choice([30, 200]), chance.choice([None, 50.0])
    watch = Watch()

    async def main() -> None:
        async with make_run(provider, rate=rate, concurrency=chance.choice([1, 8]), observer=watch) as run:
            sending = asyncio.ensure_future(_all(run.send(phones(count))))
            for _ in range(chance.randrange(1, 6)):
                for _ in range(chance.randrange(30)):
                    await asyncio.sleep(0)
                await asyncio.sleep(chance.choice([0.001, 0.02, 0.3]))
                if sending.done():
                    break
                await run.pause("a test", who="ada")
                provider.forbidden = "a pause"
                await asyncio.sleep(0.1)
                assert run.in_flight == 0
                assert run.counts[State.INTENT] == 0
                assert run.paused is not None
                forbidden.append(run.paused.began)
                assert run.paused.who == "ada"
                await asyncio.sleep(chance.choice([0, 60]))
                provider.forbidden = ""
                await run.go_on()
                assert run.paused is None
            states = await sending
        assert states == [State.SENT] * count
        assert run.summary.stop is None
        assert run.counts[State.SENT] == count

    virtual_time.run(main())
    check(provider)
    assert [type(event) for event in watch.seen] == [Paused, Continued] * (len(watch.seen) // 2)


async def _all(sending: object) -> list[State]:
    return [result.state async for result in sending]  # type: ignore[attr-defined]


def test_a_pause_and_its_end_at_once_lose_no_turn() -> None:
    """Texts that were called back from their wait would be put aside, and be the last ones of the run."""
    provider = Provider(latency=0.01)

    async def main() -> None:
        async with make_run(provider, rate=20.0) as run:
            sending = asyncio.ensure_future(_all(run.send(phones(60))))
            for _ in range(20):
                await asyncio.sleep(0.1)
                await run.pause()
                await run.go_on()
            assert await sending == [State.SENT] * 60

    virtual_time.run(main())
    check(provider)


def test_a_limit_counts_nobody_who_came_back_in_a_pause() -> None:
    """A run with a limit would text fewer than were asked for."""
    provider = Provider(latency=0.01)

    async def main() -> None:
        async with make_run(provider, rate=20.0, limit=25) as run:
            sending = asyncio.ensure_future(_all(run.send(phones(60))))
            for _ in range(5):
                await asyncio.sleep(0.1)
                await run.pause()
                await asyncio.sleep(1)
                await run.go_on()
            assert await sending == [State.SENT] * 25
        assert run.summary.stop is not None
        assert run.summary.stop.cause is Cause.LIMIT

    virtual_time.run(main())
    check(provider)


@pytest.mark.parametrize("how", ["stop", "leave", "cancel"])
def test_a_paused_run_can_be_ended_and_stays_paused(how: str) -> None:
    """A process that waits in a pause could only be killed, or the next one would text although somebody has paused the run."""
    provider = Provider(latency=0.01)
    ledger = MemoryLedger()

    async def main() -> None:
        async with make_run(provider, ledger=ledger, rate=20.0) as run:
            sending = asyncio.ensure_future(_all(run.send(phones(60))))
            await asyncio.sleep(0.5)
            await run.pause("lunch", who="ada")
            await asyncio.sleep(100)
            if how == "stop":
                run.stop()
            elif how == "cancel":
                sending.cancel()
            if how != "leave":
                await asyncio.gather(sending, return_exceptions=True)
        await asyncio.gather(sending, return_exceptions=True)
        left = len(provider.left)
        assert 0 < left < 60
        async with make_run(provider, ledger=ledger, resume=True) as again:
            assert (await again.send()).sent == left
            assert again.summary.stop is not None
            assert again.summary.stop.cause is Cause.PAUSED
            assert str(again.summary.stop).startswith("paused: by ada, since ")
        assert len(provider.left) == left
        async with make_run(provider, ledger=ledger, resume=True) as last:
            await last.go_on()
            assert (await last.send()).sent == 60

    virtual_time.run(main())
    check(provider)


def test_a_run_whose_last_text_is_done_ends_in_a_pause() -> None:
    """A process would wait for ever although there is nothing left to do."""
    provider = Provider(latency=1.0)

    async def main() -> None:
        async with make_run(provider, concurrency=8) as run:
            sending = asyncio.ensure_future(_all(run.send(phones(1))))
            await asyncio.sleep(0.5)
            await run.pause()
            assert await sending == [State.SENT]

    virtual_time.run(main())


def test_a_run_is_paused_within_its_context() -> None:
    """The pause would be written into a ledger that another process may hold by now."""

    async def main() -> None:
        async with make_run(Provider()) as run:
            await run.send(phones(1))
        with pytest.raises(RuntimeError, match="within its context"):
            await run.pause()
        with pytest.raises(RuntimeError, match="within its context"):
            await run.go_on()

    virtual_time.run(main())


@pytest.mark.parametrize("seed", range(10))
def test_concurrent_mode_draws_nobody_in_a_pause(seed: int) -> None:
    """Each contact that is drawn in a pause would be locked for five minutes, for nobody."""
    chance = random.Random(seed)
    server = Server(100, latency=0.05)

    async def main() -> None:
        run = make(server, texters=8, rate=chance.choice([None, 30.0]))
        async with run:
            sending = asyncio.ensure_future(_all(run.send()))
            for _ in range(3):
                await asyncio.sleep(chance.choice([0.01, 0.02, 0.11, 0.5]))
                if sending.done():
                    break
                await run.pause()
                await asyncio.sleep(1)
                asked, left = len(server.draws), len(server.left)
                await asyncio.sleep(600)
                assert (len(server.draws), len(server.left)) == (asked, left)
                assert run.in_flight == 0
                assert run.counts[State.INTENT] == 0
                await run.go_on()
            await sending

    virtual_time.run(main())
    fine(server)
    once(server, 100)
