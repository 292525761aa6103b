"""How far a run has come through its queue: the limit, what was put aside, what is in doubt, and the last round.

Lives here: counting. A run goes through its queue once, and then once more for those who were put aside for a cause that was not
their own: that is the last round.
"""

from __future__ import annotations

import math

from rumbleup_async.engine.doubts import DEFAULT, Doubts


class Rounds:
    """`limit`: texts that may be opened at most; None for no limit. `unknown_limit`: see `Doubts`."""

    def __init__(self, limit: int | None, unknown_limit: float = DEFAULT) -> None:
        self.left: float = math.inf if limit is None else limit
        """Texts that may still be opened in this round."""
        self.put_aside = 0
        """Texts queued again in this round: the round does not come to them any more."""
        self.put_off = 0
        """Texts queued again for another day: no round of this run comes to them."""
        self.is_last = False
        self.has_accepted = False
        """A text was accepted in this round."""
        self.is_proven = False
        """A text was accepted in this run."""
        self.is_paused = False
        """Somebody has asked that nothing leaves for the time being."""
        self.doubts = Doubts(unknown_limit)
        self._was_cut = False

    def is_cut(self, *, more: bool) -> bool:
        """Whether the limit ended the run before its list. `more`: there is somebody whom this round would still come to."""
        return self._was_cut if self.is_last else self.left <= 0 and more

    def begin_last(self, *, more: bool) -> None:
        """Begin the round for those who were put aside. They were counted when they were opened first."""
        self._was_cut = self.is_cut(more=more)
        self.left, self.put_aside = self.put_aside, 0
        self.is_last = True
        self.has_accepted = False
