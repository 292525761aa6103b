"""The engine under scripted providers: every outcome's path, and the promise at each point where something can break."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import pytest

from rumbleup_async import LedgerError, Policy, Result, State
from rumbleup_async.ledger import MemoryLedger
from rumbleup_async.messaging import Planned, Skipped, Text
from rumbleup_async.outcomes import Accepted, Bar, Barred, NotSent, Outcome, Refused, Throttled, Unknown
from rumbleup_async.reasons import INTERRUPTED, Code, Reason
from rumbleup_async.reasons import from_words as because
from rumbleup_async.runs.sending import Sending
from rumbleup_async.stops import Cause, Stop
from tests import virtual_time
from tests.books import open_ledger
from tests.engine.scripted import Answer, Books, Provider, Script, accepts, check, make_ledger, make_run, phone, phones, rows_of

LEDGERS = pytest.mark.parametrize("kind", ["memory", "sqlite"])


def first(*answers: Answer) -> Script:
    """A provider that gives every text these answers in turn and accepts it after that."""
    return lambda text, attempt: answers[attempt - 1] if attempt <= len(answers) else accepts(text, attempt)


def only(row: int, script: Script) -> Script:
    """A provider that treats one row as `script` says and accepts the others."""
    return lambda text, attempt: script(text, attempt) if text.row == row else accepts(text, attempt)


DEAD_WIRE = NotSent(because("the connection was refused"))


@LEDGERS
@pytest.mark.parametrize(
    ("script", "state", "reason", "attempts", "left"),
    [
        pytest.param(first(), State.SENT, "", 1, 1, id="accepted"),
        pytest.param(
            first(Refused(because("400 LANDLINE"), 400, "LANDLINE", True)), State.REFUSED, "400 LANDLINE", 1, 0, id="landline"
        ),
        pytest.param(first(Refused(because("400 no"), 400)), State.REFUSED, "400 no", 1, 0, id="refused"),
        pytest.param(first(Unknown(because("no answer in time"))), State.UNKNOWN, "no answer in time", 1, 1, id="unknown"),
        pytest.param(first(Throttled(because("told 429"), 429, 3.0)), State.SENT, "", 2, 1, id="429 with a time"),
        pytest.param(first(*[Throttled(because("told 440"), 440)] * 3), State.SENT, "", 4, 1, id="440 three times"),
        pytest.param(first(*[DEAD_WIRE] * 3), State.SENT, "", 4, 1, id="not sent, then sent"),
        pytest.param(first(*[DEAD_WIRE] * 99), State.NOT_SENT, "the connection was refused", 16, 0, id="never reached"),
        pytest.param(first(Barred(Bar.NOT_ALLOWED, because("403 no"), 403)), State.SENT, "", 2, 1, id="barred once"),
        pytest.param(first(*[Barred(Bar.NOT_ALLOWED, because("403 no"), 403)] * 9), State.NOT_SENT, "403 no", 2, 0, id="barred"),
        pytest.param(first(Barred(Bar.GATEWAY, because("404 a page"), 404)), State.SENT, "", 2, 1, id="a page once"),
        pytest.param(first(*[Barred(Bar.OTHER, because("409 no"), 409)] * 9), State.NOT_SENT, "409 no", 2, 0, id="another no"),
        pytest.param(first(*[Barred(Bar.ACCOUNT, because("402 pay"), 402)] * 9), State.NOT_SENT, "402 pay", 2, 0, id="no funds"),
        pytest.param(
            first(*[Barred(Bar.OUTSIDE_HOURS, because("400 TIMERANGE"), 400)] * 2),
            State.NOT_SENT,
            "400 TIMERANGE",
            2,
            0,
            id="late",
        ),
        pytest.param(
            first(Barred(Bar.GATEWAY, because("404"), 404), Unknown(because("reset"))),
            State.UNKNOWN,
            "reset",
            2,
            1,
            id="page, unknown",
        ),
        pytest.param(
            first(Barred(Bar.GATEWAY, because("404"), 404), Refused(because("400 no"), 400)),
            State.REFUSED,
            "400 no",
            2,
            0,
            id="page, refused",
        ),
        pytest.param(
            first(ZeroDivisionError("bug")), State.UNKNOWN, "unexpected ZeroDivisionError", 1, 1, id="a bug in the gateway"
        ),
        pytest.param(first(DEAD_WIRE, Unknown(because("reset"))), State.UNKNOWN, "reset", 2, 1, id="not sent, then unknown"),
        pytest.param(
            first(Throttled(because("told 429"), 429), Unknown(because("reset"))),
            State.UNKNOWN,
            "reset",
            2,
            1,
            id="429, then unknown",
        ),
    ],
)
def test_where_an_outcome_leads(
    kind: str, tmp_path: Path, script: Script, state: State, reason: str, attempts: int, left: int
) -> None:
    """A contact would end in the wrong state, or a text that may have left would leave again."""
    provider = Provider(only(5, script))

    async def main() -> tuple[list[Result], dict[int, Result]]:
        async with make_run(provider, ledger=make_ledger(kind, tmp_path)) as run:
            results = [result async for result in run.send(phones(9))]
            return results, await rows_of(run._ledger)

    results, rows = virtual_time.run(main(), calendar=True)
    check(provider)
    assert Counter(result.row for result in results) == dict.fromkeys(range(1, 10), 1)
    told = next(result for result in results if result.row == 5)
    assert (state, reason, attempts) == (told.state, told.reason, told.attempts)
    assert left == provider.left.count(phone(4))
    # What was not sent stays queued, so that a resume can text it.
    kept = rows[5]
    assert (State.QUEUED if state is State.NOT_SENT else state) is kept.state
    assert (reason, attempts) == (kept.reason, kept.attempts)
    assert {State.SENT} == {row.state for number, row in rows.items() if number != 5}


@pytest.mark.parametrize(
    ("outcome", "cause", "remedy", "most"),
    [
        (Barred(Bar.KEY_REFUSED, because("401 Invalid"), 401, remedy="check KEY"), "key refused", "check KEY", 1),
        (Barred(Bar.OPT_OUT_MISSING, because("403 opt-out"), 403), "opt-out wording missing", "STOP", 1),
        (Barred(Bar.DAILY_CAP, because("400 DAILYCAP"), 400), "daily cap", "tomorrow", 1),
        (Barred(Bar.NOT_ALLOWED, because("403 no"), 403), "not allowed", "support", 5),
        (Barred(Bar.OUTSIDE_HOURS, because("400 TIMERANGE"), 400), "outside hours", "resume", 5),
        (Unknown(because("the server answered 502"), 502), "error threshold", "resume", 5),
        (Refused(because("400 General error"), 400), "error threshold", "resume", 5),
        (NotSent(because("the host name was not found"), "BASE_URL"), "not reachable", "check the network and BASE_URL", 4),
        (Throttled(because("told 429"), 429, 86_400.0), "throttled", "86400", 1),
        (Throttled(because("told 429"), 429), "throttled", "resume", 20),
    ],
)
def test_a_cause_that_concerns_every_text_stops_the_run(outcome: Outcome, cause: str, remedy: str, most: int) -> None:
    """A wrong key or a dead server would cost the whole list, or stop it without a word about what to do."""
    provider = Provider(lambda text, attempt: outcome)

    async def main() -> tuple[str | None, int, int]:
        async with make_run(provider, concurrency=64) as run:
            summary = await run.send(phones(1000))
            return summary.stopped, summary.unknown, summary.total

    stopped, unknown, total = virtual_time.run(main(), calendar=True)
    check(provider)
    assert stopped is not None
    assert stopped.startswith(f"{cause}: ")
    assert remedy in stopped
    assert len(provider.calls) <= most
    assert unknown <= (5 if isinstance(outcome, Unknown) else 0)
    assert total > 0


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Barred(Bar.KEY_REFUSED, Reason(Code.KEY_REFUSED, "401 Invalid"), 401), Code.KEY_REFUSED),
        (Barred(Bar.OPT_OUT_MISSING, Reason(Code.OPT_OUT_MISSING, "403 opt-out"), 403), Code.OPT_OUT_MISSING),
        (Throttled(because("told 429"), 429, 86_400.0), Code.STOPPED),
    ],
)
def test_the_text_that_stopped_the_run_has_the_code_of_its_answer(outcome: Outcome, code: Code) -> None:
    """The counts by code would say that somebody was stopped, and not by what."""
    provider = Provider(lambda text, attempt: outcome)

    async def main() -> tuple[Reason, str | None]:
        async with make_run(provider) as run:
            results = [result async for result in run.send(phones(3))]
            return results[0].why, run.summary.stopped

    why, stopped = virtual_time.run(main())
    assert (why.code, str(why)) == (code, stopped)


@pytest.mark.parametrize(
    ("outcome", "cause", "most_left"),
    [
        (Unknown(because("the server answered 502"), 502), "error threshold", 400 + 50 + 2 * 64),
        (Refused(because("400 General error"), 400), "error threshold", 400),
        (Barred(Bar.NOT_ALLOWED, because("403 no"), 403), "not allowed", 400),
        (Barred(Bar.KEY_REFUSED, because("401"), 401), "key refused", 400),
        (Barred(Bar.DAILY_CAP, because("400 DAILYCAP"), 400), "daily cap", 400),
        (NotSent(because("the connection was refused")), "error threshold", 400),
    ],
)
def test_trouble_in_the_middle_stops_the_run_too(outcome: Outcome, cause: str, most_left: int) -> None:
    """A server that dies after 400 texts would eat the rest of the list."""
    provider = Provider(lambda text, attempt: accepts(text, attempt) if text.row <= 400 else outcome)

    async def main() -> str | None:
        async with make_run(provider, concurrency=64) as run:
            return (await run.send(phones(5000))).stopped

    stopped = virtual_time.run(main())
    check(provider)
    assert stopped is not None
    assert stopped.startswith(cause)
    assert len(provider.left) <= most_left


@LEDGERS
@pytest.mark.parametrize("concurrency", [1, 2, 7, 64])
@pytest.mark.parametrize("rate", [None, 100.0])
def test_no_more_entries_are_open_than_twice_the_concurrency(
    kind: str, tmp_path: Path, concurrency: int, rate: float | None
) -> None:
    """A crash would leave more people unknown than promised."""
    texts = 40 + 5 * concurrency
    provider = Provider(
        lambda text, n: Throttled(because("told 429"), 429) if text.row % 7 == 0 and n < 3 else accepts(text, n), 0.05
    )
    books = Books(make_ledger(kind, tmp_path), slow=0.003)

    async def main() -> int:
        async with make_run(provider, ledger=books, concurrency=concurrency, rate=rate) as run:
            return (await run.send(phones(texts))).sent

    assert virtual_time.run(main(), calendar=True) == texts
    check(provider)
    assert provider.most_in_flight <= concurrency
    assert books.most_open <= 2 * concurrency


def test_the_concurrency_asked_for_is_used() -> None:
    """A run would crawl along with one text at a time while its owner pays for the afternoon."""
    provider = Provider(latency=0.5)

    async def main() -> int:
        async with make_run(provider, concurrency=64) as run:
            return (await run.send(phones(1000))).sent

    assert virtual_time.run(main()) == 1000
    assert provider.most_in_flight == 64
    assert len({call.time for call in provider.calls[:2]}) == 2, "the first text goes alone"


def test_texts_do_not_wait_for_the_disk() -> None:
    """Workers would stand idle during every step: half the texts a second, on a disk that is as slow as the provider."""
    provider = Provider(latency=0.02)
    books = Books(make_ledger("memory", Path()), slow=0.01)

    async def main() -> int:
        async with make_run(provider, ledger=books, concurrency=8) as run:
            return (await run.send(phones(800))).sent

    assert virtual_time.run(main()) == 800
    took = provider.calls[-1].time - provider.calls[0].time
    assert took < 1.3 * 800 / 8 * 0.02
    assert books.most_open <= 16


def test_hardly_any_text_is_open_ahead_of_a_slow_provider() -> None:
    """A crash would leave twice as many people unknown as there were texts under way, for nothing."""
    provider = Provider(lambda text, attempt: answers_after(text.row * 7 % 32 / 32, accepts(text, attempt)), latency=0.5)
    books = Books(make_ledger("memory", Path()), slow=0.001)

    async def main() -> int:
        async with make_run(provider, ledger=books, concurrency=32) as run:
            return (await run.send(phones(400))).sent

    assert virtual_time.run(main()) == 400
    assert provider.most_in_flight == 32
    assert books.most_open <= 40


def test_a_shrunken_window_holds_after_a_pause_too() -> None:
    """A provider that says "too many at once" would be met by all workers at once again as soon as the pause ends."""
    moments: list[float] = []

    def script(text: Text, attempt: int) -> Outcome:
        if text.row > 100 and attempt == 1 and len(moments) < 16:
            moments.append(asyncio.get_running_loop().time())
            return Throttled(because("told 440"), 440, 10.0)
        return accepts(text, attempt)

    provider = Provider(script, latency=0.2)

    async def main() -> int:
        async with make_run(provider, concurrency=16) as run:
            return (await run.send(phones(200))).sent

    assert virtual_time.run(main()) == 200
    after = [call.time for call in provider.calls if call.time >= moments[-1] + 10.0]
    assert sum(1 for time in after if time < after[0] + 0.2) <= 2


def test_results_are_handed_out_only_once_they_are_durable() -> None:
    """A caller would note "sent" for a contact that a crash forgets, and text it again from its own list."""
    provider = Provider()
    books = Books(make_ledger("memory", Path()), slow=0.01)

    async def main() -> list[int]:
        early = []
        async with make_run(provider, ledger=books) as run:
            async for result in run.send(phones(50)):
                if books.closed[result.row].state is not result.state:
                    early.append(result.row)  # noqa: PERF401 - what came before a failure counts
        return early

    assert virtual_time.run(main()) == []


# ---- stopping ----


def stop_at(moment: str) -> Script:
    """A provider that makes the run wait in one of three ways."""

    def script(text: Text, attempt: int) -> Answer | Awaitable[Answer]:
        if moment == "held" and text.row > 20 and attempt == 1:
            return Throttled(because("told 429"), 429, 600.0)
        if moment == "unreachable" and text.row > 20:
            return DEAD_WIRE
        if moment == "delivering" and text.row > 20:
            return answers_after(50.0, Accepted("rl"))
        return accepts(text, attempt)

    return script


async def answers_after(seconds: float, outcome: Outcome) -> Outcome:
    await asyncio.sleep(seconds)
    return outcome


@LEDGERS
@pytest.mark.parametrize("moment", ["pacing", "held", "unreachable", "delivering", "running"])
@pytest.mark.parametrize("how", ["stop", "cancel", "cancel twice", "break", "exception", "leave"])
def test_after_stop_nothing_leaves_and_everything_in_flight_is_closed(  # noqa: C901 - ways to end times moments to do so
    kind: str, tmp_path: Path, moment: str, how: str
) -> None:
    """Somebody pressed stop and texts would go on leaving, or what was in flight would stay open in the books."""
    provider = Provider(stop_at(moment))
    books = Books(make_ledger(kind, tmp_path), slow=0.001)
    rate = 5.0 if moment == "pacing" else None
    results: list[Result] = []

    async def use() -> None:
        async with make_run(provider, ledger=books, rate=rate, concurrency=8) as run:
            sending = run.send(phones(500))

            async def consume() -> None:
                async for result in sending:
                    results.append(result)  # noqa: PERF401 - what came before a cancellation counts

            consuming = asyncio.create_task(consume())
            await asyncio.sleep(10.0 if moment == "pacing" else 0.5 if moment != "running" else 0.05)
            calls = len(provider.calls)
            assert calls > 5
            if how == "stop":
                run.stop("enough")
                provider.forbidden = "stop"
                stopped = virtual_time.now()
                await consuming
                # What is in flight is waited for (here 50 seconds), the end of a hold or a turn of the pace is not.
                assert virtual_time.now() - stopped < (60 if moment == "delivering" else 1)
                assert run.summary.stopped == "enough"
            else:
                consuming.cancel()
                await asyncio.wait([consuming])
                if how == "exception":
                    raise ZeroDivisionError
                if how.startswith("cancel"):
                    await asyncio.sleep(1e6)

    async def main() -> dict[int, Result]:
        using = asyncio.create_task(use())
        if how.startswith("cancel"):
            await asyncio.sleep(11.0 if moment == "pacing" else 0.6)
            using.cancel()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            provider.forbidden = "cancel"
            if how == "cancel twice":
                await asyncio.sleep(0.0005)
                using.cancel()
        await asyncio.wait([using])
        if how.startswith("cancel"):
            assert using.cancelled()
        elif how == "exception":
            assert isinstance(using.exception(), ZeroDivisionError)
        else:
            using.result()
        provider.forbidden = "the end"
        await asyncio.sleep(1000)
        assert books.is_closed
        assert provider.closed == 1
        again = make_ledger(kind, tmp_path) if kind == "sqlite" else books.ledger
        await open_ledger(again, None)
        rows = await rows_of(again)
        await again.aclose()
        return rows

    rows = virtual_time.run(main())
    check(provider)
    assert books.entries == set()
    states = {row: result.state for row, result in rows.items()}
    assert State.INTENT not in states.values()
    left = set(provider.left)
    for row, result in rows.items():
        assert (result.state in {State.SENT, State.UNKNOWN}) == (result.phone in left), (row, result)
    unknown = [result for result in rows.values() if result.state is State.UNKNOWN]
    assert {INTERRUPTED} >= {result.why for result in unknown}
    assert len(unknown) <= (8 if how == "cancel twice" else 0)
    told = {result.row: result.state for result in results if result.state is not State.NOT_SENT}
    assert told.items() <= states.items()


def test_an_anyio_cancel_scope_leaves_nothing_open(tmp_path: Path) -> None:
    """anyio cancels at every await until its scope is left: the books would stay open and locked while the service lives."""
    import anyio

    provider = Provider(lambda text, n: answers_after(3.0, accepts(text, n)))
    books = Books(make_ledger("sqlite", tmp_path), slow=0.001)

    async def main() -> dict[int, Result]:
        with anyio.move_on_after(2.0):
            async with make_run(provider, ledger=books) as run:
                async for _ in run.send(phones(50)):
                    pass
        provider.forbidden = "cancel"
        await asyncio.sleep(100)
        assert books.is_closed
        again = make_ledger("sqlite", tmp_path)
        await open_ledger(again, None)
        rows = await rows_of(again)
        await again.aclose()
        return rows

    rows = virtual_time.run(main())
    check(provider)
    assert books.entries == set()
    assert provider.closed == 1
    for result in rows.values():
        assert (result.state in {State.SENT, State.UNKNOWN}) == (result.phone in provider.left)


@pytest.mark.parametrize("point", ["opening", "finishing"])
def test_cancelled_while_the_books_are_opened_or_closed_they_are_let_go(point: str, tmp_path: Path) -> None:
    """The lock would stay taken, and nobody could resume the run until the service is restarted."""
    provider = Provider()
    inner = make_ledger("sqlite", tmp_path)

    class Slow(Books):
        async def open(self, plan):  # type: ignore[no-untyped-def]
            stored = await super().open(plan)
            # As the ledger does it: the work is done, and then the cancellation goes on.
            await asyncio.sleep(1.0 if point == "opening" else 0)
            return stored

        async def finish(self, stop: Stop | None, elapsed: float) -> None:
            await super().finish(stop, elapsed)
            await asyncio.sleep(1.0 if point == "finishing" else 0)

    async def use() -> None:
        async with make_run(provider, ledger=Slow(inner)) as run:
            await run.send(phones(3))

    async def main() -> None:
        using = asyncio.create_task(use())
        await asyncio.sleep(0.5)
        using.cancel()
        await asyncio.wait([using])
        assert using.cancelled()
        again = make_ledger("sqlite", tmp_path)
        await open_ledger(again, None)
        await again.aclose()

    virtual_time.run(main())


def test_cancelling_three_times_is_no_worse_than_twice() -> None:
    """An impatient service would close the books under an engine that still writes them."""
    provider = Provider(lambda text, n: answers_after(50.0, accepts(text, n)))
    books = Books(make_ledger("memory", Path()), slow=0.5)

    async def use() -> None:
        async with make_run(provider, ledger=books) as run:
            await run.send(phones(50))

    async def main() -> None:
        using = asyncio.create_task(use())
        await asyncio.sleep(3.0)
        for _ in range(4):
            using.cancel()
            await asyncio.sleep(0.01)
        provider.forbidden = "cancel"
        await asyncio.wait([using])
        assert using.cancelled()

    virtual_time.run(main())
    check(provider)
    assert books.entries == set()
    assert provider.closed == 1


# ---- books that fail ----


@LEDGERS
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("again", [False, True])
def test_nothing_leaves_once_the_books_cannot_be_kept(kind: str, tmp_path: Path, when: str, again: bool) -> None:
    """A full disk at whichever step: texts would leave of which no record can be kept."""
    size = 30
    steps = 0

    def fails(number: int, k: int) -> str:
        return when if number == k or (again and number > k) else ""

    k = 0
    while True:
        k += 1
        folder = tmp_path / str(k)
        folder.mkdir()
        provider = Provider()
        books = Books(make_ledger(kind, folder), slow=0.001, fails=lambda number, k=k: fails(number, k))  # type: ignore[misc]
        delivered: list[int] = []
        books.on_failure = lambda provider=provider, delivered=delivered: delivered.append(len(provider.calls))  # type: ignore[misc]

        async def main(provider: Provider = provider, books: Books = books) -> str:
            try:
                async with make_run(provider, ledger=books, concurrency=4) as run:
                    await run.send(phones(size))
            except LedgerError as error:
                return str(error)
            return ""

        said = virtual_time.run(main())
        check(provider)
        if books.exchanges < k:
            break
        steps += 1
        assert said == "disk full"
        assert len(provider.calls) == delivered[0]
        assert books.is_closed

        async def look(folder: Path = folder, books: Books = books) -> dict[int, Result]:
            ledger = make_ledger(kind, folder) if kind == "sqlite" else books.ledger
            await open_ledger(ledger, None)
            rows = await rows_of(ledger)
            await ledger.aclose()
            return rows

        # Whoever may have been texted is never queued again.
        for result in virtual_time.run(look()).values():
            assert result.phone not in provider.left or result.state in {State.SENT, State.UNKNOWN}
    assert steps >= 8


@pytest.mark.parametrize("ending", ["break", "sleep and leave", "exception"])
def test_a_failure_of_the_books_reaches_the_caller_who_left_early(ending: str) -> None:
    """The disk is full, the run is dead, and a caller who breaks out of the loop would never hear of it."""
    provider = Provider()
    books = Books(make_ledger("memory", Path()), fails=lambda number: "before" if number >= 6 else "")

    async def main() -> None:
        async with make_run(provider, ledger=books) as run:
            async for _ in run.send(phones(100)):
                await asyncio.sleep(60)
                if ending == "exception":
                    raise ZeroDivisionError
                break

    if ending == "exception":
        with pytest.raises(ZeroDivisionError) as raised:
            virtual_time.run(main())
        assert "disk full" in " ".join(getattr(raised.value, "__notes__", []))
    else:
        with pytest.raises(LedgerError, match="disk full"):
            virtual_time.run(main())


# ---- the caller's list ----


class Broken(Exception):
    pass


def failing(count: int) -> Iterator[str]:
    yield from phones(count)
    raise Broken


async def failing_later(count: int, pause: float = 0.0) -> AsyncIterator[str]:
    for number in range(count):
        yield phone(number)
        await asyncio.sleep(pause)
    raise Broken


async def slowly(count: int, pause: float) -> AsyncIterator[str]:
    for number in range(count):
        yield phone(number)
        await asyncio.sleep(pause)


@pytest.mark.parametrize(
    "source", [lambda: failing(0), lambda: failing(700), lambda: failing_later(0), lambda: failing_later(30, 0.1)]
)
def test_an_error_in_the_callers_list_reaches_the_caller(source: Callable[[], object]) -> None:
    """A broken database cursor would look like the end of the list."""
    provider = Provider()
    books = Books(make_ledger("memory", Path()), slow=0.001)
    results: list[Result] = []

    async def main() -> None:
        async with make_run(provider, ledger=books) as run:
            async for result in run.send(source()):  # type: ignore[arg-type]
                results.append(result)  # noqa: PERF401 - what came before the error counts

    with pytest.raises(Broken):
        virtual_time.run(main())
    check(provider)
    assert books.entries == set()
    assert {result.row for result in results} == set(provider.delivered)


def test_a_list_that_is_cancelled_ends_the_run() -> None:
    """A source whose own task was cancelled would leave the run waiting for contacts for ever."""
    provider = Provider()

    async def source() -> AsyncIterator[str]:
        yield phone(1)
        raise asyncio.CancelledError

    async def main() -> None:
        async with make_run(provider) as run:
            async for _ in run.send(source()):
                pass

    with pytest.raises((asyncio.CancelledError, Exception)) as raised:
        virtual_time.run(main())
    assert not isinstance(raised.value, virtual_time.Stuck)


def test_contacts_that_come_slowly_are_texted_as_they_come() -> None:
    """A service that feeds contacts as people sign up would text the first of them an hour later, with the hundredth."""
    provider = Provider()

    async def main() -> float:
        began = virtual_time.now()
        async with make_run(provider) as run:
            await run.send(slowly(20, 60.0))
        return began

    began = virtual_time.run(main())
    late = [call.time - began - 60.0 * (call.row - 1) for call in provider.calls]
    assert len(late) == 20
    assert max(late) < 1.0


def test_a_list_may_hold_a_scope_open_while_it_yields() -> None:
    """Sources over anyio (database drivers, HTTP clients) need all of their steps in one task."""
    import anyio

    provider = Provider()

    async def source() -> AsyncIterator[str]:
        with anyio.CancelScope():
            for number in range(5):
                yield phone(number)
                await anyio.sleep(0.1)

    async def main() -> int:
        async with make_run(provider) as run:
            return (await run.send(source())).sent

    assert virtual_time.run(main()) == 5


def test_a_list_is_let_go_when_its_reader_leaves() -> None:
    """A service would keep a database cursor open, and a task waiting on it, for every run that was left early."""
    provider = Provider()
    ended: list[bool] = []

    async def source() -> AsyncIterator[str]:
        try:
            yield phone(1)
            await asyncio.sleep(1e6)
        finally:
            ended.append(True)

    async def main() -> None:
        async with make_run(provider) as run:
            async for _ in run.send(source()):
                break

    virtual_time.run(main())
    assert ended == [True]


def test_a_list_is_let_go_when_the_books_cannot_be_kept() -> None:
    """The error remembers where it came from: a cursor of the caller's would stay open as long as somebody keeps the error."""
    ended: list[bool] = []

    async def source() -> AsyncIterator[str]:
        try:
            for number in range(1, 100_000):
                yield phone(number)
                await asyncio.sleep(0.001)
        finally:
            ended.append(True)

    class Full(Books):
        async def add(self, rows: Sequence[Planned | Skipped]) -> list[Result]:
            if self.exchanges > 3:
                raise LedgerError("disk full")
            return await super().add(rows)

    async def main() -> tuple[LedgerError, list[bool]]:
        with pytest.raises(LedgerError) as raised:
            async with make_run(Provider(), ledger=Full(make_ledger("memory", Path()))) as run:
                await run.send(source())
        return raised.value, list(ended)

    error, ended_by_then = virtual_time.run(main())
    assert str(error) == "disk full"
    assert ended_by_then == [True]


def test_a_slow_reader_of_results_holds_the_run_back() -> None:
    """A million results would pile up in memory behind a caller who writes each to a slow database."""
    provider = Provider(latency=0.0)
    behind = 0
    size = 12_000

    async def main() -> int:
        nonlocal behind
        seen = 0
        async with make_run(provider, concurrency=16) as run:
            async for _ in run.send(phone(number) for number in range(size)):
                seen += 1
                if seen % 500 == 0:
                    await asyncio.sleep(30)
                behind = max(behind, len(provider.calls) - seen)
        return seen

    assert virtual_time.run(main()) == size
    check(provider)
    assert behind <= 4096 + 2 * 2 * 16


def test_a_reader_slow_over_skipped_contacts_does_not_deadlock() -> None:
    """A list of nothing but bad numbers would stop half way."""
    provider = Provider()

    async def main() -> int:
        seen = 0
        async with make_run(provider) as run:
            async for _ in run.send("bad" for _ in range(9_000)):
                seen += 1
                if seen % 1000 == 0:
                    await asyncio.sleep(5)
        return seen

    assert virtual_time.run(main()) == 9_000
    assert provider.calls == []


# ---- sizes and limits ----


@LEDGERS
@pytest.mark.parametrize(
    ("size", "limit", "concurrency", "sent", "stopped"),
    [
        (0, None, 4, 0, None),
        (1, None, 1, 1, None),
        (7, None, 1, 7, None),
        (7, 1, 4, 1, "limit"),
        (7, 7, 4, 7, None),
        (7, 100, 4, 7, None),
        (600, 250, 64, 250, "limit"),
    ],
)
def test_small_lists_and_limits(
    kind: str, tmp_path: Path, size: int, limit: int | None, concurrency: int, sent: int, stopped: str | None
) -> None:
    """A trial of one text would text everybody, or an empty list would hang."""
    provider = Provider()

    async def main() -> tuple[int, str | None]:
        async with make_run(provider, ledger=make_ledger(kind, tmp_path), limit=limit, concurrency=concurrency) as run:
            summary = await run.send(phones(size))
            return summary.sent, summary.stopped and summary.stopped.partition(":")[0]

    assert virtual_time.run(main()) == (sent, stopped)
    check(provider)
    assert len(provider.calls) == sent


@pytest.mark.parametrize("pause", [0.0, 1.0])
def test_a_limit_reached_before_the_list_has_come_in_is_a_reason_to_stop(pause: float) -> None:
    """The summary would say that everything is done while the rest of the list was never looked at."""
    provider = Provider()

    async def main() -> str | None:
        async with make_run(provider, limit=3) as run:
            return (await run.send(slowly(10, pause))).stopped

    assert (virtual_time.run(main()) or "").startswith("limit: 3 ")
    assert len(provider.calls) == 3


def test_a_limit_counts_texts_not_attempts() -> None:
    """A busy provider would use up the limit without anybody being texted."""
    provider = Provider(lambda text, n: Throttled(because("told 429"), 429) if n <= 4 else accepts(text, n))

    async def main() -> int:
        async with make_run(provider, limit=10) as run:
            return (await run.send(phones(50))).sent

    assert virtual_time.run(main(), calendar=True) == 10


# ---- the pace ----


@pytest.mark.parametrize("rate", [50.0, 240.0])
def test_the_rate_holds_for_texts_and_retries_alike(rate: float) -> None:
    """Repeats after 429 would come on top of the rate that somebody set to keep the account alive."""
    provider = Provider(
        lambda text, n: Throttled(because("told 429"), 429, 0.2) if n == 1 and text.row % 50 == 0 else accepts(text, n)
    )

    async def main() -> None:
        async with make_run(provider, rate=rate, concurrency=64) as run:
            await run.send(phones(int(rate * 6)))

    virtual_time.run(main())
    check(provider)
    times = [call.time for call in provider.calls]
    worst = max(sum(1 for other in times if time <= other < time + 1.0) for time in times[:: max(1, len(times) // 300)])
    assert worst <= rate * 1.05


@pytest.mark.parametrize("after", [1.0, 30.0, 899.0])
def test_a_wait_asked_for_is_kept_by_everybody_and_never_shortened(after: float) -> None:
    """The provider says "not for 30 seconds" to one worker and the other 63 would go on."""
    told: list[float] = []

    def script(text: Text, attempt: int) -> Outcome:
        if text.row == 40 and attempt == 1:
            told.append(asyncio.get_running_loop().time())
            return Throttled(because("told 429"), 429, after)
        return accepts(text, attempt)

    provider = Provider(script, latency=0.0)

    async def main() -> int:
        async with make_run(provider, concurrency=16) as run:
            return (await run.send(phones(200))).sent

    assert virtual_time.run(main()) == 200
    (moment,) = told
    assert [call for call in provider.calls if moment + 0.01 < call.time < moment + after] == []
    assert max(call.time for call in provider.calls) >= moment + after


def test_a_storm_of_429_is_weathered_without_loss() -> None:
    """A provider that lets 50 texts a second through would make the run give up, or texts would vanish in the storm."""
    window: list[float] = []

    def script(text: Text, attempt: int) -> Outcome:
        now = asyncio.get_running_loop().time()
        window[:] = [time for time in window if time > now - 1.0]
        if len(window) >= 50:
            return Throttled(because("told 429"), 429)
        window.append(now)
        return accepts(text, attempt)

    provider = Provider(script)

    async def main() -> tuple[int, str | None]:
        async with make_run(provider, concurrency=64) as run:
            summary = await run.send(phones(2000))
            return summary.sent, summary.stopped

    assert virtual_time.run(main(), calendar=True) == (2000, None)
    check(provider)
    assert len(provider.calls) < 2 * 2000


def test_two_runs_in_one_loop_do_not_disturb_each_other() -> None:
    """One campaign's dead provider would stop the other, or its results would turn up in the wrong run."""
    good, bad = Provider(), Provider(lambda text, n: Barred(Bar.KEY_REFUSED, because("401"), 401))

    async def main() -> tuple[tuple[int, str | None], tuple[int, str | None]]:
        async def use(provider: Provider) -> tuple[int, str | None]:
            async with make_run(provider) as run:
                results = [result async for result in run.send(phones(100)) if result.state is State.SENT]
                return len(results), run.summary.stopped and run.summary.stopped.partition(":")[0]

        one, other = await asyncio.gather(use(good), use(bad))
        return one, other

    assert virtual_time.run(main()) == ((100, None), (0, "key refused"))
    check(good)
    check(bad)


def test_a_patient_policy_is_obeyed() -> None:
    """Somebody who sets one try would see their texts tried eight times."""
    provider = Provider(lambda text, n: accepts(text, n) if text.row < 3 else DEAD_WIRE)

    async def main() -> int:
        policy = Policy(connect_attempts=1, max_errors=10_000)
        async with make_run(provider, policy=policy) as run:
            return (await run.send(phones(20))).not_sent

    assert virtual_time.run(main()) == 18
    assert len(provider.calls) == 20 + 18, "once, and once more at the end of the run"


def test_the_first_reason_to_stop_stands() -> None:
    """The summary would name the consequence instead of the cause."""
    provider = Provider(lambda text, n: Barred(Bar.KEY_REFUSED, because("401"), 401))

    async def main() -> str | None:
        async with make_run(provider) as run:
            sending = run.send(phones(10))
            async for _ in sending:
                run.stop(Stop(Cause.ASKED, "other: later"))
            return run.summary.stopped

    assert (virtual_time.run(main()) or "").startswith("key refused")


def test_at_a_stop_what_has_not_left_goes_back_at_once() -> None:
    """Dying while the last answers are waited for would leave texts unknown that nobody had begun to send."""
    provider = Provider(stop_at("delivering"))
    books = Books(MemoryLedger(), slow=0.001)
    ahead: list[int] = []

    async def main() -> None:
        async with make_run(provider, ledger=books, concurrency=8) as run:
            sending = run.send(phones(500))
            run_to_end = asyncio.create_task(_awaited(sending))
            await asyncio.sleep(0.5)
            ahead.append(run.counts[State.INTENT] - provider.in_flight)
            run.stop("enough")
            await asyncio.sleep(0.5)
            assert provider.in_flight > 0
            assert run.counts[State.INTENT] == provider.in_flight
            await run_to_end

    virtual_time.run(main())
    assert ahead[0] > 0, "nothing was open ahead, so that there was nothing to give back"


async def _awaited(sending: Sending) -> None:
    await sending
