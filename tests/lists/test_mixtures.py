"""Any mixture of people gives the same plan in every form: CSV, JSON, workbooks, Parquet, Arrow, a database, a frame."""

import contextlib
import datetime as dt
import gzip
import io
import json
import random
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from rumbleup_async.errors import ListError
from rumbleup_async.lists.contacts import fingerprint, open_list
from tests.lists.test_forms import SAMPLES, plan
from tests.samples.lists import make

COLUMNS = ("VAN ID", "First Name", "Cell Phone", "Home Phone", "Joined")

_phones = st.one_of(
    st.none(),
    st.integers(2_025_550_100, 2_025_550_109).map(str),
    st.sampled_from(
        [
            "(202) 555-0102",
            "+1 202.555.0103",
            "2.03E+09",
            "202-555-0104 x5",
            "555-0105",
            "n/a",
            "2025550106 / 2025550107",
            "0101c",
        ]
    ),
)
_names = st.one_of(
    st.none(), st.sampled_from(["Ada", "José", "Smith, Jr.", 'the "second"', "NULL", "O'Neil", "=1+1", "1,5", "Zoë; Ada", "true"])
)
_people = st.lists(
    st.tuples(_names, _phones, _phones, st.none() | st.dates(dt.date(1905, 1, 1), dt.date(2100, 1, 1))), min_size=1, max_size=8
)


def _csv(rows: make.Rows) -> bytes:
    return make.csv_of(COLUMNS, rows).encode()


def _workbook(write: Callable[..., None]) -> Callable[[make.Rows], bytes]:
    def made(rows: make.Rows) -> bytes:
        out = io.BytesIO()
        write(out, {"Sheet1": [COLUMNS, *rows]})
        return out.getvalue()

    return made


def table(rows: make.Rows) -> pa.Table:
    kinds = (pa.int64(), pa.string(), pa.string(), pa.string(), pa.date32())
    columns = [pa.array([row[at] for row in rows], kind) for at, kind in enumerate(kinds)]
    columns[1] = columns[1].dictionary_encode()
    return pa.table(dict(zip(COLUMNS, columns, strict=True)))


def _parquet(rows: make.Rows) -> bytes:
    out = io.BytesIO()
    pq.write_table(table(rows), out, row_group_size=3)
    return out.getvalue()


def _arrow(begin: Callable[..., Any]) -> Callable[[make.Rows], bytes]:
    def made(rows: make.Rows) -> bytes:
        out, arrow = io.BytesIO(), table(rows)
        with begin(out, arrow.schema) as writer:
            writer.write_table(arrow, 3)
        return out.getvalue()

    return made


def _objects(rows: make.Rows) -> list[str]:
    return [json.dumps(one) for one in make.objects(COLUMNS, rows)]


FORMS: dict[str, Callable[[make.Rows], bytes]] = {
    "utf-16": lambda rows: make.csv_of(COLUMNS, rows).encode("utf-16"),
    "gzip": lambda rows: gzip.compress(_csv(rows)),
    "zstd": lambda rows: zstd.compress(_csv(rows)),
    "zip": lambda rows: make.zipped({"list.csv": _csv(rows)}),
    "json lines": lambda rows: "\n".join(_objects(rows)).encode(),
    "json": lambda rows: f"[{','.join(_objects(rows))}]".encode(),
    "xlsx": _workbook(make.xlsx),
    "xls": _workbook(make.xls),
    "ods": _workbook(make.ods),
    "parquet": _parquet,
    "arrow file": _arrow(pa.ipc.new_file),
    "arrow stream": _arrow(pa.ipc.new_stream),
}


def _planned(source: Any, phone_field: str) -> Sequence[tuple[str, str]] | str:
    """The plan, or what the list is refused for, without the name of the list."""
    try:
        # A cell that says nothing stands in the report as it is, but for JSON, where it is no value.
        return [(phone if "STOP" in text else "", text) for phone, text in plan(source, phone_field=phone_field)]
    except ListError as caught:
        return str(caught).partition(": ")[2]


@settings(max_examples=20)
@given(_people, st.sampled_from(["Cell Phone", "Cell Phone,Home Phone", "home phone,cell_phone"]))
def test_the_same_people_have_the_same_plan_in_every_form(people: list[Any], phone_field: str) -> None:
    """Whoever saves a list in another form would text others, or another text."""
    rows = [(100_000 + number, *row) for number, row in enumerate(people)]
    expected = _planned(io.BytesIO(_csv(rows)), phone_field)
    for name, write in FORMS.items():
        assert _planned(io.BytesIO(write(rows)), phone_field) == expected, name
    arrow = table(rows)
    frames = [arrow, arrow.to_pandas(), pl.from_arrow(arrow)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.db"
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute(f"CREATE TABLE people ({', '.join(f'[{name}]' for name in COLUMNS)})")
            texts = [[str(cell) if isinstance(cell, dt.date) else cell for cell in row] for row in rows]
            db.executemany("INSERT INTO people VALUES (?, ?, ?, ?, ?)", texts)
            db.commit()
        sources = [*frames, f"sqlite:{path}"]
        assert all(_planned(source, phone_field) == expected for source in sources)
        assert len({fingerprint(source) for source in sources}) == 1


@pytest.mark.parametrize("name", ["people.json", "people.jsonl", "people.csv", "people.csv.zst", "people.xls"])
def test_a_damaged_list_is_read_or_refused(name: str) -> None:
    """A damaged download would end in a traceback."""
    data, chance, said = (SAMPLES / name).read_bytes(), random.Random(11), list[str]()
    for _ in range(60):
        broken = bytearray(data[: chance.randrange(1, len(data))] if chance.random() < 0.4 else data)
        for _ in range(chance.randint(0, 3)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        try:
            with open_list(io.BytesIO(bytes(broken))) as contacts:
                list(contacts)
        except ListError as caught:
            said.append(str(caught))
    assert said
    assert "202555" not in "".join(said)
