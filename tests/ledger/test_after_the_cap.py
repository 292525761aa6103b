"""Whoever had met the cap of a brand is asked for once more by the run that goes on, in every ledger."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rumbleup_async.ledger import MemoryLedger, SqliteLedger
from rumbleup_async.messaging import Closed, Plan, Planned, State
from rumbleup_async.postgres.ledger import PostgresLedger
from rumbleup_async.reasons import Code, Reason
from rumbleup_async.stops import Cause, Stop

PLAN = Plan(run="bcdfghjkmn", provider="rumbleup", action="125", text="Hi. STOP", same_text="Hi. STOP")


@pytest.fixture(params=["memory", "file", "database"])
def again(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Any]:
    """Makes the ledger of the next process."""
    kept = MemoryLedger()
    if request.param == "memory":
        return lambda: kept
    if request.param == "file":
        return lambda: SqliteLedger(tmp_path / "run.ledger")
    address = request.getfixturevalue("postgres").address(f"cap-{tmp_path.parent.name}-{tmp_path.name}", lease="2")
    return lambda: PostgresLedger(address)


@pytest.mark.parametrize("cause", [Cause.DAILY_CAP, Cause.INTERRUPTED])
def test_a_resume_after_the_cap_asks_for_them_once_more(again: Callable[[], Any], cause: Cause) -> None:
    """They would be left out until tomorrow, though the cap has been raised."""

    async def part(*, begins: bool) -> list[int]:
        ledger = again()
        await ledger.open(PLAN)
        if begins:
            await ledger.load([[Planned(row, f"202234{row:04d}", "Hi. STOP") for row in range(1, 5)]])
            await ledger.complete("list")
        for owner in await ledger.owners():
            await ledger.expire(owner.id)
        owner = (await ledger.enlist("one")).id
        rows = [text.row for text in (await ledger.step(owner, [], 9, 1e9)).texts]
        if begins:
            done = [
                Closed(1, State.QUEUED, 1, Reason(Code.DAILY_CAP, "cap"), due=1e9 + 9_000),
                Closed(2, State.QUEUED, 1, Reason(Code.THROTTLED, "429"), due=1e9 + 9_000),
                *(Closed(row, State.SENT, 1, logid=f"rl_{row}") for row in (3, 4)),
            ]
            await ledger.step(owner, done, 0, 1e9)
            await ledger.finish(Stop(cause), 1.0)
        await ledger.aclose()
        return rows

    async def main() -> None:
        assert await part(begins=True) == [1, 2, 3, 4]
        assert await part(begins=False) == ([1] if cause is Cause.DAILY_CAP else [])

    asyncio.run(main())
