"""Who has opted out, as a book on SQLite keeps it, and how far each source of opt-outs has been read.

Lives here: statements. Each function is given a connection and knows no other state.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from rumbleup_async.people.entries import Pull


def add(db: sqlite3.Connection, rows: Sequence[tuple[int, int, int, str, str, int]]) -> int:
    """Within a transaction: number of the phone, world, since, source, word, sure. How many phones are new.

    Of a phone that is there already the earliest time stays; an opt-out that is sure takes the place of one that was likely.
    """
    before = db.execute("SELECT count(*) FROM opt_out").fetchone()[0]
    db.execute(
        """INSERT INTO opt_out SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
        json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]') FROM json_each(?) WHERE true
        ON CONFLICT (phone, world) DO UPDATE SET since = min(since, excluded.since),
        source = CASE WHEN excluded.sure > sure THEN excluded.source ELSE source END,
        word = CASE WHEN excluded.sure > sure THEN excluded.word ELSE word END, sure = max(sure, excluded.sure)""",
        (json.dumps(rows),),
    )
    return int(db.execute("SELECT count(*) FROM opt_out").fetchone()[0] - before)


def lift(db: sqlite3.Connection, mark: int) -> int:
    """Within a transaction: this phone has opted in again. How many entries that were."""
    return db.execute("DELETE FROM opt_out WHERE phone = ?", (mark,)).rowcount


def of_phone(db: sqlite3.Connection, mark: int) -> list[tuple[str, int, str, str, int]]:
    """What is kept of one phone: world, since, source, word, sure."""
    return db.execute(
        """SELECT world.name, since, source, word, sure FROM opt_out JOIN world ON world.id = opt_out.world
        WHERE phone = ? ORDER BY world""",
        (mark,),
    ).fetchall()


def after(db: sqlite3.Connection, last: tuple[int, int], limit: int) -> list[tuple[int, int, str, int, str, str, int]]:
    """Some rows behind this one, in the order of the table: its two numbers, world, since, source, word, sure."""
    return db.execute(
        """SELECT phone, opt_out.world, world.name, since, source, word, sure FROM opt_out
        JOIN world ON world.id = opt_out.world
        WHERE (phone, opt_out.world) > (?, ?) ORDER BY phone, opt_out.world LIMIT ?""",
        (*last, limit),
    ).fetchall()


def pull_of(db: sqlite3.Connection, source: str) -> Pull:
    """How far this source has been read."""
    found = db.execute("SELECT at, cursor, read FROM pull WHERE source = ?", (source,)).fetchone()
    return Pull(source) if found is None else Pull(source, *found)


def pulls(db: sqlite3.Connection) -> list[Pull]:
    """How far each source has been read."""
    return [Pull(*row) for row in db.execute("SELECT source, at, cursor, read FROM pull ORDER BY source")]


def note_pull(db: sqlite3.Connection, pull: Pull) -> None:
    """Within a transaction: so far this source has been read now."""
    db.execute(
        "INSERT OR REPLACE INTO pull (source, at, cursor, read) VALUES (?, ?, ?, ?)",
        (pull.source, pull.at, pull.cursor, pull.read),
    )
