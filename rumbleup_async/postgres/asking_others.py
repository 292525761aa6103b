"""Asking something of the machines that send a run: pause, continue, stop.

Lives here: what whoever asks does. A pause and a continue hold once they are written, for those who come later, too; a stop is
for those who send now.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, Final

from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger.asking import PATIENCE, Asked
from rumbleup_async.pauses import Pause, Request, Wish, now
from rumbleup_async.postgres import pausing, server, versions
from rumbleup_async.postgres.address import Address
from rumbleup_async.postgres.others import LIVES
from rumbleup_async.postgres.tables import SCHEMA

if TYPE_CHECKING:
    from rumbleup_async.postgres.server import Connection

_LOOK_EVERY: Final = 0.1
_SENDERS: Final = f"SELECT o.id, o.heard FROM {SCHEMA}.owner o WHERE o.run = %s AND NOT o.fenced AND {LIVES}"
_IS_FINISHED: Final = f"""SELECT EXISTS (SELECT FROM {SCHEMA}.fact WHERE run = %(run)s AND key = 'list')
    AND ({SCHEMA}.counts_of(%(run)s))[1] = 0"""


def ask_all(address: Address, what: Wish, who: str, why: str = "", *, patience: float = PATIENCE) -> Asked:
    """Ask it of all machines that send the run, and wait until each has heard it or ended. Raises LedgerError: no such run,
    nobody is left to be texted, no process runs that could be stopped."""
    versions.prepare(address, makes=False)
    request = Request(what, who, why, now())
    with contextlib.closing(server.connect_here(address)) as db, server.telling(address):
        run = run_of(db, address)
        before = _pause(db, run)
        senders = {owner for owner, _ in db.execute(_SENDERS, (run,)).fetchall()}
        if what is Wish.STOP and not senders:
            raise LedgerError(f"no process sends {address}, so there is nothing to stop; a pause also holds the next one")
        if what is Wish.PAUSE and server.one_here(db.execute(_IS_FINISHED, {"run": run})):
            raise LedgerError(f"{address}: nobody is left to be texted, so there is nothing to pause")
        if what is Wish.CONTINUE and before is None:
            return Asked(None, None, is_running=bool(senders))
        number = _write(db, run, request)
        until = time.monotonic() + patience
        while waiting := senders & {owner for owner, heard in db.execute(_SENDERS, (run,)).fetchall() if heard < number}:
            if time.monotonic() > until:
                break
            time.sleep(_LOOK_EVERY)
        return Asked(before, _pause(db, run), is_running=bool(senders), is_heeded=not waiting)


def stop_all(address: Address, who: str, why: str) -> bool:
    """Ask all machines that send the run to stop, where there is another beside ours; nobody is waited for. Whether there is.
    Raises LedgerError."""
    with contextlib.closing(server.connect_here(address)) as db, server.telling(address):
        run = run_of(db, address)
        are_several = len(db.execute(_SENDERS, (run,)).fetchall()) > 1
        if are_several:
            _write(db, run, Request(Wish.STOP, who, why, now()))
    return are_several


def run_of(db: Connection, address: Address) -> int:
    """The number of the run of this name; LedgerError where there is none."""
    found = db.execute(f"SELECT id FROM {SCHEMA}.run WHERE name = %s", (address.run,)).fetchone()
    if found is None:
        raise LedgerError(f"{address}: there is no run of this name; see those that are there: rumbleup ledgers")
    return int(found[0])


def _pause(db: Connection, run: int) -> Pause | None:
    found: Any = db.execute(pausing.CURRENT, (run,)).fetchone()
    return None if found is None else Pause(*found)


def _write(db: Connection, run: int, request: Request) -> int:
    given = pausing.values_of(run, request)
    with db.transaction():
        db.execute(f"SELECT {SCHEMA}.durable()")
        db.execute(pausing.LOCK, (run,))
        if request.what is not Wish.STOP:
            db.execute(pausing.PAUSE if request.what is Wish.PAUSE else pausing.CONTINUE, given)
        return int(server.one_here(db.execute(f"{pausing.NOTE} RETURNING id", given)))
