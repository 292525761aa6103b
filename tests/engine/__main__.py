"""`python -m tests.engine`: what is got of each limiter on virtual time, the worst of some runs. docs/decisions/pace.md has it.

*Even*: every answer takes 100 ms. *Uneven*: texts arrive and answers are read up to 2 ms later, and answers differ by 2 %.
*Busy*: in each half second the sender does nothing for 80 ms besides.
"""

from tests.engine.limiters import AtOnce, Bucket, Limiter, Share, Windows, play
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


if __name__ == "__main__":
    print("| the provider | even | 429s | uneven | 429s | busy | 429s |\n| --- |" + " ---: |" * 6)
    for name, make in ROWS.items():
        cells = []
        for how in ({}, UNEVEN, BUSY):
            seen = [least(make(), seed, how) for seed in (range(1, 5) if how else [1])]
            cells += [f"{min(got for got, _ in seen):.2f}", f"{max(share for _, share in seen):.1%}"]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
