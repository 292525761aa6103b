"""The door: every text passes it at the claim, and once more just before the wire.

Lives here: asking the rules one after the other. A rule is anything with `admit(text, now)`; see `Rule`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from rumbleup_async.admission import GO, Go, Verdict, Wait
from rumbleup_async.messaging import Text
from rumbleup_async.reasons import Code, Reason

_NONE_SHUT: Mapping[int, float] = {}


class Rule(Protocol):
    """One rule. It may look something up; it must not send."""

    async def admit(self, text: Text, now: float) -> Verdict:
        """Whether `text` may leave at `now`, in Unix seconds."""


class Door:
    """Asks all rules; the first that does not say `Go` is the answer.

    A rule that raises stops the run: `failed` is told of the error, and the text waits.
    """

    def __init__(
        self,
        rules: Sequence[Rule] = (),
        failed: Callable[[Exception], None] | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._rules = tuple(rules)
        self._failed = failed
        self._wall_clock = wall_clock
        self.is_live = any(getattr(rule, "is_live", True) for rule in self._rules)
        """A rule may say something else later in the run."""
        self.is_open_to_all = not self._rules
        """There is no rule, so nobody need be asked about."""
        self.shut = _NONE_SHUT
        """When the present opening of each place ends, in Unix seconds. No rule of today knows places."""

    async def admit(self, text: Text) -> Verdict:
        """What the rules say of one text now."""
        now = self._wall_clock()
        for rule in self._rules:
            try:
                verdict = await rule.admit(text, now)
            except Exception as error:
                if self._failed is None:
                    raise
                self._failed(error)
                return Wait(now, Reason(Code.RULE_FAILED, type(error).__name__))
            if not isinstance(verdict, Go):
                return verdict
        return GO

    async def admit_all(self, texts: Sequence[Text]) -> list[Verdict]:
        """What they say of each of these."""
        return [await self.admit(text) for text in texts]


OPEN = Door()
"""The door without a rule."""
