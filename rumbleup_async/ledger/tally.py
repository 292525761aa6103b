"""What a ledger on SQLite knows of its contacts without counting them: how many are in each state, and where the queue begins.

Lives here: the note of it in the file. Whoever closes the file leaves it there, and whoever opens it takes it away before
anything else is changed: a process that dies leaves none, and the next one counts. The note also says how often the file had
been opened when it was written. An older version takes nothing away, but it counts what it opens, so its note is seen to be old.
"""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec

from rumbleup_async.ledger import states
from rumbleup_async.ledger.files import value_of
from rumbleup_async.messaging import State

KEY: Final = "tally"


class Tally(msgspec.Struct, frozen=True):
    """`opened`: how often the file had been opened. `first`: nobody is queued before this row."""

    opened: int
    counts: dict[State, int]
    last_row: int
    first: int

    @property
    def is_used(self) -> bool:
        """Whether a text of the ledger may have left, as far as states tell."""
        return any(number for state, number in self.counts.items() if state not in (State.QUEUED, State.SKIPPED))


_decode = msgspec.json.Decoder(Tally).decode


def read(db: sqlite3.Connection) -> Tally | None:
    """What the last process has left; None if it has left nothing that holds."""
    written = value_of(db, KEY)
    try:
        found = None if written is None else _decode(written)
    except msgspec.MsgspecError:
        return None
    return found if found is not None and str(found.opened) == value_of(db, "opened") else None


def take_away(db: sqlite3.Connection) -> None:
    """Within a transaction: from now on it does not hold."""
    db.execute("DELETE FROM run WHERE key = ?", (KEY,))


def count(db: sqlite3.Connection, opened: int) -> Tally:
    """Count the contacts. Goes through the whole file."""
    counts, first, last = dict.fromkeys(State, 0), None, 0
    for number, contacts, lowest, highest in db.execute("SELECT state, count(*), min(row), max(row) FROM contact GROUP BY state"):
        state = states.BY_NUMBER[number]
        counts[state] = contacts
        last = max(last, highest)
        if state is State.QUEUED:
            first = lowest
    return Tally(opened, counts, last, last + 1 if first is None else first)


def leave(db: sqlite3.Connection, tally: Tally) -> None:
    """Within a transaction, the last one of the process: leave it for the next one. `first` of it may lie before the queue."""
    first = tally.last_row + 1
    if tally.counts[State.QUEUED]:
        found = db.execute("SELECT row FROM contact WHERE state = 0 AND row >= ? ORDER BY row LIMIT 1", (tally.first,)).fetchone()
        if found is None:
            return  # somebody else has changed the ledger: it is counted
        first = found[0]
    written = msgspec.json.encode(msgspec.structs.replace(tally, first=first)).decode()
    db.execute("INSERT OR REPLACE INTO run VALUES (?, ?)", (KEY, written))
