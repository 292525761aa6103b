"""A budget: what is spent and reserved is never more than that, whatever becomes of the texts; and all of it can be spent."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from rumbleup_async.engine.budget import Budget
from rumbleup_async.ledger import MemoryLedger, SqliteLedger
from rumbleup_async.messaging import Closed, Planned, State, Text
from rumbleup_async.money import Money
from rumbleup_async.outcomes import Accepted, NotSent, Outcome, Refused, Throttled, Unknown
from rumbleup_async.reasons import Code
from rumbleup_async.reasons import from_words as because
from rumbleup_async.runs.run import Run
from rumbleup_async.stops import Cause
from tests import virtual_time
from tests.engine.scripted import Provider, accepts, check, make_ledger, make_run, phone, phones, rows_of
from tests.engine.test_texters import Server, fine, make

PRICE = 30_000
LONG = "Hi {n}. STOP to opt out"


class Purse:
    """A provider that adds up what has left, as a person would on the bill: texts that left, or may have, by their segments."""

    def __init__(self, budget: int, script: Callable[[Text, int], Outcome] = accepts, price: int = PRICE) -> None:
        self.budget, self.price = budget, price
        self.script = script
        self.cost = 0
        self.most = 0
        self.wrongs: list[str] = []

    def __call__(self, text: Text, attempt: int) -> Outcome:
        cost = self.price * text.segments
        self.most = max(self.most, self.cost + cost)
        if self.cost + cost > self.budget:
            self.wrongs.append(f"row {text.row}: {self.cost} + {cost} of {self.budget}")
        outcome = self.script(text, attempt)
        if isinstance(outcome, Accepted | Unknown):
            self.cost += cost
        return outcome


def given(budget: int, price: int = PRICE) -> dict[str, int]:
    """The options as a ledger keeps them."""
    return {"budget": budget, "price": price}


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize(("segments", "budget", "sent"), [(1, 600_000, 20), (1, 629_999, 20), (3, 600_000, 6), (1, 29_999, 0)])
def test_as_many_texts_leave_as_can_be_paid(kind: str, tmp_path: Path, segments: int, budget: int, sent: int) -> None:
    """Money would be spent that nobody has given, or some of it be left although people wait."""
    purse = Purse(budget)
    provider = Provider(purse)
    text = "Hi. STOP to opt out" + " and so on and on" * (18 * (segments - 1) // 2)

    async def main() -> None:
        async with make_run(provider, ledger=make_ledger(kind, tmp_path), text=text, given=given(budget)) as run:
            summary = await run.send(phones(50))
            assert summary.sent == sent
            assert summary.stop is not None
            assert summary.stop.cause is Cause.BUDGET
            assert run.counts[State.QUEUED] == 50 - sent
            assert run.spending is not None
            assert run.spending.reserved == purse.cost == PRICE * segments * sent

    virtual_time.run(main())
    check(provider)
    assert purse.wrongs == []


def test_a_run_whose_money_is_enough_ends_as_any_other() -> None:
    """A run would be said to have stopped although everybody was texted."""
    provider = Provider(Purse(50 * PRICE))

    async def main() -> None:
        async with make_run(provider, given=given(50 * PRICE)) as run:
            summary = await run.send(phones(50))
            assert (summary.sent, summary.stop) == (50, None)

    virtual_time.run(main())
    check(provider)


@pytest.mark.parametrize("seed", range(40))
def test_it_holds_whatever_happens_over_crashes_and_resumes(  # noqa: C901 - ways to end
    seed: int, tmp_path: Path
) -> None:
    """Texts in doubt, refusals or a process that dies would leave the sum wrong, and the next part spend too much."""
    chance = random.Random(seed)
    count = 120
    fates: dict[int, str] = {row: chance.choice(["ok"] * 6 + ["no", "lost", "later", "down"]) for row in range(count + 1)}

    def script(text: Text, attempt: int) -> Outcome:
        match fates[text.row]:
            case "no":
                return Refused(because("400 LANDLINE"), 400, "LANDLINE", True)
            case "lost":
                return Unknown(because("no answer in time"))
            case "later" if attempt == 1:
                return Throttled(because("told 429"), 429, 0.2)
            case "down" if attempt == 1:
                return NotSent(because("the connection was refused"))
        return accepts(text, attempt)

    budget = PRICE * chance.choice([10, 61, 100])
    purse = Purse(budget, script)
    provider = Provider(purse, latency=0.05)
    people = [{"phone": phone(n), "n": "x" * chance.choice([1, 1, 1, 150, 300])} for n in range(count)]
    kind = chance.choice(["memory", "sqlite"])
    memory = MemoryLedger()
    stops: list[Cause | None] = []
    reserved: list[int] = []

    async def part(number: int) -> None:
        ledger = memory if kind == "memory" else SqliteLedger(tmp_path / "run.ledger")
        more = {"given": given(budget)} if number == 0 else {"resume": True}
        run = make_run(provider, ledger=ledger, text=LONG, rate=chance.choice([None, 100.0]), **more)
        async with run:
            sending = asyncio.ensure_future(_drain(run, people if number == 0 else None))
            if number < 3:
                await asyncio.sleep(chance.choice([0.01, 0.11, 0.3]))
                if number == 1:
                    await run.pause()
                    await asyncio.sleep(1)
                    await run.go_on()
                    await asyncio.sleep(0.1)
                if chance.random() < 0.5:
                    run._execution.abandon()  # what is in flight becomes unknown, as in a crash
                run.stop()
            await sending
            stops.append(None if run.summary.stop is None else run.summary.stop.cause)
            assert run.spending is not None
            reserved.append(run.spending.reserved)
            rows = await rows_of(run._setup.ledger)
        left = sum(one.state in (State.SENT, State.UNKNOWN) for one in rows.values())
        assert run.spending.reserved >= PRICE * left
        assert purse.cost <= budget

    async def main() -> None:
        for number in range(4):
            await part(number)

    virtual_time.run(main())
    assert purse.wrongs == []
    assert stops[-1] in (None, Cause.BUDGET, Cause.LEFT_OVER)
    if stops[-1] is Cause.BUDGET:
        # Less is left than the longest text costs; what was broken off may not have left, and stays reserved.
        assert budget - reserved[-1] < PRICE * 3


async def _drain(run: Run, people: list[dict[str, str]] | None) -> None:
    async for _ in run.send(people):
        pass


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_the_price_of_an_answer_takes_the_place_of_what_was_reserved(kind: str, tmp_path: Path) -> None:
    """A run whose texts cost half of what was said would stop half-way."""
    purse = Purse(30 * PRICE, lambda text, attempt: Accepted(f"rl_{text.row}_{attempt}", price=10_000), price=10_000)
    provider = Provider(purse)
    ledger = make_ledger(kind, tmp_path)

    async def main() -> None:
        async with make_run(provider, ledger=ledger, given=given(30 * PRICE)) as run:
            summary = await run.send(phones(100))
            assert summary.stop is not None
            assert summary.stop.cause is Cause.BUDGET
            # What is left cannot pay a further text at the price that was given.
            assert summary.sent == 88
            assert run.spending is not None
            assert (run.spending.paid, run.spending.reserved) == (880_000, 0)
        again = ledger if kind == "memory" else make_ledger(kind, tmp_path)
        async with make_run(provider, ledger=again, resume=True) as run:
            assert (await run.send()).sent == 88
        more = ledger if kind == "memory" else make_ledger(kind, tmp_path)
        async with make_run(provider, ledger=more, resume=True, given={"budget": 90 * PRICE}) as run:
            summary = await run.send()
            assert (summary.sent, summary.stop) == (100, None)
            assert run.spending is not None
            assert run.spending.paid == 1_000_000

    virtual_time.run(main())
    check(provider)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_texts_that_cost_more_than_was_said(kind: str, tmp_path: Path) -> None:
    """The price is a person's guess: ten thousand texts at four times of it would be paid before anybody noticed."""
    dear = 4 * PRICE
    provider = Provider(lambda text, attempt: Accepted(f"rl_{text.row}", price=dear))
    budget = 100 * PRICE

    async def main() -> None:
        async with make_run(provider, ledger=make_ledger(kind, tmp_path), concurrency=8, given=given(budget)) as run:
            summary = await run.send(phones(300))
            assert summary.stop is not None
            assert summary.stop.cause is Cause.BUDGET
            assert "a segment costs up to $0.12, not $0.03" in str(summary.stop)
            assert run.spending is not None
            assert budget - dear < run.spending.paid <= budget + 16 * dear
        async with make_run(
            provider, ledger=run._setup.ledger if kind == "memory" else make_ledger(kind, tmp_path), resume=True
        ) as again:
            assert (await again.send()).sent == summary.sent

    virtual_time.run(main())
    check(provider)


@pytest.mark.parametrize("budget", [0, 5 * PRICE, 47 * PRICE])
def test_concurrent_mode_draws_nobody_whom_it_could_not_pay(budget: int) -> None:
    """Contacts would be locked, one after the other, for texts that nobody pays."""
    purse = Purse(budget + 9 * PRICE)
    server = Server(100, latency=0.05, script=purse)
    run = make(server, texters=8, given=given(budget + 9 * PRICE))

    async def main() -> None:
        async with run:
            summary = await run.send()
            assert summary.stop is not None
            assert summary.stop.cause is Cause.BUDGET
            # Nobody knows how long the next text becomes: as much as the longest may cost stays unspent.
            assert summary.sent == budget // PRICE
            assert run.counts[State.QUEUED] == 0

    virtual_time.run(main())
    fine(server)
    assert purse.wrongs == []


def test_of_those_who_were_drawn_only_those_are_opened_who_can_be_paid_by_now() -> None:
    """An answer names a higher price while contacts are on their way: they would be texted beyond the budget."""
    budget = Budget(10 * PRICE, PRICE, Money(), 3)
    drawn = [Planned(row, phone(row), LONG, segments=segments) for row, segments in ((1, 3), (2, 2), (3, 1), (4, 3))]
    assert budget.beyond(drawn) == {}
    first = Text(9, phone(9), LONG)
    budget.opened([first])
    budget.closed([Closed(9, State.SENT, 1, price=2 * PRICE)], {9: SimpleNamespace(text=first)})  # type: ignore[dict-item]
    found = budget.beyond(drawn)
    assert list(found) == [2, 4], "eight are left, and a segment costs two: three, and one more"
    assert {why.code for why in found.values()} == {Code.BUDGET}
