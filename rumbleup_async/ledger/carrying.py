"""Columns of the list beside the contacts in a ledger: a table that is there only if some are kept.

Lives here: writing and reading it. An older version does not know the table and does not miss it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

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


def forget(db: sqlite3.Connection) -> None:
    """What is kept of contacts that are no more."""
    db.execute("DROP TABLE IF EXISTS kept")


def _has_table(db: sqlite3.Connection) -> bool:
    return bool(db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'kept'").fetchone()[0])


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
