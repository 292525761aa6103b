"""Who was texted, as a book of people in a database keeps it.

Lives here: the statements of `people.texted` and `people.counted` for PostgreSQL, by the same names. Each function is given a
connection in a transaction, whoever writes after taking the lock of the book, and knows no other state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from rumbleup_async.days import Day
from rumbleup_async.people.counted import fitted
from rumbleup_async.people.entries import SINGLE, Again, Found, Scope, Tally, Why
from rumbleup_async.people.texted import NO_RUN, judged
from rumbleup_async.postgres.tables import SCHEMA

if TYPE_CHECKING:
    from rumbleup_async.postgres.server import Connection

_P: Final = f"{SCHEMA}.people"
_DAY_OF: Final = f"(SELECT max(d.begins) FROM {_P}_day d WHERE d.world = %(world)s AND d.begins <= t.time)"
_OF_RUN: Final = "t.phone = ANY(%(marks)s::bigint[]) AND t.scope = %(scope)s AND t.run = %(run)s"


def scope_id(db: Connection, scope: Scope) -> int:
    """As `people.texted.scope_id`."""
    found = db.execute(f"SELECT id FROM {_P}_scope WHERE name = %s", (scope.name,)).fetchone()
    if found is not None:
        return int(found[0])
    world = world_id(db, scope.world)
    return _one(db.execute(f"INSERT INTO {_P}_scope (name, world) VALUES (%s, %s) RETURNING id", (scope.name, world)))


def world_id(db: Connection, world: str) -> int:
    """As `people.texted.world_id`."""
    return _number(db, "world", world)


def run_id(db: Connection, run: str) -> int:
    """As `people.texted.run_id`."""
    return _number(db, "run", run)


def _number(db: Connection, table: str, name: str) -> int:
    found = db.execute(f"SELECT id FROM {_P}_{table} WHERE name = %s", (name,)).fetchone()
    return (
        _one(db.execute(f"INSERT INTO {_P}_{table} (name) VALUES (%s) RETURNING id", (name,))) if found is None else int(found[0])
    )


def numbers_of(db: Connection, scope: Scope, run: str) -> tuple[int, int, int]:
    """As `people.texted.numbers_of`."""
    asked = f"""SELECT (SELECT id FROM {_P}_scope WHERE name = %s), (SELECT id FROM {_P}_world WHERE name = %s),
        (SELECT id FROM {_P}_run WHERE name = %s)"""
    one, world, by = db.execute(asked, (scope.name, scope.world, run)).fetchone() or (None, None, None)
    return -1 if one is None else one, -1 if world is None else world, by or NO_RUN


def look(db: Connection, marks: Sequence[int], numbers: tuple[int, int, int], now: float, again: Again) -> dict[int, Found]:
    """As `people.texted.look`."""
    scope, world, run = numbers
    since = now - again.gap if again.gap else now + 1e9
    rows = db.execute(
        f"""SELECT phone, scope, time FROM {_P}_texted
        WHERE phone = ANY(%s::bigint[]) AND run <> %s AND (scope = %s OR time > %s)""",
        (list(marks), run, -1 if again.same else scope, since),
    ).fetchall()
    worlds: dict[int, int] = dict(db.execute(f"SELECT id, world FROM {_P}_scope").fetchall()) if rows else {}
    outs = db.execute(
        f"SELECT phone, max(sure) FROM {_P}_opt_out WHERE phone = ANY(%s::bigint[]) AND world IN (0, %s) GROUP BY phone",
        (list(marks), world),
    ).fetchall()
    return judged(rows, worlds, outs, (scope, world), now, again)


def claim(
    db: Connection,
    marks: Sequence[int],
    numbers: tuple[int, int, int],
    now: float,
    again: Again,
    *,
    segments: Sequence[int] = (),
    day: Day | None = None,
) -> dict[int, Found]:
    """As `people.texted.claim`."""
    found = look(db, marks, numbers, now, again)
    scope, world, run = numbers
    parts = {mark: part for mark, part in zip(marks, segments or [0] * len(marks), strict=True) if mark not in found}
    if day is not None:
        fit, change = _fitting(db, parts, numbers, day)
        for mark in parts.keys() - fit:
            found[mark] = Found(Why.CAP, day.resumes)
            del parts[mark]
        _add(db, world, change)
    db.execute(
        f"""INSERT INTO {_P}_texted (phone, scope, run, time, segments)
        SELECT v.phone, %s, %s, %s, v.segments FROM unnest(%s::bigint[], %s::int[]) AS v(phone, segments)
        ON CONFLICT (phone, scope, run) DO UPDATE
            SET time = excluded.time, segments = excluded.segments, claims = people_texted.claims + 1""",
        (scope, run, int(now), list(parts), list(parts.values())),
    )
    return found


def release(db: Connection, marks: Sequence[int], numbers: tuple[int, int, int]) -> int:
    """As `people.texted.release`; where another machine has claimed one of these for the same run meanwhile, that claim stays."""
    given = _given(marks, numbers)
    db.execute(f"UPDATE {_P}_texted t SET claims = t.claims - 1 WHERE {_OF_RUN}", given)
    gone = db.execute(
        f"SELECT {_DAY_OF} AS day, -sum(t.segments) FROM {_P}_texted t WHERE {_OF_RUN} AND t.claims <= 0 GROUP BY 1", given
    ).fetchall()
    _add(db, numbers[1], {begins: int(change) for begins, change in gone if begins is not None and change})
    return db.execute(f"DELETE FROM {_P}_texted t WHERE {_OF_RUN} AND t.claims <= 0", given).rowcount


def used(db: Connection, world: int, begins: int) -> int:
    """As `people.counted.used`."""
    found = db.execute(f"SELECT segments FROM {_P}_day WHERE world = %s AND begins = %s", (world, begins)).fetchone()
    return 0 if found is None else int(found[0])


def _fitting(
    db: Connection, parts: Mapping[int, int], numbers: tuple[int, int, int], day: Day
) -> tuple[set[int], dict[int, int]]:
    rows = db.execute(f"SELECT t.phone, t.segments, {_DAY_OF} FROM {_P}_texted t WHERE {_OF_RUN}", _given(list(parts), numbers))
    before: dict[int, tuple[int | None, int]] = {phone: (begins, segments) for phone, segments, begins in rows.fetchall()}
    day.used = used(db, numbers[1], day.begins)
    return fitted(parts, before, day)


def _add(db: Connection, world: int, change: Mapping[int, int]) -> None:
    for begins, more in change.items():
        if more:
            db.execute(
                f"""INSERT INTO {_P}_day VALUES (%s, %s, greatest(0, %s::bigint)) ON CONFLICT (world, begins)
                DO UPDATE SET segments = greatest(0, people_day.segments + %s::bigint)""",
                (world, begins, more, more),
            )


def _given(marks: Sequence[int], numbers: tuple[int, int, int]) -> dict[str, Any]:
    return {"marks": list(marks), "scope": numbers[0], "world": numbers[1], "run": numbers[2]}


def note(db: Connection, rows: Sequence[tuple[int, int, int, int]]) -> int:
    """As `people.texted.note`."""
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]
    return db.execute(
        f"""INSERT INTO {_P}_texted (phone, scope, run, time)
        SELECT * FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::bigint[]) ON CONFLICT DO NOTHING""",
        columns,
    ).rowcount


_NAMED: Final = f"""FROM {_P}_texted t JOIN {_P}_scope s ON s.id = t.scope JOIN {_P}_world w ON w.id = s.world
    JOIN {_P}_run r ON r.id = t.run"""


def of_phone(db: Connection, mark: int) -> list[tuple[str, str, str, int]]:
    """As `people.texted.of_phone`."""
    return db.execute(
        f"SELECT s.name, w.name, r.name, t.time {_NAMED} WHERE t.phone = %s ORDER BY t.time DESC", (mark,)
    ).fetchall()


def after(db: Connection, last: tuple[int, int, int], limit: int) -> list[tuple[int, int, int, str, str, str, int]]:
    """As `people.texted.after`."""
    return db.execute(
        f"""SELECT t.phone, t.scope, t.run, s.name, w.name, r.name, t.time {_NAMED}
        WHERE (t.phone, t.scope, t.run) > (%s, %s, %s) ORDER BY t.phone, t.scope, t.run LIMIT %s""",
        (*last, limit),
    ).fetchall()


def sizes(db: Connection, numbers: tuple[int, int, int], most: int = 10) -> list[int]:
    """As `people.texted.sizes`."""
    _, world, run = numbers
    found = db.execute(
        f"""SELECT greatest(count(*), max(r.size)) FROM {_P}_texted t JOIN {_P}_scope s ON s.id = t.scope
        JOIN {_P}_run r ON r.id = t.run WHERE s.world = %s AND t.run <> %s AND NOT starts_with(r.name, %s)
        GROUP BY t.run ORDER BY max(t.time) DESC LIMIT %s""",
        (world, run, SINGLE, most),
    )
    return [int(number) for (number,) in found.fetchall()]


def size_of(db: Connection, run: str) -> int:
    """As `people.texted.size_of`."""
    found = db.execute(f"SELECT size FROM {_P}_run WHERE name = %s", (run,)).fetchone()
    return 0 if found is None else int(found[0])


def note_size(db: Connection, run: str, number: int) -> None:
    """As `people.texted.note_size`."""
    db.execute(
        f"INSERT INTO {_P}_run (name, size) VALUES (%s, %s) ON CONFLICT (name) "
        "DO UPDATE SET size = greatest(people_run.size, excluded.size)",
        (run, number),
    )


def forget(db: Connection, mark: int) -> int:
    """As `people.texted.forget`."""
    return db.execute(f"DELETE FROM {_P}_texted WHERE phone = %s", (mark,)).rowcount


def purge(db: Connection, before: int) -> int:
    """As `people.texted.purge`."""
    number = db.execute(f"DELETE FROM {_P}_texted WHERE time < %s", (before,)).rowcount
    db.execute(f"DELETE FROM {_P}_day WHERE begins < %s", (before - 172_800,))
    db.execute(f"DELETE FROM {_P}_run r WHERE NOT EXISTS (SELECT FROM {_P}_texted t WHERE t.run = r.id)")
    return number


def tally(db: Connection) -> Tally:
    """As `people.texted.tally`."""
    number, first, last = db.execute(f"SELECT count(*), min(time), max(time) FROM {_P}_texted").fetchone() or (0, 0, 0)
    outs, likely = db.execute(f"SELECT count(*), count(*) FILTER (WHERE sure = 0) FROM {_P}_opt_out").fetchone() or (0, 0)
    scopes = db.execute(
        f"SELECT s.name, count(*) FROM {_P}_texted t JOIN {_P}_scope s ON s.id = t.scope GROUP BY s.id, s.name ORDER BY 2 DESC, 1"
    ).fetchall()
    return Tally(number, outs, likely, _one(db.execute(f"SELECT count(*) FROM {_P}_run")), scopes, first or 0, last or 0)


def _one(cursor: Any) -> int:
    return int(cursor.fetchone()[0])
