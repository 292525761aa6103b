"""What one machine may change of a run while others send it: nothing that they have read already."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from rumbleup_async.errors import LedgerError
from rumbleup_async.messaging import Kept, Plan, Planned, State
from rumbleup_async.postgres.ledger import PostgresLedger
from tests.database import Database

PLAN = Plan(run="bcdfghjkmn", provider="rumbleup", action="125", text="Hi. STOP", same_text="Hi. STOP")
OTHER = msgspec.structs.replace(PLAN, run="cdfghjkmnp", action="777", text="Ho. STOP", same_text="Ho. STOP")
CONTACTS = [Planned(row, f"202234{row:04d}", "Hi. STOP") for row in range(1, 5)]
NOW = 1_700_000_000.0


@pytest.fixture
def address(postgres: Database, tmp_path: Path) -> str:
    return postgres.address(f"shared-{tmp_path.name}", lease="2")


@asynccontextmanager
async def opened(address: str, plan: Plan | None = None, *, has_list: bool = False) -> AsyncIterator[PostgresLedger]:
    """The ledger of whoever is in charge; of one who joins without a plan."""
    ledger = PostgresLedger(address, joins=plan is None)
    try:
        await ledger.open(plan)
        if has_list:
            await ledger.load([CONTACTS])
            await ledger.complete("list")
        yield ledger
    finally:
        await ledger.aclose()


async def lapse(ledger: PostgresLedger, owner: int) -> None:
    """Its lease has ended: it was stopped for a while, or cut off."""
    async with ledger._to.steps() as connection:
        await connection.execute("UPDATE rumbleup.owner SET until = now() - interval '1 hour' WHERE id = %s", (owner,))


async def forget(ledger: PostgresLedger) -> None:
    """Its connection has broken, and with that its lock."""
    assert ledger._to._steps is not None
    await ledger._to._steps.execute("SELECT pg_advisory_unlock_all()")
    await ledger._to._steps.close()


def test_a_run_that_others_send_is_neither_read_anew_nor_replaced(address: str) -> None:
    """A joiner would text the old words to the new list, or the same people a second time."""

    async def main() -> None:
        async with opened(address, PLAN, has_list=True):
            joiner = PostgresLedger(address, joins=True)
            late = PostgresLedger(address, joins=True)
            await joiner.open(None)
            await late.open(None)
            mine = await joiner.enlist("one")
        with pytest.raises(LedgerError, match="rumbleup stop"):
            await PostgresLedger(address).open(OTHER)
        async with opened(address, PLAN) as first:
            with pytest.raises(LedgerError, match="rumbleup stop"):
                await first.load([CONTACTS])
            assert first.counts[State.QUEUED] == len(CONTACTS)
        # It is cut off for longer than its lease, and comes back to a run that is another one.
        await lapse(joiner, mine.id)
        await forget(joiner)
        async with opened(address, OTHER) as first:
            assert (await joiner.step(mine.id, [], 1, NOW)).is_fenced
            with pytest.raises(LedgerError, match="join it again"):
                await late.enlist("late")
            await first.load([[msgspec.structs.replace(CONTACTS[0], text="Ho. STOP")]])
            await first.complete("other")
            owner = await first.enlist("one")
            assert [text.text for text in (await first.step(owner.id, [], 5, NOW)).texts] == ["Ho. STOP"]
        await joiner.aclose()
        await late.aclose()

    asyncio.run(main())


def test_what_others_do_not_hear_of_is_not_changed_under_them(address: str) -> None:
    """Somebody suppressed on the resume would be texted by a machine that has joined before."""

    async def main() -> None:
        async with opened(address, PLAN, has_list=True) as first:
            await first.keep(Kept({"rate": 5.0}))
            joiner, late = PostgresLedger(address, joins=True), PostgresLedger(address, joins=True)
            await joiner.open(None)
            await late.open(None)
            mine = await joiner.enlist("one")
            opened_rows = [text.row for text in (await joiner.step(mine.id, [], 1, NOW)).texts]
        async with opened(address, PLAN) as first:
            await first.keep(Kept({"rate": 5.0}))
            for kept in (Kept({"rate": 1.0}), Kept({"rate": 5.0}, frozenset({"2022340003"}))):
                with pytest.raises(LedgerError, match="rumbleup stop"):
                    await first.keep(kept)
            await lapse(joiner, mine.id)
            await forget(joiner)
            await first.keep(kept)
            assert (await joiner.step(mine.id, [], 1, NOW)).is_fenced
            with pytest.raises(LedgerError, match="join it again"):
                await late.enlist("late")
            assert [row.row for row in await first.rows(0, 9) if row.state is State.UNKNOWN] == opened_rows
        await joiner.aclose()
        await late.aclose()

    asyncio.run(main())


def test_whoever_counts_alone_is_alone_after_its_lease_too(address: str) -> None:
    """It was stopped for a while, another joined, and both would send up to the limit."""

    async def main() -> None:
        async with opened(address, PLAN, has_list=True) as first, opened(address) as second:
            first.send_alone()
            alone = await first.enlist("one")
            await lapse(first, alone.id)
            with pytest.raises(LedgerError, match="one process alone"):
                await second.enlist("two")
            assert len((await first.step(alone.id, [], 1, NOW)).texts) == 1
            await lapse(first, alone.id)
            await forget(first)
            joined = await second.enlist("two")
            assert (await first.step(alone.id, [], 1, NOW)).is_fenced
            step = await second.step(joined.id, [], 9, NOW)
            assert [text.row for text in step.texts] == [2, 3, 4]

    asyncio.run(main())
