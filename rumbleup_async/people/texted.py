"""Who was texted, as a book on SQLite keeps it: looking people up, claiming them for a run, letting them go.

Lives here: statements, and what follows from their answers. Each function is given a connection and knows no other state.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence

from rumbleup_async.days import Day
from rumbleup_async.people import counted
from rumbleup_async.people.entries import SINGLE, Again, Found, Scope, Tally, Why

NO_RUN = 0
"""The id of no run: nobody has claimed anybody under it."""


def scope_id(db: sqlite3.Connection, scope: Scope) -> int:
    """Within a transaction: the number of a scope, a new one for one that is new."""
    found = db.execute("SELECT id FROM scope WHERE name = ?", (scope.name,)).fetchone()
    if found is not None:
        return int(found[0])
    return _new(db, "INSERT INTO scope (name, world) VALUES (?, ?)", (scope.name, world_id(db, scope.world)))


def world_id(db: sqlite3.Connection, world: str) -> int:
    """Within a transaction: the number of a world, a new one for one that is new."""
    found = db.execute("SELECT id FROM world WHERE name = ?", (world,)).fetchone()
    return int(found[0]) if found is not None else _new(db, "INSERT INTO world (name) VALUES (?)", (world,))


def run_id(db: sqlite3.Connection, run: str) -> int:
    """Within a transaction: the number of a run, a new one for one that is new."""
    found = db.execute("SELECT id FROM run WHERE name = ?", (run,)).fetchone()
    return int(found[0]) if found is not None else _new(db, "INSERT INTO run (name) VALUES (?)", (run,))


def numbers_of(db: sqlite3.Connection, scope: Scope, run: str) -> tuple[int, int, int]:
    """The numbers of scope, world and run, for reading: -1 for a scope or a world that the book does not know, and NO_RUN for a
    run."""
    one = db.execute("SELECT id FROM scope WHERE name = ?", (scope.name,)).fetchone()
    world = db.execute("SELECT id FROM world WHERE name = ?", (scope.world,)).fetchone()
    by = db.execute("SELECT id FROM run WHERE name = ?", (run,)).fetchone()
    return (one[0] if one else -1), (world[0] if world else -1), (by[0] if by else NO_RUN)


def look(
    db: sqlite3.Connection, marks: Sequence[int], numbers: tuple[int, int, int], now: float, again: Again
) -> dict[int, Found]:
    """What the book has against texting these now, by the number of the phone. `numbers`: of scope, world and run."""
    scope, world, run = numbers
    asked = json.dumps(marks)
    since = now - again.gap
    rows = db.execute(
        """SELECT phone, texted.scope, time FROM texted WHERE phone IN (SELECT value FROM json_each(?1)) AND run != ?2
        AND (scope = ?3 OR time > ?4)""",
        (asked, run, -1 if again.same else scope, since if again.gap else now + 1e9),
    ).fetchall()
    outs: list[tuple[int, int]] = []
    if db.execute("SELECT 1 FROM opt_out LIMIT 1").fetchone() is not None:
        # What people have told the provider itself holds in a rehearsal, too.
        outs = db.execute(
            """SELECT phone, max(sure) FROM opt_out WHERE phone IN (SELECT value FROM json_each(?)) AND world IN (0, ?)
            GROUP BY phone""",
            (asked, world),
        ).fetchall()
    return judged(rows, _worlds(db) if rows else {}, outs, (scope, world), now, again)


def judged(
    rows: Sequence[tuple[int, int, int]],
    worlds: Mapping[int, int],
    outs: Sequence[tuple[int, int]],
    where_to: tuple[int, int],
    now: float,
    again: Again,
) -> dict[int, Found]:
    """What follows of what a book has: `rows`: phone, scope and time of texts of other runs; `worlds`: of each scope; `outs`:
    phones that have opted out, and whether that is sure. `where_to`: scope and world of the run."""
    scope, world = where_to
    since = now - again.gap
    before: dict[int, int] = {}
    gaps: dict[int, float] = {}
    for mark, where, time in rows:
        if where == scope and not again.same:
            if before.get(mark, -1) < time:
                before[mark] = time
        elif again.gap and worlds.get(where) == world and time > since:
            gaps[mark] = max(gaps.get(mark, 0.0), time + again.gap)
    # Thousands were texted in the same second, and share what is said of it.
    said = {time: Found(Why.BEFORE, time=time) for time in set(before.values())}
    found = {mark: Found(Why.GAP, until) for mark, until in gaps.items()} if gaps else {}
    found.update({mark: said[time] for mark, time in before.items()})
    for mark, sure in outs:
        found[mark] = Found(Why.OPTED_OUT if sure else Why.LIKELY)
    return found


def claim(
    db: sqlite3.Connection,
    marks: Sequence[int],
    numbers: tuple[int, int, int],
    now: float,
    again: Again,
    *,
    segments: Sequence[int] = (),
    day: Day | None = None,
) -> dict[int, Found]:
    """Within a transaction: note for a run whoever may be texted now. What the book has against the others.

    Who is claimed by this very run already, before it died perhaps, is claimed once more. `segments`: of the texts, which count
    for the `day`; whose text does not fit into it any more is not claimed.
    """
    found = look(db, marks, numbers, now, again)
    scope, world, run = numbers
    parts = {mark: part for mark, part in zip(marks, segments or [0] * len(marks), strict=True) if mark not in found}
    if day is not None:
        fit, change = counted.fitting(db, parts, numbers, day)
        for mark in parts.keys() - fit:
            found[mark] = Found(Why.CAP, day.resumes)
            del parts[mark]
        counted.add(db, world, change)
    # The time of a leftover claim moves on: its text leaves now.
    db.execute(
        """INSERT OR REPLACE INTO texted (phone, scope, run, time, segments)
        SELECT json_extract(value, '$[0]'), ?, ?, ?, json_extract(value, '$[1]') FROM json_each(?)""",
        (scope, run, int(now), json.dumps(list(parts.items()))),
    )
    return found


def release(db: sqlite3.Connection, marks: Sequence[int], numbers: tuple[int, int, int]) -> int:
    """Within a transaction: these were certainly not texted, and do not count for their day. How many claims that takes away.
    `numbers`: of scope, world and run."""
    scope, world, run = numbers
    counted.add(db, world, counted.released(db, marks, numbers))
    return db.execute(
        "DELETE FROM texted WHERE phone IN (SELECT value FROM json_each(?)) AND scope = ? AND run = ?",
        (json.dumps(list(marks)), scope, run),
    ).rowcount


def note(db: sqlite3.Connection, rows: Sequence[tuple[int, int, int, int]]) -> int:
    """Within a transaction: these were texted: number of the phone, of the scope, of the run, and when (Unix seconds). How many
    of them are new."""
    before = db.total_changes
    db.execute(
        """INSERT OR IGNORE INTO texted (phone, scope, run, time) SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'),
        json_extract(value, '$[2]'), json_extract(value, '$[3]') FROM json_each(?)""",
        (json.dumps(rows),),
    )
    return db.total_changes - before


def of_phone(db: sqlite3.Connection, mark: int) -> list[tuple[str, str, str, int]]:
    """What is kept of one phone: scope, world, run and time, the newest first."""
    return db.execute(
        """SELECT scope.name, world.name, run.name, time FROM texted JOIN scope ON scope.id = texted.scope
        JOIN world ON world.id = scope.world JOIN run ON run.id = texted.run WHERE phone = ? ORDER BY time DESC""",
        (mark,),
    ).fetchall()


def after(db: sqlite3.Connection, last: tuple[int, int, int], limit: int) -> list[tuple[int, int, int, str, str, str, int]]:
    """Some rows behind this one, in the order of the table: its three numbers, scope, world, run and time."""
    return db.execute(
        """SELECT phone, texted.scope, texted.run, scope.name, world.name, run.name, time FROM texted
        JOIN scope ON scope.id = texted.scope JOIN world ON world.id = scope.world JOIN run ON run.id = texted.run
        WHERE (phone, texted.scope, texted.run) > (?, ?, ?) ORDER BY phone, texted.scope, texted.run LIMIT ?""",
        (*last, limit),
    ).fetchall()


def sizes(db: sqlite3.Connection, numbers: tuple[int, int, int], most: int = 10) -> list[int]:
    """How many each of the last runs has texted in a world, or was to text, the latest first, but for one run. `numbers`: as for
    `look`."""
    _, world, run = numbers
    found = db.execute(
        """SELECT max(count(*), coalesce((SELECT CAST(value AS INTEGER) FROM meta
            WHERE key = 'size ' || (SELECT name FROM run WHERE id = texted.run)), 0))
        FROM texted JOIN scope ON scope.id = texted.scope
        WHERE scope.world = ? AND run != ? AND run NOT IN (SELECT id FROM run WHERE name GLOB ?)
        GROUP BY run ORDER BY max(time) DESC LIMIT ?""",
        (world, run, f"{SINGLE}*", most),
    )
    return [number for (number,) in found]


def size_of(db: sqlite3.Connection, run: str) -> int:
    """How many a run was to text, by its name; 0 if nobody has said it."""
    found = db.execute("SELECT value FROM meta WHERE key = ?", (f"size {run}",)).fetchone()
    return 0 if found is None else int(found[0])


def note_size(db: sqlite3.Connection, run: str, number: int) -> None:
    """Within a transaction: a run is to text so many, or more if that was said before."""
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (f"size {run}", str(max(number, size_of(db, run)))))


def forget(db: sqlite3.Connection, mark: int) -> int:
    """Within a transaction: nothing is kept any more of when this phone was texted. How many entries that were."""
    return db.execute("DELETE FROM texted WHERE phone = ?", (mark,)).rowcount


def purge(db: sqlite3.Connection, before: int) -> int:
    """Within a transaction: forget whoever was texted before this Unix second. How many entries that were."""
    number = db.execute("DELETE FROM texted WHERE time < ?", (before,)).rowcount
    db.execute("DELETE FROM day WHERE begins < ?", (before - 172_800,))
    db.execute("DELETE FROM run WHERE id NOT IN (SELECT run FROM texted)")
    db.execute("DELETE FROM meta WHERE key LIKE 'size %' AND substr(key, 6) NOT IN (SELECT name FROM run)")
    return number


def _worlds(db: sqlite3.Connection) -> dict[int, int]:
    return dict(db.execute("SELECT id, world FROM scope").fetchall())


def _new(db: sqlite3.Connection, statement: str, values: tuple[str, ...] | tuple[str, int]) -> int:
    found = db.execute(statement, values).lastrowid
    assert found is not None  # noqa: S101 - SQLite has just given it
    return found


def tally(db: sqlite3.Connection) -> Tally:
    """What the book holds, in numbers."""
    number, first, last = db.execute("SELECT count(*), min(time), max(time) FROM texted").fetchone()
    outs, likely = db.execute("SELECT count(*), count(*) FILTER (WHERE sure = 0) FROM opt_out").fetchone()
    scopes = db.execute(
        "SELECT scope.name, count(*) FROM texted JOIN scope ON scope.id = scope GROUP BY scope.id ORDER BY 2 DESC, 1"
    ).fetchall()
    runs = db.execute("SELECT count(*) FROM run").fetchone()[0]
    return Tally(number, outs, likely, runs, scopes, first or 0, last or 0)
