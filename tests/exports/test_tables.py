"""Tables of a report, opened again by what people open them with."""

import csv
import datetime as dt
import errno
import gc
import importlib
import io
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet
import pytest
import python_calamine

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.exports import tables, workbook
from rumbleup_async.exports.outcome import gather
from rumbleup_async.exports.rows import COLUMNS, Runs
from rumbleup_async.ledger import SqliteLedger
from rumbleup_async.postgres.address import Address, parse
from rumbleup_async.postgres.ledger import PostgresLedger
from rumbleup_async.receipts.opening import open_store
from tests.database import Database
from tests.exports.made import HOSTILE, NOON, PLAN, make, phone, told


@pytest.fixture(params=["file", "database"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | Address:
    """A run that was followed."""
    where: Path | Address = tmp_path / "a.ledger"
    if request.param == "database":
        database: Database = request.getfixturevalue("postgres")
        where = parse(database.address(f"export-{uuid.uuid4().hex}"))
    await make(SqliteLedger(where) if isinstance(where, Path) else PostgresLedger(where))
    store = open_store(where, PLAN.run, makes=True)
    assert store is not None
    store.take(told())
    store.looked()
    store.close()
    return where


def as_csv(places: Sequence[Path | Address], **options: Any) -> list[dict[str, str]]:
    file = io.BytesIO()
    number = tables.write_csv(Runs(places, **options), file)
    rows = list(csv.DictReader(io.StringIO(file.getvalue().decode(), newline="")))
    assert len(rows) == number
    return rows


def as_workbook(places: Sequence[Path | Address], folder: Path, **options: Any) -> bytes:
    file = io.BytesIO()
    workbook.write([gather(one) for one in places], Runs(places), file, folder, **options)
    assert [path for path in folder.iterdir() if path.name.startswith(".rumbleup-")] == []
    return file.getvalue()


async def test_a_row_says_everything_of_its_contact(place: Path | Address) -> None:
    """State, reason, delivery and kept columns stand together; the list's own `phone` beside ours."""
    first, second, third, *rest = as_csv([place])
    assert list(first) == [*COLUMNS, "name", "list_phone", "Ward"]
    assert (first["run"], first["row"], first["state"], first["logid"]) == (PLAN.run, "1", "sent", f"rl_{1:032x}")
    assert dt.datetime.fromisoformat(first["sent_time"]) == dt.datetime.fromtimestamp(NOON + 1, dt.UTC)
    assert (first["segments"], first["attempts"], first["Ward"]) == ("2", "1", "1")
    assert (first["delivery"], first["delivery_reason"], first["replied"], first["opted_out"]) == ("delivered", "", "yes", "")
    assert (second["delivery"], second["delivery_reason"]) == (
        "undelivered", "landline: =The <b>landline</b> \u202602",
    )  # fmt: skip
    assert (third["delivery"], third["replied"], third["opted_out"]) == ("", "yes", "yes")
    assert [row["state"] for row in rest[1:3]] == ["refused", "unknown"]
    assert {row["state"] for row in rest[3:-2]} == {"not_sent"}
    assert [row["code"] for row in rest[-2:]] == ["invalid_phone", "duplicate"]
    assert rest[-1]["reason"].endswith("1234567")


async def test_phones_are_masked_unless_asked_for(place: Path | Address, tmp_path: Path) -> None:
    """In whatever column they stand, and in the words of a provider."""
    for content in (str(as_csv([place])), as_workbook([place], tmp_path).decode("latin1")):
        assert not [row for row in range(1, 17) if phone(row) in content]
    assert not {"202-555-0177", "312) 555", "555-0105", "2025550199"} & set(str(as_csv([place])).split("'"))
    rows = as_csv([place], shows_phones=True)
    assert [row["phone"] for row in rows[:4]] == [phone(row) for row in range(1, 5)]
    assert rows[0]["list_phone"] == phone(1)
    assert "202-555-0177" in rows[14]["name"]


async def test_no_cell_of_a_csv_is_a_formula(place: Path | Address) -> None:
    """The names of the list are what somebody has typed into a form."""
    rows = as_csv([place])
    for row in rows:
        assert not [cell for cell in row.values() if cell[:1] in {*"=-@\t\r\n\uff1d"} or cell[:2] == "+1"]
    assert [row["name"].removeprefix("'") for row in rows[:14]] == [*HOSTILE[:14]]


async def test_a_workbook_answers_a_question_a_sheet(place: Path | Address, tmp_path: Path) -> None:
    """By two readers: what is a word is a word, and what is a number can be counted with."""
    content = as_workbook([place], tmp_path)
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert book.sheetnames == [
        "Summary", "States", "Over time", "Zones and hours", "Problems", "Segments and cost", "Delivery", "Contacts",
    ]  # fmt: skip
    for sheet in book:
        for cell in (cell for line in sheet for cell in line if cell.value is not None):
            assert cell.data_type != "f"
            assert not isinstance(cell.value, str) or cell.value[:1] not in {*"=+-@\t\r\n\uff1d"}
    contacts = [[cell.value for cell in line] for line in book["Contacts"]]
    assert contacts[0] == [*COLUMNS, "name", "list_phone", "Ward"]
    assert len(contacts) == 1 + len(HOSTILE) + 2
    names = [line[14] for line in contacts[1:]]
    assert names[7] == HOSTILE[7]
    assert (len(names[12]), names[12][-1]) == (32_767, "\u2026")
    states = {line[1].value: line[2].value for line in [*book["States"]][1:]}
    assert states == {"sent": 4, "refused": 1, "unknown": 1, "not sent": 10, "skipped": 2}
    delivery = {line[1].value: line[4].value for line in [*book["Delivery"]][1:]}
    assert (delivery["delivered"], delivery["undelivered"], delivery["without a receipt"]) == (1, 1, 2)
    (zone,) = [*book["Zones and hours"]][1:]
    assert (zone[1].value, zone[2].value, zone[3 + 11].value) == ("Eastern", 4, 4)
    again = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
    assert len(again.get_sheet_by_name("Contacts").to_python()) == len(contacts)


async def test_contacts_that_do_not_fit_stand_on_a_further_sheet(place: Path | Address, tmp_path: Path) -> None:
    """A sheet has a million rows; nobody may be lost behind the last one."""
    book = openpyxl.load_workbook(io.BytesIO(as_workbook([place], tmp_path, most_rows=10)), read_only=True)
    sheets = [name for name in book.sheetnames if name.startswith("Contacts")]
    rows = [[*book[name].values] for name in sheets]
    assert [len(one) for one in rows] == [10, 10]
    assert [line[1] for one in rows for line in one[1:]] == list(range(1, 19))
    book.close()


async def test_parquet_has_types_and_the_words_as_they_are(place: Path | Address) -> None:
    """No spreadsheet opens it: a name that begins with = is that name."""
    file = io.BytesIO()
    assert tables.write_parquet(Runs([place], shows_phones=True), file) == 18
    table = pyarrow.parquet.read_table(io.BytesIO(file.getvalue()))
    rows = table.to_pylist()
    assert [row["name"] for row in rows[:16]] == [*HOSTILE]
    assert (rows[0]["row"], rows[0]["sent_time"], rows[0]["replied"], rows[0]["delivery"]) == (
        *(1, dt.datetime.fromtimestamp(NOON + 1, dt.UTC), True, "delivered"),
    )
    assert rows[5]["sent_time"] is None


async def test_several_runs_stand_below_each_other(tmp_path: Path) -> None:
    """Each contact with its run, and each with the columns of all."""
    await make(SqliteLedger(tmp_path / "a.ledger"))
    await make(SqliteLedger(tmp_path / "b.ledger"), [], plan=type(PLAN)(**{**PLAN_FIELDS, "run": "abcdefghij"}))
    rows = as_csv([tmp_path / "a.ledger", tmp_path / "b.ledger"])
    assert [row["run"] for row in rows[-3:]] == [PLAN.run, "abcdefghij", "abcdefghij"]
    assert rows[-1]["name"] == ""


PLAN_FIELDS = {name: getattr(PLAN, name) for name in PLAN.__struct_fields__}


async def test_what_is_not_installed_is_named(place: Path | Address, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the extra that has it, and with what can be written without."""

    def missing(name: str) -> None:
        raise ImportError(name=name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ConfigurationError, match=r"pyarrow: pip install 'rumbleup_async\[lists\]'"):
        tables.write_parquet(Runs([place]), io.BytesIO())
    with pytest.raises(ConfigurationError, match=r"xlsxwriter.*\[export\]"):
        as_workbook([place], tmp_path)


class Full(io.BytesIO):
    """A file on a disk that is full after some bytes."""

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > 500:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


def _workbook(runs: Runs, file: io.BytesIO, folder: Path) -> int:
    return workbook.write([gather(folder / "a.ledger")], runs, file, folder)


_FORMS = [lambda *given: tables.write_csv(*given[:2]), lambda *given: tables.write_parquet(*given[:2]), _workbook]


@pytest.mark.parametrize("write", _FORMS)
async def test_a_full_disk_is_said_as_such(write: Any, tmp_path: Path) -> None:
    """And not as a mistake of this program; nothing is left beside the file."""
    await make(SqliteLedger(tmp_path / "a.ledger"))
    with pytest.raises(OSError, match="No space left"):
        write(Runs([tmp_path / "a.ledger"]), Full(), tmp_path)
    gc.collect()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


async def test_a_workbook_that_is_broken_off_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C in the middle of a million rows ends it at once."""
    await make(SqliteLedger(tmp_path / "a.ledger"))

    class Broken(Runs):
        def __iter__(self) -> Any:
            yield next(super().__iter__())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        workbook.write([gather(tmp_path / "a.ledger")], Broken([tmp_path / "a.ledger"]), io.BytesIO(), tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
