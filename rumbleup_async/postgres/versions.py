"""The schema in a database: which version of it is there, how it is made, and how an older one is brought up to date.

Lives here: what is asked before anything in the database is believed. Tables have a version, which rises with each change of
them. Functions are told apart by a digest of their text: a program calls only those that it was written with.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import sys
from typing import TYPE_CHECKING, Final

from rumbleup_async.errors import LedgerError, LedgerLocked
from rumbleup_async.postgres import server
from rumbleup_async.postgres.address import Address
from rumbleup_async.postgres.changes import CHANGES, VERSION
from rumbleup_async.postgres.fencing import NAMESPACE, SENDING
from rumbleup_async.postgres.functions import statements
from rumbleup_async.postgres.others import LIVES
from rumbleup_async.postgres.server import one_here, said
from rumbleup_async.postgres.tables import SCHEMA, TABLES
from rumbleup_async.shell import pasteable

if TYPE_CHECKING:
    from rumbleup_async.postgres.server import AsyncConnection, Connection

_LOCK: Final = 0x5255415300000000
"""The advisory lock of whoever makes or upgrades the schema."""

FUNCTIONS: Final = statements(SCHEMA)
DIGEST: Final = hashlib.sha256(FUNCTIONS.encode()).hexdigest()[:16]
"""Of the functions that this program was written with."""

HAS_SCHEMA: Final = f"""SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = '{SCHEMA}' AND c.relname = 'about')"""
"""Whether our tables are there: a schema without them may have been made for us by somebody who may."""

_ABOUT: Final = f"SELECT key, value FROM {SCHEMA}.about"
_IS_OURS: Final = f"""SELECT (SELECT value FROM {SCHEMA}.about WHERE key = 'functions') = %s
    AND (SELECT value FROM {SCHEMA}.about WHERE key = 'version') = %s"""
_NOTE: Final = f"INSERT INTO {SCHEMA}.about VALUES (%s, %s) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
_DROP_ALL: Final = f"""DO $$ DECLARE one regprocedure; BEGIN
    FOR one IN SELECT p.oid FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = '{SCHEMA}' LOOP
        EXECUTE 'DROP FUNCTION ' || one || ' CASCADE';
    END LOOP;
END $$"""
"""One with other arguments would stay beside the new one, and be called by whoever knows it."""
_GRANT_ALIKE: Final = f"""DO $$ DECLARE one record; BEGIN
    FOR one IN SELECT DISTINCT g.privilege_type AS what,
            CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END AS who
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, LATERAL aclexplode(c.relacl) g
        WHERE n.nspname = '{SCHEMA}' AND c.relname = 'contact' AND g.grantee <> c.relowner LOOP
        EXECUTE format('GRANT %s ON ALL TABLES IN SCHEMA {SCHEMA} TO %s', one.what, one.who);
        EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {SCHEMA} TO %s', one.who);
    END LOOP;
END $$"""
"""Whoever may use the tables of before may use the new ones, and the functions."""
_SENDERS: Final = f"SELECT DISTINCT o.who FROM {SCHEMA}.owner o WHERE NOT o.fenced AND {LIVES}"
_OPEN: Final = f"""SELECT count(*) FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
    AND l.classid IN ({NAMESPACE}, {SENDING}) AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
"""Locks of processes that have a ledger open."""
_PART: Final = f"UPDATE {SCHEMA}.owner SET until = 'epoch' WHERE NOT fenced"


def program() -> str:
    """The version of this package, asked of the front door, which no room may import."""
    return str(getattr(sys.modules[__name__.partition(".")[0]], "__version__", "0"))


def check_about(address: Address, about: dict[str, str]) -> None:
    """LedgerError for tables, or for functions, that are not those of this program. `about`: what the schema says of itself."""
    version, by = int(about["version"]), about.get("program", "0")
    if version > VERSION or (version == VERSION and _is_newer(by) and about.get("functions") != DIGEST):
        raise LedgerError(
            f"{address}: its tables are those of a newer version of rumbleup_async (schema {version}, made by {by}; this is "
            f"{program()} with schema {VERSION}); update rumbleup_async on this machine to use it"
        )
    if version < VERSION or about.get("functions") != DIGEST:
        which = (
            f"an older version (schema {version})" if version < VERSION else f"another build of this version (schema {version})"
        )
        raise LedgerError(
            f"{address}: its tables and functions are those of {which}; nothing is sent by those. While nobody sends, "
            f"upgrade them with: rumbleup ledgers upgrade {pasteable(address.of(''))}"
        )


def _is_newer(by: str) -> bool:
    there, here = ([int(part) for part in re.findall(r"\d+", version)] for version in (by, program()))
    return there > here


def check_here(connection: Connection, address: Address) -> None:
    """As `check_about`, of the schema that is there."""
    check_about(address, dict(connection.execute(_ABOUT).fetchall()))


async def check_still(connection: AsyncConnection, address: Address) -> None:
    """Within the transaction in which somebody begins to send: LedgerError if the schema was upgraded since it was looked at."""
    if not await server.one(await connection.execute(_IS_OURS, (DIGEST, str(VERSION)))):
        raise LedgerError(f"{address}: the tables or functions of the database were changed meanwhile; begin anew")


def make(connection: Connection, address: Address) -> bool:
    """Make the schema where there is none. Whether there was none. LedgerError without the right to."""
    psycopg = server.driver()
    try:
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            if one_here(connection.execute(HAS_SCHEMA)):
                return False
            connection.execute(TABLES)
            _change(connection, 1)
    except psycopg.errors.InsufficientPrivilege as error:
        raise LedgerError(
            f"{address}: {said(error)}; have somebody who may create a schema there call: rumbleup ledgers upgrade "
            f"{pasteable(address.of(''))}, and grant this user what is in the schema {SCHEMA}"
        ) from None
    return True


def _change(connection: Connection, version: int) -> None:
    """Within a transaction: bring tables of this version, and the functions, up to date."""
    connection.execute(f"SET LOCAL search_path = {SCHEMA}")
    for number in sorted(CHANGES):
        if number > version:
            connection.execute(CHANGES[number])
    connection.execute(FUNCTIONS)
    for key, value in (("version", str(VERSION)), ("functions", DIGEST), ("program", program())):
        connection.execute(_NOTE, (key, value))


def upgrade(address: Address) -> bool:
    """Make the schema where there is none, and bring one of before up to date. Whether anything was to be done.

    LedgerLocked while anybody sends a run of the database, LedgerError for a newer schema or without the right to.
    """
    psycopg = server.driver()
    with contextlib.closing(server.connect_here(address)) as connection, server.telling(address):
        server.check(address, dict(connection.execute(server.ASK).fetchall()))
        if make(connection, address):
            return True
        try:
            with connection.transaction():
                return _upgraded(connection, address)
        except psycopg.errors.InsufficientPrivilege as error:
            raise LedgerError(f"{address}: {said(error)}; whoever has made the tables there has to upgrade them") from None


def _upgraded(connection: Connection, address: Address) -> bool:
    connection.execute("SET LOCAL lock_timeout = '20s'")
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    about: dict[str, str] = dict(connection.execute(_ABOUT).fetchall())
    if int(about["version"]) == VERSION and about.get("functions") == DIGEST:
        return False
    if int(about["version"]) > VERSION or (int(about["version"]) == VERSION and _is_newer(about.get("program", "0"))):
        check_about(address, about)
    # Nobody makes a step or begins to send until this is done; whoever comes then is told by `check_still`.
    connection.execute(f"LOCK TABLE {SCHEMA}.owner IN EXCLUSIVE MODE")
    if who := [name for (name,) in connection.execute(_SENDERS).fetchall()]:
        raise LedgerLocked(
            f"{address}: runs of this database are being sent by {', '.join(sorted(who))}, by the functions that are there; stop "
            "them first (rumbleup stop URL, of the version that sends), then upgrade; where one has died it is enough to wait "
            "until its lease has ended, 30 s unless the address says another"
        )
    if one_here(connection.execute(_OPEN)):
        raise LedgerLocked(f"{address}: a process has a ledger of this database open; wait for it to end, then upgrade")
    connection.execute(_PART)
    connection.execute(_DROP_ALL)
    _change(connection, int(about["version"]))
    connection.execute(_GRANT_ALIKE)
    return True


def prepare(address: Address, *, makes: bool) -> None:
    """Check the server, and see that the schema is there. Waits for the server: to be called in a thread.

    `makes`: where there is no schema it is made; else LedgerError.
    """
    with contextlib.closing(server.connect_here(address)) as connection, server.telling(address):
        prepare_on(connection, address, makes=makes)


def prepare_on(connection: Connection, address: Address, *, makes: bool) -> None:
    """The same over a connection that is there."""
    server.check(address, dict(connection.execute(server.ASK).fetchall()))
    if not one_here(connection.execute(HAS_SCHEMA)):
        if not makes:
            raise LedgerError(f"{address}: there is no ledger in this database yet; a run begins with rumbleup send LIST")
        make(connection, address)
    check_here(connection, address)
