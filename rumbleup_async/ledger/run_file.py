"""The file of one run on SQLite, and what is known of its contacts without reading them.

Lives here: what the rooms of the ledger's thread share. `intake` takes contacts in, `entries` opens and closes them.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rumbleup_async.ledger import states
from rumbleup_async.ledger.files import value_of
from rumbleup_async.ledger.held_file import HeldFile
from rumbleup_async.ledger.plans import is_chosen
from rumbleup_async.ledger.queue import Queue
from rumbleup_async.messaging import Owner, Plan, Planned, Skipped, State


class RunFile:
    """All of it is for the ledger's thread alone, but for looks at `counts`, `last_row` and `fingerprint`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = HeldFile(path, _wall_clock)
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
        self.is_loading = False
        """A list is being read, or was not read to its end."""
        self.fingerprint: str | None = None

    def begin(self, plan: Plan) -> None:
        """Find out what there is of this run: contacts by state, and owners, of whom all are dead."""
        db = self.file.db
        self.same_text = plan.same_text
        self.is_chosen = is_chosen(plan)
        self.queue.same_text = plan.same_text or ""
        self.last_row = db.execute("SELECT coalesce(max(row), 0) FROM contact").fetchone()[0]
        self.counts.update(dict.fromkeys(State, 0))
        for state, number in db.execute("SELECT state, count(*) FROM contact GROUP BY state"):
            self.counts[states.BY_NUMBER[state]] = number
        found = db.execute("SELECT id, name FROM owner WHERE fenced = 0 ORDER BY id").fetchall()
        self.owners = {id_: Owner(id_, name, is_dead=True) for id_, name in found}
        self.queue.reset(db)
        self.fingerprint = value_of(db, "list")
        self.is_loading = value_of(db, "loading") is not None

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
