"""`--day-cap` of the command."""

import json
from pathlib import Path

import pytest

from rumbleup_async.simulator import Simulator

from .conftest import Process
from .test_expecting import listed

TEXT = "Hi. Reply STOP to opt out"
SEND = ("--text", TEXT, "--yes", "--json")


@pytest.mark.parametrize("processes", ["1", "2"])
async def test_all_runs_of_a_book_share_the_day(process: Process, simulator: Simulator, tmp_path: Path, processes: str) -> None:
    """The brand's cap would be overrun by the second list of the day."""
    (tmp_path / "folder").mkdir(exist_ok=True)
    one = listed(tmp_path / "folder" / "one.csv", 60)
    two = listed(tmp_path / "folder" / "two.csv", 60, start=60)
    first = await process(
        "send",
        one,
        "--action",
        "125",
        *SEND,
        "--book",
        "b.book",
        "--day-cap",
        "40",
        "--processes",
        processes,
        "--ledger",
        "1.ledger",
    )
    assert first.returncode == 3, first.stderr
    told = json.loads(first.stdout)
    assert (told["sent"], told["not_sent"], told["stop_cause"]) == (40, 20, "daily_cap")
    assert told["stopped"].startswith("daily cap: 40 of 40 segments of this day are used by all runs of the book, none is left")
    assert told["day_cap"].keys() == {"segments", "used", "resumes"}
    assert (told["day_cap"]["segments"], told["day_cap"]["used"]) == (40, 40)
    second = await process("send", two, "--action", "125", *SEND, "--book", "b.book", "--day-cap", "50", "--ledger", "2.ledger")
    assert (second.returncode, json.loads(second.stdout)["sent"]) == (3, 10), second.stderr
    again = await process("resume", "1.ledger", "--yes", "--json")
    assert (again.returncode, json.loads(again.stdout)["sent"]) == (3, 40)
    assert "40 segments a day at most" in again.stderr
    assert len(simulator.truth) == 50
    # Whoever wants more of the day says so.
    last = await process("resume", "1.ledger", "--yes", "--json", "--day-cap", "0")
    assert (last.returncode, json.loads(last.stdout)["sent"]) == (0, 60), last.stderr


async def test_without_a_book_it_is_said_that_the_run_is_alone(process: Process, simulator: Simulator, tmp_path: Path) -> None:
    """Somebody would send two lists and take the cap for one of both."""
    (tmp_path / "folder").mkdir(exist_ok=True)
    voters = listed(tmp_path / "folder" / "voters.csv", 20)
    done = await process("send", voters, "--action", "125", *SEND, "--day-cap", "15", "--quiet")
    assert "without a book of people the cap a day counts the segments of this run alone" in done.stderr
    assert (done.returncode, json.loads(done.stdout)["sent"]) == (3, 15)
    assert "used by this run" in json.loads(done.stdout)["stopped"]
    for wrong in ("-1", "many", "1.5"):
        refused = await process("send", voters, "--action", "125", *SEND, "--day-cap", wrong)
        assert refused.returncode == 2
    assert len(simulator.truth) == 15
