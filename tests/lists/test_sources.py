"""Lists that are no files: queries, buckets, and what a Python caller has. Each says the same of the same people as the file."""

import asyncio
import contextlib
import dataclasses
import datetime as dt
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from rumbleup_async.errors import ListError
from rumbleup_async.lists import batches
from rumbleup_async.lists.contacts import fingerprint, open_list
from rumbleup_async.messaging import Planned
from rumbleup_async.screening.screen import Screen
from tests.database import Database
from tests.lists.test_forms import PLAN, SAMPLES, plan
from tests.samples.lists import make

A, B = "2025550101", "2025550102"


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A database with the sample people in its only table."""
    path = tmp_path / "people's.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute(f"CREATE TABLE people ({', '.join(f'[{name}]' for name in make.COLUMNS)})")
        rows = [[cell.isoformat() if isinstance(cell, dt.date) else cell for cell in row] for row in make.PEOPLE]
        db.executemany("INSERT INTO people VALUES (?, ?, ?, ?, ?)", rows)
        db.commit()
    return path


def frames() -> dict[str, Any]:
    table = make.arrow(make.COLUMNS, make.PEOPLE)
    return {
        "pandas": table.to_pandas(),
        "polars": pl.from_arrow(table),
        "table": table,
        "batch": table.combine_chunks().to_batches()[0],
        "reader": table.to_reader(),
    }


@pytest.mark.parametrize("name", frames())
def test_a_frame_is_read_by_its_rows(name: str) -> None:
    """The names of its columns would be taken for the contacts, and nobody be texted (K29 of the field's reports)."""
    assert plan(frames()[name]) == PLAN
    shuffled = make.arrow(make.COLUMNS, make.PEOPLE[::-1]).to_pandas()
    assert fingerprint(frames()[name]) == fingerprint(shuffled), "a resume would not know the list"
    assert fingerprint(frames()[name]) != fingerprint(shuffled.head(7))


def test_a_frame_with_lost_digits_texts_nobody() -> None:
    """pandas makes decimals of a column with gaps: those of double precision are whole, those of single are strangers."""
    phones = pd.DataFrame({"phone": [2025550101.0, None], "single": pd.Series([2025550101.0, None], dtype="float32")})
    small = pl.DataFrame({"phone": [A], "single": pl.Series([2025550101.0], dtype=pl.Float32)})
    for frame in (phones, small):
        found = {}
        for field in ("phone", "single"):
            with open_list(frame, phone_field=field, fields=()) as contacts:
                found[field] = [row.phone for row in Screen("STOP").batch(contacts) if isinstance(row, Planned)]
        assert found == {"phone": [A], "single": []}


@dataclasses.dataclass
class Voter:
    first_name: str
    cell_phone: str


class Cursor:
    """An async cursor of bare tuples, as drivers have it."""

    description = (("first_name", None), ("cell_phone", None))

    async def __aiter__(self) -> AsyncIterator[tuple[str, str]]:
        for row in (("Ada", A), ("Bob", B)):
            yield row


def from_sqlite() -> Any:
    db = sqlite3.connect(":memory:")
    return db.execute(f"SELECT 'Ada' AS first_name, '{A}' AS cell_phone UNION ALL SELECT 'Bob', '{B}'")


@pytest.mark.parametrize(
    "contacts", [lambda: [Voter("Ada", A), Voter("Bob", B)], Cursor, from_sqlite], ids=["dataclasses", "async cursor", "cursor"]
)
def test_rows_of_callers_are_read_by_their_shape(contacts: Any) -> None:
    """A caller would have to make mappings of a million rows, or find each of them skipped."""

    async def read() -> list[tuple[str, str]]:
        async with contextlib.aclosing(batches.screened(contacts(), Screen("Hi {first_name} STOP"), None)) as found:
            return [(row.phone, getattr(row, "text", "")) async for batch in found for row in batch]

    assert asyncio.run(read()) == [(A, "Hi Ada STOP"), (B, "Hi Bob STOP")]


def test_a_database_is_asked_for_its_only_table_or_by_a_query(people: Path) -> None:
    """The same people would be texted other texts from the database than from the export of it."""
    assert plan(f"sqlite:{people}") == PLAN
    some = "SELECT [First Name], [Cell Phone], Joined FROM people ORDER BY [VAN ID] DESC"
    assert plan(f"sqlite:{people}", query=some) == PLAN[::-1]
    parquet = SAMPLES / "people.parquet"
    assert plan(f"duckdb:{parquet}") == PLAN
    assert plan("duckdb:", query=f"SELECT * FROM '{parquet}' ORDER BY 1") == PLAN
    assert fingerprint(f"duckdb:{parquet}") == fingerprint(f"sqlite:{people}", query="SELECT * FROM people ORDER BY 2")


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("SELECT nonsense FROM people", "the query cannot be run: no such column: nonsense"),
        ("DELETE FROM people", "it does more than read; a list is read by one SELECT"),
        ("VACUUM INTO 'evil.db'", "it does more than read"),
        ("ATTACH 'evil.db' AS evil", "it does more than read"),
        ("SELECT [First Name] FROM people", "no column is called phone, cell or mobile"),
        ("SELECT * FROM people WHERE 0", "has no contacts"),
        ("SELECT [Cell Phone] AS phone, [Cell Phone] AS phone FROM people", "2 columns are called 'phone'"),
        ("PRAGMA query_only = 1", "the query gives no rows"),
        ("SELECT * FROM people; SELECT 1", "one statement at a time"),
    ],
)
def test_a_query_that_is_no_list_is_refused(people: Path, query: str, complaint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list would be changed by reading it, or a run begin with nobody."""
    monkeypatch.chdir(people.parent)
    with pytest.raises(ListError, match=complaint) as caught, open_list(f"sqlite:{people}", query=query) as contacts:
        list(contacts)
    assert "20255" not in str(caught.value)
    assert len(plan(f"sqlite:{people}")) == len(PLAN)
    assert [people.name] == [path.name for path in people.parent.iterdir()]


@pytest.mark.parametrize(
    "query",
    [
        "COPY (SELECT 1) TO 'evil.csv'",
        "EXPORT DATABASE 'evil'",
        "ATTACH 'evil.duckdb' AS evil",
        "SELECT '2025550101' AS phone; COPY (SELECT 1) TO 'evil.csv'",
        "INSTALL httpfs",
        "-- nothing",
    ],
)
def test_duckdb_is_asked_nothing_but_a_select(query: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A query that was meant for another program would write files, or fetch code, while a campaign begins."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ListError, match="a list is read by one SELECT that changes nothing and writes nowhere"):
        open_list("duckdb:", query=query)
    assert not list(tmp_path.iterdir())


def test_a_virtual_table_is_asked_too(tmp_path: Path) -> None:
    """What keeps a query from writing would keep it from reading JSON, or a full-text search, too."""
    path = tmp_path / "l.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE VIRTUAL TABLE people USING fts5(phone, name)")
        db.execute("INSERT INTO people VALUES (?, 'Ada')", [A])
        db.commit()
    for query in ("SELECT * FROM people('ada')", f"SELECT value AS phone FROM json_each('[{A}]')"):
        with open_list(f"sqlite:{path}", query=query) as contacts:
            assert [row.phone for row in contacts] == [A]


def test_a_cell_in_another_encoding_is_named_and_not_shown(tmp_path: Path) -> None:
    """What stands in it would be printed, or nobody know which column it is."""
    path = tmp_path / "l.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE people AS SELECT '2025550101' AS phone, CAST(x'ff416461' AS TEXT) AS name")
        db.commit()
    complaint = "column 'name', which is in another encoding; mend it, or leave the column out of the query"
    with pytest.raises(ListError, match=complaint) as caught, open_list(f"sqlite:{path}") as contacts:
        list(contacts)
    assert "Ada" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("sqlite:nowhere.db", "sqlite:nowhere.db: there is no such file"),
        ("duckdb:nowhere.parquet", "the query cannot be run"),
        ("duckdb:s3://bucket/list.parquet", "the query cannot be run"),
        ("duckdb:", "name a file behind duckdb:, or give the query with --query-file"),
        ("postgresql://me:secret@127.0.0.1/db", "a password in an address is seen by everybody; put it into PGPASSWORD"),
        ("postgresql://me@127.0.0.1/db?password=secret", "a password in an address is seen by everybody"),
        ("postgresql://127.0.0.1/db", "what is the list"),
        ("mysql://me:secret@host/db", "lists are read from sqlite:FILE, duckdb:FILE, postgresql://"),
        ("https://me:secret@example.org/list.csv", "an address with a key in it is seen by everybody"),
        ("https://example.org/list.csv?sig=secret", "an address with a key in it is seen by everybody"),
        ("http://example.org/list.csv", "is not encrypted"),
        ("s3://bucket", "names no file; write s3://bucket/PATH/list.csv"),
    ],
)
def test_an_address_that_cannot_be_read_says_why_and_no_secret(source: str, complaint: str) -> None:
    """A password would stand in a log, or nobody know what to write instead."""
    with pytest.raises(ListError) as caught:
        open_list(source)
    assert complaint in str(caught.value)
    assert "secret" not in str(caught.value)


def test_nothing_listens_at_an_address(people: Path) -> None:
    """A traceback of a driver would be all that is said."""
    with pytest.raises(ListError, match="the query cannot be run"):
        open_list("postgresql://me@127.0.0.1:1/db", query="SELECT 1 AS phone")
    with pytest.raises(ListError, match="--query-file is for a database"):
        open_list(SAMPLES / "people.csv", query="SELECT 1")


class Quiet(SimpleHTTPRequestHandler):
    def log_request(self, *args: Any) -> None:
        """Nobody wants to know."""

    def log_error(self, *args: Any) -> None:
        """Nor this."""


@pytest.fixture
def web() -> Iterator[str]:
    """The samples, served on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(SAMPLES))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_list_on_the_web_is_read_as_the_file_is(web: str) -> None:
    """It would have to be downloaded first, and a resume take the same list for another one."""
    for name in ("people.csv", "people.csv.gz", "people.xlsx", "people.parquet"):
        assert plan(f"{web}/{name}") == PLAN
    assert fingerprint(f"{web}/people.csv") == fingerprint(SAMPLES / "people.csv")
    with pytest.raises(ListError, match="there is no such file"):
        open_list(f"{web}/none.csv")


class Odd(BaseHTTPRequestHandler):
    """Answers as the name of the file asks for."""

    def do_GET(self) -> None:
        name = self.path[1:4]
        self.send_response(int(name) if name.isdigit() else 302 if name == "sen" else 200)
        if name == "sen":
            self.send_header("Location", self.path)
        if name != "end":
            self.send_header("Content-Length", "1000" if name == "hal" else "0")
        self.send_header("Last-Modified", "Tue, 01 Dec 2026 00:00:00 GMT")
        self.end_headers()
        self.wfile.write(b"phone\n2025550101\n")

    def log_message(self, *args: Any) -> None:
        """Nobody wants to know."""


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("403", "may not be read with the keys in the environment"),
        ("410", "the server answered 410"),
        ("sent on", "the server sends on and on to other addresses"),
        ("half", "the answer broke off"),
        ("endless", "the server does not say how long it is; download it and give the file"),
    ],
)
def test_what_a_server_does_instead_of_giving_the_list_is_said(name: str, complaint: str) -> None:
    """Half a list would be texted for a whole one, or nobody know whether the address, the key or the server is wrong."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Odd) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with pytest.raises(ListError) as caught, open_list(f"http://127.0.0.1:{server.server_port}/{name}.csv") as contacts:
                list(contacts)
        finally:
            server.shutdown()
            thread.join()
    assert complaint in str(caught.value)
    assert "2025550101" not in str(caught.value)


def test_a_bucket_is_read_with_the_clouds_own_variables(web: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key would have to stand in the command, where everybody on the machine sees it."""
    for name, value in (("AWS_ENDPOINT_URL", web), ("AWS_ALLOW_HTTP", "true"), ("AWS_SKIP_SIGNATURE", "true")):
        monkeypatch.setenv(name, value)
    folder = SAMPLES.parent
    monkeypatch.setattr(Quiet, "translate_path", lambda _, path: str(folder / path.strip("/")))
    for name in ("people.csv", "people.parquet"):
        assert plan(f"s3://lists/{name}") == PLAN
    with pytest.raises(ListError, match="there is no such file"):
        open_list("s3://lists/none.csv")


def test_postgresql_is_read_by_a_cursor_on_the_server(postgres: Database) -> None:
    """A million rows would be held in memory at once, or a list changed by reading it."""
    import psycopg

    address = postgres.address()
    columns = ", ".join(
        f'"{name}" {kind}' for name, kind in zip(make.COLUMNS, ("int", "text", "text", "text", "date"), strict=True)
    )
    with psycopg.connect(address, autocommit=True) as db, db.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS sample_people; CREATE TABLE sample_people ({columns})")
        cursor.executemany("INSERT INTO sample_people VALUES (%s, %s, %s, %s, %s)", make.PEOPLE)
    query = 'SELECT * FROM sample_people ORDER BY "VAN ID"'
    assert plan(address, query=query) == PLAN
    assert fingerprint(address, query="SELECT * FROM sample_people ORDER BY 3") == fingerprint(
        make.arrow(make.COLUMNS, make.PEOPLE)
    )
    many = "SELECT (2025550000 + n)::text AS phone FROM generate_series(1, 5000) n"
    with open_list(address, query=many) as contacts:
        assert sum(1 for _ in contacts) == 5000
    for wrong, complaint in (
        ("SELECT nonsense FROM sample_people", "nonsense"),
        ("SELECT 'secret-2025550101'::int AS phone", "22P02"),
        ("DELETE FROM sample_people RETURNING *", "cannot be run"),
        ("SELECT 1/(n-3000) AS phone FROM generate_series(1, 5000) n", "DivisionByZero 22012"),
    ):
        with pytest.raises(ListError, match=complaint) as caught, open_list(address, query=wrong) as contacts:
            list(contacts)
        assert "secret" not in str(caught.value)
    assert len(plan(address, query=query)) == len(PLAN)


def test_what_stops_in_the_middle_of_a_table_ends_the_list() -> None:
    """Half a list would be texted for a whole one."""

    def broken() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"phone": [A]})
        raise pa.ArrowInvalid("broken off")

    reader = pa.RecordBatchReader.from_batches(pa.schema({"phone": pa.string()}), broken())
    with pytest.raises(pa.ArrowInvalid), open_list(reader) as contacts:
        list(contacts)
