"""How a run goes, looked at from outside, even while it is being sent.

Lives here: reading only, of what does not name a contact. None of it goes through all contacts at once.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import folding, keeping, marks, pausing, schema, spending, states, stepping, trial
from rumbleup_async.ledger.files import (
    Part,
    check_file,
    check_kind,
    count_part,
    how_it_ended,
    is_held,
    path_of,
    read_plan,
    read_stop,
    reading,
    value_of,
)
from rumbleup_async.ledger.steps_file import StepsLost
from rumbleup_async.messaging import Identity, Plan, Second, State
from rumbleup_async.money import Money
from rumbleup_async.pauses import Pause


class RunReader:
    """A look into a ledger that may be in use by a run at this moment. Writes nothing. LedgerError for one that is damaged.

    `is_log_lost`: its write-ahead log, or its file of steps, is missing, so whoever seems to be queued may have been texted and
    counts as unknown. `is_told`: the process that sent last has said how it ended; `noted`: why, None for the end of the list.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path_of(path)
        check_file(self.path, missing_is_fine=False)
        main = None if self.running else marks.of_main_file(self.path)
        is_whole = marks.is_whole(self.path, main)
        with reading(self.path):
            self._db = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        try:
            with reading(self.path):
                check_kind(self._db, self.path)
                schema.look_through(self._db)
                self.plan = self._plan()
                self.complete = value_of(self._db, "list") is not None
                self.is_log_lost = marks.is_log_lost(
                    main, value_of(self._db, marks.KEY), marks.note_of(self.path), is_whole=is_whole
                )
                try:
                    folding.look_through(self._db, self.path)
                except StepsLost:
                    self.is_log_lost = True
                note = how_it_ended(self._db)
                self.is_told, self.noted = note is not None, read_stop(note or "")
        except BaseException:
            self._db.close()
            raise

    def _plan(self) -> Plan:
        plan = read_plan(self._db, self.path)
        if plan is None:
            raise LedgerError(f"{self.path} holds no run yet")
        return plan

    def close(self) -> None:
        self._db.close()

    @property
    def running(self) -> bool:
        """Whether a run is writing it now."""
        return is_held(self.path)

    def spent(self, last: Callable[[], float]) -> float:
        """Seconds spent sending, by all processes; of a run under way until now, of one that died until `last` (Unix seconds)."""
        with reading(self.path):
            elapsed = float(value_of(self._db, "elapsed") or 0.0)
            began = value_of(self._db, "began")
            if began is None:
                return elapsed
            return elapsed + max(0.0, (time.time() if self.running else last()) - int(began) / 1000)

    @property
    def identity(self) -> Identity | None:
        """Which server and account the run belongs to; None in a ledger of an older version."""
        with reading(self.path):
            stored = value_of(self._db, "identity")
            return None if stored is None else msgspec.json.decode(stored, type=Identity)

    @property
    def fingerprint(self) -> str | None:
        """Of the list, once it is in the ledger to its end."""
        with reading(self.path):
            return value_of(self._db, "list")

    @property
    def options(self) -> dict[str, Any]:
        """The options of pace and of rules that the run was given."""
        with reading(self.path):
            return keeping.read_options(self._db)

    @property
    def paid(self) -> Money:
        """What answers have named as prices; nothing is known of what is reserved besides."""
        with reading(self.path):
            return spending.paid(self._db)

    @property
    def heard(self) -> dict[str, int]:
        """Of how many contacts each thing was heard by which the canary of the run is judged."""
        with reading(self.path):
            return trial.heard_of(self._db)

    @property
    def pause(self) -> Pause | None:
        """The pause that holds; None if none does."""
        with reading(self.path):
            return pausing.current(self._db)

    def totals(self, *, recent: bool = True) -> dict[State, int] | None:
        """Contacts by state of a run under way, as they were less than a second ago; None where it has not kept that. `recent`:
        else as they were when something happened last, but for what came in that very second."""
        with reading(self.path):
            if not self.running:
                return None
            return stepping.recent_totals(self._db, time.time()) if recent else stepping.totals(self._db)

    def state_counts(self, after: int, last: int) -> dict[State, int]:
        """Contacts by state, of the rows behind `after`, up to `last`."""
        with reading(self.path):
            found = self._db.execute(
                "SELECT state, count(*) FROM contact WHERE row > ? AND row <= ? GROUP BY state", (after, last)
            )
            return {states.BY_NUMBER[state]: number for state, number in found}

    @property
    def last_row(self) -> int:
        """The last row that is in it; -1 without any."""
        with reading(self.path):
            found = self._db.execute("SELECT max(row) FROM contact").fetchone()[0]
            return -1 if found is None else int(found)

    @property
    def version(self) -> int:
        """Another number than before if anything was written since."""
        with reading(self.path):
            return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def parts(self, rows: int) -> Iterator[list[Part]]:
        """How many contacts are in each state for each reason, with their segments: of so many rows after the other, so that no
        look into the file takes long."""
        for after in range(-1, self.last_row, rows):
            with reading(self.path):
                yield count_part(self._db, after, after + rows)

    def seconds(self, after: int = 0) -> list[Second]:
        """What happened in each second of the run, those after this Unix second; several processes make one."""
        with reading(self.path):
            return stepping.read_seconds(self._db, after)
