"""The contacts of a ledger in memory: what is known of each, and how many are in each state.

Lives here: no I/O. Who is opened next, and when, is decided in `memory_queue`.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from rumbleup_async.errors import LedgerError, LedgerMismatch
from rumbleup_async.ledger import states
from rumbleup_async.lookups import Known, Resolution, UnknownText
from rumbleup_async.messaging import Closed, Planned, Result, Skipped, State, Text
from rumbleup_async.reasons import ABSENT, FOUND, NO_REASON, OF_HOURS, Code, Reason, duplicate


class Entry(msgspec.Struct):
    """What is known of a contact."""

    planned: Planned | Skipped
    state: State
    why: Reason = NO_REASON
    logid: str = ""
    attempts: int = 0
    time: int = 0
    owner: int = 0
    """Who has it open, or had it open last."""
    again: int | None = None
    """When its text may have left (Unix milliseconds), once it was absent from the log and is to be texted again."""

    def known(self) -> Known:
        is_sent = self.state is State.SENT
        logid = self.logid if is_sent else ""
        return Known(self.planned.row, self.planned.phone, logid, self.time, is_sent and self.why.code in FOUND)

    def result(self) -> Result:
        return Result(self.planned.row, self.planned.phone, self.state, self.why, self.logid, self.attempts, self.time)


_OF_CHOOSING: Final = frozenset({Code.NO_TEXT, Code.NO_STOP, Code.TEXT_UNFIT})


def holds(planned: Planned | Skipped) -> bool:
    """Whether a contact for whom a function has chosen a text keeps it although the list is read once more and comes to this now:
    another text, none, one that would not do, or a suppressed phone, which the engine leaves out. A row that the list itself
    takes back is another one."""
    return isinstance(planned, Planned) or planned.why.code is Code.SUPPRESSED or planned.why.code in _OF_CHOOSING


def _is_suppressed_since(known: Entry, planned: Planned | Skipped) -> bool:
    is_suppressed = isinstance(planned, Skipped) and planned.why.code is Code.SUPPRESSED
    return is_suppressed and known.planned.phone == planned.phone


class Contacts:
    """The entries of a run, by row."""

    def __init__(self) -> None:
        self.looked: dict[int, tuple[int, float]] = {}
        """The time of each text in doubt, and when it was first looked for, by row."""
        self.entries: dict[int, Entry] = {}
        self.rows: list[int] = []
        """The rows in their order."""
        self.first_row: dict[str, int] = {}
        """The row of each phone that is not screened out."""
        self.counts = dict.fromkeys(State, 0)
        self.recovered = 0
        """When the entries of a dead owner were last found (Unix milliseconds)."""

    # ---- contacts come in ----

    def add(self, rows: Sequence[Planned | Skipped], *, is_chosen: bool = False) -> list[Entry]:
        """Take in these rows, and return the entries of those that are new. LedgerMismatch for a row that was another contact.
        `is_chosen`: a function has chosen the texts; those that are known hold, whatever it chooses now."""
        new = []
        for planned in rows:
            row = planned.row
            known = self.entries.get(row)
            if known is None:
                entry = self.entries[row] = self.enter(planned)
                bisect.insort(self.rows, row)
                self.counts[entry.state] += 1
                new.append(entry)
            elif is_chosen and known.planned.phone == planned.phone and (isinstance(known.planned, Skipped) or holds(planned)):
                continue
            elif known.planned != planned and not _is_suppressed_since(known, planned):
                raise LedgerMismatch(f"row {row} of the list is not the contact it was")
        return new

    def enter(self, planned: Planned | Skipped) -> Entry:
        """The entry of a contact that comes in."""
        if isinstance(planned, Skipped):
            return Entry(planned, State.SKIPPED, planned.why)
        first = self.first_row.setdefault(planned.phone, planned.row)
        if first != planned.row:
            return Entry(planned, State.SKIPPED, duplicate(first))
        return Entry(planned, State.QUEUED)

    def leave_out(self, entry: Entry, why: Reason) -> None:
        """Skip a contact of a list that is still coming in."""
        # Not by `move`: nothing has been queued for anybody yet.
        self.counts[State.QUEUED] -= 1
        self.counts[State.SKIPPED] += 1
        entry.state, entry.why = State.SKIPPED, why

    # ---- contacts change their state ----

    def move(self, entry: Entry, state: State) -> None:
        """LedgerError for a move that the table does not have."""
        states.check(entry.state, state)
        self.counts[entry.state] -= 1
        self.counts[state] += 1
        entry.state = state

    def open(self, owner: int, texts: Sequence[Text], at: int) -> None:
        """Write the intents of these texts. `at`: Unix milliseconds."""
        for text in texts:
            entry = self.entries[text.row]
            if entry.state is not State.QUEUED:
                states.check(entry.state, State.INTENT)
            entry.state, entry.time, entry.owner, entry.why = State.INTENT, at, owner, NO_REASON
        self.counts[State.QUEUED] -= len(texts)
        self.counts[State.INTENT] += len(texts)

    def check(self, owner: int, done: Sequence[Closed]) -> None:
        """LedgerError unless each of these closes an entry that the owner has open, once: all or nothing, as on a disk."""
        rows = {close.row for close in done}
        for close in done:
            entry = self.entries.get(close.row)
            is_open = entry is not None and entry.state is State.INTENT and entry.owner == owner
            if not is_open or len(rows) < len(done):
                raise LedgerError("an entry to be closed was not open")
            states.check(State.INTENT, close.state)

    def check_queued(self, texts: Sequence[Text]) -> None:
        """LedgerError unless all of these are queued."""
        if any(self.entries[text.row].state is not State.QUEUED for text in texts):
            raise LedgerError("a contact to be opened was not queued any more")

    def close(self, done: Sequence[Closed]) -> None:
        """Close these entries, which `check` has allowed."""
        for close in done:
            entry = self.entries[close.row]
            self.counts[close.state] += 1
            entry.state = close.state
            entry.why, entry.logid, entry.attempts, entry.time = close.why, close.logid, close.attempts, close.time
        self.counts[State.INTENT] -= len(done)

    def believe(self, owner: int, done: Sequence[Closed]) -> list[Result]:
        """Take the proof that a fenced owner brings: what is in doubt and was its own is sent if it has a logid."""
        results = []
        for close in done:
            entry = self.entries.get(close.row)
            if entry is None or entry.owner != owner:
                continue
            if states.is_proven(close, entry.state, entry.why.code, is_again=entry.again is not None):
                if entry.state is State.QUEUED:
                    self.make_absent(entry)
                self.move(entry, State.SENT)
                entry.why, entry.logid, entry.attempts, entry.time = close.why, close.logid, close.attempts, close.time
                results.append(entry.result())
        return results

    def make_absent(self, entry: Entry) -> None:
        """What was queued again is absent from the log as before."""
        self.move(entry, State.NOT_SENT)
        entry.why, entry.time = ABSENT, entry.again or 0

    def refuse(self, refused: Sequence[Result]) -> None:
        """These queued contacts stay refused. LedgerError, and nothing is done, if one is not queued."""
        entries = [self.entries.get(result.row) for result in refused]
        if any(entry is None or entry.state is not State.QUEUED for entry in entries):
            raise LedgerError("a contact to be refused was not queued")
        for result in refused:
            entry = self.entries[result.row]
            self.move(entry, State.REFUSED)
            entry.why, entry.attempts, entry.time = result.why, result.attempts, result.time

    def settle(self, settled: Sequence[Resolution]) -> list[int]:
        """Note what the provider's log says, all or nothing; the rows that are queued again."""
        if len({one.row for one in settled}) < len(settled):
            raise LedgerError("a contact is there twice in what settles it")
        for one in settled:
            entry = self.entries.get(one.row)
            if entry is None:
                raise LedgerError("a contact to be settled is not in the ledger")
            states.check_settled(one, entry.state, entry.why.code)
        for one in settled:
            entry = self.entries[one.row]
            self.move(entry, one.state)
            entry.why, entry.logid = one.why, one.logid
            if one.state is State.QUEUED:
                entry.again, entry.time = entry.time, 0
        return [one.row for one in settled if one.state is State.QUEUED]

    def first_looks(self, doubts: Sequence[UnknownText], now: float) -> dict[int, float]:
        """When each of these was first looked up since its doubt arose; `now` for those that never were."""
        for doubt in doubts:
            if self.looked.get(doubt.row, (None, now))[0] != doubt.time:
                self.looked[doubt.row] = doubt.time, now
        return {doubt.row: self.looked[doubt.row][1] for doubt in doubts}

    # ---- contacts are read ----

    @property
    def last_row(self) -> int:
        return self.rows[-1] if self.rows else 0

    def after(self, row: int) -> Iterator[tuple[int, Entry]]:
        """Contacts in the order of their rows, those with a row above this one."""
        for index in range(bisect.bisect_right(self.rows, row), len(self.rows)):
            yield self.rows[index], self.entries[self.rows[index]]

    def doubts(self, after: int, recovered: int, *, absent: bool) -> Iterator[UnknownText]:
        """Those in doubt, or those absent from the log. `recovered`: when what a dead process had open was last found."""
        for row, entry in self.after(after):
            is_absent = entry.why.code is Code.ABSENT and entry.state is State.NOT_SENT
            if isinstance(entry.planned, Planned) and (is_absent if absent else entry.state is State.UNKNOWN):
                yield UnknownText(row, entry.planned.phone, entry.planned.text, entry.time, max(entry.time, recovered))

    def left(self) -> list[tuple[Reason, int]]:
        """Why contacts are queued."""
        return Counter(entry.why for entry in self.entries.values() if entry.state is State.QUEUED).most_common()

    def places(self, why: Mapping[int, Reason]) -> dict[int, int]:
        """How many contacts are queued at each place. `why`: why those of a place are, unless for a reason of another kind."""
        found: Counter[int] = Counter()
        for entry in self.entries.values():
            if entry.state is State.QUEUED and isinstance(entry.planned, Planned):
                place = entry.planned.place
                found[place] += 1
                if place and place in why and (not entry.why or entry.why in OF_HOURS):
                    entry.why = why[place]
        return dict(found)

    def reasons(self) -> list[tuple[State, Reason, int]]:
        """How many contacts are in each state for each kind of reason."""
        found = Counter((entry.state, entry.why.kind) for entry in self.entries.values())
        return [(state, why, number) for (state, why), number in found.most_common()]
