"""A rate that was asked for: whether it is got, and what it costs to hold 5,000 texts a second, alone and in the whole engine."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from aiolimiter import AsyncLimiter

from benchmarks.results import Figure, Group, Measured, middle
from benchmarks.running import Sender, folder, interleaved, loop
from benchmarks.serving import loops, serving
from rumbleup_async.engine.pace import Pace
from rumbleup_async.messaging import Text

RATE = 5_000
_RATES = (1, 20, 200, 1_000, 5_000)
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


async def _moments(rate: float, seconds: float) -> list[float]:
    """When permits were given, by a clock that does not stand still while the loop turns."""
    pace, moments = Pace(rate), list[float]()
    end = time.monotonic() + seconds

    async def worker() -> None:
        while True:
            await pace.permit(_TEXT)
            if (now := time.monotonic()) >= end:
                return
            moments.append(now)

    await asyncio.gather(*(worker() for _ in range(_WAITING)))
    return sorted(moments)


def _got(rates: Sequence[int], least: float) -> list[str]:
    """A table of what came of each rate: its average, and the fullest second wherever it begins, on both loops."""
    lines = [
        f"| asked | {' | '.join(f'{name}: average | {name}: fullest second' for name in loops())} |",
        f"| ---: |{' ---: | ---: |' * len(loops())}",
    ]
    for rate in rates:
        cells = [f"{rate:,} a second"]
        for factory in loops().values():
            with asyncio.Runner(loop_factory=factory) as runner:
                moments = runner.run(_moments(rate, max(least, 20.0 / rate)))
            average = (len(moments) - 1) / (moments[-1] - moments[0])
            fullest = max(bisect_left(moments, moment + 1.0) - number for number, moment in enumerate(moments))
            cells += [f"{average:,.2f}", f"{fullest:,}"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


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
    got = _got((50,), 1.5) if quick else _got(_RATES, 5.0)
    return Measured(rounds=rounds, groups=[group], figures=figures, lines=got)
