"""Receipts in an SQLite file beside the ledger, so that a run under way is never waited for.

Lives here: that file. It has no phone and no text in it, only rows of the ledger and ids.

    SELECT row, delivery, code FROM receipt WHERE delivery = 'undelivered'
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from rumbleup_async.errors import LedgerError
from rumbleup_async.receipts.store import Store
from rumbleup_async.receipts.told import Receipt

ENDING: Final = "-receipts"
_APPLICATION: Final = 0x52554152
"""SQLite's application_id of these files ("RUAR")."""
_SCHEMA: Final = 1

_TABLES: Final = (
    """CREATE TABLE receipt (
    row       INTEGER PRIMARY KEY,
    logid     TEXT NOT NULL,
    delivery  TEXT NOT NULL,
    code      TEXT NOT NULL,
    words     TEXT NOT NULL,
    at        INTEGER NOT NULL,
    replied   INTEGER,
    opted_out INTEGER,
    is_open   INTEGER NOT NULL
)""",
    "CREATE INDEX open_ones ON receipt (row) WHERE is_open",
    # How many contacts are counted under a name; and of each code of an undelivered text the words of one.
    "CREATE TABLE total (name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE word (code TEXT PRIMARY KEY, words TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE note (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
)
_COLUMNS: Final = "row, logid, delivery, code, words, at, replied, opted_out, is_open"
_AT_ONCE: Final = 1000


def beside(ledger: Path) -> Path:
    """The file of a ledger's receipts."""
    return ledger.with_name(ledger.name + ENDING)


class ReceiptFile(Store):
    """The file of a ledger, made where there is none if `makes`. `run`: whose receipts; those of a run that stood at this place
    before are left out, and make room once they are written. Raises LedgerError."""

    def __init__(self, ledger: Path, run: str, *, makes: bool) -> None:
        self.path = beside(ledger)
        self._run = run
        if self.path.is_symlink():
            raise LedgerError(f"{self.path} is a symbolic link; receipts are kept in a file of their own")
        if makes:
            with self._telling(), contextlib.suppress(FileExistsError):
                os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        elif not self.path.exists():
            raise LedgerError(f"{self.path}: there is no such file")
        with self._telling():
            mode = "rw" if makes else "ro"
            self._db = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode={mode}",
                uri=True,
                isolation_level=None,
                timeout=10,
                check_same_thread=False,
            )
        try:
            with self._telling():
                self._prepare(makes=makes)
        except BaseException:
            self._db.close()
            raise

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise LedgerError(f"{self.path}: {error}") from None
        except OSError as error:
            raise LedgerError(f"{self.path}: {error.strerror}") from None

    def _prepare(self, *, makes: bool) -> None:
        db = self._db
        self._is_ours = False
        if makes:
            db.execute("PRAGMA synchronous = FULL")
            with self._writing():
                if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                    for statement in _TABLES:
                        db.execute(statement)
                    db.execute(f"PRAGMA application_id = {_APPLICATION}")
                    db.execute(f"PRAGMA user_version = {_SCHEMA}")
                self._check()
                if self._noted("run") not in {None, self._run}:
                    for table in ("receipt", "total", "word", "note"):
                        db.execute(f"DELETE FROM {table}")
                self._note({"run": self._run})
        elif db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            self._check()
        else:
            return  # somebody is making it at this moment
        self._is_ours = self._noted("run") == self._run

    def _check(self) -> None:
        if self._db.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION:
            raise LedgerError(f"{self.path} is no file of receipts; move it away")
        if self._db.execute("PRAGMA user_version").fetchone()[0] > _SCHEMA:
            raise LedgerError(f"{self.path} was written by a newer version of rumbleup_async; update to use it")

    def _noted(self, key: str) -> str | None:
        found = self._db.execute("SELECT value FROM note WHERE key = ?", (key,)).fetchone()
        return None if found is None else str(found[0])

    def note(self, key: str) -> str | None:
        """As `Store`."""
        with self._telling():
            return self._noted(key) if self._is_ours else None

    def between(self, first: int, last: int) -> dict[int, Receipt]:
        """As `Store`."""
        return self._select("row BETWEEN ? AND ?", first, last)

    def open_rows(self) -> Iterator[list[Receipt]]:
        """As `Store`."""
        after = -1
        while found := list(self._select(f"is_open AND row > ? ORDER BY row LIMIT {_AT_ONCE}", after).values()):
            after = found[-1].row
            yield found

    def _select(self, condition: str, *values: object) -> dict[int, Receipt]:
        if not self._is_ours:
            return {}
        with self._telling():
            found = self._db.execute(f"SELECT {_COLUMNS} FROM receipt WHERE {condition}", values).fetchall()
        return {row: Receipt(row, *rest) for row, *rest in found}  # SQLite has 0 and 1 for false and true

    def _of_rows(self, rows: Sequence[int]) -> dict[int, Receipt]:
        return self._select("row IN (SELECT value FROM json_each(?))", msgspec.json.encode(rows).decode())

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._telling():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _write(self, changed: Sequence[Receipt], more: Mapping[str, int]) -> None:
        db = self._db
        db.executemany(
            f"INSERT OR REPLACE INTO receipt ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [msgspec.structs.astuple(receipt) for receipt in changed],
        )
        db.executemany(
            "INSERT INTO total VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET number = number + excluded.number", more.items()
        )
        words = {receipt.code: receipt.words for receipt in changed if receipt.delivery and receipt.words}
        db.executemany("INSERT OR IGNORE INTO word VALUES (?, ?)", words.items())

    def _note(self, notes: Mapping[str, str]) -> None:
        self._db.executemany("INSERT OR REPLACE INTO note VALUES (?, ?)", notes.items())

    def _totals(self) -> list[tuple[str, int]]:
        if not self._is_ours:
            return []
        with self._telling():
            return self._db.execute("SELECT name, number FROM total").fetchall()

    def _words(self) -> dict[str, str]:
        if not self._is_ours:
            return {}
        with self._telling():
            return dict(self._db.execute("SELECT code, words FROM word LIMIT 10000").fetchall())

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()
