"""The file of a ledger in the hands of its one writer: the lock, the connection, and the mark in the main file.

Lives here: what the writer does to the file as a whole, whatever stands in it.

WAL with synchronous=FULL: NORMAL may lose the last commits when the power goes, and with them an intent. What the mark is for
stands in `marks`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rumbleup_async.errors import LedgerError, LedgerLocked
from rumbleup_async.ledger import folding, marks, schema, steps_file, tally
from rumbleup_async.ledger.files import beside, check_kind, places, read_plan, value_of
from rumbleup_async.messaging import Plan

_LOG_PAGES = 1000
"""Pages that the write-ahead log may come to before it is carried over into the main file: as many as SQLite itself would let it,
or a run would need more room on the disk."""
_FIRST_STEPS = 20
"""Steps until it is looked at how many pages they write."""
_STEPS_WITHOUT_MARK = 8
"""Steps until it is tried once more, where somebody who reads the ledger has kept the mark out of the main file."""


class HeldFile:
    """One ledger file, its lock and its connection. `clock`: Unix seconds. Used by the ledger's own thread alone."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self.path = path
        self._clock = clock
        self.connection: sqlite3.Connection | None = None
        self.lock: int | None = None
        self.is_new = False
        """The file was made by this process."""
        self.opened = 0
        """How often the ledger has been opened to write."""
        self.is_marked = False
        """The main file says that its log holds more."""
        self._number = 0
        """Of the last mark."""
        self._in_main = 0
        """Of the mark that is in the main file."""
        self._written = 0
        """When the main file was written last, by us."""
        self._steps_left = _FIRST_STEPS
        """Steps until the log is carried over into the main file."""
        self._steps = 0
        self._places: list[tuple[int, int]] = []
        self._lost = ""
        """Why nothing more is written, once the files are not where they were."""

    @property
    def db(self) -> sqlite3.Connection:
        if self.connection is None:
            raise LedgerError(f"{self.path}: the ledger is not open")
        return self.connection

    def now(self) -> int:
        """Unix milliseconds."""
        return int(self._clock() * 1000)

    # ---- taking and letting go ----

    def take_lock(self) -> None:
        """LedgerLocked if another process holds the ledger."""
        lock_path = beside(self.path, "-lock")
        self.lock = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            _flock(self.lock)
        except BlockingIOError:
            raise LedgerLocked(f"{self.path} is being written by another run; wait for it to end, or stop it") from None
        found = os.fstat(self.lock)
        if not lock_path.exists() or lock_path.stat().st_ino != found.st_ino:
            # Whoever held it has just taken it away together with an empty ledger.
            raise LedgerLocked(f"{self.path} was being opened by another run; try again")

    def open(self, *, is_loss_accepted: bool) -> Plan | None:
        """Open the file, and make one where there is none. The plan of the run in it; None if there is no run in it.

        `is_loss_accepted`: a ledger whose log is missing is taken all the same, and whoever is queued in it becomes unknown.
        """
        if not self.path.exists():
            self._make()
        main = marks.of_main_file(self.path)
        is_whole = marks.is_whole(self.path, main)
        # An absolute path: SQLite may read `file:x.ledger` as an address, and open another file than the one that is locked.
        self.connection = sqlite3.connect(
            self.path.absolute(), isolation_level=None, check_same_thread=False, cached_statements=512
        )
        db = self.connection
        check_kind(db, self.path)
        plan = read_plan(db, self.path)
        seen = value_of(db, marks.KEY) if plan is not None else None
        note = marks.read_note(self.lock) if self.lock is not None else {}
        is_lost = marks.is_log_lost(main, seen, note, is_whole=is_whole)
        if is_lost and not is_loss_accepted:
            raise marks.lost(self.path)
        late = None if is_lost or plan is None else self._late_steps()
        is_lost = is_lost or (late is None and plan is not None)
        if is_lost and not is_loss_accepted:
            raise folding.lost(self.path)
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
            with self.transaction():
                self.write(marks.KEY, marks.mark(self._in_main, marks.LOG))
                if is_lost:
                    self._give_up_queue()
                    folding.drop(db)
        if late is not None and folding.place_of(db) is not None:
            with self.transaction():
                folding.recover(db, late)
        if plan is not None:
            steps_file.tidy(self.path, value_of(db, folding.DONE))
        return plan

    def _late_steps(self) -> folding.Late | None:
        """What a dead process has noted beside the ledger and not carried over; None if that is lost."""
        try:
            place = folding.place_of(self.db)
            return folding.Late(() if place is None else steps_file.read(self.path, place))
        except steps_file.StepsLost:
            return None

    def _make(self) -> None:
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        self.is_new = True
        directory = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _give_up_queue(self) -> None:
        """Within a transaction: of whoever is queued nobody knows any more whether they were texted, nor who was added since."""
        now = self.now()
        tally.take_away(self.db)
        words = schema.words_of(self.db)
        self.db.execute(f"UPDATE contact SET state = 6, {words} = ?, time = ? WHERE state = 0", (str(marks.DOUBT), now))  # noqa: S608
        self.write("tried", "1")
        self.write("lost", "1")
        self.write("recovered", str(now))

    def close(self, *, is_litter: bool) -> None:
        """Let go of all. `is_litter`: the files are taken away."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None
        if self.lock is None:
            return
        if is_litter:
            for ending in ("", "-wal", "-shm", "-lock"):
                beside(self.path, ending).unlink(missing_ok=True)
        # Only after SQLite has let go. A process that was forked meanwhile holds the same lock, and nothing would end that.
        fcntl.flock(self.lock, fcntl.LOCK_UN)
        os.close(self.lock)
        self.lock = None

    # ---- writing ----

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        db = self.db
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise

    def write(self, key: str, value: str) -> None:
        """Note something of the run, or of the file."""
        self.db.execute("INSERT INTO run VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value))

    def note_in_lock(self, marking: int = 0, *, is_durable: bool = False) -> None:
        if self.lock is not None:
            marks.write_note(self.lock, opened=self.opened, marking=marking)
            if is_durable:
                os.fsync(self.lock)

    # ---- the mark, and where the files are ----

    def count_step(self) -> None:
        """Before each step that may open entries."""
        if not self.is_marked or self._steps >= self._steps_left:
            self.mark_main()
        self._steps += 1

    def mark_main(self) -> None:
        """Carry the log over into the main file, which is to know that what follows is in the log; see `marks`."""
        db = self.db
        db.execute("PRAGMA wal_autocheckpoint = 0")
        number = self._number = self._number + 1
        self.note_in_lock(marking=number, is_durable=True)
        # What is carried over is synced in any case, and that is before the second of these two.
        db.execute("PRAGMA synchronous = NORMAL")
        try:
            with self.transaction():
                self.write(marks.KEY, marks.mark(number, marks.MAIN))
            try:
                _, pages, carried = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            except sqlite3.OperationalError:
                pages, carried = 0, -1  # no room in the main file: the log holds all the same
            if carried == pages > 0:
                self._in_main = number
            # On the disk before the lock file says that all is done: else a power cut between the two, or before the next step,
            # would have the log taken for lost.
            db.execute("PRAGMA synchronous = FULL")
            with self.transaction():
                self.write(marks.KEY, marks.mark(self._in_main, marks.LOG))
                if not self.is_marked:
                    db.execute("INSERT INTO run VALUES ('began', ?) ON CONFLICT (key) DO NOTHING", (str(self.now()),))
        finally:
            db.execute("PRAGMA synchronous = FULL")
        self.note_in_lock(is_durable=True)
        if self._in_main != number:
            self._steps_left = _STEPS_WITHOUT_MARK
        elif self.is_marked and pages > 0:
            self._steps_left = max(8, min(self._steps * _LOG_PAGES // pages, 16 * self._steps))
        else:
            self._steps_left = _FIRST_STEPS
        with contextlib.suppress(OSError):  # `check_place` says more of it
            self._written = self.path.stat().st_mtime_ns
        self.is_marked = True
        self._steps = 0

    def settle_down(self) -> None:
        """Where the files are now they must be after every step."""
        self._places, _ = places(self.path)

    def check_place(self) -> None:
        """What has been written must be where the next process looks for it. That costs 5 us a step."""
        try:
            found, written = places(self.path)
        except FileNotFoundError:
            found, written = [], 0
        if found != self._places:
            self._lost = f"{self.path} was moved, replaced or removed under the run, or one of the files beside it was"
            raise LedgerError(self._lost)
        if self.is_marked and written != self._written:
            # Somebody has carried the log over: what is in it from now on would be missed by nobody.
            self.mark_main()

    @property
    def is_lost(self) -> bool:
        """Whether the files were found not to be where they were."""
        return bool(self._lost)

    def check_not_lost(self) -> None:
        """LedgerError once the files were found not to be where they were: nothing more is written then."""
        if self._lost:
            raise LedgerError(self._lost)


def _flock(lock: int) -> None:
    for _ in range(40):
        with contextlib.suppress(BlockingIOError):
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever only looks whether a run is under way holds it for an instant; worker processes whose parent has died, until
        # they have seen that, which one that has just been started does after a second at most.
        time.sleep(0.05)
    return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
