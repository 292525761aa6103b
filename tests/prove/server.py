"""A real PostgreSQL server in a world: its functions are ours, and what time it is there the world says.

The functions of our schema ask for the time by its name alone, so a schema that is searched first answers them, out of a file
that the world writes. A trigger notes every move of a contact, in the transaction that makes it.

One server a process of the proof, with one world in it at a time.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import psycopg

from rumbleup_async.postgres import versions
from rumbleup_async.postgres.address import parse
from tests import database
from tests.database import Database

_OPTIONS: Final = "-c autovacuum=off -c wal_writer_delay=10s -c max_connections=100"
"""What was not waited for stays off the disk for long: whoever does not wait for it loses it in a crash."""
_LONGEST: Final = 10.0

_CLOCK: Final = """
CREATE SCHEMA worlds;
CREATE FUNCTION worlds.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
    SELECT to_timestamp(substr(pg_read_file('{clock}'), 1, 20)::float8) $$;
CREATE FUNCTION worlds.pg_postmaster_start_time() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
    SELECT to_timestamp(substr(pg_read_file('{clock}'), 21, 20)::float8) $$;
CREATE TABLE worlds.move (id bigserial, run int, row int, was smallint, state smallint, owner int);
CREATE FUNCTION worlds.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO worlds.move (run, row, was, state, owner) VALUES (new.run, new.row, old.state, new.state, new.owner);
    RETURN NULL;
END $$;
CREATE TRIGGER noted AFTER UPDATE ON rumbleup.contact FOR EACH ROW
    WHEN (old.state IS DISTINCT FROM new.state) EXECUTE FUNCTION worlds.note();
ALTER DATABASE postgres SET search_path = worlds, pg_catalog;
"""
_EMPTY: Final = "TRUNCATE rumbleup.run, worlds.move RESTART IDENTITY CASCADE; ALTER SEQUENCE rumbleup.session RESTART"
_LOOK: Final = """SELECT c.state, o.fenced, o.until >= to_timestamp(%s) FROM rumbleup.contact c
    LEFT JOIN rumbleup.owner o ON o.id = c.owner WHERE c.run = %s AND c.phone = %s AND c.screened IS NULL"""


class Seen(NamedTuple):
    """A contact, as everybody sees it now: its state, and whether its owner may send."""

    state: int
    is_fenced: bool
    lasts: bool


class Server:
    """The server of this process of the proof."""

    def __init__(self, made: Database) -> None:
        self.database = made
        place = made.folder / "clock"
        self._clock = os.open(place, os.O_WRONLY | os.O_CREAT, 0o644)
        self._control: psycopg.Connection[Any] | None = None
        versions.upgrade(parse(made.address(), needs_run=False))
        self.ask(_CLOCK.format(clock=place))

    def address(self, run: str, lease: float) -> str:
        """Of a run in it."""
        return self.database.address(run, lease=str(lease))

    def begin(self, now: float) -> None:
        """A new world: nothing is in it."""
        self.tell(now, now)
        self.ask(_EMPTY)

    def tell(self, now: float, began: float) -> None:
        """What time it is there, and since when it runs (Unix seconds)."""
        os.pwrite(self._clock, f"{now:20.6f}{began:20.6f}".encode(), 0)

    def ask(self, statement: str, *given: Any) -> list[Any]:
        """Ask it something beside all connections of the world."""
        if self._control is None or self._control.closed:
            self._control = psycopg.connect(self.database.address(), autocommit=True)
        done = self._control.execute(statement.encode(), given or None)
        return done.fetchall() if done.description is not None else []

    def write(self, functions: Sequence[str]) -> None:
        """Write these functions of our schema anew."""
        with psycopg.connect(self.database.address()) as connection:
            connection.execute("SET LOCAL search_path = rumbleup")
            for one in functions:
                connection.execute(one.encode())

    def connect(self) -> psycopg.Connection[Any]:
        """A connection of the world."""
        return psycopg.connect(self.database.address(), autocommit=True)

    def look(self, now: float, run: int, phone: str) -> Seen | None:
        """Whether a text may leave, by what is committed."""
        found = self.ask(_LOOK, now, run, phone)
        return Seen(found[0][0], bool(found[0][1]), bool(found[0][2])) if found else None

    def end(self, *backends: int) -> None:
        """End connections from the server's side, and wait until their locks are gone."""
        ends = list(backends)
        self.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = ANY(%s)", ends)
        until = time.monotonic() + _LONGEST
        while self.ask("SELECT FROM pg_stat_activity WHERE pid = ANY(%s)", ends):
            assert time.monotonic() < until, "a connection does not end"
            time.sleep(0.0005)

    def crash(self) -> None:
        """End at once, as in a power cut of the server alone, and begin again."""
        if self._control is not None:
            self._control.close()
        self.database.stop("immediate")
        self.database.start()


@cache
def running() -> Server:
    """The server of this process; it ends with it."""
    keeping = contextlib.ExitStack()
    root = keeping.enter_context(tempfile.TemporaryDirectory(prefix="prove-machines-"))
    made = keeping.enter_context(database.shared(Path(root), _OPTIONS))
    atexit.register(keeping.close)
    return Server(made)
