"""A ledger in memory, for callers who want nothing on disk: the same rules, forgotten by a crash.

Lives here: no I/O.
"""

from __future__ import annotations

import bisect
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import anyio
import msgspec

from rumbleup_async.admission import Admit
from rumbleup_async.errors import LedgerError, LedgerFenced, LedgerLocked, LedgerMismatch
from rumbleup_async.ledger import identity as identities
from rumbleup_async.ledger import states
from rumbleup_async.ledger.identity import Consent
from rumbleup_async.ledger.loading import NOBODY
from rumbleup_async.ledger.looks import Looks
from rumbleup_async.ledger.plans import compare
from rumbleup_async.ledger.queues import Queues
from rumbleup_async.ledger.turning import ASKED_AT_MOST, Turned
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


def _nobody_more(_place: int, _want: int) -> None:
    """All contacts are at hand."""


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
        self._is_open = False
        self.notes: list[str] = []
        self._forget()

    def _forget(self) -> None:
        self._is_loading = False
        self._rows: list[int] = []
        self._entries: dict[int, _Entry] = {}
        self._first_row: dict[str, int] = {}
        self._queue: Queues[Planned] = Queues(_nobody_more)
        self._places: set[int] = set()
        self._asked: dict[int, Planned] = {}
        """Those of whom the rules are being asked."""
        self.seconds: list[Second] = []
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
        if self._is_open:
            raise LedgerLocked("the ledger is in use by another run; wait for it to end, or take another ledger")
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
        self._is_open = True
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
                entry.why = INTERRUPTED
                results.append(entry.result(row))
        if results:
            self._recovered = int(self._clock() * 1000)
        return results

    def _put_back(self) -> None:
        """What was queued again is absent from the log as before: nobody knows what the log shows by now."""
        for entry in self._entries.values():
            if entry.state is State.QUEUED and entry.again is not None:
                self._make_absent(entry)
        self._begin_queue()

    def _begin_queue(self) -> None:
        """Everybody who is queued, in the order of the list, and whoever was put off at their time."""
        waits = {row: due for row, due in self._queue.until.items() if self._entries[row].state is State.QUEUED}
        self._queue.clear(waits)
        for row in self._rows:
            if row not in waits and row not in self._asked:
                self._queue_last(self._entries[row])

    def _queue_last(self, entry: _Entry) -> None:
        planned = entry.planned
        if entry.state is State.QUEUED and isinstance(planned, Planned):
            self._queue.of(planned.place).append(planned)
            if planned.place:
                self._places.add(planned.place)

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
                self._queue_last(entry)
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
        shut: Mapping[int, float] = NONE_SHUT,
        *,
        admit: Admit | None = None,
        second: Second | None = None,
    ) -> Step:
        if owner not in self._owners:
            return Step(results=self._believe(owner, done), is_fenced=True)
        self._check(owner, done)
        if want > 0 and self._is_loading:
            raise LedgerError("its list was not read to its end; give the same list again")
        if admit is None or want <= 0:
            self._close(done)
            texts = [self._text(planned) for planned in self._take(want, now, shut)]
            turned = Turned(texts)
        else:
            turned = await self._ask(want, now, shut, admit)
            self._check(owner, done)
            self._close(done)
        self._write_intents(owner, turned.go, now)
        self._turn_away(turned)
        if second is not None:
            self.seconds.append(second)
        if len(turned.go) >= want or turned.number >= ASKED_AT_MOST:
            return Step(turned.go, turned.nevers, is_more=turned.number >= ASKED_AT_MOST)
        shut_now = self._queue.shut_places(now, shut, self._places)
        return Step(turned.go, turned.nevers, due=self._queue.next_due(), shut=shut_now)

    async def _ask(self, want: int, now: float, shut: Mapping[int, float], admit: Admit) -> Turned:
        """Whom the rules let through, and whom they do not."""
        turned = Turned([])
        try:
            while (missing := want - len(turned.go)) > 0 and turned.number < ASKED_AT_MOST:
                if not (taken := self._take(missing, now, shut)):
                    break
                texts = [self._text(planned) for planned in taken]
                turned.texts += texts
                self._asked.update((planned.row, planned) for planned in taken)
                turned.sort(texts, await admit(texts))
        except BaseException:
            self._queue.put_first([self._asked[text.row] for text in turned.texts])
            raise
        finally:
            for text in turned.texts:
                del self._asked[text.row]
        return turned

    def _turn_away(self, turned: Turned) -> None:
        for row, until, why in turned.waits:
            self._entries[row].why = why
            self._queue.put_off({row: until})
        for one in turned.nevers:
            entry = self._entries[one.row]
            self._move(entry, one.state)
            entry.why = one.why

    def _take(self, want: int, now: float, shut: Mapping[int, float]) -> list[Planned]:
        """Who is next; whoever was opened by other ways, or whose look into the log has grown old, is passed over."""
        if want <= 0:
            return []
        awake = [self._entries[row].planned for row in self._queue.wake(now)]
        self._queue.put_first([planned for planned in awake if isinstance(planned, Planned) and planned.row not in self._asked])
        taken: list[Planned] = []
        while len(taken) < want and (some := self._queue.take(want - len(taken), now, shut, self._places)):
            for planned in some:
                entry = self._entries[planned.row]
                if entry.state is State.QUEUED and self._looks.is_stale(planned.row):
                    self._make_absent(entry)
                elif entry.state is State.QUEUED:
                    taken.append(planned)
        return taken

    def _text(self, planned: Planned) -> Text:
        entry = self._entries[planned.row]
        return Text(
            planned.row,
            planned.phone,
            planned.text,
            planned.name,
            entry.attempts,
            entry.why,
            planned.segments,
            planned.place,
        )

    def _write_intents(self, owner: int, texts: Sequence[Text], now: float) -> None:
        at = int(now * 1000)
        for text in texts:
            entry = self._entries[text.row]
            if entry.state is not State.QUEUED:
                states.check(entry.state, State.INTENT)
            entry.state, entry.time, entry.owner, entry.why = State.INTENT, at, owner, NO_REASON
        self._counts[State.QUEUED] -= len(texts)
        self._counts[State.INTENT] += len(texts)

    def _close(self, done: Sequence[Closed]) -> None:
        for close in done:
            entry = self._entries[close.row]
            self._counts[close.state] += 1
            entry.state = close.state
            entry.why, entry.logid, entry.attempts, entry.time = close.why, close.logid, close.attempts, close.time
            if close.due and close.state is State.QUEUED:
                self._queue.put_off({close.row: close.due})
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
        self._begin_queue()
        return self._counts[State.QUEUED] > 0

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
        for one in drawn:
            first = self._first_row.get(one.phone) if isinstance(one, Planned) else None
            planned = one
            if isinstance(one, Planned) and first is not None and self._may_be_claimed(first):
                # Whatever was planned for them before, the text is written for the contact that was drawn now.
                planned = msgspec.structs.replace(one, row=first)
                self._entries[first].planned, self._entries[first].why = planned, NO_REASON
            elif skipped := self._add([one]):
                answers.append(skipped[0])
                continue
            if isinstance(planned, Planned):
                # It stays in its queue, which passes over contacts that are not queued any more.
                text = self._text(planned)
                answers.append(text)
                self._write_intents(owner, [text], now)
        return answers

    def _may_be_claimed(self, row: int) -> bool:
        """Whether a contact that is known already may be opened again: nothing of it can have left."""
        return self._entries[row].state is State.QUEUED and not self._looks.is_stale(row)

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
        if any(one.state is State.QUEUED for one in settled):
            self._begin_queue()

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

    async def aclose(self) -> None:
        self._is_open = False
