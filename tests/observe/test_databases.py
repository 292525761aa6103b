"""The page over runs in a database: looked at, steered, gone, and told apart."""

import asyncio
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.messaging import Closed, Plan, Planned, Second, Skipped, State
from rumbleup_async.observe.gallery import Gallery
from rumbleup_async.observe.looks import Look
from rumbleup_async.observe.serving import Keys, Page, serve
from rumbleup_async.postgres.address import parse
from rumbleup_async.postgres.ledger import PostgresLedger
from rumbleup_async.postgres.reader import Reader
from rumbleup_async.reasons import Code, Reason
from rumbleup_async.stops import Cause, Stop
from tests.books import exchange, open_ledger, owner_of
from tests.database import Database
from tests.observe.test_gallery import counted
from tests.observe.test_serving import MINE, Reading, messages

PLAN = Plan(run="qrtxntzqqb", provider="rumbleup", action="125", text="Hi {name}. STOP")
_number = itertools.count()


@pytest.fixture
def database(postgres: Database) -> Iterator[str]:
    """The address of a database of its own."""
    name = f"watched{next(_number)}"
    import psycopg

    with psycopg.connect(postgres.address(), autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name}")
        yield postgres.address(database=name)
        db.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def begun(address: str, number: int) -> PostgresLedger:
    """A run of so many contacts, and one who is skipped."""
    ledger = PostgresLedger(parse(address))
    await open_ledger(ledger, PLAN)
    planned = [Planned(row, f"1202{row:07d}", "Hi Ada. STOP", segments=2) for row in range(1, number + 1)]
    await ledger.add([*planned, Skipped(number + 1, "", Reason(Code.NO_CONSENT))])
    await ledger.complete("list")
    return ledger


async def sent(ledger: PostgresLedger, rows: list[int], at: int) -> None:
    """These leave, and the second at which they did is noted."""
    await exchange(ledger, [], len(rows))
    done = [Closed(row, State.SENT, 1, Reason(), f"L{row}", at * 1000) for row in rows]
    second = Second(at, sent=len(rows), latencies=(0, 0, 0, len(rows)), rate=40.0)
    await ledger.step(await owner_of(ledger), done, 0, at, second=second)


async def test_a_run_in_a_database_is_seen_while_it_goes_and_as_it_ends(database: str) -> None:
    """The same as of a file: counts, seconds, reasons, segments, and why it ended."""
    ledger = await begun(f"{database}&run=friday", 10)
    await sent(ledger, [1, 2, 3, 4], 1_800_000_000)
    gallery = Gallery([f"{database}&run=friday"])
    (watched,) = await asyncio.to_thread(gallery.ledgers)
    look = await asyncio.to_thread(counted, watched)
    assert (look.name, look.project, look.is_running, look.problem) == ("friday", "125", True, "")
    assert (look.counts["sent"], look.counts["queued"], look.counts["skipped"], look.total) == (4, 6, 1, 11)
    assert [(one.code, one.number) for one in look.details.reasons] == [("no_consent", 1)]
    assert (look.details.segments["sent"], look.details.segments["queued"]) == (8, 12)
    assert [point.sent for point in watched.points(1)] == [4.0]
    await ledger.finish(Stop(Cause.DAILY_CAP, why=Reason(Code.DAILY_CAP, "441 used up")), 1.0)
    await ledger.aclose()
    async with asyncio.timeout(20):
        while (look := await asyncio.to_thread(watched.look)).is_running:
            await asyncio.sleep(0.1)
    assert (look.cause, look.seconds_left) == ("daily_cap", None)
    await asyncio.to_thread(gallery.close)


async def test_all_runs_of_a_database_are_shown_and_told_apart(database: str) -> None:
    """The newest first, each under a name of its own; a run that begins later comes along."""
    ledgers = [await begun(f"{database}&run={name}", 2) for name in ("one", "two")]
    gallery = Gallery([database])
    shown = await asyncio.to_thread(lambda: [one.look().name for one in gallery.ledgers()])
    assert shown == ["two", "one"]
    ledgers.append(await begun(f"{database}&run=three", 2))
    await asyncio.sleep(0.5)
    found = await asyncio.to_thread(gallery.ledgers)
    assert len({one.id for one in found}) == 3
    for ledger in ledgers:
        await ledger.aclose()
    await asyncio.to_thread(gallery.close)


async def test_it_is_steered_over_the_page(database: str) -> None:
    """A pause is durable in the database, with the page named as who asked; nobody without the key makes one."""
    await (await begun(f"{database}&run=friday", 3)).aclose()
    async with serve(Page([database], Keys(steer="let-me")), "127.0.0.1", 0) as url, aiohttp.ClientSession() as session:
        page = Reading(session, url, Path())
        assert (await page.steer("pause", {}))[0] == 403
        assert (await page.steer("pause", MINE))[0] == 200
        reader = await asyncio.to_thread(Reader, parse(f"{database}&run=friday"))
        pause = await asyncio.to_thread(lambda: reader.pause)
        reader.close()
        assert pause is not None
        assert "page" in pause.who
        async with session.get(f"{url}events") as answer:
            _, told = await anext(messages(answer))
            assert told["look"]["paused"]["who"] == pause.who
        assert (await page.steer("continue", MINE))[0] == 200
        status, words = await page.steer("stop", MINE)
        assert (status, "nothing to stop" in words, "host=" in words) == (409, True, False)


async def test_a_server_that_goes_away_is_said_and_comes_back(database: str) -> None:
    """The page stays, says what is the matter without the address of the server, and goes on by itself."""
    import psycopg

    await (await begun(f"{database}&run=friday", 3)).aclose()
    gallery = Gallery([database])
    (watched,) = await asyncio.to_thread(gallery.ledgers)
    assert (await asyncio.to_thread(watched.look)).total == 4
    with psycopg.connect(database, autocommit=True) as db:
        others = "pid <> pg_backend_pid() AND datname = current_database()"
        db.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
    await asyncio.sleep(0.5)
    looked = await asyncio.to_thread(lambda: [one.look() for one in gallery.ledgers()])
    assert [(look.run, "host=" in look.problem) for look in looked] == [("", False)]
    assert looked[0].problem
    async with asyncio.timeout(20):
        while (await asyncio.to_thread(_first, gallery)).total != 4:
            await asyncio.sleep(0.2)
    await asyncio.to_thread(gallery.close)


def _first(gallery: Gallery) -> Look:
    return gallery.ledgers()[0].look()


async def test_looking_writes_nothing(database: str) -> None:
    """The connection of the page could not, even if it were asked to."""
    import psycopg

    await (await begun(f"{database}&run=friday", 3)).aclose()
    gallery = Gallery([database])
    (watched,) = await asyncio.to_thread(gallery.ledgers)
    await asyncio.to_thread(watched.look)
    (one,) = gallery._databases.values()
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        one._connection().execute("DELETE FROM rumbleup.contact")
    await asyncio.to_thread(gallery.close)


@pytest.mark.parametrize("where", ["mysql://host/db", "postgresql://user:secret@host/db"])
def test_what_is_no_ledger_is_refused_without_its_secret(where: str) -> None:
    """A password in an address is never repeated."""
    with pytest.raises(ConfigurationError) as told:
        Gallery([where])
    assert "secret" not in str(told.value)


async def test_a_page_says_json(database: str) -> None:
    """Runs of a database are in the list of runs."""
    await (await begun(f"{database}&run=friday", 3)).aclose()
    async with serve(Page([database]), "127.0.0.1", 0) as url, aiohttp.ClientSession() as session:
        told = json.loads((await Reading(session, url, Path()).get("runs"))[1])
    assert [(run["name"], run["total"], run["stands"]) for run in told["runs"]] == [("friday", 4, "not begun")]
