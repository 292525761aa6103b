"""Who has opted out, as a book of people in a database keeps it, and how far each source of opt-outs has been read.

Lives here: the statements of `people.opted_out` for PostgreSQL, by the same names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rumbleup_async.people.entries import Pull
from rumbleup_async.postgres.tables import SCHEMA

if TYPE_CHECKING:
    from rumbleup_async.postgres.server import Connection

_P: Final = f"{SCHEMA}.people"


def add(db: Connection, rows: Sequence[tuple[int, int, int, str, str, int]]) -> int:
    """As `people.opted_out.add`: a phone that comes twice counts as if it came one after the other."""
    new = 0
    statement = f"""INSERT INTO {_P}_opt_out AS o VALUES (%s, %s, %s, %s, %s, %s)
        ON CONFLICT (phone, world) DO UPDATE SET since = least(o.since, excluded.since),
            source = CASE WHEN excluded.sure > o.sure THEN excluded.source ELSE o.source END,
            word = CASE WHEN excluded.sure > o.sure THEN excluded.word ELSE o.word END, sure = greatest(o.sure, excluded.sure)"""
    before = db.execute(f"SELECT count(*) FROM {_P}_opt_out").fetchone()
    with db.cursor() as cursor:
        cursor.executemany(statement, [(*row[:3], _kept(row[3]), _kept(row[4]), row[5]) for row in rows])
    after_it = db.execute(f"SELECT count(*) FROM {_P}_opt_out").fetchone()
    if before is not None and after_it is not None:
        new = int(after_it[0] - before[0])
    return new


def lift(db: Connection, mark: int) -> int:
    """As `people.opted_out.lift`."""
    return db.execute(f"DELETE FROM {_P}_opt_out WHERE phone = %s", (mark,)).rowcount


def of_phone(db: Connection, mark: int) -> list[tuple[str, int, str, str, int]]:
    """As `people.opted_out.of_phone`."""
    return db.execute(
        f"""SELECT w.name, o.since, o.source, o.word, o.sure FROM {_P}_opt_out o JOIN {_P}_world w ON w.id = o.world
        WHERE o.phone = %s ORDER BY o.world""",
        (mark,),
    ).fetchall()


def after(db: Connection, last: tuple[int, int], limit: int) -> list[tuple[int, int, str, int, str, str, int]]:
    """As `people.opted_out.after`."""
    return db.execute(
        f"""SELECT o.phone, o.world, w.name, o.since, o.source, o.word, o.sure
        FROM {_P}_opt_out o JOIN {_P}_world w ON w.id = o.world
        WHERE (o.phone, o.world) > (%s, %s) ORDER BY o.phone, o.world LIMIT %s""",
        (*last, limit),
    ).fetchall()


def pull_of(db: Connection, source: str) -> Pull:
    """As `people.opted_out.pull_of`."""
    found = db.execute(f"SELECT at, cursor, read FROM {_P}_pull WHERE source = %s", (_kept(source),)).fetchone()
    return Pull(source) if found is None else Pull(source, *found)


def pulls(db: Connection) -> list[Pull]:
    """As `people.opted_out.pulls`."""
    return [Pull(*row) for row in db.execute(f"SELECT source, at, cursor, read FROM {_P}_pull ORDER BY source").fetchall()]


def note_pull(db: Connection, pull: Pull) -> None:
    """As `people.opted_out.note_pull`."""
    db.execute(
        f"""INSERT INTO {_P}_pull VALUES (%s, %s, %s, %s) ON CONFLICT (source)
        DO UPDATE SET at = excluded.at, cursor = excluded.cursor, read = excluded.read""",
        (_kept(pull.source), pull.at, _kept(pull.cursor), pull.read),
    )


def _kept(text: str) -> str:
    """A word of a reply may hold anything; PostgreSQL keeps no NUL."""
    return text.replace("\0", "\ufffd")
