"""A day of the carriers: caps are counted from midnight to midnight by the clocks of the Pacific coast.

Lives here: one such day, and how many segments have left in it. Which day it is at a moment is said by `rules.carrier_day`.
"""

from __future__ import annotations

import msgspec


class Day(msgspec.Struct):
    """`begins`, `ends`: midnights in Unix seconds. `resumes`: when whoever has used a day up may go on, an hour after its end:
    carriers may keep to standard time all year.

    `most`: segments that may leave in it; None for no bound. `used`: those that have left, may have, or are about to; whoever
    counts them keeps it up to date.
    """

    begins: int
    ends: int
    resumes: int
    most: int | None = None
    used: int = 0

    @property
    def left(self) -> int | None:
        """Segments that may still leave; None for no bound."""
        return None if self.most is None else max(0, self.most - self.used)
