"""How long a look into the provider's log lets a contact be texted again that was absent from it.

Lives here: no I/O.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

FRESH = 900.0
"""Seconds from a look that found a text absent until it must be looked up anew before it is sent again: the log may have shown it
since."""


class Looks:
    """When the contacts that are queued again were last looked up, by this process."""

    def __init__(self, wall_clock: Callable[[], float] | None = None) -> None:
        self._wall = wall_clock
        self._at: dict[int, tuple[float, float]] = {}

    def note(self, rows: Iterable[int]) -> None:
        """These were looked up now."""
        now = self._now()
        self._at.update((row, now) for row in rows)

    def is_stale(self, row: int) -> bool:
        """Whether a contact was looked up too long ago; False for one that was never absent."""
        if row not in self._at:
            return False
        # Neither clock is enough: one stands still while the machine sleeps, the other may be set.
        return any(not -1.0 < now - then <= FRESH for now, then in zip(self._now(), self._at[row], strict=True))

    def forget(self) -> None:
        self._at.clear()

    def _now(self) -> tuple[float, float]:
        return time.monotonic(), time.time() if self._wall is None else self._wall()
