"""From doubts to settled contacts, with a log that says what it is told to: nothing twice, nothing lost, whatever interrupts."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from rumbleup_async.engine.ports import Books, Ledger
from rumbleup_async.errors import ConfigurationError, LedgerError
from rumbleup_async.ledger import SqliteLedger
from rumbleup_async.lookups import LookUpResult, UnknownText
from rumbleup_async.messaging import Closed, Plan, Planned, State
from rumbleup_async.outcomes import Unknown
from rumbleup_async.reasons import ABSENT, Code, Reason
from rumbleup_async.reasons import from_words as because
from rumbleup_async.runs import reconcile as module
from rumbleup_async.runs.reconcile import GRACE, Reconciled, Requeued, count_absent, reconcile, requeue_absent
from rumbleup_async.runs.run import Run
from rumbleup_async.stops import Cause, Stop
from tests import virtual_time
from tests.books import exchange, open_ledger
from tests.engine.scripted import Provider, make_ledger, make_run, phones, rows_of

PLAN = Plan(run="qrtxntzqqb", provider="test", action="125", text="Hi. STOP")
NOW = 1_700_000_000.0


class Log:
    """A provider's log that answers what it is told to, and remembers what it was asked."""

    def __init__(self, answer: Callable[[Sequence[UnknownText]], LookUpResult]) -> None:
        self.answer = answer
        self.asked: list[list[int]] = []

    async def look_up(self, doubts: Sequence[UnknownText], books: Books) -> LookUpResult:
        self.asked.append([doubt.row for doubt in doubts])
        await asyncio.sleep(0.01)
        return self.answer(doubts)


def splits(doubts: Sequence[UnknownText]) -> LookUpResult:
    """Odd rows are in the log, even ones are not."""
    return LookUpResult(
        found={doubt.row: f"rl_{doubt.row}" for doubt in doubts if doubt.row % 2},
        absent=frozenset(doubt.row for doubt in doubts if not doubt.row % 2),
        offset=0.0,
    )


UNREADABLE = LookUpResult(problem="the log cannot be read: no answer")


async def doubted(ledger: Ledger, count: int, time: float = NOW) -> None:
    await open_ledger(ledger, PLAN)
    await ledger.add([Planned(row, phone, "Hi. STOP") for row, phone in enumerate(phones(count), 1)])
    opened = await exchange(ledger, [], count)
    await exchange(ledger, [Closed(text.row, State.UNKNOWN, 1, because("timed out"), "", int(time * 1000)) for text in opened], 0)


@pytest.fixture(params=["memory", "sqlite"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Ledger:
    return make_ledger(request.param, tmp_path)


def test_what_is_found_is_sent_and_what_is_absent_is_not(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole point: else a person has to go through the list by hand."""
    monkeypatch.setattr(module, "_AT_ONCE", 20)
    monkeypatch.setattr(module, "_PAGE", 7)
    log = Log(splits)

    async def main() -> tuple[Reconciled, Reconciled]:
        await doubted(ledger, 50)
        first = await reconcile(ledger, log, PLAN, wall_clock=lambda: NOW + GRACE)
        again = await reconcile(ledger, log, PLAN, wall_clock=lambda: NOW + GRACE)
        results = await rows_of(ledger)
        assert {(result.state, result.why, result.logid) for row, result in results.items() if row % 2} == {
            (State.SENT, Reason(Code.FOUND), f"rl_{row}") for row in range(1, 51, 2)
        }
        assert {(result.state, result.why, result.logid) for row, result in results.items() if not row % 2} == {
            (State.NOT_SENT, ABSENT, "")
        }
        assert await count_absent(ledger) == 25
        await ledger.aclose()
        return first, again

    first, again = virtual_time.run(main())
    assert first == Reconciled(run=PLAN.run, action="125", found=25, absent=25)
    assert again == Reconciled(run=PLAN.run, action="125")
    assert [len(asked) for asked in log.asked[:3]] == [21, 21, 8], "each doubt is asked about once, many at a time"
    assert sorted(row for asked in log.asked[3:] for row in asked) == list(range(2, 51, 2)), "the absent are looked for again"


def test_an_absence_counts_only_after_the_settle_delay(ledger: Ledger) -> None:
    """The log shows a text late; whoever was counted as absent too early would be texted twice."""
    log = Log(splits)

    async def main() -> tuple[Reconciled, Reconciled, Reconciled]:
        await doubted(ledger, 4)
        early = await reconcile(ledger, log, PLAN, settle=60, wall_clock=lambda: NOW + 59.5)
        backwards = await reconcile(ledger, log, PLAN, settle=60, wall_clock=lambda: NOW - 1e6)
        late = await reconcile(ledger, log, PLAN, settle=60, wall_clock=lambda: NOW + 60)
        await ledger.aclose()
        return early, backwards, late

    early, backwards, late = virtual_time.run(main())
    assert (early.found, early.absent, early.undecided, early.unknown) == (2, 0, 2, 2)
    assert "ask again in 1 s" in early.problem
    assert (backwards.found, backwards.absent, backwards.unknown) == (0, 0, 2)
    assert (late.found, late.absent, late.undecided, late.unknown, late.problem) == (0, 2, 0, 0, "")


def test_a_doubt_without_a_time_is_never_absent(ledger: Ledger) -> None:
    """Nobody knows when it may have left, so nobody knows that the log would show it by now."""

    async def main() -> Reconciled:
        await doubted(ledger, 4, time=0)
        done = await reconcile(ledger, Log(splits), PLAN, settle=0)
        await ledger.aclose()
        return done

    done = virtual_time.run(main())
    assert (done.found, done.absent, done.unknown) == (2, 0, 2)


def test_a_log_that_cannot_be_read_changes_nothing(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence would be taken for an empty log."""
    monkeypatch.setattr(module, "_AT_ONCE", 1)
    monkeypatch.setattr(module, "_PAGE", 2)
    log = Log(lambda doubts: UNREADABLE)

    async def main() -> Reconciled:
        await doubted(ledger, 10)
        before = await rows_of(ledger)
        done = await reconcile(ledger, log, PLAN, settle=0)
        assert await rows_of(ledger) == before
        await ledger.aclose()
        return done

    done = virtual_time.run(main())
    assert (done.found, done.absent, done.unknown, done.problem) == (0, 0, 10, UNREADABLE.problem)
    assert len(log.asked) == 1, "what cannot be read is not asked for again and again"


def test_a_log_that_says_nonsense(ledger: Ledger) -> None:
    """Contacts that were not asked about would be settled, or one would be sent without a logid."""
    findings = LookUpResult(found={1: "rl_1", 2: "", 99: "rl_99"}, absent=frozenset({1, 3, 77}), several={1: 3})

    async def main() -> Reconciled:
        await doubted(ledger, 4)
        done = await reconcile(ledger, Log(lambda doubts: findings), PLAN, settle=0)
        results = await rows_of(ledger)
        assert [results[row].state for row in range(1, 5)] == [State.SENT, State.UNKNOWN, State.NOT_SENT, State.UNKNOWN]
        assert "3 times" in results[1].reason
        await ledger.aclose()
        return done

    done = virtual_time.run(main())
    assert (done.found, done.absent, done.undecided, done.unknown) == (1, 1, 2, 2)


def test_the_absent_are_looked_up_once_more_before_they_are_queued(ledger: Ledger) -> None:
    """Whoever has turned up in a slow log since would be texted twice."""

    def later(doubts: Sequence[UnknownText]) -> LookUpResult:
        return LookUpResult(found={2: "rl_2"}, absent=frozenset({4, 6}), problem="it is not complete")

    async def main() -> tuple[Requeued, Requeued, dict[int, State]]:
        await doubted(ledger, 8)
        await reconcile(ledger, Log(splits), PLAN, settle=0)
        nothing = await requeue_absent(ledger, Log(lambda doubts: UNREADABLE))
        done = await requeue_absent(ledger, Log(later))
        states = {row: result.state for row, result in (await rows_of(ledger)).items()}
        assert sorted(text.row for text in await exchange(ledger, [], 10)) == [4, 6]
        await ledger.aclose()
        return nothing, done, states

    nothing, done, states = virtual_time.run(main())
    assert nothing == Requeued(left=4, problem=UNREADABLE.problem)
    assert done == Requeued(queued=2, found=1, left=1, problem="it is not complete")
    assert [states[row] for row in (2, 4, 6, 8)] == [State.SENT, State.QUEUED, State.QUEUED, State.NOT_SENT]


def test_whoever_was_suppressed_meanwhile_stays_absent(tmp_path: Path) -> None:
    """Once it says `suppressed`, nobody looks any more for the text that may have left: it came late, and the books deny it."""
    path = tmp_path / "l"
    in_doubt = phones(4)

    async def main() -> None:
        async with make_run(Provider(lambda text, attempt: Unknown(because("timed out"))), ledger=SqliteLedger(path)) as run:
            await run.send(in_doubt)
        provider = Provider()
        again = make_run(provider, ledger=SqliteLedger(path), resume=True, suppress=[in_doubt[1]])
        async with with_log(again, Log(splits), settle=0) as run:
            await run.reconcile(settle=0)
            assert await run.resend_absent() == Requeued(queued=1, suppressed=1)
            await run.send()
            assert provider.delivered == [4]
            assert await run.count_absent() == 1
        late = Log(lambda doubts: LookUpResult(found={doubt.row: "rl_late" for doubt in doubts}))
        async with with_log(make_run(provider, ledger=SqliteLedger(path), resume=True), late) as run:
            assert (await run.reconcile(settle=0)).found == 1
            assert run.counts[State.SENT] == 4

    virtual_time.run(main())


def test_whoever_was_absent_is_looked_for_again(ledger: Ledger) -> None:
    """The log has shown the text since; the contact would be texted again by whoever asks for it, or be reported as never
    sent."""

    async def main() -> tuple[Reconciled, Reconciled]:
        await doubted(ledger, 4)
        await reconcile(ledger, Log(splits), PLAN, settle=0)
        silent = await reconcile(ledger, Log(lambda doubts: UNREADABLE), PLAN, settle=0)
        log = Log(lambda doubts: LookUpResult(found={4: "rl_4"}, absent=frozenset({2})))
        done = await reconcile(ledger, log, PLAN, settle=0)
        assert log.asked == [[2, 4]]
        results = await rows_of(ledger)
        assert [(results[row].state, results[row].code) for row in (2, 4)] == [
            (State.NOT_SENT, Code.ABSENT),
            (State.SENT, Code.FOUND),
        ]
        await ledger.aclose()
        return silent, done

    silent, done = virtual_time.run(main())
    assert silent == Reconciled(run=PLAN.run, action="125"), "nothing is unknown, so there is nothing to say"
    assert done == Reconciled(run=PLAN.run, action="125", found=1)


HOUR = 3600.0


@pytest.mark.parametrize(
    ("ours", "theirs", "offset", "absent"),
    [
        (GRACE, None, 0.0, True),
        (GRACE, GRACE, 0.0, True),
        (GRACE, GRACE - 200, 0.0, True),  # clocks differ by so much without being wrong
        (14 * HOUR, 30.0, 0.0, False),  # ours has been set forward since the doubt
        (30.0, 14 * HOUR, 0.0, False),  # ours was forward at the doubt, or is back now
        (14 * HOUR, 14 * HOUR, 14 * HOUR, False),  # ours was back at the doubt: so say the witnesses
        (14 * HOUR, 14 * HOUR, -14 * HOUR, False),
        (14 * HOUR, 14 * HOUR, None, False),  # nobody can tell
        (14 * HOUR, None, 14 * HOUR, False),
        (14 * HOUR, None, None, False),
    ],
)
def test_a_clock_that_was_set_makes_nothing_absent(
    ledger: Ledger, ours: float, theirs: float | None, offset: float | None, absent: bool
) -> None:
    """With the clock set between the text and the look, one that the log is only late to show would be absent; and with a clock
    that stays wrong, one that never left would stay unknown for hours or for ever."""

    waited = 0.0

    def nobody(doubts: Sequence[UnknownText]) -> LookUpResult:
        now = None if theirs is None else NOW + theirs + waited
        return LookUpResult(absent=frozenset(doubt.row for doubt in doubts), now=now, offset=offset)

    async def look() -> Reconciled:
        return await reconcile(ledger, Log(nobody), PLAN, wall_clock=lambda: NOW + ours + waited)

    async def main() -> None:
        nonlocal waited
        await doubted(ledger, 2)
        done = await look()
        assert done.absent == (2 if absent else 0)
        if absent:
            return
        assert "too recent" in done.problem
        waited = GRACE - 1
        assert (await look()).absent == 0
        waited = GRACE
        assert (await look()).absent == 2, "the provider's own clock, or at worst ours, has moved on"
        await ledger.aclose()

    virtual_time.run(main())


def test_a_look_counts_for_its_own_doubt(ledger: Ledger) -> None:
    """A contact that was sent once more and is in doubt anew would be absent at once, by a look from before."""

    async def main() -> None:
        await doubted(ledger, 1)
        (first,) = await ledger.doubts(-1, 1)
        assert await ledger.first_looks([first], 100.0) == {1: 100.0}
        assert await ledger.first_looks([first], 250.0) == {1: 100.0}
        again = msgspec.structs.replace(first, time=first.time + 5)
        assert await ledger.first_looks([again], 300.0) == {1: 300.0}
        assert await ledger.first_looks([again], 400.0) == {1: 300.0}
        await ledger.aclose()

    virtual_time.run(main())


@pytest.mark.parametrize("settle", [-1.0, float("nan"), float("inf")])
def test_a_settle_delay_that_is_none(ledger: Ledger, settle: float) -> None:
    """Every absence would count at once."""

    async def main() -> None:
        with pytest.raises(ConfigurationError):
            await reconcile(ledger, Log(splits), PLAN, settle=settle)

    virtual_time.run(main())


def test_an_end_after_each_step_leaves_a_true_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever ends a reconciling in the middle would lose what it knew, or could not go on with it."""
    monkeypatch.setattr(module, "_AT_ONCE", 8)
    monkeypatch.setattr(module, "_PAGE", 4)

    async def first() -> None:
        ledger = SqliteLedger(tmp_path / "run.ledger")
        await doubted(ledger, 30)
        await ledger.aclose()

    async def broken(step: int) -> int:
        ledger = SqliteLedger(tmp_path / "run.ledger")
        await open_ledger(ledger, None)
        settle, steps = ledger.settle, iter(range(step))

        async def fails(settled: object) -> object:
            if next(steps, None) is None:
                raise LedgerError("disk full")
            return await settle(settled)  # type: ignore[arg-type]

        monkeypatch.setattr(ledger, "settle", fails)
        with pytest.raises(LedgerError):
            await reconcile(ledger, Log(splits), PLAN, settle=0)
        for row, result in (await rows_of(ledger)).items():
            assert result.state in {State.UNKNOWN, State.SENT if row % 2 else State.NOT_SENT}
        left = ledger.counts[State.UNKNOWN]
        await ledger.aclose()
        return left

    async def last() -> Reconciled:
        ledger = SqliteLedger(tmp_path / "run.ledger")
        await open_ledger(ledger, None)
        done = await reconcile(ledger, Log(splits), PLAN, settle=0)
        await ledger.aclose()
        return done

    virtual_time.run(first())
    lefts = [virtual_time.run(broken(step)) for step in (0, 1, 2)]
    assert lefts == [30, 26, 18]
    done = virtual_time.run(last())
    assert (done.found + done.absent, done.unknown) == (18, 0)


# ---- in a run ----


def with_log(run: Run, log: Log, settle: float | None = None) -> Run:
    run._looks._make_log = lambda plan: log
    run._looks.settle = settle
    return run


def test_a_run_settles_before_it_sends(tmp_path: Path) -> None:
    """A resume would leave in doubt what the log knows."""
    log = Log(splits)

    async def main() -> None:
        provider = Provider(lambda text, attempt: Unknown(because("timed out")))
        async with make_run(provider, ledger=SqliteLedger(tmp_path / "l")) as run:
            assert (await run.send(phones(4))).unknown == 4
        provider = Provider()
        async with with_log(make_run(provider, ledger=SqliteLedger(tmp_path / "l"), resume=True), log, settle=0) as run:
            summary = await run.send()
            assert (summary.sent, summary.not_sent, summary.unknown) == (2, 2, 0)
            assert await run.count_absent() == 2
            assert provider.calls == [], "reconciling texts nobody"
        async with with_log(make_run(provider, ledger=SqliteLedger(tmp_path / "l"), resume=True), log) as run:
            assert (await run.resend_absent()).queued == 2
            summary = await run.send()
            assert (summary.sent, summary.not_sent) == (4, 0)
            assert sorted(provider.delivered) == [2, 4]
        assert log.asked == [[1, 2, 3, 4], [2, 4]]

    virtual_time.run(main())


def test_a_run_whose_log_is_silent_goes_on(tmp_path: Path) -> None:
    """A log that is down would keep the rest of the list from being texted."""

    async def main() -> None:
        provider = Provider(lambda text, attempt: Unknown(because("timed out")))
        async with make_run(provider, ledger=SqliteLedger(tmp_path / "l"), limit=3) as run:
            await run.send(phones(9))
        log, provider = Log(lambda doubts: UNREADABLE), Provider()
        async with with_log(make_run(provider, ledger=SqliteLedger(tmp_path / "l"), resume=True), log, settle=0) as run:
            summary = await run.send()
        assert (summary.sent, summary.unknown) == (6, 3)
        assert len(log.asked) == 1

    virtual_time.run(main())


@pytest.mark.parametrize("how", ["stop", "cancel", "leave"])
def test_a_look_into_the_log_can_be_stopped(tmp_path: Path, how: str) -> None:
    """Ctrl-C would wait for a provider that hangs, or texts would leave after it."""

    class Hangs(Log):
        async def look_up(self, doubts: Sequence[UnknownText], books: Books) -> LookUpResult:
            await asyncio.sleep(1e9)
            return LookUpResult()

    async def main() -> None:
        provider = Provider(lambda text, attempt: Unknown(because("timed out")))
        async with make_run(provider, ledger=SqliteLedger(tmp_path / "l"), limit=3) as run:
            await run.send(phones(9))
        log, provider = Hangs(splits), Provider()
        async with with_log(make_run(provider, ledger=SqliteLedger(tmp_path / "l"), resume=True), log, settle=0) as run:
            sending = asyncio.ensure_future(_await(run))
            await asyncio.sleep(1)
            if how == "stop":
                run.stop(Stop(Cause.INTERRUPTED))
                await sending
            elif how == "cancel":
                sending.cancel()
                await asyncio.wait([sending])
        await asyncio.gather(sending, return_exceptions=True)
        assert provider.calls == []
        async with with_log(make_run(provider, ledger=SqliteLedger(tmp_path / "l"), resume=True), log) as run:
            assert run.counts[State.UNKNOWN] == 3
            asyncio.get_running_loop().call_later(1, run.stop)
            done = await run.reconcile(settle=0)
            assert (done.unknown, done.found, bool(done.problem)) == (3, 0, True)

    virtual_time.run(main())


async def _await(run: Run) -> None:
    await run.send()


def test_without_a_log_it_is_said(tmp_path: Path) -> None:
    """An unknown would stay so without a word."""

    async def main() -> None:
        async with make_run(Provider()) as run:
            with pytest.raises(ConfigurationError, match="no log"):
                await run.reconcile()
        with pytest.raises(RuntimeError):
            await run.reconcile()

    virtual_time.run(main())
