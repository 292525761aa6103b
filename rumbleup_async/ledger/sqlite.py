"""The ledger on SQLite: intent before the wire, result after, both on the disk when a call returns.

Lives here: one file a run, one writer, one `thread` that alone touches the database. What is done in the thread stands with the
neighbours: `beginning` opens a run, `intake` takes contacts in, `entries` opens and closes them, `held_file` keeps the file.

At most one text a phone is a UNIQUE index, not a promise: the database refuses what a mistake of ours would let through.
"""

from __future__ import annotations

import contextlib
import math
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar, TypeVarTuple

from rumbleup_async.admission import Admit
from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import beginning, keeping, settling
from rumbleup_async.ledger.closing import Closing
from rumbleup_async.ledger.entries import Entries
from rumbleup_async.ledger.files import (
    beside,
    check_file,
    check_name,
    count_reasons,
    how_it_ended,
    path_of,
    select_rows,
    why_queued,
    written_stop,
)
from rumbleup_async.ledger.identity import Consent
from rumbleup_async.ledger.intake import Intake
from rumbleup_async.ledger.loading import NOBODY
from rumbleup_async.ledger.pausing import Pauses
from rumbleup_async.ledger.run_file import RunFile
from rumbleup_async.ledger.spending import Ledgered
from rumbleup_async.ledger.thread import LedgerThread
from rumbleup_async.ledger.trial import Trial
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
from rumbleup_async.reasons import Reason
from rumbleup_async.shielding import run_shielded
from rumbleup_async.stops import Stop

Rows = Sequence[Planned | Skipped]
T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class SqliteLedger:
    """The ledger of one run in the file `path` (mode 0600), with SQLite's own `-wal` and `-shm` and our `-lock` beside it.

    Without `keep_empty` a file that was begun here and was given no contact is taken away again on closing. `identity`: whose
    hands it is in; `consent`: what was said of it; `notes`: what is to be told of it; `journal`: whether there may be a `-steps`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        keep_empty: bool = True,
        identity: Identity | None = None,
        consent: Consent | None = None,
        journal: bool = False,
    ) -> None:
        self.path = path_of(path)
        self._keep_empty = keep_empty
        self._identity = identity
        self._consent = consent or Consent()
        self.notes: list[str] = []
        self._kept = Kept()
        self._is_used = False
        self._run = RunFile(self.path, has_journal=journal)
        self._thread = LedgerThread(self.path, self._run.journal)
        self._file = self._run.file
        self._intake = Intake(self._run)
        self.pauses = Pauses(self._file, self._thread)
        self.prices = Ledgered(self._run, self._thread)
        self.trial = Trial(self._run, self._thread)
        self._entries = Entries(self._run)
        self._ended_before: str | None = None  # how the last process ended; noted again if this one sends nothing

    @property
    def counts(self) -> Mapping[State, int]:
        return self._run.counts

    @property
    def last_row(self) -> int:
        return self._run.last_row

    @property
    def fingerprint(self) -> str | None:
        return self._run.fingerprint

    @property
    def kept(self) -> Kept:
        return self._kept

    @property
    def is_used(self) -> bool:
        return self._is_used or self._file.is_marked

    @property
    def lease(self) -> float:
        return math.inf  # the lock on the file proves that nobody else lives, so nobody's time has to be measured

    @contextlib.contextmanager
    def shared_with_children(self) -> Iterator[tuple[int, ...]]:
        yield () if self._file.lock is None else (self._file.lock,)

    # ---- the calls: each hands one function to the thread and waits for it, come what may ----

    async def open(self, plan: Plan | None) -> Plan:
        return await self._in_thread(self._open, plan)

    async def keep(self, kept: Kept) -> None:
        await self._in_thread(self._keep, kept)

    async def load(self, batches: Iterable[Sequence[Planned | Skipped]], *, left_out: Mapping[str, Reason] = NOBODY) -> None:
        await self._in_thread(self._intake.load, batches, left_out)

    async def add(self, rows: Sequence[Planned | Skipped]) -> list[Result]:
        return await self._in_thread(self._intake.add, rows)

    async def complete(self, fingerprint: str) -> None:
        await self._in_thread(self._intake.complete, fingerprint)

    async def enlist(self, name: str) -> Owner:
        return await self._in_thread(self._entries.enlist, name)

    async def owners(self) -> list[Owner]:
        return list(self._run.owners.values())

    async def expire(self, owner: int) -> list[Result]:
        return await self._in_thread(self._entries.expire, owner)

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
        closing = Closing(done)
        if admit is None or want <= 0:
            return await self._in_thread(self._entries.step, owner, closing, want, now, shut, second)
        return await self._step_with_rules(owner, closing, want, now, shut, second, admit)

    async def refuse(self, refused: Sequence[Result]) -> Sequence[Result]:
        return await self._in_thread(self._entries.refuse, refused)

    async def again(self) -> bool:
        return await self._in_thread(self._entries.again)

    async def left(self) -> list[tuple[Reason, int]]:
        return await self._in_thread(lambda: why_queued(self._file.db))

    async def reasons(self) -> list[tuple[State, Reason, int]]:
        return await self._in_thread(lambda: count_reasons(self._file.db))

    async def claim(
        self, owner: int, done: Sequence[Closed], drawn: Rows, now: float, *, waits: Mapping[int, Reason] = NO_REASONS
    ) -> list[Text | Result]:
        return await self._in_thread(self._entries.claim, owner, Closing(done), drawn, now, waits)

    async def places(self, why: Mapping[int, Reason] = NO_REASONS) -> dict[int, int]:
        return await self._in_thread(self._entries.places, why)

    async def finish(self, stop: Stop | None, elapsed: float) -> None:
        await self._in_thread(self._finish, stop, elapsed)

    async def rows(self, after: int, limit: int, *, skipped_only: bool = False) -> list[Result]:
        return await self._in_thread(lambda: select_rows(self._file.db, after, limit, "AND state = 4" if skipped_only else ""))

    async def doubts(self, after: int, limit: int, *, absent: bool = False) -> list[UnknownText]:
        return await self._in_thread(self._entries.doubts, after, limit, absent)

    async def settle(self, settled: Sequence[Resolution]) -> Sequence[Resolution]:
        await self._in_thread(self._entries.settle, settled)
        return settled

    async def first_looks(self, doubts: Sequence[UnknownText], now: float) -> dict[int, float]:
        return await self._in_thread(self._entries.first_looks, doubts, now)

    async def witnesses(self, after: int, limit: int) -> list[Known]:
        return await self._in_thread(lambda: settling.select_witnesses(self._file.db, after, limit))

    async def known(self, phones: Sequence[str]) -> list[Known]:
        return await self._in_thread(lambda: settling.select_known(self._file.db, phones))

    async def aclose(self) -> None:
        await self._in_thread(self._close)
        self._thread.shutdown()

    async def _step_with_rules(
        self,
        owner: int,
        closing: Closing,
        want: int,
        now: float,
        shut: Mapping[int, float],
        second: Second | None,
        admit: Admit,
    ) -> Step:
        """A step that has the rules asked between reading who is next and writing what becomes of them."""
        turned = Turned([])
        try:
            while (missing := want - len(turned.go)) > 0 and turned.number < ASKED_AT_MOST:
                texts = await self._in_thread(self._entries.next_to_ask, turned, owner, closing, missing, now, shut)
                if not texts:
                    break
                turned.sort(texts, await admit(texts))
        except BaseException:
            await run_shielded(self._in_thread(self._run.queue.give_back, turned.texts))
            raise
        return await self._in_thread(self._entries.step, owner, closing, want, now, shut, second, turned)

    async def _in_thread(self, function: Callable[[*Ts], T], *arguments: *Ts) -> T:
        return await self._thread.run(function, *arguments)

    def _open(self, plan: Plan | None) -> Plan:
        file = self._file
        if file.connection is not None:
            raise LedgerError(f"{self.path}: the ledger is open already")
        if sqlite3.sqlite_version_info < (3, 35):
            raise LedgerError(f"the ledger needs SQLite 3.35 or newer; this Python has {sqlite3.sqlite_version}")
        check_file(self.path, missing_is_fine=plan is not None)
        check_name(self.path)
        lock_is_new = not beside(self.path, "-lock").exists()
        file.take_lock()
        try:
            stored = file.open(is_loss_accepted=self._consent.log_lost)
            if stored is not None:
                self._run.find_left()
                self.notes += beginning.check(file, stored, self._identity, self._consent, is_used=self._run.was_used)
            stored, is_as_left = beginning.settle_plan(file, stored, plan, is_used=self._run.was_used)
            self._run.begin(stored, is_as_left=is_as_left)
            self._is_used = self._run.was_used()
            self._ended_before = how_it_ended(file.db)
            with file.transaction():
                beginning.note_opening(file, self._identity)
            file.note_in_lock()
            self._kept = keeping.read(file.db)
            self.pauses.look()
            file.settle_down()
        except BaseException:
            if lock_is_new and not file.is_new:
                # Beside a file that was refused it would be litter. It is still held, so that nobody else has it in hand.
                beside(self.path, "-lock").unlink(missing_ok=True)
            self._close()
            raise
        return stored

    def _finish(self, stop: Stop | None, elapsed: float) -> None:
        self._ended_before = None
        with self._file.transaction():
            self._file.write("stop", written_stop(stop))
            beginning.add_elapsed(self._file, elapsed)

    def _keep(self, kept: Kept) -> None:
        new = kept.suppressed - self._kept.suppressed
        if kept != self._kept:
            with self._file.transaction() as db:
                keeping.write(db, kept, new)
                beginning.note_audit(self._file, "options", keeping.shown(kept))
            self._kept = kept

    def _close(self) -> None:
        is_empty = self._file.is_new and not self._keep_empty and not any(self._run.counts.values())
        if self._file.connection is not None and self._ended_before is not None:
            with contextlib.suppress(sqlite3.Error), self._file.transaction():
                self._file.write("stop", self._ended_before)
        self._run.leave_tally(is_sure=not self._thread.has_failed)
        # Begun in this process and never given a contact: a mistyped list shall not leave files behind.
        self._file.close(is_litter=is_empty)
