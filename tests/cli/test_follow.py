"""`rumbleup follow`: what it says of texts that were sent, over the log and over the receiver's file."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import msgspec

from rumbleup_async.receipts.file import beside
from rumbleup_async.simulator import Server, Simulator
from rumbleup_async.webhooks import Record, SQLite
from tests.cli.conftest import Process

SEND = ("--action", "125", "--text", "Hi. STOP to opt out", "--yes", "--no-book", "--quiet")


def listed(folder: Path, number: int) -> Path:
    path = folder / "list.csv"
    path.write_text("phone\n" + "".join(f"20255501{row:02d}\n" for row in range(1, number + 1)))
    return path


async def test_the_log_tells_and_it_is_kept(process: Process, simulator: Simulator, tmp_path: Path) -> None:
    """Delivered, undelivered and why, replied, opted out; and a second look changes nothing."""
    simulator.change(receipt_delay=0)
    simulator.receipt("2025550102", "landline")
    simulator.receipt("2025550103", "none")
    assert (await process("send", listed(tmp_path, 4), *SEND)).returncode == 0
    simulator.reply("2025550104", "Stop")
    ledger = tmp_path / "list-125.ledger"
    done = await process("follow", ledger, "--for", "0", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["sent"], told["delivered"], told["undelivered"], told["waiting"]) == (4, 2, 1, 1)
    assert (told["replied"], told["opted_out"], told["complete"]) == (1, 1, False)
    assert told["why"] == [{"code": "landline", "words": "The destination is a landline", "number": 1}]
    assert beside(ledger).exists()
    simulator.receipt("2025550103", "delivered")
    again = await process("follow", ledger, "--for", "0")
    assert "4 texts sent: 2 delivered, 1 undelivered, 1 without a receipt; 1 replied, 1 opted out" in again.stderr
    assert "1  landline: The destination is a landline" in again.stderr
    report = await process("report", ledger)
    assert report.stdout.splitlines()[0].endswith("sent_time,delivery,delivery_reason,replied,opted_out")
    assert report.stdout.splitlines()[2].endswith(",undelivered,landline: The destination is a landline,,")
    assert report.stdout.splitlines()[4].endswith(",delivered,,yes,yes")
    status = await process("status", ledger, "--json")
    assert json.loads(status.stdout)["receipts"] | {"asked": 0} == {
        "asked": 0,
        "delivered": 2,
        "undelivered": 1,
        "waiting": 1,
        "replied": 1,
        "opted_out": 1,
        "why": [{"code": "landline", "words": "The destination is a landline", "number": 1}],
    }


async def test_the_receiver_s_file_tells(process: Process, tmp_path: Path) -> None:
    """Without a key: nobody is asked but the file."""
    assert (await process("send", listed(tmp_path, 2), *SEND)).returncode == 0
    report = await process("report", tmp_path / "list-125.ledger")
    logids = [line.split(",")[4] for line in report.stdout.splitlines()[1:]]
    sink = SQLite(tmp_path / "events.db")
    sink.open()
    for row, logid in enumerate(logids, 1):
        event = {"type": "DELIVERY_RECEIPT", "data": {"phone": f"20255501{row:02d}", "logid": logid, "status": "delivered"}}
        sink.write([Record(logid, "DELIVERY_RECEIPT", 9, msgspec.Raw(json.dumps(event).encode()))])
    sink.close()
    done = await process(
        *("follow", tmp_path / "list-125.ledger", "--receipts", tmp_path / "events.db", "--json"), env={"RUMBLEUP_API_KEY": ""}
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["delivered"], told["waiting"], told["complete"]) == (2, 0, True)


async def test_mistakes_are_said(process: Process, tmp_path: Path) -> None:
    """With a remedy, before anything is asked."""
    await process("send", listed(tmp_path, 1), *SEND)
    ledger = tmp_path / "list-125.ledger"
    for wrong, words in [
        (("follow", tmp_path / "no.ledger"), "no such ledger"),
        (("follow", ledger, "--receipts", tmp_path / "none.db"), "webhooks listen"),
        (("follow", ledger, "--receipts", ledger), "webhooks listen"),
        (("follow", ledger, "--every", "0"), "--every is at least"),
        (("follow", ledger, "--for", "2"), "90s"),
    ]:
        done = await process(*wrong)
        assert (done.returncode, words in done.stderr.replace("\n", " ")) == (2, True), done.stderr
    other = await process("follow", ledger, "--for", "0", env={"RUMBLEUP_API_KEY": "OTHER:SECRET"})
    assert (other.returncode, "--same-account" in other.stderr) == (2, True)


async def test_metrics_are_served_meanwhile(process: Process, tmp_path: Path) -> None:
    """Its address is printed; a port that is taken ends it before anything is asked."""
    await process("send", listed(tmp_path, 1), *SEND)
    done = await process("follow", tmp_path / "list-125.ledger", "--for", "0", "--metrics", "0")
    assert (done.returncode, "metrics: http://127.0.0.1:" in done.stderr) == (0, True), done.stderr


async def test_an_interruption_keeps_what_is_there(
    server: Server, simulator: Simulator, process: Process, tmp_path: Path
) -> None:
    """Ctrl-C ends the wait at once, with its exit code and what was read."""
    simulator.change(receipt_delay=0)
    simulator.receipt("2025550102", "none")
    await process("send", listed(tmp_path, 2), *SEND)
    following = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rumbleup_async", "follow", str(tmp_path / "list-125.ledger"), "--json"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "RUMBLEUP_API_KEY": "KEY:SECRET", "RUMBLEUP_BASE_URL": server.url},
    )
    assert following.stderr is not None
    assert b"1 delivered" in await following.stderr.readline()
    following.send_signal(signal.SIGINT)
    async with asyncio.timeout(20):
        out, err = await following.communicate()
    assert (following.returncode, b"kept" in err) == (130, True)
    assert (json.loads(out)["delivered"], json.loads(out)["waiting"]) == (1, 1)
