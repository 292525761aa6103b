"""The statements by which the provider's log settles contacts in a ledger on SQLite.

Lives here: what is read and written inside a transaction of the writer's. May import: errors, messaging, ledger.states.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import states
from rumbleup_async.messaging import ABSENT, Doubt, Settled, State

_CHUNK = 200


def select_doubts(db: sqlite3.Connection, same_text: str, recovered: int, after: int, limit: int, *, absent: bool) -> list[Doubt]:
    """Those in doubt, or those absent from the log, with a row above `after`.

    `recovered`: when what a dead process had open was last found. It held the ledger's lock until then, and may have sent at
    any moment of it.
    """
    which, reason = ("= 5 AND reason = ?", [ABSENT]) if absent else ("= 6", [])
    found = db.execute(
        f"""SELECT row, phone, coalesce(text, ?), coalesce(time, 0), max(coalesce(time, 0), ?) FROM contact
        WHERE row > ? AND state {which} ORDER BY row LIMIT ?""",  # noqa: S608
        [same_text, recovered, after, *reason, limit],
    )
    return [Doubt(*values) for values in found.fetchall()]


def settle(db: sqlite3.Connection, settled: Sequence[Settled]) -> Counter[tuple[State, State]]:
    """Check and write them; how many went from where to where. LedgerError at the first that may not go."""
    moves: Counter[tuple[State, State]] = Counter()
    if len({one.row for one in settled}) < len(settled):
        raise LedgerError("a contact is there twice in what settles it")
    for start in range(0, len(settled), _CHUNK):
        some = settled[start : start + _CHUNK]
        marks = ",".join("?" * len(some))
        found = db.execute(
            f"SELECT row, state, coalesce(reason, '') FROM contact WHERE row IN ({marks})",  # noqa: S608
            [one.row for one in some],
        )
        before = {row: (State(state), reason) for row, state, reason in found.fetchall()}
        values: list[Any] = []
        for one in some:
            if one.row not in before:
                raise LedgerError("a contact to be settled is not in the ledger")
            state, reason = before[one.row]
            states.check_settled(one, state, reason)
            moves[state, one.state] += 1
            values += (one.row, int(one.state), one.reason or None, one.logid or None)
        rows = ",".join(["(?,?,?,?)"] * len(some))
        db.execute(
            f"""UPDATE contact SET state = v.column2, reason = v.column3, logid = v.column4,
            time = CASE v.column2 WHEN 0 THEN NULL ELSE time END FROM (VALUES {rows}) AS v WHERE contact.row = v.column1""",  # noqa: S608
            values,
        )
    return moves
