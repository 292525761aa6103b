"""The first texts of a run leave one by one, not by volleys.

Lives here: a pure piece. What was accepted goes in, a rate comes out. May import nothing of ours.

The number in flight doubles with each round of answers. Left to itself each round leaves at one moment, and a limiter that says
"not now" to a volley shows nothing of its limit: of thirty texts at once it takes what its burst bears. Spread over the round
they show it: what it takes between the first "not now" and its being seen is the limit.
"""

from __future__ import annotations

_GAIN = 1.25
"""Texts a second, over texts accepted so far by an answer's time: so many that the number in flight can double each round."""
_ENOUGH = 1_000.0
"""Texts a second from which on nothing is spread any more: the event loop wakes too seldom for it."""


class Ramp:
    """`rate`: texts a second that may leave; None once the beginning is over, and before the first answer, to one text alone."""

    def __init__(self) -> None:
        self.rate: float | None = None
        self.is_over = False
        self._accepted = 1
        self._latency = 0.0

    def accepted(self, seconds: float) -> None:
        """A text was taken; its answer took so long."""
        self._accepted += 1
        self._latency = seconds if self._accepted == 2 else self._latency + 0.1 * (seconds - self._latency)
        self.rate = _GAIN * self._accepted / max(self._latency, 1e-6)
        if self.rate >= _ENOUGH:
            self.end()

    def end(self) -> None:
        """The provider has said "not now", or takes texts as fast as they come."""
        self.rate, self.is_over = None, True
