"""Who has agreed, who has a new number, and what each text must say: options of `send` that leave people out."""

import json
from pathlib import Path

import pytest

from rumbleup_async.simulator import Simulator

from .conftest import Process

TEXT = "Hi. Paid for by Ada. Reply STOP to opt out"
SEND = ("--action", "125", "--text", TEXT, "--yes")
MUST = ("--must-say", "paid for by ada")
A, B, C, D = "2025550101", "2025550102", "2025550103", "2025550104"


@pytest.fixture
def voters(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir(exist_ok=True)
    path = tmp_path / "folder" / "voters.csv"
    path.write_text(f"phone,name,Agreed On\n{A},Ada,2025-03-04 web\n{B},Bob,\n{C},Cid,no\n{D},Dot,card\n")
    return path


async def test_who_has_not_agreed_is_not_texted(process: Process, simulator: Simulator, voters: Path) -> None:
    """The column is misspelt, or the resume forgets it; and nobody can show afterwards how somebody agreed."""
    asked = await process("send", voters, *SEND, "--consent-field", "agred_on", "--dry-run")
    assert asked.returncode == 2
    assert "voters.csv: there is no column 'agred_on' for consent-field; did you mean 'agreed_on'?" in asked.stderr
    asked = await process("send", voters, *SEND, "--consent-field", "agreed on", "--dry-run", "--json")
    assert json.loads(asked.stdout)["reasons"]["skipped"] == {"no_consent": 2}
    assert "2  skipped: no consent  (rows 3, 4)" in asked.stderr
    book = ("--ledger", "a.ledger", "--consent-field", "agreed on")
    done = await process("send", voters, *SEND, *book, "--limit", "1", "--json")
    assert json.loads(done.stdout)["sent"] == 1
    other = await process("send", voters, *SEND, "--ledger", "a.ledger")
    assert (other.returncode, "--consent-field" in other.stderr) == (2, True), other.stderr
    done = await process("resume", "a.ledger", "--yes")
    assert done.returncode == 0, done.stderr
    assert sorted(text.phone for text in simulator.truth) == [A, D]
    assert {text.text for text in simulator.truth} == {TEXT}
    report = (await process("report", "a.ledger")).stdout
    assert f"{A},sent" in report
    assert "2025-03-04 web" in report
    assert "no consent" in report


async def test_a_text_without_the_words_leaves_for_nobody(process: Process, simulator: Simulator, voters: Path) -> None:
    """The disclaimer was forgotten, or stands in a fallback."""
    for text in ("Hi. Reply STOP to opt out", "Hi. Paid for by {name|Ada}. Reply STOP to opt out"):
        for command in (("send", voters), ("texters",)):
            done = await process(*command, "--action", "125", "--text", text, "--yes", *("--must-say", "Vote"), *MUST)
            assert done.returncode == 2
            assert "the text does not say 'Vote'" in done.stderr
            done = await process(*command, "--action", "125", "--text", text, "--yes", *MUST)
            assert "does not say 'paid for by ada', which every text must (--must-say)" in done.stderr
            assert "add the words to the text" in done.stderr
    assert not simulator.truth
    assert not list(voters.parent.glob("*.ledger"))
    done = await process("send", voters, *SEND, "--must-say", "paid for by ada")
    assert done.returncode == 0, done.stderr
    assert len(simulator.truth) == 4
