"""A run in a database without the people in it: texts, names and phones go, counts and results stay.

Lives here: when that may be done, and the statements.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Final

from rumbleup_async.errors import LedgerError, LedgerLocked
from rumbleup_async.ledger import states
from rumbleup_async.ledger.beginning import PURGED
from rumbleup_async.messaging import State
from rumbleup_async.pauses import oneself
from rumbleup_async.postgres import asking_others, others, server, versions
from rumbleup_async.postgres.address import Address
from rumbleup_async.postgres.fencing import SENDING
from rumbleup_async.postgres.tables import SCHEMA
from rumbleup_async.reasons import Code

if TYPE_CHECKING:
    from rumbleup_async.postgres.server import Connection

_COUNTS: Final = f"SELECT state, count(*) FROM {SCHEMA}.contact WHERE run = %(run)s GROUP BY state"
_TAKE_OUT: Final = f"""UPDATE {SCHEMA}.contact SET text = NULL, name = NULL, screened = 1,
        state = CASE state WHEN 0 THEN {states.NUMBERS[State.NOT_SENT]} ELSE state END,
        code = CASE state WHEN 0 THEN '{Code.GIVEN_UP}' ELSE code END, detail = CASE state WHEN 0 THEN NULL ELSE detail END,
        phone = CASE WHEN length(phone) > 2 THEN '********' || right(phone, 2) ELSE '' END
    WHERE run = %(run)s"""
"""Off the index of phones go all of them: of two nobody can tell any more whether they are one."""
_COUNT_ANEW: Final = f"""UPDATE {SCHEMA}.run SET counts = (SELECT array_agg(coalesce(c.number, 0) ORDER BY s)
        FROM generate_series(0, 6) AS s LEFT JOIN
            (SELECT state, count(*) AS number FROM {SCHEMA}.contact WHERE run = %(run)s GROUP BY state) AS c ON c.state = s)
    WHERE id = %(run)s"""
_OF_PEOPLE: Final = ("kept", "suppressed", "waiting", "again", "looked", "bound")
_NOTE: Final = f"INSERT INTO {SCHEMA}.fact VALUES (%s, %s, %s) ON CONFLICT (run, key) DO UPDATE SET value = excluded.value"
_AUDIT: Final = f"INSERT INTO {SCHEMA}.audit (run, time, who, what) VALUES (%s, %s, %s, 'purged')"


def purge(address: Address, *, unsent: bool = False) -> int:
    """Take texts, names, kept columns and all but the last two digits of phones out of a run. How many contacts it has.

    `unsent`: contacts that are still queued are given up, and become `not_sent`. What the server has written before stays in its
    write-ahead log and its backups for as long as these are kept.

    Raises LedgerLocked where somebody has the run open, and LedgerError for one in which somebody is still queued, or unknown:
    only the phone could settle that.
    """
    versions.prepare(address, makes=False)
    with contextlib.closing(server.connect_here(address)) as db, server.telling(address):
        with db.transaction():
            db.execute(f"SELECT {SCHEMA}.durable()")
            number = _purge(db, address, asking_others.run_of(db, address), unsent=unsent)
        # What the rows were before is cleared away now, as far as this user may.
        db.execute(f"VACUUM {SCHEMA}.contact, {SCHEMA}.kept, {SCHEMA}.suppressed")
    return number


def _purge(db: Connection, address: Address, run: int, *, unsent: bool) -> int:
    given = {"run": run}
    if not server.one_here(db.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", (SENDING, run))):
        raise LedgerLocked(f"{address} is in use by another process; wait for it to end")
    others.check_nobody_here(db, address, run, 0, "its people are to be taken out")
    if db.execute(f"SELECT FROM {SCHEMA}.fact WHERE run = %s AND key = %s", (run, PURGED)).fetchone() is not None:
        raise LedgerError(f"{address} was purged already")
    counts: dict[int, int] = dict(db.execute(_COUNTS, given).fetchall())
    if open_now := counts.get(1, 0) + counts.get(6, 0):
        raise LedgerError(
            f"{address}: {open_now} contacts are unknown, and without their phones nobody could look them up any more; "
            "reconcile first"
        )
    if counts.get(0, 0) and not unsent:
        raise LedgerError(
            f"{address}: {counts[0]} contacts are still to be texted; resume the run, or give them up with --unsent"
        )
    db.execute(_TAKE_OUT, given)
    for table in _OF_PEOPLE:
        db.execute(f"DELETE FROM {SCHEMA}.{table} WHERE run = %(run)s", given)
    db.execute(f"UPDATE {SCHEMA}.owner SET counts = DEFAULT, fenced = true WHERE run = %(run)s", given)
    db.execute(_COUNT_ANEW, given)
    now = int(time.time() * 1000)
    db.execute(_NOTE, (run, PURGED, str(now)))
    db.execute(_AUDIT, (run, now, oneself()))
    return sum(counts.values())
