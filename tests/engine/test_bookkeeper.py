"""The bookkeeper by itself, with workers that do as they are told: who is dealt what, what is believed, and what dying costs."""

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest

from rumbleup_async.admission import GO, Never, Verdict, Wait
from rumbleup_async.engine.allowance import Allowance
from rumbleup_async.engine.bookkeeper import Bookkeeper, dealt
from rumbleup_async.engine.budget import Budget
from rumbleup_async.engine.contract import Dealt
from rumbleup_async.engine.engine import Engine
from rumbleup_async.engine.options import Options
from rumbleup_async.engine.outlet import Outlet
from rumbleup_async.engine.pace import Pace
from rumbleup_async.engine.ports import SilentObserver
from rumbleup_async.engine.queue import Queue
from rumbleup_async.engine.seconds import Tally
from rumbleup_async.errors import LedgerError, LedgerFenced
from rumbleup_async.ledger import MemoryLedger
from rumbleup_async.messaging import Closed, Plan, Planned, Result, State, Text
from rumbleup_async.money import Money
from rumbleup_async.reasons import SUPPRESSED, Code, Reason
from rumbleup_async.rules.door import Door, Rule
from rumbleup_async.stops import Cause, Stop
from tests import virtual_time
from tests.engine.scripted import Provider, make_ledger, make_run, phone, phones, rows_of

REFUSED = Reason(Code.REFUSED_TEXT, "no")
PAGE = Reason(Code.GATEWAY, "a page")


class Worker:
    """Notes what the books say to it."""

    def __init__(self, books: Bookkeeper) -> None:
        self.books = books
        self.in_flight = self.window = 0
        self.is_hopeless = False
        self.said: list[str] = []
        books.workers.append(self)

    def take_tally(self) -> Tally:
        return Tally()

    def wake(self) -> None:
        self.said.append("wake")

    def pause(self) -> None: ...

    def go_on(self) -> None: ...

    def begin_last_round(self) -> None:
        self.said.append("last round")

    def stop(self) -> None:
        self.said.append("stop")

    def abandon(self) -> None: ...

    def end(self) -> None: ...

    async def step(self, want: int, *done: Closed) -> Dealt:
        return await self.books.step(self, done, want)


class Desk:
    """Books over a ledger in memory with `count` contacts; `results` is what they hand out."""

    def __init__(
        self,
        count: int,
        *,
        limit: int | None = None,
        full: Callable[[], bool] = lambda: False,
        rules: Sequence[Rule] = (),
        budget: Budget | None = None,
    ) -> None:
        self.count = count
        self.ledger = MemoryLedger()
        self.results: list[Result] = []
        self.now = 1_800_000_000.0
        door = Door(rules, None, lambda: self.now)
        outlet = Outlet(SilentObserver(), self.results.extend, full, lambda error: None)
        queue = Queue(self.ledger, door, lambda: self.now, allowance=Allowance(budget))
        self.books = Bookkeeper(self.ledger, queue, outlet, limit=limit, wall_clock=lambda: self.now)

    def play(self, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Keep the books while `main` does what workers do; the run is stopped when `main` has ended."""

        async def played() -> None:
            await self.ledger.open(Plan(run="bcdfghjkmn", provider="test", action="125", text="Hi. STOP"))
            await self.ledger.load([[Planned(row, phone(row), "Hi. STOP") for row in range(1, self.count + 1)]])
            keeping = asyncio.create_task(self.books.keep())
            try:
                await main()
            finally:
                self.books.stop(Stop(Cause.LIMIT))
                await keeping

        virtual_time.run(played())

    async def rows(self) -> dict[int, Result]:
        return await rows_of(self.ledger)


def sent(text: Text) -> Closed:
    return Closed(text.row, State.SENT, text.attempts + 1, logid=f"rl_{text.row}", time=1)


def refused(text: Text) -> Closed:
    """A refusal that does not name its recipient."""
    return Closed(text.row, State.REFUSED, text.attempts + 1, REFUSED, time=1, is_general=True)


def put_aside(text: Text) -> Closed:
    return Closed(text.row, State.QUEUED, text.attempts + 1, PAGE)


@pytest.mark.parametrize(
    ("texts", "wants", "shares"),
    [
        (6, [3, 3], [3, 3]),
        (3, [3, 3], [2, 1]),
        (1, [64, 64, 64], [1, 0, 0]),
        (0, [5, 5], [0, 0]),
        (4, [0, 4], [0, 4]),
        (7, [1, 10, 1], [1, 6, 0]),
        (0, [], []),
    ],
)
def test_who_gets_how_many(texts: int, wants: list[int], shares: list[int]) -> None:
    """A text would be given to nobody, to two, or to somebody who did not ask for it."""
    all_ = [Text(row, "2025550101", "Hi") for row in range(texts)]
    hands = dealt(all_, wants)
    assert [len(hand) for hand in hands] == shares
    assert [text for hand in hands for text in hand] == all_


def test_what_several_ask_for_meanwhile_is_one_step() -> None:
    """Each process would wait for the disk by itself, and two would be no faster than one."""
    desk = Desk(10)
    steps: list[int] = []
    step = desk.ledger.step

    async def counted(owner: int, done: Sequence[Closed], want: int, *rest: Any, **options: Any) -> Any:
        steps.append(want)
        await asyncio.sleep(0.01)
        return await step(owner, done, want, *rest, **options)

    desk.ledger.step = counted  # type: ignore[method-assign]

    async def main() -> None:
        one, two, three = Worker(desk.books), Worker(desk.books), Worker(desk.books)
        hands = await asyncio.gather(one.step(2), two.step(3), three.step(1))
        assert sorted(text.row for hand in hands for text in hand.texts) == [1, 2, 3, 4, 5, 6]
        for worker, hand in zip((one, two, three), hands, strict=True):
            await worker.step(0, *map(sent, hand.texts))

    desk.play(main)
    assert steps[:2] in ([2, 4], [6, 0])


def test_results_taken_during_a_step_make_room() -> None:
    """Every worker would wait for room that nobody tells it of: the caller took the results while the disk was busy."""
    is_full = iter([True, False, False, False, False])
    desk = Desk(3, full=lambda: next(is_full))

    async def main() -> None:
        worker = Worker(desk.books)
        assert await worker.step(3) == Dealt([], more=False)
        assert worker.said == ["wake"]
        hand = await worker.step(3)
        await worker.step(0, *map(sent, hand.texts))

    desk.play(main)
    assert [result.state for result in desk.results] == [State.SENT] * 3


def test_what_a_dead_worker_had_in_hand_is_unknown_and_what_it_had_told_is_not() -> None:
    """A text that may have left would be sent again, or one that was accepted be looked up in vain."""
    desk = Desk(4)

    async def main() -> None:
        dying, other = Worker(desk.books), Worker(desk.books)
        hand = (await dying.step(3)).texts
        telling = asyncio.create_task(dying.step(0, sent(hand[0])))
        await asyncio.sleep(0)
        desk.books.lost(dying)
        await telling
        assert [text.row for text in (await other.step(5)).texts] == [4]
        await other.step(0, sent(Text(4, phone(4), "")))
        rows = await desk.rows()
        assert [rows[row].state for row in (1, 2, 3, 4)] == [State.SENT, State.UNKNOWN, State.UNKNOWN, State.SENT]
        assert rows[2].code is Code.INTERRUPTED

    desk.play(main)
    assert sorted(result.row for result in desk.results) == [1, 2, 3, 4]


@pytest.mark.parametrize("end", ["dies", "gives back"])
def test_whoever_waits_for_money_hears_of_what_others_leave(end: str) -> None:
    """The run would stand still for ever, with money left: whoever died, or has no use for more texts, asks for none."""
    desk = Desk(4, budget=Budget(90, 30, Money(), 1))

    async def main() -> None:
        other, waiting = Worker(desk.books), Worker(desk.books)
        hand = (await other.step(2)).texts
        (last,) = (await waiting.step(4)).texts
        await waiting.step(0, put_aside(last))
        waiting.said.clear()
        if end == "dies":
            desk.books.lost(other)
        else:
            await other.step(0, *map(put_aside, hand))
        await asyncio.sleep(0.1)
        assert waiting.said == ["wake"]
        await waiting.step(0, *map(sent, (await waiting.step(4)).texts))

    desk.play(main)
    assert [result.state for result in desk.results].count(State.SENT) >= 1


def test_one_who_dies_behind_a_failure_of_the_ledger_costs_no_proof() -> None:
    """What it had told would be closed twice, so that nothing could be written down at all, for anybody."""
    desk = Desk(3)

    async def main() -> None:
        dying, other = Worker(desk.books), Worker(desk.books)
        hand, rest = (await dying.step(2)).texts, (await other.step(1)).texts
        step, failures = desk.ledger.step, iter([LedgerError("disk full")])

        async def fails(*arguments: Any, **options: Any) -> Any:
            for failure in failures:
                raise failure
            return await step(*arguments, **options)

        desk.ledger.step = fails  # type: ignore[method-assign]
        await dying.step(0, sent(hand[0]))
        desk.books.lost(dying)
        await asyncio.sleep(0.1)
        await other.step(0, sent(rest[0]))

    with pytest.raises(LedgerError):
        desk.play(main)
    assert {result.row: result.state for result in desk.results} == {1: State.SENT, 2: State.UNKNOWN, 3: State.SENT}


def test_what_was_opened_for_one_who_died_meanwhile_is_queued_again() -> None:
    """Texts that nobody was told of would be doubted for ever, or be left open."""
    desk = Desk(2)

    async def main() -> None:
        dying, other = Worker(desk.books), Worker(desk.books)
        step = desk.ledger.step

        async def dies(owner: int, done: Sequence[Closed], want: int, *rest: Any, **options: Any) -> Any:
            made = await step(owner, done, want, *rest, **options)
            if dying in desk.books.workers:
                desk.books.lost(dying)
            return made

        desk.ledger.step = dies  # type: ignore[method-assign]
        asking = asyncio.create_task(dying.step(2))
        await asyncio.sleep(0.1)
        asking.cancel()
        assert (await other.step(2)).texts == []
        # The queue was worked through; it is begun once more for those who were given back.
        await asyncio.sleep(0.1)
        assert other.said == ["last round", "wake"]
        hand = (await other.step(2)).texts
        assert [text.row for text in hand] == [1, 2]
        await other.step(0, *map(sent, hand))

    desk.play(main)
    assert [result.state for result in desk.results] == [State.SENT, State.SENT]


def test_a_refusal_is_believed_once_a_text_was_accepted_that_was_opened_later() -> None:
    """People would be written off for what was wrong with the project, or refusals be kept back for ever."""
    desk = Desk(4)

    async def main() -> None:
        worker = Worker(desk.books)
        first, second = (await worker.step(2)).texts
        await worker.step(0, refused(first))
        await worker.step(0, sent(second))  # it had been opened before the refusal came
        assert (await desk.rows())[1].state is State.QUEUED
        (third,) = (await worker.step(1)).texts
        await worker.step(0, sent(third))
        (fourth,) = (await worker.step(1)).texts
        assert (await desk.rows())[1].state is State.REFUSED
        await worker.step(0, sent(fourth))

    desk.play(main)
    assert sorted(result.row for result in desk.results) == [1, 2, 3, 4]


@pytest.mark.parametrize(("count", "state"), [(1, State.REFUSED), (4, State.REFUSED), (5, State.QUEUED), (9, State.QUEUED)])
def test_refusals_of_the_last_round_are_not_believed_where_nobody_is_accepted(count: int, state: State) -> None:
    """Whoever was put aside by a gateway would be written off for good by a project that was closed just then."""
    desk = Desk(count + 1)

    async def main() -> None:
        worker = Worker(desk.books)
        first, *others = (await worker.step(count + 1)).texts
        assert (await worker.step(1, sent(first), *map(put_aside, others))).texts == []
        await asyncio.sleep(0.1)
        assert worker.said == ["last round", "wake"]
        again = (await worker.step(count)).texts
        assert len(again) == count
        assert (await worker.step(1, *map(refused, again))).texts == []
        await asyncio.sleep(0.1)
        rows = await desk.rows()
        assert {rows[text.row].state for text in again} == {state}

    desk.play(main)
    assert sorted(result.row for result in desk.results) == list(range(1, count + 2))
    told = {State.REFUSED if state is State.REFUSED else State.NOT_SENT, State.SENT}
    assert {result.state for result in desk.results} == told


def test_refusals_of_the_last_round_are_believed_behind_an_accepted_text() -> None:
    """A resume would try people again and again to whom the provider has said no."""
    desk = Desk(8)

    async def main() -> None:
        worker = Worker(desk.books)
        hand = (await worker.step(8)).texts
        assert (await worker.step(1, sent(hand[0]), *map(put_aside, hand[1:]))).texts == []
        await asyncio.sleep(0.1)
        again = (await worker.step(7)).texts
        assert (await worker.step(1, *map(refused, again[:6]), sent(again[6]))).texts == []
        await asyncio.sleep(0.1)
        rows = await desk.rows()
        assert [rows[text.row].state for text in again] == [State.REFUSED] * 6 + [State.SENT]

    desk.play(main)


def test_the_limit_counts_texts_of_all_workers() -> None:
    """--limit 100 with four processes would text four hundred."""
    desk = Desk(10, limit=3)

    async def main() -> None:
        one, two = Worker(desk.books), Worker(desk.books)
        hands = await asyncio.gather(one.step(2), two.step(2))
        texts = [text for hand in hands for text in hand.texts]
        assert len(texts) == 3
        await one.step(5, *map(sent, texts))
        assert desk.books.is_cut_by_limit

    desk.play(main)
    assert len(desk.results) == 3


def test_a_ledger_that_fails_refuses_nobody_who_is_not_believed_yet() -> None:
    """A full disk at the wrong moment would write people off for what was wrong with the project."""
    desk = Desk(3)
    states: list[State] = []

    async def full(refused: Sequence[Result]) -> Sequence[Result]:
        raise LedgerError("disk full")

    async def main() -> None:
        worker = Worker(desk.books)
        first, second = (await worker.step(2)).texts
        await worker.step(0, refused(first))
        (third,) = (await worker.step(1)).texts
        desk.ledger.refuse = full  # type: ignore[method-assign]
        await worker.step(0, sent(third))  # so the first refusal is believed, and the next step would write that down
        await worker.step(0, refused(second))
        await asyncio.sleep(0.1)
        rows = await desk.rows()
        states.extend(rows[row].state for row in (1, 2, 3))

    with pytest.raises(LedgerError):
        desk.play(main)
    assert states == [State.QUEUED, State.QUEUED, State.SENT]


class Rules:
    """Waits for odd rows until `open_at`, never lets row 4 out."""

    def __init__(self, open_at: float) -> None:
        self.open_at = open_at
        self.asked: list[int] = []

    async def admit(self, text: Text, now: float) -> Verdict:
        self.asked.append(text.row)
        if text.row == 4:
            return Never(SUPPRESSED)
        return Wait(self.open_at, Reason(Code.OUTSIDE_HOURS, "not yet")) if text.row % 2 and now < self.open_at else GO


def test_rules_are_asked_at_the_claim_and_whoever_waits_is_seen_again() -> None:
    """Somebody would be texted at the wrong hour, or whoever waits for theirs be forgotten by the run."""
    rules = Rules(1_800_000_060.0)
    desk = Desk(5, rules=[rules])

    async def main() -> None:
        worker = Worker(desk.books)
        hand = (await worker.step(5)).texts
        assert [text.row for text in hand] == [2]
        rows = await desk.rows()
        assert rows[4].state is State.NOT_SENT
        assert rows[4].code is Code.SUPPRESSED
        assert {rows[row].state for row in (1, 3, 5)} == {State.QUEUED}
        assert rows[1].code is Code.OUTSIDE_HOURS
        await worker.step(0, *map(sent, hand))
        desk.now += 59.0
        await asyncio.sleep(59.0)
        assert (await worker.step(5)).texts == []
        desk.now += 2.0
        await asyncio.sleep(61.0)
        assert worker.said[-1] == "wake"
        late = (await worker.step(5)).texts
        assert [text.row for text in late] == [1, 3, 5]
        await worker.step(0, *map(sent, late))

    desk.play(main)
    assert sorted(result.row for result in desk.results) == [1, 2, 3, 4, 5]


class Wavers:
    """Lets row 2 out at the claim, and makes it wait for a minute just before the wire, so many times."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.asked = 0

    async def admit(self, text: Text, now: float) -> Verdict:
        if text.row == 2:
            self.asked += 1
            if self.asked % 2 == 0 and self.asked <= 2 * self.times:
                return Wait(now + 60.0, Reason(Code.OUTSIDE_HOURS, "not yet"))
        return GO


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("times", [1, 2, 3, 5])
@pytest.mark.parametrize("limit", [None, 2, 4])
def test_whoever_waits_just_before_the_wire_is_seen_again_and_told_once(
    times: int, limit: int | None, kind: str, tmp_path: Path
) -> None:
    """The contact would be told as not sent and be texted later, be left over, or be counted twice against the limit."""
    ledger, provider = make_ledger(kind, tmp_path), Provider()
    results: list[Result] = []

    async def main() -> None:
        await ledger.open(Plan(run="bcdfghjkmn", provider="test", action="125", text="Hi. STOP"))
        await ledger.load([[Planned(row, phone(row), "Hi. STOP") for row in range(1, 5)]])
        engine = Engine(
            ledger,
            provider,
            Pace(),
            Options(concurrency=2, limit=limit),
            observer=SilentObserver(),
            sink=results.extend,
            rules=[Wavers(times)],
            wall_clock=lambda: 1_800_000_000.0 + virtual_time.now(),
        )
        await engine.run()
        assert engine.books.stopped is None
        assert engine.books.put_aside == 0
        assert ledger.counts[State.SENT] == (limit or 4)
        await ledger.aclose()

    virtual_time.run(main())
    assert sorted(result.row for result in results) == sorted(call.row for call in provider.calls)
    assert len(results) == (limit or 4)
    assert {result.state for result in results} == {State.SENT}


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_thousands_who_are_turned_away_do_not_end_the_run(kind: str, tmp_path: Path) -> None:
    """A long suppression list handed in at the resume would look like an empty queue, or hold the run for ever."""
    provider, ledger = Provider(), make_ledger(kind, tmp_path)
    run = make_run(provider, ledger=ledger, suppress=Asked(phone(2999)))

    async def main() -> None:
        async with run:
            summary = await run.send(phones(3000))
            assert (summary.sent, summary.not_sent) == (1, 2999)

    virtual_time.run(main())
    assert [call.phone for call in provider.calls] == [phone(2999)]


class Asked:
    """A store that has everybody but one."""

    def __init__(self, spared: str) -> None:
        self.spared = spared

    async def is_suppressed(self, phone: str) -> bool:
        return phone != self.spared


class Shared(MemoryLedger):
    """A ledger that others may write in, too: its owners have half a minute from each step on."""

    @property
    def lease(self) -> float:
        return 30.0


def test_nothing_leaves_once_the_lease_may_have_ended() -> None:
    """Another machine has taken this one for dead, and a text that leaves now is one that the log was read for in vain."""
    ledger, provider, clock = Shared(), Provider(), [0.0]
    results: list[Result] = []

    async def main() -> None:
        await ledger.open(Plan(run="bcdfghjkmn", provider="test", action="125", text="Hi. STOP"))
        await ledger.load([[Planned(row, phone(row), "Hi. STOP") for row in range(1, 5)]])
        pace = Pace()
        pace.hold.hold(6.0)
        options = Options(concurrency=1)
        engine = Engine(
            ledger, provider, pace, options, observer=SilentObserver(), sink=results.extend, boot_clock=lambda: clock[0]
        )

        async def sleeps() -> None:
            await asyncio.sleep(5.0)
            clock[0] += 3600.0  # the machine has slept, and the loop knows nothing of it

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(sleeps())
            tasks.create_task(engine.run())

    virtual_time.run(main())
    assert [call.row for call in provider.calls] == [3, 4, 1, 2]
    assert [result.row for result in results if result.state is State.SENT] == [3, 4, 1, 2]


def test_books_that_rest_renew_their_lease() -> None:
    """A campaign that waits for the morning would find itself taken for dead."""
    ledger = Shared()
    steps: list[float] = []

    async def main() -> None:
        await ledger.open(Plan(run="bcdfghjkmn", provider="test", action="125", text="Hi. STOP"))
        await ledger.load([[Planned(1, phone(1), "Hi. STOP")]])
        step = ledger.step

        async def counted(*arguments: Any, **options: Any) -> Any:
            steps.append(virtual_time.now())
            return await step(*arguments, **options)

        ledger.step = counted  # type: ignore[method-assign]
        pace = Pace()
        pace.hold.hold(300.0)
        await Engine(
            ledger, Provider(), pace, Options(), observer=SilentObserver(), sink=lambda _: None, boot_clock=virtual_time.now
        ).run()

    virtual_time.run(main())
    assert max(later - earlier for earlier, later in itertools.pairwise(steps)) < 15.0


def test_after_a_stop_nothing_more_is_opened() -> None:
    """Texts would go on being opened, each of them one more unknown if the process dies before it has ended."""
    desk = Desk(6)

    async def main() -> None:
        worker = Worker(desk.books)
        hand = (await worker.step(2)).texts
        desk.books.stop(Stop(Cause.ASKED, "enough"))
        assert "stop" in worker.said
        assert await worker.step(4, sent(hand[0])) == Dealt([], more=False, proven=True)
        assert await worker.step(4, Closed(2, State.QUEUED, 0)) == Dealt([], more=False, proven=True)
        assert desk.ledger.counts[State.QUEUED] == 5

    desk.play(main)
    assert [(result.row, result.state) for result in desk.results] == [(1, State.SENT)]


def test_books_whose_owner_was_fenced_end_the_run() -> None:
    """A machine that slept through its lease would go on with people whom another has taken over."""
    desk = Desk(6)
    died: list[BaseException] = []

    async def main() -> None:
        worker = Worker(desk.books)
        hand = (await worker.step(2)).texts
        (owner,) = await desk.ledger.owners()
        await desk.ledger.expire(owner.id)
        # Its proof is taken, and it is dealt nothing more.
        assert await worker.step(4, *map(sent, hand)) == Dealt([], more=False)
        await asyncio.sleep(0.1)
        assert "stop" in worker.said
        assert desk.ledger.counts == {**dict.fromkeys(State, 0), State.SENT: 2, State.QUEUED: 4}
        died.append(desk.books.failure or KeyError())

    with pytest.raises(LedgerFenced):
        desk.play(main)
    assert [type(error) for error in died] == [LedgerFenced]
