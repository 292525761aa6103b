"""Columns that go with the contacts: into the ledger with each row, and out of it again."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from rumbleup_async.errors import ConfigurationError, ListError
from rumbleup_async.ledger import Reader, SqliteLedger
from rumbleup_async.lists.kept_columns import read_names
from tests.engine.scripted import Provider, make_run, phone

ROWS = [{"Phone": phone(number), "VANID": number, "city": "NULL"} for number in range(2500)]


async def later() -> AsyncIterator[Any]:
    for row in ROWS:
        yield row


def kept(path: Path, contacts: Any, keep: Any) -> tuple[list[str], dict[int, dict[str, str]]]:
    """What the ledger of a run has of the columns."""

    async def main() -> None:
        async with make_run(Provider(), ledger=SqliteLedger(path), keep=keep, concurrency=64) as run:
            await run.send(contacts)

    asyncio.run(main())
    reader = Reader(path)
    try:
        return reader.kept_names(), reader.kept(0, 10_000)
    finally:
        reader.close()


@pytest.mark.parametrize("form", ["list", "async"])
def test_mappings_keep_their_columns(form: str, tmp_path: Path) -> None:
    """The rows of a database have an id as well."""
    names, cells = kept(tmp_path / "l", ROWS if form == "list" else later(), "VANID,city")
    assert names == ["VANID", "city"]
    assert cells == {number + 1: {"VANID": str(number), "city": ""} for number in range(2500)}


def test_all_columns_of_mappings_and_json_lines(tmp_path: Path) -> None:
    """All but the phone, which the report has."""
    names, cells = kept(tmp_path / "l", ROWS[:3], ["*"])
    assert names == ["vanid", "city"]
    assert cells[2] == {"vanid": "1", "city": ""}
    source = tmp_path / "list"
    source.write_text(f'{{"phone": "{phone(1)}", "VanID": 7}}\n{{"phone": "{phone(2)}", "city": "x"}}\n')
    assert kept(tmp_path / "m", source, "*") == (
        ["vanid", "city"],
        {1: {"vanid": "7", "city": ""}, 2: {"vanid": "", "city": "x"}},
    )


def test_nothing_is_kept_unless_it_is_asked_for(tmp_path: Path) -> None:
    """A table more costs each import, and personal data lies in a file for nothing."""
    assert kept(tmp_path / "l", ROWS[:3], ()) == ([], {})
    db = sqlite3.connect(tmp_path / "l")
    assert "kept" not in {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    db.close()


def test_a_list_that_is_read_anew_takes_the_old_columns_with_it(tmp_path: Path) -> None:
    """The cells of the list before would stand beside other people."""
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text(f"phone,id\n{phone(1)},1\n{phone(2)},2\n{phone(3)},3\n")
    second.write_text(f"phone,id\n{phone(4)},4\n")

    async def load(path: Path) -> None:
        async with make_run(Provider(), ledger=SqliteLedger(tmp_path / "l"), keep="id") as run:
            await run.load(path)

    asyncio.run(load(first))
    asyncio.run(load(second))
    reader = Reader(tmp_path / "l")
    assert reader.kept(0, 10) == {2: {"id": "4"}}
    reader.close()


@pytest.mark.parametrize(
    ("given", "names"), [("a,b", ("a", "b")), (["a", " b , a"], ("a", "b")), ("*", ("*",)), ("a,*", ("*",)), ("", ())]
)
def test_names_are_a_list_with_commas(given: Any, names: tuple[str, ...]) -> None:
    """Each would need an option of its own."""
    assert read_names(given) == names


def test_a_name_that_is_none_or_is_not_there_is_refused(tmp_path: Path) -> None:
    """The report would lack the very column that it is wanted for."""
    with pytest.raises(ConfigurationError, match="names no column"):
        read_names("a,?!")
    with pytest.raises(ListError, match="no column 'id' to keep"):
        kept(tmp_path / "l", ROWS, "id")
