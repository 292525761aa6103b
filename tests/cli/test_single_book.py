"""Single texts and the book of people: asked before the question, claimed before the text, and let go if nothing left."""

from pathlib import Path

import pytest

from rumbleup_async.people import Book, OptOut, Texted
from rumbleup_async.simulator import Simulator

from .conftest import Process
from .test_care import SEND, listed

WORDS = {
    "messages": ("messages", "send", "--phone", "2025550101", "--action", "125", "--text", "Hi. STOP to opt out", "--yes"),
    "proxies": ("proxies", "send", "--phone", "2025550101", "--text", "Hi. STOP to opt out", "--yes"),
    "sendblue": (
        *("sendblue", "messages", "send", "--number", "+12025550101"),
        "--from",
        "+12025550199",
        "--text",
        "Hi",
        "--yes",
    ),
}
KINDS = pytest.mark.parametrize("kind", list(WORDS))


def texted(path: Path) -> list[Texted]:
    """Who was texted, as this book has it."""
    book = Book(path)
    book.open_now()
    try:
        return list(book.texted_now())
    finally:
        book.close_now()


@KINDS
async def test_a_person_is_not_texted_twice_in_a_day_by_hand(
    process: Process, simulator: Simulator, tmp_path: Path, kind: str
) -> None:
    """Two people at two desks answer the same person; a campaign in the evening texts them again."""
    book = ("--book", str(tmp_path / "b"))
    done = await process(*WORDS[kind], *book)
    assert done.returncode == 0, done.stderr
    assert [one.phone for one in texted(tmp_path / "b")] == ["2025550101"]
    done = await process(*WORDS[kind], *book)
    assert done.returncode == 2
    assert "this person was texted on " in done.stderr
    assert "less than 24 h ago; nothing was sent; --gap 0 sends it all the same" in done.stderr
    assert "2025550101" not in done.stderr
    assert len(simulator.truth) == 1
    done = await process(*WORDS[kind], *book, "--gap", "0")
    assert done.returncode == 0, done.stderr
    voters = listed(tmp_path / "folder" / "voters.csv")
    done = await process("send", voters, *SEND, *book, "--ledger", "a.ledger", "--dry-run")
    before = {"messages": "1 of 6 contacts was texted before", "proxies": "1 contact texted less than 24 h ago"}
    assert before.get(kind, "") in done.stderr  # Sendblue's simulator is another server, and so a rehearsal of its own


@pytest.mark.parametrize("kind", ["messages", "sendblue"])
async def test_what_certainly_did_not_leave_gives_its_claim_back(
    process: Process, simulator: Simulator, tmp_path: Path, kind: str
) -> None:
    """The key was wrong, and for a day nobody can be texted; the answer was lost, and the person is texted twice."""
    book = ("--book", str(tmp_path / "b"))
    done = await process(*WORDS[kind], *book, env={"RUMBLEUP_API_KEY": "NO:KEY", "SENDBLUE_API_KEY": "NO"})
    assert (done.returncode, "401" in done.stderr) == (3, True), done.stderr
    assert texted(tmp_path / "b") == []
    simulator.fault("2025550101", "close-after")
    done = await process(*WORDS[kind], *book)
    assert (done.returncode, len(simulator.truth)) == (1, 1), done.stderr
    simulator.fault("2025550101", None)
    done = await process(*WORDS[kind], *book)
    assert (done.returncode, "less than 24 h ago" in done.stderr) == (2, True), done.stderr
    assert len(simulator.truth) == 1


@KINDS
async def test_opt_outs_bar_single_texts_in_a_rehearsal_too(
    process: Process, simulator: Simulator, tmp_path: Path, kind: str
) -> None:
    """A rehearsal texts a real phone that has opted out; or it makes a book in the home of whoever rehearses."""
    env = {"XDG_DATA_HOME": str(tmp_path / "home")}
    assert (await process(*WORDS[kind], env=env)).returncode == 0
    assert not (tmp_path / "home").exists()
    (tmp_path / "home" / "rumbleup").mkdir(parents=True)
    book = Book(tmp_path / "home" / "rumbleup" / "people.book")
    book.open_now()
    book.add_opt_outs_now([OptOut("2025550101", 1, "by hand", is_sure=False)])
    book.close_now()
    done = await process(*WORDS[kind], env=env)
    assert (done.returncode, "has probably opted out; nothing was sent" in done.stderr) == (2, True), done.stderr
    assert "add --no-book" in done.stderr
    assert (await process(*WORDS[kind], "--no-book", env=env)).returncode == 0
    assert texted(book.path) == []
    done = await process(*WORDS[kind], "--no-book", "--gap", "0")
    assert (done.returncode, "contradicts" in done.stderr) == (2, True)
    assert len(simulator.truth) == 2


def test_single_texts_are_no_runs_of_a_usual_size(tmp_path: Path) -> None:
    """After ten texts by hand every list is ten times the usual one."""
    from rumbleup_async.people import Scope

    scope = Scope("rumbleup x project 125")
    with_book = Book(tmp_path / "b")
    with_book.open_now()
    for number in range(12):
        with_book.claim_now(scope, f"single-{'b' * number}", [f"20255501{number:02d}"])
    with_book.claim_now(scope, "run", ["2025550190", "2025550191"])
    assert with_book.sizes_now(scope, "") == [2]
    with_book.close_now()
