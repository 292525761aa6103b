"""Programs and databases of different versions: none runs by tables or functions that it was not written with."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from rumbleup_async.errors import LedgerError, LedgerLocked
from rumbleup_async.messaging import Closed, Plan, Planned, State
from rumbleup_async.postgres import changes, versions
from rumbleup_async.postgres.address import parse
from rumbleup_async.postgres.ledger import PostgresLedger
from tests.database import Database

PLAN = Plan(run="bcdfghjkmn", provider="rumbleup", action="125", text="Hi. STOP", same_text="Hi. STOP")
CONTACTS = [Planned(row, f"202234{row:04d}", "Hi. STOP") for row in range(1, 5)]


class Place(NamedTuple):
    """A server, and one database in it."""

    server: Database
    name: str

    def address(self, run: str = "", **more: str) -> str:
        return self.server.address(run, self.name, **more)


@pytest.fixture
def where(postgres: Database, tmp_path: Path) -> Iterator[Place]:
    """A database of this test's own, in which a run has been begun."""
    name = "v" + "".join(letter for letter in tmp_path.name if letter.isalnum()).lower()[-50:]
    with psycopg.connect(postgres.address(), autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name}".encode())
    yield Place(postgres, name)
    with psycopg.connect(postgres.address(), autocommit=True) as db:
        db.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def do(where: Place, *statements: str) -> None:
    with psycopg.connect(where.address(), autocommit=True) as db:
        for statement in statements:
            db.execute(statement.encode())


def upgrade(where: Place) -> bool:
    return versions.upgrade(parse(where.address(), needs_run=False))


async def begun(where: Place) -> PostgresLedger:
    ledger = PostgresLedger(where.address("friday", lease="2"))
    await ledger.open(PLAN)
    await ledger.load([CONTACTS])
    await ledger.complete("list")
    return ledger


def refused(where: Place, words: str) -> None:
    """Whoever opens the run, joins it or looks at it is told this."""

    async def main() -> None:
        for joins in (False, True):
            with pytest.raises(LedgerError, match=words):
                await PostgresLedger(where.address("friday"), joins=joins).open(None)

    asyncio.run(main())
    with pytest.raises(LedgerError, match=words):
        versions.prepare(parse(where.address("friday")), makes=False)


def test_a_program_calls_only_the_functions_it_was_written_with(where: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step by the functions of before would not keep to what a newer program counts on."""

    async def main() -> None:
        await (await begun(where)).aclose()

    asyncio.run(main())
    assert not upgrade(where)
    do(
        where,
        "CREATE FUNCTION rumbleup.step(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "UPDATE rumbleup.about SET value = 'of before' WHERE key = 'functions'",
    )
    refused(where, r"rumbleup ledgers upgrade")
    assert upgrade(where)
    with psycopg.connect(where.address()) as db:
        steps = db.execute("SELECT count(*) FROM pg_proc WHERE proname = 'step' AND pronamespace = 'rumbleup'::regnamespace")
        assert steps.fetchone() == (1,)  # one of before beside it would go on being called
    # A database of before there was such a digest.
    do(where, "DELETE FROM rumbleup.about WHERE key <> 'version'")
    refused(where, r"rumbleup ledgers upgrade")
    assert upgrade(where)
    # Made by a newer program, of the same tables: this one does not put its own functions in their place.
    do(where, "UPDATE rumbleup.about SET value = 'later' WHERE key = 'functions'")
    do(where, "UPDATE rumbleup.about SET value = '99.1' WHERE key = 'program'")
    refused(where, r"update rumbleup_async")
    with pytest.raises(LedgerError, match="update rumbleup_async"):
        upgrade(where)
    do(where, "UPDATE rumbleup.about SET value = '99' WHERE key = 'version'")
    refused(where, r"update rumbleup_async")
    with pytest.raises(LedgerError, match="update rumbleup_async"):
        upgrade(where)


def test_tables_of_before_are_changed_by_an_upgrade_and_keep_what_is_in_them(
    where: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs that are under way would be lost, or whoever may send would not reach the new tables."""

    async def main() -> PostgresLedger:
        ledger = await begun(where)
        owner = await ledger.enlist("one")
        texts = (await ledger.step(owner.id, [], 2, 0.0)).texts
        await ledger.step(owner.id, [Closed(texts[0].row, State.SENT, 1, logid="rl_1")], 0, 0.0)
        await ledger.aclose()
        return ledger

    asyncio.run(main())
    user = f"u{where.server.folder.name[-6:]}".lower().replace("_", "x")
    do(where, f"CREATE ROLE {user}", f"GRANT ALL ON ALL TABLES IN SCHEMA rumbleup TO {user}")
    later = changes.VERSION + 1
    monkeypatch.setattr("rumbleup_async.postgres.versions.VERSION", later)
    monkeypatch.setitem(changes.CHANGES, later, "CREATE TABLE added (run integer)")
    refused(where, r"older version .*rumbleup ledgers upgrade")
    assert upgrade(where)
    with psycopg.connect(where.address()) as db:
        (found,) = db.execute(f"SELECT has_table_privilege('{user}', 'rumbleup.added', 'INSERT')".encode()).fetchone() or (None,)
        assert found
        db.execute(f"DROP OWNED BY {user}".encode())
        db.execute(f"DROP ROLE {user}".encode())

    async def after() -> None:
        ledger = PostgresLedger(where.address("friday"))
        await ledger.open(PLAN)
        for one in await ledger.owners():
            if one.is_dead:
                await ledger.expire(one.id)
        assert {state: number for state, number in ledger.counts.items() if number} == {
            State.QUEUED: 2, State.SENT: 1, State.UNKNOWN: 1,
        }  # fmt: skip
        await ledger.aclose()

    asyncio.run(after())


def test_nothing_is_upgraded_under_those_who_send(where: Place) -> None:
    """A machine would make its next step by functions that it was not written with."""

    async def main() -> None:
        ledger = await begun(where)
        do(where, "UPDATE rumbleup.about SET value = 'of before' WHERE key = 'functions'")
        with pytest.raises(LedgerLocked, match="ledger of this database open"):
            await asyncio.to_thread(upgrade, where)
        with pytest.raises(LedgerError, match="changed meanwhile"):
            await ledger.enlist("late")  # it had looked before
        do(where, f"UPDATE rumbleup.about SET value = '{versions.DIGEST}' WHERE key = 'functions'")
        owner = await ledger.enlist("one")
        do(where, "UPDATE rumbleup.about SET value = 'of before' WHERE key = 'functions'")
        with pytest.raises(LedgerLocked, match=r"rumbleup stop.*lease has ended"):
            await asyncio.to_thread(upgrade, where)
        assert (await ledger.step(owner.id, [], 1, 0.0)).texts
        # It is cut off, its lease ends, and it comes back after the upgrade.
        assert ledger._to._steps is not None
        await ledger._to._steps.close()
        do(where, "UPDATE rumbleup.owner SET until = now() - interval '1 hour', lease = 0")
        assert await asyncio.to_thread(upgrade, where)
        assert (await ledger.step(owner.id, [], 1, 0.0)).is_fenced
        await ledger.aclose()

    asyncio.run(main())
