"""A look into a ledger from outside, even while a run is writing it.

Lives here: reading only. May import: errors, messaging, ledger.files.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger.files import beside, check_file, check_kind, read_plan, reading, select_rows, value_of
from rumbleup_async.messaging import Plan, Result, State


class Reader:
    """A look into a ledger that may be in use by a run at this moment. Writes nothing. LedgerError for one that is damaged."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        check_file(self.path, missing_is_fine=False)
        with reading(self.path):
            self._db = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        try:
            with reading(self.path):
                check_kind(self._db, self.path)
                self.plan = self._plan()
                self.complete = value_of(self._db, "list") is not None
                self.stopped = self._why_stopped()
                self.elapsed = float(value_of(self._db, "elapsed") or 0.0)
        except BaseException:
            self._db.close()
            raise

    def _plan(self) -> Plan:
        plan = read_plan(self._db, self.path)
        if plan is None:
            raise LedgerError(f"{self.path} holds no run yet")
        return plan

    def _why_stopped(self) -> str | None:
        """The note of the process that sent last; a process that left no note and work undone has died."""
        note = value_of(self._db, "stopped")
        if note is not None or self.running:
            return note or None
        begun = self._db.execute(
            "SELECT 1 FROM contact WHERE state = 1 OR (state = 0 AND attempts > 0) OR state > 1 AND state != 4 LIMIT 1"
        )
        undone = self._db.execute("SELECT 1 FROM contact WHERE state IN (0, 1) LIMIT 1")
        return "died: the process ended without a word" if begun.fetchone() and undone.fetchone() else None

    @property
    def running(self) -> bool:
        """Whether a run is writing it now."""
        try:
            lock = os.open(beside(self.path, "-lock"), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    def counts(self) -> dict[State, int]:
        """Contacts by state."""
        counts = dict.fromkeys(State, 0)
        with reading(self.path):
            for state, number in self._db.execute("SELECT state, count(*) FROM contact GROUP BY state"):
                counts[State(state)] = number
        return counts

    def reasons(self) -> list[tuple[State, str, int]]:
        """How many contacts are in each state for each reason; "duplicate of row N" counts as "duplicate"."""
        with reading(self.path):
            return [
                (State(state), reason, number)
                for state, reason, number in self._db.execute(
                    """SELECT state, CASE WHEN reason LIKE 'duplicate of row %' THEN 'duplicate' ELSE coalesce(reason, '') END AS
                    why, count(*)
                    FROM contact GROUP BY state, why ORDER BY state, 3 DESC"""
                )
            ]

    def segments(self) -> list[tuple[int, int]]:
        """How many queued texts take how many SMS parts: (parts, texts), ascending."""
        with reading(self.path):
            return self._db.execute(
                "SELECT segments, count(*) FROM contact WHERE state = 0 GROUP BY segments ORDER BY segments"
            ).fetchall()

    def rows(self) -> Iterator[Result]:
        """Every contact, in the order of rows."""
        after = -1
        while rows := self._some_rows(after):
            yield from rows
            after = rows[-1].row

    def _some_rows(self, after: int) -> list[Result]:
        # Not around the loop above: what its caller does with a row is no matter of the ledger's.
        with reading(self.path):
            return select_rows(self._db, after, 1000, "")

    def close(self) -> None:
        self._db.close()
