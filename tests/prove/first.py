"""Worlds with a canary: a small part goes first, by lot, and as long as it has not done well nobody else is texted.

The checker counts whom a text may have reached whenever one leaves. Until the books say that the canary has passed, that is never
more than its number; and once they say that it has failed nothing leaves at all, in no process, until somebody takes it off.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

from rumbleup_async.runs.run import Run
from rumbleup_async.stops import Cause
from tests.prove.storage import Simulated
from tests.prove.world import World

PASSED, FAILED, LIFTED = "a canary that did well", "a canary that failed", "a canary taken off"
KINDS: Final = (PASSED, FAILED, LIFTED)
"""What can happen here, besides what meets all worlds."""

_REACHED: Final = frozenset({"sent", "refused", "unknown", "intent"})
_ENOUGH: Final = 5
"""Texts of which it can be said whether they were drawn by lot."""


class CanaryWorld(World):
    """Drawn from `seed`, about `size` texts."""

    def __init__(
        self, seed: int, size: int, trace: Callable[[str], None] | None = None, *, concurrent: bool | None = False
    ) -> None:
        draw = random.Random(seed ^ 0xCA11A)
        super().__init__(seed, size, trace, concurrent=concurrent)
        self.draw = draw
        self.befalls.is_off = True
        self.limits = False
        self.feed = draw.choice(("iterable", "async iterable"))
        if not isinstance(self.storage, Simulated):
            self.storage.close()
            self.storage = Simulated(self.wall)
            self.is_on_files = False
            self.provider.is_open = self.storage.is_open
        self.number = draw.choice((1, 3, 6, 10))
        self.wait = draw.choice((0.0, 1.0, 900.0))
        self.is_lifted = False
        """Somebody has taken the canary off."""

    def more_given(self, *, is_told: bool) -> dict[str, Any]:
        if self.is_lifted:
            return {"canary": False}
        rules = ["unknown>30%", "refused>30%"]
        return {} if is_told else {"canary": {"number": self.number, "wait": self.wait}, "abort_if": rules, "unknown_limit": 1.0}

    def _stage(self) -> str:
        assert isinstance(self.storage, Simulated)
        standing = self.storage.disk.kept.options.get("canary_now") or {}
        return str(standing.get("stage", ""))

    def _on_request(self, number: int) -> None:
        super()._on_request(number)
        if self.is_lifted or (stage := self._stage()) == "passed":
            return
        reached = [row for row, one in self.storage.kept().items() if one.state in _REACHED]
        if len(reached) > self.number:
            self.provider.wrongs.append(f"BEYOND THE CANARY: {len(reached)} of {self.number}, {stage}")
        elif stage != "going":
            self.provider.wrongs.append(f"BEYOND THE CANARY: a text left, and it is {stage or 'not begun'}")

    def _outcome(self, task: Any) -> bool:
        is_done = super()._outcome(task)
        stage = self._stage()
        reached = [row for row, one in self.storage.kept().items() if one.state in _REACHED]
        if (
            not self.is_lifted
            and stage in {"watching", "failed"}
            and _ENOUGH <= len(reached) <= self.number
            and len(self.people.planned) >= 3 * len(reached)
        ):
            first = [row for row, one in sorted(self.storage.kept().items()) if one.text is not None][: len(reached)]
            assert sorted(reached) != first, "NOT BY LOT: the canary is the beginning of the list"
        self.met[PASSED] += stage == "passed"
        stopped = self.run_._execution.stopped if isinstance(self.run_, Run) else None
        if stopped is not None and stopped.cause is Cause.CANARY_FAILED:
            self.met[FAILED] += 1
            if self.draw.random() < 0.6:
                self.is_lifted = True
                self.met[LIFTED] += 1
        return is_done
