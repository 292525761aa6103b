"""The number of contacts that a person types, or that a script expects."""

import json
from pathlib import Path

import pytest

from rumbleup_async.people import Book
from rumbleup_async.people.entries import Texted
from rumbleup_async.simulator import Simulator

from .conftest import Process

TEXT = "Hi. Reply STOP to opt out"
SEND = ("--action", "125", "--text", TEXT, "--yes", "--json")


def listed(path: Path, number: int, start: int = 0) -> Path:
    path.write_text("phone\n" + "".join(f"202{234 + n // 10_000}{n % 10_000:04d}\n" for n in range(start, start + number)))
    return path


@pytest.fixture
def voters(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir(exist_ok=True)
    return listed(tmp_path / "folder" / "voters.csv", 6)


async def test_another_number_texts_nobody(process: Process, simulator: Simulator, voters: Path) -> None:
    """A line of cron would text whatever list stands there by now."""
    for arguments in (("--expect", "5"), ("--expect", "5", "--dry-run"), ("--expect", "6", "--limit", "4")):
        done = await process("send", voters, *SEND, *arguments)
        assert done.returncode == 2, done.stderr
        assert "were expected (--expect)" in done.stderr
    assert not simulator.truth
    assert (await process("send", voters, *SEND, "--expect", "6", "--dry-run")).returncode == 0
    done = await process("send", voters, *SEND, "--expect", "4", "--limit", "4")
    assert (done.returncode, json.loads(done.stdout)["sent"]) == (0, 4)


async def test_on_a_resume_it_is_the_number_that_is_left(process: Process, simulator: Simulator, voters: Path) -> None:
    """The number of the whole list would never come out again; nor may a script text nobody without noticing."""
    assert (await process("send", voters, *SEND, "--limit", "4", "--ledger", "a.ledger")).returncode == 0
    done = await process("resume", "a.ledger", "--yes", "--expect", "6")
    assert done.returncode == 2
    assert "6 contacts were expected (--expect), and 2 would be texted; nothing was sent" in done.stderr
    assert (await process("resume", "a.ledger", "--yes", "--expect", "1", "--limit", "1")).returncode == 0
    assert (await process("send", voters, *SEND, "--expect", "1", "--ledger", "a.ledger")).returncode == 0
    assert (await process("resume", "a.ledger", "--yes", "--expect", "1")).returncode == 2
    assert (await process("resume", "a.ledger", "--yes", "--expect", "0")).returncode == 0
    assert len(simulator.truth) == 6


async def test_far_more_than_usual_is_asked_about_again(process: Process, simulator: Simulator, voters: Path) -> None:
    """The export of everybody, in place of that of one town, would be texted by a script that says yes to all."""
    done = await process("send", voters, *SEND, "--book", "people.book", "--ledger", "a.ledger")
    assert done.returncode == 0, done.stderr
    book = Book(voters.parent / "people.book")
    book.open_now()
    (scope,) = {one.scope for one in book.texted_now()}
    rows = [Texted(f"30323400{n:02d}", scope, f"run{n % 3}", 1_700_000_000) for n in range(9)]
    assert book.note_now(rows) == 9
    assert sorted(book.sizes_now(scope, "nobody")) == [3, 3, 3, 6]
    book.close_now()
    many = listed(voters.parent / "many.csv", 1200)
    more = ("--book", "people.book", "--ledger", "b.ledger", "--limit", "1100")
    done = await process("send", many, *SEND, *more)
    assert done.returncode == 2, done.stderr
    assert "1,100 contacts are more than 10 times the usual: the runs before had about 3" in done.stderr
    assert "add --expect 1100" in done.stderr
    assert len(simulator.truth) == 6
    done = await process("send", many, *SEND, *more, "--expect", "1100", "--budget", "0.05", "--price", "0.01")
    assert (done.returncode, json.loads(done.stdout)["stop_cause"]) == (3, "budget"), done.stderr
    before = json.loads(done.stdout)["sent"]
    assert before <= 5
    # What was agreed to is not asked about again by a resume that has no number to give.
    done = await process("resume", "b.ledger", "--yes", "--json", "--budget", "200", "--limit", "1050")
    assert (done.returncode, json.loads(done.stdout)["sent"]) == (0, before + 1050), done.stderr
