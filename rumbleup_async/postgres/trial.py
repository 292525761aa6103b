"""What a ledger on PostgreSQL does for the canary of its run: lots among the queued, and what is heard of those who were texted.

Lives here: the statements, and the lots that this process alone may open. While a canary goes no other process opens anybody
(`bounding`), so whoever is in charge of the run draws, counts and judges for all of them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Final

from rumbleup_async.ledger.trial import Heard
from rumbleup_async.postgres import bounding, values
from rumbleup_async.postgres.connections import Connections
from rumbleup_async.postgres.opened import Opened
from rumbleup_async.postgres.tables import SCHEMA

if TYPE_CHECKING:
    from rumbleup_async.postgres.server import AsyncConnection

_FRESH: Final = f"""c.state = 0 AND c.attempts = 0 AND c.code IS NULL
    AND NOT EXISTS (SELECT FROM {SCHEMA}.waiting w WHERE w.run = c.run AND w.row = c.row)
    AND NOT EXISTS (SELECT FROM {SCHEMA}.again a WHERE a.run = c.run AND a.row = c.row)"""
"""Who was never tried, and is not put off."""
_DRAWN: Final = f"""SELECT c.row, c.place FROM {SCHEMA}.lot l JOIN {SCHEMA}.contact c ON c.run = l.run AND c.row = l.row
    WHERE l.run = %s AND {_FRESH} ORDER BY c.row"""
_NEW: Final = f"{_FRESH} AND NOT EXISTS (SELECT FROM {SCHEMA}.lot l WHERE l.run = c.run AND l.row = c.row)"
_SOME: Final = f"SELECT c.row, c.place FROM {SCHEMA}.contact c WHERE c.run = %s AND c.row = ANY(%s::int[]) AND {_NEW}"
_EVERY: Final = f"SELECT c.row, c.place FROM {SCHEMA}.contact c WHERE c.run = %s AND {_NEW} ORDER BY c.row"
_NUMBER: Final = f"""SELECT (SELECT count(*) FROM {SCHEMA}.lot WHERE run = %(run)s),
    (SELECT coalesce(max(row), 0) FROM {SCHEMA}.contact WHERE run = %(run)s)"""
_ADD: Final = f"INSERT INTO {SCHEMA}.lot SELECT %s, unnest(%s::int[]) ON CONFLICT DO NOTHING"
_TEXTED: Final = f"""SELECT c.phone FROM {SCHEMA}.lot l JOIN {SCHEMA}.contact c ON c.run = l.run AND c.row = l.row
    WHERE l.run = %s AND c.state IN (1, 2, 6)"""
_HEAR: Final = f"""INSERT INTO {SCHEMA}.heard SELECT c.run, %s, c.row
    FROM unnest(%s::text[], %s::text[]) AS v(phone, logid) JOIN {SCHEMA}.contact c
        ON c.run = %s AND c.phone = v.phone AND c.screened IS NULL AND c.state IN (1, 2, 6) AND v.logid IN ('', c.logid)
    ON CONFLICT DO NOTHING"""
HEARD: Final = f"SELECT what, count(*) FROM {SCHEMA}.heard WHERE run = %s GROUP BY what"
_TRIES: Final = 12
"""So often rows are drawn by their number before all are looked through: a list of which most were sent has few left."""


class Trial:
    """Fits `engine.ports.Trial`."""

    def __init__(self, to: Connections, run: Opened) -> None:
        self._to = to
        self._run = run
        self.lots: list[int] = []
        """Who was drawn, and has not been opened yet."""
        self.is_drawing = False

    @property
    def waiting(self) -> int:
        """As the port."""
        return len(self.lots)

    async def begin(self) -> Mapping[str, int]:
        """As the port."""

        async def look(connection: AsyncConnection) -> Mapping[str, int]:
            return dict(await (await connection.execute(HEARD, (self._run.id,))).fetchall())

        return await self._to.read(look)

    async def draw(self, number: int, seed: str, now: float, shut: Mapping[int, float]) -> int:
        """As the port. Where none are drawn on purpose, all other processes go on, too."""
        if not number:
            self.lots, self.is_drawing = [], False
            await bounding.let_all_go(self._to, self._run)
            return 0

        async def write(connection: AsyncConnection) -> list[int]:
            async def asked(statement: str, *more: str) -> list[tuple[int, int]]:
                return await (await connection.execute(statement, (self._run.id, *more))).fetchall()

            rows = [row for row, place in await asked(_DRAWN) if now < shut.get(place, math.inf)][:number]
            if missing := number - len(rows):
                found = await (await connection.execute(_NUMBER, {"run": self._run.id})).fetchone()
                already, last = found or (0, 0)
                chance = random.Random(f"{seed} {already}")
                new: dict[int, None] = {}
                for _ in range(_TRIES):
                    if len(new) >= missing or not last:
                        break
                    some = [chance.randint(0, last) for _ in range(max(64, 2 * missing))]
                    places = dict(await asked(_SOME, values.numbers(some)))
                    # In the order in which they were drawn, not in that of the list.
                    new.update(dict.fromkeys(row for row in some if row in places and now < shut.get(places[row], math.inf)))
                if len(new) < missing:
                    left = [row for row, place in await asked(_EVERY) if now < shut.get(place, math.inf) and row not in new]
                    new.update(dict.fromkeys(chance.sample(left, min(missing - len(new), len(left)))))
                chosen = list(new)[:missing]
                await connection.execute(_ADD, (self._run.id, values.numbers(chosen)))
                rows += chosen
            return rows

        rows = await self._to.noted(write)
        self.lots, self.is_drawing = rows, bool(rows)
        return len(rows)

    def came_to(self, rows: Collection[int], *, are_all: bool) -> None:
        """A step has opened these of the lots, or the rules have turned them away. `are_all`: nobody else of them can go now."""
        gone = set(rows)
        self.lots = [] if are_all else [row for row in self.lots if row not in gone]

    async def texted(self) -> list[str]:
        """As the port."""

        async def look(connection: AsyncConnection) -> list[tuple[str]]:
            return await (await connection.execute(_TEXTED, (self._run.id,))).fetchall()

        found = await self._to.read(look)
        return [values.given(phone) for (phone,) in found]

    async def hear(self, what: str, phones: Heard) -> Mapping[str, int]:
        """As the port."""
        arrays = values.words([values.kept(phone) for phone, _ in phones]), values.words([logid for _, logid in phones])

        async def write(connection: AsyncConnection) -> Mapping[str, int]:
            await connection.execute(_HEAR, (what, *arrays, self._run.id))
            return dict(await (await connection.execute(HEARD, (self._run.id,))).fetchall())

        return await self._to.noted(write)
