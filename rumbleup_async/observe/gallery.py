"""The ledgers that a page shows: files, those of folders, runs of databases.

Lives here: finding them. To be used by one thread.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rumbleup_async.errors import ConfigurationError, LedgerError
from rumbleup_async.ledger.files import is_held
from rumbleup_async.ledger.schema import APPLICATION
from rumbleup_async.observe.ledgers import LedgerFile, LedgerInDatabase, RunLedger
from rumbleup_async.observe.watched import Watched
from rumbleup_async.postgres.address import Address, is_address, parse

if TYPE_CHECKING:
    from rumbleup_async.postgres.watched import Database

Where = str | Path | Address
"""A ledger, a folder of ledgers, a run in a database, or a database: `postgresql://USER@HOST/DB?run=NAME`."""

_BESIDE = ("-wal", "-shm", "-lock", "-journal", "-steps")


def place_of(where: Where) -> Path | Address:
    """What is meant. ConfigurationError for what cannot be a ledger."""
    if isinstance(where, str):
        if is_address(where):
            return parse(where, needs_run=False)
        if "://" in where:
            raise ConfigurationError("a ledger is a file, or in a database: postgresql://USER@HOST/DB?run=NAME")
        return Path(where)
    return where


class Gallery:
    """All ledgers of some files, folders and databases, in the order in which they are named; those of a folder or a database
    with the newest first."""

    def __init__(self, where: Iterable[Where], clock: Callable[[], float] = time.time) -> None:
        self._places = tuple(place_of(one) for one in where)
        self._clock = clock
        self._known: dict[str, Watched] = {}
        self._kinds: dict[Path, tuple[object, bool]] = {}
        """Of files in folders whether they are ledgers, and how they were then."""
        self._databases: dict[Address, Database] = {}
        self._of_database: dict[Address, list[RunLedger]] = {}
        """The runs that were found in a database when it could be asked last."""

    def ledgers(self) -> Sequence[Watched]:
        """Those that are there now."""
        found = {ledger.id: ledger for ledger in self._found()}
        for name in self._known.keys() - found.keys():
            self._known.pop(name).close()
        for name, ledger in found.items():
            if name not in self._known:
                self._known[name] = Watched(ledger, self._clock)
        return [self._known[name] for name in found]

    def _found(self) -> Iterator[RunLedger]:
        for place in self._places:
            if isinstance(place, Address):
                yield from self._runs_of(place)
            elif place.is_dir():
                with contextlib.suppress(OSError):  # a folder that may not be read, or is just being taken away
                    within = [inner for inner in place.iterdir() if self._is_ledger(inner)]
                    yield from map(LedgerFile, sorted(within, key=_age))
            else:
                yield LedgerFile(place)

    def _runs_of(self, address: Address) -> list[RunLedger]:
        database = self._databases.get(address)
        if database is None:
            from rumbleup_async.postgres.watched import Database  # its driver is an extra

            database = self._databases[address] = Database(address)
        if address.run:
            return [LedgerInDatabase(database, address.run)]
        try:
            found: list[RunLedger] = [LedgerInDatabase(database, run) for run in database.runs()]
        except LedgerError:
            # Whoever looks at a run is told what is the matter; with none known, that is all there is to be seen.
            return self._of_database.get(address) or [LedgerInDatabase(database, "")]
        self._of_database[address] = found
        return found

    def _is_ledger(self, path: Path) -> bool:
        """The same as before of a file that has not changed."""
        try:
            found = path.stat()
        except OSError:
            return False
        key = found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size
        before = self._kinds.get(path)
        if before is None or before[0] != key:
            self._kinds[path] = before = key, is_ledger(path)
        return before[1] or is_held(path)

    def close(self) -> None:
        """Let go of all ledgers."""
        for watched in self._known.values():
            watched.close()
        self._known.clear()
        for database in self._databases.values():
            database.close()
        self._databases.clear()


def _age(path: Path) -> tuple[float, str]:
    try:
        return -path.stat().st_mtime, path.name
    except OSError:
        return 0.0, path.name


def is_ledger(path: Path) -> bool:
    """Whether a file is a ledger of ours: one that a process has in hand, or by what SQLite says of it.

    It is never opened but by SQLite, and what lies beside a ledger is not opened at all. Closing a file drops every lock that
    this process, a run of it perhaps, holds on it (POSIX), and SQLite alone waits with that.
    """
    if path.name.endswith(_BESIDE):
        return False
    try:
        if path.is_symlink() or not path.is_file():
            return False
    except OSError:
        return False
    if is_held(path):
        return True  # a new one is in its write-ahead log only
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
            return bool(db.execute("PRAGMA application_id").fetchone()[0] == APPLICATION)
    except sqlite3.Error as error:
        return error.sqlite_errorcode == sqlite3.SQLITE_CORRUPT  # whoever looks into it says what is the matter
