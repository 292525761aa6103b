"""How the contacts of a list get into a run in a database: a whole list at once by COPY, or some rows while it is under way.

Lives here: the statements and the order of the work.

A whole list comes in by one transaction, so that the run has all of it or nothing. Its repeated phones are sorted out at the end:
until then a row whose phone may have come before stays out of the unique index.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from rumbleup_async.errors import LedgerError, LedgerMismatch
from rumbleup_async.ledger.closing import storable
from rumbleup_async.ledger.contacts import holds
from rumbleup_async.ledger.loading import Coming
from rumbleup_async.messaging import Planned, Result, Skipped, State
from rumbleup_async.postgres import opening, others, server, values
from rumbleup_async.postgres.connections import Connections
from rumbleup_async.postgres.opened import Opened
from rumbleup_async.postgres.reads import write
from rumbleup_async.postgres.tables import OF_CONTACTS, SCHEMA
from rumbleup_async.reasons import APART, Code, Reason, duplicate
from rumbleup_async.shielding import run_shielded

if TYPE_CHECKING:
    from rumbleup_async.postgres.server import AsyncConnection, Connection, Copy

Rows = Sequence[Planned | Skipped]
_BATCHES: Final = 20
"""Batches of a list whose cells are held until the server has the contacts."""
_COLUMNS: Final = "run, row, phone, text, name, segments, screened, state, place, code, detail"
_TYPES: Final = ("int4", "int4", "text", "text", "text", "int4", "int2", "int2", "int4", "text", "text")
_USED: Final = f"""SELECT EXISTS (SELECT FROM {SCHEMA}.fact WHERE run = %(run)s AND key = 'tried')
    OR (SELECT c[2] + c[3] + c[4] + c[6] + c[7] FROM {SCHEMA}.counts_of(%(run)s) AS c) > 0"""
_FIRST_OF_DOUBTFUL: Final = f"""UPDATE {SCHEMA}.contact c SET screened = NULL
    FROM (SELECT min(row) AS row FROM {SCHEMA}.contact WHERE run = %(run)s AND screened = 2 GROUP BY phone) AS f
    WHERE c.run = %(run)s AND c.row = f.row AND NOT EXISTS (SELECT FROM {SCHEMA}.contact o
        WHERE o.run = %(run)s AND o.phone = c.phone AND o.screened IS NULL)"""
_DUPLICATES: Final = f"""UPDATE {SCHEMA}.contact c SET state = 4, screened = 1, code = '{Code.DUPLICATE}',
        detail = '{APART} of row ' || o.row
    FROM {SCHEMA}.contact o WHERE c.run = %(run)s AND c.screened = 2
        AND o.run = %(run)s AND o.phone = c.phone AND o.screened IS NULL"""
_LEAVE_OUT: Final = f"""UPDATE {SCHEMA}.contact SET state = 4, screened = 1, code = %s, detail = %s
    WHERE run = %s AND state = 0 AND screened IS NULL AND phone = ANY(%s::text[])"""
_INSERT: Final = f"""INSERT INTO {SCHEMA}.contact ({_COLUMNS})
    SELECT %s, v.* FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[], %s::int[], %s::smallint[], %s::smallint[],
        %s::int[], %s::text[], %s::text[]) AS v
    ON CONFLICT (run, phone) WHERE screened IS NULL DO NOTHING RETURNING row"""
_FIRST_ROWS: Final = f"""SELECT c.phone, c.row FROM unnest(%s::text[]) AS v(phone), LATERAL (SELECT * FROM {SCHEMA}.contact k
    WHERE k.run = %s AND k.phone = v.phone AND k.screened IS NULL OFFSET 0) AS c"""
_KINDS: Final = f"""INSERT INTO {SCHEMA}.kind SELECT %s, v.* FROM unnest(%s::int[], %s::int[]) AS v
    ON CONFLICT (run, row) DO UPDATE SET number = excluded.number"""
_KEPT: Final = f"""INSERT INTO {SCHEMA}.kept SELECT %s, v.* FROM unnest(%s::int[], %s::text[]) AS v
    ON CONFLICT (run, row) DO UPDATE SET cells = excluded.cells"""


def record(run: Opened, row: Planned | Skipped, mark: int | None = None) -> tuple[Any, ...]:
    """The columns of a contact that comes in. `mark`: 2 where its phone may have come before."""
    phone = values.kept(row.phone)
    if isinstance(row, Skipped):
        return (run.id, row.row, phone, None, None, 0, 1, 4, 0, row.why.code or None, storable(row.why.detail) or None)
    text = values.kept(row.text)
    name = None if row.name is None else values.kept(row.name)
    return (run.id, row.row, phone, None if text == run.same_text else text, name, row.segments, mark, 0, row.place, None, None)


async def load(to: Connections, run: Opened, batches: Iterable[Rows], left_out: Mapping[str, Reason]) -> None:
    """Take in a whole list in one go. Iterates in a thread of its own."""
    async with to.look() as connection:
        if await server.one(await connection.execute(_USED, {"run": run.id})):
            raise _refusal(to)
    run.is_loading = True
    run.fingerprint = None
    run.cursors.reset()
    await run_shielded(asyncio.to_thread(_load, to, run, batches, left_out))
    run.is_loading = False
    async with to.look() as connection:
        run.count(await server.one(await connection.execute(f"SELECT {SCHEMA}.counts_of(%s)", (run.id,))))
        last = f"SELECT coalesce(max(row), 0) FROM {SCHEMA}.contact WHERE run = %s"
        run.last_row = await server.one(await connection.execute(last, (run.id,)))


def _refusal(to: Connections) -> LedgerMismatch:
    return LedgerMismatch(f"{to.address} was begun with another list, and texts of it may have left; {opening.instead(to)}")


def _is_gone(to: Connections) -> LedgerError:
    return LedgerError(f"{to.address}: somebody has taken this run out of the database")


def _load(to: Connections, run: Opened, batches: Iterable[Rows], left_out: Mapping[str, Reason]) -> None:
    given = {"run": run.id}
    with contextlib.closing(server.connect_here(to.address)) as connection, server.telling(to.address), connection.transaction():
        connection.execute(f"SELECT {SCHEMA}.durable()")
        others.check_nobody_here(connection, to.address, run.id, to.session, "its list is to be read anew")
        if connection.execute(f"SELECT FROM {SCHEMA}.run WHERE id = %(run)s FOR KEY SHARE", given).rowcount == 0:
            raise _is_gone(to)
        if server.one_here(connection.execute(_USED, given)):
            raise _refusal(to)
        for table in OF_CONTACTS:
            connection.execute(f"DELETE FROM {SCHEMA}.{table} WHERE run = %(run)s", given)
        connection.execute(f"DELETE FROM {SCHEMA}.fact WHERE run = %(run)s AND key = 'list'", given)
        _copy(connection, run, batches)
        connection.execute(f"ANALYZE {SCHEMA}.contact")
        connection.execute(_FIRST_OF_DOUBTFUL, given)
        connection.execute(_DUPLICATES, given)
        by_reason: dict[Reason, list[str]] = {}
        for phone, reason in left_out.items():
            by_reason.setdefault(reason, []).append(values.kept(phone))
        for reason, phones in by_reason.items():
            connection.execute(_LEAVE_OUT, (*values.columns(reason), run.id, values.words(phones)))
        connection.execute(f"UPDATE {SCHEMA}.owner SET counts = DEFAULT WHERE run = %(run)s", given)
        connection.execute(
            f"""UPDATE {SCHEMA}.run SET counts = (SELECT array_agg(coalesce(c.number, 0) ORDER BY s)
                FROM generate_series(0, 6) AS s LEFT JOIN
                    (SELECT state, count(*) AS number FROM {SCHEMA}.contact WHERE run = %(run)s GROUP BY state) AS c
                ON c.state = s) WHERE id = %(run)s""",
            given,
        )


def _copy(connection: Connection, run: Opened, batches: Iterable[Rows]) -> None:
    """Take in the rows. The server takes in some while others are read and screened. What goes beside them follows every so many
    batches, so that it need not be held in memory."""
    coming = Coming()
    coming_in = iter(batches)
    first = next(coming_in, None)
    while first is not None:
        cells: list[tuple[Any, ...]] = []
        kinds: list[tuple[Any, ...]] = []
        with _copying(connection, f"contact ({_COLUMNS})", _TYPES) as copying:
            for batch in itertools.chain([first], itertools.islice(coming_in, _BATCHES - 1)):
                for fields in _records(run, batch, coming):
                    copying.write_row(fields)
                cells += [(run.id, row.row, values.kept(row.kept)) for row in batch if row.kept is not None]
                kinds += [(run.id, row.row, row.kind) for row in batch if isinstance(row, Planned) and row.kind]
        for table, types, records in (("kept", ("int4", "int4", "text"), cells), ("kind", ("int4", "int4", "int4"), kinds)):
            if records:
                with _copying(connection, table, types) as copying:
                    for fields in records:
                        copying.write_row(fields)
        first = next(coming_in, None)


@contextlib.contextmanager
def _copying(connection: Connection, table: str, types: Sequence[str]) -> Iterator[Copy]:
    with connection.cursor() as cursor, cursor.copy(f"COPY {SCHEMA}.{table} FROM STDIN (FORMAT BINARY)") as copying:
        copying.set_types(types)
        yield copying


def _records(run: Opened, rows: Rows, coming: Coming) -> Iterator[tuple[Any, ...]]:
    marks = iter(coming.marks([row.phone for row in rows if isinstance(row, Planned)]))
    for row in rows:
        yield record(run, row, next(marks) if isinstance(row, Planned) else None)


async def add(to: Connections, run: Opened, rows: Rows) -> list[Result]:
    """Take in some rows while the run is under way; those that are not to be texted, duplicates among them."""
    run.check_loaded(to.address)
    if not rows:
        return []
    tried: list[Result] = []

    async def take_in(connection: AsyncConnection) -> tuple[list[Result], list[int]]:
        await connection.execute(f"SELECT {SCHEMA}.durable()")
        if (await connection.execute(f"SELECT FROM {SCHEMA}.run WHERE id = %s FOR UPDATE", (run.id,))).rowcount == 0:
            raise _is_gone(to)
        new = await _new_rows(to, connection, run, rows)
        taken = await insert(connection, run, new)
        left = [row for row in new if row.row not in taken]
        first = await first_rows(connection, run, [row.phone for row in left])
        duplicates = [Skipped(row.row, row.phone, duplicate(first[row.phone]), row.kept) for row in left]
        await insert(connection, run, duplicates)
        results = [Result(row.row, row.phone, State.SKIPPED, row.why) for row in [*new, *duplicates] if isinstance(row, Skipped)]
        changes = values.delta({State.SKIPPED: len(results), State.QUEUED: len(new) - len(results)})
        found = await connection.execute(f"SELECT {SCHEMA}.count_in(%s, %s::bigint[])", (run.id, changes))
        found = await connection.execute(f"SELECT {SCHEMA}.counts_of(%s)", (run.id,))
        if not new:
            return tried, await server.one(found)  # they are in already, perhaps by this, whose answer was lost
        tried[:] = results
        return results, await server.one(found)

    results, counts = await to.transacted(take_in)
    run.count(counts)
    run.cursors.came_in({row.place for row in rows if isinstance(row, Planned)})
    run.last_row = max(run.last_row, *(row.row for row in rows))
    return sorted(results, key=lambda result: result.row)


async def insert(connection: AsyncConnection, run: Opened, rows: Rows) -> set[int]:
    """Within a transaction: take these in, but for those whose phone is there already. The rows that went in."""
    if not rows:
        return set()
    columns = list(zip(*[record(run, row) for row in rows], strict=True))[1:]
    found = await (await connection.execute(_INSERT, (run.id, *map(list, columns)))).fetchall()
    if cells := [row for row in rows if row.kept is not None]:
        texts = values.words([values.kept(row.kept or "") for row in cells])
        await connection.execute(_KEPT, (run.id, values.numbers([row.row for row in cells]), texts))
    if kinds := [(row.row, row.kind) for row in rows if isinstance(row, Planned) and row.kind]:
        arrays = values.numbers([row for row, _ in kinds]), values.numbers([kind for _, kind in kinds])
        await connection.execute(_KINDS, (run.id, *arrays))
    return {row for (row,) in found}


async def first_rows(connection: AsyncConnection, run: Opened, phones: Sequence[str]) -> dict[str, int]:
    """The row of each of these phones that is not screened out."""
    if not phones:
        return {}
    given = (values.words(map(values.kept, phones)), run.id)
    found = await (await connection.execute(_FIRST_ROWS, given)).fetchall()
    return {values.given(phone): row for phone, row in found}


async def _new_rows(to: Connections, connection: AsyncConnection, run: Opened, rows: Rows) -> list[Planned | Skipped]:
    """The rows the ledger does not have yet; LedgerMismatch if it has one that differs."""
    statement = f"SELECT row, phone, coalesce(text, %s), screened FROM {SCHEMA}.contact WHERE run = %s AND row BETWEEN %s AND %s"
    found = await (await connection.execute(statement, (run.same_text, run.id, rows[0].row, rows[-1].row))).fetchall()
    known = {row: (values.given(phone), values.given(text), screened) for row, phone, text, screened in found}
    new = []
    for row in rows:
        if row.row not in known:
            new.append(row)
            continue
        phone, text, screened = known[row.row]
        if run.is_chosen:
            same = phone == row.phone and bool(screened or holds(row))
        elif isinstance(row, Skipped):
            # Who has been put on the suppression list since is the same contact still; the engine leaves them out.
            same = phone == row.phone and bool(screened or row.why.code is Code.SUPPRESSED)
        else:
            same = phone == row.phone and bool(screened or text == row.text)
        if not same:
            raise LedgerMismatch(f"{to.address}: row {row.row} of the list is not the contact it was; {opening.instead(to)}")
    return new


async def complete(to: Connections, run: Opened, fingerprint: str) -> None:
    """The list is in to its end."""

    async def note(connection: AsyncConnection) -> None:
        await connection.execute(f"SELECT {SCHEMA}.durable()")
        await write(connection, run.id, "list", fingerprint)

    await to.transacted(note)
    run.fingerprint = fingerprint
