"""When answers that leave people in doubt are more than bad luck.

Lives here: a count over outcomes; pure. Throttling is another matter and has a piece of its own: `learning`.
"""

from __future__ import annotations

import math

_LEAST = 3
"""Texts in a row without a certain answer before a run treads more softly, where such answers are rare."""
_MOST = 12
_RARE = 1e-6
"""A row that comes by chance once in a million texts is not taken for trouble."""
_MEMORY = 200.0
"""Texts over which it is learned how many are in doubt anyway."""


class Trouble:
    """Knows the share of texts that are in doubt whatever the run does: one node of many is ill, a balancer cuts one connection
    in twenty. Only a row that is too long for that share means that the provider is in trouble."""

    def __init__(self) -> None:
        self.share = 0.0
        self.row = _LEAST
        """So many failures in a row are trouble."""

    def see(self, *, is_doubt: bool) -> None:
        """A text is done; is it in doubt?"""
        share = self.share = self.share + (is_doubt - self.share) / _MEMORY
        if is_doubt or self.row > _LEAST:
            self.row = _LEAST if share < 0.01 else min(_MOST, max(_LEAST, math.ceil(math.log(_RARE) / math.log(share))))
