"""The ledger on SQLite: intent before the wire, result after, both on the disk when a call returns.

Lives here: one file a run, one writer, one thread of its own that alone touches the database. Statements of one
occasion stand with the neighbours: a list's repeats in `loading`, what the provider's log decides in `settling`.

Why it is written as it is:
- WAL with synchronous=FULL: NORMAL may lose the last commits when the power goes, and with them an intent.
- Every step is a few large statements instead of many small ones. sqlite3 gives the GIL away at each statement and, while
  the event loop is busy, waits up to the switch interval (5 ms) to get it back; 64 updates by executemany took a third of a
  second beside a busy loop.
- What the thread does with the GIL held, the event loop waits for. So a step goes in and comes out as JSON, which msgspec writes
  in the loop's thread, where the objects are at hand, and SQLite reads without the GIL.
- At most one text a phone is a UNIQUE index, not a promise: the database refuses what a mistake of ours would let through.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import itertools
import math
import os
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple

import msgspec

from rumbleup_async.admission import Admit
from rumbleup_async.errors import LedgerError, LedgerFenced, LedgerLocked, LedgerMismatch
from rumbleup_async.ledger import carrying, keeping, marks, standing, states
from rumbleup_async.ledger import identity as identities
from rumbleup_async.ledger.closing import Closing
from rumbleup_async.ledger.files import (
    APPLICATION,
    SCHEMA,
    beside,
    check_file,
    check_kind,
    check_name,
    count_reasons,
    how_it_ended,
    instead,
    path_of,
    places,
    read_plan,
    said,
    select_rows,
    value_of,
    why_queued,
    written_stop,
)
from rumbleup_async.ledger.identity import Consent
from rumbleup_async.ledger.loading import NOBODY, Coming, leave_out, sort_out
from rumbleup_async.ledger.looks import Looks
from rumbleup_async.ledger.plans import compare
from rumbleup_async.ledger.settling import first_looks, put_back, select_doubts, select_known, select_witnesses, settle
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
from rumbleup_async.reasons import INTERRUPTED, Code, Reason, duplicate, from_words
from rumbleup_async.shielding import run_shielded
from rumbleup_async.stops import Stop

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_TABLES = """
CREATE TABLE run (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE contact (
    row      INTEGER PRIMARY KEY,
    phone    TEXT NOT NULL,
    text     TEXT,
    name     TEXT,
    segments INTEGER NOT NULL DEFAULT 0,
    screened INTEGER,
    state    INTEGER NOT NULL CHECK (state BETWEEN 0 AND 6),
    attempts INTEGER NOT NULL DEFAULT 0,
    logid    TEXT,
    reason   TEXT,
    time     INTEGER
);
"""
# `screened` is 1 for rows that are never texted. It does not change with the state, so that the index below, which leaves
# such rows out, is not touched by every send.
_ONE_TEXT_A_PHONE = "CREATE UNIQUE INDEX one_text_a_phone ON contact (phone) WHERE screened IS NULL"

_CHUNK = 1000
"""Rows a statement carries at most; 1,000 rows of 6 values stay below the 32,766 parameters that SQLite since 3.32 allows."""

_AHEAD = 512
"""Queued rows read ahead of their intents."""

_LOG_PAGES = 1000
"""Pages that the write-ahead log may come to before it is carried over into the main file: as many as SQLite itself would let it,
or a run would need more room on the disk."""
_FIRST_STEPS = 20
"""Steps until it is looked at how many pages they write."""
_STEPS_WITHOUT_MARK = 8
"""Steps until it is tried once more, where somebody who reads the ledger has kept the mark out of the main file."""


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
        self._is_marked = False
        """The main file says that its log holds more."""
        self._number = 0
        """Of the last mark."""
        self._in_main = 0
        """Of the mark that is in the main file."""
        self._written = 0
        """When the main file was written last, by us."""
        self._opened = 0
        """How often the ledger has been opened to write."""
        self._steps_left = _FIRST_STEPS
        """Steps until the log is carried over into the main file."""
        self._steps = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._connection: sqlite3.Connection | None = None
        self._lock: int | None = None
        self._places: list[tuple[int, int]] = []
        self._lost = ""
        """Why nothing more is written, once the files are not where they were."""
        self._plan: Plan | None = None
        self._counts = dict.fromkeys(State, 0)
        self._ahead: deque[Text] = deque()
        self._cursor = 0
        self._looks = Looks()
        self._owners: dict[int, Owner] = {}
        """Those that are not fenced."""
        self._enlisted = 0
        self._open_rows: dict[int, int] = {}
        """Who has which row open."""
        self._last_row = 0
        self._is_new = False
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
    def lease(self) -> float:
        # The lock on the file proves that nobody else lives, so that nobody's time has to be measured.
        return math.inf

    @contextmanager
    def shared_with_children(self) -> Iterator[tuple[int, ...]]:
        yield () if self._lock is None else (self._lock,)

    @property
    def kept(self) -> Kept:
        return self._kept

    @property
    def is_used(self) -> bool:
        return self._is_used or self._is_marked

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
        self._enlisted += 1
        owner = self._owners[self._enlisted] = Owner(self._enlisted, name)
        return owner

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
        shut: Mapping[int, float] = NONE_SHUT,  # noqa: ARG002
        *,
        admit: Admit | None = None,  # noqa: ARG002
        second: Second | None = None,  # noqa: ARG002
    ) -> Step:
        return await self._in_thread(self._step_of, owner, Closing(done), want, now)

    async def refuse(self, refused: Sequence[Result]) -> None:
        await self._in_thread(self._refuse, refused)

    async def again(self) -> bool:
        return await self._in_thread(self._again)

    async def left(self) -> list[tuple[Reason, int]]:
        return await self._in_thread(lambda: why_queued(self._db))

    async def reasons(self) -> list[tuple[State, Reason, int]]:
        return await self._in_thread(lambda: count_reasons(self._db))

    async def claim(
        self, owner: int, done: Sequence[Closed], drawn: Sequence[Planned | Skipped], now: float
    ) -> list[Text | Result]:
        return await self._in_thread(self._claim, owner, Closing(done), drawn, now)

    async def finish(self, stop: Stop | None, elapsed: float) -> None:
        await self._in_thread(self._finish, stop, elapsed)

    async def rows(self, after: int, limit: int, *, skipped_only: bool = False) -> list[Result]:
        return await self._in_thread(self._rows, after, limit, skipped_only)

    async def doubts(self, after: int, limit: int, *, absent: bool = False) -> list[UnknownText]:
        return await self._in_thread(self._doubts, after, limit, absent)

    async def settle(self, settled: Sequence[Resolution]) -> None:
        await self._in_thread(self._note, settled)

    async def first_looks(self, doubts: Sequence[UnknownText], now: float) -> dict[int, float]:
        return await self._in_thread(self._first_looks, doubts, now)

    async def witnesses(self, after: int, limit: int) -> list[Known]:
        return await self._in_thread(lambda: select_witnesses(self._db, after, limit))

    async def known(self, phones: Sequence[str]) -> list[Known]:
        return await self._in_thread(lambda: select_known(self._db, phones))

    async def aclose(self) -> None:
        await self._in_thread(self._close)
        self._thread.shutdown()

    async def _in_thread(self, function: Callable[[*Ts], T], *arguments: *Ts) -> T:
        work = asyncio.get_running_loop().run_in_executor(self._thread, _guard, self.path, function, arguments)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            # A commit that has begun ends before the cancellation goes on, or nobody would know what it said.
            await run_shielded(work)
            raise

    # ---- in the thread ----

    @property
    def _db(self) -> sqlite3.Connection:
        if self._connection is None:
            raise LedgerError(f"{self.path}: the ledger is not open")
        return self._connection

    def _open(self, plan: Plan | None) -> Plan:
        if self._connection is not None:
            raise LedgerError(f"{self.path}: the ledger is open already")
        if sqlite3.sqlite_version_info < (3, 35):
            raise LedgerError(f"the ledger needs SQLite 3.35 or newer; this Python has {sqlite3.sqlite_version}")
        check_file(self.path, missing_is_fine=plan is not None)
        check_name(self.path)
        lock_is_new = not beside(self.path, "-lock").exists()
        self._take_lock()
        try:
            stored = self._open_file()
            if stored is not None:
                self._check_standing(stored)
                self._check_identity()
                with self._transaction() as db:
                    put_back(db)  # of whom an earlier process has looked up nobody knows what the log shows by now
            stored = self._settle(stored, plan)
            self._find_the_dead()
            self._ended_before = how_it_ended(self._db)
            with self._transaction() as db:
                db.execute("DELETE FROM run WHERE key IN ('stop', 'stopped')")  # how this process ends is not known yet
                self._count_the_dead()
                self._note_opening()
            self._note_in_lock()
            self._kept = keeping.read(self._db)
            self._places, _ = places(self.path)
        except BaseException:
            if lock_is_new and not self._is_new:
                # Beside a file that was refused it would be litter. It is still held, so that nobody else has it in hand.
                beside(self.path, "-lock").unlink(missing_ok=True)
            self._close()
            raise
        self._plan = stored
        return stored

    def _settle(self, stored: Plan | None, plan: Plan | None) -> Plan:
        """Which run this is: the one that is there, or a new one where none is there or none of its texts was ever tried."""
        db = self._db
        if stored is None:
            if plan is None:
                raise LedgerError(f"{self.path} holds no run to resume")
            self._create(plan)
            return plan
        if plan is None:
            if value_of(db, "loading") is not None:
                raise LedgerError(f"{self.path}: its list was not read to its end; send the same list again")
            return stored
        differing = compare(stored, plan)
        if not differing:
            return stored
        if self._was_used():
            raise LedgerMismatch(
                f"{self.path} was begun with another {' and another '.join(differing)}, and texts of it may have left; "
                f"{instead(self.path)}"
            )
        self._begin_anew(plan)
        return plan

    def _was_used(self) -> bool:
        """Whether any text of this ledger may ever have left: of what is queued, none has, unless it was absent from the log."""
        db = self._db
        return value_of(db, "tried") is not None or bool(
            db.execute("SELECT 1 FROM contact WHERE state NOT IN (0, 4) LIMIT 1").fetchone()
        )

    def _check_standing(self, plan: Plan) -> None:
        """Whether this file is the ledger itself or a copy of it."""
        db, lock = self._db, self._lock
        stored = value_of(db, "place")
        self._opened = int(value_of(db, "opened") or 0)
        if stored is None:
            # Of an older version, which forgot that what it queued again after an absence had been tried.
            found = "SELECT 1 FROM contact WHERE state = 0 AND attempts > 0 AND reason IS NULL LIMIT 1"
            if db.execute(found).fetchone():
                self._write("tried", "1")
            return
        try:
            before = msgspec.json.decode(stored, type=standing.Standing)
        except msgspec.MsgspecError:
            return
        if not self._was_used():
            return  # nobody has been texted by it, nor by whatever it is a copy of
        known = marks.read_note(lock).get("opened", 0) if lock is not None else 0
        said = standing.check(
            self.path,
            before,
            standing.here(self.path),
            plan.run,
            is_set_back=known > self._opened,
            original=self._consent.original,
        )
        if said:
            self.notes.append(said)

    def _check_identity(self) -> None:
        """Whether whoever opens it is of the server and the account to which its texts went. It binds once one may have left."""
        now = self._identity
        if now is None:
            return
        stored = value_of(self._db, "identity")
        if stored is None:
            self.notes.append(identities.adopted(str(self.path), now))
            return
        if not self._was_used():
            return
        identities.check(msgspec.json.decode(stored, type=Identity), now, self._consent, str(self.path))

    def _note_opening(self) -> None:
        """Within a transaction: where the ledger stands, whose it is, and that it was opened once more."""
        self._opened += 1
        self._write("opened", str(self._opened))
        self._write("place", msgspec.json.encode(standing.here(self.path)).decode())
        if self._identity is not None:
            self._write("identity", msgspec.json.encode(self._identity).decode())

    def _note_in_lock(self, marking: int = 0, *, is_durable: bool = False) -> None:
        if self._lock is not None:
            marks.write_note(self._lock, opened=self._opened, marking=marking)
            if is_durable:
                os.fsync(self._lock)

    def _begin_anew(self, plan: Plan) -> None:
        with self._transaction() as db:
            db.execute("DELETE FROM contact")
            carrying.forget(db)
            db.execute("DELETE FROM run WHERE key != ?", (marks.KEY,))
            keeping.forget(db)
            db.execute("DROP INDEX IF EXISTS one_text_a_phone")
            db.execute(_ONE_TEXT_A_PHONE)
            self._write("plan", msgspec.json.encode(plan).decode())

    def _take_lock(self) -> None:
        lock_path = beside(self.path, "-lock")
        self._lock = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            _flock(self._lock)
        except BlockingIOError:
            raise LedgerLocked(f"{self.path} is being written by another run; wait for it to end, or stop it") from None
        found = os.fstat(self._lock)
        if not lock_path.exists() or lock_path.stat().st_ino != found.st_ino:
            # Whoever held it has just taken it away together with an empty ledger.
            raise LedgerLocked(f"{self.path} was being opened by another run; try again")

    def _open_file(self) -> Plan | None:
        if not self.path.exists():
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
            self._is_new = True
            directory = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        main = marks.of_main_file(self.path)
        is_whole = marks.is_whole(self.path, main)
        # An absolute path: SQLite may read `file:x.ledger` as an address, and open another file than the one that is locked.
        db = sqlite3.connect(self.path.absolute(), isolation_level=None, check_same_thread=False, cached_statements=512)
        self._connection = db
        check_kind(db, self.path)
        plan = read_plan(db, self.path)
        seen = value_of(db, marks.KEY) if plan is not None else None
        note = marks.read_note(self._lock) if self._lock is not None else {}
        is_lost = marks.is_log_lost(main, seen, note, is_whole=is_whole)
        if is_lost and not self._consent.log_lost:
            raise marks.lost(self.path)
        self.path.chmod(0o600)
        mode = db.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise LedgerError(f"{self.path}: this file system cannot hold a write-ahead log (mode {mode}); use a local disk")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA fullfsync = ON")  # macOS: fsync alone leaves data in the drive's cache
        db.execute("PRAGMA cache_size = -8000")
        self._number = max(marks.number_of(main), marks.number_of(seen))
        self._in_main = marks.number_of(main)
        if plan is not None and (is_lost or (seen or "").endswith(marks.MAIN)):
            with self._transaction():
                self._write(marks.KEY, marks.mark(self._in_main, marks.LOG))
                if is_lost:
                    self._give_up_queue()
        return plan

    def _give_up_queue(self) -> None:
        """Within a transaction: of whoever is queued nobody knows any more whether they were texted, nor who was added since."""
        now = _now()
        self._db.execute("UPDATE contact SET state = 6, reason = ?, time = ? WHERE state = 0", (str(marks.DOUBT), now))
        self._write("tried", "1")
        self._write("lost", "1")
        self._write("recovered", str(now))

    def _mark_main(self, *, is_before_step: bool = True) -> None:
        """Carry the log over into the main file, which is to know that what follows is in the log; see `marks`."""
        db = self._db
        db.execute("PRAGMA wal_autocheckpoint = 0")
        number = self._number = self._number + 1
        self._note_in_lock(marking=number, is_durable=True)
        # The next step waits for the disk, and with it for these two.
        db.execute("PRAGMA synchronous = NORMAL")
        try:
            with self._transaction():
                self._write(marks.KEY, marks.mark(number, marks.MAIN))
            try:
                _, pages, carried = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            except sqlite3.OperationalError:
                pages, carried = 0, -1  # no room in the main file: the log holds all the same
            if carried == pages > 0:
                self._in_main = number
            if not is_before_step:
                db.execute("PRAGMA synchronous = FULL")
            with self._transaction():
                self._write(marks.KEY, marks.mark(self._in_main, marks.LOG))
                if not self._is_marked:
                    db.execute("INSERT INTO run VALUES ('began', ?) ON CONFLICT (key) DO NOTHING", (str(_now()),))
        finally:
            db.execute("PRAGMA synchronous = FULL")
        self._note_in_lock(is_durable=True)
        if self._in_main != number:
            self._steps_left = _STEPS_WITHOUT_MARK
        elif self._is_marked and pages > 0:
            self._steps_left = max(8, min(self._steps * _LOG_PAGES // pages, 16 * self._steps))
        else:
            self._steps_left = _FIRST_STEPS
        with contextlib.suppress(OSError):  # `_check_place` says more of it
            self._written = self.path.stat().st_mtime_ns
        self._is_marked = True
        self._steps = 0

    def _count_step(self) -> None:
        """Before each step that may open entries."""
        if not self._is_marked or self._steps >= self._steps_left:
            self._mark_main()
        self._steps += 1

    def _create(self, plan: Plan) -> None:
        with self._transaction() as db:
            for statement in _TABLES.split(";"):
                db.execute(statement)
            db.execute(_ONE_TEXT_A_PHONE)
            db.execute(f"PRAGMA application_id = {APPLICATION}")
            db.execute(f"PRAGMA user_version = {SCHEMA}")
            self._write("plan", msgspec.json.encode(plan).decode())

    def _find_the_dead(self) -> None:
        """Count what there is; what is open was opened by processes that are no more."""
        db = self._db
        self._count()
        self._owners.clear()
        found = db.execute(
            "SELECT json_group_array(row) FROM contact WHERE state = ?", (states.NUMBERS[State.INTENT],)
        ).fetchone()[0]
        self._open_rows = dict.fromkeys(msgspec.json.decode(found), _DEAD.id)
        if self._open_rows:
            self._owners[_DEAD.id] = _DEAD
        self._cursor = 0
        self._ahead.clear()
        self.fingerprint = value_of(db, "list")
        self._is_used = self._was_used()

    def _count(self) -> None:
        self._last_row = self._db.execute("SELECT coalesce(max(row), 0) FROM contact").fetchone()[0]
        self._counts.update(dict.fromkeys(State, 0))
        for state, number in self._db.execute("SELECT state, count(*) FROM contact GROUP BY state"):
            self._counts[states.BY_NUMBER[state]] = number

    # ---- the list comes in ----

    def _load(self, batches: Iterable[Sequence[Planned | Skipped]], left_out: Mapping[str, Reason]) -> None:
        db = self._db
        if self._was_used():
            raise LedgerMismatch(f"{self.path} was begun with another list, and texts of it may have left; {instead(self.path)}")
        with self._transaction():
            # A load that was cut off left rows without the index; nothing of them was ever sent.
            db.execute("DROP INDEX IF EXISTS one_text_a_phone")
            db.execute("DELETE FROM contact")
            carrying.forget(db)
            db.execute("DELETE FROM run WHERE key = 'list'")
            self._write("loading", "1")
        self.fingerprint = None
        self._cursor = 0
        self._ahead.clear()
        self._counts.update(dict.fromkeys(State, 0))
        # Nothing of the list is used before the last commit, which flushes all there was before it: until then no step waits
        # for the disk.
        db.execute("PRAGMA synchronous = NORMAL")
        coming = Coming()
        try:
            for batch in batches:
                with self._transaction():
                    self._insert(batch, coming=coming)
                self._count_in(batch, State.QUEUED)
        finally:
            db.execute("PRAGMA synchronous = FULL")
        with self._transaction():
            db.execute(_ONE_TEXT_A_PHONE)
            duplicates = sort_out(db)
            duplicates += leave_out(db, left_out)
            db.execute("DELETE FROM run WHERE key = 'loading'")
        self._counts[State.QUEUED] -= duplicates
        self._counts[State.SKIPPED] += duplicates
        self._last_row = db.execute("SELECT coalesce(max(row), 0) FROM contact").fetchone()[0]

    def _add(self, rows: Sequence[Planned | Skipped]) -> list[Result]:
        db = self._db
        if value_of(db, "loading") is not None:
            raise LedgerError(f"{self.path}: its list was not read to its end; give the same list again")
        if value_of(db, "lost") is not None:
            raise LedgerError(f"{self.path} has lost its log, and with it who was texted since; nobody can be added to it")
        new = self._unknown_rows(rows)
        if not new:
            return []
        results = [Result(row.row, row.phone, State.SKIPPED, row.why) for row in new if isinstance(row, Skipped)]
        with self._transaction():
            added = self._insert(new, or_pass=True)
            # Only where somebody was passed over does it have to be found out who that was.
            duplicates = self._duplicates(new) if added < len(new) else []
            self._insert(duplicates)
        results += [Result(row.row, row.phone, State.SKIPPED, row.why) for row in duplicates]
        self._counts[State.SKIPPED] += len(results)
        self._counts[State.QUEUED] += len(new) - len(results)
        self._last_row = max(self._last_row, new[-1].row)
        return sorted(results, key=lambda result: result.row)

    def _duplicates(self, rows: Sequence[Planned | Skipped]) -> list[Skipped]:
        """Which of these rows the table has not taken, because their phones have a row already."""
        taken = self._db.execute(
            "SELECT json_group_array(row) FROM contact WHERE row BETWEEN ? AND ?", (rows[0].row, rows[-1].row)
        )
        known = set(msgspec.json.decode(taken.fetchone()[0]))
        left = [row for row in rows if row.row not in known]
        first_rows = self._first_rows([row.phone for row in left])
        return [Skipped(row.row, row.phone, duplicate(first_rows[row.phone]), row.kept) for row in left]

    def _unknown_rows(self, rows: Sequence[Planned | Skipped]) -> list[Planned | Skipped]:
        """The rows the ledger does not have yet; LedgerMismatch if it has one that differs."""
        if not rows or rows[0].row > self._last_row:
            return list(rows)
        first, last = rows[0].row, rows[-1].row
        found = self._db.execute(
            "SELECT json_group_array(json_array(row, phone, text, screened)) FROM contact WHERE row BETWEEN ? AND ?",
            (first, last),
        ).fetchone()[0]
        known = {row: (phone, text, screened) for row, phone, text, screened in msgspec.json.decode(found)}
        if not known:
            return list(rows)
        new = []
        for row in rows:
            if row.row not in known:
                new.append(row)
                continue
            phone, text, screened = known[row.row]
            if isinstance(row, Skipped):
                # Who has been put on the suppression list since is the same contact still; the engine leaves them out.
                same = phone == row.phone and bool(screened or row.why.code is Code.SUPPRESSED)
            else:
                same = phone == row.phone and bool(screened or (text or self._same_text) == row.text)
            if not same:
                raise LedgerMismatch(f"{self.path}: row {row.row} of the list is not the contact it was; {instead(self.path)}")
        return new

    def _first_rows(self, phones: list[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for start in range(0, len(phones), _CHUNK):
            some = phones[start : start + _CHUNK]
            marks = ",".join("?" * len(some))
            answer = self._db.execute(
                f"SELECT json_group_array(json_array(phone, row)) FROM contact WHERE screened IS NULL AND phone IN ({marks})",  # noqa: S608
                some,
            ).fetchone()[0]
            found.update(msgspec.json.decode(answer))
        return found

    def _insert(
        self,
        rows: Sequence[Planned | Skipped],
        state: State = State.QUEUED,
        *,
        or_pass: bool = False,
        at: int = 0,
        coming: Coming | None = None,
    ) -> int:
        """How many went in; less than all only where `or_pass` lets those be passed over whose phone has a row already."""
        # What is the same for all rows stands in the statement: every value handed over costs time.
        opened = at or "NULL"
        number = states.NUMBERS[state]
        passing = "ON CONFLICT (phone) WHERE screened IS NULL DO NOTHING" if or_pass else ""
        same_text = self._same_text
        added = 0
        for start in range(0, len(rows), _CHUNK):
            values: list[Any] = []
            skipped: list[Any] = []
            some = rows[start : start + _CHUNK]
            screened = itertools.repeat(None) if coming is None else coming.marks([row.phone for row in some])
            for row, mark in zip(some, screened, strict=False):
                if isinstance(row, Planned):
                    values += (row.row, row.phone, None if row.text == same_text else row.text, row.name, row.segments, mark)
                else:
                    skipped += (row.row, row.phone, row.reason)
            carrying.insert(self._db, [(row.row, row.kept) for row in some if row.kept is not None])
            added += self._insert_values(
                "row, phone, text, name, segments, screened, state, time", f"?,?,?,?,?,?,{number},{opened}", values, passing
            )
            added += self._insert_values("row, phone, reason, screened, state", "?,?,?,1,4", skipped)
        return added

    def _insert_values(self, columns: str, marks: str, values: list[Any], passing: str = "") -> int:
        """Some hundreds of rows, and then the rest: of a list each statement is soon known to SQLite, which takes half as long
        again for one of a new length."""
        added = 0
        width = marks.count("?")
        rest = len(values) // width % 100 * width
        for some in (values[: len(values) - rest], values[len(values) - rest :]):
            if some:
                rows = ",".join([f"({marks})"] * (len(some) // width))
                added += self._db.execute(f"INSERT INTO contact ({columns}) VALUES {rows} {passing}", some).rowcount  # noqa: S608
        return added

    def _count_in(self, rows: Sequence[Planned | Skipped], state: State) -> None:
        planned = sum(isinstance(row, Planned) for row in rows)
        self._counts[State.SKIPPED] += len(rows) - planned
        self._counts[state] += planned

    @property
    def _same_text(self) -> str | None:
        return self._plan.same_text if self._plan is not None else None

    def _complete(self, fingerprint: str) -> None:
        with self._transaction():
            self._write("list", fingerprint)
        self.fingerprint = fingerprint

    # ---- texts go out ----

    def _expire(self, owner: int) -> list[Result]:
        if self._owners.pop(owner, None) is None:
            return []
        rows = [row for row, whose in self._open_rows.items() if whose == owner]
        if not rows:
            return []
        which = msgspec.json.encode(rows).decode()
        with self._transaction() as db:
            db.execute(
                "UPDATE contact SET state = ?, reason = ? WHERE state = ? AND row IN (SELECT value FROM json_each(?))",
                (states.NUMBERS[State.UNKNOWN], str(INTERRUPTED), states.NUMBERS[State.INTENT], which),
            )
            self._write("recovered", str(_now()))
        for row in rows:
            del self._open_rows[row]
        self._counts[State.INTENT] -= len(rows)
        self._counts[State.UNKNOWN] += len(rows)
        results: list[Result] = []
        for start in range(0, len(rows), _CHUNK):
            some = msgspec.json.encode(rows[start : start + _CHUNK]).decode()
            results += select_rows(self._db, -1, _CHUNK, f"AND row IN (SELECT value FROM json_each('{some}'))")  # noqa: S608
        return results

    def _step_of(self, owner: int, closing: Closing, want: int, now: float) -> Step:
        if owner not in self._owners:
            return Step(is_fenced=True)
        self._check(owner, closing)
        opened = self._take(want)
        if not (closing.number or opened):
            return Step()
        try:
            self._count_step()
            self._step(closing, opened, int(now * 1000))
            self._check_place()
        except BaseException:
            self._ahead.extendleft(reversed(opened))
            raise
        self._closed(closing)
        self._open_rows.update((text.row, owner) for text in opened)
        self._counts[State.INTENT] += len(opened)
        self._counts[State.QUEUED] -= len(opened)
        return Step(opened)

    def _check(self, owner: int, closing: Closing) -> None:
        """All or nothing: every close must be of an open entry, once, and a legal move, before any is written."""
        if self._lost:
            raise LedgerError(self._lost)
        is_open = all(self._open_rows.get(row) == owner for row in closing.rows)
        if len(closing.rows) != closing.number or not is_open:
            raise LedgerError(f"{self.path}: an entry to be closed was not open")
        for state in closing.states:
            states.check(State.INTENT, state)

    def _check_place(self) -> None:
        """What has been written must be where the next process looks for it. That costs 5 us a step."""
        try:
            found, written = places(self.path)
        except FileNotFoundError:
            found, written = [], 0
        if found != self._places:
            self._lost = f"{self.path} was moved, replaced or removed under the run, or one of the files beside it was"
            raise LedgerError(self._lost)
        if self._is_marked and written != self._written:
            # Somebody has carried the log over: what is in it from now on would be missed by nobody.
            self._mark_main(is_before_step=False)

    def _closed(self, closing: Closing) -> None:
        """Take note of what is closed on the disk."""
        for row in closing.rows:
            del self._open_rows[row]
        for state, number in closing.states.items():
            self._counts[state] += number
        self._counts[State.INTENT] -= closing.number

    def _take(self, want: int) -> list[Text]:
        taken = self._next(want)
        while stale := [text.row for text in taken if self._looks.is_stale(text.row)]:
            try:
                with self._transaction() as db:
                    put_back(db, stale)
            except BaseException:
                self._ahead.extendleft(reversed(taken))
                raise
            self._counts[State.QUEUED] -= len(stale)
            self._counts[State.NOT_SENT] += len(stale)
            taken = [text for text in taken if text.row not in stale]
            taken += self._next(want - len(taken))
        return taken

    def _next(self, want: int) -> list[Text]:
        ahead = self._ahead
        if len(ahead) < want:
            if value_of(self._db, "loading") is not None:
                # Without the rest of the list and the index over its phones somebody could be texted twice.
                raise LedgerError(f"{self.path}: its list was not read to its end; send the same list again")
            answer = self._db.execute(
                """SELECT json_group_array(json_object('row', row, 'phone', phone, 'text', coalesce(text, ?), 'name', name,
                'attempts', attempts, 'why', iif(reason IS NULL, json_array('', ''), json_array('other', reason))))
                FROM (SELECT row, phone, text, name, attempts, reason FROM contact
                WHERE row > ? AND state = 0 ORDER BY row LIMIT ?)""",
                (self._same_text or "", self._cursor, max(_AHEAD, want) - len(ahead)),
            ).fetchone()[0]
            read = _texts(answer)
            if read:
                ahead.extend(read)
                self._cursor = read[-1].row
            else:
                # Nothing is queued from here to the end; not to be looked through again with every row that a feed adds.
                self._cursor = max(self._cursor, self._db.execute("SELECT coalesce(max(row), 0) FROM contact").fetchone()[0])
        return [ahead.popleft() for _ in range(min(want, len(ahead)))]

    def _step(self, closing: Closing, opened: Sequence[Text], now: int) -> None:
        """Close these and open those by one statement, which SQLite does wholly or not at all.

        Outside of a transaction its end is the commit. A row that is not in the state it should be in makes the state NULL,
        which the table refuses. Everything queued from the first opened row to the last is among `opened`, for they were
        read in order and nobody else writes.
        """
        first, last = (opened[0].row, opened[-1].row) if opened else (1, 0)
        done = self._db.execute(_STEP, (closing.json, now, first, last)).rowcount
        if done != closing.number + len(opened):
            raise LedgerError(f"{self.path}: another program has changed the ledger")

    def _refuse(self, refused: Sequence[Result]) -> None:
        if self._lost:
            raise LedgerError(self._lost)
        with self._transaction() as db:
            done = sum(
                db.execute(
                    "UPDATE contact SET state = 3, attempts = ?, reason = ?, time = ? WHERE row = ? AND state = 0",
                    (result.attempts, result.reason.encode("utf-8", "replace").decode(), result.time, result.row),
                ).rowcount
                for result in refused
            )
            if done != len(refused):
                raise LedgerError(f"{self.path}: a contact to be refused was not queued")
        self._check_place()
        self._counts[State.QUEUED] -= done
        self._counts[State.REFUSED] += done

    def _again(self) -> bool:
        self._ahead.clear()
        self._cursor = 0
        return self._counts[State.QUEUED] > 0

    def _claim(self, owner: int, closing: Closing, drawn: Sequence[Planned | Skipped], now: float) -> list[Text | Result]:
        if owner not in self._owners:
            raise LedgerFenced(f"{self.path}: another process has taken over this run")
        answers: list[Text | Result] = []
        new: list[Planned | Skipped] = []
        again: list[Text] = []
        self._check(owner, closing)
        self._count_step()
        with self._transaction() as db:
            if closing.number:
                self._step(closing, (), 0)
            # Only now: what is given back in this very step may be opened again.
            self._sort(drawn, self._known([row.phone for row in drawn if isinstance(row, Planned)]), answers, new, again)
            self._insert(new, State.INTENT, at=int(now * 1000))
            for text in again:
                db.execute(
                    "UPDATE contact SET state = 1, text = ?, name = ?, reason = NULL, time = ? WHERE row = ?",
                    (text.text, text.name, int(now * 1000), text.row),
                )
        self._check_place()
        self._closed(closing)
        self._open_rows.update((answer.row, owner) for answer in answers if isinstance(answer, Text))
        self._count_in(new, State.INTENT)
        self._counts[State.INTENT] += len(again)
        self._counts[State.QUEUED] -= len(again)
        self._last_row = max(self._last_row, *(row.row for row in drawn))
        return answers

    def _sort(
        self,
        drawn: Sequence[Planned | Skipped],
        known: dict[str, tuple[int, State, int]],
        answers: list[Text | Result],
        new: list[Planned | Skipped],
        again: list[Text],
    ) -> None:
        """Who of those drawn is new to the ledger, who is opened again, who is a duplicate; the answers in the order of
        `drawn`."""
        nothing = 0, State.QUEUED, 0
        for row in drawn:
            first, state, attempts = known.get(row.phone, nothing) if isinstance(row, Planned) else nothing
            if isinstance(row, Planned) and (not first or (state is State.QUEUED and not self._looks.is_stale(first))):
                known[row.phone] = (first or row.row, State.INTENT, attempts)
                text = Text(first or row.row, row.phone, row.text, row.name, attempts)
                answers.append(text)
                if first:
                    again.append(text)
                else:
                    new.append(row)
                continue
            skipped = row if isinstance(row, Skipped) else Skipped(row.row, row.phone, duplicate(first))
            new.append(skipped)
            answers.append(Result(skipped.row, skipped.phone, State.SKIPPED, skipped.why))

    def _known(self, phones: list[str]) -> dict[str, tuple[int, State, int]]:
        """Row, state and attempts of the phones that the ledger has."""
        marks = ",".join("?" * len(phones))
        found = self._db.execute(
            f"SELECT phone, row, state, attempts FROM contact WHERE screened IS NULL AND phone IN ({marks})",  # noqa: S608
            phones,
        )
        return {phone: (row, states.BY_NUMBER[state], attempts) for phone, row, state, attempts in found.fetchall()}

    def _finish(self, stop: Stop | None, elapsed: float) -> None:
        self._ended_before = None
        with self._transaction():
            self._write("stop", written_stop(stop))
            self._add_elapsed(elapsed)

    def _count_the_dead(self) -> None:
        """Within a transaction: a process that died has not said how long it was sending; its last text has."""
        began = value_of(self._db, "began")
        if began is not None:
            last = self._db.execute("SELECT max(time) FROM contact").fetchone()[0] or 0
            self._add_elapsed(max(0, last - int(began)) / 1000)

    def _add_elapsed(self, seconds: float) -> None:
        self._write("elapsed", str(float(value_of(self._db, "elapsed") or 0.0) + seconds))
        self._db.execute("DELETE FROM run WHERE key = 'began'")

    def _rows(self, after: int, limit: int, skipped_only: bool) -> list[Result]:
        return select_rows(self._db, after, limit, "AND state = 4" if skipped_only else "")

    # ---- what the provider's log decides ----

    def _doubts(self, after: int, limit: int, absent: bool) -> list[UnknownText]:
        recovered = int(value_of(self._db, "recovered") or 0)
        return select_doubts(self._db, self._same_text or "", recovered, after, limit, absent=absent)

    def _first_looks(self, doubts: Sequence[UnknownText], now: float) -> dict[int, float]:
        with self._transaction() as db:
            return first_looks(db, doubts, now)

    def _note(self, settled: Sequence[Resolution]) -> None:
        with self._transaction() as db:
            moves = settle(db, settled)
            if any(after is State.QUEUED for _, after in moves):
                self._write("tried", "1")  # nothing else would tell from now on that a text may have left
        for (before, after), number in moves.items():
            self._counts[before] -= number
            self._counts[after] += number
        if again := [one.row for one in settled if one.state is State.QUEUED]:
            self._looks.note(again)
            # The queue is read from the beginning again: what came back to it lies behind.
            self._ahead.clear()
            self._cursor = 0

    def _keep(self, kept: Kept) -> None:
        new = kept.suppressed - self._kept.suppressed
        if kept != self._kept:
            with self._transaction() as db:
                keeping.write(db, kept, new)
            self._kept = kept

    def _close(self) -> None:
        is_empty = self._is_new and not self._keep_empty and not any(self._counts.values())
        if self._connection is not None:
            if self._ended_before is not None:
                with contextlib.suppress(sqlite3.Error), self._transaction():
                    self._write("stop", self._ended_before)
            self._connection.close()
            self._connection = None
        if is_empty and self._lock is not None:
            # Begun in this process and never given a contact: a mistyped list shall not leave files behind.
            for ending in ("", "-wal", "-shm", "-lock"):
                beside(self.path, ending).unlink(missing_ok=True)
        if self._lock is not None:
            # Only after SQLite has let go. A process that was forked meanwhile holds the same lock, and nothing would end that.
            fcntl.flock(self._lock, fcntl.LOCK_UN)
            os.close(self._lock)
            self._lock = None

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise

    def _write(self, key: str, value: str) -> None:
        self._db.execute("INSERT INTO run VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value))


_STEP = f"""
UPDATE contact SET state = CASE contact.state WHEN v.was THEN v.state END,
    attempts = v.attempts, logid = v.logid, reason = v.reason, time = v.time
FROM (SELECT json_extract(value, '$.row') AS row, {states.number_in_sql("json_extract(value, '$.state')")} AS state,
             json_extract(value, '$.attempts') AS attempts, nullif(json_extract(value, '$.logid'), '') AS logid,
             nullif(json_extract(value, '$.why[1]'), '') AS reason, nullif(json_extract(value, '$.time'), 0) AS time, 1 AS was
      FROM json_each(?)
      UNION ALL
      SELECT row, 1, attempts, NULL, NULL, ?, 0 FROM contact WHERE row BETWEEN ? AND ? AND state = 0) AS v
WHERE contact.row = v.row"""  # noqa: S608 - what is put in is a table of ours

_DEAD = Owner(0, "a process that is no more", is_dead=True)

_decode_texts = msgspec.json.Decoder(list[Text]).decode


def _texts(answer: str) -> list[Text]:
    """The texts of a step; the ledger keeps words, which stand for reasons."""
    texts = _decode_texts(answer)
    return [msgspec.structs.replace(text, why=from_words(text.why.detail)) if text.why else text for text in texts]


def _flock(lock: int) -> None:
    for _ in range(40):
        with contextlib.suppress(BlockingIOError):
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever only looks whether a run is under way holds it for an instant; senders whose keeper has died, until they have
        # seen that, which one that has just been started does after a second at most.
        time.sleep(0.05)
    return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _now() -> int:
    return int(time.time() * 1000)


def _guard(path: Path, function: Callable[[*Ts], T], arguments: tuple[*Ts]) -> T:
    """Run a step of the thread; what SQLite and the file system say against it becomes a LedgerError that names the file."""
    try:
        return function(*arguments)
    except sqlite3.Error as error:
        raise LedgerError(f"{path}{said(error)}") from error
    except OSError as error:
        raise LedgerError(f"{path}: {error.strerror or error}") from error
