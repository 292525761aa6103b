"""The connections of one process to the database of its ledger, and what is done when they break.

Lives here: one connection for the steps, which holds the lock that says that its process lives; one for looks beside them; and
patience while the database is away. What is asked for again must be safe to be asked for again.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from rumbleup_async.errors import LedgerError, LedgerFenced
from rumbleup_async.postgres import server
from rumbleup_async.postgres.address import Address
from rumbleup_async.postgres.fencing import NAMESPACE, SENDING
from rumbleup_async.postgres.server import telling
from rumbleup_async.postgres.tables import SCHEMA
from rumbleup_async.shielding import run_shielded

if TYPE_CHECKING:
    from rumbleup_async.postgres.server import AsyncConnection

T = TypeVar("T")
Work = Callable[["AsyncConnection"], Awaitable[T]]
"""Something to be done on a connection."""

PATIENCE: Final = 60.0
"""Seconds for which a database may be away before the run ends."""
_LOOK_EVERY: Final = 0.25
_SHORTEST: Final = 5.0
"""Seconds that any answer may take."""
_STEPS: Final = 1.1
_LOOKS: Final = 5.0
"""So much longer than the patience a step, and a look, may wait for an answer: locks are waited for as long."""

_AWAY: Final = ("08", "57P", "53", "25006", "25P03", "55P03", "40P01", "40001")
"""Beginnings of the SQLSTATEs of a server that is gone, going, full, or can only be read, and of a lock that the server does not
take away yet from a connection that has broken, and of two that were in each other's way: it may be otherwise in a moment."""


class _Absence:
    """Since when something cannot be done (monotonic seconds), 0 if it can. A database that can be read may not be written."""

    def __init__(self) -> None:
        self.since = 0.0


class Connections:
    """To one database."""

    def __init__(self, address: Address, patience: float = PATIENCE) -> None:
        self.address = address
        self.session = 0
        """The number whose lock says that this process lives; 0 before it has one."""
        self.charge = 0
        """The run that this process is in charge of; 0 for none."""
        self._writes, self._looks = _Absence(), _Absence()
        self.back = -math.inf
        """When it was last reached again after it was away (monotonic seconds)."""
        self._patience = patience
        self._steps: AsyncConnection | None = None
        self._other: AsyncConnection | None = None
        self._lock = asyncio.Lock()
        self._other_lock = asyncio.Lock()
        self.is_open = False

    @property
    def away(self) -> float:
        """Since when the database does not do what it is asked (monotonic seconds), 0 if it does."""
        return min((one.since for one in (self._writes, self._looks) if one.since), default=0.0)

    async def open(self) -> None:
        """Connect, and take a lock that nobody else has."""
        self.is_open = True
        connection = self._steps = await self._connect()
        with telling(self.address):
            found = await (await connection.execute(f"SELECT nextval('{SCHEMA}.session'), pg_backend_pid()")).fetchone()
            assert found is not None  # noqa: S101 - it always answers
            self.session, backend = found
            if backend != connection.info.backend_pid:
                await asyncio.to_thread(server.check_pooler, self.address)
            await connection.execute("SELECT pg_advisory_lock(%s, %s)", (NAMESPACE, self.session))

    async def aclose(self) -> None:
        """Let go of the locks, and close. What fails at that is the server's matter."""
        self.is_open = False
        steps, other = self._steps, self._other
        self._steps = self._other = None
        psycopg = server.driver()
        for connection in (steps, other):
            if connection is None:
                continue
            try:
                if connection is steps and not connection.closed:
                    # At once: the backend that holds them ends only some time after it was told to.
                    await connection.execute("SELECT pg_advisory_unlock_all()")
            except psycopg.Error:
                pass
            finally:
                await connection.close()

    @asynccontextmanager
    async def steps(self, *, is_tried: bool = True) -> AsyncIterator[AsyncConnection]:
        """The connection of the steps, for one of them at a time, once the database can be reached. Within it, what fails becomes
        a LedgerError. `is_tried`: it is tried out before; else it may be found to be broken."""
        async with self._lock:
            # That it can be reached does not say that it can be written.
            first = _tried if is_tried else _as_it_is
            connection = await self._with_patience(self._alive, first, self._writes, is_proof=False)
            with telling(self.address):
                yield connection
            self._done(self._writes)

    @asynccontextmanager
    async def look(self) -> AsyncIterator[AsyncConnection]:
        """The same beside the steps."""
        async with self._other_lock:
            connection = await self._with_patience(self._other_alive, _tried, self._looks)
            with telling(self.address):
                yield connection

    async def patiently(self, work: Work[T]) -> T:
        """Do this on the connection of the steps, again and again while the database is away. It comes to its end whatever is
        cancelled meanwhile."""
        async with self._lock:
            return await run_shielded(self.while_held(work))

    async def transacted(self, work: Work[T]) -> T:
        """As `patiently`, in a transaction of its own. It may have been done where its last answer was lost."""

        async def do(connection: AsyncConnection) -> T:
            async with connection.transaction():
                return await work(connection)

        return await self.patiently(do)

    async def while_held(self, work: Work[T]) -> T:
        """As `patiently`, for whoever is within `steps`."""
        return await self._with_patience(self._alive, work, self._writes)

    async def read(self, work: Work[T]) -> T:
        """As `patiently`, beside the steps."""
        async with self._other_lock:
            return await self._with_patience(self._other_alive, work, self._looks)

    async def noted(self, work: Work[T]) -> T:
        """As `transacted`, beside the steps."""

        async def do(connection: AsyncConnection) -> T:
            async with connection.transaction():
                await connection.execute(f"SELECT {SCHEMA}.durable()")
                return await work(connection)

        return await run_shielded(self.read(do))

    async def _with_patience(
        self, alive: Callable[[], Awaitable[AsyncConnection]], work: Work[T], absence: _Absence, *, is_proof: bool = True
    ) -> T:
        while True:
            began = time.monotonic()
            try:
                connection = await alive()
                with telling(self.address):
                    done = await work(connection)
            except LedgerError as error:
                if not is_away(error):
                    raise
                now = time.monotonic()
                # A server that hangs is away since it was asked.
                absence.since = absence.since or (began if is_broken(error) and now - began > self._patience else now)
                if now - absence.since > self._patience or not self.is_open:
                    raise LedgerError(f"{error}; the database was away for {now - absence.since:.0f} s") from None
                await asyncio.sleep(_LOOK_EVERY)
            else:
                if is_proof:
                    self._done(absence)
                return done

    def _done(self, absence: _Absence) -> None:
        if absence.since:
            absence.since, self.back = 0.0, time.monotonic()

    async def _other_alive(self) -> AsyncConnection:
        self._check_open()
        if self._other is None or self._other.closed:
            # What goes through all contacts may take its time.
            self._other = await server.connect(self.address, longest=_LOOKS * max(_SHORTEST, self._patience))
        return self._other

    async def _alive(self) -> AsyncConnection:
        """The connection of the steps; a new one with the same lock if it was lost."""
        self._check_open()
        if self._steps is None or self._steps.closed:
            connection = await self._connect()
            try:
                with telling(self.address):
                    # Waits for the end of the one before, where the server has not seen it yet.
                    await connection.execute("SELECT pg_advisory_lock(%s, %s)", (NAMESPACE, self.session))
                    await self._take_charge(connection)
            except BaseException:
                await connection.close()
                raise
            self._steps = connection
        return self._steps

    async def _take_charge(self, connection: AsyncConnection) -> None:
        if self.charge:
            taking = await connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (SENDING, self.charge))
            if not await server.one(taking):
                raise LedgerFenced(f"{self.address}: another process has taken charge of the run")

    async def _connect(self) -> AsyncConnection:
        return await server.connect(self.address, is_for_steps=True, longest=max(_SHORTEST, _STEPS * self._patience))

    def _check_open(self) -> None:
        if not self.is_open:
            raise LedgerError(f"{self.address}: the ledger is not open")


def is_away(error: BaseException | None) -> bool:
    """Whether it says that the database cannot be reached, or cannot be written, for the time being."""
    psycopg = server.driver()
    if not isinstance(error, (psycopg.Error, server.Said)):
        return False
    state = error.sqlstate
    if state is None:
        return is_broken(error)
    return str(state).startswith(_AWAY)


def is_broken(error: BaseException | None) -> bool:
    """Whether the driver says that no connection could be made, or that it broke."""
    if getattr(error, "sqlstate", None) is not None:
        return False
    return isinstance(error, server.driver().OperationalError) or getattr(error, "is_broken", False)


async def _tried(connection: AsyncConnection) -> AsyncConnection:
    await connection.execute("SELECT")
    return connection


async def _as_it_is(connection: AsyncConnection) -> AsyncConnection:
    return connection
