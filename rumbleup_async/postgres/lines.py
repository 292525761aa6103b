"""The numbers that a run sends from, over all machines that send it: whose turn is next, what each has used, which rest.

Lives here: the functions in the database, and one process's way to them. Each text draws its line in a transaction of its own,
which locks the lines of the run, so what a line may send a second, an hour and a day holds over all machines together, to the
last text. Moments are those of the database's clock, in Unix seconds; a day begins at an hour of Eastern time.

A use is counted before its text leaves, and taken back once it has certainly not left. One whose machine has died stays.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from rumbleup_async.errors import LedgerError
from rumbleup_async.postgres import others, server, values
from rumbleup_async.postgres.connections import Connections
from rumbleup_async.postgres.opened import Opened
from rumbleup_async.postgres.tables import SCHEMA
from rumbleup_async.shielding import run_shielded

if TYPE_CHECKING:
    from rumbleup_async.postgres.server import AsyncConnection

LINES: Final = """
-- The next line in turn of those that are `_ready` at whoever asks, if one may send now: it is given, and counts as used. `_gap`:
-- seconds to its next text; `_hour`, `_day`: new contacts, NULL for no bound; `_reset`: the hour at which a day begins. `waits`:
-- seconds until each line may send by these, `rests`: for which each rests besides, as the provider has told some machine.
CREATE OR REPLACE FUNCTION draw_line(_run integer, _ready integer[], _gap double precision, _hour integer, _day integer,
    _reset integer) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
    l {schema}.line;
    drawn {schema}.line;
    this double precision;
    here timestamp;
    free double precision;
    nth double precision;
    waits double precision[] := '{{}}';
    rests double precision[] := '{{}}';
BEGIN
    PERFORM {schema}.durable();
    PERFORM FROM {schema}.line WHERE run = _run ORDER BY line FOR UPDATE;
    this := extract(epoch FROM clock_timestamp());
    here := date_trunc('day', (to_timestamp(this) AT TIME ZONE 'America/New_York') - make_interval(hours => _reset))
        + make_interval(hours => _reset);
    FOR l IN SELECT * FROM {schema}.line WHERE run = _run ORDER BY line LOOP
        free := l.free_at;
        IF _hour IS NOT NULL THEN
            SELECT u.at INTO nth FROM {schema}.line_use u WHERE u.run = _run AND u.line = l.line
                ORDER BY u.at DESC OFFSET _hour - 1 LIMIT 1;
            IF FOUND THEN
                free := greatest(free, nth + 3600);
            END IF;
        END IF;
        IF _day IS NOT NULL THEN
            SELECT u.at INTO nth FROM {schema}.line_use u WHERE u.run = _run AND u.line = l.line
                ORDER BY u.at DESC OFFSET _day - 1 LIMIT 1;
            IF FOUND AND nth >= extract(epoch FROM here AT TIME ZONE 'America/New_York') THEN
                free := greatest(free, extract(epoch FROM (here + interval '1 day') AT TIME ZONE 'America/New_York'));
            END IF;
        END IF;
        waits := waits || greatest(0, free - this);
        rests := rests || greatest(0, l.rests_until - this);
        IF greatest(free, l.rests_until) <= this AND l.line = ANY(_ready)
                AND (drawn.line IS NULL OR l.given_at < drawn.given_at) THEN
            drawn := l;
        END IF;
    END LOOP;
    IF drawn.line IS NOT NULL THEN
        this := greatest(this, drawn.given_at + 0.000001);
        UPDATE {schema}.line SET given_at = this, free_at = this + _gap WHERE run = _run AND line = drawn.line;
        INSERT INTO {schema}.line_use VALUES (_run, drawn.line, this) ON CONFLICT DO NOTHING;
    END IF;
    RETURN json_build_object('line', coalesce(drawn.line, 0), 'at', this, 'waits', waits, 'rests', rests);
END $$;

-- A text that was given this line at this moment has not left. `_is_unused`: it was not even tried, so the next one may at once.
CREATE OR REPLACE FUNCTION give_line_back(_run integer, _line integer, _at double precision, _is_unused boolean) RETURNS void
LANGUAGE plpgsql AS $$ BEGIN
    PERFORM {schema}.durable();
    DELETE FROM {schema}.line_use WHERE run = _run AND line = _line AND at = _at;
    IF _is_unused THEN
        UPDATE {schema}.line SET free_at = _at WHERE run = _run AND line = _line AND given_at = _at;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION rest_line(_run integer, _line integer, _seconds double precision) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM {schema}.durable();
    UPDATE {schema}.line SET rests_until = greatest(rests_until, extract(epoch FROM clock_timestamp()) + _seconds)
        WHERE run = _run AND line = _line;
END $$;
"""

_ARE_KNOWN: Final = f"SELECT count(*) >= %s FROM {SCHEMA}.line WHERE run = %s"
_BEGIN: Final = f"INSERT INTO {SCHEMA}.line (run, line) SELECT %s, generate_series(1, %s) ON CONFLICT DO NOTHING RETURNING line"
_USED: Final = f"INSERT INTO {SCHEMA}.line_use SELECT %s, %s, unnest(%s::float8[]) ON CONFLICT DO NOTHING"
_FORGET: Final = f"DELETE FROM {SCHEMA}.line_use WHERE run = %s AND at < extract(epoch FROM now() - interval '2 days')"
_WAKE: Final = f"UPDATE {SCHEMA}.line SET rests_until = 0 WHERE run = %(run)s AND NOT EXISTS ({others.OTHERS})"
_DRAW: Final = f"SELECT {SCHEMA}.draw_line(%s, %s::int[], %s, %s, %s, %s)::text"

_MICROSECOND: Final = 1e-6
_LAST: Final = 5.0
"""Seconds for which the end of a run waits for what is still to be told: a database that is away is not told."""

Uses = Callable[[], Awaitable[Sequence[Sequence[float]]]]
"""When each line has sent to new contacts, Unix seconds."""


def _apart(moments: Sequence[float]) -> list[float]:
    """The same, ascending, and no two of them one: each counts."""
    found: list[float] = []
    for at in sorted(moments):
        found.append(max(at, found[-1] + _MICROSECOND) if found else at)
    return found


class Turn(msgspec.Struct, frozen=True):
    """What a draw has come to: the line, counted from 1, or 0 for none; when it was given; and of each line for how many seconds
    it may not send by what it has sent, and for how many it rests."""

    line: int
    at: float
    waits: list[float]
    rests: list[float]


_turn = msgspec.json.Decoder(Turn).decode


class SharedLines:
    """Fits `sendblue.shared_lines.Keeper`."""

    def __init__(self, to: Connections, run: Opened, *, joins: bool) -> None:
        self._to = to
        self._run = run
        self._joins = joins
        self._telling: set[asyncio.Task[None]] = set()

    async def begin(self, number: int, uses: Uses) -> None:
        """There are so many lines. `uses` is asked only where the database does not know them yet."""

        async def look(connection: AsyncConnection) -> bool:
            return bool(await server.one(await connection.execute(_ARE_KNOWN, (number, self._run.id))))

        if await self._to.read(look):
            await self._wake()
            return
        found = await uses()

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(others.LOCK_RUN, {"run": self._run.id})
            await connection.execute(_FORGET, (self._run.id,))
            new = await (await connection.execute(_BEGIN, (self._run.id, number))).fetchall()
            for (line,) in new:
                await connection.execute(_USED, (self._run.id, line, values.numbers(_apart(found[line - 1]))))

        await self._to.noted(write)

    async def _wake(self) -> None:
        """Whoever goes on with a run has seen to its lines, perhaps: those that rest are tried again, unless others send."""
        if not self._joins:
            given = {"run": self._run.id, "session": self._to.session}

            async def write(connection: AsyncConnection) -> None:
                await connection.execute(_WAKE, given)

            await self._to.noted(write)

    async def draw(self, ready: Sequence[int], gap: float, hour: int | None, day: int | None, reset: int) -> Turn:
        """As the function in the database."""
        arguments = (self._run.id, values.numbers(ready), gap, hour, day, reset)

        async def ask(connection: AsyncConnection) -> Turn:
            return _turn(await server.one(await connection.execute(_DRAW, arguments, prepare=True)))

        # Where its answer is lost a line counts a text that has not left.
        return await run_shielded(self._to.read(ask))

    def give_back(self, line: int, at: float, *, is_unused: bool) -> None:
        """As the function in the database; it is told as soon as may be."""
        self._tell(f"SELECT {SCHEMA}.give_line_back(%s, %s, %s, %s)", (self._run.id, line, at, is_unused))

    def rest(self, line: int, seconds: float) -> None:
        """Nothing leaves from this line for so long, from whatever machine."""
        self._tell(f"SELECT {SCHEMA}.rest_line(%s, %s, %s)", (self._run.id, line, seconds))

    async def told(self) -> None:
        """All that was to be told is told."""
        if self._telling:
            await asyncio.wait(self._telling, timeout=_LAST)

    def _tell(self, statement: str, arguments: tuple[Any, ...]) -> None:
        async def tell(connection: AsyncConnection) -> None:
            await connection.execute(statement, arguments)

        async def patiently() -> None:
            with contextlib.suppress(LedgerError):  # then a line counts too much, or another machine is told to wait itself
                await self._to.read(tell)

        task = asyncio.ensure_future(patiently())
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)
