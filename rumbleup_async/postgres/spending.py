"""What a ledger on PostgreSQL knows of the money of its run.

Lives here: the statements. Prices are kept with the steps that close their texts, from the moment on at which somebody has asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rumbleup_async.ledger.trials import ABOUT_TO_LEAVE
from rumbleup_async.messaging import Text
from rumbleup_async.money import Money
from rumbleup_async.postgres import values
from rumbleup_async.postgres.connections import Connections
from rumbleup_async.postgres.opened import Opened
from rumbleup_async.postgres.tables import SCHEMA

if TYPE_CHECKING:
    from rumbleup_async.postgres.server import AsyncConnection

PAID: Final = f"""SELECT
    (SELECT coalesce(sum(amount), 0)::bigint FROM {SCHEMA}.reservation WHERE run = %(run)s AND what = 'paid'),
    (SELECT coalesce(sum(amount), 0)::bigint FROM {SCHEMA}.reservation WHERE run = %(run)s AND what = 'segments'),
    (SELECT coalesce(max(amount), 0)::bigint FROM {SCHEMA}.reservation WHERE run = %(run)s AND what = 'dearest')"""
KNOWN: Final = f"""{PAID},
    coalesce(sum(greatest(segments, 1)) FILTER (WHERE state IN (1, 2, 6)), 0)::bigint, greatest(coalesce(max(segments), 1), 1)
    FROM {SCHEMA}.contact WHERE run = %(run)s"""


SINCE: Final = f"""SELECT
    coalesce(sum(greatest(segments, 1)) FILTER (WHERE state IN (1, 2, 6) AND (coalesce(time, 0) = 0 OR time >= %s)), 0)::bigint,
    greatest(coalesce(max(segments), 1), 1) FROM {SCHEMA}.contact WHERE run = %s"""


_FIRST: Final = f"""SELECT row, phone, coalesce(text, %s), segments, place FROM {SCHEMA}.contact WHERE run = %s AND state = 0
    ORDER BY row LIMIT 1"""
_LAST_TEST: Final = f"""SELECT detail FROM {SCHEMA}.audit WHERE run = %s AND what = 'test' AND starts_with(detail, %s)
    ORDER BY id DESC LIMIT 1"""
_SPEND: Final = f"""INSERT INTO {SCHEMA}.reservation VALUES (%s, 0, 'paid', %s)
    ON CONFLICT (run, owner, what) DO UPDATE SET amount = greatest(0, reservation.amount + excluded.amount)"""


class Prices:
    """Fits `engine.ports.Prices`."""

    def __init__(self, to: Connections, run: Opened) -> None:
        self._to = to
        self._run = run
        self.are_kept = False
        self.trials = Trials(to, run)

    async def known(self) -> Money:
        """What is known so far; from now on the prices of answers are kept. Goes through all contacts."""
        self.are_kept = True

        async def look(connection: AsyncConnection) -> Any:
            return await (await connection.execute(KNOWN, {"run": self._run.id})).fetchone()

        found = await self._to.read(look)
        assert found is not None  # noqa: S101 - it always answers
        return Money(*found)

    async def since(self, moment: float) -> Money:
        """As `engine.ports.Prices`. Goes through all contacts."""

        async def look(connection: AsyncConnection) -> Any:
            return await (await connection.execute(SINCE, (int(moment * 1000), self._run.id))).fetchone()

        found = await self._to.read(look)
        assert found is not None  # noqa: S101 - it always answers
        return Money(reserved=found[0], most=found[1])


class Trials:
    """Fits `engine.ports.Trials`."""

    def __init__(self, to: Connections, run: Opened) -> None:
        self._to = to
        self._run = run

    async def first(self) -> Text | None:
        """The first contact that is queued."""
        async with self._to.look() as connection:
            found = await (await connection.execute(_FIRST, (self._run.same_text, self._run.id))).fetchone()
        if found is None:
            return None
        row, phone, text, segments, place = found
        return Text(row, values.given(phone), values.given(text), segments=segments, place=place)

    async def is_open(self, about: str) -> bool:
        """As `engine.ports.Trials`."""
        async with self._to.look() as connection:
            found = await (await connection.execute(_LAST_TEST, (self._run.id, about))).fetchone()
        return found is not None and str(found[0]).endswith(ABOUT_TO_LEAVE)

    async def spend(self, amount: int) -> None:
        """So many micro-dollars more, durably."""
        async with self._to.look() as connection, connection.transaction():
            await connection.execute(f"SELECT {SCHEMA}.durable()")
            await connection.execute(_SPEND, (self._run.id, amount))
