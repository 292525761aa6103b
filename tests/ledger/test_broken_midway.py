"""A connection that breaks at any statement while a run in a database is opened, looked up and settled."""

import asyncio
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rumbleup_async.lookups import Resolution
from rumbleup_async.messaging import Closed, Kept, Plan, Planned, State
from rumbleup_async.postgres import connections
from rumbleup_async.postgres.ledger import PostgresLedger
from rumbleup_async.reasons import ABSENT, OUTSIDE_HOURS
from tests.database import Database

PLAN = Plan(run="bcdfghjkmn", provider="rumbleup", action="125", text="Hi. STOP", same_text="Hi. STOP")
CONTACTS = [Planned(row, f"202234{row:04d}", "Hi. STOP", place=row % 2) for row in range(1, 6)]
NOW = 1_700_000_000.0


class Breaking:
    """Breaks the connection of the nth statement, before the server has it or once it is done; or behind the nth commit."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.statements = self.commits = 0
        self.at: tuple[str, int] = "", 0
        execute, leave = psycopg.AsyncConnection.execute, psycopg.AsyncTransaction.__aexit__

        async def executed(connection: Any, *given: Any, **more: Any) -> Any:
            self.statements += 1
            if self.at == ("before", self.statements):
                await self._break(connection)
            done = await execute(connection, *given, **more)
            if self.at == ("after", self.statements):
                await self._break(connection)
            return done

        async def left(transaction: Any, *error: Any) -> Any:
            done = await leave(transaction, *error)
            self.commits += error[0] is None
            if error[0] is None and self.at == ("commit", self.commits):
                await self._break(transaction.connection)
            return done

        patch.setattr(psycopg.AsyncConnection, "execute", executed)
        patch.setattr(psycopg.AsyncTransaction, "__aexit__", left)
        patch.setattr(connections, "_LOOK_EVERY", 0.001)

    async def _break(self, connection: Any) -> None:
        self.at = "", 0
        await connection.close()
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    def begin(self, at: tuple[str, int]) -> None:
        self.statements = self.commits = 0
        self.at = at


async def prepared(address: str) -> None:
    """A run of which three texts are in doubt."""
    ledger = PostgresLedger(address)
    await ledger.open(PLAN)
    await ledger.load([CONTACTS])
    await ledger.complete("list")
    await ledger.keep(Kept({"rate": 1.0}))
    owner = (await ledger.enlist("one")).id
    await ledger.step(owner, [], 3, NOW)
    await ledger.step(owner, [Closed(row, State.UNKNOWN, 1, time=5) for row in (1, 2, 3)], 0, NOW)
    await ledger.aclose()


async def gone_on_with(address: str, breaking: Breaking, at: tuple[str, int]) -> Any:
    """What a resume comes to whose connection breaks there; it does all that it does before it sends."""
    ledger = PostgresLedger(address)
    opened = ledger._to.open

    async def open_and_begin() -> None:
        await opened()
        breaking.begin(at)  # whoever cannot connect at all is told at once

    ledger._to.open = open_and_begin  # type: ignore[method-assign]
    await ledger.open(None)
    doubts = await ledger.doubts(0, 10)
    looks = await ledger.first_looks(doubts, NOW)
    sent, absent, again = Resolution(1, State.SENT, logid="rl_1"), Resolution(2, State.NOT_SENT, ABSENT), doubts[2].row
    await ledger.settle([sent, absent, Resolution(again, State.NOT_SENT, ABSENT)])
    await ledger.settle([Resolution(again, State.QUEUED)])
    places = await ledger.places({1: OUTSIDE_HOURS})
    await ledger.bounds.begin(texts=9, budget=None, price=None, cap=None, is_canary=True)
    await ledger.trial.draw(0, "", NOW, {})
    counts = dict(ledger.counts)
    breaking.at = "", 0
    rows = [(one.row, one.state, one.code, one.logid) for one in await ledger.rows(-1, 10)]
    kept = ledger.kept
    await ledger.aclose()
    return looks, places, counts, rows, kept


def test_a_connection_that_breaks_anywhere_before_the_sending_does_not_end_the_run(
    postgres: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resume would end with an error that somebody has to look into, or do half of what it says, for a moment's network."""

    async def main() -> None:
        breaking = Breaking(monkeypatch)

        async def run(*at: Any) -> Any:
            address = postgres.address(
                f"midway-{tmp_path.parent.name}-{tmp_path.name}-{'-'.join(map(str, at)) or 'whole'}", lease="2"
            )
            await prepared(address)
            return await gone_on_with(address, breaking, at or ("", 0))

        whole = await run()
        statements, commits = breaking.statements, breaking.commits
        assert statements > 30
        assert commits > 5
        places = [("before", n) for n in range(1, statements, 9)] + [("after", n) for n in range(5, statements, 9)]
        for at in [*places, *(("commit", n) for n in range(1, commits + 1))]:
            assert await run(*at) == whole, at

    asyncio.run(main())
