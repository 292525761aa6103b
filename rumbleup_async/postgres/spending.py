"""What a ledger on PostgreSQL knows of the money of its run.

Lives here: one statement. Prices are kept with the steps that close their texts, from the moment on at which somebody has asked.
"""

from __future__ import annotations

from typing import Final

from rumbleup_async.money import Money
from rumbleup_async.postgres.connections import Connections
from rumbleup_async.postgres.opened import Opened
from rumbleup_async.postgres.tables import SCHEMA

KNOWN: Final = f"""SELECT
    (SELECT coalesce(sum(amount), 0)::bigint FROM {SCHEMA}.reservation WHERE run = %(run)s AND what = 'paid'),
    (SELECT coalesce(sum(amount), 0)::bigint FROM {SCHEMA}.reservation WHERE run = %(run)s AND what = 'segments'),
    (SELECT coalesce(max(amount), 0)::bigint FROM {SCHEMA}.reservation WHERE run = %(run)s AND what = 'dearest'),
    coalesce(sum(greatest(segments, 1)) FILTER (WHERE state IN (1, 2, 6)), 0)::bigint, greatest(coalesce(max(segments), 1), 1)
    FROM {SCHEMA}.contact WHERE run = %(run)s"""


class Prices:
    """Fits `engine.ports.Prices`."""

    def __init__(self, to: Connections, run: Opened) -> None:
        self._to = to
        self._run = run
        self.are_kept = False

    async def known(self) -> Money:
        """What is known so far; from now on the prices of answers are kept. Goes through all contacts."""
        self.are_kept = True
        async with self._to.look() as connection:
            found = await (await connection.execute(KNOWN, {"run": self._run.id})).fetchone()
        assert found is not None  # noqa: S101 - it always answers
        return Money(*found)
