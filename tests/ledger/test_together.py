"""What machines that send one run tell each other: "not now", and how fast the provider takes texts."""

import asyncio
from pathlib import Path

import psycopg
import pytest

from rumbleup_async.engine.pace import Pace
from rumbleup_async.engine.sharing import Sharing
from rumbleup_async.messaging import Closed, State
from rumbleup_async.postgres import server, steps
from rumbleup_async.postgres.ledger import PostgresLedger
from rumbleup_async.reasons import Code
from tests.database import Database
from tests.ledger.test_bounds import NOW, machines


@pytest.fixture
def address(postgres: Database, tmp_path: Path) -> str:
    return postgres.address(f"together-{tmp_path.parent.name}-{tmp_path.name}", lease="10")


def is_word(sharing: Sharing) -> bool:
    return sharing.has_word


def test_who_is_told_to_wait_holds_all(address: str) -> None:
    """The provider says "not now" to one machine, and the others go on until each has been told, too."""

    async def main() -> None:
        async with machines(address, 2, 40) as (one, two):
            sharings = [Sharing(), Sharing()]
            held: list[list[float]] = [[], []]
            for sharing, machine, list_ in zip(sharings, (one, two), held, strict=True):
                sharing.common, sharing.held = machine.ledger.common, list_.append
            sharings[0].hold(20.0, Code.NO_CONNECTION)
            assert not is_word(sharings[0]), "a network that is down is that of one machine"
            sharings[0].hold(20.0, Code.THROTTLED)
            assert is_word(sharings[0])
            await one.step([], 0)
            assert not is_word(sharings[0]), "it is told once"
            await two.step([], 1)
            sharings[1].heard(2)
            assert [19.0 < seconds <= 20.0 for seconds in held[1]] == [True]
            # A shorter one does not end it, and whoever comes late hears of it.
            sharings[1].hold(1.0, Code.THROTTLED)
            await two.step([], 0)
            late = PostgresLedger(address, joins=True)
            await late.open(None)
            await late.step((await late.enlist("late")).id, [], 0, NOW)
            assert late.common.heard.hold > 15.0
            await late.aclose()
            # A longer one that begins while a step is made is told by the next: the others would send within it.
            common = one.ledger.common
            common.hold(21.0)
            telling = common.to_tell()
            common.hold(25.0)
            common.told(telling, common.heard, 2)
            assert is_word(sharings[0])
            # Whoever closes at the same time has its entry closed all the same.
            text = two.hand[0]
            sharings[1].hold(30.0, Code.SERVER_ANSWERED)
            await two.step([Closed(text.row, State.SENT, 1, logid="rl_1")], 0)
            await one.step([], 0)
            assert one.ledger.common.heard.hold > 28.0
            assert one.ledger.counts[State.SENT] == 1

    asyncio.run(main())


def test_a_step_that_is_told_once_more_tells_of_the_others(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever had lost an answer would take itself for alone: the whole rate for one, and no hold of the others."""
    do, lost = steps.do, list[int]()

    async def loses(connection: psycopg.AsyncConnection, doing: steps.Doing) -> steps.Answer:
        answer = await do(connection, doing)
        if not lost:
            lost.append(doing.number)
            raise server.Said.of(psycopg.OperationalError("server closed the connection"), "lost")
        return answer

    async def main() -> None:
        async with machines(address, 2, 40) as (one, two):
            one.ledger.common.hold(20.0)
            await one.step([], 0)
            monkeypatch.setattr(steps, "do", loses)
            step = await two.ledger.step(two.owner, [], 1, NOW)
            assert lost
            assert (len(step.texts), step.senders) == (1, 2)
            assert two.ledger.common.heard.hold > 15.0

    asyncio.run(main())


def test_what_is_learned_is_shared_and_a_part_goes_back(address: str) -> None:
    """Whoever joins would send as if nobody had met the provider's limit, and a machine that dies take its part of it along."""

    async def main() -> None:
        async with machines(address, 3, 40) as some:
            paces = [Pace() for _ in some]
            sharings = [Sharing() for _ in some]
            for sharing, machine, pace in zip(sharings, some, paces, strict=True):
                sharing.common, sharing.told, sharing.adopt = machine.ledger.common, pace.share, pace.adopt
                sharing.learned = lambda pace=pace: pace.learned  # type: ignore[misc]

            async def steps(*which: int) -> None:
                for n in which:
                    sharings[n].before()
                    sharings[n].heard((await some[n].ledger.step(some[n].owner, [], 0, NOW)).senders)

            # The first has learned it alone; whoever comes hears of it before that one has heard of them, or after.
            sharings[0].heard(1)
            paces[0]._go_by(90.0)
            sharings[0].before()
            await some[0].ledger.step(some[0].owner, [], 0, NOW)
            await steps(1, 0, 2)
            assert [pace.learned for pace in paces] == [30.0, 30.0, 30.0]
            paces[1]._go_by(33.0)
            paces[0]._go_by(27.0)
            await steps(0, 1, 2)
            assert [pace.learned for pace in paces] == [27.0, 33.0, 30.0], "each goes on to learn its own part"
            async with some[0].ledger._to.steps() as connection:
                await connection.execute("UPDATE rumbleup.owner SET until = 'epoch' WHERE id = %s", (some[2].owner,))
            await steps(0, 1)
            assert [pace.learned for pace in paces[:2]] == [27.0 * 1.5, 33.0 * 1.5]

    asyncio.run(main())
