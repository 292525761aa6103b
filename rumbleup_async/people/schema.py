"""The tables of a book of people on SQLite.

Lives here: statements. What each table is for stands beside it.
"""

from __future__ import annotations

import sqlite3
from typing import Final

SCHEMA: Final = 2
APPLICATION: Final = 0x52554142
"""SQLite's application_id of our books ("RUAB"), so that another program's database is not taken for one."""

# The segments of all claims of a day that begins at a Unix second, in one world: what a cap a day is held against.
_DAY: Final = """CREATE TABLE day (
    world    INTEGER NOT NULL,
    begins   INTEGER NOT NULL,
    segments INTEGER NOT NULL,
    PRIMARY KEY (world, begins)
) WITHOUT ROWID"""

TABLES: Final = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    # World 0 is the provider's own; any other is a server on this machine.
    "CREATE TABLE world (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    "CREATE TABLE scope (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, world INTEGER NOT NULL)",
    "CREATE TABLE run (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    # Who was texted, may have been, or is about to be by a run that has claimed them. `time`: of the claim, Unix seconds.
    # A claim is deleted once it is certain that nothing left. `segments`: of its text; 0 where nobody has said it.
    """CREATE TABLE texted (
    phone    INTEGER NOT NULL,
    scope    INTEGER NOT NULL,
    run      INTEGER NOT NULL,
    time     INTEGER NOT NULL,
    segments INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (phone, scope, run)
) WITHOUT ROWID""",
    _DAY,
    # Never purged by age. `since`: Unix seconds. `sure`: 0 where a person should look at it.
    """CREATE TABLE opt_out (
    phone  INTEGER NOT NULL,
    world  INTEGER NOT NULL,
    since  INTEGER NOT NULL,
    source TEXT NOT NULL,
    word   TEXT NOT NULL,
    sure   INTEGER NOT NULL,
    PRIMARY KEY (phone, world)
) WITHOUT ROWID""",
    # How far the opt-outs of a source have been read; see `entries.Pull`.
    "CREATE TABLE pull (source TEXT PRIMARY KEY, at INTEGER NOT NULL, cursor TEXT NOT NULL, read INTEGER NOT NULL) WITHOUT ROWID",
)


def create(db: sqlite3.Connection, check: str) -> None:
    """Within a transaction: the tables of a new book. `check`: of its key."""
    for statement in TABLES:
        db.execute(statement)
    db.execute("INSERT INTO meta VALUES ('key', ?)", (check,))
    db.execute("INSERT INTO world VALUES (0, '')")
    db.execute(f"PRAGMA application_id = {APPLICATION}")
    db.execute(f"PRAGMA user_version = {SCHEMA}")


def upgrade(db: sqlite3.Connection) -> None:
    """Within a transaction: give a book of schema 1 the tables of today. What it has of that day is not counted."""
    if db.execute("PRAGMA user_version").fetchone()[0] == 1:
        db.execute("ALTER TABLE texted ADD COLUMN segments INTEGER NOT NULL DEFAULT 0")
        db.execute(_DAY)
        db.execute(f"PRAGMA user_version = {SCHEMA}")
