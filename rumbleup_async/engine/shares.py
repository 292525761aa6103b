"""A part of the provider's limit: what one of several machines goes by, where all of them together meet it.

Lives here: what is learned, and how it is divided anew when somebody comes or goes. Pure. Each machine learns its own part by
what its own texts are answered. The sum of the parts stays near the limit: whoever comes takes an equal part, the others keep so
much less, and the part of somebody who goes is divided among those who stay.
"""

from __future__ import annotations

from rumbleup_async.engine.cycles import Cycle
from rumbleup_async.engine.learning import Learning

_LEAST = 0.05
_STEP = 0.005


class Part(Learning):
    """Fits `engine.pace.Learner`."""

    def go_by(self, limit: float, now: float) -> None:
        """From now on this is our part of the limit, in texts a second."""
        self.rate = self.limit = max(_LEAST, limit)
        self._test = self._climb = self._row = None
        self._surplus = self._clean = 0.0
        self._step = _STEP
        if not self._cycle.seen:
            self._cycle = Cycle(now)
        self._begin(max(now, self.until))
