"""The book of people: who was texted, who has opted out, and a file that is treated with care."""

import hashlib
import hmac
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from rumbleup_async.errors import BookError, BookLocked
from rumbleup_async.people import Again, Book, OptOut, Pull, Scope
from rumbleup_async.people.entries import Found, Texted, Why
from rumbleup_async.people.marks import Marks
from rumbleup_async.people.run_book import RunBook

HERE, THERE = Scope("rumbleup a project 1"), Scope("rumbleup a project 2")
REHEARSED = Scope("rumbleup localhost project 1", world="http://localhost:80")
ADA, BEA, CY = "2025550101", "2025550102", "2025550103"
KEY = "a long and random key"
DAY = 86400.0


@pytest.fixture(params=[None, KEY], ids=["plain", "keyed"])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Book:
    made = Book(tmp_path / "people.book", key=request.param)
    made.open_now()
    return made


def claim(book: Book, scope: Scope, run: str, *phones: str, now: float = 1000.0, again: Again | None = None) -> dict[str, Found]:
    return untimed(book.claim_now(scope, run, phones, again, now))


def untimed(found: dict[str, Found]) -> dict[str, Found]:
    """What was found, without the time of a text before."""
    return {phone: msgspec.structs.replace(one, time=0) for phone, one in found.items()}


# ---- who may be texted ----


def test_nobody_is_claimed_twice_in_one_project(book: Book) -> None:
    """Two runs that begin together would both text the people on both lists."""
    assert claim(book, HERE, "one", ADA, BEA) == {}
    assert claim(book, HERE, "two", BEA, CY, now=1000.0 + 400 * DAY) == {BEA: Found(Why.BEFORE)}
    assert claim(book, HERE, "three", CY, now=1e9) == {CY: Found(Why.BEFORE)}


def test_a_run_takes_up_its_own_claims(book: Book) -> None:
    """A run that died between claim and intent could text nobody of that step any more."""
    claim(book, HERE, "one", ADA)
    assert claim(book, HERE, "one", ADA, BEA) == {}
    assert book.look_now(HERE, "one", [ADA], now=1000.0) == {}


def test_another_project_waits_for_the_gap(book: Book) -> None:
    """Two campaigns a day apart would reach the same person within minutes."""
    claim(book, HERE, "one", ADA)
    assert claim(book, THERE, "two", ADA, BEA, now=1000.0 + DAY - 1) == {ADA: Found(Why.GAP, 1000.0 + DAY)}
    assert claim(book, THERE, "two", ADA, now=1000.0 + DAY) == {}


def test_the_longest_gap_counts(book: Book) -> None:
    """The wait would end with the older of two texts."""
    claim(book, HERE, "one", ADA, now=1000.0)
    claim(book, THERE, "two", ADA, now=2000.0, again=Again(gap=0))
    third = Scope("rumbleup a project 3")
    assert claim(book, third, "three", ADA, now=3000.0) == {ADA: Found(Why.GAP, 2000.0 + DAY)}
    assert claim(book, third, "three", ADA, now=3000.0, again=Again(gap=500.0)) == {}


def test_again_leaves_the_gap_in_force(book: Book) -> None:
    """A follow-up would go out a minute after the first text."""
    claim(book, HERE, "one", ADA)
    assert claim(book, HERE, "two", ADA, now=2000.0, again=Again(same=True)) == {ADA: Found(Why.GAP, 1000.0 + DAY)}
    assert claim(book, HERE, "two", ADA, now=2000.0, again=Again(gap=0.0, same=True)) == {}


def test_what_is_rehearsed_never_counts_for_real(book: Book) -> None:
    """After a rehearsal nobody of the list could be texted for a day."""
    claim(book, REHEARSED, "one", ADA)
    assert claim(book, HERE, "two", ADA) == {}
    assert claim(book, REHEARSED, "three", ADA) == {ADA: Found(Why.BEFORE)}


def test_whoever_was_certainly_not_texted_is_let_go(book: Book) -> None:
    """A run that was stopped would keep people for ever whom it never texted."""
    claim(book, HERE, "one", ADA, BEA)
    assert book.release_now(HERE, "one", [ADA]) == 1
    assert claim(book, HERE, "two", ADA, BEA) == {BEA: Found(Why.BEFORE)}
    assert book.release_now(HERE, "one", [ADA]) == 0  # it is another's now
    assert claim(book, HERE, "three", ADA) == {ADA: Found(Why.BEFORE)}


def test_a_look_claims_nobody(book: Book) -> None:
    """A dry run would keep the run itself from texting anybody."""
    claim(book, HERE, "one", ADA)
    assert book.look_now(HERE, "two", [ADA, BEA] * 800, now=1e9) == {ADA: Found(Why.BEFORE, time=1000)}
    assert book.look_now(Scope("new"), "two", [ADA, BEA], now=1e9) == {}
    assert claim(book, HERE, "three", BEA) == {}


@pytest.mark.parametrize("is_sure", [True, False])
def test_whoever_has_opted_out_is_texted_by_nobody(book: Book, *, is_sure: bool) -> None:
    """Somebody who answered STOP yesterday would get the next campaign."""
    book.add_opt_outs_now([OptOut(ADA, 500, "reply", "stop", is_sure)])
    against = Found(Why.OPTED_OUT if is_sure else Why.LIKELY)
    for scope in (HERE, REHEARSED):
        assert claim(book, scope, "one", ADA, BEA, again=Again(gap=0.0, same=True)) == {ADA: against}


def test_an_opt_out_of_a_rehearsal_stays_there(book: Book) -> None:
    """The made-up replies of a simulator would bar real people."""
    book.add_opt_outs_now([OptOut(ADA, 500, "reply", "stop", world=REHEARSED.world)])
    assert claim(book, REHEARSED, "one", ADA) == {ADA: Found(Why.OPTED_OUT)}
    assert claim(book, HERE, "one", ADA) == {}


def test_an_opt_out_beyond_doubt_replaces_a_likely_one(book: Book) -> None:
    """A person would be asked to look at what is settled already; and the time of the first would be lost."""
    assert book.add_opt_outs_now([OptOut(ADA, 500, "reply", "wrong number", is_sure=False)]) == 1
    assert book.add_opt_outs_now([OptOut(ADA, 700, "rumbleup dnd", "dnd"), OptOut(BEA, 1, "by hand")]) == 1
    assert book.add_opt_outs_now([OptOut(ADA, 800, "reply", "perhaps", is_sure=False)]) == 0
    assert book.of_phone_now(ADA)[1] == [OptOut(ADA, 500, "rumbleup dnd", "dnd")]
    assert book.lift_now(ADA)
    assert not book.lift_now(ADA)
    assert claim(book, HERE, "one", ADA) == {}


# ---- what people ask ----


def test_a_person_is_forgotten_and_the_opt_out_stays(book: Book) -> None:
    """Whoever asks to be forgotten would be texted again by the next run."""
    claim(book, HERE, "one", ADA)
    claim(book, THERE, "two", ADA, now=5.0, again=Again(gap=0))
    book.add_opt_outs_now([OptOut(ADA, 500, "reply", "stop")])
    assert [(one.run, one.time) for one in book.of_phone_now(ADA)[0]] == [("one", 1000), ("two", 5)]
    assert book.forget_now(ADA) == 2
    assert book.of_phone_now(ADA) == ([], [OptOut(ADA, 500, "reply", "stop")])


def test_a_run_that_was_killed_counts_with_what_it_was_to_text(book: Book) -> None:
    """A few runs that died early would make every list one of ten times the usual size."""
    one = RunBook(book, HERE, "one", Again())
    for run in ("one", "two", "three", "four"):
        RunBook(book, HERE, run, Again()).agreed(1500)
        book.note_now([Texted(f"303234000{n}", HERE, run, 1000) for n in range(2)])
    assert book.sizes_now(HERE, "one") == [1500, 1500, 1500]
    assert one.usual_size(1501) == 1500
    assert one.usual_size(1499) == 0, "as many were agreed to before"
    one.agreed(20)
    assert book.size_of_now("one") == 1500
    book.purge_now(2000)
    assert book.size_of_now("one") == 0


def test_old_texts_are_purged_and_opt_outs_never(book: Book) -> None:
    """Phones would be kept for ever that nothing needs any more."""
    claim(book, HERE, "old", ADA, now=1000.0)
    claim(book, HERE, "new", BEA, now=5000.0)
    book.add_opt_outs_now([OptOut(CY, 1, "by hand")])
    assert book.purge_now(2000.0) == 1
    tally = book.tally_now()
    assert (tally.texted, tally.opt_outs, tally.runs, tally.first, tally.scopes) == (1, 1, 1, 5000, [(HERE.name, 1)])
    assert claim(book, HERE, "newer", BEA, now=9000.0) == {BEA: Found(Why.BEFORE)}


def test_how_far_a_source_was_read_is_kept_with_what_it_said(book: Book) -> None:
    """A pull that is cut off would begin anew, or leave out a page."""
    assert book.pull_of_now("rumbleup dnd") == Pull("rumbleup dnd")
    book.add_opt_outs_now([OptOut(ADA, 1, "rumbleup dnd")], Pull("rumbleup dnd", cursor="page 2", read=1))
    book.add_opt_outs_now([], Pull("rumbleup bad", at=77, read=3))
    assert book.pulls_now() == [Pull("rumbleup bad", at=77, read=3), Pull("rumbleup dnd", cursor="page 2", read=1)]


def test_everybody_is_listed_page_by_page(tmp_path: Path) -> None:
    """An export would end at the first page."""
    book = Book(tmp_path / "b")
    book.open_now()
    rows = [Texted(f"{2025550000 + number}", scope, "one", number) for number in range(4000) for scope in (HERE, REHEARSED)]
    assert book.note_now(rows) == len(rows)
    assert book.note_now(rows) == 0
    assert list(book.texted_now()) == rows
    outs = [OptOut(f"{2025550000 + number}", number, "by hand") for number in range(6000)]
    assert book.add_opt_outs_now(outs) == 6000
    assert list(book.opt_outs_now()) == outs
    book.close_now()


# ---- the file ----


def test_a_key_is_hmac_and_no_phone_is_in_the_file(tmp_path: Path) -> None:
    """A book with a key would be no safer than one without."""
    for key in (KEY, "k" * 100):
        assert Marks(key).of([ADA]) == [int.from_bytes(hmac.digest(key.encode(), ADA.encode(), hashlib.sha256)[:8]) >> 1]
    book = Book(tmp_path / "b", key=KEY)
    book.open_now()
    claim(book, HERE, "one", ADA)
    with pytest.raises(BookError, match="keeps no phones"):
        list(book.texted_now())
    book.close_now()
    with sqlite3.connect(tmp_path / "b") as db:
        assert db.execute("SELECT phone FROM texted").fetchone()[0] != int(ADA)
    db.close()


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Everybody on the machine could read who was texted."""
    path = tmp_path / "b"
    Book(path).open_now()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    Book(path).open_now()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("made", "opened", "words"),
    [
        (None, KEY, "keeps plain digits; unset RUMBLEUP_BOOK_KEY"),
        (KEY, None, "needs its key"),
        (KEY, KEY + "!", "another key"),
    ],
)
def test_a_book_of_another_key_is_refused(tmp_path: Path, made: str | None, opened: str | None, words: str) -> None:
    """Nobody would be found in it, and everybody be texted again."""
    Book(tmp_path / "b", key=made).open_now()
    with pytest.raises(BookError, match=words):
        Book(tmp_path / "b", key=opened).open_now()


def test_a_key_that_is_easily_guessed_is_refused() -> None:
    """Ten digits under a short key are found by trying."""
    with pytest.raises(BookError, match="at least 16 characters"):
        Book("b", key="short")


def test_what_is_no_book_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    """Tables would be made in another program's database, or a damaged book be taken for an empty one."""
    other, junk, newer, empty = tmp_path / "other", tmp_path / "junk", tmp_path / "newer", tmp_path / "empty"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE x (y)")
    db.close()
    junk.write_bytes(b"no database at all" * 100)
    Book(newer).open_now()
    with sqlite3.connect(newer) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    empty.touch()
    for path, words in ((other, "another program"), (junk, "damaged or no book"), (newer, "newer version")):
        before = path.read_bytes()
        with pytest.raises(BookError, match=words) as error:
            Book(path).open_now()
        assert str(path) in str(error.value)
        assert path.read_bytes() == before
    Book(empty).open_now()


def test_links_and_folders_are_refused(tmp_path: Path) -> None:
    """A link that another user has laid would be followed."""
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for path, words in (
        (tmp_path / "link", "symbolic link"),
        (tmp_path, "not a file"),
        (tmp_path / "no" / "b", "no such folder"),
    ):
        with pytest.raises(BookError, match=words):
            Book(path).open_now()
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_book_that_is_replaced_under_a_run_claims_nobody(tmp_path: Path, *, is_replaced: bool) -> None:
    """Claims would go into a file that no other run looks into."""
    for name in ("b", "other"):
        book = Book(tmp_path / name)
        book.open_now()
        claim(book, HERE, "one", ADA)
        book.close_now()
    book = Book(tmp_path / "b")
    book.open_now()
    if is_replaced:
        (tmp_path / "other").replace(tmp_path / "b")
    else:
        (tmp_path / "b").unlink()
    with pytest.raises(BookError, match="moved, replaced or removed"):
        claim(book, HERE, "two", BEA)
    book.close_now()


@pytest.mark.parametrize("ending", ["-wal", "-shm"])
def test_a_book_whose_log_is_removed_claims_nobody(tmp_path: Path, ending: str) -> None:
    """Claims would go into a file without a name: whoever opens the book next texts the same people."""
    book = Book(tmp_path / "b")
    book.open_now()
    claim(book, HERE, "one", ADA)
    (tmp_path / f"b{ending}").unlink()
    with pytest.raises(BookError, match=r"-wal or -shm, a part of the book of people, was moved, replaced or removed"):
        claim(book, HERE, "one", BEA)
    book.close_now()


def test_a_book_that_others_open_and_close_is_gone_on_with(tmp_path: Path) -> None:
    """Whoever closes the book last takes the log away; whoever has it open still needs it."""
    book, other = Book(tmp_path / "b"), Book(tmp_path / "b")
    for _ in range(3):
        book.open_now()
        other.open_now()
        claim(other, HERE, "one", ADA)
        other.close_now()
        claim(book, HERE, "one", BEA)
        book.close_now()


def test_a_book_that_another_process_keeps_is_said_to_be_locked(tmp_path: Path) -> None:
    """A run would hang for ever without a word."""
    book = Book(tmp_path / "b", patience=0.05)
    book.open_now()
    with sqlite3.connect(tmp_path / "b", isolation_level=None) as db:
        db.execute("BEGIN IMMEDIATE")
        with pytest.raises(BookLocked, match="kept by another process"):
            claim(book, HERE, "one", ADA)
        db.execute("ROLLBACK")
    db.close()
    assert claim(book, HERE, "one", ADA) == {}


def test_damage_is_said_to_be_damage(tmp_path: Path) -> None:
    """Whoever sees `malformed` does not know what to do."""
    path = tmp_path / "b"
    book = Book(path)
    book.open_now()
    book.note_now([Texted(f"{2025550000 + number}", HERE, "one", 1) for number in range(5000)])
    book.close_now()
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)
    path.write_bytes(content)

    def look() -> None:
        book.open_now()
        claim(book, HERE, "two", *(f"{2025550000 + number}" for number in range(5000)))

    with pytest.raises(BookError, match="damaged"):
        look()


def test_an_error_undoes_the_whole_step(tmp_path: Path) -> None:
    """Half of a step would be claimed."""
    book = Book(tmp_path / "b")
    book.open_now()
    with pytest.raises(BookError, match="ten digits"):
        claim(book, HERE, "one", ADA, "a phone")
    assert claim(book, HERE, "two", ADA) == {}


def test_a_book_is_closed_with_its_last_user(tmp_path: Path) -> None:
    """The first of two runs that ends would take the book from the other."""
    book = Book(tmp_path / "b")
    book.open_now()
    book.open_now()
    book.close_now()
    claim(book, HERE, "one", ADA)
    book.close_now()
    with pytest.raises(BookError, match="not open"):
        claim(book, HERE, "one", ADA)


async def test_a_book_is_used_from_an_event_loop(tmp_path: Path) -> None:
    """A commit would stop the loop."""
    async with Book(tmp_path / "b") as book:
        assert await book.claim(HERE, "one", [ADA], now=1.0) == {}
        assert await book.look(HERE, "two", [ADA], now=1.0) == {ADA: Found(Why.BEFORE, time=1)}
        assert await book.release(HERE, "one", [ADA]) == 1
        assert await book.add_opt_outs([OptOut(ADA, 1, "by hand")], Pull("x", at=5)) == 1
        assert await book.pull_of("x") == Pull("x", at=5)
    async with book:
        assert await book.look(HERE, "two", [ADA]) == {ADA: Found(Why.OPTED_OUT)}


_RACER = """
import sys
from rumbleup_async.people import Book, Scope
book, won = Book(sys.argv[1]), 0
book.open_now()
for start in range(0, 400, 8):
    phones = [str(2025550000 + number) for number in range(start, start + 8)]
    won += 8 - len(book.claim_now(Scope("s"), sys.argv[2], phones, None, 1000.0))
book.close_now()
print(won)
"""


def test_of_several_processes_one_gets_each_person(tmp_path: Path) -> None:
    """Between looking and noting another process would claim the same people. The file is made by all of them at once, too."""
    racers = [
        subprocess.Popen([sys.executable, "-c", _RACER, tmp_path / "b", f"run {number}"], stdout=subprocess.PIPE)
        for number in range(3)
    ]
    won = [int(racer.communicate(timeout=100)[0]) for racer in racers]
    assert sum(won) == 400
    assert Book(tmp_path / "b").path.exists()


def test_of_several_threads_one_gets_each_person(tmp_path: Path) -> None:
    """The look of one thread would stand in the transaction of another."""
    book = Book(tmp_path / "b")
    book.open_now()
    won: list[int] = []

    def race(run: str) -> None:
        won.extend(1 - len(claim(book, HERE, run, f"{2025550000 + number}")) for number in range(50))

    threads = [threading.Thread(target=race, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(won) == 50


def test_nobody_is_shown_by_a_repr() -> None:
    """Phones would stand in logs and tracebacks."""
    shown = repr([OptOut(ADA, 1, "x"), Texted(ADA, HERE, "r", 1), Book("b", key=KEY), Marks(KEY)])
    assert ADA not in shown
    assert KEY not in shown


def test_a_book_is_mapped_for_looks_of_a_whole_list_alone(tmp_path: Path) -> None:
    """Somebody cuts the file short while texts leave, and the process dies of it."""
    book = Book(tmp_path / "b")
    book.open_now()
    phones = [f"20255{number:05d}" for number in range(1000)]
    scope = Scope("a")
    book.claim_now(scope, "old", phones[:500])

    def mapped() -> int:
        with book._file.reading() as db:
            return int(db.execute("PRAGMA mmap_size").fetchone()[0])

    assert len(book.look_now(scope, "new", phones)) == 500
    assert mapped() > 0
    assert book.claim_now(scope, "new", phones[499:501], Again(gap=0)).keys() == {phones[499]}
    assert mapped() == 0
    assert len(book.look_now(scope, "other", phones)) == 501
    book.close_now()
