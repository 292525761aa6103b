"""`--budget` and `--price` of the command."""

import json
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from rumbleup_async.simulator import Simulator

from .conftest import Process
from .test_expecting import listed

TEXT = "Hi. Reply STOP to opt out"
SEND = ("--action", "125", "--text", TEXT, "--yes", "--json")


@pytest.fixture
def voters(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir(exist_ok=True)
    return listed(tmp_path / "folder" / "voters.csv", 60)


@pytest.mark.parametrize("processes", ["1", "2"])
async def test_a_run_ends_with_its_budget_and_goes_on_with_a_larger_one(
    process: Process, simulator: Simulator, voters: Path, processes: str
) -> None:
    """More would be spent than was given; and what the answers say of their price (5 cents here) would be passed over."""
    money = ("--budget", "2", "--price", "0.05")
    shown = await process("send", voters, *SEND, "--dry-run", *money)
    assert "60 segments at $0.05 are $3.00, of a budget of $2.00 for the whole run" in shown.stderr
    assert "the budget does not suffice" in shown.stderr
    done = await process("send", voters, *SEND, *money, "--processes", processes, "--ledger", "a.ledger")
    assert done.returncode == 3, done.stderr
    told = json.loads(done.stdout)
    assert (told["sent"], told["stop_cause"]) == (40, "budget")
    assert told["stopped"].startswith("budget: $2.00 of $2.00 are spent or reserved; resume with a larger --budget")
    assert told["spending"] == {"budget": 2.0, "price": 0.05, "dearest": 0.0, "paid": 2.0, "reserved": 0.0}
    again = await process("resume", "a.ledger", "--yes", "--json")
    assert (again.returncode, json.loads(again.stdout)["sent"], len(simulator.truth)) == (3, 40, 40)
    assert "a budget of $2.00" in again.stderr
    looked = await process("status", "a.ledger")
    assert "$0.05 a segment" in looked.stderr
    assert "$2.00 of $2.00 are spent or reserved" in looked.stderr
    assert json.loads((await process("status", "a.ledger", "--json")).stdout)["spending"] == told["spending"]
    last = await process("resume", "a.ledger", "--yes", "--json", "--budget", "3")
    assert last.returncode == 0, last.stderr
    assert json.loads(last.stdout)["sent"] == 60
    assert set(Counter(text.phone for text in simulator.truth).values()) == {1}
    kept = sqlite3.connect(voters.parent / "a.ledger").execute("SELECT what, sum(amount) FROM reservation GROUP BY what")
    assert dict(kept.fetchall())["paid"] == 3_000_000


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--budget", "5"), "a budget needs the price of a segment"),
        (("--budget", "0", "--price", "1"), "must be US dollars above 0"),
        (("--budget", "5", "--price", "-1"), "must be US dollars above 0"),
        (("--budget", "five", "--price", "1"), "is no amount of US dollars"),
        (("--budget", "inf", "--price", "1"), "must be US dollars above 0"),
        (("--budget", "5", "--price", "0.0000001"), "more than six digits"),
    ],
)
async def test_an_amount_that_cannot_be_meant(
    process: Process, simulator: Simulator, voters: Path, options: tuple[str, ...], words: str
) -> None:
    """A slip would be a budget of nothing, or of everything."""
    done = await process("send", voters, *SEND, *options)
    assert (done.returncode, words in done.stderr) == (2, True), done.stderr
    assert not simulator.truth
