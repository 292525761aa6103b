"""The book of people behind `send`, `texters` and `resume`."""

import contextlib
import datetime as dt
import json
import sqlite3
from collections import Counter
from pathlib import Path

import pytest
import typer

from rumbleup_async.cli import durations, people
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.messaging import Identity
from rumbleup_async.people import Book
from rumbleup_async.simulator import Simulator

from .conftest import Process
from .test_care import listed

TEXT = "Hi. Reply STOP to opt out"
SEND = ("--action", "125", "--text", TEXT, "--yes")
LINES = ("--provider", "sendblue", "--from", "+12025550199", "--text", TEXT, "--yes", "--per-second", "0")
PROVIDERS = pytest.mark.parametrize("options", [SEND, LINES], ids=["rumbleup", "sendblue"])


@pytest.fixture
def voters(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir(exist_ok=True)
    return listed(tmp_path / "folder" / "voters.csv")


@PROVIDERS
async def test_the_list_of_yesterday_texts_nobody(
    process: Process, simulator: Simulator, voters: Path, options: tuple[str, ...]
) -> None:
    """The same list under another name would text everybody again: ledgers beside it are looked at, and it stands elsewhere."""
    done = await process("send", voters, *options, "--ledger", "a.ledger", "--book", "people.book")
    assert done.returncode == 0, done.stderr
    (voters.parent / "elsewhere").mkdir()
    again = listed(voters.parent / "elsewhere" / "other.csv", 8)
    book = ("--book", "people.book")
    asked = await process("send", again, *options, "--ledger", "elsewhere/b.ledger", *book, "--dry-run")
    assert "6 of 8 contacts were texted before in this project, the last " in asked.stderr
    done = await process("send", again, *options, "--ledger", "elsewhere/b.ledger", *book, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["sent"], told["reasons"]["skipped"]) == (2, {"texted_before": 6})
    assert {**told["book"], "last": ""} == {"asked": 8, "texted_before": 6, "last": "", "within_gap": 0}
    texted = Counter(text.phone[-10:] for text in simulator.truth)
    assert set(texted.values()) == {1}
    done = await process("send", again, *options, "--ledger", "elsewhere/c.ledger", *book, "--again")
    assert done.returncode == 3, done.stderr
    assert "8 contacts texted less than 24 h ago stay queued" in done.stderr
    done = await process("resume", "elsewhere/c.ledger", "--yes", "--gap", "0")
    assert done.returncode == 0, done.stderr
    assert "the book of people" in done.stderr
    assert len(simulator.truth) == 16


async def test_a_rehearsal_has_no_book_unless_one_is_named(process: Process, voters: Path, tmp_path: Path) -> None:
    """What is rehearsed would keep people from being texted, or make files in the home of whoever rehearses."""
    home = {"XDG_DATA_HOME": str(tmp_path / "home")}
    assert (await process("send", voters, *SEND, "--ledger", "a.ledger", env=home)).returncode == 0
    assert not (tmp_path / "home").exists()
    done = await process("send", voters, *SEND, "--ledger", "b.ledger", "--gap", "1h", env=home)
    assert (done.returncode, "name one with --book" in done.stderr) == (2, True)
    done = await process("send", voters, *SEND, "--ledger", "c.ledger", "--again", env={"RUMBLEUP_BOOK": "named.book"})
    assert done.returncode == 0, done.stderr
    assert (voters.parent / "named.book").exists()


async def test_a_book_that_cannot_be_used_stops_the_command_before_the_first_text(
    process: Process, simulator: Simulator, voters: Path
) -> None:
    """People would be texted as if there were no book."""
    (voters.parent / "junk").write_text("no book " * 100)
    for words, said in (
        (("--book", "junk"), "damaged or no book of people"),
        (("--book", "no/b"), "no such folder"),
        (("--book", "b", "--no-book"), "contradict each other"),
    ):
        done = await process("send", voters, *SEND, "--ledger", "a.ledger", *words)
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    done = await process("send", voters, *SEND, "--book", "b", env={"RUMBLEUP_BOOK_KEY": "short"})
    assert "at least 16 characters" in done.stderr
    assert len(simulator.truth) == 0


async def test_the_key_of_a_book_is_refused_on_the_command_line(process: Process) -> None:
    """It would stand in the process list."""
    done = await process("status", "a-secret-of-the-book", env={"RUMBLEUP_BOOK_KEY": "a-secret-of-the-book"})
    assert (done.returncode, "a key is refused on the command line" in done.stderr) == (2, True)


REAL = Identity(provider="rumbleup", server="https://app.example.invalid:443/api", account="1")
HERE = Identity(provider="rumbleup", server="http://localhost:8025/api", account="1")


def test_towards_the_provider_itself_there_is_a_book(tmp_path: Path) -> None:
    """Nobody thinks of the option on the day on which the same list is sent twice."""
    environ, ledger = {"XDG_DATA_HOME": str(tmp_path)}, tmp_path / "no.ledger"
    usual = tmp_path / "rumbleup" / "people.book"
    book = people.run_options(people.PeopleOptions(), REAL, ledger, environ)["book"]
    assert isinstance(book, Book)
    assert book.path == usual == people.book_path(None, environ)
    assert people.run_options(people.PeopleOptions(), HERE, ledger, environ) == {}
    assert people.run_options(people.PeopleOptions(), REAL, ledger, environ, beside=tmp_path / "would-be.ledger") == {}
    assert people.run_options(people.PeopleOptions(no_book=True), REAL, ledger, environ) == {"book": False}
    book.open_now()
    book.close_now()
    assert usual.parent.stat().st_mode & 0o777 == 0o700
    named = people.run_options(people.PeopleOptions(), HERE, ledger, environ | {"RUMBLEUP_BOOK": str(tmp_path / "b")})["book"]
    assert named.path == tmp_path / "b"
    with pytest.raises(ConfigurationError, match="no book of people yet"):
        people.open_book(tmp_path / "none", environ, is_new_fine=False)


def test_a_user_without_a_home_is_told_to_name_a_book(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container the command would end with a traceback."""

    def nowhere() -> Path:
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", nowhere)
    with pytest.raises(ConfigurationError, match="name one with --book or RUMBLEUP_BOOK"):
        people.usual_place({})


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("90s", 90), ("10m", 600), ("24h", 86400), ("400d", 34560000), ("1.5 h", 5400)]
)
def test_durations(text: str, seconds: float) -> None:
    """A gap of 24 would be seconds for one and hours for another."""
    assert durations.seconds(text) == seconds


@pytest.mark.parametrize("text", ["24", "h", "-5s", "1w", "", "1e3s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """It would be taken for another time than was meant."""
    with pytest.raises(typer.BadParameter, match="write it as 90s"):
        durations.seconds(text)


def test_a_day_is_told_as_people_say_it() -> None:
    """Nobody sees in a date that it was yesterday's list."""
    noon = dt.datetime(2026, 12, 1, 12).astimezone().timestamp()
    assert people.day_of(noon - 3 * 3600, noon) == "today at 09:00"
    assert people.day_of(noon - 13 * 3600, noon) == "yesterday at 23:00"
    assert people.day_of(noon - 37 * 3600, noon) == "on 2026-11-29 at 23:00"


async def test_whoever_is_within_the_gap_is_not_counted_as_leaving_now(process: Process, voters: Path) -> None:
    """A dry run says that all would be texted, and the run texts nobody."""
    book = ("--book", "people.book")
    assert (await process("send", voters, *SEND, "--ledger", "a.ledger", *book)).returncode == 0
    other = (*SEND[:1], "126", *SEND[2:])
    done = await process("send", voters, *other, "--ledger", "b.ledger", *book, "--dry-run", "--json")
    assert "6 texts would be, 6 of them not before 24 h have passed since their last" in done.stderr
    assert json.loads(done.stdout)["book"]["within_gap"] == 6


async def test_a_book_that_fails_under_way_is_told_even_if_quiet(process: Process, simulator: Simulator, voters: Path) -> None:
    """The run ends with code 3, and its log in cron says nothing."""
    book = Book(voters.parent / "b")
    book.open_now()
    book.close_now()
    with contextlib.closing(sqlite3.connect(voters.parent / "b")) as db:
        db.execute("CREATE TRIGGER full BEFORE INSERT ON texted BEGIN SELECT RAISE(ABORT, 'no room'); END")
    done = await process("send", voters, *SEND, "--ledger", "a.ledger", "--book", "b", "--quiet", "--json")
    assert (done.returncode, json.loads(done.stdout)["stop_cause"]) == (3, "book_failed"), done.stderr
    assert "stopped: book failed: " in done.stderr
    assert "no room" in done.stderr
    assert not simulator.truth


async def test_a_place_where_no_book_can_be_is_told_with_the_remedy(process: Process, voters: Path) -> None:
    """A share that is read only: SQLite says that it is unable, and not what it needs."""
    (voters.parent / "b-wal").mkdir()
    done = await process("send", voters, *SEND, "--ledger", "a.ledger", "--book", "b")
    assert (done.returncode, "on a local disk that you may write to" in done.stderr) == (2, True), done.stderr
