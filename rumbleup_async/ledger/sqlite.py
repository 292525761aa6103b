"""The ledger on SQLite: intent before the wire, result after, both on the disk when a call returns.

Lives here: one file a run, one writer, one thread of its own that alone touches the database. The statements stand with the
neighbours: `beginning` opens a run, `loading` and `taking_in` take contacts in, `queue` and `stepping` open and close entries,
`claiming` those that are drawn, `settling` notes what the provider's log decides, `held_file` keeps the file.

What the thread does with the GIL held, the event loop waits for. So a step goes in and comes out as JSON, which msgspec writes
in the loop's thread, where the objects are at hand, and SQLite reads without the GIL.

At most one text a phone is a UNIQUE index, not a promise: the database refuses what a mistake of ours would let through.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar, TypeVarTuple

from rumbleup_async.admission import Admit
from rumbleup_async.errors import LedgerError, LedgerFenced, LedgerMismatch
from rumbleup_async.ledger import beginning, carrying, keeping, loading, schema, settling, states, stepping, taking_in
from rumbleup_async.ledger.claiming import Claimed
from rumbleup_async.ledger.closing import Closing, storable
from rumbleup_async.ledger.files import (
    beside,
    check_file,
    check_name,
    count_reasons,
    how_it_ended,
    instead,
    path_of,
    said,
    select_rows,
    value_of,
    why_queued,
    written_stop,
)
from rumbleup_async.ledger.held_file import HeldFile
from rumbleup_async.ledger.identity import Consent
from rumbleup_async.ledger.loading import NOBODY
from rumbleup_async.ledger.looks import Looks
from rumbleup_async.ledger.queue import Queue
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
from rumbleup_async.reasons import Reason
from rumbleup_async.shielding import run_shielded
from rumbleup_async.stops import Stop

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class SqliteLedger:
    """The ledger of one run in the file `path` (mode 0600), with SQLite's own `-wal` and `-shm` and our `-lock` beside it.

    Without `keep_empty` a file that was begun here and was given no contact is taken away again on closing. `identity`: the
    server and account of whoever opens it; `consent`: what was said of it. `notes`, once it is open: what is to be told of it.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        keep_empty: bool = True,
        identity: Identity | None = None,
        consent: Consent | None = None,
    ) -> None:
        self.path = path_of(path)
        self._keep_empty = keep_empty
        self._identity = identity
        self._consent = consent or Consent()
        self.notes: list[str] = []
        self._kept = Kept()
        self._is_used = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._file = HeldFile(self.path, _wall_clock)
        self._same_text: str | None = None
        self._counts = dict.fromkeys(State, 0)
        self._queue = Queue()
        self._looks = Looks()
        self._owners: dict[int, Owner] = {}
        """Those that are not fenced."""
        self._last_row = 0
        self._is_loading = False
        """A list is being read, or was not read to its end."""
        self._ended_before: str | None = None
        """How the process before this one ended; noted again if this one sends nothing."""
        self.fingerprint: str | None = None

    @property
    def counts(self) -> Mapping[State, int]:
        return self._counts

    @property
    def last_row(self) -> int:
        return self._last_row

    @property
    def kept(self) -> Kept:
        return self._kept

    @property
    def is_used(self) -> bool:
        return self._is_used or self._file.is_marked

    @property
    def lease(self) -> float:
        # The lock on the file proves that nobody else lives, so that nobody's time has to be measured.
        return math.inf

    @contextmanager
    def shared_with_children(self) -> Iterator[tuple[int, ...]]:
        yield () if self._file.lock is None else (self._file.lock,)

    # ---- the calls: each hands one function to the thread and waits for it, come what may ----

    async def open(self, plan: Plan | None) -> Plan:
        return await self._in_thread(self._open, plan)

    async def keep(self, kept: Kept) -> None:
        await self._in_thread(self._keep, kept)

    async def load(self, batches: Iterable[Sequence[Planned | Skipped]], *, left_out: Mapping[str, Reason] = NOBODY) -> None:
        await self._in_thread(self._load, batches, left_out)

    async def add(self, rows: Sequence[Planned | Skipped]) -> list[Result]:
        return await self._in_thread(self._add, rows)

    async def complete(self, fingerprint: str) -> None:
        await self._in_thread(self._complete, fingerprint)

    async def enlist(self, name: str) -> Owner:
        return await self._in_thread(self._enlist, name)

    async def owners(self) -> list[Owner]:
        return list(self._owners.values())

    async def expire(self, owner: int) -> list[Result]:
        return await self._in_thread(self._expire, owner)

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
            return await self._in_thread(self._step_of, owner, closing, want, now, shut, second)
        return await self._step_with_rules(owner, closing, want, now, shut, second, admit)

    async def refuse(self, refused: Sequence[Result]) -> None:
        await self._in_thread(self._refuse, refused)

    async def again(self) -> bool:
        return await self._in_thread(self._again)

    async def left(self) -> list[tuple[Reason, int]]:
        return await self._in_thread(lambda: why_queued(self._file.db))

    async def reasons(self) -> list[tuple[State, Reason, int]]:
        return await self._in_thread(lambda: count_reasons(self._file.db))

    async def claim(
        self, owner: int, done: Sequence[Closed], drawn: Sequence[Planned | Skipped], now: float
    ) -> list[Text | Result]:
        return await self._in_thread(self._claim, owner, Closing(done), drawn, now)

    async def finish(self, stop: Stop | None, elapsed: float) -> None:
        await self._in_thread(self._finish, stop, elapsed)

    async def rows(self, after: int, limit: int, *, skipped_only: bool = False) -> list[Result]:
        return await self._in_thread(lambda: select_rows(self._file.db, after, limit, "AND state = 4" if skipped_only else ""))

    async def doubts(self, after: int, limit: int, *, absent: bool = False) -> list[UnknownText]:
        return await self._in_thread(self._doubts, after, limit, absent)

    async def settle(self, settled: Sequence[Resolution]) -> None:
        await self._in_thread(self._note, settled)

    async def first_looks(self, doubts: Sequence[UnknownText], now: float) -> dict[int, float]:
        return await self._in_thread(self._first_looks, doubts, now)

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
                texts = await self._in_thread(self._next_to_ask, turned, owner, closing, missing, now, shut)
                if not texts:
                    break
                turned.sort(texts, await admit(texts))
        except BaseException:
            await run_shielded(self._in_thread(self._queue.give_back, turned.texts))
            raise
        return await self._in_thread(self._step_of, owner, closing, want, now, shut, second, turned)

    async def _in_thread(self, function: Callable[[*Ts], T], *arguments: *Ts) -> T:
        work = asyncio.get_running_loop().run_in_executor(self._thread, _guard, self.path, function, arguments)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            # A commit that has begun ends before the cancellation goes on, or nobody would know what it said.
            await run_shielded(work)
            raise

    # ---- in the thread: opening ----

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
            stored = self._open_file()
            if stored is not None:
                self._check(stored)
            stored = beginning.settle_plan(file, stored, plan, is_used=self._was_used)
            self._count()
            self._ended_before = how_it_ended(file.db)
            with file.transaction():
                beginning.note_opening(file, self._identity)
            file.note_in_lock()
            self._kept = keeping.read(file.db)
            file.settle_down()
        except BaseException:
            if lock_is_new and not file.is_new:
                # Beside a file that was refused it would be litter. It is still held, so that nobody else has it in hand.
                beside(self.path, "-lock").unlink(missing_ok=True)
            self._close()
            raise
        self._same_text = stored.same_text
        self._queue.same_text = stored.same_text or ""
        return stored

    def _open_file(self) -> Plan | None:
        return self._file.open(is_loss_accepted=self._consent.log_lost)

    def _check(self, plan: Plan) -> None:
        """LedgerError, or LedgerMismatch, if this process may not go on with the run that is there."""
        original = self._consent.original
        for note in (
            beginning.check_standing(self._file, plan, is_used=self._was_used, original=original),
            beginning.check_identity(self._file, self._identity, self._consent, is_used=self._was_used),
        ):
            if note:
                self.notes.append(note)

    def _was_used(self) -> bool:
        return beginning.was_used(self._file.db)

    def _count(self) -> None:
        """Find out what there is: contacts by state, and owners, of whom all are dead."""
        db = self._file.db
        self._last_row = db.execute("SELECT coalesce(max(row), 0) FROM contact").fetchone()[0]
        self._counts.update(dict.fromkeys(State, 0))
        for state, number in db.execute("SELECT state, count(*) FROM contact GROUP BY state"):
            self._counts[states.BY_NUMBER[state]] = number
        found = db.execute("SELECT id, name FROM owner WHERE fenced = 0 ORDER BY id").fetchall()
        self._owners = {id_: Owner(id_, name, is_dead=True) for id_, name in found}
        self._queue.reset(self._file.db)
        self.fingerprint = value_of(db, "list")
        self._is_loading = value_of(db, "loading") is not None
        self._is_used = self._was_used()

    # ---- the list comes in ----

    def _load(self, batches: Iterable[Sequence[Planned | Skipped]], left_out: Mapping[str, Reason]) -> None:
        file = self._file
        db = file.db
        if self._was_used():
            raise LedgerMismatch(f"{self.path} was begun with another list, and texts of it may have left; {instead(self.path)}")
        with file.transaction():
            # A load that was cut off left rows without the index; nothing of them was ever sent.
            db.execute("DROP INDEX IF EXISTS one_text_a_phone")
            db.execute("DELETE FROM contact")
            schema.forget(db)
            carrying.forget(db)
            db.execute("DELETE FROM run WHERE key = 'list'")
            file.write("loading", "1")
        self.fingerprint = None
        self._is_loading = True
        self._queue.reset(self._file.db)
        self._counts.update(dict.fromkeys(State, 0))
        # Nothing of the list is used before the last commit, which flushes all there was before it: until then no step waits
        # for the disk.
        db.execute("PRAGMA synchronous = NORMAL")
        coming = loading.Coming()
        try:
            for batch in batches:
                with file.transaction():
                    taking_in.insert(db, batch, self._same_text, coming=coming)
                self._count_in(batch, State.QUEUED)
        finally:
            db.execute("PRAGMA synchronous = FULL")
        with file.transaction():
            db.execute(schema.ONE_TEXT_A_PHONE)
            duplicates = loading.sort_out(db)
            duplicates += loading.leave_out(db, left_out)
            db.execute("DELETE FROM run WHERE key = 'loading'")
        self._is_loading = False
        self._moved(State.QUEUED, State.SKIPPED, duplicates)
        self._last_row = db.execute("SELECT coalesce(max(row), 0) FROM contact").fetchone()[0]

    def _add(self, rows: Sequence[Planned | Skipped]) -> list[Result]:
        db = self._file.db
        if self._is_loading:
            raise LedgerError(f"{self.path}: its list was not read to its end; give the same list again")
        if value_of(db, "lost") is not None:
            raise LedgerError(f"{self.path} has lost its log, and with it who was texted since; nobody can be added to it")
        new = self._new_rows(rows)
        if not new:
            return []
        results = [Result(row.row, row.phone, State.SKIPPED, row.why) for row in new if isinstance(row, Skipped)]
        with self._file.transaction():
            added = taking_in.insert(db, new, self._same_text, or_pass=True)
            # Only where somebody was passed over does it have to be found out who that was.
            duplicates = taking_in.duplicates(db, new) if added < len(new) else []
            taking_in.insert(db, duplicates, self._same_text)
        results += [Result(row.row, row.phone, State.SKIPPED, row.why) for row in duplicates]
        self._queue.came_in({row.place for row in new if isinstance(row, Planned)})
        self._counts[State.SKIPPED] += len(results)
        self._counts[State.QUEUED] += len(new) - len(results)
        self._last_row = max(self._last_row, new[-1].row)
        return sorted(results, key=lambda result: result.row)

    def _new_rows(self, rows: Sequence[Planned | Skipped]) -> list[Planned | Skipped]:
        """The rows the ledger does not have yet; LedgerMismatch if it has one that differs."""
        if not rows or rows[0].row > self._last_row:
            return list(rows)
        new, other = taking_in.new_rows(self._file.db, rows, self._same_text)
        if other is not None:
            raise LedgerMismatch(f"{self.path}: row {other} of the list is not the contact it was; {instead(self.path)}")
        return new

    def _count_in(self, rows: Sequence[Planned | Skipped], state: State) -> None:
        planned = sum(isinstance(row, Planned) for row in rows)
        self._counts[State.SKIPPED] += len(rows) - planned
        self._counts[state] += planned

    def _moved(self, before: State, after: State, number: int = 1) -> None:
        self._counts[before] -= number
        self._counts[after] += number

    def _complete(self, fingerprint: str) -> None:
        with self._file.transaction():
            self._file.write("list", fingerprint)
        self.fingerprint = fingerprint

    # ---- texts go out ----

    def _enlist(self, name: str) -> Owner:
        with self._file.transaction() as db:
            found = db.execute("INSERT INTO owner (name) VALUES (?)", (storable(name),)).lastrowid
        assert found is not None  # noqa: S101 - SQLite has just given it
        owner = self._owners[found] = Owner(found, name)
        return owner

    def _expire(self, owner: int) -> list[Result]:
        if owner not in self._owners:
            return []
        with self._file.transaction() as db:
            results = stepping.expire(db, owner)
            if results:
                self._file.write("recovered", str(self._file.now()))
        del self._owners[owner]
        self._moved(State.INTENT, State.UNKNOWN, len(results))
        return results

    def _believe(self, owner: int, closing: Closing) -> list[Result]:
        """Take the proof that a fenced owner brings."""
        self._file.check_not_lost()
        if not closing.states[State.SENT]:
            return []
        with self._file.transaction() as db:
            proven = stepping.believe(db, owner, closing.closed)
        for before, _ in proven:
            self._moved(before, State.SENT)
        if any(before is State.QUEUED for before, _ in proven):
            self._queue.reset(self._file.db)
        return [result for _, result in proven]

    def _next_to_ask(
        self, turned: Turned, owner: int, closing: Closing, want: int, now: float, shut: Mapping[int, float]
    ) -> list[Text]:
        """The next texts of which the rules are to be asked; nobody, where the step will not come to them."""
        if owner not in self._owners:
            return []
        self._file.check_not_lost()
        closing.check()
        texts = self._take(want, now, shut)
        turned.texts += texts
        self._queue.asked.update(text.row for text in texts)
        return texts

    def _step_of(
        self,
        owner: int,
        closing: Closing,
        want: int,
        now: float,
        shut: Mapping[int, float],
        second: Second | None,
        turned: Turned | None = None,
    ) -> Step:
        taken: list[Text] = [] if turned is None else turned.texts
        try:
            if owner not in self._owners:
                self._queue.give_back(taken)
                return Step(results=self._believe(owner, closing), is_fenced=True)
            self._file.check_not_lost()
            closing.check()
            if turned is None:
                taken = self._take(want, now, shut)
                turned = Turned(taken)
            self._write_step(owner, closing, turned, int(now * 1000), second)
        except BaseException:
            self._queue.give_back(taken)
            raise
        is_more = turned.number >= ASKED_AT_MOST
        if len(turned.go) >= want or is_more:
            return Step(turned.go, turned.nevers, is_more=is_more)
        return Step(turned.go, turned.nevers, due=self._queue.next_due(), shut=self._queue.shut_places(now, shut))

    def _write_step(self, owner: int, closing: Closing, turned: Turned, now: int, second: Second | None) -> None:
        opened = turned.go
        until = {**closing.due, **{row: due for row, due, _ in turned.waits}}
        if closing.number or opened:
            self._file.count_step()
        if until or turned.nevers or second is not None:
            with self._file.transaction() as db:
                stepping.write(db, owner, closing, opened, now)
                stepping.turn_away(db, turned, until)
                if second is not None:
                    stepping.note_second(db, owner, second, self._counts_after(closing, turned))
        elif closing.number or opened:
            stepping.write(self._file.db, owner, closing, opened, now)
        else:
            return
        self._file.check_place()
        self._counts.update(self._counts_after(closing, turned))
        self._queue.put_off(until)
        self._queue.asked.difference_update(text.row for text in turned.texts)

    def _counts_after(self, closing: Closing, turned: Turned) -> dict[State, int]:
        """How many contacts are in each state once this step is on the disk."""
        counts = self._counts.copy()
        counts[State.QUEUED] -= len(turned.go) + len(turned.nevers)
        counts[State.INTENT] += len(turned.go) - closing.number
        for state, number in closing.states.items():
            counts[state] += number
        for one in turned.nevers:
            counts[one.state] += 1
        return counts

    def _closed(self, closing: Closing) -> None:
        """Take note of what is closed on the disk."""
        for state, number in closing.states.items():
            self._moved(State.INTENT, state, number)

    def _take(self, want: int, now: float, shut: Mapping[int, float]) -> list[Text]:
        """Who is next, but for those whose look into the log has grown old."""
        if want > 0 and self._is_loading:
            # Without the rest of the list and the index over its phones somebody could be texted twice.
            raise LedgerError(f"{self.path}: its list was not read to its end; send the same list again")
        taken = self._queue.take(want, now, shut)
        while stale := [text.row for text in taken if self._looks.is_stale(text.row)]:
            try:
                with self._file.transaction() as db:
                    settling.put_back(db, stale)
            except BaseException:
                self._queue.give_back(taken)
                raise
            self._moved(State.QUEUED, State.NOT_SENT, len(stale))
            taken = [text for text in taken if text.row not in stale]
            taken += self._queue.take(want - len(taken), now, shut)
        return taken

    def _refuse(self, refused: Sequence[Result]) -> None:
        self._file.check_not_lost()
        with self._file.transaction() as db:
            done = sum(
                db.execute(
                    "UPDATE contact SET state = 3, attempts = ?, code = ?, detail = ?, time = ? WHERE row = ? AND state = 0",
                    (result.attempts, result.why.code or None, storable(result.why.detail), result.time, result.row),
                ).rowcount
                for result in refused
            )
            if done != len(refused):
                raise LedgerError(f"{self.path}: a contact to be refused was not queued")
        self._file.check_place()
        self._moved(State.QUEUED, State.REFUSED, done)

    def _again(self) -> bool:
        self._queue.reset(self._file.db)
        return self._counts[State.QUEUED] > 0

    def _claim(self, owner: int, closing: Closing, drawn: Sequence[Planned | Skipped], now: float) -> list[Text | Result]:
        if owner not in self._owners:
            self._believe(owner, closing)
            raise LedgerFenced(f"{self.path}: another process has taken over this run")
        self._file.check_not_lost()
        closing.check()
        self._file.count_step()
        with self._file.transaction() as db:
            if closing.number:
                stepping.write(db, owner, closing, (), 0)
            # Only now: what is given back in this very step may be opened again.
            claimed = Claimed(db, drawn, self._looks.is_stale)
            claimed.write(db, self._same_text, owner, int(now * 1000))
        self._file.check_place()
        self._closed(closing)
        self._count_in(claimed.new, State.INTENT)
        self._moved(State.QUEUED, State.INTENT, len(claimed.again))
        self._last_row = max(self._last_row, *(row.row for row in drawn))
        return claimed.answers

    def _finish(self, stop: Stop | None, elapsed: float) -> None:
        self._ended_before = None
        with self._file.transaction():
            self._file.write("stop", written_stop(stop))
            beginning.add_elapsed(self._file, elapsed)

    # ---- what the provider's log decides ----

    def _doubts(self, after: int, limit: int, absent: bool) -> list[UnknownText]:
        db = self._file.db
        recovered = int(value_of(db, "recovered") or 0)
        return settling.select_doubts(db, self._same_text or "", recovered, after, limit, absent=absent)

    def _first_looks(self, doubts: Sequence[UnknownText], now: float) -> dict[int, float]:
        with self._file.transaction() as db:
            return settling.first_looks(db, doubts, now)

    def _note(self, settled: Sequence[Resolution]) -> None:
        with self._file.transaction() as db:
            moves = settling.settle(db, settled)
            if any(after is State.QUEUED for _, after in moves):
                self._file.write("tried", "1")  # nothing else would tell from now on that a text may have left
        for (before, after), number in moves.items():
            self._moved(before, after, number)
        if again := [one.row for one in settled if one.state is State.QUEUED]:
            self._looks.note(again)
            # The queue is read from the beginning again: what came back to it lies behind.
            self._queue.reset(self._file.db)

    def _keep(self, kept: Kept) -> None:
        new = kept.suppressed - self._kept.suppressed
        if kept != self._kept:
            with self._file.transaction() as db:
                keeping.write(db, kept, new)
            self._kept = kept

    def _close(self) -> None:
        is_empty = self._file.is_new and not self._keep_empty and not any(self._counts.values())
        if self._file.connection is not None and self._ended_before is not None:
            with contextlib.suppress(sqlite3.Error), self._file.transaction():
                self._file.write("stop", self._ended_before)
        # Begun in this process and never given a contact: a mistyped list shall not leave files behind.
        self._file.close(is_litter=is_empty)


def _wall_clock() -> float:
    return time.time()


def _guard(path: Path, function: Callable[[*Ts], T], arguments: tuple[*Ts]) -> T:
    """Run a step of the thread; what SQLite and the file system say against it becomes a LedgerError that names the file."""
    try:
        return function(*arguments)
    except sqlite3.Error as error:
        raise LedgerError(f"{path}{said(error)}") from error
    except OSError as error:
        raise LedgerError(f"{path}: {error.strerror or error}") from error
