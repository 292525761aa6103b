"""What can happen to a connection, and who decides it: a script or a seed."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

KINDS = {
    "pass": "nothing",
    "delay": "every piece is passed on `pause` seconds late",
    "drop": "after `after` bytes of one side both are closed (FIN)",
    "reset": "after `after` bytes of one side both are reset (RST)",
    "half-close": "after `after` bytes of one side the other side is told that no more comes; what it says is still passed on",
    "black-hole": "after `after` bytes of one side nothing of either is passed on any more, and nothing is closed",
    "refuse": "the connection is reset, and for `pause` seconds nobody listens",
    "throttle": "`speed` bytes a second of one side",
    "split": "every byte of either side is a segment of its own",
}
UP, DOWN = "up", "down"
"""From the client to the server, and back."""

HARMLESS = frozenset({"pass", "delay", "throttle", "split"})
"""Kinds that never cut a connection."""


@dataclass(frozen=True)
class Fault:
    """What happens to one connection, after `after` bytes of the direction were passed on."""

    kind: str = "pass"
    direction: str = UP
    after: int = 0
    pause: float = 0.05
    speed: float = 2000.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS or self.direction not in {UP, DOWN}:
            raise ValueError(f"{self.kind} {self.direction}: the kinds are {', '.join(KINDS)}, the directions {UP} and {DOWN}")


Choice = Callable[[int], Fault]
"""The fault of the nth connection, from 0."""


def script(faults: Sequence[Fault], then: Fault | None = None) -> Choice:
    """These faults for the first connections, and `then`, or no fault, for all later ones."""
    return lambda number: faults[number] if number < len(faults) else then or Fault()


def seeded(
    seed: object, *, share: float = 1.0, kinds: Sequence[str] = tuple(KINDS), most: int = 4000, slowest: float = 500.0
) -> Choice:
    """Faults for this share of the connections, chosen by seed and number.

    A fault that cuts a connection does so within `most` bytes. A throttled side carries `slowest` bytes a second, or ten
    times as many.
    """

    def choose(number: int) -> Fault:
        chance = random.Random(f"{seed}/{number}")
        if chance.random() >= share:
            return Fault()
        return Fault(
            chance.choice(kinds),
            chance.choice((UP, DOWN)),
            0 if chance.random() < 0.1 else chance.randrange(most),
            chance.uniform(0.001, 0.1),
            chance.choice((slowest, 10 * slowest)),
        )

    return choose
