"""Who else sends a run: asked before anything of it is changed that others have read already.

Lives here: the statements. Whoever changes a run under others would have them send what it no longer says. All of these lock the
owners first and the run after them, as a step does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from rumbleup_async.errors import LedgerLocked
from rumbleup_async.ledger.keeping import KEY, PROGRESS
from rumbleup_async.postgres.address import Address
from rumbleup_async.postgres.fencing import HELD
from rumbleup_async.postgres.tables import SCHEMA
from rumbleup_async.shell import pasteable

if TYPE_CHECKING:
    from rumbleup_async.postgres.server import AsyncConnection, Connection

LIVES: Final = f"({SCHEMA}.lasts_until(o) > clock_timestamp() OR (o.until <> 'epoch' AND {HELD}))"
"""An owner `o` whose lease lasts, or whose process has its lock still, and has not left."""
OTHERS: Final = f"""SELECT DISTINCT o.who FROM {SCHEMA}.owner o
    WHERE o.run = %(run)s AND o.session <> %(session)s AND NOT o.fenced AND {LIVES}"""
LOCK: Final = f"""SELECT FROM {SCHEMA}.owner o WHERE o.run = %(run)s AND o.session <> %(session)s AND NOT o.fenced
    ORDER BY o.id FOR UPDATE"""
LOCK_RUN: Final = f"SELECT FROM {SCHEMA}.run WHERE id = %(run)s FOR UPDATE"
FENCE: Final = f"""UPDATE {SCHEMA}.owner SET fenced = true, counts = DEFAULT
    WHERE run = %(run)s AND session <> %(session)s AND NOT fenced"""
"""The owners of others, who are dead, may not come back to a run that is another one by then."""
_PART: Final = f"""UPDATE {SCHEMA}.owner SET until = 'epoch'
    WHERE run = %(run)s AND session <> %(session)s AND NOT fenced"""
"""The same where contacts stay: the next step of one of these is fenced."""
IN_THE_WAY: Final = f"{OTHERS} AND (o.alone OR %(alone)s)"
LOCK_ALONE: Final = f"""SELECT FROM {SCHEMA}.owner o WHERE o.run = %(run)s AND o.session <> %(session)s AND NOT o.fenced
    AND (o.alone OR %(alone)s) ORDER BY o.id FOR UPDATE"""
_LESS: Final = " ".join(f"- '{name}'" for name in PROGRESS)
_SAYS: Final = f"CASE key WHEN '{KEY}' THEN (value::jsonb {_LESS})::text ELSE value END"
STANDING: Final = f"""SELECT md5(coalesce(string_agg(key || '=' || {_SAYS}, ' ' ORDER BY key), ''))
        || (SELECT count(*) FROM {SCHEMA}.suppressed WHERE run = %(run)s)
    FROM {SCHEMA}.fact WHERE run = %(run)s AND key IN ('plan', 'identity', '{KEY}')"""
"""What whoever joins a run has read of it, as one word."""


def are_told(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether these options are those of before, but for how far the run has come, and a price that it has learned."""
    learned = {"price"} if before.get("price") is None else set()
    return all(before.get(name) == now.get(name) for name in (before.keys() | now.keys()) - set(PROGRESS) - learned)


def _given(run: int, session: int) -> dict[str, int]:
    return {"run": run, "session": session}


def refusal(address: Address, what: str, who: list[tuple[str]]) -> LedgerLocked:
    """Others send it by what they have read."""
    return LedgerLocked(
        f"{address}: {what}, but others still send this run ({', '.join(sorted(name for (name,) in who))}) as it was; stop them "
        f"first: rumbleup stop {pasteable(address)}, then try again"
    )


async def lock(connection: AsyncConnection, run: int, session: int) -> None:
    """Within a transaction: no step of others is under way, and nobody comes."""
    await connection.execute(LOCK, _given(run, session))
    await connection.execute(LOCK_RUN, _given(run, session))


async def living(connection: AsyncConnection, run: int, session: int) -> list[tuple[str]]:
    """Those others who live: user and machine."""
    found: list[tuple[str]] = await (await connection.execute(OTHERS, _given(run, session))).fetchall()
    return found


async def part(connection: AsyncConnection, run: int, session: int) -> None:
    """Within a transaction, after `lock`, where nobody else lives: whoever is dead may not come back to what is changed now."""
    await connection.execute(_PART, _given(run, session))


async def check_nobody(connection: AsyncConnection, address: Address, run: int, session: int, what: str) -> None:
    """Within a transaction, after `lock`: LedgerLocked while others live. Whoever is dead is fenced. `what`: is to be changed."""
    if who := await living(connection, run, session):
        raise refusal(address, what, who)
    await connection.execute(FENCE, _given(run, session))


def check_nobody_here(connection: Connection, address: Address, run: int, session: int, what: str) -> None:
    """As `lock` and `check_nobody`, on a connection that waits. Whoever lives is not waited for."""
    given = _given(run, session)
    for statement in (None, LOCK, LOCK_RUN):
        if statement is not None:
            connection.execute(statement, given)
        elif who := connection.execute(OTHERS, given).fetchall():
            raise refusal(address, what, who)
    if who := connection.execute(OTHERS, given).fetchall():
        raise refusal(address, what, who)
    connection.execute(FENCE, given)
