"""How many texts may be in flight, where the run finds that out: as many as bring more texts a second.

Lives here: a pure piece. What happened goes in, a number comes out; it has no clock. It decides nothing about the provider's
limit: where that binds, the room there is is not used, and then nothing is tried.
"""

from __future__ import annotations

START = 64
"""Where it begins: the usual concurrency."""
BOUND = 256
"""How far it goes, unless more was asked for. Whatever is in flight when a process dies is in doubt."""

_BY = 1.5
_SPAN = 2.0
"""Seconds that a rate is taken over, at least."""
_ROUNDS, _LONGEST_SPAN = 5.0, 60.0
"""A rate is taken over so many rounds, too: each that is in flight is answered so often. But not for longer than that."""
_FULL = 0.85
"""The room is used if so much of it is, on average: between an answer and the next text there is a moment."""
_WORTH = 0.3
"""Half as much again in flight is kept if it brings at least this share of half as many texts again."""
_REST, _LONGEST_REST = 60.0, 960.0
"""Seconds until more is tried again where more has not helped; twice as many each time."""


class Growing:
    """`most` may be in flight now, never more than `bound`."""

    def __init__(self, bound: int, start: int = START) -> None:
        self.bound = bound
        self.most = min(start, bound)
        self._began: float | None = None
        self._sent = self._looks = 0
        self._filled = 0.0
        self._before: tuple[int, float] | None = None
        """How many were in flight before the last step up, and the texts a second that they brought."""
        self._rest = _REST
        self._rests_until = 0.0

    def sent(self) -> None:
        """A text was accepted."""
        self._sent += 1

    def look(self, now: float, in_flight: int) -> bool:
        """Many times a second: so many are in flight. Whether `most` has changed."""
        if self._began is None:
            self._begin(now)
            return False
        self._looks += 1
        self._filled += in_flight
        seconds, filled = now - self._began, self._filled / self._looks
        rate = self._sent / seconds if seconds else 0.0
        if seconds < _SPAN or rate * seconds < min(_ROUNDS * filled, rate * _LONGEST_SPAN):
            return False
        is_full = filled >= _FULL * self.most
        self._begin(now)
        if not is_full:
            return False
        most = self.most
        if self._before is not None:
            self._weigh(*self._before, rate, now)
        elif now >= self._rests_until:
            self._try(rate)
        return self.most != most

    def _begin(self, now: float) -> None:
        self._began = now
        self._sent = self._looks = 0
        self._filled = 0.0

    def _try(self, rate: float) -> None:
        more = min(self.bound, int(self.most * _BY))
        if more > self.most:
            self._before = self.most, rate
            self.most = more

    def _weigh(self, most: int, before: float, rate: float, now: float) -> None:
        """Whether the last step up was worth it."""
        self._before = None
        if rate >= before * (1.0 + _WORTH * (self.most / most - 1.0)):
            self._rest = _REST
            self._try(rate)
            return
        self.most = most
        self._rests_until = now + self._rest
        self._rest = min(_LONGEST_REST, 2.0 * self._rest)
