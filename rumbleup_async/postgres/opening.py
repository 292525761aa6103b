"""Which run a database holds under a name, and whether this process may go on with it; and how a process leaves it.

Lives here: the order in which a run is opened, before anything of it is changed.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

import msgspec

from rumbleup_async.errors import LedgerError, LedgerLocked, LedgerMismatch
from rumbleup_async.ledger import identity as identities
from rumbleup_async.ledger.beginning import version
from rumbleup_async.ledger.files import read_stop, written_stop
from rumbleup_async.ledger.identity import Consent
from rumbleup_async.ledger.keeping import HANDED_IN, KEY, shown
from rumbleup_async.ledger.plans import compare, is_chosen
from rumbleup_async.messaging import Identity, Kept, Plan, State
from rumbleup_async.pauses import oneself
from rumbleup_async.postgres import others, owning, server, settling, values, versions
from rumbleup_async.postgres.address import Address
from rumbleup_async.postgres.connections import Connections
from rumbleup_async.postgres.fencing import SENDING
from rumbleup_async.postgres.opened import Opened
from rumbleup_async.postgres.reads import fact, write
from rumbleup_async.postgres.tables import OF_CONTACTS, SCHEMA
from rumbleup_async.reasons import ABSENT, Code
from rumbleup_async.shell import pasteable
from rumbleup_async.stops import Cause, Stop

if TYPE_CHECKING:
    from rumbleup_async.postgres.server import AsyncConnection

_LOOK_EVERY: Final = 0.2
_AFTER_THE_CAP: Final = (Cause.DAILY_CAP, Cause.LEFT_OVER, Cause.ASKED)
"""Ends of a run that has met the cap of its brand; the machine that ended last may have been stopped by the one that met it."""
_OF_OTHERS: Final = (Cause.ASKED, Cause.INTERRUPTED)
"""Ends of one who has joined that say nothing of the run: how it has ended for whoever is in charge says more."""
_OF_THE_CAP: Final = f"""DELETE FROM {SCHEMA}.waiting w USING {SCHEMA}.contact c
    WHERE w.run = %s AND c.run = w.run AND c.row = w.row AND c.state = 0 AND c.code = %s"""
_USED: Final = (State.INTENT, State.SENT, State.REFUSED, State.NOT_SENT, State.UNKNOWN)
"""States of contacts whose text may have left."""


async def open_run(
    to: Connections, run: Opened, plan: Plan | None, identity: Identity | None, consent: Consent, *, joins: bool
) -> Plan:
    """Begin a run, or go on with the one that is there. Raises LedgerMismatch, LedgerLocked, LedgerError."""
    await asyncio.to_thread(versions.prepare, to.address, makes=plan is not None)
    await to.open()
    run.ended_before = None

    async def find(connection: AsyncConnection) -> None:
        found = await (await connection.execute(f"SELECT id FROM {SCHEMA}.run WHERE name = %s", (to.address.run,))).fetchone()
        if found is None:
            if plan is None:
                raise LedgerError(f"{to.address}: no run of this name is in the database; see those that are: rumbleup ledgers")
            found = await (
                await connection.execute(
                    f"""INSERT INTO {SCHEMA}.run (name) VALUES (%s) ON CONFLICT (name) DO UPDATE SET name = excluded.name
                    RETURNING id""",
                    (to.address.run,),
                )
            ).fetchone()
        run.id = server.one_of(found)
        if not joins:
            await _take_charge(to, connection, run)

    async def settle(connection: AsyncConnection) -> Plan:
        await connection.execute(f"SELECT {SCHEMA}.durable()")
        if joins:
            await connection.execute(others.LOCK_RUN, {"run": run.id})
        else:
            await others.lock(connection, run.id, to.session)
        stored = await _settle_plan(to, connection, run, plan)
        await _check_identity(to, connection, run, identity, consent, binds=joins)
        await _note_opening(connection, run, identity, joins=joins)
        if joins:
            run.standing = await server.one(await connection.execute(others.STANDING, {"run": run.id}))
        return stored

    # Each may be asked for again where its answer was lost.
    await to.patiently(find)
    await _wait_for_the_dead(to, run)
    stored = await to.transacted(settle)
    if not await _others(to, run):
        await settling.put_back(to, run, None)
    await _read(to, run, stored)
    return stored


async def _take_charge(to: Connections, connection: AsyncConnection, run: Opened) -> None:
    """One process is in charge of a run; others join it."""
    if not await server.one(await connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (SENDING, run.id))):
        raise LedgerLocked(
            f"{to.address} is being sent by another process; wait for it to end, stop it, or help it with rumbleup join"
        )
    to.charge = run.id


async def _others(to: Connections, run: Opened) -> list[owning.Living]:
    """Owners whose processes live, or may live still."""
    return [one for one in await owning.living(to, run) if not one.is_dead]


async def _wait_for_the_dead(to: Connections, run: Opened) -> None:
    """Where no process of the run holds its lock any more, wait until their leases have ended: then what they had in flight is
    known to be in doubt before anybody goes on."""
    while True:
        found = await _others(to, run)
        if not found or any(one.is_held for one in found):
            return
        await asyncio.sleep(max(_LOOK_EVERY, min(1.0, *(one.seconds for one in found))))


async def _settle_plan(to: Connections, connection: AsyncConnection, run: Opened, plan: Plan | None) -> Plan:
    """Which run this is: the one that is there, or a new one where none is there or none of its texts was ever tried."""
    written = await fact(connection, run.id, "plan")
    if written is None:
        if plan is None:
            raise LedgerError(f"{to.address} holds no run to resume")
        await write(connection, run.id, "plan", msgspec.json.encode(plan).decode())
        return plan
    if await fact(connection, run.id, "purged") is not None:
        raise LedgerError(f"{to.address} was purged: nobody is left in it but counts; a new run needs another name")
    stored = msgspec.json.decode(written, type=Plan)
    differing = [] if plan is None else compare(stored, plan)
    if plan is None or not differing:
        return stored
    if await _is_used(connection, run):
        raise LedgerMismatch(
            f"{to.address} was begun with another {' and another '.join(differing)}, and texts of it may have left; {instead(to)}"
        )
    await others.check_nobody(connection, to.address, run.id, to.session, f"another {' and another '.join(differing)} was given")
    await _empty(connection, run)
    await connection.execute(f"DELETE FROM {SCHEMA}.fact WHERE run = %s", (run.id,))
    await connection.execute(f"DELETE FROM {SCHEMA}.suppressed WHERE run = %s", (run.id,))
    await write(connection, run.id, "plan", msgspec.json.encode(plan).decode())
    return plan


def instead(to: Connections) -> str:
    """As `instead_of`."""
    return instead_of(to.address)


def instead_of(address: Address) -> str:
    """What to do for whoever wants another run than the one of this name."""
    return (
        "for a new run that leaves out whoever this one has texted, give it another name, and suppress this one: "
        f"--suppress {pasteable(address)}"
    )


async def _empty(connection: AsyncConnection, run: Opened) -> None:
    """Within a transaction: no contact is in the run any more, nor anything of them."""
    for table in OF_CONTACTS:
        await connection.execute(f"DELETE FROM {SCHEMA}.{table} WHERE run = %s", (run.id,))
    await connection.execute(f"UPDATE {SCHEMA}.run SET counts = DEFAULT WHERE id = %s", (run.id,))
    await connection.execute(f"UPDATE {SCHEMA}.owner SET counts = DEFAULT WHERE run = %s", (run.id,))


async def _is_used(connection: AsyncConnection, run: Opened) -> bool:
    """Whether any text of it may ever have left: of what is queued, none has, unless it was absent from the log."""
    counts = values.counts_of(await server.one(await connection.execute(f"SELECT {SCHEMA}.counts_of(%s)", (run.id,))))
    return any(counts[state] for state in _USED) or await fact(connection, run.id, "tried") is not None


async def _check_identity(
    to: Connections, connection: AsyncConnection, run: Opened, now: Identity | None, consent: Consent, *, binds: bool
) -> None:
    """LedgerMismatch unless whoever opens it is of the server and the account to which its texts went, or to which others are
    about to send them. `binds`: whether or not a text has left by now."""
    if now is None:
        return
    stored = await fact(connection, run.id, "identity")
    is_shared = bool(await others.living(connection, run.id, to.session))
    if stored is not None and (binds or is_shared or await _is_used(connection, run)):
        identities.check(msgspec.json.decode(stored, type=Identity), now, consent, str(to.address))
    if not binds:
        written = msgspec.json.encode(now).decode()
        if stored is not None and written != stored and not is_shared:
            await others.part(connection, run.id, to.session)
        await write(connection, run.id, "identity", written)


async def _note_opening(connection: AsyncConnection, run: Opened, identity: Identity | None, *, joins: bool) -> None:
    """Within a transaction: it was opened once more, and how this process ends is not known yet."""
    stop = await fact(connection, run.id, "stop")
    if not joins:
        run.ended_before = stop or run.ended_before
        await connection.execute(f"DELETE FROM {SCHEMA}.fact WHERE run = %s AND key = 'stop'", (run.id,))
        ended = read_stop(stop or "")
        if ended is not None and ended.cause in _AFTER_THE_CAP:
            # Whoever goes on after this says that the cap is reset, or raised; if not, one of the first texts stops the run anew.
            await connection.execute(_OF_THE_CAP, (run.id, str(Code.DAILY_CAP)))
    is_here = identity is not None and identities.is_here(identity.server)
    where = "; the server is on this machine, a rehearsal unless --rehearsal no was given" if is_here else ""
    await note_audit(connection, run, "joined" if joins else "opened", f"version {version()}{where}")


async def note_audit(connection: AsyncConnection, run: Opened, what: str, detail: str) -> None:
    """Within a transaction: somebody has done this with the ledger now."""
    await connection.execute(
        f"INSERT INTO {SCHEMA}.audit (run, time, who, what, detail) VALUES (%s, %s, %s, %s, %s)",
        (run.id, int(time.time() * 1000), oneself(), what, detail or None),
    )


async def _read(to: Connections, run: Opened, plan: Plan) -> None:
    """Find out what there is of this run."""
    run.same_text = values.kept(plan.same_text or "")
    run.is_chosen = is_chosen(plan)

    async def read(connection: AsyncConnection) -> tuple[str | None, str | None, list[tuple[str]]]:
        run.count(await server.one(await connection.execute(f"SELECT {SCHEMA}.counts_of(%s)", (run.id,))))
        last = f"SELECT coalesce(max(row), 0) FROM {SCHEMA}.contact WHERE run = %s"
        run.last_row = await server.one(await connection.execute(last, (run.id,)))
        run.fingerprint = await fact(connection, run.id, "list")
        run.is_used = await _is_used(connection, run)
        options, handed_in = await fact(connection, run.id, KEY), await fact(connection, run.id, HANDED_IN)
        phones = await (await connection.execute(f"SELECT phone FROM {SCHEMA}.suppressed WHERE run = %s", (run.id,))).fetchall()
        return options, handed_in, phones

    options, handed_in, phones = await to.read(read)
    run.kept = Kept(
        {} if options is None else msgspec.json.decode(options), frozenset(phone for (phone,) in phones), handed_in is not None
    )
    run.cursors.reset()


async def keep(to: Connections, run: Opened, kept: Kept) -> None:
    """From now on it was told to be so careful. Suppressed phones are only ever added."""
    new = kept.suppressed - run.kept.suppressed
    if kept == run.kept:
        return

    async def change(connection: AsyncConnection) -> None:
        await connection.execute(f"SELECT {SCHEMA}.durable()")
        if new or not others.are_told(run.kept.options, kept.options):
            await others.lock(connection, run.id, to.session)
            if who := await others.living(connection, run.id, to.session):
                # They go by what they have read when they joined.
                raise others.refusal(to.address, "its rate, hours, suppressed phones or other options are to change", who)
            await others.part(connection, run.id, to.session)
        await write(connection, run.id, KEY, msgspec.json.encode(kept.options).decode())
        if kept.is_handed_in:
            await write(connection, run.id, HANDED_IN, "1")
        await connection.execute(
            f"INSERT INTO {SCHEMA}.suppressed SELECT %s, unnest(%s::text[]) ON CONFLICT DO NOTHING",
            (run.id, values.words(sorted(new))),
        )
        await note_audit(connection, run, "options", shown(kept))

    await to.transacted(change)
    run.kept = kept


async def finish(to: Connections, run: Opened, stop: Stop | None, elapsed: float) -> None:
    """Note how this process ended its part of the run."""
    run.ended_before = None

    async def note(connection: AsyncConnection) -> None:
        await connection.execute(f"SELECT {SCHEMA}.durable()")
        if not (run.standing and stop is not None and stop.cause in _OF_OTHERS and await fact(connection, run.id, "stop")):
            await write(connection, run.id, "stop", written_stop(stop))
        await connection.execute(
            f"""INSERT INTO {SCHEMA}.fact VALUES (%s, 'elapsed', %s) ON CONFLICT (run, key)
            DO UPDATE SET value = (fact.value::float8 + excluded.value::float8)::text""",
            (run.id, str(elapsed)),
        )

    await to.transacted(note)


async def leave(to: Connections, run: Opened) -> None:
    """Let go of the run: the leases of our owners end, and what we alone might open is absent from the log as before."""
    try:
        async with to.steps() as connection, connection.transaction():
            await connection.execute(f"SELECT {SCHEMA}.durable()")
            await connection.execute(
                f"UPDATE {SCHEMA}.owner SET until = 'epoch' WHERE run = %s AND session = %s AND NOT fenced", (run.id, to.session)
            )
            mine = f"ARRAY(SELECT row FROM {SCHEMA}.again WHERE run = %s AND session = %s)"
            put_back = f"SELECT {SCHEMA}.put_back(%s, {mine}, %s)"
            await connection.execute(put_back, (run.id, run.id, to.session, str(ABSENT.code)))
            if run.ended_before is not None:
                await write(connection, run.id, "stop", run.ended_before)
    except LedgerError:
        return  # the database is away: the leases end by themselves
