"""What a real limit costs: CPU of holding 5,000 texts a second, alone and in the whole engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

from aiolimiter import AsyncLimiter

from benchmarks.results import Figure, Group, Measured, middle
from benchmarks.running import Sender, folder, interleaved, loop
from benchmarks.serving import loops, serving
from rumbleup_async.engine.pace import Pace
from rumbleup_async.messaging import Text

RATE = 5_000
_WAITING = 64
_TEXT = Text(1, "2025550101", "Hi. STOP to opt out")
_ON, _OFF = "ours, limit of 5,000 a second", "ours, no limit, the server lets through about as many"


def _permits(make: Callable[[], Callable[[], Awaitable[object]]], texts: int) -> float:
    """CPU microseconds a permit, with as many tasks waiting as a run has workers."""

    async def measure() -> float:
        permit = make()
        numbers = iter(range(texts))

        async def worker() -> None:
            for _ in numbers:
                await permit()

        used = time.process_time()
        await asyncio.gather(*(worker() for _ in range(_WAITING)))
        return (time.process_time() - used) / texts * 1e6

    with asyncio.Runner(loop_factory=loops()[loop()]) as runner:
        return runner.run(measure())


def main(*, quick: bool = False) -> Measured:
    """Both ways round by round; in the engine, pace on and off are compared at about the same texts a second."""
    rounds, texts = (1, 300) if quick else (3, 20_000)
    alone, each = [], []
    for _ in range(rounds):
        alone.append(_permits(lambda: partial(Pace(RATE).permit, _TEXT), texts))
        each.append(_permits(lambda: AsyncLimiter(RATE, 1.0).acquire, texts // 2))
    fast = ("--loop", loop(), "--steady")
    with folder() as work:
        with serving(work, latency=0.005) as served:
            on = interleaved([Sender(_ON, "ours", texts, (*fast, "--rate", str(RATE)), concurrency=128)], served, work, rounds)
        with serving(work, latency=_WAITING / RATE) as served:
            off = interleaved([Sender(_OFF, "ours", texts, fast)], served, work, rounds)
    group = Group("CPU a text at a limit", _OFF, on + off, served.name, steady=True)
    costs = [[run.cpu_seconds / run.texts * 1e6 for run in row.runs] for row in (*on, *off)]
    figures = [
        Figure(f"a permit at {RATE:,} a second, {_WAITING} waiting", "µs CPU", alone),
        Figure("the same by aiolimiter, acquired for each text", "µs CPU", each),
    ]
    if all(costs):
        figures.append(Figure("a text, limit on less limit off", "µs CPU", [middle(costs[0]) - middle(costs[1])]))
    return Measured(rounds=rounds, groups=[group], figures=figures)
