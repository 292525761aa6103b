"""Limit, budget and cap of a run whose contacts several machines draw from the provider: exact in whatever order they come."""

import asyncio
import random
from collections.abc import Mapping
from pathlib import Path

import pytest

from rumbleup_async.messaging import Closed, Planned, State, Text
from rumbleup_async.postgres.ledger import PostgresLedger
from tests.database import Database
from tests.ledger.test_bounds import NOW, Machine, ends, machines, used


@pytest.fixture
def address(postgres: Database, tmp_path: Path) -> str:
    return postgres.address(f"drawn-{tmp_path.parent.name}-{tmp_path.name}", lease="10")


class Drawing:
    """One process that draws contacts and sends. `phones`: those of whoever may be handed out."""

    def __init__(self, machine: Machine, chance: random.Random) -> None:
        self.ledger, self.owner = machine.ledger, machine.owner
        self.chance = chance
        self.hand: list[Text] = []

    async def claim(self, done: list[Closed], number: int) -> int:
        rows = await self.ledger.numbers(number)
        some = [
            Planned(row, f"202234{self.chance.randrange(1000, 9000)}", "Hi. STOP", segments=self.chance.randint(1, 3))
            for row in rows
        ]
        answers = await self.ledger.claim(self.owner, done, some, NOW)
        closed = {close.row for close in done}
        texts = [answer for answer in answers if isinstance(answer, Text)]
        self.hand = [text for text in self.hand if text.row not in closed] + texts
        return len(texts)

    @property
    def cut(self) -> str:
        told = self.ledger.bounds.told
        return "" if told is None else told.cut


@pytest.mark.parametrize(("bounds", "cut"), [
    ({"texts": 40}, "limit"),
    ({"budget": 3_000_000, "price": 30_000}, "budget"),
    ({"cap": 90}, "day"),
])  # fmt: skip
def test_machines_that_draw_keep_to_a_bound_together(address: str, bounds: Mapping[str, int], cut: str) -> None:
    """Each machine would text as many as one was allowed, or what one had given back would never be sent."""

    async def main() -> None:
        async with machines(address, 3, 1, **bounds) as some:
            all_of_them = [Drawing(one, random.Random(f"{bounds} {number}")) for number, one in enumerate(some)]

            async def sends(one: Drawing) -> None:
                chance = one.chance
                for _ in range(20):
                    await one.claim(ends(chance.sample(one.hand, chance.randint(0, len(one.hand))), chance), chance.randint(1, 6))
                    _, segments, counted = await asyncio.to_thread(used, address)
                    assert counted <= bounds.get("texts", counted)
                    assert segments * bounds.get("price", 0) <= bounds.get("budget", 0)
                    assert segments <= bounds.get("cap", segments)

            await asyncio.gather(*map(sends, all_of_them))
            for one in all_of_them:  # what is given back is used again, to the last one
                await one.claim([Closed(text.row, State.QUEUED, text.attempts) for text in one.hand], 1)
            while await all_of_them[0].claim([], 20) or await all_of_them[1].claim([], 20):
                pass
            assert all_of_them[1].cut == cut
            _, segments, counted = used(address)
            price = bounds.get("price", 1)
            left = min(
                bounds.get("texts", 1000) - counted,
                bounds.get("budget", 10**9) // price - segments,
                bounds.get("cap", 1000) - segments,
            )
            assert 0 <= left <= 2, "so little is left that the next text may not fit"

    asyncio.run(main())


def test_a_claim_that_did_not_fit_is_told_once_more(address: str) -> None:
    """An answer that was lost would have whoever did not fit taken for texted, or counted twice."""

    async def main() -> None:
        async with machines(address, 2, 1, texts=3) as (one, other):
            ledger: PostgresLedger = one.ledger
            phones = ["2022345001", "2022345002", "2022345002", "2022345003", "2022345004", "2022345004"]
            who = [
                Planned(row, phone, "Hi. STOP", segments=1) for row, phone in zip(await ledger.numbers(6), phones, strict=True)
            ]
            answers = await ledger.claim(one.owner, [], who, NOW)
            assert [answer.phone for answer in answers if isinstance(answer, Text)] == [phones[0], phones[1], phones[3]]
            told = ledger.bounds.told
            ledger._run.steps[one.owner] -= 1  # as if it had never heard of it
            again = await ledger.claim(one.owner, [], who, NOW)
            assert [type(answer) for answer in again] == [type(answer) for answer in answers]
            assert [answer.row for answer in again] == [answer.row for answer in answers]
            assert (told and told.texts, ledger.bounds.told and ledger.bounds.told.texts) == (0, 0)
            # Whoever waits hears of what is given back, and opens nobody for that.
            assert (await other.ledger.step(other.owner, [], 0, NOW)).bounds == ledger.bounds.told
            back = next(answer for answer in answers if isinstance(answer, Text))
            await ledger.step(one.owner, [Closed(back.row, State.QUEUED, 0)], 0, NOW)
            heard = (await other.ledger.step(other.owner, [], 0, NOW)).bounds
            assert heard is not None
            assert (heard.texts, heard.open, heard.cut) == (1, 2, "")

    asyncio.run(main())
