"""What a "not now" without a time means for the text that met it: a wait of its own, while the others go on.

Lives here: how often each text has met it, for how long it waits, and how much longer than needed. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from rumbleup_async.retry import Policy

_LITTLE = 0.5
"""Seconds that are added at most to a long wait that was asked for, and as much again by chance."""


class _Tries(NamedTuple):
    number: int
    """Attempts of this text in this run."""
    accepted: int
    """How many texts the provider had taken when the first of them was throttled."""


class Throttles:
    """Counts the attempts of texts that are given back for a while."""

    def __init__(self, policy: Policy, jitter: Callable[[], float], *, puts_off: bool) -> None:
        self.policy = policy
        self._jitter = jitter
        self.puts_off = puts_off
        """Such a text goes back to the queue with a due time. Else it keeps its worker while it waits."""
        self._tries: dict[int, _Tries] = {}
        self.accepted = 0
        """Texts that the provider has taken."""

    def __bool__(self) -> bool:
        return bool(self._tries)

    def before(self, row: int) -> int:
        """Attempts of the text of this row before it was given back."""
        return self._tries[row].number if row in self._tries else 0

    def met(self, row: int, attempts: int) -> float:
        """The text of this row was throttled at its attempt of this number. Seconds that it waits."""
        first = self._tries.get(row)
        self._tries[row] = _Tries(attempts, self.accepted if first is None else first.accepted)
        return self.drawn_out(self.policy.throttle_wait(attempts))

    def drawn_out(self, seconds: float) -> float:
        """A pause of our own choice, a little longer by chance: what was interrupted together shall not come back together."""
        return seconds * (1.0 + 0.25 * self._jitter())

    def beyond(self, seconds: float) -> float:
        """A wait that was asked for, and a little more: clocks differ, and many may have been told."""
        return seconds + min(_LITTLE, 0.02 * seconds) * (1.0 + self._jitter()) + 0.01

    def is_alone(self, row: int) -> bool:
        """Whether other texts got through since this one was throttled first."""
        return row in self._tries and self.accepted > self._tries[row].accepted

    def done(self, row: int) -> None:
        """The text of this row is given back for another reason, or is done."""
        self._tries.pop(row, None)
