"""Published faults about a small part that goes first, built into our code: see `museum`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from rumbleup_async.engine.canary import Canary
from rumbleup_async.ledger import trial
from rumbleup_async.messaging import State
from tests.prove.exhibit import Exhibit

_open = Canary.open


def _first_rows() -> list[Any]:
    def sample(rows: Sequence[int], number: int) -> Sequence[int]:
        return rows[:number]

    return [patch.object(trial, "random", SimpleNamespace(Random=lambda seed: SimpleNamespace(sample=sample)))]


def _on_while_watched() -> list[Any]:
    async def opened(self: Canary, want: int, now: float, shut: Mapping[int, float]) -> int:
        return want if self.standing.stage == "watching" else await _open(self, want, now, shut)

    return [patch.object(Canary, "open", opened)]


def _accepted_are_counted() -> list[Any]:
    def room(self: Canary) -> int:
        return max(0, self.asked.number - self._counts()[State.SENT])

    return [patch.object(Canary, "room", property(room))]


def _exhibit(name: str, seen_in: str, patches: Callable[[], list[Any]], rule: str) -> Exhibit:
    return Exhibit(name, seen_in, patches, rule, of="canary")


EXHIBITS: tuple[Exhibit, ...] = (
    _exhibit("a canary is the beginning of the list", "tools that send a first batch", _first_rows, "NOT BY LOT"),
    _exhibit("the rest goes while the canary is watched", "staged sends by a timer", _on_while_watched, "BEYOND THE CANARY"),
    _exhibit("of a canary only accepted texts count", "limits that count receipts", _accepted_are_counted, "BEYOND THE CANARY"),
)
