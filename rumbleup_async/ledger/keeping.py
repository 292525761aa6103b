"""What a ledger keeps of how careful its run was told to be.

Lives here: the statements for options and suppressed phones.

A resume that forgets `--rate 20` is another run than the one that was checked. The options are one JSON object; the phones have
a table of their own, which is emptied with the rows of the run.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import Any

import msgspec

from rumbleup_async.messaging import Kept

KEY = "options"
PROGRESS = ("begun", "placed", "canary_now")
"""Options that nobody gives: how far the run has come, as whoever is in charge of it notes."""
HANDED_IN = "suppressed by the caller"
_TABLE = "CREATE TABLE IF NOT EXISTS suppressed (phone TEXT PRIMARY KEY) WITHOUT ROWID"


def read(db: sqlite3.Connection) -> Kept:
    """What an earlier part of the run was told; nothing in a ledger of an older version."""
    if not _has(db, "run"):
        return Kept()
    found = dict(db.execute("SELECT key, value FROM run WHERE key IN (?, ?)", (KEY, HANDED_IN)).fetchall())
    phones: list[str] = []
    if _has(db, "suppressed"):
        phones = msgspec.json.decode(db.execute("SELECT json_group_array(phone) FROM suppressed").fetchone()[0])
    return Kept(msgspec.json.decode(found.get(KEY, "{}")), frozenset(phones), HANDED_IN in found)


def read_options(db: sqlite3.Connection) -> dict[str, Any]:
    found = db.execute("SELECT value FROM run WHERE key = ?", (KEY,)).fetchone()
    return {} if found is None else dict(msgspec.json.decode(found[0]))


def count(db: sqlite3.Connection) -> int:
    """How many phones are suppressed."""
    return int(db.execute("SELECT count(*) FROM suppressed").fetchone()[0]) if _has(db, "suppressed") else 0


def write(db: sqlite3.Connection, kept: Kept, new: Collection[str]) -> None:
    """Within a transaction: the options as they are now, and further suppressed phones."""
    values = [(KEY, msgspec.json.encode(kept.options).decode())]
    if kept.is_handed_in:
        values.append((HANDED_IN, "1"))
    for value in values:
        db.execute("INSERT INTO run VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", value)
    db.execute(_TABLE)
    db.execute("INSERT OR IGNORE INTO suppressed SELECT value FROM json_each(?)", (msgspec.json.encode(sorted(new)).decode(),))


def shown(kept: Kept) -> str:
    """What is kept, as the audit has it: no phone is in it."""
    return msgspec.json.encode({**kept.options, "suppressed": len(kept.suppressed)}).decode()


def forget(db: sqlite3.Connection) -> None:
    """Within a transaction that begins another run."""
    if _has(db, "suppressed"):
        db.execute("DELETE FROM suppressed")


def _has(db: sqlite3.Connection, table: str) -> bool:
    return bool(db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone())
