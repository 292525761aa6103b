"""The file of one run on SQLite, and what is known of its contacts without reading them.

Lives here: what the rooms of the ledger's thread share. `intake` takes contacts in, `entries` opens and closes them.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rumbleup_async.ledger import folding
from rumbleup_async.ledger import tally as tallies
from rumbleup_async.ledger.files import value_of
from rumbleup_async.ledger.held_file import HeldFile
from rumbleup_async.ledger.journal import Journal
from rumbleup_async.ledger.plans import is_chosen
from rumbleup_async.ledger.queue import Queue
from rumbleup_async.ledger.tally import Tally
from rumbleup_async.messaging import Owner, Plan, Planned, Skipped, State


class RunFile:
    """All of it is for the ledger's thread alone, but for looks at `counts`, `last_row` and `fingerprint`."""

    def __init__(self, path: Path, *, has_journal: bool = False) -> None:
        self.path = path
        self.file = HeldFile(path, _wall_clock)
        self.journal = Journal(self.file, is_wanted=has_journal)
        self.same_text: str | None = None
        self.is_chosen = False
        """A function has chosen the text of each contact."""
        self.counts = dict.fromkeys(State, 0)
        self.by_place: Counter[int] | None = None
        """How many queued contacts each place has, from the load of a list until one of them moves."""
        self.queue = Queue()
        self.owners: dict[int, Owner] = {}
        """Those that are not fenced."""
        self.keeps_prices = False
        """What answers name as the price of their texts is kept."""
        self.last_row = 0
        self.first_queued = 0
        """Nobody is queued before this row."""
        self.left: Tally | None = None
        """What the last process has left of the contacts."""
        self.is_begun = False
        """It is known what there is of the run."""
        self.is_loading = False
        """A list is being read, or was not read to its end."""
        self.fingerprint: str | None = None

    def find_left(self) -> None:
        """Read what the last process has left, before anything is changed."""
        self.left = tallies.read(self.file.db)

    def was_used(self) -> bool:
        """Whether any text of this ledger may ever have left: of what is queued, none has, unless it was absent from the log."""
        if value_of(self.file.db, "tried") is not None:
            return True
        if (known := self.tally) is not None:
            return known.is_used  # of a long list of which nobody was texted, all would be looked through
        return bool(self.file.db.execute("SELECT 1 FROM contact WHERE state NOT IN (0, 4) LIMIT 1").fetchone())

    def begin(self, plan: Plan, *, is_as_left: bool) -> None:
        """Find out what there is of this run: contacts by state, and owners, of whom all are dead. `is_as_left`: the contacts are
        as the last process has left them."""
        db = self.file.db
        self.same_text = plan.same_text
        self.is_chosen = is_chosen(plan)
        self.queue.same_text = plan.same_text or ""
        found = (self.left if is_as_left else None) or tallies.count(db, self.file.opened)
        self.counts.update(found.counts)
        self.last_row = found.last_row
        self.first_queued = found.first
        owners = db.execute("SELECT id, name FROM owner WHERE fenced = 0 ORDER BY id").fetchall()
        self.owners = {id_: Owner(id_, name, is_dead=True) for id_, name in owners}
        self.begin_queue()
        self.fingerprint = value_of(db, "list")
        self.is_loading = value_of(db, "loading") is not None
        self.is_begun = True

    def begin_queue(self, row: int | None = None) -> None:
        """Have the queue read from where it begins. `row`: somebody was queued there."""
        if row is not None:
            self.first_queued = min(self.first_queued, row)
        self.queue.reset(self.file.db, self.first_queued)

    @property
    def tally(self) -> Tally | None:
        """What there is of the contacts, where that is known without counting them."""
        return Tally(self.file.opened, self.counts, self.last_row, self.first_queued) if self.is_begun else self.left

    def leave_tally(self, *, is_sure: bool) -> None:
        """Leave for the next process what there is, unless that is not known for sure. The last that is written."""
        self.journal.close()
        is_held = self.file.connection is not None and not self.file.is_lost
        if not (is_sure and is_held) or not self.is_begun or self.is_loading or self.counts[State.INTENT]:
            return
        found = Tally(self.file.opened, self.counts, self.last_row, self.first_queued)
        with contextlib.suppress(sqlite3.Error), self.file.transaction() as db:
            if value_of(db, folding.KEY) is None:  # else some steps could not be carried over
                tallies.leave(db, found)

    def count_in(self, rows: Sequence[Planned | Skipped], state: State) -> None:
        """These rows came in, the planned ones in this state."""
        self.by_place = None
        planned = sum(isinstance(row, Planned) for row in rows)
        self.counts[State.SKIPPED] += len(rows) - planned
        self.counts[state] += planned

    def moved(self, before: State, after: State, number: int = 1) -> None:
        """So many contacts went from one state to another."""
        self.by_place = None
        self.counts[before] -= number
        self.counts[after] += number


def _wall_clock() -> float:
    return time.time()
