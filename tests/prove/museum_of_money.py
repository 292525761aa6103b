"""Published faults about money and pauses, built into our code: see `museum`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from unittest.mock import patch

from rumbleup_async.engine.bookkeeper import Bookkeeper
from rumbleup_async.engine.budget import Budget
from rumbleup_async.engine.entries import Entry
from rumbleup_async.ledger.spending import Remembered
from rumbleup_async.messaging import Closed, State, Text
from rumbleup_async.money import Money
from rumbleup_async.runs.steering import Wheel
from tests.prove.exhibit import Exhibit

_opened = Budget.opened
_closed = Budget.closed
_room = Budget.room


def _counted_after_the_answer() -> list[Any]:
    def opened(self: Budget, texts: Sequence[Text]) -> None:
        self.open += len(texts)

    def closed(self: Budget, done: Sequence[Closed], entries: Mapping[int, Entry]) -> None:
        texts = [entries[close.row].text for close in done]
        _opened(self, texts)
        self.open -= len(texts)
        _closed(self, done, entries)

    return [patch.object(Budget, "opened", opened), patch.object(Budget, "closed", closed)]


def _one_segment_each() -> list[Any]:
    def opened(self: Budget, texts: Sequence[Text]) -> None:
        self.open += len(texts)
        self._segments += len(texts)

    def closed(self: Budget, done: Sequence[Closed], entries: Mapping[int, Entry]) -> None:
        self._segments += sum(entries[close.row].text.segments - 1 for close in done if close.state is not State.UNKNOWN)
        _closed(self, done, entries)

    def room(self: Budget, want: int) -> int:
        self._most = 1
        return _room(self, want)

    return [patch.object(Budget, "opened", opened), patch.object(Budget, "closed", closed), patch.object(Budget, "room", room)]


def _unknown_is_paid_back() -> list[Any]:
    def closed(self: Budget, done: Sequence[Closed], entries: Mapping[int, Entry]) -> None:
        _closed(self, done, entries)
        self._segments -= sum(entries[close.row].text.segments for close in done if close.state is State.UNKNOWN)

    return [patch.object(Budget, "closed", closed)]


def _whole_again() -> list[Any]:
    async def known(self: Remembered) -> Money:
        self._is_kept = True
        return Money(most=10)

    return [patch.object(Remembered, "known", known)]


def _the_price_that_was_said() -> list[Any]:
    return [patch.object(Budget, "_price", property(lambda self: self._given))]


def _queue_runs_out() -> list[Any]:
    def pause(self: Bookkeeper, began: int) -> None:
        # Nobody asks for more; what is at hand leaves.
        self.rounds.is_paused = True

    return [patch.object(Bookkeeper, "pause", pause)]


def _over_by_a_restart() -> list[Any]:
    async def may_not_begin(self: Wheel) -> None:
        return None

    def held(self: Wheel, began: int) -> None:
        if self._execution.engine is not None and self._execution.engine.books.rounds.is_proven:
            _hold(self, began)

    return [patch.object(Wheel, "may_not_begin", may_not_begin), patch.object(Wheel, "_hold", held)]


def _seldom_looked_for() -> list[Any]:
    return [patch("rumbleup_async.runs.steering._LOOK_EVERY", 15.0)]


_hold: Callable[[Wheel, int], None] = Wheel._hold

_BUDGET, _PAUSE = "BEYOND THE BUDGET", "LEFT WHILE PAUSED"


def _exhibit(name: str, seen_in: str, patches: Callable[[], list[Any]], rule: str) -> Exhibit:
    return Exhibit(name, seen_in, patches, rule, of="money")


EXHIBITS: tuple[Exhibit, ...] = (
    _exhibit("what a text costs is counted after its answer", "tools with a spend limit", _counted_after_the_answer, _BUDGET),
    _exhibit("each text costs one segment", "price calculators of campaign tools", _one_segment_each, _BUDGET),
    _exhibit("what is unknown costs nothing", "spend limits that add up receipts", _unknown_is_paid_back, _BUDGET),
    _exhibit("a resume has the whole budget again", "limits kept in memory", _whole_again, _BUDGET),
    _exhibit("the price that was said holds", "budgets by a price list", _the_price_that_was_said, _BUDGET),
    _exhibit("a pause lets the queue run out", "job queues that are paused at their producer", _queue_runs_out, _PAUSE),
    _exhibit("a restart ends the pause", "senders that keep it in memory", _over_by_a_restart, _PAUSE),
    _exhibit("others are heard now and then", "cron jobs that look for a flag file", _seldom_looked_for, _PAUSE),
)
