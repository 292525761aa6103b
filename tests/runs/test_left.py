"""What a run cannot send for a cause that is not the text's: put aside, tried once more, left for a resume, and said."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from rumbleup_async import Policy, Result, State
from rumbleup_async.messaging import Text
from rumbleup_async.outcomes import Accepted, Bar, Barred, NotSent, Outcome, Refused, Unknown
from rumbleup_async.reasons import from_words as because
from rumbleup_async.runs.summary import Summary
from rumbleup_async.stops import Cause, Stop
from tests import virtual_time
from tests.engine.scripted import Books, Provider, accepts, check, make_ledger, make_run, phones, rows_of

LEDGERS = pytest.mark.parametrize("kind", ["memory", "sqlite"])

PAGE = Barred(Bar.GATEWAY, because("404 an HTML page"), 404)
NO_FUNDS = Barred(Bar.ACCOUNT, because("402 Insufficient balance"), 402)
BARE = Barred(Bar.NOT_ALLOWED, because("403 no"), 403)
NO = Refused(because("400 no"), 400)
CAPPED = Barred(Bar.DAILY_CAP, because("400 DAILYCAP"), 400, "DAILYCAP")
LANDLINE = Refused(because("400 LANDLINE"), 400, "LANDLINE", about_recipient=True)


def text_all(
    provider: Provider, count: int, *, kind: str = "memory", path: Path = Path(), concurrency: int = 8, limit: int | None = None
) -> tuple[Summary, list[Result], dict[int, Result]]:
    """One run over a list of so many: its summary, its results, and the books."""

    async def main() -> tuple[Summary, list[Result], dict[int, Result]]:
        async with make_run(provider, ledger=make_ledger(kind, path), concurrency=concurrency, limit=limit) as run:
            results = [result async for result in run.send(phones(count))]
            return run.summary, results, await rows_of(run._ledger)

    found = virtual_time.run(main())
    check(provider)
    twice = [row for row, number in Counter(result.row for result in found[1]).items() if number > 1]
    assert twice == [], "results handed out twice"
    return found


@LEDGERS
@pytest.mark.parametrize("outcome", [PAGE, NO_FUNDS, BARE, NotSent(because("no DNS"))])
def test_one_sick_node_costs_nobody_their_text(kind: str, tmp_path: Path, outcome: Outcome) -> None:
    """Every third person of a campaign would never be texted, because one of three servers behind a balancer is ill."""
    met: Counter[str] = Counter()

    def script(text: Text, attempt: int) -> Outcome:
        met["requests"] += 1
        return accepts(text, attempt) if met["requests"] % 3 else outcome

    provider = Provider(script)
    policy = Policy(connect_attempts=1)

    async def main() -> tuple[Summary, Counter[State]]:
        states: Counter[State] = Counter()
        async with make_run(provider, ledger=make_ledger(kind, tmp_path), policy=policy) as run:
            async for result in run.send(phones(200)):
                states[result.state] += 1
            first = run.summary
        return first, states

    summary, states = virtual_time.run(main())
    check(provider)
    assert summary.refused == 0
    assert summary.sent > 160, "most of those who met it are sent once more, by the same run"
    assert states[State.SENT] == summary.sent
    assert summary.stopped == f"left over: {summary.not_sent}, mostly {outcome.reason}"  # type: ignore[union-attr]


def test_who_met_it_once_is_sent_by_the_same_run() -> None:
    """A resume would be needed for what had passed long before the end of the run."""
    provider = Provider(lambda text, n: PAGE if text.row % 3 == 0 and n == 1 else accepts(text, n))
    summary, results, _ = text_all(provider, 100)
    assert (summary.sent, summary.stopped) == (100, None)
    assert {result.state for result in results} == {State.SENT}
    assert len(provider.calls) == 133


@LEDGERS
@pytest.mark.parametrize("outcome", [PAGE, NO_FUNDS, BARE, NO])
@pytest.mark.parametrize("good", [1, 20])
def test_what_a_tripped_threshold_counted_goes_back_to_the_queue(kind: str, tmp_path: Path, outcome: Outcome, good: int) -> None:
    """A gateway that fails in mid-run, or a project that is stopped, would write off a hundred people for good."""
    provider = Provider(lambda text, n: accepts(text, n) if text.row <= good else outcome)
    summary, results, rows = text_all(provider, 400, kind=kind, path=tmp_path, concurrency=64)
    assert summary.stopped is not None
    assert summary.stopped.partition(":")[0] in {"error threshold", "not allowed", "account"}
    assert (summary.sent, summary.refused, summary.unknown) == (good, 0, 0)
    assert {row.state for row in rows.values()} == {State.SENT, State.QUEUED}
    tried = [row for row in rows.values() if row.attempts and row.state is State.QUEUED]
    assert all(row.reason == outcome.reason for row in tried)  # type: ignore[union-attr]
    assert len(tried) >= 50
    assert not [result for result in results if result.state is State.REFUSED]


def test_the_next_run_texts_those_whom_the_threshold_counted(tmp_path: Path) -> None:
    """They would be told to be reached by a resume, and not be."""
    ill = Provider(lambda text, n: accepts(text, n) if text.row <= 20 else NO)
    well = Provider()

    async def main() -> tuple[Summary, Summary]:
        async with make_run(ill, ledger=make_ledger("sqlite", tmp_path)) as run:
            first = await run.send(phones(200))
        async with make_run(well, ledger=make_ledger("sqlite", tmp_path), resume=True) as run:
            return first, await run.send()

    first, second = virtual_time.run(main())
    assert first.refused == 0
    assert (second.sent, second.stopped) == (200, None)
    assert not set(ill.left) & set(well.left)


@LEDGERS
@pytest.mark.parametrize("how", ["key", "stop", "unknown"])
def test_another_end_of_the_run_writes_nobody_off_either(kind: str, tmp_path: Path, how: str) -> None:
    """Whoever sees that everything fails presses Ctrl-C, and those who have failed so far would be refused for good."""

    def script(text: Text, attempt: int) -> Outcome:
        if text.row <= 10:
            return accepts(text, attempt)
        if text.row == 40 and how == "key":
            return Barred(Bar.KEY_REFUSED, because("401"), 401)
        return NO if text.row < 40 or how != "unknown" else Unknown(because("502"))

    provider = Provider(script)

    async def main() -> tuple[Summary, dict[int, Result]]:
        async with make_run(provider, ledger=make_ledger(kind, tmp_path), concurrency=4) as run:

            async def watch() -> None:
                while len(provider.calls) < 45 and how == "stop":
                    await asyncio.sleep(0.001)
                if how == "stop":
                    run.stop(Stop(Cause.INTERRUPTED))

            watching = asyncio.create_task(watch())
            await run.send(phones(200))
            await watching
            return run.summary, await rows_of(run._ledger)

    summary, rows = virtual_time.run(main())
    check(provider)
    assert summary.refused == 0
    assert {rows[row].reason for row in range(11, 40)} == {NO.reason}


@LEDGERS
def test_a_refusal_between_accepted_texts_is_one(kind: str, tmp_path: Path) -> None:
    """Whoever the provider refuses would be asked for twice, with every run."""
    provider = Provider(lambda text, n: NO if text.row % 5 == 0 else LANDLINE if text.row % 7 == 0 else accepts(text, n))
    summary, results, rows = text_all(provider, 100, kind=kind, path=tmp_path)
    assert summary.stopped is None
    assert summary.refused == 20 + 12
    assert (len(provider.calls), len(results)) == (100, 100)
    refused = [row for row in rows.values() if row.state is State.REFUSED]
    assert all(row.attempts == 1 and row.reason and row.time for row in refused)


@LEDGERS
def test_refusals_at_the_end_of_the_list_are_some(kind: str, tmp_path: Path) -> None:
    """The last ones of a list would be left over for ever, because nobody is accepted after them."""
    provider = Provider(lambda text, n: accepts(text, n) if text.row <= 20 else NO)
    summary, results, _ = text_all(provider, 30, kind=kind, path=tmp_path)
    assert (summary.sent, summary.refused, summary.stopped, len(results)) == (20, 10, None, 30)
    assert len(provider.calls) == 30


def test_refusals_are_held_back_for_as_long_as_the_row_lasts() -> None:
    """A process that dies in the middle of a row of failures would leave people written off."""
    seen: list[State] = []
    books = Books(make_ledger("memory", Path()))

    def script(text: Text, attempt: int) -> Outcome:
        if text.row == 30:
            seen.extend(entry.state for row, entry in sorted(books.ledger._contacts.entries.items()) if 10 < row < 20)  # type: ignore[attr-defined]
        return accepts(text, attempt) if text.row <= 10 or text.row > 40 else NO

    provider = Provider(script)

    async def main() -> Summary:
        async with make_run(provider, ledger=books, concurrency=2) as run:
            return await run.send(phones(60))

    summary = virtual_time.run(main())
    assert set(seen) == {State.QUEUED}
    assert (summary.sent, summary.refused) == (30, 30)


@pytest.mark.parametrize("count", [1, 3, 4, 5, 6, 20])
@pytest.mark.parametrize("outcome", [Refused(because("400 FIELD action: wrong"), 400, "FIELD"), PAGE, BARE, NO_FUNDS])
def test_a_run_that_texts_nobody_does_not_end_well(outcome: Outcome, count: int) -> None:
    """A nightly job would report success while not one text had left."""
    provider = Provider(lambda text, n: outcome)
    summary, _, rows = text_all(provider, count)
    assert summary.stopped is not None
    if count < 5:
        assert summary.stopped == f"left over: {count}, mostly {outcome.reason}"  # type: ignore[union-attr]
    assert outcome.reason in summary.stopped  # type: ignore[union-attr]
    assert (summary.not_sent, summary.refused) == (count, 0)
    assert {row.state for row in rows.values()} == {State.QUEUED}
    assert len(provider.calls) <= 10


def test_what_is_left_by_a_limit_is_as_asked_for() -> None:
    """`--limit 5` would be a failure; or what failed within the limit would be none."""
    provider = Provider(lambda text, n: PAGE if text.row == 2 else accepts(text, n))
    summary, _, _ = text_all(provider, 20, limit=5)
    assert summary.stopped == "left over: 1, mostly 404 an HTML page"
    assert provider.delivered == [1, 2, 3, 4, 5, 2]
    provider = Provider(lambda text, n: PAGE if text.row == 2 and n == 1 else accepts(text, n))
    summary, _, _ = text_all(provider, 20, limit=5)
    assert (summary.sent, summary.stopped) == (5, "limit: 5 at most, as asked for")
    assert provider.delivered == [1, 2, 3, 4, 5, 2]
    provider = Provider(lambda text, n: PAGE)
    summary, _, _ = text_all(provider, 20, limit=3)
    assert summary.stopped == "left over: 3, mostly 404 an HTML page", "a pilot that texts nobody does not end well"
    for count in (5, 4):
        provider = Provider(lambda text, n: PAGE if text.row == 2 else accepts(text, n))
        summary, _, _ = text_all(provider, count, limit=5)
        assert summary.stopped == "left over: 1, mostly 404 an HTML page"
        assert provider.delivered.count(2) == 2
        provider = Provider(lambda text, n: PAGE if n == 1 and text.row < 3 else accepts(text, n))
        summary, _, _ = text_all(provider, count, limit=5)
        assert (summary.sent, summary.stopped) == (count, None)


def test_single_caps_are_put_off_and_a_used_up_one_stops() -> None:
    """One brand of several, or one text at the turn of the day, would end the campaign; or a used-up cap would cost a request a
    text."""
    provider = Provider(lambda text, n: CAPPED if text.row % 10 == 0 else accepts(text, n))
    summary, _, _ = text_all(provider, 100)
    assert (summary.sent, summary.stopped) == (90, "left over: 10, mostly 400 DAILYCAP")
    provider = Provider(lambda text, n: CAPPED if text.row > 50 else accepts(text, n))
    summary, _, rows = text_all(provider, 400, concurrency=4)
    assert summary.stopped is not None
    assert summary.stopped.startswith("daily cap: 400 DAILYCAP; the brand's daily cap is used up; resume tomorrow, after 20")
    assert " 01:00 P" in summary.stopped
    assert len(provider.calls) <= 50 + 20 + 4
    assert rows[60].state is State.QUEUED
    provider = Provider(lambda text, n: CAPPED)
    summary, _, _ = text_all(provider, 10)
    assert (len(provider.calls), (summary.stopped or "").partition(":")[0]) == (1, "daily cap")


@LEDGERS
def test_a_stop_in_the_last_round_keeps_the_reasons(kind: str, tmp_path: Path) -> None:
    """The report would say that those were not reached who were tried and put aside."""
    provider = Provider(lambda text, n: accepts(text, n) if text.row <= 20 else PAGE if n == 1 else accepts(text, n), 0.05)

    async def main() -> tuple[Summary, dict[int, Result]]:
        async with make_run(provider, ledger=make_ledger(kind, tmp_path), concurrency=2) as run:

            async def watch() -> None:
                while len(provider.calls) < 65:
                    await asyncio.sleep(0.01)
                run.stop("enough")

            watching = asyncio.create_task(watch())
            await run.send(phones(60))
            await watching
            return run.summary, await rows_of(run._ledger)

    summary, rows = virtual_time.run(main())
    check(provider)
    assert summary.stopped == "enough"
    left = [row for row in rows.values() if row.state is State.QUEUED]
    assert len(left) > 25
    assert {row.reason for row in left} == {PAGE.reason}


def test_the_last_round_is_given_up_where_it_helps_nobody() -> None:
    """As many requests as before would meet the same wall, and the cause be called another one."""
    provider = Provider(lambda text, n: accepts(text, n) if text.row % 2 else PAGE)
    summary, _, rows = text_all(provider, 1000)
    assert summary.stopped == "left over: 500, mostly 404 an HTML page"
    assert len(provider.calls) < 1000 + 100
    assert {row.reason for row in rows.values() if row.state is State.QUEUED} == {PAGE.reason}


def states_of(results: Sequence[Result]) -> Counter[State]:
    return Counter(result.state for result in results)


def test_a_list_that_comes_in_slowly_has_its_last_round_at_its_end() -> None:
    """A pause of the list would be taken for its end, or what was put aside be forgotten."""

    async def slowly() -> object:
        for phone in phones(60):
            await asyncio.sleep(0.05)
            yield phone

    provider = Provider(lambda text, n: PAGE if text.row % 4 == 0 and n == 1 else Accepted(f"rl_{text.row}"))

    async def main() -> tuple[Summary, list[Result]]:
        async with make_run(provider) as run:
            results = [result async for result in run.send(slowly())]  # type: ignore[arg-type]
            return run.summary, results

    summary, results = virtual_time.run(main())
    check(provider)
    assert (summary.sent, summary.stopped) == (60, None)
    assert states_of(results) == {State.SENT: 60}
    assert provider.delivered[60:] == list(range(4, 61, 4)), "once more, after everybody else"
