"""Contacts that several machines draw for one run in a database: one place each in the books, and one text."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rumbleup_async.messaging import Closed, Plan, Planned, Result, Skipped, State, Text
from rumbleup_async.postgres.ledger import PostgresLedger
from rumbleup_async.reasons import OUTSIDE_HOURS, Code, Reason
from tests.database import Database

PLAN = Plan(run="bcdfghjkmn", provider="rumbleup", action="125", text="Hi. STOP", details={"mode": "concurrent"})
NOW = 1_700_000_000.0


@pytest.fixture
def address(postgres: Database, tmp_path: Path) -> str:
    return postgres.address(f"draws-{tmp_path.parent.name}-{tmp_path.name}", lease="2")


def drawn(row: int, phone: int) -> Planned:
    return Planned(row, f"202234{phone:04d}", "Hi. STOP", "Ada", 1)


def together(address: str, work: Callable[[PostgresLedger, int, PostgresLedger, int], Coroutine[Any, Any, None]]) -> None:
    """Do something with the ledgers of two machines, each with an owner."""

    async def main() -> None:
        first, other = PostgresLedger(address), PostgresLedger(address, joins=True)
        await first.open(PLAN)
        await other.open(None)
        try:
            await work(first, (await first.enlist("one")).id, other, (await other.enlist("two")).id)
        finally:
            await other.aclose()
            await first.aclose()

    asyncio.run(main())


def test_no_two_are_given_one_number(address: str) -> None:
    """Two people would have one row, and the text of one be closed as the other's."""

    async def work(first: PostgresLedger, _: int, other: PostgresLedger, __: int) -> None:
        taken = await asyncio.gather(*[ledger.numbers(30) for ledger in (first, other) * 4])
        assert all(list(numbers) == sorted(numbers) for numbers in taken)
        assert len({number for numbers in taken for number in numbers}) == 8 * 30

    together(address, work)


def test_whom_two_draw_is_texted_by_one(address: str) -> None:
    """A contact whose lock ran out while a machine was stopped would be texted by it and by whoever drew them next."""

    async def work(first: PostgresLedger, mine: int, other: PostgresLedger, theirs: int) -> None:
        # They are taken in at the very same moment: neither has found them in the books.
        with psycopg.connect(address.partition("&run=")[0]) as db:
            db.execute(
                """INSERT INTO rumbleup.contact (run, row, phone, text, state, owner)
                SELECT id, 900, '2022340001', 'Hi. STOP', 1, %s FROM rumbleup.run WHERE name = %s""",
                (theirs, first.address.run),
            )
            claiming = asyncio.ensure_future(first.claim(mine, [], [drawn(1, 1), drawn(2, 2)], NOW))
            await asyncio.sleep(0.2)
            assert not claiming.done(), "it waits for what the other makes of them"
        late, mine_alone = await claiming
        assert isinstance(late, Result)
        assert (late.state, late.code) == (State.SKIPPED, Code.DUPLICATE)
        assert isinstance(mine_alone, Text)
        # One that the first has given back is the other's once drawn, and not the first's any more.
        await first.step(mine, [Closed(2, State.QUEUED, 1)], 0, NOW)
        (text,) = await other.claim(theirs, [], [drawn(3, 2)], NOW)
        assert isinstance(text, Text)
        assert text.row == 2
        (again,) = await first.claim(mine, [], [drawn(4, 2)], NOW)
        assert isinstance(again, Result)
        assert again.code is Code.DUPLICATE

    together(address, work)


def test_who_is_left_out_is_put_down_once(address: str) -> None:
    """Each machine would count those anew whom the provider hands out again and again."""

    async def work(first: PostgresLedger, mine: int, other: PostgresLedger, theirs: int) -> None:
        await first.numbers(1)
        for ledger, owner, row in ((first, mine, 1), (other, theirs, 2), (first, mine, 3)):
            (answer,) = await ledger.claim(owner, [], [Skipped(row, "2022340001", Reason(Code.OPT_OUT))], NOW)
            assert isinstance(answer, Result)
            assert answer.state is State.SKIPPED
        assert first.counts[State.SKIPPED] == 1

    together(address, work)


def test_a_claim_whose_answer_was_lost_is_told_and_not_made_once_more(address: str) -> None:
    """A connection that breaks would leave a contact open that nobody texts, or have it texted as if it were new."""

    async def work(first: PostgresLedger, mine: int, _: PostgresLedger, __: int) -> None:
        await first.claim(mine, [], [drawn(1, 1), drawn(2, 2)], NOW)
        await first.step(mine, [Closed(2, State.QUEUED, 1)], 0, NOW)
        closed = [Closed(1, State.SENT, 1, logid="rl_1", time=5)]
        who: list[Planned | Skipped] = [
            drawn(3, 2),
            drawn(4, 3),
            drawn(5, 3),
            drawn(6, 1),
            Skipped(7, "2022340009", Reason(Code.OPT_OUT)),
            drawn(8, 4),
        ]
        waits = {8: OUTSIDE_HOURS}
        answers = await first.claim(mine, closed, who, NOW, waits=waits)
        counts = dict(first.counts)
        assert [answer.row for answer in answers if isinstance(answer, Text)] == [2, 4]
        first._run.steps[mine] -= 1  # as if it had never heard of it
        told = await first.claim(mine, closed, who, NOW, waits=waits)
        assert told == answers
        assert dict(first.counts) == counts

    together(address, work)
