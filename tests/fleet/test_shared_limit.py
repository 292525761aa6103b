"""One limit that several processes share, on virtual time: what they get of it together, and what becomes of it when one dies."""

import asyncio
from collections.abc import Callable

import pytest

from rumbleup_async.engine.pace import Hold, Pace
from rumbleup_async.engine.window import Window
from rumbleup_async.fleet.channel import NotNow
from rumbleup_async.fleet.shared_limit import RemoteLimit, SharedLimit
from rumbleup_async.messaging import Text
from tests import virtual_time
from tests.engine.limiters import Bucket, Limiter, Share, Windows

TEXT = Text(1, "2025550101", "Hi. STOP to opt out")
DELAY = 0.003
"""Seconds that a word takes from one process to another."""
STEP = 0.02
"""Seconds between two steps of the books."""


class Process:
    """One of them: as many workers as its window has room for, each sends and waits for its answer."""

    def __init__(self, processes: "Processes", concurrency: int) -> None:
        self.processes = processes
        self.limit = RemoteLimit(self)  # type: ignore[arg-type]  # in the place of its channel
        self.pace = Pace()
        self.pace.learning = self.limit
        self.window = Window(concurrency)
        self.in_flight = 0
        self.tasks = [asyncio.ensure_future(self.work()) for _ in range(concurrency)]
        self.tasks.append(asyncio.ensure_future(self.step()))

    def say(self, word: NotNow) -> None:
        asyncio.get_running_loop().call_later(DELAY, self.processes.hear, self, word)

    async def step(self) -> None:
        while True:
            await asyncio.sleep(STEP)
            asyncio.get_running_loop().call_later(DELAY, self.processes.shared.taken, self.limit.told())

    async def work(self) -> None:
        loop, limiter = asyncio.get_running_loop(), self.processes.limiter
        while True:
            while not self.window.take():
                await asyncio.sleep(0.05)
            permit = self.pace.try_permit(TEXT) or await self.pace.permit(TEXT)
            after = limiter.take(loop.time())
            (self.processes.taken if after is None else self.processes.throttled).append(loop.time())
            self.in_flight += 1
            await asyncio.sleep(0.1)
            self.in_flight -= 1
            self.window.give()
            if after is None:
                limiter.release()
                self.window.grow()
                self.pace.accepted(permit)
            else:
                if after:
                    self.pace.hold.hold(after)
                    loop.call_later(DELAY, self.processes.hold, after)
                self.pace.throttled(permit, after or None, self.in_flight)

    def die(self) -> None:
        for task in self.tasks:
            task.cancel()


class Processes:
    """All of them, and the limit that they share."""

    def __init__(self, limiter: Limiter, number: int) -> None:
        self.limiter = limiter
        self.taken: list[float] = []
        self.throttled: list[float] = []
        self.pauses: list[int] = []
        self.held = Hold()
        self.shared = SharedLimit(self.held, self.share_out, self.pauses.append)
        self.all: list[Process] = []
        self.all = [Process(self, 64 // number) for _ in range(number)]

    def share_out(self) -> None:
        for process in self.all:
            asyncio.get_running_loop().call_later(DELAY, self.heed, process)

    def heed(self, process: Process) -> None:
        process.limit.heed(self.shared.share(None, len(self.all)))
        process.pace.limit(None)

    def hear(self, process: Process, word: NotNow) -> None:
        self.shared.refused(word, sum(one.in_flight for one in self.all))

    def hold(self, seconds: float) -> None:
        self.held.hold(seconds)
        for process in self.all:
            process.pace.hold.hold(seconds)
        self.shared.follow()

    def lose(self, process: Process) -> None:
        process.die()
        self.all.remove(process)
        self.share_out()

    def between(self, start: float, end: float) -> int:
        began = self.taken[0] if self.taken else 0.0
        return sum(start <= moment - began < end for moment in self.taken)

    @property
    def share(self) -> float:
        return len(self.throttled) / (len(self.throttled) + len(self.taken))


def played(make: Callable[[float], Limiter], number: int, seconds: float = 40.0, *, dies: float = 0.0) -> Processes:
    """What so many processes do in so long; one of them dies after so many seconds."""

    async def main() -> Processes:
        processes = Processes(make(virtual_time.now()), number)
        processes.shared.follow()
        if dies:
            asyncio.get_running_loop().call_later(dies, lambda: processes.lose(processes.all[0]))
        await asyncio.sleep(seconds)
        for process in processes.all:
            process.die()
        processes.shared.close()
        await asyncio.sleep(1.0)
        return processes

    return virtual_time.run(main())


@pytest.mark.parametrize("number", [2, 5])
@pytest.mark.parametrize(
    ("make", "least", "refused"),
    [
        pytest.param(lambda now: Bucket(100, 10, now=now), 0.95, 0.06, id="bare"),
        pytest.param(lambda now: Bucket(100, 10, 1.0, now=now), 0.90, 0.05, id="Retry-After: 1"),
        pytest.param(lambda now: Windows(600, 10), 0.90, 0.08, id="600 in 10 s"),
        pytest.param(lambda now: Share(0.03, 640), 0.45, 0.05, id="3 % at random"),
    ],
)
def test_together_they_get_what_one_process_gets(
    make: Callable[[float], Limiter], least: float, refused: float, number: int
) -> None:
    """Each would learn from its own texts what the others have used up, and all together would crawl."""
    ours = played(make, number)
    of_many = 0.99 if number > 2 else 1.0  # five of them get 0.899 of a bucket whose waits take a second
    assert ours.between(10.0, 40.0) >= of_many * least * make(0.0).allows(10.0, 40.0)
    assert ours.share <= refused
    assert ours.pauses == []


@pytest.mark.parametrize("after", [0.0, 1.0])
def test_two_runs_at_one_limit_use_all_of_it(after: float) -> None:
    """Two machines with one key would drive each other down, and the campaign take twice as long."""

    async def main() -> int:
        limiter = Bucket(100, 10, after, now=virtual_time.now())
        runs = [Processes(limiter, 1) for _ in range(2)]
        for run in runs:
            run.shared.follow()
        await asyncio.sleep(40.0)
        for run in runs:
            run.all[0].die()
            run.shared.close()
        await asyncio.sleep(1.0)
        return sum(run.between(10.0, 40.0) for run in runs)

    assert virtual_time.run(main()) >= (0.95 if not after else 0.85) * 100 * 30


def test_whoever_is_left_takes_the_share_of_one_that_died() -> None:
    """The rest of a run would go at half of what the provider allows."""
    ours = played(lambda now: Bucket(100, 10, now=now), 2, dies=15.0)
    assert ours.between(20.0, 40.0) >= 0.95 * 100 * 20


def test_a_provider_that_takes_nothing_is_left_alone_by_all() -> None:
    """Each process would try for itself, and somebody who is blocked would be blocked for longer."""
    ours = played(lambda now: Bucket(0.0, 0.0, now=now), 5, seconds=120.0)
    assert ours.taken == []
    assert len(ours.throttled) <= 80
    assert ours.pauses == list(range(1, len(ours.pauses) + 1))
    assert len(ours.pauses) >= 7
