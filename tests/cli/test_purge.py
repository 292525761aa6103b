"""`rumbleup purge`, the audit, and single texts to whoever has opted out."""

import json
import sqlite3
from pathlib import Path

import pytest

from rumbleup_async.people import Book, OptOut
from rumbleup_async.simulator import Simulator

from .conftest import Process
from .test_care import SEND, listed


@pytest.fixture
def voters(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir(exist_ok=True)
    return listed(tmp_path / "folder" / "voters.csv")


async def test_the_people_go_out_of_a_ledger_and_the_counts_stay(process: Process, voters: Path) -> None:
    """Whoever has to delete personal data would have to delete the proof of the campaign with it."""
    folder = voters.parent
    words = ("--ledger", "a.ledger", "--keep", "*", "--suppress", "never.csv")
    listed(folder / "never.csv", 1, first=6)
    assert (await process("send", voters, *SEND, *words, "--limit", "3")).returncode == 0
    done = await process("purge", "a.ledger", "--yes")
    assert (done.returncode, "2 contacts are still to be texted" in done.stderr) == (2, True), done.stderr
    before = json.loads((await process("status", "a.ledger", "--json")).stdout)
    done = await process("purge", "a.ledger", "--unsent", "--yes")
    assert (done.returncode, "6 contacts without text, name and phone" in done.stderr) == (0, True), done.stderr
    after = json.loads((await process("status", "a.ledger", "--json")).stdout)
    assert (after["sent"], after["skipped"], after["not_sent"], after["total"]) == (3, 1, 2, before["total"])
    assert after["reasons"]["not_sent"] == {"given_up": 2}
    for file in folder.glob("a.ledger*"):
        assert b"20255501" not in file.read_bytes(), "nothing of a phone is left in free pages or beside the file"
    for arguments, said in (
        (("send", voters, *SEND, *words), "was purged"),
        (("resume", "a.ledger", "--yes"), "was purged"),
        (("purge", "a.ledger", "--yes"), "was purged already"),
        (("send", voters, *SEND, "--ledger", "b.ledger", "--suppress", "a.ledger"), "was purged"),
        (("book", "import", "a.ledger", "--book", "b"), "was purged"),
    ):
        done = await process(*arguments)
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    assert (await process("report", "a.ledger")).returncode == 0


async def test_a_ledger_in_doubt_is_not_purged(process: Process, simulator: Simulator, voters: Path) -> None:
    """Nobody could ever look up whether they were texted."""
    simulator.set_faults({"hang": 1.0})
    done = await process("send", voters, *SEND, "--ledger", "a.ledger", "--timeout", "0.2", "--limit", "1")
    assert done.returncode != 0
    done = await process("purge", "a.ledger", "--unsent", "--yes")
    assert (done.returncode, "reconcile first" in done.stderr) == (2, True), done.stderr


async def test_the_audit_says_who_did_what(process: Process, voters: Path) -> None:
    """Nobody could say afterwards who loosened what, and when."""
    assert (await process("send", voters, *SEND, "--ledger", "a.ledger", "--limit", "2", "--rate", "50")).returncode == 0
    assert (await process("resume", "a.ledger", "--yes", "--rate", "0")).returncode == 0
    audit = json.loads((await process("status", "a.ledger", "--audit", "--json")).stdout)["audit"]
    about = [one["what"] for one in audit if one["what"] not in ("agreed", "sending")]
    assert about == ["opened", "options", "opened", "options"]
    assert audit[0]["detail"].endswith("; the server is on this machine, a rehearsal unless --rehearsal no was given")
    assert [json.loads(one["detail"])["rate"] for one in audit if one["what"] == "options"] == [50.0, 0.0]
    assert all("@" in one["who"] for one in audit)
    done = await process("status", "a.ledger", "--audit")
    assert "opened  version" in done.stdout
    with sqlite3.connect(voters.parent / "a.ledger") as db:
        db.execute("DROP TABLE audit")
    db.close()
    assert json.loads((await process("status", "a.ledger", "--audit", "--json")).stdout)["audit"] == []


@pytest.mark.parametrize(
    "words",
    [
        ("messages", "send", "--phone", "2025550101", "--action", "125", "--text", "Hi. STOP to opt out"),
        ("proxies", "send", "--phone", "2025550101", "--text", "Hi. STOP to opt out"),
        ("sendblue", "messages", "send", "--number", "+12025550101", "--from", "+12025550199", "--content", "Hi"),
    ],
)
async def test_a_single_text_asks_the_book(
    process: Process, simulator: Simulator, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """Somebody who has opted out would be texted by hand."""
    env = {"RUMBLEUP_BOOK": str(tmp_path / "b")}
    with_no_book = await process(*words, "--yes", env=env)
    assert with_no_book.returncode == 0, with_no_book.stderr
    book = Book(tmp_path / "b")
    book.open_now()
    book.add_opt_outs_now([OptOut("2025550101", 1, "by hand")])
    book.close_now()
    done = await process(*words, "--yes", env=env)
    assert (done.returncode, "add --no-book" in done.stderr) == (2, True), done.stderr
    assert len(simulator.truth) == 1
    assert (await process(*words, "--yes", "--no-book", env=env)).returncode == 0
