"""How much a database has to do for a step: what grows with the list would be felt only by whoever has a long one."""

import asyncio
import itertools
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import partial

import psycopg
import pytest

from rumbleup_async.admission import Go
from rumbleup_async.messaging import Closed, Plan, Planned, State, Text
from rumbleup_async.postgres.ledger import PostgresLedger
from rumbleup_async.reasons import Reason
from tests.database import Database

TEXT = "Hi. STOP"
PLAN = Plan(run="bcdfghjkmn", provider="rumbleup", action="125", text=TEXT, same_text=TEXT)
UNSAID = Reason()
CONTACTS, STEPS, WANTED = 3000, 20, 10
_FETCHED = """SELECT coalesce(idx_tup_fetch, 0) + seq_tup_read FROM pg_stat_user_tables
    WHERE schemaname = 'rumbleup' AND relname = 'contact'"""


async def admit(texts: Sequence[Text]) -> list[Go]:
    """Rules that let everybody go."""
    return [Go()] * len(texts)


def planned(first: int, number: int, place: int = 0) -> list[Planned]:
    return [Planned(row, f"202{2340000 + row}", TEXT, place=place) for row in range(first, first + number)]


async def steps(address: str, *, asks: bool = False, place: int = 0) -> None:
    """A list that nobody has counted yet comes in, and some of it is opened and closed."""
    ledger = PostgresLedger(address)
    await ledger.open(PLAN)
    for first in range(1, CONTACTS, 1000):
        await ledger.add(planned(first, 1000, place))
    owner = await ledger.enlist("x")
    done: list[Closed] = []
    now = time.time()
    shut = {place: now + 3600, place + 1: now - 1} if place else {}
    for _ in range(STEPS):
        step = await ledger.step(owner.id, done, WANTED, now, shut, admit=admit if asks else None)
        assert len(step.texts) == WANTED
        done = [Closed(text.row, State.SENT, 1, UNSAID, f"L{text.row}", 1) for text in step.texts]
    await ledger.step(owner.id, done, 0, time.time())
    await ledger.aclose()


async def expiry(address: str) -> None:
    """A process dies in the middle of a list, which another goes on with."""
    ledger = PostgresLedger(address)
    await ledger.open(PLAN)
    for first in range(1, CONTACTS, 1000):
        await ledger.add(planned(first, 1000))
    owner = await ledger.enlist("x")
    done: list[Closed] = []
    for _ in range(STEPS):
        step = await ledger.step(owner.id, done, WANTED, time.time())
        done = [Closed(text.row, State.SENT, 1, UNSAID, f"L{text.row}", 1) for text in step.texts]
    assert [one.row for one in await ledger.expire(owner.id)] == list(range(STEPS * WANTED - WANTED + 1, STEPS * WANTED + 1))
    await ledger.aclose()


async def claims(address: str) -> None:
    """Contacts that a provider hands out, beside many that are there."""
    ledger = PostgresLedger(address)
    await ledger.open(PLAN)
    for first in range(1, CONTACTS, 1000):
        await ledger.add(planned(first, 1000))
    owner = await ledger.enlist("x")
    done: list[Closed] = []
    for number in range(STEPS):
        drawn = planned(CONTACTS + 1 + number * WANTED, WANTED)
        texts = [one for one in await ledger.claim(owner.id, done, drawn, time.time()) if isinstance(one, Text)]
        assert len(texts) == WANTED
        done = [Closed(text.row, State.SENT, 1, UNSAID, f"L{text.row}", 1) for text in texts]
    await ledger.step(owner.id, done, 0, time.time())
    await ledger.aclose()


def fetched(address: str) -> int:
    """Rows of contacts that the database has looked at so far, once it counts no more: a process tells when it ends."""
    with psycopg.connect(address, autocommit=True) as db:
        known, still = -1, 0
        for _ in itertools.count():
            found = db.execute(_FETCHED).fetchone()
            number = 0 if found is None else int(found[0])
            still = still + 1 if number == known and number else 0
            if still == 3:
                return number
            known = number
            time.sleep(0.1)
    raise AssertionError


@pytest.mark.parametrize("way", ["steps", "asked", "places", "expiry", "claims"])
def test_a_step_looks_only_at_contacts_that_it_opens_or_closes(postgres: Database, way: str) -> None:
    """In a run that has just begun the server knows nothing of its table, and chose to go through all contacts in each step: a
    text cost the more of its processor the longer the list was."""
    name = f"work_{way}"
    with psycopg.connect(postgres.address(), autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name}".encode())
    address = postgres.address(way, database=name)
    ways: dict[str, Callable[[str], Coroutine[None, None, None]]] = {
        "steps": steps,
        "asked": partial(steps, asks=True),
        "places": partial(steps, place=7),
        "expiry": expiry,
        "claims": claims,
    }
    asyncio.run(ways[way](address))
    assert fetched(postgres.address(database=name)) < 10 * STEPS * WANTED


async def test_whoever_is_open_far_from_the_others_is_found_when_its_owner_has_died(postgres: Database) -> None:
    """It would stay in flight for ever, and nobody would be told that it may have been texted."""
    ledger = PostgresLedger(postgres.address("far"))
    await ledger.open(PLAN)
    await ledger.add(planned(1, 100))
    owner = await ledger.enlist("x")
    now = time.time()
    await ledger.step(owner.id, [], 50, now)
    back = [Closed(1, State.QUEUED, 1, UNSAID, due=now - 1), *(Closed(row, State.SENT, 1, UNSAID, "L") for row in range(2, 40))]
    assert [text.row for text in (await ledger.step(owner.id, back, 1, now)).texts] == [1]
    assert [one.row for one in await ledger.expire(owner.id)] == [1, *range(40, 51)]
    owner = await ledger.enlist("y")
    await ledger.step(owner.id, [], 100, now)
    assert not (await ledger.step(owner.id, [], 1, now)).texts
    assert [one.row for one in await ledger.expire(owner.id)] == list(range(51, 101))
    assert ledger.counts[State.UNKNOWN] == 62
    await ledger.aclose()
