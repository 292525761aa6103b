"""The people of a run in a database go, and its counts stay."""

import asyncio
from pathlib import Path

import psycopg
import pytest

from rumbleup_async.cli.suppression import read_suppressed
from rumbleup_async.errors import LedgerError, LedgerLocked, ListError
from rumbleup_async.messaging import Closed, Plan, Planned, Skipped, State
from rumbleup_async.postgres import purging
from rumbleup_async.postgres.address import parse
from rumbleup_async.postgres.ledger import PostgresLedger
from rumbleup_async.reasons import Code, Reason
from tests.database import Database

PLAN = Plan(run="bcdfghjkmn", provider="rumbleup", action="125", text="Hi. STOP", same_text="Hi. STOP")
LONDON = '{"city":"London"}'
ROWS: list[Planned | Skipped] = [
    *(Planned(row, f"202555{row:04d}", f"Hi Ada {row}. STOP", name="Ada Lovelace", kept=LONDON) for row in range(1, 6)),
    Skipped(6, "2025550006", Reason(Code.SUPPRESSED)),
]  # fmt: skip


def test_nothing_of_the_people_is_left(postgres: Database, tmp_path: Path) -> None:
    """Phones and names would stay in the database for ever, or those of a run that still needs them be gone."""
    address = postgres.address(f"purge-{tmp_path.parent.name}-{tmp_path.name}", lease="2")
    place = parse(address)

    async def main() -> None:
        ledger = PostgresLedger(address)
        await ledger.open(PLAN)
        await ledger.load([ROWS])
        await ledger.complete("list")
        owner = (await ledger.enlist("one")).id
        await ledger.step(owner, [], 3, 0.0)
        with pytest.raises(LedgerLocked, match="in use by another"):
            await asyncio.to_thread(purging.purge, place)
        await ledger.step(
            owner, [Closed(1, State.SENT, 1, logid="rl_1"), Closed(2, State.REFUSED, 1, Reason(Code.OTHER_NO))], 0, 0.0
        )
        await ledger.aclose()
        with pytest.raises(LedgerError, match="1 contacts are unknown"):
            await asyncio.to_thread(purging.purge, place)
        again = PostgresLedger(address)
        await again.open(PLAN)
        for one in await again.owners():
            await again.expire(one.id)
        await again.aclose()
        with psycopg.connect(postgres.address(), autocommit=True) as db:
            db.execute("UPDATE rumbleup.contact SET state = 2, logid = 'rl_3' WHERE row = 3 AND state = 6")
        with pytest.raises(LedgerError, match="2 contacts are still to be texted"):
            await asyncio.to_thread(purging.purge, place)

    asyncio.run(main())
    assert sorted(read_suppressed([place], quiet=True)) == ["2025550001", "2025550002", "2025550003"]
    assert purging.purge(place, unsent=True) == 6
    with psycopg.connect(postgres.address()) as db:
        (run,) = db.execute("SELECT id FROM rumbleup.run WHERE name = %s", (place.run,)).fetchone() or (0,)
        for table in ("contact", "kept", "suppressed", "waiting", "again", "looked"):
            rows = db.execute(f"SELECT t::text FROM rumbleup.{table} t WHERE run = %s".encode(), (run,)).fetchall()
            assert not [row for row in rows if "202555" in row[0] or "Ada" in row[0] or "London" in row[0]], table
        (counts,) = db.execute("SELECT rumbleup.counts_of(%s)", (run,)).fetchone() or (None,)
    assert counts == [0, 0, 2, 1, 1, 2, 0]
    with pytest.raises(LedgerError, match="purged already"):
        purging.purge(place)
    with pytest.raises(ListError, match="names nobody"):
        read_suppressed([place], quiet=True)
    with pytest.raises(LedgerError, match="was purged"):
        asyncio.run(PostgresLedger(address).open(None))
