"""What all machines together may open: a number of texts, a budget, a cap of segments a day, and who sends while a canary goes.

Lives here: the functions in the database that count it, and what whoever is in charge of a run writes down when it begins.

A run that has a bound has one row for it. Whoever opens or closes entries locks that row first and keeps it until the end of the
transaction, so what is counted is exact in whatever order machines come: a text is opened only if it still fits, and what
has certainly not left is given back in the very step that closes it. A day is that of the database's clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import states
from rumbleup_async.messaging import State
from rumbleup_async.money import Bounded
from rumbleup_async.postgres import others, server
from rumbleup_async.postgres.connections import Connections
from rumbleup_async.postgres.opened import Opened
from rumbleup_async.postgres.spending import KNOWN
from rumbleup_async.postgres.tables import SCHEMA

if TYPE_CHECKING:
    from rumbleup_async.postgres.server import AsyncConnection

BOUNDS: Final = """
-- The day of the carriers: its midnight at the Pacific coast, in Unix seconds.
CREATE OR REPLACE FUNCTION carrier_day() RETURNS bigint LANGUAGE sql AS $$
    SELECT extract(epoch FROM date_trunc('day', clock_timestamp() AT TIME ZONE 'America/Los_Angeles')
        AT TIME ZONE 'America/Los_Angeles')::bigint
$$;

-- The bounds of a run, locked until the end of the transaction; NULL for none. A day that is over is counted no more: what is
-- open at its end has used that day, and gives nothing back to the next.
CREATE OR REPLACE FUNCTION bound_of(_run integer) RETURNS {schema}.bound LANGUAGE plpgsql AS $$
DECLARE
    b {schema}.bound;
    today bigint;
BEGIN
    SELECT * INTO b FROM {schema}.bound WHERE run = _run FOR UPDATE;
    IF b.cap IS NOT NULL THEN
        today := {schema}.carrier_day();
        IF b.day < today THEN
            b.day := today;
            b.used := 0;
            b.carried := ARRAY(SELECT c.row FROM {schema}.contact c WHERE c.run = _run AND c.state = 1);
            UPDATE {schema}.bound SET day = b.day, used = 0, carried = b.carried WHERE run = _run;
        END IF;
    END IF;
    RETURN b;
END $$;

-- Of these rows, which are to be opened in this order, those before the first that does not fit; and what that does not fit into.
CREATE OR REPLACE FUNCTION fitting(_b {schema}.bound, _rows integer[], OUT fit integer[], OUT cut text, OUT segments bigint)
LANGUAGE sql AS $$
    WITH v AS (
        SELECT c.row, v.n, greatest(c.segments, 1) AS parts, sum(greatest(c.segments, 1)) OVER (ORDER BY v.n) AS total
        FROM unnest(_rows) WITH ORDINALITY AS v(row, n),
            LATERAL (SELECT k.row, k.segments FROM {schema}.contact k WHERE k.run = _b.run AND k.row = v.row OFFSET 0) AS c
    ), w AS (
        SELECT v.*, CASE
            WHEN n > _b.texts THEN 'limit'
            WHEN greatest(_b.price, _b.dearest) * (total + _b.segments) > _b.budget - _b.paid THEN 'budget'
            WHEN _b.used + total > _b.cap THEN 'day' END AS why FROM v
    ), x AS (
        SELECT w.*, coalesce(min(n) FILTER (WHERE why IS NOT NULL) OVER (), 1 + cardinality(_rows)) AS bad FROM w
    )
    SELECT coalesce(array_agg(row ORDER BY n) FILTER (WHERE n < bad), '{{}}'), coalesce(min(why) FILTER (WHERE n = bad), ''),
        coalesce(sum(parts) FILTER (WHERE n < bad), 0)::bigint FROM x
$$;

-- Why this session opens nobody: another draws a canary, or has `left` before that had passed; NULL where it may. Who has died is
-- waited for, until somebody resumes the run.
CREATE OR REPLACE FUNCTION waits_for(_b {schema}.bound, _session integer) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
    IF _b.canary <> _session THEN
        RETURN (SELECT CASE WHEN bool_and(o.until = 'epoch') THEN 'left' ELSE 'canary' END FROM {schema}.owner o
            WHERE o.run = _b.run AND o.session = _b.canary);
    END IF;
    RETURN NULL;
END $$;

-- Those that fit of rows that this owner is about to open behind others; all of them where nothing bounds the run.
CREATE OR REPLACE FUNCTION fitting_behind(_run integer, _owner integer, _before integer[], _rows integer[], OUT fit integer[],
    OUT cut text) LANGUAGE plpgsql AS $$
DECLARE b {schema}.bound;
BEGIN
    b := {schema}.bound_of(_run);
    cut := {schema}.waits_for(b, (SELECT session FROM {schema}.owner WHERE id = _owner));
    IF b.run IS NULL THEN
        fit := _rows; cut := '';
    ELSIF cut IS NOT NULL THEN
        fit := '{{}}';
    ELSE
        SELECT f.fit[cardinality(_before) + 1 :], f.cut INTO fit, cut FROM {schema}.fitting(b, _before || _rows) f;
    END IF;
END $$;

-- Within a step that closes these, before it does: what has certainly not left is given back.
CREATE OR REPLACE FUNCTION given_back(_b {schema}.bound, _rows integer[], _states smallint[]) RETURNS {schema}.bound
LANGUAGE plpgsql AS $$
DECLARE
    parts bigint;
    of_today bigint;
    texts bigint;
BEGIN
    SELECT coalesce(sum(greatest(c.segments, 1)), 0), count(*) FILTER (WHERE v.state IN (0, 5) AND c.row <> ALL(_b.before)),
        coalesce(sum(greatest(c.segments, 1)) FILTER (WHERE c.row <> ALL(_b.carried)), 0) INTO parts, texts, of_today
    FROM unnest(_rows, _states) AS v(row, state),
        LATERAL (SELECT k.row, k.segments FROM {schema}.contact k WHERE k.run = _b.run AND k.row = v.row OFFSET 0) AS c
    WHERE v.state NOT IN (2, 6);
    _b.segments := _b.segments - parts;
    _b.used := greatest(0, _b.used - of_today);
    _b.texts := _b.texts + texts;
    IF cardinality(_b.carried) > 0 THEN
        _b.carried := ARRAY(SELECT unnest(_b.carried) EXCEPT SELECT unnest(_rows));
    END IF;
    IF cardinality(_b.before) > 0 THEN
        _b.before := ARRAY(SELECT unnest(_b.before) EXCEPT SELECT unnest(_rows));
    END IF;
    RETURN _b;
END $$;

-- How it stands, for whoever has made a step; NULL where nothing bounds the run.
CREATE OR REPLACE FUNCTION told(_b {schema}.bound, _cut text) RETURNS json LANGUAGE sql AS $$
    SELECT CASE WHEN _b.run IS NOT NULL THEN json_build_object('cut', coalesce(_cut, ''), 'paid', _b.paid, 'dearest', _b.dearest,
        'priced', _b.priced, 'texts', _b.texts, 'segments', _b.segments, 'price', _b.price, 'day', _b.day, 'used', _b.used) END
$$;

-- So many segments more have left than were counted, or fewer: a proof came late, or the log has settled a doubt.
CREATE OR REPLACE FUNCTION count_segments(_run integer, _more bigint, _today bigint) RETURNS void LANGUAGE sql AS $$
    UPDATE {schema}.bound SET segments = greatest(0, segments + _more), used = greatest(0, used + _today) WHERE run = _run
$$;

-- What these texts have cost takes the place of what was reserved for them.
CREATE OR REPLACE FUNCTION count_paid(_run integer, _paid bigint, _segments bigint, _dearest bigint, _number bigint) RETURNS void
LANGUAGE sql AS $$
    UPDATE {schema}.bound SET paid = paid + _paid, segments = segments - _segments, dearest = greatest(dearest, _dearest),
        priced = priced + _number WHERE run = _run
$$;
"""

_IS_COUNTED: Final = f"SELECT EXISTS (SELECT FROM {SCHEMA}.bound WHERE run = %s)"
_BEGIN: Final = f"INSERT INTO {SCHEMA}.bound (run) VALUES (%(run)s) ON CONFLICT DO NOTHING"
_LOCK: Final = f"SELECT b.cap IS NOT NULL AND b.day = {SCHEMA}.carrier_day() FROM {SCHEMA}.bound_of(%(run)s) b"
_WRITE: Final = f"""UPDATE {SCHEMA}.bound SET texts = %(texts)s, budget = %(budget)s, price = %(price)s, cap = %(cap)s,
    canary = %(canary)s, paid = %(paid)s, dearest = %(dearest)s, segments = %(segments)s,
    before = ARRAY(SELECT row FROM {SCHEMA}.contact WHERE run = %(run)s AND state = 1 AND %(texts)s::bigint IS NOT NULL)
    WHERE run = %(run)s"""
_COUNT_DAY: Final = f"""UPDATE {SCHEMA}.bound SET day = {SCHEMA}.carrier_day(),
    used = (SELECT coalesce(sum(greatest(segments, 1)), 0) FROM {SCHEMA}.contact
        WHERE run = %(run)s AND state IN (1, 2, 6) AND (coalesce(time, 0) = 0 OR time >= {SCHEMA}.carrier_day() * 1000)),
    carried = ARRAY(SELECT row FROM {SCHEMA}.contact
        WHERE run = %(run)s AND state = 1 AND time < {SCHEMA}.carrier_day() * 1000) WHERE run = %(run)s"""
_END: Final = f"DELETE FROM {SCHEMA}.bound WHERE run = %(run)s"
_LET_GO: Final = f"UPDATE {SCHEMA}.bound SET canary = NULL WHERE run = %(run)s"


def heard(bounds: Bounded | None, counts: Sequence[int], cut: str) -> Bounded | None:
    """What a step has told of the bounds. `counts`: contacts by state; `cut`: what it had found before that does not fit."""
    if bounds is None:
        return None
    return msgspec.structs.replace(bounds, open=counts[states.NUMBERS[State.INTENT]], cut=bounds.cut or cut)


class Bounds:
    """Fits `engine.ports.Bounds`. `joins`: whoever is in charge of the run has begun them."""

    def __init__(self, to: Connections, run: Opened, *, joins: bool) -> None:
        self._to = to
        self._run = run
        self.is_joined = joins
        self.told: Bounded | None = None
        """As the port."""

    async def begin(
        self, *, texts: int | None, budget: int | None, price: int | None, cap: int | None, is_canary: bool = False
    ) -> None:
        """As the port. Goes through all contacts, where something is to be counted."""
        if self.is_joined:
            if budget is not None or cap is not None or is_canary:
                await self._check_counted()
            return
        given: dict[str, int | None] = {"run": self._run.id, "texts": texts, "budget": budget, "price": price or 0, "cap": cap}
        given["canary"] = self._to.session if is_canary else None
        is_bounded = is_canary or any(bound is not None for bound in (texts, budget, cap))

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(f"SELECT {SCHEMA}.durable()")
            if not is_bounded:
                await connection.execute(_END, given)
                return
            # A step of others that is under way counts nothing where there was no bound.
            await connection.execute(others.LOCK, {"run": self._run.id, "session": self._to.session})
            await connection.execute(_BEGIN, given)
            is_counted = await server.one(await connection.execute(_LOCK, given))
            known = await (await connection.execute(KNOWN, given)).fetchone()
            assert known is not None  # noqa: S101 - it always answers
            paid, of_paid, dearest, reserved, _ = known
            found = {"paid": paid, "dearest": dearest, "segments": reserved - of_paid}
            await connection.execute(_WRITE, given | found)
            if cap is not None and not is_counted:
                await connection.execute(_COUNT_DAY, given)

        await self._to.transacted(write)

    async def _check_counted(self) -> None:
        """LedgerError where nobody counts: an older version has begun the run, or whoever is in charge is about to."""

        async def look(connection: AsyncConnection) -> None:
            if not await server.one(await connection.execute(_IS_COUNTED, (self._run.id,))):
                raise LedgerError(
                    f"{self._to.address}: nobody counts its budget, cap or canary yet; go on with it by rumbleup resume, then "
                    "join it"
                )

        await self._to.read(look)


async def let_all_go(to: Connections, run: Opened) -> None:
    """The canary has done well: whoever has joined goes on, too."""

    async def write(connection: AsyncConnection) -> None:
        await connection.execute(f"SELECT {SCHEMA}.durable()")
        await connection.execute(_LET_GO, {"run": run.id})

    await to.transacted(write)
