"""Runs that share a book: nobody is texted by two of them, and nobody is lost."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rumbleup_async import BookError, Cause, Code, LedgerError, Result, RumbleUp, State
from rumbleup_async.admission import GO, Verdict
from rumbleup_async.engine.claiming import Claiming
from rumbleup_async.engine.entries import Entry
from rumbleup_async.ledger import Reader, SqliteLedger
from rumbleup_async.messaging import Closed, Plan, Planned, Text
from rumbleup_async.outcomes import Bar, Barred, Outcome, Refused, Throttled, Unknown
from rumbleup_async.people import Again, Book, OptOut, Scope
from rumbleup_async.people.entries import Texted, Why
from rumbleup_async.people.run_book import RunBook
from rumbleup_async.reasons import Reason
from rumbleup_async.reasons import from_words as because
from rumbleup_async.runs.people import scope_of
from rumbleup_async.runs.run import Run
from rumbleup_async.simulator import Server
from tests.engine.scripted import Books, Provider, accepts, check, make_run, phones

HERE = Scope("test project 125")
THERE = Scope("test project 126")
DAY = 86400.0


@pytest.fixture
def book(tmp_path: Path) -> Book:
    made = Book(tmp_path / "people.book")
    made.open_now()
    return made


def of(book: Book, scope: Scope = HERE, again: Again | None = None) -> Callable[[Plan], RunBook]:
    return lambda plan: RunBook(book, scope, plan.run, again or Again())


async def results_of(run: Run, contacts: Any) -> dict[str, Result]:
    return {result.phone: result async for result in run.send(contacts)}


async def test_several_runs_at_once_text_nobody_twice(book: Book) -> None:
    """Two lists that overlap are sent at the same time: whoever is on both would have two texts."""
    people = phones(160)
    lists = [people[:100], people[60:], people[::2], list(reversed(people))]
    providers = [Provider() for _ in lists]
    ends: list[dict[str, Result]] = []

    async def send(provider: Provider, contacts: Sequence[str]) -> None:
        async with make_run(provider, book=of(book)) as run:
            ends.append(await results_of(run, contacts))

    await asyncio.gather(*map(send, providers, lists))
    for provider in providers:
        check(provider)
    left = Counter(phone for provider in providers for phone in provider.left)
    assert left == dict.fromkeys(people, 1)
    codes = Counter(result.code for end in ends for result in end.values() if result.state is not State.SENT)
    assert codes == {Code.TEXTED_BEFORE: sum(map(len, lists)) - len(people)}


@pytest.mark.parametrize("is_file", [True, False])
async def test_the_list_of_yesterday_is_left_out_as_a_whole(book: Book, tmp_path: Path, is_file: bool) -> None:
    """A list that is sent again by mistake would text everybody once more."""
    people = phones(1500)
    book.note_now([Texted(phone, HERE, "yesterday", int(time.time() - 2 * DAY)) for phone in people])
    contacts: Any = people
    if is_file:
        contacts = tmp_path / "list.txt"
        contacts.write_text("\n".join(people))
    provider = Provider()
    async with make_run(provider, book=of(book)) as run:
        found = await results_of(run, contacts)
        assert run.counts[State.SKIPPED] == 1500
        assert await run.count_reasons() == {"skipped": {"texted_before": 1500}}
    assert provider.left == []
    assert {result.reason for result in found.values()} == {"texted before"}


async def test_a_follow_up_may_text_them_again(book: Book) -> None:
    """A project could never send a second text."""
    people = phones(20)
    book.note_now([Texted(phone, HERE, "last week", int(time.time() - 7 * DAY)) for phone in people])
    provider = Provider()
    async with make_run(provider, book=of(book, again=Again(same=True))) as run:
        await run.send(people)
    assert sorted(provider.left) == people


async def test_whoever_was_texted_lately_stays_queued_until_the_gap_is_over(book: Book, tmp_path: Path) -> None:
    """The run would wait for a day, or the contact would be lost for good."""
    people = phones(6)
    book.note_now([Texted(phone, THERE, "this morning", int(time.time() - 100)) for phone in people[:2]])
    provider = Provider()
    async with make_run(provider, ledger=SqliteLedger(tmp_path / "l"), book=of(book)) as run:
        await results_of(run, people)
        assert run.book is not None
        assert run.book.near == 2
        assert run.counts[State.QUEUED] == 2
        assert str(run.summary.stop) == "left over: 2, mostly texted less than 24 h ago"
    assert sorted(provider.left) == people[2:]
    async with make_run(provider, ledger=SqliteLedger(tmp_path / "l"), book=of(book), resume=True) as run:
        await run.send()
        assert run.counts[State.QUEUED] == 2
    async with make_run(provider, ledger=SqliteLedger(tmp_path / "l"), book=of(book, again=Again(gap=50)), resume=True) as run:
        await run.send()
    assert sorted(provider.left) == people
    check(provider)


async def test_an_opt_out_in_the_book_is_heeded_from_the_next_claim_on(book: Book) -> None:
    """Somebody who opts out during a run, by whatever way, would still be texted by it."""
    people = phones(40)
    book.add_opt_outs_now([OptOut(people[0], 1, "by hand"), OptOut(people[1], 1, "reply", "wrong number", is_sure=False)])

    def script(text: Text, attempt: int) -> Outcome:
        if text.row == 3:
            book.add_opt_outs_now([OptOut(people[39], 1, "reply", "stop")])
        return accepts(text, attempt)

    provider = Provider(script)
    async with make_run(provider, concurrency=2, book=of(book)) as run:
        found = await results_of(run, people)
    assert sorted(provider.left) == people[2:39]
    assert [(found[phone].state, found[phone].reason) for phone in (people[0], people[1], people[39])] == [
        (State.SKIPPED, "opted out"),
        (State.SKIPPED, "opted out (likely)"),
        (State.NOT_SENT, "opted out"),
    ]


@pytest.mark.parametrize("kind", [OptOut("2025550000", 1, "reply", "stop"), OptOut("2025550000", 1, "reply", "", is_sure=False)])
async def test_a_text_that_waits_behind_its_claim_is_not_sent_to_whoever_opts_out(
    book: Book, monkeypatch: pytest.MonkeyPatch, kind: OptOut
) -> None:
    """A text that was claimed and then held for minutes would leave although the STOP is known by then."""
    monkeypatch.setattr("rumbleup_async.people.run_book._FRESH", 0.0)
    people = phones(30)

    def script(text: Text, attempt: int) -> Outcome:
        if text.row == 8:
            book.add_opt_outs_now([msgspec.structs.replace(kind, phone=text.phone)])
            return Throttled(because("not now"), 429, after=0.05)
        return accepts(text, attempt)

    provider = Provider(script)
    async with make_run(provider, concurrency=4, book=of(book)) as run:
        found = await results_of(run, people)
    result = found.pop(people[7])
    assert (result.state, result.code) == (State.NOT_SENT, Code.OPT_OUT if kind.is_sure else Code.OPT_OUT_LIKELY)
    assert {result.state for result in found.values()} == {State.SENT}
    assert {row.phone for row in book.texted_now()} == set(people) - {people[7]}
    assert [call.row for call in provider.calls].count(8) == 1


OUTCOMES: dict[str, tuple[Outcome, bool]] = {
    "refused": (Refused(because("no"), 400, about_recipient=True), False),
    "unknown": (Unknown(because("no answer in time")), True),
    "not now": (Barred(Bar.ACCOUNT, Reason(Code.ACCOUNT, "no funds")), False),
}


@pytest.mark.parametrize("kind", OUTCOMES)
async def test_a_claim_is_kept_by_whoever_may_have_been_texted(book: Book, kind: str) -> None:
    """Somebody whose text is in doubt would get it from the next run; somebody who surely had none would get none at all."""
    outcome, is_kept = OUTCOMES[kind]
    people = phones(5)
    provider = Provider(lambda text, attempt: outcome if text.row == 3 else accepts(text, attempt))
    async with make_run(provider, book=of(book)) as run:
        await run.send(people)
    found = book.look_now(HERE, "another", people, now=time.time() + 10 * DAY)
    assert {one.why for one in found.values()} == {Why.BEFORE}
    assert list(found) == [phone for phone in people if is_kept or phone != people[2]]


async def test_a_run_that_is_stopped_lets_go_of_whom_it_has_not_texted(book: Book) -> None:
    """The rest of a list that was begun would be texted by nobody any more."""
    people = phones(50)

    async def script(text: Text, attempt: int) -> Outcome:
        if text.row == 10:
            run.stop("enough")
        await asyncio.sleep(0.001)
        return accepts(text, attempt)

    provider = Provider(script)
    run = make_run(provider, book=of(book), concurrency=4)
    async with run:
        await run.send(people)
    another = Provider()
    async with make_run(another, book=of(book)) as second:
        await second.send(people)
    assert sorted(provider.left + another.left) == people
    assert 0 < len(another.left) < 50


async def test_whoever_is_handed_out_again_in_the_step_that_gives_them_back_stays_claimed() -> None:
    """The second text would leave without a claim, and another run would text the same person."""
    released: list[str] = []

    class Claims:
        are_counted = False

        async def claim(self, texts: Sequence[Text], now: float) -> list[Verdict]:
            return [GO] * len(texts)

        async def admit(self, text: Text, now: float) -> Verdict:
            return GO

        async def release(self, phones: Sequence[str]) -> None:
            released.extend(phones)

    worker: Any = None
    one, other = phones(2)
    claiming = Claiming(Claims())
    entries = {row: Entry(Text(row, phone, "Hi"), worker, 0) for row, phone in ((1, one), (2, other))}
    done = [Closed(row, State.QUEUED, 0) for row in entries]
    claiming.note(done, entries)
    await claiming.let_in([Planned(3, one, "Hi")], {}, 0.0)
    await claiming.release(done)
    assert released == [other]
    claiming.note(done[:1], entries)
    await claiming.release(done[:1])
    assert released == [other, one], "of a later step it is given back as ever"


class Fails(Books):
    """Books whose next step fails once the book of people has been asked."""

    async def step(self, *arguments: Any, **options: Any) -> Any:
        admit = options.get("admit")
        if admit is not None and self.fails_at == "step":

            async def ask(texts: Sequence[Text]) -> Any:
                await admit(texts)
                raise LedgerError("the disk is full")

            options["admit"] = ask
        return await super().step(*arguments, **options)

    fails_at = "step"


async def test_a_run_takes_up_the_claims_that_it_left_behind(book: Book, tmp_path: Path) -> None:
    """A crash between claim and intent would lose everybody of that step: each run would take them for texted."""
    people = phones(12)
    provider = Provider()
    async with make_run(provider, ledger=Fails(SqliteLedger(tmp_path / "l")), book=of(book)) as run:
        with pytest.raises(LedgerError, match="disk is full"):
            await run.send(people)
    assert provider.left == []
    assert book.tally_now().texted > 0
    another = Provider()
    async with make_run(another, book=of(book)) as run:
        await run.send(people)
    async with make_run(provider, ledger=SqliteLedger(tmp_path / "l"), book=of(book), resume=True) as run:
        await run.send()
        assert run.counts[State.QUEUED] == 0
    assert sorted(provider.left + another.left) == people
    assert provider.left, "nobody else may text whom this run has claimed"


async def test_without_its_book_a_run_texts_nobody(book: Book, tmp_path: Path) -> None:
    """A book that is moved away under a run would be as good as none."""
    people = phones(60)

    def script(text: Text, attempt: int) -> Outcome:
        if text.row == 5:
            (tmp_path / "people.book").rename(tmp_path / "moved")
        return accepts(text, attempt)

    provider = Provider(script)
    async with make_run(provider, book=of(book), concurrency=2) as run:
        with pytest.raises(BookError, match="moved, replaced or removed"):
            await run.send(people)
        assert run.counts[State.INTENT] == run.counts[State.UNKNOWN] == 0
        assert run.counts[State.SENT] == len(provider.left) < 60
    check(provider)


# ---- over a client ----

TEXT = "Hi. STOP to opt out"


async def test_a_client_takes_a_book_and_its_ledger_keeps_which(rumbleup: RumbleUp, tmp_path: Path) -> None:
    """A resume that forgets the book is less careful than its run."""
    people, book = phones(30), Book(tmp_path / "b")
    async with rumbleup.fast_mode(action=125, text=TEXT, ledger=tmp_path / "one", book=book, limit=10) as run:
        await run.send(people)
    with pytest.raises(BookError, match="not open"):
        book.tally_now()
    async with rumbleup.resume(tmp_path / "one") as run:
        assert "the book of people" in run.goes_on_with
        await run.send()
    async with rumbleup.fast_mode(action=125, text=TEXT, ledger=tmp_path / "two", book=tmp_path / "b") as run:
        assert (await run.send(people)).skipped == 30
    async with rumbleup.fast_mode(action=125, text=TEXT, ledger=tmp_path / "three", book=book, again=True) as run:
        summary = await run.send(people)
    assert summary.stop is not None
    assert summary.stop.cause is Cause.LEFT_OVER
    (tmp_path / "b").rename(tmp_path / "c")
    with pytest.raises(BookError, match="put it back, name another with --book"):
        await rumbleup.resume(tmp_path / "three").__aenter__()
    async with rumbleup.resume(tmp_path / "three", book=tmp_path / "c", gap=0) as run:
        assert (await run.send()).sent == 30
    async with rumbleup.resume(tmp_path / "two", book=False) as run:
        assert run.book is None


async def test_sending_processes_ask_the_book_once_more(
    server: Server, rumbleup: RumbleUp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the process that keeps the books has the book of people, and the texts that wait are with the others."""
    people, before = phones(40), RunBook.claim

    async def claim(self: RunBook, texts: Sequence[Text], now: float) -> list[Verdict]:
        verdicts = await before(self, texts, now)
        if any(text.phone == people[30] for text in texts):
            await self.book.add_opt_outs([OptOut(people[30], 1, "reply", "stop")])
        return verdicts

    monkeypatch.setattr(RunBook, "claim", claim)
    monkeypatch.setattr("rumbleup_async.people.run_book._FRESH", 0.0)
    async with (
        Book(tmp_path / "b") as book,
        rumbleup.fast_mode(action=125, text=TEXT, ledger=tmp_path / "l", book=book, processes=2, concurrency=4) as run,
    ):
        summary = await run.send(people)
    assert (summary.sent, summary.not_sent, summary.unknown) == (39, 1, 0)
    assert people[30] not in {text.phone for text in server.simulator.truth}


async def test_contacts_that_are_handed_out_are_claimed_too(server: Server, rumbleup: RumbleUp, tmp_path: Path) -> None:
    """In concurrent mode the provider knows nothing of the other project's texts."""
    people = phones(12)
    async with Book(tmp_path / "b") as book:
        there = scope_of(rumbleup.identity, "project 125")
        book.note_now([Texted(phone, there, "by a list", 1) for phone in people[:4]])
        for phone in people:
            await rumbleup.contacts.sync(phone=phone, action=125)
        async with rumbleup.concurrent_mode(
            action=125, text=TEXT, ledger=tmp_path / "l", book=book, locks={"patience": 0.0}
        ) as run:
            await run.send()
    reader = Reader(tmp_path / "l")
    reasons = {str(why): number for state, why, number in reader.reasons() if state is State.SKIPPED}
    reader.close()
    texted = Counter(server.simulator.world.texts.phones)
    assert texted == dict.fromkeys(people[4:], 1)
    assert reasons == {"texted before": 4}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"book": 5}, "book is a Book, such as"),
        ({"book": True}, "book is a Book"),
        ({"book": Book}, "book is a Book"),
        ({"gap": "24h"}, "gap is a number of seconds"),
        ({"gap": -1}, "gap is a number of seconds"),
        ({"again": "yes"}, "again is True or False"),
    ],
)
def test_an_option_that_cannot_be_meant_is_refused(given: dict[str, Any], words: str) -> None:
    """It would be met with a traceback once the list is read."""
    client = RumbleUp("KEY:SECRET")
    with pytest.raises(Exception, match=words):
        client.fast_mode(action=125, text=TEXT, **given)
