"""Several runs of one client at one limit, on virtual time: what they get together, and who gets how much."""

import asyncio
from collections.abc import Callable

import pytest

from rumbleup_async import RumbleUp
from rumbleup_async.engine.client_limit import ClientLimit
from rumbleup_async.engine.pace import Hold, Pace
from rumbleup_async.engine.window import Window
from rumbleup_async.messaging import Text
from tests import virtual_time
from tests.engine.limiters import AtOnce, Bucket, Limiter

TEXT = Text(1, "2025550101", "Hi. STOP to opt out")


class Client:
    """Its runs, and the provider that they all send to. `broken`: texts that left within a hold."""

    def __init__(self, limiter: Limiter) -> None:
        self.limiter = limiter
        self.hold, self.limit = Hold(), ClientLimit()
        self.taken: dict[str, list[float]] = {}
        self.throttled: list[float] = []
        self.until = 0.0
        self.broken = 0

    async def run(self, name: str, begins: float, ends: float, *, rate: float | None = None, concurrency: int = 32) -> None:
        """One run, with so many workers, between these seconds."""
        loop, began = asyncio.get_running_loop(), 1000.0
        await asyncio.sleep(began + begins - loop.time())
        pace, window = Pace(rate, self.hold, self.limit), Window(concurrency)
        pace.fits(window)
        taken = self.taken[name] = []

        async def work() -> None:
            while loop.time() < began + ends:
                while not window.take():
                    await asyncio.sleep(0.05)
                await self._send(pace, window, taken)
                window.give()

        workers = [asyncio.ensure_future(work()) for _ in range(concurrency)]
        await asyncio.sleep(ends - begins)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    async def _send(self, pace: Pace, window: Window, taken: list[float]) -> None:
        loop = asyncio.get_running_loop()
        permit = pace.try_permit(TEXT) or await pace.permit(TEXT)
        self.broken += loop.time() < self.until
        after = self.limiter.take(loop.time())
        (taken if after is None else self.throttled).append(loop.time() - 1000.0)
        try:
            await asyncio.sleep(0.1)
        finally:
            if after is None:
                self.limiter.release()
        if after is None:
            window.grow()
            pace.accepted(permit)
            return
        if after:
            self.until = max(self.until, loop.time() + after)
            self.hold.hold(after)
        pace.throttled(permit, after or None, window.taken - 1)
        await asyncio.sleep(0.0 if after else 0.1)

    def between(self, start: float, end: float, *names: str) -> int:
        """Texts of these runs, or of all."""
        return sum(start <= moment < end for name in names or self.taken for moment in self.taken[name])

    def refused(self, start: float, end: float) -> float:
        """The share of requests that were answered "not now"."""
        refused = sum(start <= moment < end for moment in self.throttled)
        return refused / (refused + self.between(start, end))


def played(limiter: Callable[[float], Limiter], **runs: tuple[float, float, float | None]) -> Client:
    """Of each run by its name: when it begins, when it ends, and the rate it was asked for."""

    async def main() -> Client:
        client = Client(limiter(virtual_time.now()))
        await asyncio.gather(*(client.run(name, begins, ends, rate=rate) for name, (begins, ends, rate) in runs.items()))
        await asyncio.sleep(1.0)
        return client

    client = virtual_time.run(main())
    assert client.broken == 0, "texts left within a hold"
    return client


@pytest.mark.parametrize(("after", "least"), [(0.0, 0.97), (1.0, 0.93)])
def test_two_runs_share_what_is_learned(after: float, least: float) -> None:
    """Each would learn from nothing, and both together send twice what the provider takes, until one gives way to the other."""
    client = played(lambda now: Bucket(100, 10, after, now=now), one=(0.0, 50.0, None), two=(0.0, 50.0, None))
    assert client.between(10.0, 50.0) >= least * 100 * 40
    assert client.refused(0.0, 50.0) <= 0.03
    assert 0.8 <= client.between(10.0, 50.0, "one") / client.between(10.0, 50.0, "two") <= 1.25


def test_a_run_that_joins_takes_its_part_and_one_that_ends_leaves_it() -> None:
    """The second run would meet the limit by a volley of refusals, and the first go on at half when the second is over."""
    client = played(lambda now: Bucket(100, 10, now=now), one=(0.0, 60.0, None), two=(20.0, 40.0, None))
    assert client.refused(19.0, 30.0) <= 0.03
    assert client.between(22.0, 39.0, "one") >= 0.8 * 50 * 17
    assert client.between(22.0, 39.0, "two") >= 0.8 * 50 * 17
    assert client.between(45.0, 60.0, "one") >= 0.95 * 100 * 15


def test_what_a_run_was_not_asked_for_is_the_others() -> None:
    """Half of the limit would be kept for a run that sends ten texts a second."""
    client = played(lambda now: Bucket(100, 10, now=now), slow=(0.0, 40.0, 10.0), fast=(0.0, 40.0, None))
    assert client.between(10.0, 40.0, "slow") >= 0.95 * 10 * 30
    assert client.between(10.0, 40.0, "fast") >= 0.93 * 90 * 30
    assert client.refused(10.0, 40.0) <= 0.03


@pytest.mark.parametrize(("pause", "is_kept"), [(30.0, True), (700.0, False)])
def test_the_next_run_knows_the_limit(pause: float, is_kept: bool) -> None:
    """Each run of a service would pay for the limit with a wait; or go by one of hours ago."""
    client = played(lambda now: Bucket(100, 10, 5.0, now=now), one=(0.0, 30.0, None), two=(30.0 + pause, 45.0 + pause, None))
    assert (client.refused(30.0 + pause, 35.0 + pause) == 0.0) is is_kept
    assert not is_kept or client.between(32.0 + pause, 35.0 + pause, "two") >= 0.85 * 100 * 3


def test_a_second_run_ends_the_count_of_those_at_a_time() -> None:
    """Two runs of which each keeps its own number under way would follow no limit together."""
    client = played(lambda now: AtOnce(20, 0.1), one=(0.0, 60.0, None), two=(30.0, 60.0, None))
    assert client.between(20.0, 30.0) >= 0.95 * 200 * 10
    assert client.between(35.0, 60.0) >= 0.85 * 200 * 25
    assert client.refused(35.0, 60.0) <= 0.05


def test_the_runs_of_a_client_have_one_limit() -> None:
    """What is above would hold for tests alone."""
    client = RumbleUp("KEY:SECRET", base_url="http://127.0.0.1:1")
    assert client._pace(None)._limit is client._pace(5.0)._limit is client._limit
