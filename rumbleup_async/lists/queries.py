"""Lists that a database is asked for: SQLite, PostgreSQL, and DuckDB for everything that it reads.

Lives here: running one query that changes nothing, and its rows in a stream. Errors of a database may quote what stands
in a cell, so of most only their kind is told.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from rumbleup_async.errors import ListError
from rumbleup_async.lists import extras
from rumbleup_async.lists.row_table import BLOCK, RowTable

_Errors = tuple[type[Exception], Callable[[Exception], str]]
"""The errors of a database, and what of one may be told."""
_GIVE: Final = "give the query with --query-file"
_NO_FILE: Final = "there is no such file"
_READS: Final = "a list is read by one SELECT that changes nothing and writes nowhere"
_several = re.compile(r".*\[\d*\]|(?:STRUCT|MAP|UNION)\(.*|list|struct|map", re.DOTALL).fullmatch


class QueryTable(RowTable):
    """The rows of a query. `cursor` has been executed; `close` closes its connection."""

    def __init__(self, where: str, form: str, cursor: Any, close: Callable[[], object], errors: _Errors) -> None:
        columns = cursor.description
        # DuckDB says what is in a column, as `VARCHAR[]`; others give numbers or nothing.
        several = [place for place, column in enumerate(columns) if _several(str(column[1]))]
        super().__init__(where, form, [str(column[0]) for column in columns], _fetched(cursor, where, errors), several)
        self._close = close

    def close(self) -> None:
        self._close()


def _fetched(cursor: Any, where: str, errors: _Errors) -> Iterator[Sequence[Sequence[object]]]:
    failures, words = errors
    while True:
        try:
            rows = cursor.fetchmany(BLOCK)
        except failures as error:
            raise ListError(f"{where}: the query failed: {words(error)}") from None
        if not rows:
            return
        yield rows


def sqlite(path: str, query: str | None) -> QueryTable:
    """The list in an SQLite file, opened for reading alone: its only table, or what a query asks for."""
    where = f"sqlite:{path}"
    if not Path(path).is_file():
        raise ListError(f"{where}: {'is no file; give that of the database' if path and Path(path).exists() else _NO_FILE}")
    db = sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, check_same_thread=False)
    try:
        if query is None:
            found = db.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'")
            query = _all_of([name for (name,) in found], where)
        db.set_authorizer(_may_be_done)
        cursor = db.execute(query)
    except (sqlite3.Error, sqlite3.Warning) as error:
        db.close()
        raise ListError(f"{where}: the query cannot be run: {_sqlite_words(error)}") from None
    except BaseException:
        db.close()
        raise
    if cursor.description is None:
        db.close()
        raise ListError(f"{where}: the query gives no rows; {_READS}")
    return QueryTable(where, "a query of SQLite", cursor, db.close, (sqlite3.Error, _sqlite_words))


def _may_be_done(action: int, *_: object) -> int:
    """Of a file that is opened for reading alone nothing is written, but `VACUUM INTO` and `ATTACH` write other files."""
    return sqlite3.SQLITE_DENY if action in (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH) else sqlite3.SQLITE_OK


def _sqlite_words(error: Exception) -> str:
    """It names tables, columns and words of the query, and a value only where that is no UTF-8."""
    told = str(error)[:200]
    if "not authorized" in told or "authorization denied" in told or "readonly database" in told:
        return f"it does more than read; {_READS}"
    column, is_coded, _ = told.partition(" with text ")
    return f"{column}, which is in another encoding; mend it, or leave the column out of the query" if is_coded else told


def _all_of(tables: list[str], where: str) -> str:
    if len(tables) != 1:
        shown = ", ".join(sorted(tables)[:12]) or "none"
        raise ListError(f"{where}: which table is the list? it has {shown}; {_GIVE}")
    name = tables[0].replace('"', '""')
    return f'SELECT * FROM "{name}"'  # noqa: S608 - the table's own name, quoted


def postgres(url: str, query: str | None) -> QueryTable:
    """The rows of a query of PostgreSQL, by a cursor on the server: in a transaction that may read alone. Whoever has a password
    keeps it in the environment, in `~/.pgpass` or in a service file."""
    parts = urlsplit(url)
    where = f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
    if parts.password or "password=" in parts.query:
        raise ListError(
            f"{where}: a password in an address is seen by everybody; put it into PGPASSWORD, ~/.pgpass or a service file"
        )
    if query is None:
        raise ListError(f"{where}: what is the list? {_GIVE}")
    psycopg = extras.module("psycopg", "postgres", f"{where}: this is PostgreSQL", "export the rows as CSV")
    with contextlib.ExitStack() as stack:
        try:
            connection = psycopg.connect(url, connect_timeout=20)
            stack.callback(connection.close)
            connection.read_only = True
            cursor = connection.cursor("list_of_contacts")
            stack.callback(_closed, cursor, psycopg.Error)
            cursor.execute(query)
        except psycopg.Error as error:
            raise ListError(f"{where}: the query cannot be run: {_postgres_words(error)}") from None
        if cursor.description is None:
            raise ListError(f"{where}: the query gives no rows; {_READS}")
        errors = (psycopg.Error, _postgres_words)
        return QueryTable(where, "a query of PostgreSQL", cursor, stack.pop_all().close, errors)


def _closed(cursor: Any, failure: type[Exception]) -> None:
    with contextlib.suppress(failure):  # where the connection is lost there is nothing left to close
        cursor.close()


def _postgres_words(error: Exception) -> str:
    code = getattr(error, "sqlstate", None) or ""
    # Class 42 names tables, columns and words of the query; others may quote a value. Without a code nothing was reached.
    told = str(error).split("\n")[0][:200] if code.startswith("42") or (not code and "password" not in str(error)) else ""
    return told or f"{type(error).__name__} {code}".strip()


def duckdb(what: str, query: str | None) -> QueryTable:
    """What DuckDB reads: a query, the only table of a database file, or all rows of files by name or pattern."""
    where = f"duckdb:{what}"
    library = extras.module("duckdb", "duckdb", f"{where}: this is for DuckDB", "export the rows as CSV")
    is_database = what != "" and _is_duckdb(Path(what))
    if query is None and not what:
        raise ListError(f"{where}: what is the list? name a file behind duckdb:, or {_GIVE}")
    db = None
    try:
        # An extension is code from the network: who wants one installs it, and it is not fetched while a campaign begins.
        config = {"autoinstall_known_extensions": "false"}
        db = library.connect(what, read_only=True, config=config) if is_database else library.connect(config=config)
        if query is None and is_database:
            query = _all_of([name for (name,) in db.execute("SELECT table_name FROM duckdb_tables()").fetchall()], where)
        elif query is None:
            name = what.replace("'", "''")
            query = f"SELECT * FROM '{name}'"  # noqa: S608 - a name of files, quoted
        _require_select(db, query, where)
        cursor = db.execute(query)
    except library.Error as error:
        if db is not None:
            db.close()
        raise ListError(f"{where}: the query cannot be run: {_duckdb_words(error)}") from None
    except BaseException:
        if db is not None:
            db.close()
        raise
    return QueryTable(where, "a query of DuckDB", cursor, db.close, (library.Error, _duckdb_words))


def _duckdb_words(error: Exception) -> str:
    kind = type(error).__name__
    told = kind in ("CatalogException", "ParserException", "BinderException", "IOException")
    return (
        str(error).split("\n")[0][:200] if told else f"{kind}; DuckDB's own command says more, and may quote what is in the list"
    )


def _require_select(db: Any, query: str, where: str) -> None:
    if [str(one.type).rpartition(".")[2] for one in db.extract_statements(query)] != ["SELECT"]:
        raise ListError(f"{where}: the query cannot be run: {_READS}")


def _is_duckdb(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(12)[8:] == b"DUCK"
    except OSError:
        return False
