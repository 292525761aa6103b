"""Connections of a world to the real database server: each statement travels, and may be lost on either way.

A connection has two ends. The one of the client fits `psycopg.AsyncConnection` as far as `postgres/` asks; the other is a real
connection, on which a statement is executed in one moment of the world, whoever is stalled then. A partition has the kernel
try again for half a minute, so that a statement may arrive late, even once its sender has given up.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import psycopg

from rumbleup_async.shielding import run_shielded
from tests.prove.loop import Dead
from tests.prove.server import Server

if TYPE_CHECKING:
    from tests.prove.loop import Loop

_GIVEN_UP: Final = 30.0
"""Seconds after which a client takes its connection for broken: `tcp_user_timeout` and the keepalives of `postgres/server.py`."""
NOTICED: Final = 50.0
"""Seconds after which the server does."""
_CONNECTING: Final = 10.0
_IDLE: Final = 60.0
"""Seconds for which a transaction may stand idle."""
_LOOK_EVERY: Final = 0.2
"""Seconds after which it is looked again whether a lock is free."""
_TRAVEL: Final = 0.0005
_WRITES: Final = re.compile(rb"\b(INSERT|UPDATE|DELETE|nextval)\b|\.(step|turn_away|expire|put_back|count_for|count_in)\(")

_WAITS: Final = re.compile(rb"\.(step|expire|turn_away|put_back)\(|FOR UPDATE|\bUPDATE\b|^DELETE|^INSERT")
"""Statements that may wait for what another has locked."""
_REPEATED: Final = '"is_repeated" : true'

NOTHING, BEFORE, AFTER, LOST, LATE, READ_ONLY, FULL = range(7)
"""What becomes of a statement: it comes to its answer; the connection ends before it, or after it, so that its answer is lost; it
is lost on the way, or comes after its sender gave up; the server may not write, or has no room."""


class Link:
    """The network between one process and the server. `up_from`, `down_from`: from when on statements and answers get through."""

    def __init__(self) -> None:
        self.up_from = self.down_from = 0.0
        self.ends: list[End] = []
        self.repeated = 0
        """Steps that were done already when they were asked for."""

    def heals(self) -> float:
        """When both ways are open."""
        return max(self.up_from, self.down_from)


class Cursor:
    """The rows of an answer. Fits `psycopg.AsyncCursor` as far as it is asked."""

    def __init__(self, rows: list[Any]) -> None:
        self._rows = rows

    async def fetchone(self) -> Any:
        return self._rows[0] if self._rows else None

    async def fetchall(self) -> list[Any]:
        return self._rows


class End:
    """The client's end of one connection, and all that is known of the other."""

    def __init__(
        self, loop: Loop, server: Server, link: Link, tell: Callable[[], None], fate: Callable[[End, bytes], int]
    ) -> None:
        self._tell = tell
        self._loop = loop
        self._server = server
        self._link = link
        self._fate = fate
        self._real = server.connect()
        self.backend = self._real.info.backend_pid
        self._is_broken = False
        self._transactions = 0
        self.is_gone = False
        """The server has ended it."""
        link.ends.append(self)

    # ---- the client's end ----

    @property
    def closed(self) -> bool:
        return self._is_broken

    @property
    def info(self) -> psycopg.ConnectionInfo:
        return self._real.info

    async def close(self) -> None:
        """The server hears of it once the network is there, or notices by itself."""
        if self._is_broken and self.is_gone:
            return
        self._is_broken = True
        now = self._loop.now
        self.at(min(max(now, self._link.up_from) + _TRAVEL, now + NOTICED), self.end)

    async def execute(self, statement: Any, given: Any = None, *, prepare: bool | None = None) -> Cursor:
        if self._loop.has_died():
            raise Dead
        if self._is_broken:
            raise psycopg.OperationalError("the connection is closed")
        answer: asyncio.Future[list[Any]] = self._loop.create_future()
        text = statement if isinstance(statement, bytes) else str(statement).encode()
        self._send(text, given, prepare, answer)
        try:
            return Cursor(await asyncio.shield(answer))
        except asyncio.CancelledError:
            # As the driver does: it asks the server to leave it, and waits for the end.
            with contextlib.suppress(psycopg.Error):
                await run_shielded(answer)
            raise

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        await self.execute("BEGIN")
        try:
            yield
        except BaseException:
            with contextlib.suppress(psycopg.Error):
                await run_shielded(self.execute("ROLLBACK"))
            raise
        await self.execute("COMMIT")

    # ---- the way ----

    def at(self, when: float, call: Callable[..., Any], *given: Any) -> None:
        """Have it done then, whoever is stalled."""
        self._loop.call_at(when, call, *given, context=contextvars.Context())

    def _send(self, statement: bytes, given: Any, prepare: bool | None, answer: asyncio.Future[list[Any]]) -> None:
        now, fate = self._loop.now, self._fate(self, statement)
        arrives = max(now, self._link.up_from) + _TRAVEL
        gives_up = now + _GIVEN_UP
        if fate in {LOST, LATE} or arrives > gives_up:
            self.at(gives_up, self._break, answer, "Connection timed out")
            if fate == LATE:
                self.at(gives_up + 0.3, self._execute, statement, given, prepare)
            self.at(max(gives_up, min(self._link.heals(), now + NOTICED)) + 1.0, self.end)
            return
        self.at(arrives, self._arrive, statement, given, prepare, answer, fate, gives_up, arrives + _IDLE)

    def _arrive(
        self,
        statement: bytes,
        given: Any,
        prepare: bool | None,
        answer: asyncio.Future[list[Any]],
        fate: int,
        gives_up: float,
        until: float,
    ) -> None:
        if fate == BEFORE:
            self.end()
        if fate == FULL and _WRITES.search(statement):
            statement, given, prepare = b"DO $$ BEGIN RAISE 'could not extend file' USING ERRCODE = '53100'; END $$", None, None
        said = self._execute(statement, given, prepare, is_read_only=fate == READ_ONLY)
        if isinstance(said, psycopg.errors.LockNotAvailable) and self._loop.now < until:
            self.at(self._loop.now + _LOOK_EVERY, self._arrive, statement, given, prepare, answer, fate, gives_up, until)
            return
        if fate == AFTER:
            self.end()
            said = psycopg.OperationalError("server closed the connection unexpectedly")
        comes = max(self._loop.now, self._link.down_from) + _TRAVEL
        if comes > gives_up:
            self.at(gives_up, self._break, answer, "Connection timed out")
            self.at(gives_up + 1.0, self.end)
        else:
            self.at(comes, self._deliver, answer, said)

    def _execute(
        self, statement: bytes, given: Any, prepare: bool | None, *, is_read_only: bool = False
    ) -> list[Any] | psycopg.Error:
        """At the server, in one moment."""
        real, is_within = self._real, False
        try:
            if real.info.transaction_status != psycopg.pq.TransactionStatus.INERROR:
                self._tell()
                if is_within := self._is_in_transaction and bool(_WAITS.search(statement)):
                    real.execute("SAVEPOINT waiting")
                if is_read_only:
                    real.execute(
                        "SET transaction_read_only = on" if self._is_in_transaction else "SET default_transaction_read_only = on"
                    )
            done = real.execute(statement, given, prepare=prepare)
            rows = done.fetchall() if done.description is not None else []
            if b"lock_timeout" in statement:
                # Whoever waits does so in the world: it is told at once that somebody is in its way, and asks again.
                real.execute("SET lock_timeout = '1ms'")
        except psycopg.errors.LockNotAvailable as error:
            if is_within:
                real.execute("ROLLBACK TO waiting")
            return error
        except psycopg.Error as error:
            return error
        finally:
            if is_read_only and not real.closed and not self._is_in_transaction:
                real.execute("SET default_transaction_read_only = off")
        self._link.repeated += bool(rows) and _REPEATED in str(rows[0])
        self._transactions += 1
        if self._is_in_transaction:
            self.at(self._loop.now + _IDLE, self._end_idle, self._transactions)
        return rows

    @property
    def _is_in_transaction(self) -> bool:
        status = self._real.info.transaction_status
        return status in {psycopg.pq.TransactionStatus.INTRANS, psycopg.pq.TransactionStatus.INERROR}

    def _end_idle(self, transactions: int) -> None:
        if transactions == self._transactions:
            self.end()

    def _deliver(self, answer: asyncio.Future[list[Any]], said: list[Any] | psycopg.Error) -> None:
        if answer.done():
            return
        if isinstance(said, psycopg.Error):
            self._is_broken = self._is_broken or self.is_gone or self._real.closed
            answer.set_exception(said)
        else:
            answer.set_result(said)

    def _break(self, answer: asyncio.Future[list[Any]], words: str) -> None:
        self._is_broken = True
        if not answer.done():
            answer.set_exception(psycopg.OperationalError(words))

    # ---- the server's end ----

    def end(self) -> None:
        """The server ends it; what was not committed is undone, its locks are free."""
        if not self.is_gone:
            self.is_gone = True
            if not self._real.closed:
                self._server.end(self.backend)
                self._real.close()

    def drop(self) -> None:
        """The server has ended it already."""
        self.is_gone = True
        self._real.close()


async def connect(
    loop: Loop,
    server: Server,
    link: Link,
    *,
    tell: Callable[[], None],
    fate: Callable[[End, bytes], int],
    refused_until: Callable[[], float],
) -> End:
    """A new connection, once the network lets one through. OperationalError where it does not in time."""
    now = loop.now
    if now < refused_until():
        await asyncio.sleep(0.01)
        raise psycopg.OperationalError("connection failed: Connection refused")
    if link.heals() > now:
        await asyncio.sleep(min(link.heals() - now, _CONNECTING))
        if link.heals() > loop.now:
            raise psycopg.errors.ConnectionTimeout("connection timeout expired")
    await asyncio.sleep(0.003)
    if loop.has_died():
        raise Dead
    if loop.now < refused_until():
        raise psycopg.OperationalError("connection failed: server closed the connection unexpectedly")
    return End(loop, server, link, tell, fate)
