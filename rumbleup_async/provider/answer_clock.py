"""Whether this machine's clock is right, by the time that the provider's answers say it is.

Lives here: the comparison. No I/O.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable

from rumbleup_async.session.exchange import Response
from rumbleup_async.stops import Cause, Stop

ALLOWED = 60.0
"""Seconds that the two clocks may be apart."""

_EVERY = 1.0
"""Seconds between two looks: to read the headers of each answer takes longer than all else that is done for a text."""


class AnswerClock:
    """Compares the clocks of a run with the `Date` of its answers, once it is told to `watch`."""

    def __init__(self) -> None:
        self._wall_clock: Callable[[], float] = time.time
        self._off: Callable[[Stop], None] | None = None
        self._due = 0.0

    def watch(self, wall_clock: Callable[[], float], off: Callable[[Stop], None]) -> None:
        """From now on compare; `off` is told if the clocks are apart. `wall_clock`: what the run takes for the time."""
        self._wall_clock, self._off = wall_clock, off

    def begins(self) -> float:
        """The moment of a request, as `see` wants it."""
        return 0.0 if self._off is None else time.monotonic()

    def see(self, response: Response, began: float) -> None:
        """An answer to a request that `began` then has come. What a gateway says with an error counts for nothing."""
        if self._off is None or not 200 <= response.status < 300:
            return
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + _EVERY
        said = _read(response.headers.get("Date"))
        if said is None:
            return
        ours = self._wall_clock()
        # It was said at some time between the request and the answer.
        ahead, behind = ours - (now - began) - said, said - ours
        if max(ahead, behind) > ALLOWED:
            seconds = max(ahead, behind)
            which = "ahead of" if ahead > behind else "behind"
            self._off(
                Stop(
                    Cause.CLOCK_OFF,
                    f"this machine's clock is {seconds:,.0f} seconds {which} the provider's, and nobody knows whose hours it is; "
                    "set it, then resume",
                )
            )


def _read(date: str | None) -> float | None:
    """The moment that a Date header says, in Unix seconds; None if it says none."""
    import email.utils  # a run that keeps no hours needs none of it

    try:
        found = email.utils.parsedate_to_datetime(date or "")
    except (ValueError, TypeError):
        return None
    return (found if found.tzinfo is not None else found.replace(tzinfo=dt.UTC)).timestamp()
