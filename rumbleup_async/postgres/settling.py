"""What the provider's log settles, and refusals that were held back: contacts that change without being open.

Lives here: the statements. Each of them is one transaction, done wholly or not at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import states
from rumbleup_async.ledger.closing import storable
from rumbleup_async.ledger.keeping_reasons import reason_of
from rumbleup_async.lookups import Resolution, UnknownText
from rumbleup_async.messaging import Result, State
from rumbleup_async.postgres import server, values
from rumbleup_async.postgres.connections import Connections
from rumbleup_async.postgres.opened import Opened
from rumbleup_async.postgres.reads import write
from rumbleup_async.postgres.tables import SCHEMA
from rumbleup_async.reasons import ABSENT

if TYPE_CHECKING:
    from rumbleup_async.postgres.server import AsyncConnection

_DURABLE: Final = f"SELECT {SCHEMA}.durable()"
_COUNT: Final = f"SELECT {SCHEMA}.count_in(%s, %s::bigint[]), {SCHEMA}.counts_of(%s)"
_REFUSE: Final = f"""UPDATE {SCHEMA}.contact c SET state = 3, attempts = v.attempts, code = nullif(v.code, ''),
        detail = nullif(v.detail, ''), time = v.time
    FROM unnest(%s::int[], %s::int[], %s::text[], %s::text[], %s::bigint[]) AS v(row, attempts, code, detail, time),
        LATERAL (SELECT k.ctid FROM {SCHEMA}.contact k WHERE k.run = %s AND k.row = v.row AND k.state = 0 OFFSET 0) AS k
    WHERE c.ctid = k.ctid RETURNING c.row"""
_LOCK_QUEUED: Final = f"""SELECT FROM unnest(%s::int[]) AS v(row), LATERAL (SELECT FROM {SCHEMA}.contact k
    WHERE k.run = %s AND k.row = v.row AND k.state = 0 FOR UPDATE) AS c"""
"""Another machine may be asking the rules about them: what it has decided is waited for, and seen by the next statement."""
_REFUSED: Final = f"SELECT row FROM {SCHEMA}.contact WHERE run = %s AND row = ANY(%s::int[]) AND state = 3"
SHARED: Final = f"SELECT EXISTS (SELECT FROM {SCHEMA}.owner WHERE run = %s AND session <> %s)"
_SETTLED: Final = f"""SELECT c.row, state, code, detail, time, owner, greatest(segments, 1) FROM unnest(%s::int[]) AS v(row),
    LATERAL (SELECT * FROM {SCHEMA}.contact k WHERE k.run = %s AND k.row = v.row FOR UPDATE) AS c"""
_SETTLE: Final = f"""UPDATE {SCHEMA}.contact c SET state = v.state, code = nullif(v.code, ''), detail = nullif(v.detail, ''),
        logid = nullif(v.logid, ''), time = CASE v.state WHEN 0 THEN NULL ELSE c.time END
    FROM unnest(%s::int[], %s::smallint[], %s::text[], %s::text[], %s::text[]) AS v(row, state, code, detail, logid),
        LATERAL (SELECT k.ctid FROM {SCHEMA}.contact k WHERE k.run = %s AND k.row = v.row OFFSET 0) AS k
    WHERE c.ctid = k.ctid"""
_AGAIN: Final = f"""INSERT INTO {SCHEMA}.again (run, session, row, time, earlier)
    SELECT %s, %s, v.* FROM unnest(%s::int[], %s::bigint[], %s::int[]) AS v
    ON CONFLICT (run, row) DO UPDATE
        SET time = excluded.time, earlier = excluded.earlier, session = excluded.session, logid = NULL"""
_LOOKED: Final = f"""INSERT INTO {SCHEMA}.looked SELECT %s, v.row, v.time, %s FROM unnest(%s::int[], %s::bigint[]) AS v(row, time)
    ON CONFLICT (run, row) DO UPDATE SET time = excluded.time, at = excluded.at WHERE looked.time <> excluded.time"""


async def refuse(to: Connections, run: Opened, refused: Sequence[Result]) -> list[Result]:
    """These contacts, queued since they were refused, stay refused; but for those that another has opened since."""
    arrays = (
        values.numbers([one.row for one in refused]),
        values.numbers([one.attempts for one in refused]),
        values.words([one.why.code for one in refused]),
        values.words([storable(one.why.detail) for one in refused]),
        values.numbers([one.time for one in refused]),
    )
    rows, tries = arrays[0], 0

    async def write(connection: AsyncConnection) -> tuple[set[int], list[int]]:
        nonlocal tries
        tries += 1
        await connection.execute(_DURABLE)
        await connection.execute(_LOCK_QUEUED, (rows, run.id))
        done = {row for (row,) in await (await connection.execute(_REFUSE, (*arrays, run.id))).fetchall()}
        counts = await _moved(connection, run, {State.QUEUED: -len(done), State.REFUSED: len(done)})
        if tries > 1 and len(done) != len(refused):
            # All are where the answer of this was lost; others may have opened the rest.
            done |= {row for (row,) in await (await connection.execute(_REFUSED, (run.id, rows))).fetchall()}
        if len(done) != len(refused) and not await server.one(await connection.execute(SHARED, (run.id, to.session))):
            raise LedgerError(f"{to.address}: a contact to be refused was not queued")
        return done, counts

    done, counts = await to.transacted(write)
    run.count(counts)
    return [one for one in refused if one.row in done]


async def settle(to: Connections, run: Opened, settled: Sequence[Resolution]) -> list[Resolution]:
    """Note what the log has decided, all or none, but for those whom another machine has proved sent since. Those noted."""
    if len({one.row for one in settled}) < len(settled):
        raise LedgerError("a contact is there twice in what settles it")
    tries = 0

    async def write(connection: AsyncConnection) -> list[Resolution]:
        nonlocal tries
        tries += 1
        return await _settle(connection, to.session, run, settled, is_again=tries > 1)

    return await to.transacted(write)


async def _settle(
    connection: AsyncConnection, session: int, run: Opened, settled: Sequence[Resolution], *, is_again: bool
) -> list[Resolution]:
    """Within a transaction: those that are noted. `is_again`: the answer of this was lost before, so it may be done."""
    await connection.execute(_DURABLE)
    asked = (values.numbers(sorted(one.row for one in settled)), run.id)
    found = await (await connection.execute(_SETTLED, asked)).fetchall()
    before = {
        row: (states.BY_NUMBER[state], reason_of(code, detail).code, at, owner)
        for row, state, code, detail, at, owner, _ in found
    }
    proved = {row for row, (state, *_) in before.items() if state is State.SENT}
    noted = [one for one in settled if one.row in before and before[one.row][0] is one.state]
    if is_again and len(proved.union(one.row for one in noted)) == len(settled):
        run.count(await _moved(connection, run, {}))
        return noted
    if proved and await server.one(await connection.execute(SHARED, (run.id, session))):
        # A machine that was cut off has come back with the proof while the log was asked: that stands.
        settled = [one for one in settled if one.row not in proved]
    parts = {row: number for row, *_, number in found}
    moves: Counter[State] = Counter()
    more = back = 0
    for one in settled:
        if one.row not in before:
            raise LedgerError("a contact to be settled is not in the ledger")
        state, code, _, _ = before[one.row]
        states.check_settled(one, state, code)
        moves[state] -= 1
        moves[one.state] += 1
        more += parts[one.row] if one.state is State.SENT and state is State.NOT_SENT else 0
        back += parts[one.row] if one.state is State.NOT_SENT else 0
    arrays = (
        values.numbers([one.row for one in settled]),
        values.numbers([states.NUMBERS[one.state] for one in settled]),
        values.words([one.why.code for one in settled]),
        values.words([storable(one.why.detail) for one in settled]),
        values.words([storable(one.logid) for one in settled]),
    )
    await connection.execute(_SETTLE, (*arrays, run.id))
    if again := [one.row for one in settled if one.state is State.QUEUED]:
        times, owners = [before[row][2] for row in again], [before[row][3] for row in again]
        await connection.execute(_AGAIN, (run.id, session, again, times, owners))
        await write(connection, run.id, "tried", "1")
        run.is_used = True
    counts = await _moved(connection, run, moves)
    if more or back:
        # Of the day nothing is given back: nobody knows for certain that these have not left. The run is locked first, as
        # where a fenced owner is believed.
        await connection.execute(f"SELECT {SCHEMA}.count_segments(%s, %s, %s)", (run.id, more - back, more))
    run.count(counts)
    return list(settled)


async def _moved(connection: server.AsyncConnection, run: Opened, changes: dict[State, int]) -> list[int]:
    found = await (await connection.execute(_COUNT, (run.id, values.delta(changes), run.id))).fetchone()
    counted: list[int] = server.one_of(None if found is None else found[1:])
    return counted


async def put_back(to: Connections, run: Opened, rows: Sequence[int] | None) -> None:
    """Make what was queued again absent from the log as before: these rows, or all."""
    arguments: Any = (run.id, None if rows is None else values.numbers(rows), str(ABSENT.code))

    async def write(connection: AsyncConnection) -> list[int]:
        await connection.execute(f"SELECT {SCHEMA}.put_back(%s, %s::int[], %s)", arguments)
        counts: list[int] = await server.one(await connection.execute(f"SELECT {SCHEMA}.counts_of(%s)", (run.id,)))
        return counts

    run.count(await to.patiently(write))


async def first_looks(to: Connections, run: Opened, doubts: Sequence[UnknownText], now: float) -> dict[int, float]:
    """When each of these was first looked up since its doubt arose; `now` for those that never were."""
    rows = values.numbers([doubt.row for doubt in doubts])

    async def write(connection: AsyncConnection) -> dict[int, float]:
        await connection.execute(_LOOKED, (run.id, now, rows, values.numbers([doubt.time for doubt in doubts])))
        statement = f"SELECT row, at FROM {SCHEMA}.looked WHERE run = %s AND row = ANY(%s::int[])"
        return dict(await (await connection.execute(statement, (run.id, rows))).fetchall())

    return await to.transacted(write)
