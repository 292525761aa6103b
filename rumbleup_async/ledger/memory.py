"""A ledger in memory, for callers who want nothing on disk: the same rules, forgotten by a crash.

Lives here: no I/O.
"""

from __future__ import annotations

import bisect
import math
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence

import anyio
import msgspec

from rumbleup_async.admission import Admit
from rumbleup_async.errors import LedgerError, LedgerFenced, LedgerMismatch
from rumbleup_async.ledger import identity as identities
from rumbleup_async.ledger import states
from rumbleup_async.ledger.identity import Consent
from rumbleup_async.ledger.loading import NOBODY
from rumbleup_async.ledger.looks import Looks
from rumbleup_async.ledger.plans import compare
from rumbleup_async.lookups import Known, Resolution, UnknownText
from rumbleup_async.messaging import (
    NONE_SHUT,
    Closed,
    Identity,
    Kept,
    Owner,
    Plan,
    Planned,
    Result,
    Second,
    Skipped,
    State,
    Step,
    Text,
)
from rumbleup_async.reasons import ABSENT, FOUND, INTERRUPTED, NO_REASON, Code, Reason, duplicate
from rumbleup_async.stops import Stop


class _Entry(msgspec.Struct):
    planned: Planned | Skipped
    state: State
    why: Reason = NO_REASON
    logid: str = ""
    attempts: int = 0
    time: int = 0
    owner: int = 0
    """Who has it open, or had it open last."""
    again: int | None = None
    """Once it was absent from the log and is to be texted again: when its text may have left."""

    def known(self, row: int) -> Known:
        is_sent = self.state is State.SENT
        return Known(row, self.planned.phone, self.logid if is_sent else "", self.time, is_sent and self.why.code in FOUND)

    def result(self, row: int) -> Result:
        return Result(row, self.planned.phone, self.state, self.why, self.logid, self.attempts, self.time)


class MemoryLedger:
    """Keeps every contact of the run in memory, about half a kilobyte each."""

    def __init__(
        self,
        wall_clock: Callable[[], float] = time.time,
        *,
        identity: Identity | None = None,
        consent: Consent | None = None,
    ) -> None:
        self._clock = wall_clock
        self._looks = Looks(wall_clock)
        self._plan: Plan | None = None
        self.identity = identity
        """Whose it is in the hands of whoever opens it next."""
        self.consent = consent or Consent()
        self._identity: Identity | None = None
        self._owners: dict[int, Owner] = {}
        """Those that are not fenced."""
        self._enlisted = 0
        self.notes: list[str] = []
        self._forget()

    def _forget(self) -> None:
        self._is_loading = False
        self._rows: list[int] = []
        self._entries: dict[int, _Entry] = {}
        self._first_row: dict[str, int] = {}
        self._queue: deque[int] = deque()
        self._counts = dict.fromkeys(State, 0)
        self._recovered = 0
        self._was_tried = False
        self.kept = Kept()
        self._looked: dict[int, tuple[int, float]] = {}
        self.fingerprint: str | None = None

    @property
    def counts(self) -> Mapping[State, int]:
        return self._counts

    @property
    def is_used(self) -> bool:
        """Whether any text of it may ever have left."""
        return self._was_tried or any(entry.state not in states.BORN for entry in self._entries.values())

    async def keep(self, kept: Kept) -> None:
        before = self.kept
        self.kept = Kept(kept.options, before.suppressed | kept.suppressed, before.is_handed_in or kept.is_handed_in)

    async def open(self, plan: Plan | None) -> Plan:
        if self.identity is not None:
            if self._identity is not None and self.is_used:
                identities.check(self._identity, self.identity, self.consent, "the ledger")
            self._identity = self.identity
        if self._plan is None:
            if plan is None:
                raise LedgerError("a ledger in memory has nothing to resume")
            self._plan = plan
        elif plan is not None and (differing := compare(self._plan, plan)):
            if self.is_used:
                raise LedgerMismatch(f"the ledger was begun with another {' and another '.join(differing)}; use a new one")
            self._forget()
            self._plan = plan
        self._put_back()
        # Whoever opens it now is the only one who has it.
        self._owners = {owner.id: msgspec.structs.replace(owner, is_dead=True) for owner in self._owners.values()}
        return self._plan

    @property
    def lease(self) -> float:
        return math.inf

    async def enlist(self, name: str) -> Owner:
        self._enlisted += 1
        owner = self._owners[self._enlisted] = Owner(self._enlisted, name)
        return owner

    async def owners(self) -> list[Owner]:
        return list(self._owners.values())

    async def expire(self, owner: int) -> list[Result]:
        if self._owners.pop(owner, None) is None:
            return []
        results = []
        for row, entry in self._entries.items():
            if entry.state is State.INTENT and entry.owner == owner:
                self._move(entry, State.UNKNOWN)
                entry.why = entry.why or INTERRUPTED
                results.append(entry.result(row))
        if results:
            self._recovered = int(self._clock() * 1000)
        return results

    def _put_back(self) -> None:
        """What was queued again is absent from the log as before: nobody knows what the log shows by now."""
        for entry in self._entries.values():
            if entry.state is State.QUEUED and entry.again is not None:
                self._make_absent(entry)
        self._queue = deque(row for row in self._queue if self._entries[row].state is State.QUEUED)

    def _make_absent(self, entry: _Entry) -> None:
        self._move(entry, State.NOT_SENT)
        entry.why, entry.time = ABSENT, entry.again or 0

    async def load(self, batches: Iterable[Sequence[Planned | Skipped]], *, left_out: Mapping[str, Reason] = NOBODY) -> None:
        def take_in() -> None:
            if self._is_loading:
                kept = self.kept
                self._forget()
                self.kept = kept
            self._is_loading = True
            for batch in batches:
                self._add(batch)
            for entry in self._entries.values():
                if entry.state is State.QUEUED and entry.planned.phone in left_out:
                    # Not by `_move`: of a list that comes in, nothing has been queued for anybody yet.
                    self._counts[State.QUEUED] -= 1
                    self._counts[State.SKIPPED] += 1
                    entry.state, entry.why = State.SKIPPED, left_out[entry.planned.phone]
            self._is_loading = False

        # Reading a long list takes seconds; the loop of whoever embeds us goes on meanwhile.
        await anyio.to_thread.run_sync(take_in)

    async def add(self, rows: Sequence[Planned | Skipped]) -> list[Result]:
        return self._add(rows)

    def _add(self, rows: Sequence[Planned | Skipped]) -> list[Result]:
        skipped = []
        for planned in rows:
            row = planned.row
            known = self._entries.get(row)
            if known is not None:
                suppressed = (
                    isinstance(planned, Skipped) and planned.why.code is Code.SUPPRESSED and known.planned.phone == planned.phone
                )
                if known.planned != planned and not suppressed:
                    raise LedgerMismatch(f"row {row} of the list is not the contact it was")
                continue
            entry = self._enter(planned)
            self._entries[row] = entry
            bisect.insort(self._rows, row)
            self._counts[entry.state] += 1
            if entry.state is State.SKIPPED:
                skipped.append(entry.result(row))
            else:
                self._queue.append(row)
        return skipped

    def _enter(self, planned: Planned | Skipped) -> _Entry:
        if isinstance(planned, Skipped):
            return _Entry(planned, State.SKIPPED, planned.why)
        first = self._first_row.setdefault(planned.phone, planned.row)
        if first != planned.row:
            return _Entry(planned, State.SKIPPED, duplicate(first))
        return _Entry(planned, State.QUEUED)

    async def complete(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint

    async def step(
        self,
        owner: int,
        done: Sequence[Closed],
        want: int,
        now: float,
        shut: Mapping[int, float] = NONE_SHUT,  # noqa: ARG002
        *,
        admit: Admit | None = None,  # noqa: ARG002
        second: Second | None = None,  # noqa: ARG002
    ) -> Step:
        if owner not in self._owners:
            return Step(results=self._believe(owner, done), is_fenced=True)
        self._check(owner, done)
        if want and self._is_loading:
            raise LedgerError("its list was not read to its end; give the same list again")
        self._close(done)
        opened: list[Text] = []
        while want > 0 and self._queue:
            row = self._queue.popleft()
            entry = self._entries[row]
            planned = entry.planned
            if entry.state is State.QUEUED and self._looks.is_stale(row):
                self._make_absent(entry)
            elif entry.state is State.QUEUED and isinstance(planned, Planned):
                opened.append(self._write_intent(owner, row, entry, planned, now))
                want -= 1
        return Step(opened)

    def _write_intent(self, owner: int, row: int, entry: _Entry, planned: Planned, now: float) -> Text:
        why, entry.why = entry.why, NO_REASON
        self._move(entry, State.INTENT)
        entry.time, entry.owner = int(now * 1000), owner
        return Text(row, planned.phone, planned.text, planned.name, entry.attempts, why, planned.segments, planned.place)

    def _close(self, done: Sequence[Closed]) -> None:
        for close in done:
            entry = self._entries[close.row]
            self._counts[close.state] += 1
            entry.state = close.state
            entry.why, entry.logid, entry.attempts, entry.time = close.why, close.logid, close.attempts, close.time
        self._counts[State.INTENT] -= len(done)

    def _believe(self, owner: int, done: Sequence[Closed]) -> list[Result]:
        """Of what a fenced owner brings only the proof: what is in doubt and was its own is sent if it has a logid."""
        results = []
        for close in done:
            entry = self._entries.get(close.row)
            if entry is not None and states.is_proven(close, entry.state, entry.why.code) and entry.owner == owner:
                self._move(entry, State.SENT)
                entry.why, entry.logid, entry.attempts, entry.time = close.why, close.logid, close.attempts, close.time
                results.append(entry.result(close.row))
        return results

    def _check(self, owner: int, done: Sequence[Closed]) -> None:
        """All or nothing, as on the disk: every close must be of an entry that the owner has open, once."""
        rows = {close.row for close in done}
        for close in done:
            entry = self._entries.get(close.row)
            is_open = entry is not None and entry.state is State.INTENT and entry.owner == owner
            if not is_open or len(rows) < len(done):
                raise LedgerError("an entry to be closed was not open")
            states.check(State.INTENT, close.state)

    async def refuse(self, refused: Sequence[Result]) -> None:
        if any(result.row not in self._entries or self._entries[result.row].state is not State.QUEUED for result in refused):
            raise LedgerError("a contact to be refused was not queued")
        for result in refused:
            entry = self._entries[result.row]
            self._move(entry, State.REFUSED)
            entry.why, entry.attempts, entry.time = result.why, result.attempts, result.time

    async def again(self) -> bool:
        self._queue = deque(row for row in self._rows if self._entries[row].state is State.QUEUED)
        return bool(self._queue)

    async def left(self) -> list[tuple[Reason, int]]:
        found = Counter(entry.why for entry in self._entries.values() if entry.state is State.QUEUED)
        return found.most_common()

    async def reasons(self) -> list[tuple[State, Reason, int]]:
        found = Counter((entry.state, entry.why.kind) for entry in self._entries.values())
        return [(state, why, number) for (state, why), number in found.most_common()]

    async def claim(
        self, owner: int, done: Sequence[Closed], drawn: Sequence[Planned | Skipped], now: float
    ) -> list[Text | Result]:
        if (await self.step(owner, done, 0, now)).is_fenced:
            raise LedgerFenced("another process has taken over this run")
        answers: list[Text | Result] = []
        for planned in drawn:
            first = self._first_row.get(planned.phone) if isinstance(planned, Planned) else None
            known = None if first is None else self._entries[first]
            if (
                isinstance(planned, Planned)
                and first is not None
                and known is not None
                and known.state is State.QUEUED
                and not self._looks.is_stale(first)
            ):
                known.planned, known.why = planned, NO_REASON
                answers.append(self._write_intent(owner, first, known, planned, now))
                continue
            skipped = self._add([planned])
            if skipped:
                answers.append(skipped[0])
            elif isinstance(planned, Planned):
                self._queue.remove(planned.row)
                answers.append(self._write_intent(owner, planned.row, self._entries[planned.row], planned, now))
        return answers

    @property
    def last_row(self) -> int:
        return max(self._entries, default=0)

    def _move(self, entry: _Entry, state: State) -> None:
        states.check(entry.state, state)
        self._counts[entry.state] -= 1
        self._counts[state] += 1
        entry.state = state

    async def finish(self, stop: Stop | None, elapsed: float) -> None: ...

    async def rows(self, after: int, limit: int, *, skipped_only: bool = False) -> list[Result]:
        wanted: list[Result] = []
        for index in range(bisect.bisect_right(self._rows, after), len(self._rows)):
            row = self._rows[index]
            entry = self._entries[row]
            if not skipped_only or entry.state is State.SKIPPED:
                wanted.append(entry.result(row))
                if len(wanted) == limit:
                    break
        return wanted

    async def doubts(self, after: int, limit: int, *, absent: bool = False) -> list[UnknownText]:
        found: list[UnknownText] = []
        for index in range(bisect.bisect_right(self._rows, after), len(self._rows)):
            row = self._rows[index]
            entry = self._entries[row]
            wanted = entry.why.code is Code.ABSENT and entry.state is State.NOT_SENT if absent else entry.state is State.UNKNOWN
            if wanted and isinstance(entry.planned, Planned):
                found.append(
                    UnknownText(row, entry.planned.phone, entry.planned.text, entry.time, max(entry.time, self._recovered))
                )
                if len(found) == limit:
                    break
        return found

    async def settle(self, settled: Sequence[Resolution]) -> None:
        if len({one.row for one in settled}) < len(settled):
            raise LedgerError("a contact is there twice in what settles it")
        for one in settled:
            entry = self._entries.get(one.row)
            if entry is None:
                raise LedgerError("a contact to be settled is not in the ledger")
            states.check_settled(one, entry.state, entry.why.code)
        for one in settled:
            entry = self._entries[one.row]
            self._move(entry, one.state)
            entry.why, entry.logid = one.why, one.logid
            if one.state is State.QUEUED:
                self._was_tried = True
                entry.again, entry.time = entry.time, 0
                self._looks.note([one.row])
                self._queue.append(one.row)

    async def first_looks(self, doubts: Sequence[UnknownText], now: float) -> dict[int, float]:
        for doubt in doubts:
            if self._looked.get(doubt.row, (None, now))[0] != doubt.time:
                self._looked[doubt.row] = doubt.time, now
        return {doubt.row: self._looked[doubt.row][1] for doubt in doubts}

    async def witnesses(self, after: int, limit: int) -> list[Known]:
        found: list[Known] = []
        for index in range(bisect.bisect_right(self._rows, after), len(self._rows)):
            row = self._rows[index]
            if (known := self._entries[row].known(row)).logid:
                found.append(known)
                if len(found) == limit:
                    break
        return found

    async def known(self, phones: Sequence[str]) -> list[Known]:
        rows = (self._first_row.get(phone) for phone in phones)
        return [self._entries[row].known(row) for row in rows if row is not None]

    async def aclose(self) -> None: ...
