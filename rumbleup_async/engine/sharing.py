"""Among how many processes the rate of a run is shared.

Lives here: a number, and who is told of it.
"""

from __future__ import annotations

from collections.abc import Callable


def _alone(number: int) -> None:
    """Nobody shares a rate."""


class Sharing:
    """The processes that send a run, as its ledger tells with each step. `told`: is told whenever there are more or fewer."""

    def __init__(self) -> None:
        self.told: Callable[[int], None] = _alone
        self.was_shared = False
        """More than one process has sent it at some time."""
        self._number = 1

    def heard(self, number: int) -> None:
        """There are so many now."""
        self.was_shared = self.was_shared or number > 1
        if number != self._number:
            self._number = number
            self.told(number)
