"""`rumbleup book` and `rumbleup opt-outs`: what people look up, move, forget and note in the book of people."""

import json
import os
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from rumbleup_async.cli.app import app
from rumbleup_async.cli.suppression import read_suppressed
from rumbleup_async.people import Book, OptOut, Scope
from rumbleup_async.people.entries import Texted

from .conftest import Process
from .test_care import SEND, listed

ADA, BEA, CY = "2025550101", "2025550102", "2025550103"
SCOPE = Scope("rumbleup https://app.example.invalid:443/api 1f0a project 125")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A book with two texts of Ada's, one of Bea's, and two opt-outs."""
    where = tmp_path / "people.book"
    monkeypatch.setenv("RUMBLEUP_BOOK", str(where))
    monkeypatch.setenv("COLUMNS", "200")
    book = Book(where)
    book.open_now()
    book.note_now([Texted(ADA, SCOPE, "one", 1000), Texted(ADA, SCOPE, "two", 2000), Texted(BEA, SCOPE, "two", 2_000_000_000)])
    book.add_opt_outs_now(
        [OptOut(ADA, 1500, f"{SCOPE.name} dnd", "dnd"), OptOut(CY, 1600, "reply", "wrong number", is_sure=False)]
    )
    book.close_now()
    return where


def rumbleup(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def held(path: Path) -> tuple[list[Texted], list[OptOut]]:
    book = Book(path)
    book.open_now()
    try:
        return list(book.texted_now()), list(book.opt_outs_now())
    finally:
        book.close_now()


def test_the_book_says_what_it_holds(path: Path) -> None:
    """Nobody would know whether the book that a run uses is the one that is meant."""
    told = json.loads(rumbleup("book", "show", "--json").stdout)
    assert (told["book"], told["texted"], told["opt_outs"], told["likely"]) == (str(path), 3, 2, 1)
    assert told["scopes"] == [{"scope": SCOPE.name, "texted": 3}]
    assert "plain digits" in rumbleup("book", "show").stdout


def test_one_person_is_looked_up(path: Path) -> None:
    """A person who asks what is kept of them has a right to an answer."""
    told = json.loads(rumbleup("book", "look", "+1 (202) 555-0101", "--json").stdout)
    assert [one["run"] for one in told["texted"]] == ["two", "one"]
    assert told["opt_outs"][0]["word"] == "dnd"
    assert "opted out (likely) since" in rumbleup("book", "look", CY).stdout
    assert "nothing is kept" in rumbleup("book", "look", "2025550199").stderr
    assert rumbleup("book", "look", "12").exit_code == 2


def test_a_book_goes_into_another(path: Path, tmp_path: Path) -> None:
    """Two machines that were used side by side would stay two books."""
    out, other = tmp_path / "people.csv", tmp_path / "other.book"
    assert rumbleup("book", "export", "--out", out).exit_code == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    done = rumbleup("book", "import", out, "--book", other)
    assert "3 new texts, 2 new opt-outs" in done.stderr
    assert held(other) == held(path)
    assert "0 new texts, 0 new opt-outs" in rumbleup("book", "import", out, "--book", other).stderr


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("texted,2025550101,1970-01-01T00:00:00+00:00,s", "row 2: has 4 cells"),
        ("texted,202555010,1970-01-01T00:00:00+00:00,s,,r,,,", "row 2: its phone is not ten digits"),
        ("texted,2025550101,yesterday,s,,r,,,", "row 2: its time cannot be read"),
        ("texted,2025550101,1970-01-01T00:00:00,s,,r,,,", "row 2: its time cannot be read"),
        ("opt-out,2025550101,1970-01-01T00:00:00+00:00,,,,x,y,maybe", "row 2: is neither"),
        (None, "is no export of a book"),
    ],
)
def test_an_export_that_was_spoiled_names_the_row(path: Path, tmp_path: Path, row: str | None, said: str) -> None:
    """Half of it would be taken in without a word."""
    file = tmp_path / "x.csv"
    file.write_text(f"kind,phone,time,scope,world,run,source,word,sure\n{row}\n" if row else "phone\n2025550101\n")
    done = rumbleup("book", "import", file)
    assert (done.exit_code, said in done.stderr) == (2, True), done.stderr
    assert str(file) in done.stderr


def test_a_person_is_forgotten_and_old_texts_are_purged(path: Path) -> None:
    """What nobody needs any more would be kept for ever."""
    done = rumbleup("book", "forget", ADA)
    assert "2 entries deleted; the opt-out stays" in done.stderr
    assert rumbleup("book", "purge").exit_code == 2  # nobody is there to be asked
    assert "0 entries deleted" in rumbleup("book", "purge", "--yes").stderr
    assert [one.phone for one in held(path)[0]] == [BEA]
    assert {out.phone for out in held(path)[1]} == {ADA, CY}


def test_opt_outs_are_noted_listed_and_lifted(path: Path, tmp_path: Path) -> None:
    """Somebody who calls and asks for no more texts would have to be put into each list by hand."""
    more = listed(tmp_path / "more.csv", 3, first=11)
    done = rumbleup("opt-outs", "add", BEA, "--from", more, "--source", "the office")
    assert "4 opt-outs, 4 of them new" in done.stderr
    rows = [json.loads(line) for line in rumbleup("opt-outs", "list", "--json").stdout.splitlines()]
    assert len(rows) == 6
    assert [row["phone"] for row in rows if not row["sure"]] == [CY]
    assert [json.loads(line)["phone"] for line in rumbleup("opt-outs", "list", "--likely", "--json").stdout.splitlines()] == [CY]
    assert "wrong number" in rumbleup("opt-outs", "list", "--likely", "--limit", 1).stdout
    assert rumbleup("opt-outs", "lift", CY).exit_code == 0
    assert rumbleup("opt-outs", "lift", CY).exit_code == 2
    assert rumbleup("opt-outs", "add").exit_code == 2


def test_exported_opt_outs_are_a_suppression_list(path: Path, tmp_path: Path) -> None:
    """Another program, or a machine without the book, would text whoever has opted out."""
    out = tmp_path / "opt-outs.csv"
    assert rumbleup("opt-outs", "export", "--out", out).exit_code == 0
    assert set(read_suppressed([out], quiet=True)) == {ADA, CY}


def test_there_is_no_book_by_asking_for_one(tmp_path: Path) -> None:
    """A mistyped name would be answered by an empty book: nobody has opted out."""
    done = rumbleup("book", "show", "--book", tmp_path / "none")
    assert (done.exit_code, "there is no book of people yet" in done.stderr) == (2, True)
    assert not (tmp_path / "none").exists()


async def test_a_ledger_is_taken_in(process: Process, tmp_path: Path) -> None:
    """Runs of before the book, or without one, would not count."""
    (tmp_path / "folder").mkdir(exist_ok=True)
    voters = listed(tmp_path / "folder" / "voters.csv")
    assert (await process("send", voters, *SEND, "--ledger", "a.ledger", "--limit", "4")).returncode == 0
    done = await process("book", "import", "a.ledger", "--book", "b")
    assert "4 new texts" in done.stderr, done.stderr
    done = await process("send", voters, *SEND, "--ledger", "c.ledger", "--book", "b", "--json", "--again", "--gap", "0")
    assert json.loads(done.stdout)["sent"] == 6
    done = await process("send", voters, *SEND, "--ledger", "d.ledger", "--book", "b", "--json", "--again", "--gap", "1h")
    assert json.loads(done.stdout)["sent"] == 0


def test_a_purge_leaves_what_runs_of_today_need(path: Path) -> None:
    """A run is under way, its claims are purged, and the next run texts the same people."""
    done = rumbleup("book", "purge", "--older", "23h", "--yes")
    assert (done.exit_code, "at least 24h" in done.stderr) == (2, True)
    assert len(held(path)[0]) == 3


def test_an_export_that_excel_has_saved_comes_in(path: Path, tmp_path: Path) -> None:
    """It begins with a mark that nobody sees."""
    out = tmp_path / "o.csv"
    assert rumbleup("book", "export", "--out", out).exit_code == 0
    out.write_bytes(b"\xef\xbb\xbf" + out.read_bytes().replace(b"\n", b"\r\n"))
    done = rumbleup("book", "import", out, "--book", tmp_path / "other")
    assert "3 new texts, 2 new opt-outs" in done.stderr, done.stderr
    assert held(tmp_path / "other") == held(path)


def test_a_book_is_not_imported_as_a_ledger(path: Path, tmp_path: Path) -> None:
    """It is called a database of another program, and nobody knows how two books become one."""
    done = rumbleup("book", "import", path, "--book", tmp_path / "other")
    assert done.exit_code == 2
    assert "is a book itself; write it as CSV (book export --book people.book)" in done.stderr


def test_a_book_without_phones_writes_no_half_export(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A header alone looks like a book in which nobody is."""
    monkeypatch.setenv("RUMBLEUP_BOOK_KEY", "a key of sixteen or more")
    assert rumbleup("opt-outs", "add", ADA, "--book", tmp_path / "k").exit_code == 0
    for words in (("book", "export"), ("opt-outs", "export")):
        done = rumbleup(*words, "--book", tmp_path / "k")
        assert (done.exit_code, done.stdout, "keeps no phones" in done.stderr) == (2, "", True)


def test_no_error_repeats_a_phone(path: Path) -> None:
    """What is typed on a command line stands in logs of others."""
    done = rumbleup("book", "look", "+44 20 7946 0958")
    assert (done.exit_code, "7946" in done.output) == (2, False)


def test_an_empty_file_is_no_new_book(tmp_path: Path) -> None:
    """The disk was full when the book was copied; a new one in its place lets everybody be texted again."""
    empty = tmp_path / "b"
    empty.touch()
    book = Book(empty)
    book.open_now()  # another process may just be making it
    book.close_now()
    empty.write_bytes(b"")
    os.utime(empty, (1, 1))
    done = rumbleup("book", "show", "--book", empty)
    assert (done.exit_code, "is empty, as a failed copy is" in done.stderr) == (2, True), done.stderr
    assert empty.stat().st_size == 0
