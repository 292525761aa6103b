"""A ledger in memory, for callers who want nothing on disk: the same rules, forgotten by a crash.

Lives here: no I/O. What is known of the contacts stands in `contacts`, who is opened next in `memory_queue`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice

import anyio
import msgspec

from rumbleup_async.admission import Admit
from rumbleup_async.errors import LedgerError, LedgerFenced, LedgerLocked, LedgerMismatch
from rumbleup_async.ledger import identity as identities
from rumbleup_async.ledger import states
from rumbleup_async.ledger.contacts import Contacts
from rumbleup_async.ledger.identity import Consent
from rumbleup_async.ledger.loading import NOBODY
from rumbleup_async.ledger.looks import Looks
from rumbleup_async.ledger.memory_claims import take_up
from rumbleup_async.ledger.memory_queue import MemoryQueue
from rumbleup_async.ledger.pausing import MemoryPauses
from rumbleup_async.ledger.plans import compare, is_chosen
from rumbleup_async.ledger.spending import Remembered
from rumbleup_async.ledger.trial import MemoryTrial
from rumbleup_async.ledger.turning import ASKED_AT_MOST, Turned
from rumbleup_async.lookups import Known, Resolution, UnknownText
from rumbleup_async.messaging import (
    NO_REASONS,
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
from rumbleup_async.reasons import INTERRUPTED, Reason
from rumbleup_async.stops import Stop

Rows = Sequence[Planned | Skipped]


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
        self.pauses = MemoryPauses()
        self.prices = Remembered()
        self.trial = MemoryTrial()
        self.notes: list[str] = []
        self._forget()

    def _forget(self) -> None:
        self._is_loading = False
        self._contacts = Contacts()
        self.prices.of(self._contacts)
        self._queue = MemoryQueue(self._contacts, self._looks)
        self.trial.of(self._contacts, self._queue)
        self.seconds: list[Second] = []
        self._was_tried = False
        self.kept = Kept()
        self.fingerprint: str | None = None

    @property
    def counts(self) -> Mapping[State, int]:
        return self._contacts.counts

    @property
    def last_row(self) -> int:
        return self._contacts.last_row

    @property
    def is_used(self) -> bool:
        """Whether any text of it may ever have left."""
        return self._was_tried or any(entry.state not in states.BORN for entry in self._contacts.entries.values())

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
        for entry in self._contacts.entries.values():
            if entry.state is State.INTENT and entry.owner == owner:
                self._contacts.move(entry, State.UNKNOWN)
                entry.why = INTERRUPTED
                results.append(entry.result())
        if results:
            self._contacts.recovered = int(self._clock() * 1000)
        return results

    def _put_back(self) -> None:
        """What was queued again is absent from the log as before: nobody knows what the log shows by now."""
        for entry in self._contacts.entries.values():
            if entry.state is State.QUEUED and entry.again is not None:
                self._contacts.make_absent(entry)
        self._queue.begin()

    # ---- the list comes in ----

    async def load(self, batches: Iterable[Sequence[Planned | Skipped]], *, left_out: Mapping[str, Reason] = NOBODY) -> None:
        def take_in() -> None:
            if self._is_loading:
                kept = self.kept
                self._forget()
                self.kept = kept
            self._is_loading = True
            for batch in batches:
                self._add(batch)
            for entry in self._contacts.entries.values():
                if entry.state is State.QUEUED and entry.planned.phone in left_out:
                    self._contacts.leave_out(entry, left_out[entry.planned.phone])
            self._is_loading = False

        # Reading a long list takes seconds; the loop of whoever embeds us goes on meanwhile.
        await anyio.to_thread.run_sync(take_in)

    async def add(self, rows: Sequence[Planned | Skipped]) -> list[Result]:
        return self._add(rows)

    def _add(self, rows: Sequence[Planned | Skipped]) -> list[Result]:
        new = self._contacts.add(rows, is_chosen=self._plan is not None and is_chosen(self._plan))
        for entry in new:
            self._queue.append(entry)
        return [entry.result() for entry in new if entry.state is State.SKIPPED]

    async def complete(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint

    # ---- texts go out ----

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
        contacts = self._contacts
        if owner not in self._owners:
            return Step(results=contacts.believe(owner, done), is_fenced=True)
        contacts.check(owner, done)
        if want > 0 and self._is_loading:
            raise LedgerError("its list was not read to its end; give the same list again")
        if admit is None or want <= 0:
            self._close(done)
            turned = Turned(self._queue.take(want, now, shut))
        else:
            turned = await self._queue.ask(want, now, shut, admit)
            contacts.check(owner, done)
            contacts.check_queued(turned.texts)
            self._close(done)
        contacts.open(owner, turned.go, int(now * 1000))
        self._queue.turn_away(turned)
        if second is not None:
            self.seconds.append(second)
        is_more = turned.number >= ASKED_AT_MOST
        if len(turned.go) >= want or is_more:
            return Step(turned.go, turned.nevers, is_more=is_more)
        return Step(turned.go, turned.nevers, due=self._queue.next_due(), shut=self._queue.shut_places(now, shut))

    def _close(self, done: Sequence[Closed]) -> None:
        self._contacts.close(done)
        self.prices.note(done)
        for close in done:
            if close.due and close.state is State.QUEUED:
                self._queue.put_off(close.row, close.due)

    async def refuse(self, refused: Sequence[Result]) -> Sequence[Result]:
        self._contacts.refuse(refused)
        return refused

    async def again(self) -> bool:
        self._queue.begin()
        return self._contacts.counts[State.QUEUED] > 0

    async def left(self) -> list[tuple[Reason, int]]:
        return self._contacts.left()

    async def reasons(self) -> list[tuple[State, Reason, int]]:
        return self._contacts.reasons()

    async def claim(
        self, owner: int, done: Sequence[Closed], drawn: Rows, now: float, *, waits: Mapping[int, Reason] = NO_REASONS
    ) -> list[Text | Result]:
        if (await self.step(owner, done, 0, now)).is_fenced:
            raise LedgerFenced("another process has taken over this run")
        answers: list[Text | Result] = []
        for one in drawn:
            answer = take_up(self._contacts, one, waits, add=self._add, is_stale=self._looks.is_stale)
            answers.append(answer)
            if isinstance(answer, Text):
                self._contacts.open(owner, [answer], int(now * 1000))
        return answers

    async def places(self, why: Mapping[int, Reason] = NO_REASONS) -> dict[int, int]:
        return self._contacts.places(why)

    async def finish(self, stop: Stop | None, elapsed: float) -> None:  # noqa: ARG002 - nobody looks at it from outside
        self._queue.ended(stop)

    # ---- what the provider's log decides ----

    async def rows(self, after: int, limit: int, *, skipped_only: bool = False) -> list[Result]:
        found = (entry for _, entry in self._contacts.after(after) if not skipped_only or entry.state is State.SKIPPED)
        return [entry.result() for entry in islice(found, limit)]

    async def doubts(self, after: int, limit: int, *, absent: bool = False) -> list[UnknownText]:
        return list(islice(self._contacts.doubts(after, self._contacts.recovered, absent=absent), limit))

    async def settle(self, settled: Sequence[Resolution]) -> Sequence[Resolution]:
        if again := self._contacts.settle(settled):
            self._was_tried = True
            self._looks.note(again)
            self._queue.begin()
        return settled

    async def first_looks(self, doubts: Sequence[UnknownText], now: float) -> dict[int, float]:
        return self._contacts.first_looks(doubts, now)

    async def witnesses(self, after: int, limit: int) -> list[Known]:
        known = (entry.known() for _, entry in self._contacts.after(after))
        return list(islice((one for one in known if one.logid), limit))

    async def known(self, phones: Sequence[str]) -> list[Known]:
        rows = (self._contacts.first_row.get(phone) for phone in phones)
        return [self._contacts.entries[row].known() for row in rows if row is not None]

    async def aclose(self) -> None:
        self._is_open = False
