"""Why nothing leaves at this moment, and for how long: for whoever looks at a run under way.

Lives here: an observer, and what it is asked.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence

from rumbleup_async.engine.bookkeeper import Bookkeeper
from rumbleup_async.messaging import Result
from rumbleup_async.rules.carrier_day import told
from rumbleup_async.runs.setup import Setup


class Holding:
    """Notes why texts are held. `books`: those of the engine, once there is one."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._told = ""
        self.books: Bookkeeper | None = None

    def results(self, results: Sequence[Result]) -> None: ...

    def held(self, seconds: float, reason: str) -> None:  # noqa: ARG002
        """As `engine.ports.Observer`."""
        self._told = reason

    @property
    def remaining(self) -> float:
        """Seconds until texts may leave again; 0 if nothing holds."""
        return max(0.0, self._setup.pace.hold.remaining, self._night)

    @property
    def why(self) -> str:
        """Why texts are held, or were held last."""
        hours, books, cap = self._setup.hours, self.books, self._setup.allowance.cap
        canary = self._setup.canary
        if canary is not None and canary.standing.stage == "watching" and self._night > 0:
            return f"the canary is watched until {dt.datetime.fromtimestamp(canary.standing.until, dt.UTC).astimezone():%H:%M:%S}"
        if cap is not None and (until := cap.waits_until(self._setup.clock())) is not None:
            return f"the day's cap is used up until {told(until)}"
        if hours is None or books is None or self._night <= self._setup.pace.hold.remaining:
            return self._told
        return hours.nobody_until(books.waits_until)

    @property
    def _night(self) -> float:
        """Seconds until somebody may be texted, while the run waits for that."""
        hours = self._setup.hours
        return 0.0 if self.books is None else self.books.waits_until - (time.time() if hours is None else hours.clock())
