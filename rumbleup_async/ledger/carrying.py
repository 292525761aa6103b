"""What goes beside the contacts in a ledger: columns of the list, and who gets which text. Each has a table that is there only if
there is something in it.

Lives here: writing and reading them. An older version does not know the tables and does not miss them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from rumbleup_async.messaging import Plan

_KINDS = "CREATE TABLE IF NOT EXISTS kind (row INTEGER PRIMARY KEY, number INTEGER NOT NULL)"
_TABLE = "CREATE TABLE IF NOT EXISTS kept (row INTEGER PRIMARY KEY, cells TEXT NOT NULL)"


def insert(db: sqlite3.Connection, rows: Sequence[tuple[int, str | None]]) -> None:
    """Take in the kept cells of these rows, within the transaction that takes in the rows."""
    if rows:
        db.execute(_TABLE)
        # In one statement: sqlite3 gives the GIL away at each.
        db.execute(
            "INSERT OR REPLACE INTO kept SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?)",
            (msgspec.json.encode(rows).decode(),),
        )


def insert_kinds(db: sqlite3.Connection, rows: Sequence[tuple[int, int]]) -> None:
    """Take in of which kind these rows are, within the transaction that takes in the rows."""
    if rows:
        db.execute(_KINDS)
        db.execute(
            "INSERT OR REPLACE INTO kind SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?)",
            (msgspec.json.encode(rows).decode(),),
        )


def forget(db: sqlite3.Connection) -> None:
    """What is kept of contacts that are no more."""
    db.execute("DROP TABLE IF EXISTS kept")
    db.execute("DROP TABLE IF EXISTS kind")


def _has_table(db: sqlite3.Connection, name: str = "kept") -> bool:
    return bool(db.execute("SELECT count(*) FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0])


def kinds(db: sqlite3.Connection) -> dict[int, tuple[int, int]]:
    """How many of the queued contacts are of each kind, and the first row of each; those of no kind are not among them."""
    if not _has_table(db, "kind"):
        return {}
    found = db.execute(
        "SELECT number, count(*), min(row) FROM kind JOIN contact USING (row) WHERE state = 0 GROUP BY number ORDER BY number"
    )
    return {kind: (number, first) for kind, number, first in found}


def names(db: sqlite3.Connection) -> list[str]:
    """What the kept columns are called: all rows have the same, but for a list that was handed in in parts."""
    if not _has_table(db):
        return []
    found: dict[str, None] = {}
    for order in ("ASC", "DESC"):
        row = db.execute(f"SELECT cells FROM kept ORDER BY row {order} LIMIT 1").fetchone()  # noqa: S608
        found.update(dict.fromkeys(msgspec.json.decode(row[0], type=dict[str, str])) if row else {})
    return list(found)


def cells(db: sqlite3.Connection, first: int, last: int) -> dict[int, dict[str, str]]:
    """The kept cells of the rows from `first` to `last`."""
    if not _has_table(db):
        return {}
    found = db.execute("SELECT row, cells FROM kept WHERE row BETWEEN ? AND ?", (first, last))
    return {row: msgspec.json.decode(text, type=dict[str, str]) for row, text in found.fetchall()}


def numbers(db: sqlite3.Connection, plan: Plan) -> list[tuple[str | None, int, int | None]]:
    """As `Reader.kinds`."""
    conditions = [words for words, _ in plan.details.get("text_when", ())]
    if not conditions:
        return []
    found = kinds(db)
    queued = db.execute("SELECT count(*) FROM contact WHERE state = 0").fetchone()[0]
    counted = [(words, *found.get(number, (0, None))) for number, words in enumerate(conditions, 1)]
    return [*counted, (None, queued - sum(number for _, number, _ in counted), None)]
