"""The file of a book: made for its owner alone, opened with care, and written by several processes at a time.

Lives here: what is done to the file as a whole, whatever stands in it.

WAL with synchronous=FULL: a claim must be on the disk before its text leaves, or a power cut would have somebody texted twice.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rumbleup_async.errors import BookError, BookLocked
from rumbleup_async.people import schema
from rumbleup_async.people.marks import Marks
from rumbleup_async.shell import pasteable

PATIENCE = 30.0
"""Seconds that another process may keep the book to itself."""

_NEW = 60.0
"""Seconds for which an empty file may be one that is just being made."""

_MAPPED = 1 << 32
"""Bytes of the file that are mapped at most."""

_CACHE = 64_000
"""KiB of pages kept at hand: half a million rows are 16 MB."""


class BookFile:
    """One connection to the file `path`, for any thread, one at a time. BookError for whatever is wrong with the file."""

    def __init__(self, path: Path, marks: Marks, *, patience: float = PATIENCE, makes_folder: bool = False) -> None:
        self.path = path
        self.marks = marks
        self._patience = patience
        self._makes_folder = makes_folder
        self._db: sqlite3.Connection | None = None
        self._place: list[tuple[int, int] | None] = []
        self._is_mapped = False
        self._lock = threading.RLock()

    def open(self) -> None:
        """Open the file, and make one where there is none. BookError, BookLocked."""
        with self._lock, self._told():
            self._check_file()
            if not self.path.exists():
                self._make()
            # An absolute path: SQLite may read `file:x` as an address, and open another file than the private one.
            db = sqlite3.connect(
                self.path.absolute(), timeout=self._patience, isolation_level=None, check_same_thread=False, cached_statements=256
            )
            try:
                self._settle(db)
            except BaseException:
                db.close()
                raise
            self._db = db
            self._is_mapped = False
            self._place = self._found()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._db is not None:
                with contextlib.suppress(sqlite3.Error):
                    self._db.close()
                self._db = None

    @contextmanager
    def reading(self, *, much: bool = False) -> Iterator[sqlite3.Connection]:
        """The connection, for as long as nobody else in this process uses it. `much`: it is asked about thousands, so the file is
        mapped into memory until somebody writes."""
        with self._lock, self._told():
            db = self._at_hand()
            if much and not self._is_mapped:
                # A page is looked at where it lies instead of being copied, which takes half of the time. While texts leave the
                # file is not mapped: whoever cuts a mapped file short ends the process.
                db.execute(f"PRAGMA mmap_size = {_MAPPED}")
                self._is_mapped = True
            yield db

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The same in a transaction, durable once the context is left. It is undone by an error."""
        with self._lock, self._told():
            db = self._at_hand()
            self._check_place()
            if self._is_mapped:
                db.execute("PRAGMA mmap_size = 0")
                self._is_mapped = False
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            self._check_place()

    # ---- care ----

    def _at_hand(self) -> sqlite3.Connection:
        if self._db is None:
            raise BookError(f"{self.path}: the book is not open")
        return self._db

    def _check_file(self) -> None:
        """Not by opening it: closing a descriptor would drop every lock that this process holds on the file (POSIX)."""
        try:
            found = self.path.lstat()
        except FileNotFoundError:
            if self._makes_folder:
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self.path.parent.is_dir():
                raise BookError(f"{self.path.parent}: there is no such folder for the book of people") from None
            return
        if stat.S_ISLNK(found.st_mode):
            raise BookError(f"{self.path} is a symbolic link; a book of people must be a file of its own")
        if not stat.S_ISREG(found.st_mode):
            raise BookError(f"{self.path} is not a file")
        # Another process may be making the book at this moment; whoever made it a while ago has filled it.
        if (
            not found.st_size
            and time.time() - found.st_mtime > _NEW
            and not self.path.with_name(self.path.name + "-wal").exists()
        ):
            raise BookError(
                f"{self.path} is empty, as a failed copy is: with a new book in its place everybody could be texted again; put a "
                "whole copy there, or delete it if the book is to begin anew"
            )

    def _make(self) -> None:
        with contextlib.suppress(FileExistsError):  # another process has just made it
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        directory = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _settle(self, db: sqlite3.Connection) -> None:
        """Make the tables in an empty file; refuse what is no book, or a newer one, or one of another key."""
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA fullfsync = ON")  # macOS: fsync alone leaves data in the drive's cache
        db.execute(f"PRAGMA cache_size = -{_CACHE}")
        db.execute("BEGIN IMMEDIATE")
        try:
            if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                schema.create(db, self.marks.check)
            self._check_kind(db)
            schema.upgrade(db)
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        # Nothing may be changed in another program's file, so the journal mode is set only after this check.
        self.path.chmod(0o600)
        mode = _log_mode(db)
        if mode != "wal":
            raise BookError(f"{self.path}: this file system cannot hold a write-ahead log (mode {mode}); use a local disk")
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()  # only a look opens the log for sure

    def _check_kind(self, db: sqlite3.Connection) -> None:
        if db.execute("PRAGMA application_id").fetchone()[0] != schema.APPLICATION:
            raise BookError(f"{self.path} is a database of another program")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if not 1 <= version <= schema.SCHEMA:
            raise BookError(f"{self.path} was written by a newer version of rumbleup_async (schema {version}); update to use it")
        check = db.execute("SELECT value FROM meta WHERE key = 'key'").fetchone()
        if check is None:
            raise BookError(f"{self.path} does not say how it keeps phones; it is damaged: take a copy of it that is whole")
        if check[0] == self.marks.check:
            return
        if not check[0]:
            raise BookError(
                f"{self.path} keeps plain digits; unset RUMBLEUP_BOOK_KEY, or export the book without the key and import that "
                "into a new book with the key"
            )
        what = "needs its key" if self.marks.is_plain else "was made with another key"
        raise BookError(f"{self.path} {what}: set RUMBLEUP_BOOK_KEY to the one it was made with")

    def _found(self) -> list[tuple[int, int] | None]:
        # SQLite keeps the two beside it for as long as somebody has the book open: without the log that we write into, the next
        # process would know of none of our claims.
        return [_which(self.path), *(_which(self.path.with_name(self.path.name + ending)) for ending in ("-wal", "-shm"))]

    def _check_place(self) -> None:
        """What is written must be where the next process looks for it."""
        if self._found() != self._place:
            whole = _which(self.path) == self._place[0]
            what = f"{self.path}-wal or -shm, a part of the book of people," if whole else f"{self.path}"
            raise BookError(f"{what} was moved, replaced or removed while it was in use; nothing is texted without it")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What SQLite and the file system say against it, as an error that names the file and a remedy."""
        try:
            yield
        except sqlite3.Error as error:
            code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
            if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise BookLocked(
                    f"{self.path} was kept by another process for {self._patience:g} s; end whoever keeps it, then try again"
                ) from None
            if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
                raise BookError(
                    f"{self.path} is damaged or no book of people; put a whole copy in its place, or save what can be read with: "
                    f"sqlite3 {pasteable(self.path)} .recover"
                ) from None
            if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR):
                raise BookError(
                    f"{self.path} cannot be written, or its folder, in which a log stands beside it: {error}; put the book on a "
                    "local disk that you may write to"
                ) from None
            more = "; make room, nothing of it is lost" if code == sqlite3.SQLITE_FULL else ""
            raise BookError(f"{self.path}: {error}{more}") from None
        except OSError as error:
            raise BookError(f"{self.path}: {error.strerror or error}") from None


def _which(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _log_mode(db: sqlite3.Connection) -> str:
    """Have the file written by a write-ahead log. Of processes that make the same file at once SQLite lets one wait for the other
    only here."""
    for _ in range(100):
        with contextlib.suppress(sqlite3.OperationalError):
            return str(db.execute("PRAGMA journal_mode = WAL").fetchone()[0])
        time.sleep(0.02)
    return str(db.execute("PRAGMA journal_mode = WAL").fetchone()[0])
