"""The book of people in the database of a ledger: one for all runs of that database, whichever machine sends them.

Lives here: the book, its connection, and the lock of whoever writes. A claim looks first and writes then; as on SQLite one
writes at a time, so no two machines claim one person. A connection that has broken is made anew for the next call, with patience;
what was under way fails, and texts nobody.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, cast

from rumbleup_async.errors import BookError, LedgerError
from rumbleup_async.people.book import Book
from rumbleup_async.people.marks import Marks
from rumbleup_async.postgres import people_opted_out, people_texted, server, versions
from rumbleup_async.postgres.address import Address, parse
from rumbleup_async.postgres.connections import PATIENCE, is_away
from rumbleup_async.postgres.tables import SCHEMA

if TYPE_CHECKING:
    from rumbleup_async.postgres.server import Connection

_LOCK: Final = 0x5255415400000000
"""The advisory lock of whoever writes in the book."""
_LOOK_EVERY: Final = 0.25
_OF_SESSION: Final = "SET idle_in_transaction_session_timeout = '15s'; SET lock_timeout = '60s'"
"""Whoever is stopped while it writes, asking nothing, loses the lock long before those are told who wait for it."""
_KEY: Final = f"SELECT value FROM {SCHEMA}.people_meta WHERE key = 'key'"
_NEW_KEY: Final = f"INSERT INTO {SCHEMA}.people_meta VALUES ('key', %s) ON CONFLICT DO NOTHING"


class DatabaseBook(Book):
    """As `Book`, in a database. `address`: `postgresql://user@host/db`, with or without a run. Its tables are made with those of
    the ledgers."""

    _texted = cast("Any", people_texted)
    _opted_out = cast("Any", people_opted_out)
    _counted = cast("Any", people_texted)

    def __init__(self, address: str | Address, *, key: str | None = None, patience: float = PATIENCE) -> None:
        found = parse(address, needs_run=False) if isinstance(address, str) else address
        self.address = found.of("")
        super().__init__("database", key=key)
        self._file = cast("Any", _Place(self.address, self._marks, patience))

    def __repr__(self) -> str:
        return f"DatabaseBook({str(self.address)!r})"

    are_claims_counted = True

    @property
    def where(self) -> str:
        """As people may be shown it, and as a ledger keeps it."""
        return str(self.address)


class _Place:
    """Stands for `people.file.BookFile`: one connection, for any thread, one at a time."""

    def __init__(self, address: Address, marks: Marks, patience: float) -> None:
        self._address = address
        self._marks = marks
        self._patience = patience
        self._db: Connection | None = None
        self._is_open = False
        self._lock = threading.RLock()

    def open(self) -> None:
        """Connect, and see that the book is there, and of this key."""
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        with self._lock, self._told():
            versions.prepare(self._address, makes=True)
            self._is_open = True
            db = self._at_hand()
            with db.transaction():
                db.execute(f"SELECT {SCHEMA}.durable()")
                db.execute(_NEW_KEY, (self._marks.check,))
            (kept,) = db.execute(_KEY).fetchone() or ("",)
            if kept != self._marks.check:
                why = "was begun with another key, or with none" if self._marks.check else "hides phones by a key"
                raise BookError(f"{self._address}: its book of people {why}; set RUMBLEUP_BOOK_KEY to the key of the book")

    def close(self) -> None:
        """Let go of it."""
        with self._lock:
            self._is_open = False
            if self._db is not None:
                with contextlib.suppress(Exception):
                    self._db.close()
                self._db = None

    @contextmanager
    def reading(self, *, much: bool = False) -> Iterator[Connection]:  # noqa: ARG002 - a file is read otherwise then
        """The connection, for as long as nobody else in this process uses it."""
        with self._lock, self._told():
            yield self._at_hand()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """The same in a transaction that is durable once the context is left, while nobody else writes."""
        with self._lock, self._told():
            db = self._at_hand()
            with db.transaction():
                db.execute(f"SELECT {SCHEMA}.durable(), pg_advisory_xact_lock(%s)", (_LOCK,))
                yield db

    def _at_hand(self) -> Connection:
        """A connection that works, as soon as there is one."""
        if not self._is_open:
            raise BookError(f"{self._address}: the book is not open")
        until = time.monotonic() + self._patience
        while True:
            try:
                if self._db is None or self._db.closed:
                    self._db = server.connect_here(self._address)
                    self._db.execute(_OF_SESSION)
                with server.telling(self._address):
                    self._db.execute("SELECT")
            except LedgerError as error:
                if not is_away(error) or time.monotonic() > until:
                    raise
                time.sleep(_LOOK_EVERY)
            else:
                return self._db

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            with server.telling(self._address):
                yield
        except BookError:
            raise
        except LedgerError as error:
            raise BookError(str(error)) from None
