"""A database that is looked at again and again: one connection for all of its runs, which can write nothing.

Lives here: how its runs stand, in one statement, and what is done while the server is away.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from rumbleup_async.errors import LedgerError
from rumbleup_async.postgres import server, versions
from rumbleup_async.postgres.address import Address
from rumbleup_async.postgres.others import LIVES
from rumbleup_async.postgres.run_reader import RunReader
from rumbleup_async.postgres.tables import SCHEMA

if TYPE_CHECKING:
    from rumbleup_async.postgres.server import Connection

_RUNS: Final = f"""SELECT r.name, r.id, extract(epoch FROM r.began)::float8, {SCHEMA}.counts_of(r.id),
        EXISTS (SELECT FROM {SCHEMA}.owner o WHERE o.run = r.id AND NOT o.fenced AND {LIVES}),
        (SELECT f.value FROM {SCHEMA}.fact f WHERE f.run = r.id AND f.key = 'stop'),
        (SELECT max(p.began) FROM {SCHEMA}.pause p WHERE p.run = r.id AND p.ended IS NULL)
    FROM {SCHEMA}.run r WHERE %(run)s = '' OR r.name = %(run)s ORDER BY r.id DESC LIMIT 500"""
_OF_SESSION: Final = (
    # A table that has just been filled is taken for a small one, which would be read from end to end.
    "SET default_transaction_read_only = on; SET statement_timeout = '5s'; SET jit = off; SET enable_seqscan = off"
)
_PATIENCE: Final = {"connect_timeout": "3"}
_FRESH: Final = 0.4
"""Seconds for which an answer holds for all who ask."""
_REST: Final = 3.0
"""Seconds after which a server that is away is called again."""


class Standing(msgspec.Struct, frozen=True):
    """How a run stands, as far as one statement tells it. `began`: Unix seconds; it and `id` are those of this run alone.

    `stop`: how the process that sent last said that it ended; `pause`: when the pause that holds began.
    """

    id: int
    began: float
    counts: list[int]
    is_running: bool
    stop: str | None
    pause: int | None


class Database:
    """The runs of a database, or the one that the address names. To be used by one thread."""

    def __init__(self, address: Address, clock: Callable[[], float] = time.monotonic) -> None:
        self.address = address
        self._clock = clock
        self._db: Connection | None = None
        self._runs: dict[str, Standing] = {}
        self._until = 0.0
        """Up to when what is known holds."""
        self._trouble: LedgerError | None = None

    def runs(self) -> dict[str, Standing]:
        """How its runs stand, the newest first. LedgerError while the server is away."""
        if self._clock() >= self._until:
            self._look()
        if self._trouble is not None:
            raise self._trouble
        return self._runs

    def reader(self, run: str) -> RunReader:
        """A look into one of them, over the connection of all."""
        return RunReader(self.address.of(run), self._connection())

    def close(self) -> None:
        """Let go of the connection."""
        if self._db is not None:
            with contextlib.suppress(Exception):
                self._db.close()
        self._db = None

    def _look(self) -> None:
        try:
            db = self._connection()
            with server.telling(self.address):
                found = db.execute(_RUNS, {"run": self.address.run}).fetchall()
        except LedgerError as error:
            self.close()
            self._trouble, self._until = error, self._clock() + _REST
            return
        self._runs = {name: Standing(*rest) for name, *rest in found}
        self._trouble, self._until = None, self._clock() + _FRESH

    def _connection(self) -> Connection:
        if self._db is not None and not self._db.closed:
            return self._db
        db = server.connect_here(self.address, **_PATIENCE)
        try:
            with server.telling(self.address):
                versions.prepare_on(db, self.address, makes=False)
                db.execute(_OF_SESSION)
        except BaseException:
            db.close()
            raise
        self._db = db
        return db
