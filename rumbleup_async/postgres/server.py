"""The database server of a ledger: connections to it, and what it must be.

Lives here: connecting, and the checks that come before anything is believed.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from rumbleup_async.errors import LedgerError
from rumbleup_async.postgres.address import Address
from rumbleup_async.postgres.tables import SCHEMA

if TYPE_CHECKING:
    import psycopg

    AsyncConnection = psycopg.AsyncConnection[tuple[Any, ...]]
    Connection = psycopg.Connection[tuple[Any, ...]]
    Copy = psycopg.Copy

GRANT: Final = f"grant this user USAGE of the schema {SCHEMA}, and ALL of its tables, sequences and functions"
OLDEST: Final = 130000
"""PostgreSQL 13, as `server_version_num` says it."""

_FRESH: Final = "SET default_transaction_isolation = 'read committed'"
"""Whoever has waited for a lock is to see what was done meanwhile. A role or a database may have another default, by which two
runs would claim one person."""
_OF_SESSION: Final = (
    # The plans of a step are made once. They must not go by how few contacts there were at that moment.
    "SET plan_cache_mode = force_generic_plan; SET enable_mergejoin = off; SET enable_seqscan = off; "
    # Who comes next is read in the order of an index, and no further than need be.
    "SET enable_sort = off; "
    "SET jit = off; SET idle_in_transaction_session_timeout = '60s'; SET lock_timeout = '60s'; "
    # A machine that is cut off is noticed by the server within a minute. Has no effect on a socket of this machine.
    "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 4; SET tcp_user_timeout = 50000"
)
_OF_CLIENT: Final = {
    "application_name": "rumbleup",
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "4",
    "tcp_user_timeout": "30000",
}
"""What the driver is told unless the address says otherwise."""


class Said(LedgerError):
    """What the server or the driver says against something. `sqlstate`: of the server. `is_broken`: there is no connection.

    The error of the driver does not go with it: its details are values of rows, which are phones and texts.
    """

    sqlstate: str | None = None
    is_broken = False

    @classmethod
    def of(cls, error: Any, words: str) -> Said:
        """Of an error of the driver."""
        made = cls(words)
        made.sqlstate = error.sqlstate
        made.is_broken = isinstance(error, driver().OperationalError)
        return made


def driver() -> Any:
    """The module `psycopg`. LedgerError, with the remedy, where it is not installed."""
    try:
        import psycopg
    except ImportError as error:
        raise LedgerError(
            f"a ledger on PostgreSQL needs psycopg ({error}): install rumbleup_async with the extra `postgres`"
        ) from None
    return psycopg


@contextmanager
def telling(address: Address) -> Iterator[None]:
    """What the server or the driver says against something becomes a LedgerError that names the ledger. Values of rows, which a
    server adds as a detail, are left out: they are phones."""
    errors = driver()
    try:
        yield
    except errors.errors.InsufficientPrivilege as error:
        raise Said.of(error, f"{address}: {said(error)}; {GRANT}") from None
    except errors.Error as error:
        raise Said.of(error, f"{address}: {said(error)}") from None
    except UnicodeError:
        raise LedgerError(f"{address}: a text cannot be stored: it holds half a character") from None


def said(error: Any) -> str:
    """The server's words, or the driver's, in one line."""
    words = error.diag.message_primary or str(error).strip() or type(error).__name__
    return str(words).partition("\n")[0]


async def connect(address: Address, *, is_for_steps: bool = False, longest: float = math.inf) -> AsyncConnection:
    """A connection of the event loop. LedgerError where none can be made. `longest`: seconds after which an answer that does not
    come breaks it."""
    with telling(address):
        kind: type[AsyncConnection] = _impatient()
        connection = await kind.connect(_dsn(address), autocommit=True)
        vars(connection)["longest"] = longest
        try:
            await connection.execute(_FRESH)
            if is_for_steps:
                await connection.execute(_OF_SESSION)
        except BaseException:
            await connection.close()
            raise
    return connection


@functools.cache
def _impatient() -> Any:
    """A kind of connection that breaks where the server, or what is in between, takes what is said and answers nothing: the
    network itself notices no such thing."""

    class Impatient(driver().AsyncConnection):  # type: ignore[misc]
        longest = math.inf

        async def wait(self, *given: Any, **more: Any) -> Any:
            if self.longest == math.inf:
                return await super().wait(*given, **more)
            timer = asyncio.get_running_loop().call_later(self.longest, _shut, self.pgconn.socket)
            try:
                return await super().wait(*given, **more)
            finally:
                timer.cancel()

    return Impatient


def _shut(descriptor: int) -> None:
    """The one who waits hears that nothing comes any more."""
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as same:
        same.shutdown(socket.SHUT_RDWR)


def connect_here(address: Address, **more: str) -> Connection:
    """A connection of this thread, which waits for each answer. `more`: for the driver, unless the address says otherwise."""
    psycopg = driver()
    with telling(address):
        connection: Connection = psycopg.Connection.connect(_dsn(address, more), autocommit=True)
        try:
            connection.execute(_FRESH)
        except BaseException:
            connection.close()
            raise
    return connection


def _dsn(address: Address, more: Mapping[str, str] = MappingProxyType({})) -> str:
    psycopg = driver()
    with contextlib.suppress(psycopg.ProgrammingError):
        given = psycopg.conninfo.conninfo_to_dict(address.server)
        made: str = psycopg.conninfo.make_conninfo(**{**_OF_CLIENT, **more, **given})
        return made
    raise LedgerError("the address of the ledger cannot be read by the driver; it is postgresql://USER@HOST/DATABASE?run=NAME")


ASK: Final = """SELECT name, setting FROM pg_settings WHERE name IN
    ('server_version_num', 'server_version', 'server_encoding', 'fsync', 'full_page_writes', 'transaction_read_only')"""


def check(address: Address, settings: dict[str, str]) -> None:
    """LedgerError for a server on which no ledger may be kept."""
    if int(settings["server_version_num"]) < OLDEST:
        raise LedgerError(f"{address}: the server is PostgreSQL {settings['server_version']}; a ledger needs 13 or newer")
    if settings["server_encoding"] != "UTF8":
        raise LedgerError(
            f"{address}: the database is in {settings['server_encoding']}, which cannot hold every text; make one in UTF8"
        )
    if settings["transaction_read_only"] == "on":
        raise LedgerError(f"{address}: the database can only be read: a standby, or set so; name its primary")
    lax = [name for name in ("fsync", "full_page_writes") if settings[name] == "off"]
    if lax and not address.is_unsafe:
        raise LedgerError(
            f"{address}: the server runs with {' and '.join(f'{name}=off' for name in lax)}, so a crash of its machine may lose "
            "who was texted; set it on, or, for a rehearsal, add fsync=off to the address"
        )


def one_here(cursor: psycopg.Cursor[tuple[Any, ...]]) -> Any:
    """The one value that was asked for."""
    return one_of(cursor.fetchone())


async def one(cursor: psycopg.AsyncCursor[tuple[Any, ...]]) -> Any:
    """The one value that was asked for."""
    return one_of(await cursor.fetchone())


def one_of(found: tuple[Any, ...] | None) -> Any:
    """The one value of this row."""
    assert found is not None  # noqa: S101 - the statement always answers
    return found[0]


def check_pooler(address: Address) -> None:
    """LedgerError where a pooler gives each transaction another connection: then no lock could say who lives, for locks belong to
    a connection. Waits for the server."""
    with (
        contextlib.closing(connect_here(address)) as ours,
        contextlib.closing(connect_here(address)) as other,
        telling(address),
    ):
        backends = {one_here(connection.execute("SELECT pg_backend_pid()")) for connection in (ours, other, ours)}
    if len(backends) != 2:
        raise LedgerError(
            f"{address}: a pooler in between gives each transaction another connection, and with that nobody can tell who lives; "
            "name the server itself, or a pooler in session mode"
        )
