"""Which run a ledger file holds, and whether this process may go on with it.

Lives here: the questions that are asked of a file on SQLite as it is opened for writing, before anything of the run is changed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

import msgspec

from rumbleup_async.errors import LedgerError, LedgerMismatch
from rumbleup_async.ledger import carrying, keeping, marks, schema, settling, standing, tally
from rumbleup_async.ledger import identity as identities
from rumbleup_async.ledger.files import how_it_ended, instead, read_stop, value_of
from rumbleup_async.ledger.held_file import HeldFile
from rumbleup_async.ledger.identity import Consent
from rumbleup_async.ledger.plans import compare
from rumbleup_async.messaging import Identity, Plan
from rumbleup_async.pauses import oneself
from rumbleup_async.reasons import Code
from rumbleup_async.stops import Cause

_OF_THE_CAP: Final = """DELETE FROM waiting
    WHERE row IN (SELECT waiting.row FROM waiting JOIN contact USING (row) WHERE state = 0 AND code = ?)"""
PURGED: Final = "purged"
"""Under which key a ledger keeps when the people were taken out of it."""


def version() -> str:
    """Of this package, asked of the front door, which no room may import."""
    return str(getattr(sys.modules[__name__.partition(".")[0]], "__version__", "unknown"))


def note_audit(file: HeldFile, what: str, detail: str) -> None:
    """Within a transaction: somebody has done this with the ledger now."""
    values = (file.now(), oneself(), what, detail or None)
    file.db.execute("INSERT INTO audit (time, who, what, detail) VALUES (?, ?, ?, ?)", values)


def check(file: HeldFile, plan: Plan, identity: Identity | None, consent: Consent, *, is_used: Callable[[], bool]) -> list[str]:
    """LedgerError, or LedgerMismatch, if this process may not go on with the run that is there; else what is to be said of it."""
    notes = [
        check_standing(file, plan, is_used=is_used, original=consent.original),
        check_identity(file, identity, consent, is_used=is_used),
    ]
    return [note for note in notes if note]


def check_standing(file: HeldFile, plan: Plan, *, is_used: Callable[[], bool], original: bool) -> str:
    """What is to be said of where this file stands, "" for nothing. LedgerError for a copy whose original is still there."""
    db, lock = file.db, file.lock
    stored = value_of(db, "place")
    file.opened = int(value_of(db, "opened") or 0)
    if stored is None:
        # Of an older version, which forgot that what it queued again after an absence had been tried.
        words = schema.words_of(db)
        found = f"SELECT 1 FROM contact WHERE state = 0 AND attempts > 0 AND {words} IS NULL LIMIT 1"  # noqa: S608
        if db.execute(found).fetchone():
            file.write("tried", "1")
        return ""
    try:
        before = msgspec.json.decode(stored, type=standing.Standing)
    except msgspec.MsgspecError:
        return ""
    if not is_used():
        return ""  # nobody has been texted by it, nor by whatever it is a copy of
    known = marks.read_note(lock).get("opened", 0) if lock is not None else 0
    return standing.check(
        file.path, before, standing.here(file.path), plan.run, is_set_back=known > file.opened, original=original
    )


def check_identity(file: HeldFile, now: Identity | None, consent: Consent, *, is_used: Callable[[], bool]) -> str:
    """LedgerMismatch unless whoever opens it is of the server and the account to which its texts went. It binds once one may have
    left. What is to be said of it, "" for nothing."""
    if now is None:
        return ""
    stored = value_of(file.db, "identity")
    if stored is None:
        return identities.adopted(str(file.path), now)
    if is_used():
        identities.check(msgspec.json.decode(stored, type=Identity), now, consent, str(file.path))
    return ""


def settle_plan(file: HeldFile, stored: Plan | None, plan: Plan | None, *, is_used: Callable[[], bool]) -> tuple[Plan, bool]:
    """Which run this is: the one that is there, or a new one where none is there or none of its texts was ever tried. And whether
    its contacts are in the states in which the last process has left them."""
    db, path = file.db, file.path
    if stored is not None and value_of(db, PURGED) is not None:
        raise LedgerError(f"{path} was purged: nobody is left in it but counts; a new run needs another ledger")
    if stored is None:
        if plan is None:
            raise LedgerError(f"{path} holds no run to resume")
        with file.transaction():
            schema.create(db)
            file.write("plan", msgspec.json.encode(plan).decode())
        return plan, False
    if plan is None and value_of(db, "loading") is not None:
        raise LedgerError(f"{path}: its list was not read to its end; send the same list again")
    differing = [] if plan is None else compare(stored, plan)
    if differing and is_used():
        raise LedgerMismatch(
            f"{path} was begun with another {' and another '.join(differing)}, and texts of it may have left; {instead(path)}"
        )
    # From here on nothing is refused any more.
    with file.transaction():
        schema.upgrade(db)
        tally.take_away(db)
        is_as_left = not settling.put_back(db)  # of whom an earlier process has looked up nobody knows what the log shows by now
        stop = read_stop(how_it_ended(db) or "")
        if stop is not None and stop.cause in (Cause.DAILY_CAP, Cause.LEFT_OVER):
            # Whoever goes on after this says that the cap is reset, or raised; if not, one of the first texts stops the run anew.
            db.execute(_OF_THE_CAP, (Code.DAILY_CAP,))
    if plan is None or not differing:
        return stored, is_as_left
    _begin_anew(file, plan)
    return plan, False


def _begin_anew(file: HeldFile, plan: Plan) -> None:
    with file.transaction() as db:
        db.execute("DELETE FROM contact")
        schema.forget(db)
        carrying.forget(db)
        db.execute("DELETE FROM run WHERE key != ?", (marks.KEY,))
        keeping.forget(db)
        db.execute("DROP INDEX IF EXISTS one_text_a_phone")
        db.execute(schema.ONE_TEXT_A_PHONE)
        file.write("plan", msgspec.json.encode(plan).decode())


def note_opening(file: HeldFile, identity: Identity | None) -> None:
    """Within a transaction: where the ledger stands, whose it is, that it was opened once more, and that how this process ends is
    not known yet."""
    file.db.execute("DELETE FROM run WHERE key IN ('stop', 'stopped')")
    file.db.execute("DELETE FROM total")  # of a process that is dead; what it had in flight is not so any more
    count_the_dead(file)
    file.opened += 1
    file.write("opened", str(file.opened))
    file.write("place", msgspec.json.encode(standing.here(file.path)).decode())
    where = (
        "; the server is on this machine, a rehearsal unless --rehearsal no was given"
        if identity is not None and identities.is_here(identity.server)
        else ""
    )
    note_audit(file, "opened", f"version {version()}{where}")
    if identity is not None:
        file.write("identity", msgspec.json.encode(identity).decode())


def count_the_dead(file: HeldFile) -> None:
    """Within a transaction: a process that died has not said how long it was sending; its last text has."""
    began = value_of(file.db, "began")
    if began is not None:
        last = file.db.execute("SELECT max(time) FROM contact").fetchone()[0] or 0
        add_elapsed(file, max(0, last - int(began)) / 1000)


def add_elapsed(file: HeldFile, seconds: float) -> None:
    """Within a transaction: so many seconds more were spent on sending."""
    file.write("elapsed", str(float(value_of(file.db, "elapsed") or 0.0) + seconds))
    file.db.execute("DELETE FROM run WHERE key = 'began'")
