"""The ledger's file on the disk: what it must look like before anybody trusts it, and how its rows are read.

Lives here: checks and reads that the writer and the reader share.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from rumbleup_async import stops
from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import states
from rumbleup_async.ledger.keeping_reasons import KIND, reason_of
from rumbleup_async.ledger.schema import APPLICATION, WITH_STEPS
from rumbleup_async.messaging import Plan, Result, State
from rumbleup_async.patterns import when_used
from rumbleup_async.reasons import Reason
from rumbleup_async.shell import pasteable
from rumbleup_async.stops import Stop

_address = when_used(r"([A-Za-z][A-Za-z0-9+.-]*):/")


def path_of(path: str | os.PathLike[str]) -> Path:
    """The file that is meant; LedgerError for an address. What stands in it is not repeated: it may hold a password."""
    text = os.fspath(path)
    found = _address.match(text)
    # A path object has lost one of the two slashes.
    if found and ("://" in text or not Path(text).parent.is_dir()):
        what = f"a ledger is a file on this machine, or a run in a PostgreSQL database; {found[1]}://... is neither"
        if found[1].startswith("postgres"):
            what = f"a ledger is a file on this machine; an address ({found[1]}://...) cannot hold one here"
        raise LedgerError(f"{what}: give a path")
    return Path(path)


def check_file(path: Path, *, missing_is_fine: bool) -> None:
    """LedgerError unless `path` is a plain file of its own, or may be made one.

    It is not opened: closing it again would drop every lock that this process, a run of it perhaps, holds on the file (POSIX),
    and the next program that looks into it would take the write-ahead log away under the run.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        if not missing_is_fine:
            raise LedgerError(f"{path}: there is no such ledger") from None
        if not path.parent.is_dir():
            raise LedgerError(f"{path.parent}: there is no such folder for the ledger") from None
        return
    except OSError as error:
        raise LedgerError(f"{path}: {error.strerror}") from None
    if stat.S_ISLNK(found.st_mode):
        raise LedgerError(f"{path} is a symbolic link; a ledger must be a file of its own")
    if not stat.S_ISREG(found.st_mode):
        raise LedgerError(f"{path} is not a file")


def check_name(path: Path) -> None:
    """LedgerError if the file at `path` has another name, under which another run would have another lock."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_nlink > 1:
            raise LedgerError(f"{path} has another name (a hard link); make a copy of it and take away one of the names")


def another(path: Path) -> Path:
    """A name for a new ledger beside this one, which nobody has yet."""
    number = 2
    while (free := path.with_name(f"{path.stem}-{number}{path.suffix}")).exists() and number < 1000:
        number += 1
    return free


def instead(path: Path) -> str:
    """What to do for whoever wants another run than the one in this ledger, without texting anybody twice."""
    return (
        "for a new run that leaves out whoever this one has texted, add: "
        f"--suppress {pasteable(path)} --ledger {pasteable(another(path))}"
    )


def places(path: Path) -> tuple[list[tuple[int, int]], int]:
    """Which files are at the ledger's names at this moment, and when the main one was written last; OSError if one is gone."""
    found = [name.stat() for name in (path, beside(path, "-wal"), beside(path, "-lock"))]
    return [(one.st_dev, one.st_ino) for one in found], found[0].st_mtime_ns


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """What SQLite says against reading within it, or what no ledger holds, becomes a LedgerError that names the file."""
    try:
        yield
    except sqlite3.Error as error:
        raise LedgerError(f"{path}{said(error)}") from None
    except ValueError as error:
        raise LedgerError(f"{path} cannot be read: {error}") from None


def said(error: sqlite3.Error) -> str:
    """SQLite's words, to stand behind the path."""
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_NOTADB:
        return " is not a ledger but a file of another kind, or its beginning is damaged"
    if code == sqlite3.SQLITE_READONLY_ROLLBACK:
        return ": a write to it was interrupted; sending it again, or a resume, puts it right, and then it can be read"
    return f": {error}"


def beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def is_held(path: Path) -> bool:
    """Whether a process has the ledger in hand now."""
    try:
        lock = os.open(beside(path, "-lock"), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def check_kind(db: sqlite3.Connection, path: Path) -> None:
    application = db.execute("PRAGMA application_id").fetchone()[0]
    version = db.execute("PRAGMA user_version").fetchone()[0]
    empty = not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if empty:
        return
    if application != APPLICATION:
        raise LedgerError(f"{path} is a database of another program")
    if version > WITH_STEPS:
        raise LedgerError(f"{path} was written by a newer version of rumbleup_async (schema {version}); update to use it")


def read_plan(db: sqlite3.Connection, path: Path) -> Plan | None:
    if not db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'run'").fetchone()[0]:
        return None
    stored = value_of(db, "plan")
    if stored is None:
        return None
    try:
        return msgspec.json.decode(stored, type=Plan)
    except msgspec.MsgspecError:
        raise LedgerError(f"{path}: its record of the run cannot be read") from None


def value_of(db: sqlite3.Connection, key: str) -> str | None:
    found = db.execute("SELECT value FROM run WHERE key = ?", (key,)).fetchone()
    return None if found is None else found[0]


def how_it_ended(db: sqlite3.Connection) -> str | None:
    """What the process that sent last has written of its end, as `read_stop` takes it; None if it has not. Older ones
    wrote words."""
    written = value_of(db, "stop")
    if written is not None:
        return written
    words = value_of(db, "stopped")
    return None if words is None else written_stop(stops.from_words(words) if words else None)


def written_stop(stop: Stop | None) -> str:
    """A stop as the ledger keeps it; "" for the end of the list."""
    return "" if stop is None else msgspec.json.encode(stop).decode()


def read_stop(written: str) -> Stop | None:
    """The stop that was written so; LedgerError if it cannot be read."""
    try:
        return msgspec.json.decode(written, type=Stop) if written else None
    except msgspec.MsgspecError as error:
        raise LedgerError("the ledger does not say readably how the run ended") from error


def why_queued(db: sqlite3.Connection) -> list[tuple[Reason, int]]:
    """Why contacts are queued, and how many for each reason, the commonest first."""
    found = db.execute(
        """SELECT code, detail, count(*) FROM contact WHERE state = 0 GROUP BY code, detail ORDER BY 3 DESC, min(row)
        LIMIT 10000"""
    )
    return [(reason_of(code, detail), number) for code, detail, number in found.fetchall()]


def count_reasons(db: sqlite3.Connection) -> list[tuple[State, Reason, int]]:
    """How many contacts are in each state for each reason, without what differs from text to text."""
    found = db.execute(
        f"""SELECT state, code, detail, count(*) AS number FROM (SELECT state, {KIND} FROM contact)
        GROUP BY state, code, detail ORDER BY state, number DESC"""  # noqa: S608 - of constants
    )
    return [(states.BY_NUMBER[state], reason_of(code, detail), number) for state, code, detail, number in found.fetchall()]


class Part(NamedTuple):
    """So many contacts are in a state for a reason, and their texts take so many segments. `place`: of those who are queued, else
    0. `last`: Unix milliseconds of what became of the last of them, 0 where nobody knows."""

    state: State
    why: Reason
    number: int
    segments: int
    place: int = 0
    last: int = 0


def count_part(db: sqlite3.Connection, after: int, last: int) -> list[Part]:
    """The same of the rows behind `after`, up to `last`."""
    found = db.execute(
        f"""SELECT state, code, detail, count(*), sum(max(segments, 1)), shown, coalesce(max(time), 0) FROM
        (SELECT state, segments, time, iif(state = 0, place, 0) AS shown, {KIND} FROM contact WHERE row > ? AND row <= ?)
        GROUP BY state, code, detail, shown""",  # noqa: S608
        (after, last),
    )
    return [
        Part(states.BY_NUMBER[state], reason_of(code, detail), *counted) for state, code, detail, *counted in found.fetchall()
    ]


def select_rows(db: sqlite3.Connection, after: int, limit: int, condition: str) -> list[Result]:
    found = db.execute(
        f"""SELECT row, phone, state, code, detail, logid, attempts, time FROM contact
        WHERE row > ? {condition} ORDER BY row LIMIT ?""",  # noqa: S608
        (after, limit),
    )
    return [
        Result(row, phone, states.BY_NUMBER[state], reason_of(code, detail), logid or "", attempts, time or 0)
        for row, phone, state, code, detail, logid, attempts, time in found.fetchall()
    ]
