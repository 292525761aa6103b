"""The door: every text passes it at the claim, and once more just before the wire.

Lives here: asking the rules one after the other. A rule is anything with `admit(text, now)`; see `Rule`.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from rumbleup_async.admission import GO, Go, Never, Verdict, Wait
from rumbleup_async.messaging import State, Text
from rumbleup_async.reasons import Code, Reason

_PAUSE = 0.1
"""Seconds after which whoever waits is asked about again at the earliest."""


class Rule(Protocol):
    """One rule. It may look something up; it must not send."""

    async def admit(self, text: Text, now: float) -> Verdict:
        """Whether `text` may leave at `now`, in Unix seconds."""


class Door:
    """Asks all rules; the first that does not say `Go` is the answer.

    A rule that raises, is cancelled, or answers what is no verdict stops the run: `failed` is told of the error, and the text
    waits.
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
        self.looks_up = any(getattr(rule, "looks_up", True) for rule in self._rules)
        """A rule may have to wait for the answer of somebody else."""
        self.is_open_to_all = not self._rules
        """There is no rule, so nobody need be asked about."""

    async def admit(self, text: Text) -> Verdict:
        """What the rules say of one text now."""
        now = self._wall_clock()
        for rule in self._rules:
            try:
                verdict = _checked(await rule.admit(text, now))
            except asyncio.CancelledError:
                if _is_cancelled():
                    raise
                # Whatever the rule waits for was cancelled, and not whoever asks it.
                return self._fails(RuntimeError("a rule was cancelled"), now)
            except Exception as error:  # noqa: BLE001 - the caller's own rule may fail; run() raises it again
                return self._fails(error, now)
            match verdict:
                case Wait(until=until, why=why):
                    # One that says "ask again at once" is not asked without a pause.
                    return Wait(max(until, now + _PAUSE), why)
                case Never():
                    return verdict
        return GO

    def _fails(self, error: Exception, now: float) -> Verdict:
        if self._failed is None:
            raise error
        self._failed(error)
        return Wait(now, Reason(Code.RULE_FAILED, type(error).__name__))

    async def admit_all(self, texts: Sequence[Text]) -> list[Verdict]:
        """What they say of each of these. Where they look it up, all are looked up at the same time."""
        if self.looks_up and len(texts) > 1:
            return await asyncio.gather(*map(self.admit, texts))
        return [await self.admit(text) for text in texts]


def _checked(verdict: object) -> Verdict:
    if isinstance(verdict, Wait) and not math.isfinite(verdict.until):
        raise ValueError(
            f"a rule must say until when a text waits, not {verdict.until}; Never() is for a text that does not leave"
        )
    if isinstance(verdict, Never) and verdict.state not in (State.NOT_SENT, State.SKIPPED):
        raise ValueError(f"a contact that a rule turns away cannot become {verdict.state}")
    if not isinstance(verdict, (Go, Wait, Never)):
        raise TypeError(f"a rule answers Go, Wait or Never, not {type(verdict).__name__}")
    return verdict


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


OPEN = Door()
"""The door without a rule."""
