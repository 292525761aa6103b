"""Limit, budget and cap of a run that several machines send: exact in whatever order they come."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rumbleup_async.admission import GO, Never, Verdict
from rumbleup_async.engine.counted import Counted
from rumbleup_async.errors import LedgerError
from rumbleup_async.messaging import Closed, Kept, Plan, Planned, State, Text
from rumbleup_async.money import Bounded
from rumbleup_async.postgres import settling
from rumbleup_async.postgres.ledger import PostgresLedger
from rumbleup_async.postgres.reads import fact
from rumbleup_async.reasons import Code, Reason
from rumbleup_async.stops import Cause, Stop
from tests.database import Database

PLAN = Plan(run="bcdfghjkmn", provider="rumbleup", action="125", text="Hi. STOP", same_text="Hi. STOP")
NOW = 1_700_000_000.0


@pytest.fixture
def address(postgres: Database, tmp_path: Path) -> str:
    return postgres.address(f"bounds-{tmp_path.parent.name}-{tmp_path.name}", lease="10")


class Machine:
    """One process that sends: what it has open, and how it closes that."""

    def __init__(self, ledger: PostgresLedger, owner: int) -> None:
        self.ledger = ledger
        self.owner = owner
        self.hand: list[Text] = []
        self.bounds: Bounded | None = None

    async def step(self, done: Sequence[Closed], want: int, *, asks: bool = False) -> list[Text]:
        closed = {close.row for close in done}
        step = await self.ledger.step(self.owner, done, want, NOW, admit=self._admit if asks else None)
        self.hand = [text for text in self.hand if text.row not in closed] + step.texts
        self.bounds = step.bounds
        return step.texts

    async def _admit(self, texts: Sequence[Text]) -> Sequence[Verdict]:
        return [Never(Reason(Code.SUPPRESSED)) if text.row % 7 == 0 else GO for text in texts]

    @property
    def cut(self) -> str:
        return "" if self.bounds is None else self.bounds.cut


@asynccontextmanager
async def machines(address: str, number: int, rows: int, **bounds: Any) -> AsyncIterator[list[Machine]]:
    """One that has begun the run with these bounds, and others that have joined it."""
    ledgers = [PostgresLedger(address, joins=bool(n)) for n in range(number)]
    await ledgers[0].open(PLAN)
    contacts = [Planned(row, f"202234{row:04d}", "Hi. STOP", segments=1 + row % 3) for row in range(1, rows + 1)]
    await ledgers[0].load([contacts])
    await ledgers[0].complete("list")
    await ledgers[0].keep(Kept({}))
    for ledger in ledgers[1:]:
        await ledger.open(None)
    for ledger in ledgers:
        await ledger.prices.known()
        await ledger.bounds.begin(**{"texts": None, "budget": None, "price": None, "cap": None, **bounds})
    yield [Machine(ledger, (await ledger.enlist("one")).id) for ledger in ledgers]
    for ledger in ledgers:
        await ledger.aclose()


def ends(texts: Sequence[Text], chance: random.Random) -> list[Closed]:
    kinds = {State.SENT: 5, State.QUEUED: 3, State.UNKNOWN: 1, State.REFUSED: 1}
    found = chance.choices(list(kinds), list(kinds.values()), k=len(texts))
    return [
        Closed(text.row, state, text.attempts + 1, logid=f"rl_{text.row}" if state is State.SENT else "", time=int(NOW * 1000))
        for text, state in zip(texts, found, strict=True)
    ]


def used(address: str) -> tuple[int, int, int]:
    """Of the contacts themselves: texts and segments that may have left, and texts that count for a limit."""
    server, _, name = address.partition("run=")
    with psycopg.connect(server.rstrip("?&")) as db:
        found = db.execute(
            """SELECT count(*) FILTER (WHERE state IN (1, 2, 6)),
                coalesce(sum(greatest(segments, 1)) FILTER (WHERE state IN (1, 2, 6)), 0),
                count(*) FILTER (WHERE state IN (1, 2, 3, 6))
            FROM rumbleup.contact WHERE run = (SELECT id FROM rumbleup.run WHERE name = %s)""",
            (name.partition("&")[0],),
        ).fetchone()
    assert found is not None
    return int(found[0]), int(found[1]), int(found[2])


@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize(("bounds", "cut"), [
    ({"texts": 40}, "limit"),
    ({"budget": 3_000_000, "price": 30_000}, "budget"),
    ({"cap": 90}, "day"),
    ({"texts": 60, "budget": 2_500_000, "price": 25_000, "cap": 110}, ""),
])  # fmt: skip
def test_no_interleaving_goes_beyond_a_bound(address: str, bounds: Mapping[str, int], cut: str, asks: bool) -> None:
    """One text more than was paid for, or than a carrier takes, would leave because two machines counted at once."""

    async def main() -> None:
        async with machines(address, 3, 400, **bounds) as some:
            chance = random.Random(f"{bounds} {asks}")
            most: list[bool] = []

            async def sends(one: Machine) -> None:
                for _ in range(25):
                    done = ends(chance.sample(one.hand, chance.randint(0, len(one.hand))), chance)
                    await one.step(done, chance.randint(0, 9), asks=asks)

            async def watches() -> None:
                while len(most) < 40:
                    _, segments, counted = await asyncio.to_thread(used, address)
                    most.append(
                        counted <= bounds.get("texts", counted)
                        and segments * bounds.get("price", 0) <= bounds.get("budget", 0)
                        and segments <= bounds.get("cap", segments)
                    )

            await asyncio.gather(*map(sends, some), watches())
            assert all(most)
            for one in some:  # what is given back is used again, to the last one
                await one.step([Closed(text.row, State.QUEUED, text.attempts) for text in one.hand], 0)
            while await some[0].step([], 50) or await some[1].step([], 50):
                await some[1].ledger.again()
                await some[0].ledger.again()
            assert some[1].cut or not cut
            assert some[1].cut == cut or not cut
            _, segments, counted = used(address)
            left = {
                "limit": bounds.get("texts", 1000) - counted,
                "budget": (bounds.get("budget", 10**9) - segments * bounds.get("price", 0)) // max(1, bounds.get("price", 0)),
                "day": bounds.get("cap", 1000) - segments,
            }
            assert min(left.values()) >= 0
            assert min(left.values()) <= (0 if cut == "limit" else 2), "so little is left that the next text does not fit"

    asyncio.run(main())


def test_prices_of_answers_count_on_all_machines(address: str) -> None:
    """A machine would go on at the price that was typed, when another has been charged twice that."""

    async def main() -> None:
        async with machines(address, 2, 60, budget=1_000_000, price=10_000) as (one, two):
            texts = await one.step([], 3)  # of 2, 3, and 1 segments
            paid = [Closed(text.row, State.SENT, 1, logid=f"rl_{text.row}", price=50_000 * text.segments) for text in texts]
            await one.step(paid, 0)
            while await two.step([], 10):
                pass
            assert two.bounds is not None
            assert (two.bounds.paid, two.bounds.dearest, two.cut) == (300_000, 50_000, "budget")
            assert 700_000 - 50_000 * two.bounds.segments in range(150_000)

    asyncio.run(main())


def test_whoever_begins_again_counts_what_was_used_before(address: str) -> None:
    """A resume would have the whole budget and the whole day once more."""

    async def main() -> None:
        async with machines(address, 2, 60, budget=300_000, price=10_000, cap=40) as (one, two):
            chance = random.Random(1)
            while texts := [*await one.step([], 5), *await two.step([], 5)]:
                for machine in (one, two):
                    await machine.step(ends(machine.hand, chance), 0)
            assert not texts
            segments = used(address)[1]
            for _ in range(2):
                await one.ledger.bounds.begin(texts=None, budget=300_000, price=10_000, cap=40)
                await two.ledger.again()
                assert not await two.step([], 5)
            assert two.bounds is not None
            assert two.bounds.segments == segments
            # The log settles what was in doubt, while another machine sends.
            doubts = await one.ledger.doubts(0, 100)
            assert doubts
            await settling.settle(one.ledger._to, one.ledger._run, [absent(doubt.row) for doubt in doubts])
            assert await two.step([], 50)
            assert used(address)[1] in range(28, 31)

    asyncio.run(main())


def test_a_limit_counts_nothing_that_was_open_before_it(address: str) -> None:
    """A resume of ten texts would send more, for what machines that had joined before gave back was added to them."""

    async def main() -> None:
        async with machines(address, 2, 60, texts=30) as (one, two):
            held = await two.step([], 8)
            await one.ledger.bounds.begin(texts=10, budget=None, price=None, cap=None)
            assert await one.step([], 4)
            await two.step([Closed(text.row, State.QUEUED, 0) for text in held[:5]], 0)
            await one.ledger.again()
            await two.ledger.again()
            # What is counted comes back where it is not sent, whoever had opened it before.
            again = await two.step([], 3)
            assert {text.row for text in again} <= {text.row for text in held}
            await two.step([Closed(text.row, State.QUEUED, 0) for text in again], 0)
            await two.ledger.again()
            while await two.step([], 5) or await one.step([], 5):
                pass
            assert two.cut == "limit"
            assert len(one.hand) + len(two.hand) == 10 + len(held[5:])

    asyncio.run(main())


def absent(row: int) -> Any:
    from rumbleup_async.lookups import Resolution
    from rumbleup_async.reasons import ABSENT

    return Resolution(row, State.NOT_SENT, ABSENT)


def test_a_day_that_is_over_gives_nothing_back_to_the_next(address: str) -> None:
    """Texts that were opened before midnight and come back after it would have more leave on the new day than its cap."""

    async def main() -> None:
        async with machines(address, 2, 200, cap=18) as (one, two):
            await one.step([], 9)
            assert not await two.step([], 9)
            async with one.ledger._to.steps() as connection:
                await connection.execute("UPDATE rumbleup.bound SET day = day - 86400 WHERE run = %s", (one.ledger._run.id,))
            await two.step([], 30)
            assert sum(text.segments for text in two.hand) == 18
            await one.step([Closed(text.row, State.QUEUED, 0) for text in one.hand], 0)
            assert not await one.step([], 9)
            await two.step([Closed(text.row, State.QUEUED, 0) for text in two.hand[:3]], 0)
            assert await one.step([], 9)

    asyncio.run(main())


def test_while_a_canary_goes_one_machine_alone_sends(address: str) -> None:
    """Half of the list would have been texted by those who joined before anybody had looked at how the canary did."""

    async def main() -> None:
        async with machines(address, 2, 60, is_canary=True) as (one, two):
            for asks in (False, True):
                assert not await two.step([], 5, asks=asks)
                assert two.cut == "canary"
            assert await one.step([], 5)
            await one.ledger.trial.draw(0, "", NOW, {})
            assert await two.step([], 5)

    asyncio.run(main())


@pytest.mark.parametrize("asks", [False, True])
def test_whoever_waits_for_a_canary_ends_with_whoever_drew_it(address: str, asks: bool) -> None:
    """The machine with the canary was taken home, or its key was refused: all others would wait for ever."""
    ends: list[Stop] = []

    async def main() -> None:
        async with machines(address, 2, 60, is_canary=True) as (one, two):
            counted = Counted(two.ledger.bounds, None, None, None)
            counted.spent = ends.append
            (first,) = await one.step([], 1)
            await one.step([Closed(first.row, State.SENT, 1, logid="rl_1")], 0)
            assert not await two.step([], 5, asks=asks)
            assert two.bounds is not None
            assert (two.cut, counted.heard(two.bounds, NOW)) == ("canary", NOW + 1.0)
            await one.ledger.finish(Stop(Cause.KEY_REFUSED), 1.0)
            await one.ledger.aclose()
            assert not await two.step([], 5, asks=asks)
            assert counted.heard(two.bounds, NOW) is None
            assert "resume the run" in str(ends[0])
            await two.ledger.finish(ends[0], 1.0)
            async with two.ledger._to.look() as connection:
                found = await fact(connection, two.ledger._run.id, "stop")
            assert "key_refused" in (found or ""), "why it has ended is not what those say who have joined"

    asyncio.run(main())


def test_nobody_joins_a_budget_that_is_not_counted(address: str) -> None:
    """An older version has begun the run, or nobody has yet: the one who joins would send without any bound."""

    async def main() -> None:
        async with machines(address, 2, 10) as (_, two):
            for bound in ({"budget": 1, "price": 1}, {"is_canary": True}):
                bounds: Any = {"texts": None, "budget": None, "price": None, "cap": None, **bound}
                with pytest.raises(LedgerError, match="rumbleup resume"):
                    await two.ledger.bounds.begin(**bounds)

    asyncio.run(main())
