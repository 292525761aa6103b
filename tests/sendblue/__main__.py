"""`python -m tests.sendblue`: what two Sendblue lines get of what each is let through. docs/decisions/pace.md has it.

*Doubled*: what a line did before it learned: the gap is doubled for each "not now", and taken back by 5 % with each text.
"""

import logging
from collections.abc import Callable

from rumbleup_async.sendblue import lines
from rumbleup_async.sendblue.line import LinePace
from tests.engine.limiters import Bucket, Limiter, Windows
from tests.sendblue.test_line_pace import NUMBERS, Provider, played

_SECONDS, _BEGINS = 120.0, 20.0


class Doubled(LinePace):
    """The former rule, for comparison."""

    def __init__(self) -> None:
        super().__init__()
        self.doubled = 0.0

    def gap(self, least: float) -> float:
        return max(least, self.doubled)

    def accepted(self, left: float, now: float) -> None:
        self.doubled *= 0.95

    def not_now(self, left: float, now: float, after: float | None, least: float) -> None:
        self.doubled = min(60.0, max(2.0 * self.gap(least), 0.1))
        self.rests_until = max(self.rests_until, now + max(self.doubled, after or 0.0))


ROWS: dict[str, tuple[Callable[[float], Limiter], float]] = {
    "0.8/s, sent to once a second": (lambda now: Bucket(0.8, 5, now=now), 1.0),
    "5/s, asked for 10/s": (lambda now: Bucket(5, 5, now=now), 10.0),
    "5/s, asked for 10/s, `Retry-After: 1`": (lambda now: Bucket(5, 5, 1.0, now=now), 10.0),
    "5/s, asked for 10/s, `Retry-After: 5`": (lambda now: Bucket(5, 5, 5.0, now=now), 10.0),
    "20 in 10 s, asked for 10/s, `Retry-After` to the end": (lambda now: Windows(20, 10, -now), 10.0),
}

if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    print("| a line is let through | doubled | 429s | learned | 429s |\n| --- |" + " ---: |" * 4)
    for name, (make, asked) in ROWS.items():
        cells = []
        for kind in (Doubled, LinePace):
            lines.LinePace = kind  # type: ignore[attr-defined]
            provider = Provider(make)
            played(provider, 2, asked, _SECONDS)
            allowed = make(0.0).allows(_BEGINS, _SECONDS)
            got = min(provider.between(line, _BEGINS, _SECONDS) / allowed for line in NUMBERS[:2])
            cells += [f"{got:.2f}", f"{provider.share:.1%}"]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
