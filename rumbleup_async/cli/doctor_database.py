"""`rumbleup doctor --ledger URL`: whether a database can hold the ledgers of runs.

Lives here: the checks and their remedies. Nothing is written there.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any

import msgspec

from rumbleup_async.errors import LedgerError
from rumbleup_async.postgres import server, versions
from rumbleup_async.postgres.address import Address
from rumbleup_async.postgres.changes import VERSION
from rumbleup_async.postgres.tables import SCHEMA

_RIGHTS = f"""SELECT CASE WHEN has_schema_privilege('{SCHEMA}', 'USAGE')
    THEN has_table_privilege('{SCHEMA}.contact', 'INSERT') AND has_table_privilege('{SCHEMA}.contact', 'UPDATE') ELSE false END"""
_FAR = 60.0
"""Seconds by which the clocks may differ before it is pointed out. Nothing is decided by that."""


class Look(msgspec.Struct, frozen=True):
    """One check of the database."""

    check: str
    fine: bool
    says: str


def examine(address: Address) -> list[Look]:
    """Every check that can be made, the first that fails last."""
    try:
        with contextlib.closing(server.connect_here(address)) as connection, server.telling(address):
            return _examined(connection, address)
    except LedgerError as error:
        return [Look("database", False, str(error))]


def _examined(connection: Any, address: Address) -> list[Look]:
    settings = dict(connection.execute(server.ASK).fetchall())
    try:
        server.check(address, settings)
        server.check_pooler(address)
    except LedgerError as error:
        return [Look("database", False, str(error))]
    found = [Look("database", True, f"PostgreSQL {settings['server_version']}, fsync and full_page_writes on, UTF8")]
    if address.is_unsafe:
        found = [Look("database", True, f"PostgreSQL {settings['server_version']}; whether it waits for its disk is not asked")]
    has_schema = server.one_here(connection.execute(versions.HAS_SCHEMA))
    rights = _rights(connection, has_schema=has_schema)
    if not rights.fine:
        return [*found, rights]
    if has_schema:
        try:
            versions.check_here(connection, address)
        except LedgerError as error:
            return [*found, Look("tables", False, str(error))]
        found.append(Look("tables", True, f"the schema {SCHEMA} is there, version {VERSION}"))
    found.append(rights)
    apart = server.one_here(connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8")) - time.time()
    says = (
        "as this machine's" if abs(apart) < _FAR else f"{abs(apart):.0f} s apart from this machine's; leases go by the server's"
    )
    return [*found, Look("clock", True, says)]


def _rights(connection: Any, *, has_schema: bool) -> Look:
    if not has_schema:
        may_create = server.one_here(connection.execute("SELECT has_database_privilege(current_database(), 'CREATE')"))
        mend = f"have somebody who may create a schema call rumbleup ledgers upgrade, and grant this user what is in {SCHEMA}"
        return Look("rights", may_create, "may make the tables; the first run does" if may_create else f"no tables yet: {mend}")
    may_use = server.one_here(connection.execute(_RIGHTS))
    return Look("rights", may_use, "may read and write the tables" if may_use else server.GRANT)
