"""What a ledger asks of its database server, and whom it takes for dead."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from rumbleup_async.cli import doctor_database
from rumbleup_async.errors import LedgerError, LedgerLocked, LedgerMismatch
from rumbleup_async.messaging import Closed, Identity, Plan, Planned, State
from rumbleup_async.postgres import server, versions
from rumbleup_async.postgres.address import parse
from rumbleup_async.postgres.ledger import PostgresLedger
from tests import database
from tests.database import Database

PLAN = Plan(run="bcdfghjkmn", provider="rumbleup", action="125", text="Hi. STOP", same_text="Hi. STOP")
MINE = Identity(provider="rumbleup", server="https://a:443", account="1")
YOURS = Identity(provider="rumbleup", server="https://a:443", account="2")
CONTACTS = [Planned(row, f"202234{row:04d}", "Hi. STOP") for row in range(1, 21)]


@pytest.fixture(scope="module")
def own() -> Iterator[Database]:
    """A server whose settings these tests may change."""
    found = database.make("-settings")
    yield found
    with contextlib.suppress(RuntimeError):
        found.stop()
    shutil.rmtree(found.folder)


def change(own: Database, *statements: str) -> None:
    with psycopg.connect(own.address(), autocommit=True) as db:
        for statement in (*statements, "SELECT pg_reload_conf()"):
            db.execute(statement.encode())


def opened(address: str) -> None:
    """Open a run there, and close it again."""

    async def main() -> None:
        ledger = PostgresLedger(address)
        await ledger.open(PLAN)
        await ledger.aclose()

    asyncio.run(main())


def said(address: str) -> dict[str, tuple[bool, str]]:
    return {one.check: (one.fine, one.says) for one in doctor_database.examine(parse(address, needs_run=False))}


def test_a_server_that_may_lose_who_was_texted_is_refused(own: Database) -> None:
    """After a power cut people would be texted again, or could not be told from those who were not."""
    change(own, "ALTER SYSTEM SET fsync = off")
    with pytest.raises(LedgerError, match="fsync=off"):
        opened(own.address("a"))
    assert not said(own.address())["database"][0]
    opened(own.address("a", fsync="off"))
    change(own, "ALTER SYSTEM SET fsync = on", "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    with pytest.raises(LedgerError, match="LATIN1"):
        opened(own.address("a", database="latin"))


def test_a_commit_waits_for_the_disk_whatever_the_database_is_set_to(own: Database) -> None:
    """An intent would be told as durable, and be gone with the power."""
    change(own, "ALTER DATABASE postgres SET synchronous_commit = off")
    opened(own.address("sync"))
    with psycopg.connect(own.address(), autocommit=True) as db:
        with db.transaction():
            assert db.execute("SHOW synchronous_commit").fetchone() == ("off",)
            db.execute("SELECT rumbleup.durable()")
            assert db.execute("SHOW synchronous_commit").fetchone() == ("on",)
        functions = db.execute(
            """SELECT proname FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace
            WHERE nspname = 'rumbleup' AND prosrc ~ '(UPDATE|INSERT)' AND prosrc !~ 'durable'"""
        ).fetchall()
    # These are called by others that have seen to it.
    of_others = {"count_in", "count_for", "believe", "next_rows", "bound_of", "count_segments", "count_paid"}
    assert {name for (name,) in functions} <= of_others
    change(own, "ALTER DATABASE postgres RESET synchronous_commit")


def test_who_may_not_is_told_what_to_ask_for(own: Database) -> None:
    """Somebody without rights would see the words of a database, and not what to do about them."""
    change(own, "CREATE ROLE poor LOGIN", "CREATE DATABASE theirs", "REVOKE CREATE ON DATABASE theirs FROM PUBLIC")
    poor = own.address("a", database="theirs").replace("postgres@", "poor@")
    with pytest.raises(LedgerError, match="rumbleup ledgers upgrade"):
        opened(poor)
    assert not said(poor)["rights"][0]
    assert versions.upgrade(parse(own.address(database="theirs"), needs_run=False))
    with pytest.raises(LedgerError, match="grant this user"):
        opened(poor)
    assert said(poor)["rights"] == (False, server.GRANT)
    with psycopg.connect(own.address(database="theirs"), autocommit=True) as db:
        db.execute("GRANT USAGE ON SCHEMA rumbleup TO poor")
        for kind in ("TABLES", "SEQUENCES", "FUNCTIONS"):
            db.execute(f"GRANT ALL ON ALL {kind} IN SCHEMA rumbleup TO poor".encode())
    opened(poor)
    assert all(fine for fine, _ in said(poor).values())
    # Somebody who may has made the schema, and nothing in it.
    change(own, "CREATE DATABASE made")
    with psycopg.connect(own.address(database="made"), autocommit=True) as db:
        db.execute("CREATE SCHEMA rumbleup")
    opened(own.address("a", database="made"))
    with psycopg.connect(own.address(database="theirs"), autocommit=True) as db:
        db.execute("UPDATE rumbleup.about SET value = '9' WHERE key = 'version'")
    with pytest.raises(LedgerError, match="newer version"):
        opened(own.address("a", database="theirs"))


def test_one_is_in_charge_and_others_join_as_who_they_are(postgres: Database, tmp_path: Path) -> None:
    """Two would decide on one run; or whoever joins with another key send the half of it from another account."""

    async def main() -> None:
        address = postgres.address(f"charge-{tmp_path.parent.name}-{tmp_path.name}", lease="2")
        first = PostgresLedger(address, identity=MINE)
        await first.open(PLAN)
        await first.add(CONTACTS)
        with pytest.raises(LedgerLocked, match="rumbleup join"):
            await PostgresLedger(address, identity=MINE).open(PLAN)
        with pytest.raises(LedgerMismatch, match="API key"):
            await PostgresLedger(address, identity=YOURS, joins=True).open(None)
        second = PostgresLedger(address, identity=MINE, joins=True)
        await second.open(None)
        owners = [(await ledger.enlist("one")).id for ledger in (first, second)]
        texts = [(await ledger.step(owner, [], 3, 0.0)).texts for ledger, owner in ((first, owners[0]), (second, owners[1]))]
        assert [[text.row for text in some] for some in texts] == [[1, 2, 3], [4, 5, 6]]
        # A lease that has ended is not enough as long as its process holds its lock.
        async with second._to.steps() as connection:
            await connection.execute("UPDATE rumbleup.owner SET until = now() - interval '1 hour' WHERE id = %s", (owners[0],))
        assert [one.is_dead for one in await second.owners()] == [False, False]
        assert await second.expire(owners[0]) == []
        step = await first.step(owners[0], [Closed(1, State.SENT, 1, logid="rl_1")], 1, 0.0)
        assert [text.row for text in step.texts] == [7]
        assert step.senders == 2
        # A step whose answer was lost is told again, and not done twice.
        first._run.steps[owners[0]] -= 1
        again = await first.step(owners[0], [Closed(1, State.SENT, 1, logid="rl_1")], 1, 0.0)
        assert [text.row for text in again.texts] == [7]
        await first.aclose()
        assert [one.is_dead for one in await second.owners()] == [True, False]
        gone = await second.expire(owners[0])
        assert [one.row for one in gone] == [2, 3, 7]
        await second.aclose()

    asyncio.run(main())


async def test_a_run_is_taken_away_with_its_contacts(postgres: Database) -> None:
    """Contacts without a run would be found under the next run of that number, or by nobody, with their phones."""
    ledger = PostgresLedger(postgres.address("taken-away"))
    await ledger.open(PLAN)
    await ledger.load([[*CONTACTS[:3], Planned(4, "2022340099", "Hi. STOP", kept='["Springfield"]')]])
    with psycopg.connect(postgres.address(), autocommit=True) as db:

        def left(number: int) -> list[int]:
            tables = ("contact", "kept", "fact")
            found = (db.execute(f"SELECT count(*) FROM rumbleup.{table} WHERE run = %s".encode(), (number,)) for table in tables)
            return [count for ((count,),) in found]

        ((number,),) = db.execute("SELECT id FROM rumbleup.run WHERE name = 'taken-away'")
        assert left(number)[:2] == [4, 1]
        db.execute("DELETE FROM rumbleup.run WHERE id = %s", (number,))
        assert left(number) == [0, 0, 0]
        with pytest.raises(LedgerError, match="taken this run out"):
            await ledger.add(CONTACTS)
        with pytest.raises(LedgerError, match="taken this run out"):
            await ledger.load([CONTACTS])
        await ledger.aclose()
        assert left(number) == [0, 0, 0]


def test_a_server_that_hangs_is_one_that_is_away(own: Database) -> None:
    """The run would wait for an answer for ever, and not end with a word once its patience is over."""
    first = int((own.folder / "data" / "postmaster.pid").read_text().split()[0])

    def signal_all(number: signal.Signals) -> None:
        found = subprocess.run(["pgrep", "-P", str(first)], stdout=subprocess.PIPE, text=True, check=True)
        for process in (first, *map(int, found.stdout.split())):
            os.kill(process, number)

    async def main() -> None:
        ledger = PostgresLedger(own.address("hangs", lease="2"), patience=1.0)
        await ledger.open(PLAN)
        await ledger.load([CONTACTS])
        owner = (await ledger.enlist("one")).id
        assert [text.row for text in (await ledger.step(owner, [], 1, 0.0)).texts] == [1]
        signal_all(signal.SIGSTOP)
        try:
            with pytest.raises(LedgerError, match="the database was away for"):
                await ledger.step(owner, [Closed(1, State.SENT, 1, logid="rl_1")], 1, 0.0)
        finally:
            signal_all(signal.SIGCONT)
        # Once it goes on it may do what it was told, and what came back from the provider is written.
        await ledger.step(owner, [Closed(1, State.SENT, 1, logid="rl_1")], 0, 0.0)
        assert ledger.counts[State.SENT] == 1
        await ledger.aclose()

    asyncio.run(main())
