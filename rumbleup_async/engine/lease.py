"""How long an owner of the ledger may send: only while its lease surely lasts.

Lives here: the clock, and the end of the lease. A ledger that nobody else can write in grants a lease without end. One that
several machines share grants some seconds from each step on; whoever does not come in time is taken for dead, and its texts
for unknown. So nothing may leave once the lease may have ended.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from rumbleup_async.messaging import Text

_MARGIN = 0.1
"""This part of a lease is not used, because a text needs some time from here to the wire."""

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def boot_time() -> float:
    """Seconds on a clock that nobody can set and that counts on while the machine sleeps, the same in every process."""
    return time.clock_gettime(_CLOCK)


class Lease:
    """A lease of `seconds`, from each step on. `until`: its end on `clock`, a little early."""

    def __init__(self, seconds: float, clock: Callable[[], float] = boot_time) -> None:
        self._seconds = seconds * (1.0 - _MARGIN)
        self._clock = clock
        self.until = math.inf if seconds == math.inf else -math.inf

    @property
    def is_endless(self) -> bool:
        """Nothing but death ends it."""
        return self._seconds == math.inf

    @property
    def pulse(self) -> float | None:
        """Seconds after which it is time for a step, even if nobody asks for one; None if there is no need."""
        return None if self.is_endless else self._seconds / 3

    def now(self) -> float:
        """The moment from which a step that begins now renews it."""
        return 0.0 if self.is_endless else self._clock()

    def renewed(self, began: float) -> None:
        """A step that began then is on the disk."""
        if not self.is_endless:
            self.until = began + self._seconds

    @property
    def has_ended(self) -> bool:
        """Whether another may have taken over by now."""
        return not self.is_endless and self._clock() >= self.until

    def lasts(self, text: Text) -> bool:  # noqa: ARG002 - it is one lease for all texts of an owner
        """Whether a text may still leave."""
        return self._clock() < self.until


def for_ever(text: Text) -> bool:  # noqa: ARG001
    """The lease of a ledger that only this process writes in: every queued text is ours."""
    return True
