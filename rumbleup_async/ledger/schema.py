"""The tables of a ledger on SQLite, and how a file of an older version gets them.

Lives here: statements. What each table is for stands beside it; some are for rules that are not written yet, so that no file
has to be upgraded for them.
"""

from __future__ import annotations

import sqlite3
from typing import Final

SCHEMA: Final = 2
WITH_STEPS: Final = 3
"""As 2, and some steps are in a file beside the ledger: see `folding`."""
APPLICATION: Final = 0x52554153
"""SQLite's application_id of our ledgers ("RUAS"), so that another program's database is not taken for one."""

_RUN = "CREATE TABLE run (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"

# `screened` is 1 for rows that are never texted. It does not change with the state, so that the index below, which leaves
# such rows out, is not touched by every send.
# `code` says what the reason is, NULL for none, `detail` what differs from case to case. In rows that a file of schema 1 brought
# along `code` is NULL and `detail` holds words: see keeping_reasons.
# `owner` is who opened the entry last. It stays when the entry is closed: who was fenced meanwhile may still bring proof.
_CONTACT = """
CREATE TABLE contact (
    row      INTEGER PRIMARY KEY,
    phone    TEXT NOT NULL,
    text     TEXT,
    name     TEXT,
    segments INTEGER NOT NULL DEFAULT 0,
    screened INTEGER,
    state    INTEGER NOT NULL CHECK (state BETWEEN 0 AND 6),
    attempts INTEGER NOT NULL DEFAULT 0,
    logid    TEXT,
    detail   TEXT,
    time     INTEGER,
    code     TEXT,
    place    INTEGER NOT NULL DEFAULT 0,
    owner    INTEGER
)"""

ONE_TEXT_A_PHONE: Final = "CREATE UNIQUE INDEX one_text_a_phone ON contact (phone) WHERE screened IS NULL"

# Only contacts that may not leave at any time are in it, and no send changes a place: no send touches it. The load of a list
# takes it away, for rows come in no order of places and each would touch another page; whoever begins to send puts it back.
BY_PLACE: Final = "CREATE INDEX IF NOT EXISTS by_place ON contact (place) WHERE place != 0"

_BESIDE = (
    BY_PLACE,
    # Contacts that were put off one by one, and until when (Unix seconds). A row stays in it when it is opened: its time is past.
    "CREATE TABLE waiting (row INTEGER PRIMARY KEY, due REAL NOT NULL)",
    # Who opens entries. `until`: the end of the lease (Unix seconds); NULL where only death ends it.
    """CREATE TABLE owner (
    id     INTEGER PRIMARY KEY,
    name   TEXT NOT NULL,
    until  REAL,
    fenced INTEGER NOT NULL DEFAULT 0
)""",
    # How many contacts were in a state for a reason when the process that has the ledger open last noted a second. The code ''
    # stands for all reasons of a state. And what happened in each second of the run.
    """CREATE TABLE total (
    state  INTEGER NOT NULL,
    code   TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (state, code)
) WITHOUT ROWID""",
    """CREATE TABLE second (
    at        INTEGER NOT NULL,
    owner     INTEGER NOT NULL,
    sent      INTEGER NOT NULL,
    refused   INTEGER NOT NULL,
    unknown   INTEGER NOT NULL,
    throttled INTEGER NOT NULL,
    held      REAL NOT NULL,
    latencies TEXT NOT NULL,
    rate      REAL,
    PRIMARY KEY (at, owner)
) WITHOUT ROWID""",
    # What an owner may still spend of a budget, a cap or a trial: whole micro-dollars, or texts.
    """CREATE TABLE reservation (
    owner  INTEGER NOT NULL,
    what   TEXT NOT NULL,
    amount INTEGER NOT NULL,
    PRIMARY KEY (owner, what)
) WITHOUT ROWID""",
    # Pauses of the run that people asked for; the last one holds while it has no end. Unix milliseconds.
    "CREATE TABLE pause (began INTEGER PRIMARY KEY, ended INTEGER, who TEXT NOT NULL, why TEXT NOT NULL)",
    # What people decided and what was sent besides the list, test texts among them. Unix milliseconds.
    "CREATE TABLE audit (id INTEGER PRIMARY KEY, time INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, detail TEXT)",
)

_OF_THE_RUN: Final = ("waiting", "total", "second", "reservation")

OLDER: Final = "a process of an older version"


def create(db: sqlite3.Connection) -> None:
    """Within a transaction: the tables of a new ledger."""
    for statement in (_RUN, _CONTACT, ONE_TEXT_A_PHONE, *_BESIDE):
        db.execute(statement)
    db.execute(f"PRAGMA application_id = {APPLICATION}")
    db.execute(f"PRAGMA user_version = {SCHEMA}")


def version_of(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def upgrade(db: sqlite3.Connection) -> bool:
    """Within a transaction: give a ledger of schema 1 the tables of today. Whether there was anything to do.

    The new columns cost nothing, however many contacts there are: SQLite does not rewrite the rows for them.
    """
    if version_of(db) != 1:
        return False
    for statement in (
        "ALTER TABLE contact RENAME COLUMN reason TO detail",
        "ALTER TABLE contact ADD COLUMN code TEXT",
        "ALTER TABLE contact ADD COLUMN place INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE contact ADD COLUMN owner INTEGER",
        *_BESIDE,
    ):
        db.execute(statement)
    # Every open entry has an owner: here somebody who is no more.
    owner = db.execute("INSERT INTO owner (name) VALUES (?)", (OLDER,)).lastrowid
    if not db.execute("UPDATE contact SET owner = ? WHERE state = 1", (owner,)).rowcount:
        db.execute("UPDATE owner SET fenced = 1")
    db.execute(f"PRAGMA user_version = {SCHEMA}")
    return True


def look_through(db: sqlite3.Connection) -> None:
    """Have a connection that only reads see a ledger of schema 1 as one of today. Nothing is written to the file."""
    if version_of(db) == 1:
        db.execute(
            """CREATE TEMP VIEW contact AS SELECT row, phone, text, name, segments, screened, state, attempts, logid,
            reason AS detail, time, NULL AS code, 0 AS place, NULL AS owner FROM main.contact"""
        )
        db.execute(
            """CREATE TEMP VIEW second AS SELECT 0 AS at, 0 AS sent, 0 AS refused, 0 AS unknown, 0 AS throttled, 0.0 AS held,
            '[]' AS latencies, NULL AS rate WHERE 0"""
        )
        db.execute("CREATE TEMP VIEW reservation AS SELECT 0 AS owner, '' AS what, 0 AS amount WHERE 0")
        db.execute("CREATE TEMP VIEW total AS SELECT 0 AS state, '' AS code, 0 AS number WHERE 0")


def words_of(db: sqlite3.Connection) -> str:
    """The column with the reason in words, in a file that may not be upgraded yet."""
    return "reason" if version_of(db) == 1 else "detail"


def forget(db: sqlite3.Connection) -> None:
    """Within a transaction: empty what belongs to the contacts of one run."""
    for table in _OF_THE_RUN:
        db.execute(f"DELETE FROM {table}")  # noqa: S608
    for table in ("lot", "heard"):  # there only if the run had a canary
        db.execute(f"DROP TABLE IF EXISTS {table}")
