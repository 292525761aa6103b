"""A ledger without the people in it: texts, names and phones go, counts and results stay.

Lives here: when that may be done, and the statements.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import beginning, carrying, keeping, schema, states, tally
from rumbleup_async.ledger.files import check_file, check_name, said, value_of
from rumbleup_async.ledger.held_file import HeldFile
from rumbleup_async.messaging import State
from rumbleup_async.reasons import Code


def purge(path: Path, *, unsent: bool = False) -> int:
    """Take texts, names, kept columns and all but the last two digits of phones out of a ledger. How many contacts it has.

    The file is written anew, so that nothing of them is left in its free pages. `unsent`: contacts that are still queued are
    given up, and become `not_sent`.

    Raises LedgerLocked where a run has it open, and LedgerError for a ledger in which somebody is still queued, or unknown: only
    the phone could settle that.
    """
    check_file(path, missing_is_fine=False)
    check_name(path)
    file = HeldFile(path, time.time)
    file.take_lock()
    try:
        if file.open(is_loss_accepted=False) is None:
            raise LedgerError(f"{path} holds no run")
        number = _purge(file, unsent=unsent)
        file.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        file.db.execute("VACUUM")
        file.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise LedgerError(f"{path}{said(error)}") from None
    finally:
        file.close(is_litter=False)
    return number


def _purge(file: HeldFile, *, unsent: bool) -> int:
    db, path = file.db, file.path
    if value_of(db, beginning.PURGED) is not None:
        raise LedgerError(f"{path} was purged already")
    counts = dict(db.execute("SELECT state, count(*) FROM contact GROUP BY state").fetchall())
    if open_now := counts.get(1, 0) + counts.get(6, 0):
        raise LedgerError(
            f"{path}: {open_now} contacts are unknown, and without their phones nobody could look them up any more; "
            "reconcile first"
        )
    if counts.get(0, 0) and not unsent:
        raise LedgerError(f"{path}: {counts[0]} contacts are still to be texted; resume the run, or give them up with --unsent")
    with file.transaction():
        schema.upgrade(db)
        tally.take_away(db)
        db.execute("DROP INDEX IF EXISTS one_text_a_phone")
        given_up = states.NUMBERS[State.NOT_SENT], Code.GIVEN_UP
        db.execute("UPDATE contact SET state = ?, code = ?, detail = NULL WHERE state = 0", given_up)
        db.execute(
            """UPDATE contact SET text = NULL, name = NULL,
            phone = CASE WHEN length(phone) > 2 THEN '********' || substr(phone, -2) ELSE '' END"""
        )
        db.execute("DELETE FROM waiting")
        carrying.forget(db)
        keeping.forget(db)
        file.write(beginning.PURGED, str(file.now()))
        beginning.note_audit(file, "purged", "")
    return sum(counts.values())
