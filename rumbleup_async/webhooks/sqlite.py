"""Events in an SQLite file, where the key is unique, so that repeats are known for all time and after a restart.

Lives here: that file.

    SELECT received, event ->> '$.data.phone' FROM event WHERE type = 'MESSAGE_RECEIVED' ORDER BY id
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.webhooks.changes import Latest, is_latest, is_repeat
from rumbleup_async.webhooks.files import open_private
from rumbleup_async.webhooks.ports import Record

_APPLICATION = 0x52554157
"""SQLite's application_id of these files ("RUAW"), by which another program's database is known and not written to."""

_TABLE = """
CREATE TABLE event (
    id       INTEGER PRIMARY KEY,
    key      TEXT NOT NULL UNIQUE,
    type     TEXT NOT NULL,
    received INTEGER NOT NULL,  -- Unix milliseconds
    event    TEXT NOT NULL      -- the JSON object as it came
)"""


_LATEST = """
CREATE TABLE IF NOT EXISTS latest (
    about TEXT PRIMARY KEY,  -- what an event is about that may come again with the same content
    key   TEXT NOT NULL,     -- of the latest such event
    sent  INTEGER            -- when the provider sent it, Unix milliseconds
) WITHOUT ROWID"""


class SQLite:
    """A sink in an SQLite file. An event is on the disk before it is acknowledged. Several processes can write one file."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._db: sqlite3.Connection | None = None

    def open(self) -> list[str]:
        os.close(open_private(self.path))
        # The path is absolute, because SQLite may read `file:x` as the URI of another file than the private one.
        db = sqlite3.connect(self.path.absolute(), isolation_level=None, timeout=10)
        try:
            is_ours = _prepare(db)
        except sqlite3.Error as error:
            db.close()
            raise ConfigurationError(f"{self.path}: {error}") from None
        if not is_ours:
            db.close()
            raise ConfigurationError(f"{self.path} is a database of another program")
        self._db = db
        return []

    def write(self, records: Sequence[Record]) -> list[bool]:
        db = self._db
        if db is None:
            raise RuntimeError("the sink is not open")
        db.execute("BEGIN IMMEDIATE")
        try:
            new = [_insert(db, record, record.key) if not record.about else _insert_change(db, record) for record in records]
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        return new

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None


def _insert(db: sqlite3.Connection, record: Record, key: str) -> bool:
    """Insert an event. Returns whether it is new."""
    values = (key, record.type, record.received, bytes(record.event).decode())
    return db.execute("INSERT OR IGNORE INTO event (key, type, received, event) VALUES (?, ?, ?, ?)", values).rowcount == 1


def _insert_change(db: sqlite3.Connection, record: Record) -> bool:
    """Insert an event that may come again with the same content; then a number is added to its key. Returns whether it is new."""
    found = db.execute("SELECT key, sent FROM latest WHERE about = ?", (record.about,)).fetchone()
    latest = None if found is None else Latest(*found)
    before = db.execute("SELECT count(*) FROM event WHERE key >= ? AND key < ?", (record.key, record.key + "/")).fetchone()[0]
    if is_repeat(record, latest, known=before > 0) or not _insert(db, record, f"{record.key}.{before}" if before else record.key):
        return False
    if is_latest(record, latest):
        db.execute(
            "INSERT INTO latest VALUES (?, ?, ?) ON CONFLICT (about) DO UPDATE SET key = excluded.key, sent = excluded.sent",
            (record.about, record.key, record.sent),
        )
    return True


def _prepare(db: sqlite3.Connection) -> bool:
    """Make the tables if the file is empty. Returns whether the file is one of these."""
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA fullfsync = ON")  # macOS: fsync alone leaves data in the drive's cache
    # Nothing may be changed in another program's file, so the journal mode is set only after this check.
    db.execute("BEGIN IMMEDIATE")
    if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        db.execute(_TABLE)
        db.execute(f"PRAGMA application_id = {_APPLICATION}")
    db.execute("COMMIT")
    is_ours: bool = db.execute("PRAGMA application_id").fetchone()[0] == _APPLICATION
    if is_ours:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(_LATEST)
    return is_ours
