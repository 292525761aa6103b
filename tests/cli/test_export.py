"""`rumbleup export`: a report of each form, and what it refuses."""

import csv
import io
import json
import stat
import uuid
from pathlib import Path

import msgspec
import openpyxl
import pyarrow.parquet
import pytest

from rumbleup_async.ledger import SqliteLedger
from rumbleup_async.simulator import Simulator
from rumbleup_async.webhooks import Record, SQLite
from tests.cli.conftest import Process
from tests.database import Database
from tests.exports.made import HOSTILE, make, phone


async def test_after_a_send_and_a_look_every_form_tells_the_same(process: Process, simulator: Simulator, tmp_path: Path) -> None:
    """From the list to the report, over the log; nobody but its owner can read the file."""
    simulator.change(receipt_delay=0)
    simulator.receipt("2025550102", "landline")
    (tmp_path / "list.csv").write_text("phone,name\n2025550101,Ada\n2025550102,Grace\n2025550101,Ada\n")
    send = ("send", tmp_path / "list.csv", "--action", "125", "--text", "Hi. STOP to opt out", "--keep", "name")
    assert (await process(*send, "--yes", "--no-book", "--quiet")).returncode == 0
    ledger = tmp_path / "list-125.ledger"
    assert (await process("follow", ledger, "--quiet")).returncode == 0
    for form in ("html", "xlsx", "csv", "parquet"):
        out = tmp_path / f"report.{form.upper() if form == 'csv' else form}"
        done = await process("export", ledger, "--out", out)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        assert stat.S_IMODE(out.stat().st_mode) == 0o600
    page = (tmp_path / "report.html").read_text()
    assert "2 of 3 contacts were texted" in page
    assert "The destination is a landline" in page
    rows = list(csv.DictReader(io.StringIO((tmp_path / "report.CSV").read_text())))
    assert [(row["name"], row["state"], row["delivery"]) for row in rows] == [
        ("Ada", "sent", "delivered"), ("Grace", "sent", "undelivered"), ("Ada", "skipped", ""),
    ]  # fmt: skip
    table = pyarrow.parquet.read_table(tmp_path / "report.parquet").to_pylist()
    assert [(row["name"], row["state"], row["delivery"]) for row in table] == [
        (row["name"], row["state"], row["delivery"]) for row in rows
    ]
    sheet = openpyxl.load_workbook(tmp_path / "report.xlsx")["Contacts"]
    assert [line[2] for line in sheet.values][1:] == [row["phone"] for row in rows] == ["********01", "********02", "********01"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


async def test_the_receiver_s_file_can_be_joined_at_once(process: Process, tmp_path: Path) -> None:
    """Without a follow before, and for several ledgers of a folder."""
    (tmp_path / "runs").mkdir()
    await make(SqliteLedger(tmp_path / "runs" / "a.ledger"))
    await make(SqliteLedger(tmp_path / "runs" / "b.ledger"), ["Ada"])
    sink = SQLite(tmp_path / "events.db")
    sink.open()
    data = {"phone": phone(2), "logid": f"rl_{2:032x}", "status": "undelivered", "error_code": "spam"}
    sink.write([Record("1", "DELIVERY_RECEIPT", 9, msgspec.Raw(json.dumps({"type": "DELIVERY_RECEIPT", "data": data}).encode()))])
    sink.close()
    out = tmp_path / "all.csv"
    done = await process("export", tmp_path / "runs", "--receipts", tmp_path / "events.db", "--out", out, "--phones", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    rows = list(csv.DictReader(io.StringIO(out.read_text(), newline="")))
    assert len(rows) == len(HOSTILE) + 2 + 1 + 2
    assert [(row["phone"], row["delivery_reason"]) for row in rows if row["delivery"]] == [(phone(2), "spam")]


async def test_what_cannot_be_written_is_said_before_anything(process: Process, tmp_path: Path) -> None:
    """With the remedy, and a file that is there stays as it is."""
    ledger = tmp_path / "a.ledger"
    await make(SqliteLedger(ledger))
    (tmp_path / "old.csv").write_text("mine")
    (tmp_path / "empty").mkdir()
    (tmp_path / "folder.csv").mkdir()
    for wrong, words in [
        (("export", ledger, "--out", tmp_path / "report.pdf"), ".html, .xlsx, .csv, .parquet"),
        (("export", ledger, "--out", tmp_path / "report"), ".html, .xlsx, .csv, .parquet"),
        (("export", ledger, "--out", tmp_path / "none" / "report.csv"), "no such folder"),
        (("export", ledger, "--out", tmp_path / "folder.csv"), "folder"),
        (("export", tmp_path / "no.ledger", "--out", tmp_path / "old.csv"), "no such ledger"),
        (("export", ledger, tmp_path / "old.csv", "--out", tmp_path / "old.csv"), "old.csv"),
        (("export", tmp_path / "empty", "--out", tmp_path / "old.csv"), "no ledger in this folder"),
        (("export", ledger, "--phones", "--out", tmp_path / "report.html"), "--phones"),
        (("export", ledger), "--out"),
        (("export", "--out", tmp_path / "report.csv"), "LEDGER"),
    ]:
        done = await process(*wrong)
        assert (done.returncode, words in " ".join(done.stderr.split())) == (2, True), (wrong, done.stderr)
    assert (tmp_path / "old.csv").read_text() == "mine"
    assert (await process("export", ledger, "--out", tmp_path / "old.csv")).returncode == 0
    assert (tmp_path / "old.csv").read_text().startswith("run,row,phone")


@pytest.mark.parametrize("command", ["report", "export"])
async def test_a_carriage_return_in_a_cell_begins_no_row(process: Process, tmp_path: Path, command: str) -> None:
    """What stands behind it would be a row of its own in a spreadsheet, and a formula there."""
    await make(SqliteLedger(tmp_path / "a.ledger"), ["Ada\r=1+1", "Grace"])
    out = tmp_path / "out.csv"
    assert (await process(command, tmp_path / "a.ledger", "--out", out)).returncode == 0
    rows = list(csv.DictReader(io.StringIO(out.read_bytes().decode(), newline="")))
    assert [row["name"] for row in rows] == ["Ada\r=1+1", "Grace", "", ""]


async def test_a_run_in_a_database_is_followed_and_exported(
    process: Process, simulator: Simulator, postgres: Database, tmp_path: Path
) -> None:
    """By its address, beside a run in a file."""
    simulator.change(receipt_delay=0)
    simulator.receipt("2025550102", "spam")
    (tmp_path / "list.csv").write_text("phone\n2025550101\n2025550102\n")
    address = postgres.address(f"cli-{uuid.uuid4().hex}")
    send = ("send", tmp_path / "list.csv", "--action", "125", "--text", "Hi. STOP to opt out", "--ledger", address)
    done = await process(*send, "--yes", "--no-book", "--quiet")
    assert done.returncode == 0, done.stderr
    done = await process("follow", address, "--json")
    assert (done.returncode, json.loads(done.stdout)["complete"]) == (0, True), done.stderr
    await make(SqliteLedger(tmp_path / "a.ledger"), ["Ada"])
    done = await process("export", address, tmp_path / "a.ledger", "--out", tmp_path / "out.csv")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text())))
    assert [row["delivery_reason"] for row in rows] == ["", "spam: Filtered by the carrier as spam", "", "", ""]
    assert [row["delivery"] for row in rows] == ["delivered", "undelivered", "", "", ""]
