"""Where a run that is watched has its ledger: a file, or a database.

Lives here: what both have in common for whoever looks again and again, and asks something of the run.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from rumbleup_async import receipts
from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger.asking import Asked, ask
from rumbleup_async.ledger.files import is_held
from rumbleup_async.ledger.run_reader import RunReader
from rumbleup_async.pauses import Wish
from rumbleup_async.receipts import Counts

if TYPE_CHECKING:
    from rumbleup_async.postgres.run_reader import RunReader as DatabaseReader
    from rumbleup_async.postgres.watched import Database

    AnyReader = RunReader | DatabaseReader


class Seen(NamedTuple):
    """How it was at a moment, as far as that can be told without reading it. `run`: of another one nothing that is kept holds.
    While `rest` stays the same and no process sends, nothing has changed."""

    run: object
    rest: object
    is_running: bool


class RunLedger(Protocol):
    """The ledger of one run. `id`: of no other one, and without its path. `name`: for people."""

    id: str
    name: str

    def seen(self) -> Seen:
        """How it is now. LedgerError or OSError where it is not there."""

    def open(self) -> AnyReader:
        """A look into it. LedgerError for what is none."""

    def ask(self, what: Wish, who: str) -> Asked:
        """Ask this of the run. LedgerError, OSError."""

    def receipts(self, run: str) -> Counts:
        """What became of its texts. `run`: its ten letters. LedgerError."""

    receipts_every: float
    """Seconds after which that may be asked again."""

    def told(self, error: Exception) -> str:
        """The words of an error for whoever looks at the page, without where the ledger is."""


class LedgerFile:
    """Fits `RunLedger`: of a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self.id = _id(os.fsencode(path.absolute()))

    def seen(self) -> Seen:
        """As `RunLedger`."""
        is_running, found = is_held(self.path), self.path.stat()
        rest = [found.st_mtime_ns, found.st_size]
        with contextlib.suppress(OSError):
            beside = self.path.with_name(self.path.name + "-wal").stat()
            if beside.st_size:  # whoever looks makes an empty one
                rest += [beside.st_mtime_ns, beside.st_size]
        return Seen((found.st_dev, found.st_ino), rest, is_running)

    def open(self) -> RunReader:
        """As `RunLedger`."""
        return RunReader(self.path)

    def ask(self, what: Wish, who: str) -> Asked:
        """As `RunLedger`."""
        return ask(self.path, what, who)

    receipts_every = 2.0

    def receipts(self, run: str) -> Counts:
        """As `RunLedger`."""
        return receipts.counts(self.path, run)

    def told(self, error: Exception) -> str:
        """As `RunLedger`."""
        return str(error).replace(str(self.path), self.name)


class LedgerInDatabase:
    """Fits `RunLedger`: of a run in a database."""

    def __init__(self, database: Database, run: str) -> None:
        self._database = database
        self.name = run or "database"
        self.address = database.address.of(run)
        self.id = _id(str(self.address).encode())

    def seen(self) -> Seen:
        """As `RunLedger`."""
        found = self._database.runs().get(self.address.run)
        if found is None:
            raise LedgerError(f"{self.address}: there is no run of this name")
        return Seen((found.id, found.began), (found.counts, found.stop, found.pause), found.is_running)

    def open(self) -> DatabaseReader:
        """As `RunLedger`."""
        return self._database.reader(self.address.run)

    def ask(self, what: Wish, who: str) -> Asked:
        """As `RunLedger`. Takes a connection of its own, which may write."""
        from rumbleup_async.postgres.asking_others import ask_all

        return ask_all(self.address, what, who)

    receipts_every = 20.0

    def receipts(self, run: str) -> Counts:
        """As `RunLedger`. Takes a connection of its own."""
        return receipts.counts(self.address, run)

    def told(self, error: Exception) -> str:
        """As `RunLedger`."""
        return str(error).replace(str(self.address), self.name).replace(str(self._database.address), self.name)


def _id(words: bytes) -> str:
    return hashlib.blake2b(words, digest_size=6).hexdigest()
