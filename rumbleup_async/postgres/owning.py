"""Who opens entries in a run: owners with a lease, and what becomes of the entries of those who are dead.

Lives here: the statements, and when it is looked for the dead. An owner is dead once its lease has ended by the clock of the
database and nobody holds the lock of its session: a process that lives and is cut off loses the lock first and its lease later,
one that was stopped loses its lease and keeps the lock.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec

from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger.closing import storable
from rumbleup_async.messaging import Owner, Result, State
from rumbleup_async.pauses import oneself
from rumbleup_async.postgres import others, server, values, versions
from rumbleup_async.postgres.connections import Connections
from rumbleup_async.postgres.fencing import HELD
from rumbleup_async.postgres.opened import Opened
from rumbleup_async.postgres.tables import SCHEMA
from rumbleup_async.reasons import INTERRUPTED

if TYPE_CHECKING:
    from rumbleup_async.postgres.server import AsyncConnection

OWNERS: Final = f"""SELECT o.id, o.name, o.who, {SCHEMA}.lasts_until(o) <= clock_timestamp() AND NOT {HELD}, {HELD},
        extract(epoch FROM {SCHEMA}.lasts_until(o) - clock_timestamp())::float8, o.alone
    FROM {SCHEMA}.owner o WHERE o.run = %s AND NOT o.fenced ORDER BY o.id"""
_ENLIST: Final = f"""INSERT INTO {SCHEMA}.owner (run, name, who, session, alone, lease, until, heard)
    VALUES (%s, %s, %s, %s, %s, %s, clock_timestamp() + make_interval(secs => %s),
        (SELECT coalesce(max(id), 0) FROM {SCHEMA}.audit WHERE run = %s)) RETURNING id, until - make_interval(secs => lease)"""
_UNAWARE: Final = f"""SELECT EXISTS (SELECT FROM {SCHEMA}.owner WHERE run = %s AND id <> %s AND NOT fenced
    AND until > clock_timestamp() AND until - make_interval(secs => lease) < %s)"""
"""Leases differ from machine to machine, so it is the moments of the last steps that are compared."""
_LOOK_EVERY: Final = 0.2
_EXPIRE: Final = f"SELECT {SCHEMA}.expire(%s, %s, %s, %s, %s)::text"


class Living(msgspec.Struct, frozen=True):
    """An owner as the database knows it. `who`: user and machine. `is_held`: its process holds its lock. `seconds`: until its
    lease ends."""

    id: int
    name: str
    who: str
    is_dead: bool
    is_held: bool
    seconds: float
    is_alone: bool


class _Expired(msgspec.Struct, frozen=True):
    results: list[tuple[int, str, str, int, int]]
    counts: list[int]


_expired = msgspec.json.Decoder(_Expired).decode


async def enlist(to: Connections, run: Opened, name: str, *, waits: bool = False, is_alone: bool = False) -> Owner:
    """A new owner of this process. `waits`: until all others know that there is one more, who has a share of the rate.
    `is_alone`: nobody else may send meanwhile. LedgerError where somebody does, or sends alone."""
    lease = to.address.lease

    async def write(connection: AsyncConnection) -> tuple[Any, ...] | None:
        about = {"run": run.id, "session": to.session, "alone": is_alone}
        for statement in (others.LOCK_ALONE, others.LOCK_RUN):
            await connection.execute(statement, about)
        in_the_way = await (await connection.execute(others.IN_THE_WAY, about)).fetchall()
        if in_the_way:
            raise LedgerError(
                f"{to.address}: a limit, a budget or a cap is counted by one process alone, so nobody else can send meanwhile; "
                f"it is being sent by {', '.join(who for (who,) in in_the_way)}"
            )
        if run.standing and await server.one(await connection.execute(others.STANDING, about)) != run.standing:
            raise LedgerError(f"{to.address}: the run was changed since this process joined it; join it again")
        given = (run.id, storable(name), oneself(), to.session, is_alone, lease, lease, run.id)
        found = await (await connection.execute(_ENLIST, given)).fetchone()
        await versions.check_still(connection, to.address)
        return found

    # Where an answer is lost there is one owner too many, who has nothing open and whose lease ends.
    values_found = await to.transacted(write)
    assert values_found is not None  # noqa: S101 - it has just been written
    owner = Owner(values_found[0], name)
    run.steps[owner.id] = 0
    while waits and await _has_unaware(to, run, owner, values_found[1]):  # noqa: ASYNC110 - the others are elsewhere
        await asyncio.sleep(_LOOK_EVERY)
    return owner


async def _has_unaware(to: Connections, run: Opened, owner: Owner, came: dt.datetime) -> bool:
    """Whether somebody may still send by what it knew before this owner came: its lease lasts, and is of before."""

    async def look(connection: AsyncConnection) -> bool:
        return bool(await server.one(await connection.execute(_UNAWARE, (run.id, owner.id, came))))

    return await to.read(look)


async def living(to: Connections, run: Opened) -> list[Living]:
    """Those who are not fenced."""

    async def look(connection: AsyncConnection) -> list[Living]:
        return [Living(*values) for values in await (await connection.execute(OWNERS, (run.id,))).fetchall()]

    return await to.read(look)


async def owners(to: Connections, run: Opened) -> list[Owner]:
    """As the port says it."""
    return [Owner(one.id, one.name, one.is_dead) for one in await living(to, run)]


async def expire(to: Connections, run: Opened, owner: int) -> list[Result]:
    """Fence this owner: one of our own at once, another only if it is dead by now."""
    arguments = (run.id, owner, owner not in run.steps, str(INTERRUPTED.code), int(time.time() * 1000))

    async def write(connection: AsyncConnection) -> _Expired:
        return _expired(await server.one(await connection.execute(_EXPIRE, arguments)))

    found = await to.patiently(write)
    run.count(found.counts)
    return [
        Result(row, values.given(phone), State.UNKNOWN, INTERRUPTED, logid, attempts, at)
        for row, phone, logid, attempts, at in found.results
    ]


async def look_after(to: Connections, run: Opened) -> None:
    """Once in a third of a lease: expire whoever has died."""
    now = time.monotonic()
    lease = to.address.lease
    if now - run.looked < lease / 3 or now - to.back < lease:
        return  # where the database was away for us it was for others, who get the time to come back
    run.looked = now
    with contextlib.suppress(LedgerError):  # the step has been done, and the next one says so if the database is away
        for one in await living(to, run):
            if one.is_dead:
                await expire(to, run, one.id)
