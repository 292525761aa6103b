"""The statements by which the provider's log settles contacts in a ledger on SQLite.

Lives here: what is read and written inside a transaction of the writer's.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import states
from rumbleup_async.ledger.keeping_reasons import IS_ABSENT, reason_of
from rumbleup_async.lookups import Known, Resolution, UnknownText
from rumbleup_async.messaging import State
from rumbleup_async.reasons import ABSENT, FOUND

_CHUNK = 200

_AGAIN = "CREATE TABLE IF NOT EXISTS again (row INTEGER PRIMARY KEY, time INTEGER)"
"""The contacts that were absent from the log and are to be texted again, and when their text may have left. They are in it to the
end: one that is opened and given back because nothing left is still one whose earlier text may turn up in the log."""


def select_doubts(
    db: sqlite3.Connection, same_text: str, recovered: int, after: int, limit: int, *, absent: bool
) -> list[UnknownText]:
    """Those in doubt, or those absent from the log, with a row above `after`.

    `recovered`: when what a dead process had open was last found. It held the ledger's lock until then, and may have sent at
    any moment of it.
    """
    which = f"= 5 AND {IS_ABSENT}" if absent else "= 6"
    found = db.execute(
        f"""SELECT row, phone, coalesce(text, ?), coalesce(time, 0), max(coalesce(time, 0), ?) FROM contact
        WHERE row > ? AND state {which} ORDER BY row LIMIT ?""",  # noqa: S608
        [same_text, recovered, after, limit],
    )
    return [UnknownText(*values) for values in found.fetchall()]


def _has_again(db: sqlite3.Connection) -> bool:
    return bool(db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'again'").fetchone())


def is_again(db: sqlite3.Connection, row: int) -> bool:
    """Whether this contact was absent from the log and is to be texted again, or was texted again."""
    return _has_again(db) and bool(db.execute("SELECT 1 FROM again WHERE row = ?", (row,)).fetchone())


def put_back(db: sqlite3.Connection, rows: Sequence[int] | None = None) -> int:
    """Make what was queued again absent from the log as before: all of it, or these rows. How many there were."""
    if not _has_again(db):
        return 0
    number = 0
    for start in range(0, 1 if rows is None else len(rows), _CHUNK):
        some = [] if rows is None else list(rows[start : start + _CHUNK])
        which = "" if rows is None else f"AND row IN ({','.join('?' * len(some))})"
        number += db.execute(
            f"""UPDATE contact SET state = 5, code = ?, detail = NULL,
            time = (SELECT time FROM again WHERE again.row = contact.row)
            WHERE state = 0 AND row IN (SELECT row FROM again) {which}""",  # noqa: S608
            [ABSENT.code, *some],
        ).rowcount
    return number


def first_looks(db: sqlite3.Connection, doubts: Sequence[UnknownText], now: float) -> dict[int, float]:
    """When each of these was first looked up since its doubt arose; `now` for those that never were."""
    db.execute("CREATE TABLE IF NOT EXISTS looked (row INTEGER PRIMARY KEY, time INTEGER, at REAL)")
    db.executemany(
        """INSERT INTO looked VALUES (?, ?, ?) ON CONFLICT (row) DO UPDATE SET time = excluded.time, at = excluded.at
        WHERE looked.time IS NOT excluded.time""",
        [(doubt.row, doubt.time, now) for doubt in doubts],
    )
    found: dict[int, float] = {}
    for start in range(0, len(doubts), _CHUNK):
        rows = [doubt.row for doubt in doubts[start : start + _CHUNK]]
        marks = ",".join("?" * len(rows))
        found.update(db.execute(f"SELECT row, at FROM looked WHERE row IN ({marks})", rows).fetchall())  # noqa: S608
    return found


_KNOWN = """SELECT row, phone, CASE state WHEN 2 THEN coalesce(logid, '') ELSE '' END, coalesce(time, 0), code, detail
    FROM contact"""


def select_witnesses(db: sqlite3.Connection, after: int, limit: int) -> list[Known]:
    """The `sent` contacts that have a logid, those with a row above `after`."""
    found = db.execute(f"{_KNOWN} WHERE row > ? AND state = 2 AND logid IS NOT NULL ORDER BY row LIMIT ?", (after, limit))
    return [_known(*values) for values in found.fetchall()]


def select_known(db: sqlite3.Connection, phones: Sequence[str]) -> list[Known]:
    """Of these phones those that have a contact."""
    known: list[Known] = []
    for start in range(0, len(phones), _CHUNK):
        some = list(phones[start : start + _CHUNK])
        found = db.execute(f"{_KNOWN} WHERE screened IS NULL AND phone IN ({','.join('?' * len(some))})", some)
        known += [_known(*values) for values in found.fetchall()]
    return known


def _known(row: int, phone: str, logid: str, at: int, code: str | None, detail: str | None) -> Known:
    return Known(row, phone, logid, at, reason_of(code, detail).code in FOUND)


def settle(db: sqlite3.Connection, settled: Sequence[Resolution]) -> Counter[tuple[State, State]]:
    """Check and write them; how many went from where to where. LedgerError at the first that may not go."""
    moves: Counter[tuple[State, State]] = Counter()
    if len({one.row for one in settled}) < len(settled):
        raise LedgerError("a contact is there twice in what settles it")
    for start in range(0, len(settled), _CHUNK):
        some = settled[start : start + _CHUNK]
        marks = ",".join("?" * len(some))
        found = db.execute(
            f"SELECT row, state, code, detail, coalesce(time, 0) FROM contact WHERE row IN ({marks})",  # noqa: S608
            [one.row for one in some],
        )
        kept = found.fetchall()
        before = {row: (states.BY_NUMBER[state], reason_of(code, detail).code) for row, state, code, detail, _ in kept}
        values: list[Any] = []
        if again := {one.row for one in some if one.state is State.QUEUED}:
            db.execute(_AGAIN)
            db.executemany("INSERT OR REPLACE INTO again VALUES (?, ?)", [(row, at) for row, _, _, _, at in kept if row in again])
        for one in some:
            if one.row not in before:
                raise LedgerError("a contact to be settled is not in the ledger")
            state, code = before[one.row]
            states.check_settled(one, state, code)
            moves[state, one.state] += 1
            values += (one.row, states.NUMBERS[one.state], one.why.code or None, one.why.detail or None, one.logid or None)
        rows = ",".join(["(?,?,?,?,?)"] * len(some))
        db.execute(
            f"""UPDATE contact SET state = v.column2, code = v.column3, detail = v.column4, logid = v.column5,
            time = CASE v.column2 WHEN 0 THEN NULL ELSE time END FROM (VALUES {rows}) AS v WHERE contact.row = v.column1""",  # noqa: S608
            values,
        )
    return moves
