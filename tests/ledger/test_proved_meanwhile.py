"""A look into the log that others are not done with: a machine that wakes proves a text that is just being looked up."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from rumbleup_async.engine.ports import Books
from rumbleup_async.lookups import LookUpResult, Resolution, UnknownText
from rumbleup_async.messaging import Closed, State
from rumbleup_async.postgres import settling
from rumbleup_async.postgres.ledger import PostgresLedger
from rumbleup_async.reasons import ABSENT, Code, Reason
from rumbleup_async.runs.reconcile import reconcile
from tests.database import Database
from tests.ledger.test_shared_run import NOW, PLAN, forget, lapse, opened


class SlowLog:
    """Shows the second of three texts. While it is asked, `woken` brings the proof of the first."""

    def __init__(self, woken: PostgresLedger, owner: int) -> None:
        self.woken = woken
        self.owner = owner

    async def look_up(self, doubts: Sequence[UnknownText], books: Books) -> LookUpResult:
        step = await self.woken.step(self.owner, [Closed(1, State.SENT, 1, logid="rl_1")], 0, NOW)
        assert step.is_fenced
        return LookUpResult({2: "rl_2"}, frozenset({1, 3}), now=NOW, offset=0.0)


def test_a_look_up_goes_on_where_a_machine_that_woke_has_proved_a_text(postgres: Database, tmp_path: Path) -> None:
    """The look-up would end with an error, and everybody else in doubt stay so for one text that is known to be sent."""

    async def main() -> None:
        address = postgres.address(f"proved-{tmp_path.parent.name}-{tmp_path.name}", lease="2")
        async with opened(address, PLAN, has_list=True) as first, opened(address) as woken:
            await first.enlist("one")
            theirs = (await woken.enlist("two")).id
            await woken.step(theirs, [], 3, NOW)
            await forget(woken)
            await lapse(first, theirs)
            assert len(await first.expire(theirs)) == 3
            done = await reconcile(first, SlowLog(woken, theirs), PLAN, settle=0)
            assert (done.found, done.absent, done.undecided, done.problem) == (1, 1, 0, "")
            assert (first.counts[State.SENT], first.counts[State.NOT_SENT]) == (2, 1)
            # Its answer may have been lost: then the same is told once more.
            settled = [Resolution(row, State.NOT_SENT, ABSENT) for row in (1, 3)] + [
                Resolution(2, State.SENT, Reason(Code.FOUND), "rl_2")
            ]
            noted = await first._to.transacted(
                lambda connection: settling._settle(connection, first._to.session, first._run, settled, is_again=True)
            )
            assert {one.row for one in noted} == {2, 3}
            assert (first.counts[State.SENT], first.counts[State.NOT_SENT]) == (2, 1)

    asyncio.run(main())
