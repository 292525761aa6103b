"""How many segments have left on a day, as a book on SQLite counts them: beside the claims, in their transactions.

Lives here: statements. A claim knows how many segments its text has, so the sum of a day is that of its claims, whatever dies.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence

from rumbleup_async.days import Day


def used(db: sqlite3.Connection, world: int, begins: int) -> int:
    """Segments of the day that begins then, in a world."""
    found = db.execute("SELECT segments FROM day WHERE world = ? AND begins = ?", (world, begins)).fetchone()
    return 0 if found is None else int(found[0])


def fitting(
    db: sqlite3.Connection, parts: Mapping[int, int], numbers: tuple[int, int, int], day: Day
) -> tuple[set[int], dict[int, int]]:
    """Within a transaction: which of these texts still fit into the day, in their order, and what is to be added to which day
    once they are claimed. `parts`: segments by the number of the phone; `numbers`: of scope, world and run.

    What this very run has claimed before is claimed anew, and counts but once.
    """
    scope, world, run = numbers
    before = {
        phone: (begins, segments)
        for phone, segments, begins in db.execute(
            """SELECT phone, segments, (SELECT max(begins) FROM day WHERE world = ? AND begins <= time) FROM texted
            WHERE phone IN (SELECT value FROM json_each(?)) AND scope = ? AND run = ?""",
            (world, json.dumps(list(parts)), scope, run),
        )
    }
    day.used = used(db, world, day.begins)
    return fitted(parts, before, day)


def fitted(parts: Mapping[int, int], before: Mapping[int, tuple[int | None, int]], day: Day) -> tuple[set[int], dict[int, int]]:
    """As `fitting`. `before`: of what the run has claimed already the day and the segments; the `used` of `day` is as the book
    has it, and is brought up to date."""
    fit: set[int] = set()
    change: dict[int, int] = {}
    for phone, segments in parts.items():
        begins, known = before.get(phone, (day.begins, 0))
        more = segments - known if begins == day.begins else segments
        if day.most is not None and day.used + more > day.most:
            continue
        fit.add(phone)
        day.used += more
        change[day.begins] = change.get(day.begins, 0) + more
        if known and begins is not None and begins != day.begins:
            change[begins] = change.get(begins, 0) - known
    return fit, change


def released(db: sqlite3.Connection, marks: Sequence[int], numbers: tuple[int, int, int]) -> dict[int, int]:
    """What is to be added to which day once the claims of these phones are taken back."""
    scope, world, run = numbers
    found = db.execute(
        """SELECT (SELECT max(begins) FROM day WHERE world = ? AND begins <= time), -sum(segments) FROM texted
        WHERE phone IN (SELECT value FROM json_each(?)) AND scope = ? AND run = ? GROUP BY 1""",
        (world, json.dumps(list(marks)), scope, run),
    )
    return {begins: change for begins, change in found if begins is not None and change}


def add(db: sqlite3.Connection, world: int, change: Mapping[int, int]) -> None:
    """Within a transaction: so many segments more, or fewer, by the beginning of the day."""
    db.executemany(
        """INSERT INTO day VALUES (?, ?, max(0, ?)) ON CONFLICT DO UPDATE SET segments = max(0, segments + ?)""",
        [(world, begins, more, more) for begins, more in change.items() if more],
    )
