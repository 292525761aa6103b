"""A cap a day: never more segments leave than it allows, over all runs of a book, and all of it can be used."""

import asyncio
import datetime as dt
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rumbleup_async.days import Day
from rumbleup_async.engine.allowance import Allowance
from rumbleup_async.engine.day_cap import DayCap
from rumbleup_async.engine.engine import Engine
from rumbleup_async.engine.locks import Locks
from rumbleup_async.engine.options import Options
from rumbleup_async.engine.pace import Pace
from rumbleup_async.engine.ports import SilentObserver
from rumbleup_async.engine.texters import Texters
from rumbleup_async.ledger import MemoryLedger, SqliteLedger
from rumbleup_async.messaging import Plan, State, Text
from rumbleup_async.outcomes import Accepted, Bar, Barred, NotSent, Outcome, Refused, Throttled, Unknown
from rumbleup_async.people import Again, Book, Scope
from rumbleup_async.people.run_book import RunBook
from rumbleup_async.reasons import Code, Reason
from rumbleup_async.reasons import from_words as because
from rumbleup_async.rules.carrier_day import carrier_day, told
from rumbleup_async.rules.hours import Hours, Schedule
from rumbleup_async.runs.run import Run
from rumbleup_async.screening.screen import Screen
from rumbleup_async.stops import Cause
from tests import virtual_time
from tests.books import open_ledger
from tests.engine.scripted import TEXT, Provider, accepts, check, make_ledger, make_run, phone, phones, rows_of
from tests.engine.test_gates import PLAN
from tests.engine.test_texters import Server, fine, make

PACIFIC = ZoneInfo("America/Los_Angeles")
NOON = dt.datetime(2026, 12, 1, 12, tzinfo=PACIFIC).timestamp()
"""Of a day in which all tests happen that do not say otherwise."""
SCOPE = Scope("test a project 125")


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> float:
    return dt.datetime(year, month, day, hour, minute, tzinfo=PACIFIC).timestamp()


@pytest.mark.parametrize(
    ("now", "hours"),
    [((2026, 12, 1, 12, 0), 24), ((2026, 11, 1, 23, 59), 25), ((2026, 3, 8, 0, 0), 23), ((2026, 7, 4, 3, 0), 24)],
)
def test_a_day_goes_from_midnight_to_midnight_of_the_pacific(now: tuple[int, ...], hours: int) -> None:
    """On the day on which clocks change a cap would be reset an hour early, and the carrier's be overrun."""
    day = carrier_day(at(*now))
    assert day.begins == at(*now[:3])
    assert day.ends - day.begins == hours * 3600
    assert day.resumes == day.ends + 3600
    assert carrier_day(day.ends).begins == day.ends
    assert carrier_day(day.ends - 0.001).begins == day.begins


def test_the_moment_to_go_on_is_told_in_pacific_time() -> None:
    """Somebody would resume before the reset."""
    assert told(carrier_day(at(2026, 7, 4, 22)).resumes) == "2026-07-05 01:00 PDT"


class Meter:
    """A provider that counts the segments that leave, as a carrier does."""

    def __init__(self, cap: int, script: Callable[[Text, int], Outcome] = accepts) -> None:
        self.cap = cap
        self.script = script
        self.used = 0
        self.wrongs: list[str] = []

    def __call__(self, text: Text, attempt: int) -> Outcome:
        outcome = self.script(text, attempt)
        if isinstance(outcome, Accepted | Unknown):
            self.used += text.segments
            if self.used > self.cap:
                self.wrongs.append(f"row {text.row}: {self.used} of {self.cap}")
        return outcome


def capped_by_provider() -> Outcome:
    """What a provider says once the brand's day is used up."""
    return Barred(Bar.DAILY_CAP, Reason(Code.DAILY_CAP, "DAILYCAP"))


def book_of(book: Book) -> Callable[[Plan], RunBook]:
    return lambda plan: RunBook(book, SCOPE, plan.run, Again(gap=0))


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("has_book", [False, True])
@pytest.mark.parametrize(("segments", "cap", "sent"), [(1, 20, 20), (3, 20, 6), (3, 2, 0)])
def test_as_many_texts_leave_as_fit_into_the_day(
    kind: str, has_book: bool, segments: int, cap: int, sent: int, tmp_path: Path
) -> None:
    """The carrier would fail what is above its cap, and bill it; or people would wait for whom there is room."""
    meter = Meter(cap)
    provider = Provider(meter)
    text = "Hi. STOP to opt out" + " and so on and on" * (18 * (segments - 1) // 2)
    book = book_of(Book(tmp_path / "people.book")) if has_book else None

    memory = MemoryLedger()

    async def main() -> None:
        for part in range(2):  # a resume on the same day sends nothing more
            ledger = memory if kind == "memory" else SqliteLedger(tmp_path / "run.ledger")
            more: dict[str, Any] = {"resume": True} if part else {"text": text, "given": {"day_cap": cap}}
            async with make_run(provider, ledger=ledger, book=book, **more) as run:
                summary = await run.send(None if part else phones(50))
                assert summary.sent == sent
                assert summary.stop is not None
                assert summary.stop.cause is Cause.DAILY_CAP
                assert str(summary.stop).endswith("after 2026-12-02 01:00 PST")
                assert run.counts[State.QUEUED] == 50 - sent
                assert run.day is not None
                assert run.day.used == meter.used == segments * sent
                assert bool(list(filter(lambda note: "this run alone" in note, run.notes))) is not has_book

    virtual_time.run(main(), begins=NOON)
    check(provider)
    assert meter.wrongs == []


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("has_book", [False, True])
def test_what_did_not_leave_gives_its_room_back_and_what_is_unknown_keeps_it(kind: str, has_book: bool, tmp_path: Path) -> None:
    """Refusals would use the day up; or lost answers be counted as if nothing had left."""

    def script(text: Text, attempt: int) -> Outcome:
        if text.row % 3 == 0:
            return Refused(because("400 LANDLINE"), 400, "LANDLINE", True)
        return Unknown(because("no answer in time")) if text.row % 5 == 0 else accepts(text, attempt)

    meter = Meter(20, script)
    provider = Provider(meter)

    async def main() -> None:
        book = book_of(Book(tmp_path / "people.book")) if has_book else None
        ledger = make_ledger(kind, tmp_path)
        async with make_run(provider, ledger=ledger, given={"day_cap": 20, "unknown_limit": 1.0}, book=book) as run:
            summary = await run.send(phones(100))
            assert summary.stop is not None
            assert summary.stop.cause is Cause.DAILY_CAP
            assert summary.sent + summary.unknown == 20
            assert summary.refused >= 8
            assert run.day is not None
            assert run.day.used == 20

    virtual_time.run(main(), begins=NOON)
    check(provider)
    assert meter.wrongs == []
    assert meter.used == 20


@pytest.mark.parametrize("has_book", [False, True])
def test_a_day_with_room_for_all_ends_as_any_other(has_book: bool, tmp_path: Path) -> None:
    """A run would be said to have met its cap although everybody was texted."""
    meter = Meter(50)
    provider = Provider(meter)

    async def main() -> None:
        book = book_of(Book(tmp_path / "people.book")) if has_book else None
        async with make_run(provider, given={"day_cap": 50}, book=book) as run:
            summary = await run.send(phones(50))
            assert (summary.sent, summary.stop) == (50, None)

    virtual_time.run(main(), begins=NOON)


def _fated(fates: dict[tuple[int, int], str], run: int) -> Callable[[Text, int], Outcome]:
    def script(text: Text, attempt: int) -> Outcome:
        match fates[run, text.row]:
            case "no":
                return Refused(because("400 LANDLINE"), 400, "LANDLINE", True)
            case "lost":
                return Unknown(because("no answer in time"))
            case "later" if attempt == 1:
                return Throttled(because("told 429"), 429, 0.2)
            case "down" if attempt == 1:
                return NotSent(because("the connection was refused"))
        return accepts(text, attempt)

    return script


@pytest.mark.parametrize("seed", range(12))
def test_it_holds_over_runs_that_go_at_once_crashes_and_resumes(seed: int, tmp_path: Path) -> None:
    """Two runs that begin together would each take the whole day, or what one of them lost be taken by nobody."""
    chance = random.Random(seed)
    fates = {(run, row): chance.choice(["ok"] * 6 + ["no", "lost", "later", "down"]) for run in range(2) for row in range(90)}

    cap = chance.choice([10, 60, 110])
    meter = Meter(cap)
    providers = [Provider(latency=0.05), Provider(latency=0.05)]
    path = tmp_path / "people.book"
    stops: list[Cause | None] = []

    async def part(which: int, number: int) -> None:
        def delivered(text: Text, attempt: int) -> Outcome:
            meter.script = _fated(fates, which)
            return meter(text, attempt)

        providers[which].script = delivered
        more: dict[str, Any] = {"resume": True} if number else {"given": {"day_cap": cap}, "text": "Hi {n}. STOP to opt out"}
        run = make_run(
            providers[which],
            ledger=SqliteLedger(tmp_path / f"{which}.ledger"),
            book=book_of(Book(path)),
            rate=chance.choice([None, 100.0]),
            **more,
        )
        people = [{"phone": phone(1000 * which + n), "n": "x" * chance.choice([1, 1, 150, 300])} for n in range(90)]
        async with run:
            sending = asyncio.ensure_future(_drain(run, None if number else people))
            if number < 2:
                await asyncio.sleep(chance.choice([0.01, 0.11, 0.3]))
                if chance.random() < 0.5:
                    run._execution.abandon()  # what is in flight becomes unknown, as in a crash
                run.stop()
            await sending
        stops.append(None if run.summary.stop is None else run.summary.stop.cause)

    async def main() -> None:
        for number in range(3):
            await asyncio.gather(part(0, number), part(1, number))

    virtual_time.run(main(), begins=NOON)
    assert meter.wrongs == []
    assert all(stop in (None, Cause.DAILY_CAP, Cause.LEFT_OVER) for stop in stops[-2:])
    book = Book(path)
    book.open_now()
    used = book.used_now(SCOPE, carrier_day(NOON).begins)
    book.close_now()
    assert meter.used <= used <= cap
    if Cause.DAILY_CAP in stops[-2:]:
        assert used > cap - 3  # the longest text has three


async def _drain(run: Run, people: list[dict[str, str]] | None) -> None:
    async for _ in run.send(people):
        pass


def begin(run: Run) -> Run:
    """Have a run on a clock that goes as it likes look at that seldom enough for a test of days."""
    assert run._setup.hours is not None
    run._setup.hours.longest_rest = 600.0
    return run


def all_day(until: float) -> dict[str, Any]:
    """The options of a run that may go on until then, by the clock of the virtual loop, which begins at NOON."""
    hours = Hours(window="0-24", sunday="0-24", margin=0.0, anyway=True, clock=lambda: NOON + virtual_time.now() - STARTED[0])
    return {"hours": hours, "schedule": Schedule(until=dt.datetime.fromtimestamp(until, PACIFIC))}


STARTED = [0.0]


@pytest.mark.parametrize("has_book", [False, True])
@pytest.mark.parametrize(("days", "sent"), [(2.0, 20), (3.0, 25), (0.75, 10)])
def test_a_run_over_several_days_goes_on_by_itself(has_book: bool, days: float, sent: int, tmp_path: Path) -> None:
    """Somebody would have to resume it each morning; or it would go on in the first hour of the day, which may be yesterday's."""
    times: list[float] = []

    def script(text: Text, attempt: int) -> Outcome:
        times.append(NOON + virtual_time.now() - STARTED[0])
        return accepts(text, attempt)

    provider = Provider(script)

    async def main() -> None:
        STARTED[0] = virtual_time.now()
        book = book_of(Book(tmp_path / "people.book")) if has_book else None
        more = all_day(NOON + (days - 0.5) * 86_400)
        async with make_run(provider, given={"day_cap": 10}, book=book, **more) as run:
            summary = await begin(run).send(phones(25))
            assert summary.sent == sent
            assert (summary.stop is None) is (sent == 25)
            if summary.stop is not None:
                assert summary.stop.cause is Cause.DAILY_CAP

    virtual_time.run(main(), begins=NOON)
    check(provider)
    by_day: dict[dt.date, list[dt.datetime]] = {}
    for one in times:
        moment = dt.datetime.fromtimestamp(one, PACIFIC)
        by_day.setdefault(moment.date(), []).append(moment)
    assert [len(found) for found in by_day.values()] == [10, 10, 5][: len(by_day)]
    assert all(min(found).hour == 1 for day, found in by_day.items() if day.day != 1)


def test_a_text_that_waits_over_midnight_counts_for_the_day_on_which_it_leaves(tmp_path: Path) -> None:
    """What was opened before midnight and left behind it would come on top of a whole new day."""
    left: list[float] = []

    def script(text: Text, attempt: int) -> Outcome:
        now = NOON + virtual_time.now() - STARTED[0]
        left.append(now)
        # A minute before midnight nothing more is let through for five minutes.
        return Throttled(because("told 429"), 429, 300.0) if len(left) == 1 else accepts(text, attempt)

    provider = Provider(script)

    async def main() -> None:
        STARTED[0] = virtual_time.now() - (12 * 3600 - 60)
        begins = NOON + 12 * 3600 - 60
        book = Book(tmp_path / "people.book")
        more = all_day(NOON + 3 * 86_400)
        async with make_run(provider, given={"day_cap": 10}, book=book_of(book), **more) as run:
            summary = await begin(run).send(phones(10))
            assert (summary.sent, summary.stop) == (10, None)
            assert book.used_now(SCOPE, carrier_day(begins).begins) == 0
            assert book.used_now(SCOPE, carrier_day(begins + 3600).begins) == 10

    virtual_time.run(main(), begins=NOON + 12 * 3600 - 60)
    assert len(left) == 11


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_contact_that_met_a_cap_waits_for_its_reset_while_others_are_texted(kind: str, tmp_path: Path) -> None:
    """A run would ask for it again on the same day, or end with the first of them."""
    capped = {30, 31, 40, 55}

    def script(text: Text, attempt: int) -> Outcome:
        is_capped = text.row in capped and NOON + virtual_time.now() - STARTED[0] < carrier_day(NOON).ends
        return capped_by_provider() if is_capped else accepts(text, attempt)

    provider = Provider(script)
    memory = MemoryLedger()

    def ledger() -> MemoryLedger | SqliteLedger:
        return memory if kind == "memory" else SqliteLedger(tmp_path / "run.ledger")

    async def main() -> None:
        STARTED[0] = virtual_time.now()
        async with make_run(provider, ledger=ledger()) as run:
            summary = await run.send(phones(60))
            assert summary.sent == 56
            assert summary.stop is not None
            assert summary.stop.cause is Cause.LEFT_OVER
            assert "DAILYCAP" in str(summary.stop)
            rows = await rows_of(run._setup.ledger)
            assert {row for row, one in rows.items() if one.code is Code.DAILY_CAP} == capped
        assert len(provider.calls) == 60
        async with make_run(provider, ledger=ledger(), resume=True) as run:  # on the same day
            assert (await run.send()).sent == 56
        # Whoever resumes may know that the cap was raised: one is asked once more, and ends the run if it was not.
        assert len(provider.calls) == 61

    virtual_time.run(main(), begins=NOON)

    async def tomorrow() -> None:
        STARTED[0] = virtual_time.now() - 86_400
        async with make_run(provider, ledger=ledger(), resume=True) as run:
            summary = await run.send()
            assert (summary.sent, summary.stop) == (60, None)

    virtual_time.run(tomorrow(), begins=NOON + 86_400)
    check(provider)


def test_a_run_over_several_days_texts_after_the_reset_whom_a_cap_has_met() -> None:
    """They would be left over, although the run goes on until tomorrow."""

    def script(text: Text, attempt: int) -> Outcome:
        is_capped = text.row == 30 and NOON + virtual_time.now() - STARTED[0] < carrier_day(NOON).resumes
        return capped_by_provider() if is_capped else accepts(text, attempt)

    provider = Provider(script)

    async def main() -> None:
        STARTED[0] = virtual_time.now()
        async with make_run(provider, **all_day(NOON + 86_400)) as run:
            summary = await begin(run).send(phones(60))
            assert (summary.sent, summary.stop) == (60, None)

    virtual_time.run(main(), begins=NOON)
    assert len(provider.calls) == 61


@pytest.mark.parametrize(("first", "number", "calls"), [(0, 60, 1), (10, 60, None), (10, 19, 60)])
def test_many_in_a_row_or_one_of_the_first_end_the_run(first: int, number: int, calls: int | None) -> None:
    """A brand whose day is used up would be asked for each of a million people."""

    def script(text: Text, attempt: int) -> Outcome:
        is_capped = first < text.row <= first + number
        return capped_by_provider() if is_capped else accepts(text, attempt)

    provider = Provider(script)

    async def main() -> None:
        async with make_run(provider, concurrency=1) as run:
            summary = await run.send(phones(60))
            assert summary.stop is not None
            if calls == 60:
                assert summary.stop.cause is Cause.LEFT_OVER
                return
            assert summary.stop.cause is Cause.DAILY_CAP
            assert str(summary.stop).endswith("after 2026-12-02 01:00 PST")

    virtual_time.run(main(), begins=NOON)
    assert len(provider.calls) == (calls or first + 20)


def test_nobody_is_drawn_whose_text_would_not_fit() -> None:
    """In concurrent mode each of them would be locked for five minutes, for nothing."""
    meter = Meter(29)
    server = Server(100, latency=0.05, script=meter)

    async def main() -> None:
        async with make(server, texters=8, given={"day_cap": 29}) as run:
            summary = await run.send()
            assert summary.stop is not None
            assert summary.stop.cause is Cause.DAILY_CAP
            # Nobody knows how long the next text becomes: as much as the longest may have stays unused.
            assert summary.sent == 20
            assert run.counts[State.QUEUED] == 0

    virtual_time.run(main(), begins=NOON)
    fine(server)
    assert meter.wrongs == []


def test_a_book_counts_each_claim_once(tmp_path: Path) -> None:
    """A day would be used up by what has not left, or seem to have room that was given away."""
    book = Book(tmp_path / "people.book")
    book.open_now()
    now = NOON
    day = carrier_day(now, 10)

    def claim(run: str, people: list[str], segments: list[int], on: Day = day, at: float = now) -> int:
        book.claim_now(SCOPE, run, people, Again(gap=0), at, segments, on)
        return on.used

    one, two, three, four = phones(4)
    assert claim("one", [one, two], [3, 4]) == 7
    assert claim("one", [one], [3]) == 7  # its own, once more
    assert claim("two", [one], [3]) == 7  # another's
    assert claim("two", [three, four], [4, 3]) == 10  # the first does not fit, the second does
    assert claim("two", [three], [4]) == 10
    assert book.release_now(SCOPE, "one", [two]) == 1
    assert book.release_now(SCOPE, "one", [two]) == 0
    assert claim("two", [three], [4]) == 10
    tomorrow = carrier_day(now + 86_400, 10)
    assert claim("one", [one], [3], tomorrow, now + 86_400) == 3  # it leaves tomorrow, and so not today
    assert book.used_now(SCOPE, day.begins) == 7
    assert book.used_now(Scope("another", "world"), day.begins) == 0
    book.purge_now(now + 4 * 86_400)
    assert book.used_now(SCOPE, day.begins) == 0


def test_a_book_of_an_older_version_is_gone_on_with(tmp_path: Path) -> None:
    """Everybody whom it knows would be texted again, or nobody be texted for it."""
    path = tmp_path / "people.book"
    book = Book(path)
    book.open_now()
    (one, two) = phones(2)
    book.claim_now(SCOPE, "one", [one], now=NOON)
    book.close_now()
    db = sqlite3.connect(path)
    db.execute("ALTER TABLE texted DROP COLUMN segments")
    db.execute("DROP TABLE day")
    db.execute("PRAGMA user_version = 1")
    db.commit()
    db.close()
    book.open_now()
    day = carrier_day(NOON, 1)
    assert list(book.claim_now(SCOPE, "two", [one, two], Again(gap=0), NOON, [1, 1], day)) == [one]
    assert day.used == 1
    book.close_now()


@pytest.mark.parametrize("limit", [None, 8])
def test_who_is_put_off_to_another_day_counts_for_the_limit_and_is_told_of(limit: int | None) -> None:
    """More would be tried than somebody has allowed; or a run would stand still for ever, with nobody to come."""
    provider = Provider(lambda text, n: capped_by_provider() if text.row in (6, 7, 8) else accepts(text, n))
    results = []

    async def main() -> None:
        async with make_run(provider, concurrency=2, limit=limit) as run:
            results.extend([result async for result in run.send(phones(12))])
            assert run.summary.stop is not None
            assert run.summary.stop.cause is Cause.LEFT_OVER

    virtual_time.run(main(), begins=NOON)
    check(provider)
    assert len(provider.calls) == (limit or 12)
    assert sorted(result.row for result in results) == list(range(1, (limit or 12) + 1))
    assert {result.row for result in results if result.code is Code.DAILY_CAP} == {6, 7, 8}


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_concurrent_mode_over_several_days_draws_nobody_until_the_reset(kind: str, tmp_path: Path) -> None:
    """Contacts would be locked for five minutes, over and over, all night long."""
    server = Server(25)
    times: list[float] = []
    draws: list[float] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()

        def clock() -> float:
            return NOON + loop.time() - began

        ledger = make_ledger(kind, tmp_path)
        await open_ledger(ledger, PLAN)
        cap = DayCap(10, longest=1, is_shared=False, first=carrier_day(NOON, 10), until=NOON + 5 * 86_400)
        engine = Engine(
            ledger,
            server,
            Pace(None),
            Options(concurrency=4, locks=Locks()),
            observer=SilentObserver(),
            sink=lambda results: None,
            texters=Texters(server, Screen(TEXT), writer=None, first_row=0, concurrency=4, wall_clock=clock),
            allowance=Allowance(None, cap),
            wall_clock=clock,
            longest_rest=600.0,
        )
        assert await engine.run() is None
        times.extend(NOON + call.time - began for call in server.calls)
        draws.extend(NOON + at - began for at in server.draws)
        assert ledger.counts[State.SENT] == 25
        await ledger.aclose()

    virtual_time.run(main(), begins=NOON)
    days = [dt.datetime.fromtimestamp(at, PACIFIC) for at in times]
    assert [sum(day.day == number for day in days) for number in (1, 2, 3)] == [10, 10, 5]
    assert all(day.hour == 1 for day in days if day.day > 1)
    assert all(at <= times[9] + 60 or dt.datetime.fromtimestamp(at, PACIFIC).hour >= 1 for at in draws)
