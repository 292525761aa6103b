"""Who opens entries in a run: owners with a lease, and what becomes of the entries of those who are dead.

Lives here: the statements, and when it is looked for the dead. An owner is dead once its lease has ended by the clock of the
database and nobody holds the lock of its session: a process that lives and is cut off loses the lock first and its lease later,
one that was stopped loses its lease and keeps the lock.
"""

from __future__ import annotations

import time
from typing import Final

import msgspec

from rumbleup_async.ledger.closing import storable
from rumbleup_async.messaging import Owner, Result, State
from rumbleup_async.postgres import server, values
from rumbleup_async.postgres.connections import Connections
from rumbleup_async.postgres.fencing import NAMESPACE
from rumbleup_async.postgres.opened import Opened
from rumbleup_async.postgres.tables import SCHEMA
from rumbleup_async.reasons import INTERRUPTED

_HELD: Final = f"""EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.classid = {NAMESPACE} AND l.granted
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND l.objid = o.session::oid
    AND l.objsubid = 2)"""
_OWNERS: Final = f"""SELECT o.id, o.name, o.until <= clock_timestamp() AND NOT {_HELD}, {_HELD},
        extract(epoch FROM o.until - clock_timestamp())::float8
    FROM {SCHEMA}.owner o WHERE o.run = %s AND NOT o.fenced ORDER BY o.id"""
_ENLIST: Final = f"""INSERT INTO {SCHEMA}.owner (run, name, session, until, heard)
    VALUES (%s, %s, %s, clock_timestamp() + make_interval(secs => %s),
        (SELECT coalesce(max(id), 0) FROM {SCHEMA}.audit WHERE run = %s)) RETURNING id"""
_EXPIRE: Final = f"SELECT {SCHEMA}.expire(%s, %s, %s, %s, %s)::text"


class Living(msgspec.Struct, frozen=True):
    """An owner as the database knows it. `is_held`: its process holds its lock. `seconds`: until its lease ends."""

    id: int
    name: str
    is_dead: bool
    is_held: bool
    seconds: float


class _Expired(msgspec.Struct, frozen=True):
    results: list[tuple[int, str, str, int, int]]
    counts: list[int]


_expired = msgspec.json.Decoder(_Expired).decode


async def enlist(to: Connections, run: Opened, name: str, lease: float) -> Owner:
    """A new owner of this process."""
    async with to.steps() as connection:
        found = await connection.execute(_ENLIST, (run.id, storable(name), to.session, lease, run.id))
        owner = Owner(await server.one(found), name)
    run.steps[owner.id] = 0
    return owner


async def living(to: Connections, run: Opened) -> list[Living]:
    """Those who are not fenced."""
    async with to.look() as connection:
        return [Living(*values) for values in await (await connection.execute(_OWNERS, (run.id,))).fetchall()]


async def owners(to: Connections, run: Opened) -> list[Owner]:
    """As the port says it."""
    return [Owner(one.id, one.name, one.is_dead) for one in await living(to, run)]


async def expire(to: Connections, run: Opened, owner: int) -> list[Result]:
    """Fence this owner: one of our own at once, another only if it is dead by now."""
    arguments = (run.id, owner, owner not in run.steps, str(INTERRUPTED.code), int(time.time() * 1000))
    async with to.steps() as connection:
        found = _expired(await server.one(await connection.execute(_EXPIRE, arguments)))
    run.count(found.counts)
    return [
        Result(row, values.given(phone), State.UNKNOWN, INTERRUPTED, logid, attempts, at)
        for row, phone, logid, attempts, at in found.results
    ]


async def look_after(to: Connections, run: Opened) -> None:
    """Once in a third of a lease: expire whoever has died."""
    now = time.monotonic()
    if now - run.looked < to.address.lease / 3:
        return
    run.looked = now
    for one in await living(to, run):
        if one.is_dead:
            await expire(to, run, one.id)
