"""The provider's locks on contacts that it has handed out to us: from when on each is surely ours, and until when.

Lives here: the times. A lock is a lease that the provider grants; drawing the contact again extends it.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import math
import time
from collections.abc import Callable

import msgspec

from rumbleup_async.errors import ConfigurationError

MARGIN = 10.0
"""Seconds waited beyond the end of a lock, for clocks and rounding."""


class Locks(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds. `held`: how long the provider keeps a contact for whoever drew it (about five minutes: message/next's
    reference page).

    `send_within`: a contact is sent only so long after its draw was begun. `patience`: how long "none this time" is asked again
    without any contact coming before it counts as the end. `wait`: whether to stay until contacts whose draw was lost have
    come back.
    """

    held: float = 300.0
    send_within: float = 240.0
    patience: float = 60.0
    wait: bool = False

    def check(self) -> None:
        """ConfigurationError for times that would let a contact be texted after its lock has ended."""
        if not (0 < self.send_within <= self.held < math.inf and 0 <= self.patience < math.inf):
            raise ConfigurationError("locks: send_within must be more than 0 and at most held, patience 0 or more, all finite")


class HeldLocks:
    """When the draw of each contact was begun: its lock is surely ours from then on.

    Two clocks are read, and the later one counts: the loop's clock stands still while the machine sleeps, and somebody may set
    the wall clock back.
    """

    def __init__(self, locks: Locks, wall_clock: Callable[[], float] = time.time) -> None:
        locks.check()
        self.locks = locks
        self._wall_clock = wall_clock
        self._begun: dict[str, tuple[float, float]] = {}
        self.lost = 0
        """Draws whose answers were lost: each may have locked a contact for nobody."""
        self.lost_at = -math.inf
        self.lost_until: dt.datetime | None = None
        """When the last of the contacts locked for nobody comes back."""

    def now(self) -> tuple[float, float]:
        """The moment at which a draw begins."""
        return loop_time(), self._wall_clock()

    def begin(self, phone: str, at: tuple[float, float]) -> bool:
        """A contact was drawn by a draw that began then. Whether it had been drawn before."""
        was_known = self._begun.pop(phone, None) is not None
        self._begun[phone] = at
        self._forget(at[0] - 2 * self.locks.held)
        return was_known

    def is_late(self, phone: str) -> bool:
        """Whether the lock may have ended: then the contact may be somebody else's by now."""
        begun = self._begun.get(phone)
        if begun is None:
            return True
        return max(loop_time() - begun[0], self._wall_clock() - begun[1]) > self.locks.send_within

    def ends_at(self, phone: str) -> dt.datetime | None:
        """When the lock of a contact ends; None for one that was not drawn."""
        begun = self._begun.get(phone)
        return None if begun is None else self._at(begun[0] + self.locks.held)

    def lose(self) -> None:
        """The answer to a draw was lost. The lock of whoever it named may have begun as late as now."""
        self.lost += 1
        self.lost_at = loop_time()
        self.lost_until = self._at(self.lost_at + self.locks.held)

    def _forget(self, before: float) -> None:
        """Drop what is too old to be of use, so that memory does not grow with the project."""
        while (oldest := next(iter(self._begun))) and self._begun[oldest][0] < before:
            del self._begun[oldest]

    def _at(self, at: float) -> dt.datetime:
        seconds = at - loop_time()
        return dt.datetime.fromtimestamp(self._wall_clock() + seconds, dt.UTC)


def loop_time() -> float:
    """Seconds on the running loop's clock."""
    return asyncio.get_running_loop().time()
