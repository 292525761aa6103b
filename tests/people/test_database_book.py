"""The book of people in a database: it says what a book on SQLite says, to all machines."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from rumbleup_async.admission import GO
from rumbleup_async.cli.join import _book_of
from rumbleup_async.days import Day
from rumbleup_async.engine.claiming import Claiming
from rumbleup_async.engine.entries import Entry
from rumbleup_async.errors import BookError
from rumbleup_async.messaging import Closed, Planned, Result, State, Text
from rumbleup_async.people import Again, Book, Scope
from rumbleup_async.people.entries import OptOut, Pull, Texted
from rumbleup_async.people.run_book import RunBook
from rumbleup_async.postgres import book as books_of_databases
from rumbleup_async.postgres.address import parse
from rumbleup_async.postgres.book import _LOCK, DatabaseBook
from rumbleup_async.reasons import Code, Reason, duplicate
from tests.database import Database

SCOPES = [Scope("rumbleup a 125"), Scope("rumbleup a 126"), Scope("here 125", "here")]
KEY = "a long and random secret"


@pytest.fixture
def address(postgres: Database, tmp_path: Path) -> Iterator[str]:
    """A database of this test's own."""
    name = "b" + "".join(letter for letter in tmp_path.name if letter.isalnum()).lower()[-50:]
    with psycopg.connect(postgres.address(), autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name}".encode())
    yield postgres.address(database=name)
    with psycopg.connect(postgres.address(), autocommit=True) as db:
        db.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def phone(number: int) -> str:
    return f"202555{number:04d}"


@pytest.mark.parametrize("key", [None, KEY])
def test_it_says_what_a_book_on_sqlite_says(  # noqa: C901 - a case each
    address: str, tmp_path: Path, key: str | None
) -> None:
    """Somebody would be texted twice, or left out, for the other kind of book."""
    books = [Book(tmp_path / "people.book", key=key), DatabaseBook(address, key=key)]
    for book in books:
        book.open_now()
    chance = random.Random(f"{key}")
    now, most = 1_700_000_000.0, 60
    for _ in range(250):
        now += chance.choice([0, 1, 3600, 30_000])
        scope, run = chance.choice(SCOPES), chance.choice(["r1", "r2", "r3", "single-1"])
        phones = [phone(number) for number in chance.sample(range(25), chance.randint(1, 6))]
        again = Again(gap=chance.choice([0.0, 3600.0, 86400.0]), same=chance.random() < 0.3)
        begins = int(now // 86400) * 86400
        found: list[object]
        match chance.choice(["claim", "claim", "claim", "release", "look", "out", "note", "lift", "size", "forget", "purge"]):
            case "claim":
                segments = [chance.randint(1, 3) for _ in phones]
                days = [Day(begins, begins + 86400, begins + 90000, chance.choice([None, most])) for _ in books]
                days[1].most = days[0].most
                found = [
                    book.claim_now(scope, run, phones, again, now, segments, day) for book, day in zip(books, days, strict=True)
                ]
                assert days[0].used == days[1].used
            case "release":
                # The one in a database counts how often a run has claimed somebody.
                found = [sum(book.release_now(scope, run, phones) for _ in range(60)) for book in books]
            case "out":
                outs = [OptOut(one, int(now), "reply", "STOP\0", chance.random() < 0.5, scope.world) for one in phones]
                found = [book.add_opt_outs_now(outs, Pull("dnd", int(now), "c", 5)) for book in books]
            case "note":
                rows = [Texted(one, scope, run, int(now)) for one in phones]
                found = [book.note_now(rows) for book in books]
            case "lift":
                found = [book.lift_now(phones[0]) for book in books]
            case "size":
                number = chance.randint(1, 100)
                for book in books:
                    book.note_size_now(run, number)
                found = [book.size_of_now(run) for book in books]
            case "forget":
                found = [book.forget_now(phones[0]) for book in books]
            case "purge":
                found = [book.purge_now(now - 400_000) for book in books]
            case _:
                found = [book.look_now(scope, run, phones, again, now) for book in books]
        assert found[0] == found[1]
        assert len({book.used_now(scope, begins) for book in books}) == 1
        assert sorted(books[0].sizes_now(scope, run)) == sorted(books[1].sizes_now(scope, run))
        kinds = [book.of_phone_now(phones[0]) for book in books]
        texts = [sorted((one.run, one.scope.name, one.time) for one in texts) for texts, _ in kinds]
        assert texts[0] == texts[1]
        assert [(one.since, one.source, one.is_sure, one.world) for one in kinds[0][1]] == [
            (one.since, one.source, one.is_sure, one.world) for one in kinds[1][1]
        ]
    tallies = [book.tally_now() for book in books]
    assert (tallies[0].texted, tallies[0].opt_outs, tallies[0].first) == (
        tallies[1].texted,
        tallies[1].opt_outs,
        tallies[1].first,
    )
    assert books[0].pulls_now() == books[1].pulls_now()
    if key is None:
        assert [one.phone for one in books[0].opt_outs_now()] == [one.phone for one in books[1].opt_outs_now()]
        assert len(list(books[0].texted_now())) == len(list(books[1].texted_now()))
    for book in books:
        book.close_now()


def test_no_two_machines_claim_one_person(address: str) -> None:
    """Two runs on two machines would text the same people in the same minute."""

    async def main() -> None:
        async with DatabaseBook(address) as one, DatabaseBook(address) as two:
            phones = [phone(number) for number in range(300)]

            async def claims(book: DatabaseBook, run: str, seed: int) -> set[str]:
                mine: set[str] = set()
                mixed = random.Random(seed).sample(phones, len(phones))
                for start in range(0, len(mixed), 10):
                    some = mixed[start : start + 10]
                    mine |= set(some) - (await book.claim(SCOPES[0], run, some)).keys()
                return mine

            first, second = await asyncio.gather(claims(one, "r1", 1), claims(two, "r2", 2))
            assert not first & second
            assert first | second == set(phones)
            # An opt-out that one machine has read holds for the other, at once.
            await one.add_opt_outs([OptOut(phone(1), 1, "dnd")])
            assert phone(1) in await two.look(SCOPES[0], "r2", [phone(1)])

    asyncio.run(main())


def test_one_machine_gives_back_its_own_claim_alone(address: str) -> None:
    """A machine gives somebody back whom another has just opened for the same run, and a second run texts that person, too."""
    one, two = DatabaseBook(address), DatabaseBook(address)
    for book in (one, two):
        book.open_now()
    asked = SCOPES[0], "r1", [phone(1)]
    assert not one.claim_now(*asked)
    assert not two.claim_now(*asked)
    assert one.release_now(*asked) == 0
    assert phone(1) in one.claim_now(SCOPES[0], "r2", [phone(1)])
    assert two.release_now(*asked) == 1
    assert not one.claim_now(SCOPES[0], "r2", [phone(1)])
    for book in (one, two):
        book.close_now()


def test_it_waits_for_a_broken_connection_and_knows_its_key(address: str) -> None:
    """A restart of the database would end the run; or a book that was begun with a key would find nobody without it."""
    book = DatabaseBook(address, key=KEY)
    book.open_now()
    book.claim_now(SCOPES[0], "r1", [phone(1)])
    with psycopg.connect(address, autocommit=True) as db:
        db.execute(
            """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()"""
        )
    assert phone(1) in book.claim_now(SCOPES[0], "r2", [phone(1)])
    for key in (None, "another long random secret"):
        with pytest.raises(BookError, match="RUMBLEUP_BOOK_KEY"):
            DatabaseBook(address, key=key).open_now()
    with pytest.raises(BookError, match="no phones"):
        list(book.texted_now())
    book.close_now()
    with pytest.raises(BookError, match="not open"):
        book.look_now(SCOPES[0], "r1", [phone(1)])


def test_whoever_has_waited_sees_what_was_claimed_meanwhile(address: str) -> None:
    """Two runs would text one person, where a database has another isolation of transactions by default."""
    with psycopg.connect(address, autocommit=True) as db:
        strict = f"ALTER DATABASE {db.info.dbname} SET default_transaction_isolation = 'repeatable read'"
        db.execute(strict.encode())

    async def main() -> None:
        books = [DatabaseBook(address), DatabaseBook(address)]
        for number, book in enumerate(books):
            await book.open()
            await book.claim(SCOPES[0], f"r{number}", [phone(90 + number)])
        with psycopg.connect(address, autocommit=True) as db:
            db.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
            claims = [asyncio.ensure_future(book.claim(SCOPES[0], f"r{number}", [phone(1)])) for number, book in enumerate(books)]
            waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = %s"
            (own,) = db.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone() or (0,)
            while db.execute(waiting, (own,)).fetchone() != (2,):
                await asyncio.sleep(0.02)
        assert sorted(len(found) for found in await asyncio.gather(*claims)) == [0, 1]
        for book in books:
            await book.aclose()

    asyncio.run(main())


def test_a_database_of_the_same_name_elsewhere_has_another_book(address: str) -> None:
    """Whoever joins would ask a book that knows nobody whom the run's own book keeps from being texted."""
    here, run = parse(address.replace("?", "?run=one&", 1)), "bcdfghjkmn"
    elsewhere = f"postgresql://ada@elsewhere.example/{address.partition('?')[0].rpartition('/')[2]}"
    book = DatabaseBook(address)
    book.open_now()
    assert _book_of(here, {"book": str(here.of(""))}, run) is not None
    assert _book_of(here, {"book": elsewhere}, run) is None
    book.claim_now(SCOPES[0], run, [phone(1)], Again(), 1_700_000_000.0)
    assert _book_of(here, {"book": elsewhere}, run) is not None, "it is this one, by another name"
    book.close_now()


def test_whoever_is_claimed_anew_in_the_step_that_gives_them_back_counts_once(address: str) -> None:
    """Nobody has texted them, and every other run would say that they were texted before."""

    async def main() -> None:
        book = DatabaseBook(address)
        await book.open()
        claiming = Claiming(RunBook(book, SCOPES[0], "r1", Again()))
        text, closed = Text(1, phone(1), "Hi. STOP"), [Closed(1, State.QUEUED, 1)]
        entries = {1: Entry(text, None, 0)}  # type: ignore[arg-type]
        await claiming.claimed([text], [GO], 1_700_000_000.0)
        await claiming.release([])
        claiming.note(closed, entries)
        await claiming.claimed([text], [GO], 1_700_000_000.0)
        await claiming.release(closed)
        assert await book.look(SCOPES[0], "r2", [phone(1)])
        claiming.note(closed, entries)
        await claiming.release(closed)
        assert not await book.look(SCOPES[0], "r2", [phone(1)])
        await book.aclose()

    asyncio.run(main())


def test_whoever_was_drawn_and_not_opened_is_nobodys(address: str) -> None:
    """There was no room for them once another machine had been quicker: every other run would say that they were texted."""

    async def main() -> None:
        book = DatabaseBook(address)
        await book.open()
        claiming, other = (Claiming(RunBook(book, SCOPES[0], "r1", Again())) for _ in range(2))
        drawn = [Planned(row, phone(row), "Hi. STOP") for row in (1, 2, 3)]
        answers: list[Text | Result] = [
            Text(1, phone(1), "Hi. STOP"),
            Result(2, phone(2), State.NOT_SENT, Reason(Code.DRAWN)),
            Result(3, phone(3), State.SKIPPED, duplicate(1)),
        ]
        await other.let_in(drawn[2:], {}, 1_700_000_000.0)  # of another machine, which sends it
        await claiming.let_in(drawn, {}, 1_700_000_000.0)
        await claiming.not_opened(answers, is_shared=True)
        assert (await book.look(SCOPES[0], "r2", [phone(row) for row in (1, 2, 3)])).keys() == {phone(1), phone(3)}
        await claiming.not_opened(answers, is_shared=True)
        assert (await book.look(SCOPES[0], "r2", [phone(row) for row in (1, 2, 3)])).keys() == {phone(1), phone(3)}
        await book.aclose()

    asyncio.run(main())


def test_whoever_is_stopped_while_it_writes_does_not_hold_up_the_others(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is put to sleep in the middle of a claim would end the runs of all others, which wait for the book."""
    monkeypatch.setattr(
        books_of_databases, "_OF_SESSION", "SET idle_in_transaction_session_timeout = '500ms'; SET lock_timeout = '20s'"
    )
    stopped, other = DatabaseBook(address), DatabaseBook(address)
    stopped.open_now()
    other.open_now()

    def sleep_while_writing() -> None:
        with stopped._file.writing() as db:
            assert other.claim_now(SCOPES[0], "r1", [phone(1)]) == {}
            db.execute("SELECT")  # it wakes up

    with pytest.raises(BookError):
        sleep_while_writing()
    assert stopped.claim_now(SCOPES[0], "r2", [phone(1)]).keys() == {phone(1)}, "it goes on, and sees who was claimed"
    other.close_now()
    stopped.close_now()
