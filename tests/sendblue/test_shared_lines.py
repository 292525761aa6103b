"""Lines that several machines draw from one database: what each may send holds over all of them, whatever comes back."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rumbleup_async import LineLimits, Stop
from rumbleup_async.engine.pace import Hold
from rumbleup_async.engine.ports import Permit
from rumbleup_async.messaging import Closed, Plan, Planned, State, Text
from rumbleup_async.postgres.ledger import PostgresLedger
from rumbleup_async.reasons import Code, Reason
from rumbleup_async.sendblue.shared_lines import HasLines, SharedLines
from rumbleup_async.stops import Cause
from tests.database import Database

NUMBERS = ["+12025550191", "+12025550192"]
PLAN = Plan(run="bcdfghjkmn", provider="sendblue", action="2 lines", text="Hi. STOP", same_text="Hi. STOP")
TEXT = Text(1, "2025550101", "Hi. STOP to opt out")


class Machine:
    """One process that sends over the lines."""

    def __init__(self, ledger: PostgresLedger, limits: LineLimits) -> None:
        assert isinstance(ledger, HasLines)
        self.ledger = ledger
        self.lines = SharedLines(ledger.lines, limits, hold=Hold(), rows=ledger.rows, wait_ceiling=900.0)
        self.lines.begin(NUMBERS)
        self.stops: list[Stop] = []
        self.lines.attach(self.stops.append, lambda *_: None)
        self.left: list[int] = []

    async def permit(self, seconds: float = 5.0) -> Permit | None:
        """A permit, unless it takes so long or the run ends."""
        asking = asyncio.ensure_future(self.lines.permit(TEXT))
        end = time.monotonic() + seconds
        while not asking.done() and not self.stops and time.monotonic() < end:
            await asyncio.wait([asking], timeout=0.002)
        asking.cancel()
        (found,) = await asyncio.gather(asking, return_exceptions=True)
        return found if isinstance(found, Permit) else None

    async def work(self, chance: random.Random) -> None:
        """Send until nothing may leave any more; some of it is given back, or is not waited for."""
        while not self.stops:
            if (permit := await self.permit(chance.choice([0.001, 0.004, 5.0]))) is None:
                continue
            what = chance.random()
            if what < 0.2:
                self.lines.release(permit)
                continue
            if what < 0.4:
                self.lines.did_not_leave(permit)
            else:
                self.left.append(permit.line)
            self.lines.answered(permit)


@asynccontextmanager
async def machines(address: str, limits: LineLimits) -> AsyncIterator[Sequence[Machine]]:
    """Two of one run; the first of its contacts were texted before, over the first line, by a version that kept no lines."""
    first, second = PostgresLedger(address), PostgresLedger(address, joins=True)
    await first.open(PLAN)
    await first.load([[Planned(row, f"202234{row:04d}", "Hi. STOP") for row in range(1, 9)]])
    await first.complete("list")
    owner = (await first.enlist("one")).id
    now = time.time()
    for text in (await first.step(owner, [], 2, now)).texts:
        await first.step(owner, [Closed(text.row, State.SENT, 1, Reason(Code.LINE, "1"), "L", int(now * 1000))], 0, now)
    await second.open(None)
    try:
        yield [Machine(ledger, limits) for ledger in (first, second)]
    finally:
        await second.aclose()
        await first.aclose()


@pytest.fixture
def address(postgres: Database, tmp_path: Path) -> str:
    return postgres.address(f"lines-{tmp_path.parent.name}-{tmp_path.name}", lease="10")


def test_what_a_line_may_send_holds_over_all_machines(address: str) -> None:
    """A line would text more new people than it may and be blocked for days; or what came back would be missing for good."""

    async def main() -> None:
        limits = LineLimits(per_second=None, new_per_hour=25, new_per_day=40)
        async with machines(address, limits) as both:
            await asyncio.gather(*(one.work(random.Random(seed)) for seed, one in enumerate(both)))
            for one in both:
                await one.ledger.lines.told()
            for one in both:
                one.stops.clear()
                while await one.permit():
                    one.left.append(one.lines.lines[0].index)
                assert one.stops[0].cause is Cause.LINES_USED_UP
                await one.ledger.lines.told()
            assert len(both[0].left) + len(both[1].left) == 25 - 2 + 25, "two were sent before"

    asyncio.run(main())


def test_a_line_keeps_its_pace_and_its_rest_over_all_machines(address: str) -> None:
    """Two machines would send from one line at once, or one go on with a line that the other was told to leave alone."""

    async def main() -> None:
        limits = LineLimits(per_second=20.0, new_per_hour=None, new_per_day=None)
        async with machines(address, limits) as (one, two):
            began = time.monotonic()
            drawn: list[Permit | None] = []
            for _ in range(8):
                drawn += await asyncio.gather(one.permit(), two.permit())
            assert Counter(permit.line for permit in drawn if permit) == {1: 8, 2: 8}, "in turn"
            assert time.monotonic() - began >= 7 / 20
            told = drawn[0]
            assert told is not None
            assert one.lines.not_now(told, 60.0), "the other can go on"
            await one.ledger.lines.told()
            for machine in (two, one):
                others = [await machine.permit() for _ in range(3)]
                assert {permit.line for permit in others if permit} == {3 - told.line}
            assert not two.lines.stands(told)
            # Somebody sees to the line and goes on with the run: it is tried again, and not an hour later.
            for machine in (two, one):
                await machine.ledger.aclose()
            ledger = PostgresLedger(address)
            await ledger.open(None)
            again = Machine(ledger, limits)
            assert {permit.line for permit in [await again.permit(), await again.permit()] if permit} == {1, 2}
            await ledger.aclose()

    asyncio.run(main())
