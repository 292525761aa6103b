"""Lists that are no files, handed to a run: they are read to their end, and a resume knows them."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from rumbleup_async import MemoryLedger, RumbleUp, RunOptions
from rumbleup_async.errors import ConfigurationError, LedgerMismatch
from rumbleup_async.simulator import Simulator

TEXT = "Hi {name}. STOP to opt out"
PEOPLE = pd.DataFrame({"name": ["Ada", "Bob", "Cy"], "phone": [2025550101.0, 2025550102.0, None]})


@pytest.mark.parametrize("in_memory", [False, True])
async def test_a_frame_is_a_list_that_a_resume_knows(
    rumbleup: RumbleUp, simulator: Simulator, tmp_path: Path, in_memory: bool
) -> None:
    """The same frame in another order would be taken for another campaign, or a changed one for the same."""
    ledger = MemoryLedger() if in_memory else tmp_path / "run.ledger"
    async with rumbleup.fast_mode(action=125, text=TEXT, ledger=ledger, limit=1) as run:
        summary = await run.send(PEOPLE)
    assert (summary.sent, summary.skipped, summary.not_sent) == (1, 1, 1)
    if in_memory:
        return
    async with rumbleup.fast_mode(action=125, text=TEXT, ledger=ledger) as run:
        summary = await run.send(PEOPLE[::-1])
    assert (summary.sent, summary.skipped) == (2, 1)
    assert sorted(str(sent.text) for sent in simulator.truth) == ["Hi Ada. STOP to opt out", "Hi Bob. STOP to opt out"]
    async with rumbleup.fast_mode(action=125, text=TEXT, ledger=ledger) as run:
        with pytest.raises(LedgerMismatch):
            await run.send(PEOPLE.head(2))
    assert len(simulator.truth) == 2


ARROW = pa.Table.from_pandas(PEOPLE)


@pytest.mark.parametrize(
    "people",
    [
        pytest.param(lambda: ARROW, id="table"),
        pytest.param(lambda: ARROW.to_batches()[0], id="batch"),
        pytest.param(ARROW.to_reader, id="reader"),
        pytest.param(lambda: ds.dataset(ARROW), id="dataset"),
        pytest.param(lambda: pl.from_arrow(ARROW), id="polars"),
        pytest.param(lambda: PEOPLE.to_dict("records"), id="records"),
    ],
)
async def test_the_face_of_a_run_takes_every_table(rumbleup: RumbleUp, people: Callable[[], Any]) -> None:
    """What reads a table would never be given one: the call that takes it said that it was no list."""
    async with rumbleup.fast_mode(action=125, text=TEXT, ledger=MemoryLedger()) as run:
        assert (await run.send(people())).sent == (0 if isinstance(people(), list) else 2)


@pytest.mark.parametrize(
    "people",
    [
        pa.array(["2025550101", "2025550102", None]),
        pa.chunked_array([["2025550101"], ["2025550102"]]),
        [np.int64(2025550101), np.int64(2025550102)],
        pd.Series(["2025550101", "2025550102"]),
        [{"phone": pd.NA}, {"phone": np.str_("2025550101")}, {"phone": "2025550102"}, {"phone": pd.NaT}],
    ],
    ids=["array", "chunks", "numbers", "series", "missing values"],
)
async def test_single_values_of_arrow_and_numpy_are_phones(rumbleup: RumbleUp, people: Any) -> None:
    """A traceback of another library would be all that is said, or a number be no phone."""
    async with rumbleup.fast_mode(action=125, text="Hi. STOP to opt out", ledger=MemoryLedger()) as run:
        assert (await run.send(people)).sent == 2


async def test_a_query_is_a_list_that_a_resume_knows(rumbleup: RumbleUp, simulator: Simulator, tmp_path: Path) -> None:
    """Whoever was texted from a query would be texted again by the next call, or its address stand in the ledger."""
    path, ledger = tmp_path / "secret-name.db", tmp_path / "run.ledger"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE people (name, cell, home)")
        db.executemany("INSERT INTO people VALUES (?, ?, ?)", [("Ada", "x", "2025550101"), ("Bob", 2025550102, None)])
        db.commit()
    for order in ("", " ORDER BY name DESC"):
        options = {"query": f"SELECT * FROM people{order}", "phone_field": ["cell", "home"]}
        async with rumbleup.fast_mode(action=125, text=TEXT, ledger=ledger, **options) as run:  # type: ignore[arg-type]
            assert (await run.send(f"sqlite:{path}")).sent == 2
    assert sorted(sent.phone for sent in simulator.truth) == ["2025550101", "2025550102"]
    assert b"secret-name" not in ledger.read_bytes()
    assert b"SELECT" not in ledger.read_bytes().replace(b"SELECT RAISE", b"")


@pytest.mark.parametrize("value", [5, [], [None], {"cell": 1}])
def test_what_names_no_phone_column_is_refused(value: object) -> None:
    """A traceback from inside would be all that is said."""
    with pytest.raises(ConfigurationError, match="phone_field is a name, or several in their order"):
        RunOptions(phone_field=value)  # type: ignore[arg-type]
