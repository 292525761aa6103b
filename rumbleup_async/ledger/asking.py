"""Asking something of a run from another process: pause, continue, stop.

Lives here: who does what is asked. A process that holds the ledger is asked by a file, and does it within a fraction of a second;
where there is none, the ledger is taken for a moment and written here.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import msgspec

from rumbleup_async.errors import LedgerError, LedgerLocked
from rumbleup_async.ledger import marks, pausing, requests, schema
from rumbleup_async.ledger.files import check_file, check_kind, check_name, is_held, read_plan, reading, value_of
from rumbleup_async.ledger.held_file import HeldFile
from rumbleup_async.pauses import Pause, Request, Wish, now

_LOOK_EVERY = 0.05
PATIENCE = 10.0
"""Seconds that a run is given to heed a request, before whoever asked is told that it has not yet."""


class Asked(msgspec.Struct, frozen=True):
    """What came of it. `before`, `after`: the pause that held. `is_running`: a process had the ledger."""

    before: Pause | None
    after: Pause | None
    is_running: bool
    is_heeded: bool = True


def ask(path: Path, what: Wish, who: str, why: str = "", *, patience: float = PATIENCE) -> Asked:
    """Ask it of the run in this ledger, and wait until that is done.

    A pause and a continue that are not heeded in time stand, and are heeded later; a stop stands for the process that runs now.
    Raises LedgerError: no ledger, nobody is left to be texted, no process runs that could be stopped.
    """
    request = Request(what, who, why, now(), marks.note_of(path).get("opened", 0))
    before, _ = _look(path, request)
    if what is Wish.CONTINUE and before is None and not (is_held(path) or requests.name_of(path).exists()):
        return Asked(None, None, is_running=False)
    until = time.monotonic() + patience
    is_posted = False
    while True:
        if not is_held(path):
            if what is Wish.STOP:
                _, is_heeded = _look(path, request)
                if is_heeded:
                    return Asked(before, before, is_running=True)
                raise LedgerError(f"no process sends {path}, so there is nothing to stop; a pause also holds the next one")
            try:
                return Asked(before, _write(path, request), is_running=False)
            except LedgerLocked:
                continue  # somebody has just begun
        if not is_posted:
            _post(path, request)
            is_posted = True
        after, is_heeded = _look(path, request)
        if is_heeded:
            return Asked(before, after, is_running=True)
        if time.monotonic() > until:
            return Asked(before, after, is_running=True, is_heeded=False)
        time.sleep(_LOOK_EVERY)


def paused(path: Path) -> Pause | None:
    """The pause that holds in this ledger. LedgerError for a file that is none."""
    return _look(path, Request(Wish.PAUSE, ""))[0]


def _post(path: Path, request: Request) -> None:
    try:
        requests.post(path, request)
    except OSError as error:
        raise LedgerError(f"{requests.name_of(path)}: {error.strerror or error}; only who may write there can steer it") from None


def _look(path: Path, request: Request) -> tuple[Pause | None, bool]:
    """The pause that holds, and whether this request is in the books. Writes nothing."""
    check_file(path, missing_is_fine=False)
    with reading(path):
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        try:
            check_kind(db, path)
            if read_plan(db, path) is None:
                raise LedgerError(f"{path} holds no run yet")
            if schema.version_of(db) == 1:
                return None, False
            return pausing.current(db), pausing.is_heeded(db, request)
        finally:
            db.close()


def _write(path: Path, request: Request) -> Pause | None:
    """Write it into a ledger that nobody holds, behind what was asked for before. The pause that holds then."""
    check_name(path)
    file = HeldFile(path, time.time)
    file.take_lock()
    try:
        with reading(path):
            file.open(is_loss_accepted=False)
            if request.what is Wish.PAUSE and _is_finished(file.db):
                raise LedgerError(f"{path}: nobody is left to be texted, so there is nothing to pause")
            found, size = requests.read(path)
            with file.transaction() as db:
                schema.upgrade(db)
                for one in [*found, request]:
                    if one.what is not Wish.STOP:
                        pausing.heed(db, one)
            requests.done(path, size)
            return pausing.current(file.db)
    finally:
        file.close(is_litter=False)


def _is_finished(db: sqlite3.Connection) -> bool:
    """Whether the list is in to its end, and nobody of it is queued."""
    return value_of(db, "list") is not None and not db.execute("SELECT 1 FROM contact WHERE state = 0 LIMIT 1").fetchone()
