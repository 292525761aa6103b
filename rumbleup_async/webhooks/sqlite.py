"""Events in an SQLite file, where the key is unique: repeats are known over any time and over restarts.

Lives here: that file. May import: errors, webhooks.files, webhooks.ports; sqlite3.

    SELECT received, event ->> '$.data.phone' FROM event WHERE type = 'MESSAGE_RECEIVED' ORDER BY id
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.webhooks.files import open_own
from rumbleup_async.webhooks.ports import Record

_APPLICATION = 0x52554157
"""SQLite's application_id of these files ("RUAW"), so that another program's database is not written into."""

_TABLE = """
CREATE TABLE event (
    id       INTEGER PRIMARY KEY,
    key      TEXT NOT NULL UNIQUE,
    type     TEXT NOT NULL,
    received INTEGER NOT NULL,  -- Unix milliseconds
    event    TEXT NOT NULL      -- the JSON object as it came
)"""


class SQLite:
    """A sink. An event is on the disk before the provider is told. Several processes may write one file."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._db: sqlite3.Connection | None = None

    def open(self) -> list[str]:
        os.close(open_own(self.path))
        db = sqlite3.connect(self.path, isolation_level=None, timeout=10)
        try:
            ours = _prepare(db)
        except sqlite3.Error as error:
            db.close()
            raise ConfigurationError(f"{self.path}: {error}") from None
        if not ours:
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
            new = [
                db.execute(
                    "INSERT OR IGNORE INTO event (key, type, received, event) VALUES (?, ?, ?, ?)",
                    (record.key, record.type, record.received, bytes(record.event).decode()),
                ).rowcount
                == 1
                for record in records
            ]
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


def _prepare(db: sqlite3.Connection) -> bool:
    """Make the table if the file is empty; whether the file is ours."""
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA fullfsync = ON")  # macOS: fsync alone leaves data in the drive's cache
    # Nothing may be changed in another program's file, so its journal is looked at after its owner.
    db.execute("BEGIN IMMEDIATE")
    if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        db.execute(_TABLE)
        db.execute(f"PRAGMA application_id = {_APPLICATION}")
    db.execute("COMMIT")
    ours: bool = db.execute("PRAGMA application_id").fetchone()[0] == _APPLICATION
    if ours:
        db.execute("PRAGMA journal_mode = WAL")
    return ours
