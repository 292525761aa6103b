"""`python -m tests.engine`: what is got of each limiter on virtual time, the worst of some runs. docs/decisions/pace.md has it.

*Even*: every answer takes 100 ms. *Uneven*: texts arrive and answers are read up to 2 ms later, and answers differ by 2 %.
*Busy*: in each half second the sender does nothing for 80 ms besides.

`python -m tests.engine chances`: what whole runs get of fifty at a time, whose pauses differ by chance.
`python -m tests.engine waits`: what the first refusal shows where it names a time, and what the waits cost that come after it.
"""

import sys

from rumbleup_async.engine.cycles import Cycle
from rumbleup_async.engine.learning import Learning
from tests import virtual_time
from tests.engine.limiters import AtOnce, Bucket, Limiter, Share, Sick, Windows, play
from tests.engine.scripted import make_run, phones
from tests.engine.test_at_the_limit import Limited
from tests.engine.test_learning import bucket, half_taken, up_and_down

UNEVEN = {"blur": 0.002, "back": 0.002, "spread": 0.02}
BUSY = {**UNEVEN, "stall": 0.08}

ROWS = {
    **{f"bucket {rate:,}/s, bare 429": bucket(rate, 0.0) for rate in (20, 100, 1000)},
    **{f"bucket {rate:,}/s, `Retry-After: {after:.0f}`": bucket(rate, after) for after in (1.0, 5.0) for rate in (20, 100, 1000)},
    "bucket 100/s without any burst, bare 429": lambda: Bucket(100, 1),
    "bucket 100/s without any burst, `Retry-After: 1`": lambda: Bucket(100, 1, 1.0),
    "3 % at random, `Retry-After: 1`, of the 90/s that such waits leave": lambda: Share(0.03, 90, after=1.0),
    "1 % at random": lambda: Share(0.01, 640),
    "3 % at random": lambda: Share(0.03, 640),
    "10 % at random": lambda: Share(0.1, 640),
    "bucket 10/s, and 5 % at random": lambda: Sick(10, 5, 0.05),
    "600 in 10 s, `Retry-After` to the end": lambda: Windows(600, 10),
    "600 in 10 s, bare 429": lambda: Windows(600, 10, names_end=False),
    "10 at a time": lambda: AtOnce(10, 0.1),
    "50 at a time": lambda: AtOnce(50, 0.1),
    "half of it taken by others for 30 s": half_taken,
    "halves and doubles every 20 s": up_and_down,
}


def least(limiter: Limiter, seed: int, how: dict[str, float]) -> tuple[float, float]:
    """What was got in the worse phase, and the share of 429s."""
    ours = play(limiter, seed=seed, concurrency=256 if limiter.allows(0.0, 1.0) >= 1000 else 64, **how)  # type: ignore[arg-type]
    phases = [(10.0, 30.0), (30.0, 60.0)] if limiter.allows(0.0, 1.0) == 50 else [(10.0, 60.0)]
    return min(ours.between(*phase) / limiter.allows(*phase) for phase in phases), ours.share


class Glancing(Learning):
    """Notes what the first refusal has shown, and when each wait was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: dict[float, tuple[float, float]] = {}

    def _estimate(self, cycle: Cycle) -> None:
        super()._estimate(cycle)
        self.shown[cycle.seen] = cycle.estimate(self._waits.burst)


def glances() -> None:
    """By ten runs whose texts arrive unevenly."""
    print("| the provider | first seen | at most with one more wait | waits | got |\n| --- |" + " ---: |" * 4)
    for after in (1.0, 5.0):
        for rate in (20, 100, 1000):
            seen, got, waits = [], [], []
            for seed in range(1, 11):
                limiter, learning = bucket(rate, after)(), Glancing()
                ours = play(limiter, learning, seed=seed, concurrency=256 if rate >= 1000 else 64, **UNEVEN)  # type: ignore[arg-type]
                seen += [bound / rate for bound in next(iter(learning.shown.values()))]
                waits.append(sum(moment >= 10.0 for moment in learning.shown))
                got.append(ours.between(10.0, 60.0) / limiter.allows(10.0, 60.0))
            one = 1.0 - (after * rate - {20: 5, 100: 10, 1000: 50}[rate]) / (50.0 * rate)
            first, part = (f"{min(of):.2f} to {max(of):.2f}" for of in (seen, got))
            many = f"{min(waits)} to {max(waits)}" if min(waits) < max(waits) else f"{waits[0]}"
            print(f"| bucket {rate:,}/s, `Retry-After: {after:.0f}` | {first} | {one:.2f} | {many} | {part} |", flush=True)


def chances() -> None:
    """From the tenth second on, for as long as 8,000 texts last."""
    for chance in range(16):
        limited = Limited(AtOnce(50, 0.1))

        async def main(limited: Limited = limited) -> None:
            async with make_run(limited.provider, concurrency=64) as run:
                await run.send(phones(8000))

        virtual_time.run(main(), calendar=True, chance=chance)
        start, end = limited.taken[0] + 10.0, limited.taken[-1] - 2.0
        print(f"{chance}: {sum(start <= time < end for time in limited.taken) / (500 * (end - start)):.3f}", flush=True)


def table() -> None:
    """Each limiter, and what was got of it."""
    print("| the provider | even | 429s | uneven | 429s | busy | 429s |\n| --- |" + " ---: |" * 6)
    for name, make in ROWS.items():
        cells = []
        for how in ({}, UNEVEN, BUSY):
            seen = [least(make(), seed, how) for seed in (range(1, 5) if how else [1])]
            cells += [f"{min(got for got, _ in seen):.2f}", f"{max(share for _, share in seen):.1%}"]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    {"waits": glances, "chances": chances}.get("".join(sys.argv[1:]), table)()
