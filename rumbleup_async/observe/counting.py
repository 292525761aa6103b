"""Counting the contacts of a ledger by state and reason, a moment at a time: a look must never take as long as all of them do.

Lives here: how far the counting has come, and what the last whole one has found.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from rumbleup_async.ledger import marks
from rumbleup_async.ledger.files import Part
from rumbleup_async.messaging import State
from rumbleup_async.reasons import Reason

if TYPE_CHECKING:
    from rumbleup_async.observe.ledgers import AnyReader

_AT_ONCE = 2_500
"""Rows that are counted in one go; a few thousandths of a second."""
_MOMENT = 0.012
"""Seconds that a look gives to the counting."""
_REST = 20
"""The counting of all rows of a run under way may take one part in so many of the time."""
_BEFORE_REST = 5.0
"""Seconds between two countings of a small ledger."""
FEW = 50_000
"""So many contacts are counted by state in one go."""

Counts = dict[State, int]


class Found(msgspec.Struct):
    """What a whole counting has found. `last`: when a contact came into a state for a reason last, in Unix milliseconds.
    `places`: how many are queued at each place. `version`: of the ledger as it began; `at`: Unix seconds of its end."""

    version: object = None
    at: float = 0.0
    numbers: Counter[tuple[State, Reason]] = msgspec.field(default_factory=Counter)
    segments: Counter[State] = msgspec.field(default_factory=Counter)
    places: Counter[int] = msgspec.field(default_factory=Counter)
    last: dict[tuple[State, Reason], int] = {}

    @property
    def counts(self) -> Counts:
        """Contacts by state."""
        counts = dict.fromkeys(State, 0)
        for (state, _), number in self.numbers.items():
            counts[state] += number
        return counts

    def add(self, part: Part, *, is_log_lost: bool) -> None:
        """These, too."""
        state, why = part.state, part.why
        if is_log_lost and state is State.QUEUED:
            state, why = State.UNKNOWN, marks.DOUBT
        self.numbers[state, why] += part.number
        self.segments[state] += part.segments
        if part.place and state is State.QUEUED:
            self.places[part.place] += part.number
        self.last[state, why] = max(part.last, self.last.get((state, why), 0))


class Counting:
    """The counting of one ledger, over and over while it changes."""

    def __init__(self) -> None:
        self.found = Found()
        """The last whole one; its `at` is 0 as long as there is none."""
        self._parts: Iterator[list[Part]] | None = None
        self._under_way = Found()
        self._spent = self._next = 0.0

    @property
    def is_under_way(self) -> bool:
        """It is to be gone on with."""
        return self._parts is not None or not self.found.at

    @property
    def has_begun(self) -> bool:
        """Something was counted."""
        return self._parts is not None or self.found.at > 0

    def go_on(self, reader: AnyReader, now: float, *, is_running: bool) -> bool:
        """Count for a moment, and begin anew where the last counting has become old. Whether all were counted by it."""
        if self._parts is None:
            if is_running and now < self._next:
                return False
            self._parts, self._spent = reader.parts(_AT_ONCE), 0.0
            self._under_way = Found(reader.version, last={})
        began = time.perf_counter()
        while (parts := next(self._parts, None)) is not None:
            for part in parts:
                self._under_way.add(part, is_log_lost=reader.is_log_lost)
            if time.perf_counter() - began > _MOMENT:
                self._spent += time.perf_counter() - began
                return False
        self._spent += time.perf_counter() - began
        self._parts = None
        self.found, self._under_way.at = self._under_way, now
        self._next = now + max(_BEFORE_REST, _REST * self._spent)
        return True

    def counts(self, reader: AnyReader, *, is_running: bool) -> tuple[Counts, bool]:
        """Contacts by state as they are now, and whether that is so: of a large ledger they may be those of a while ago, or not
        all of them."""
        if (totals := reader.totals()) is not None:
            return totals, True
        last = reader.last_row
        if last < FEW:
            return self._few(reader, last), True
        if self.found.at and self.found.version == reader.version:
            return self.found.counts, True
        if is_running and (totals := reader.totals(recent=False)) is not None:
            return totals, False
        return (self.found if self.found.at else self._under_way).counts, False

    def _few(self, reader: AnyReader, last: int) -> Counts:
        counts = {**dict.fromkeys(State, 0), **reader.state_counts(-1, last)}
        if reader.is_log_lost:
            counts[State.UNKNOWN] += counts[State.QUEUED]
            counts[State.QUEUED] = 0
        return counts
