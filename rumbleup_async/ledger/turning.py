"""What the rules have said of the texts that a step could open.

Lives here: values. What becomes of them is written with the step.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from rumbleup_async.admission import Go, Never, Verdict, Wait
from rumbleup_async.ledger import states
from rumbleup_async.ledger.closing import storable_reason
from rumbleup_async.messaging import Result, Text
from rumbleup_async.reasons import Reason

ASKED_AT_MOST = 1000
"""Texts that one step has the rules turn away before it ends."""


class Turned(msgspec.Struct):
    """What a step does besides to those of whom the rules have said that they do not leave now."""

    go: list[Text]
    waits: list[tuple[int, float, Reason]] = []
    """Row, until when, and why."""
    nevers: list[Result] = []
    texts: list[Text] = []
    """All of whom the rules were asked."""

    @property
    def number(self) -> int:
        """How many were turned away."""
        return len(self.waits) + len(self.nevers)

    def sort(self, texts: Sequence[Text], verdicts: Sequence[Verdict]) -> None:
        """Take in the verdicts on these texts."""
        for text, verdict in zip(texts, verdicts, strict=True):
            match verdict:
                case Go():
                    self.go.append(text)
                case Wait(until=until, why=why):
                    self.waits.append((text.row, until, storable_reason(why)))
                case Never(why=why, state=state):
                    states.check_turned_away(state)
                    self.nevers.append(Result(text.row, text.phone, state, storable_reason(why), "", text.attempts))
