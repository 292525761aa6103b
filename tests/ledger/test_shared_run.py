"""What one machine may change of a run while others send it: nothing that they have read already."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from rumbleup_async.admission import GO, Verdict, Wait
from rumbleup_async.cli.ledger_place import stop_others
from rumbleup_async.cli.suppression import read_suppressed
from rumbleup_async.engine.claiming import Claiming
from rumbleup_async.engine.entries import Entry
from rumbleup_async.engine.sharing import Sharing
from rumbleup_async.errors import LedgerError, LedgerLocked
from rumbleup_async.messaging import Closed, Kept, Plan, Planned, Result, State, Text
from rumbleup_async.pauses import Wish
from rumbleup_async.postgres import server, settling, steps
from rumbleup_async.postgres.address import parse
from rumbleup_async.postgres.asking_others import ask_all
from rumbleup_async.postgres.ledger import PostgresLedger
from rumbleup_async.reasons import CAPPED
from rumbleup_async.stops import Cause, Stop
from tests.database import Database

PLAN = Plan(run="bcdfghjkmn", provider="rumbleup", action="125", text="Hi. STOP", same_text="Hi. STOP")
OTHER = msgspec.structs.replace(PLAN, run="cdfghjkmnp", action="777", text="Ho. STOP", same_text="Ho. STOP")
CONTACTS = [Planned(row, f"202234{row:04d}", "Hi. STOP") for row in range(1, 5)]
NOW = 1_700_000_000.0


@pytest.fixture
def address(postgres: Database, tmp_path: Path) -> str:
    return postgres.address(f"shared-{tmp_path.parent.name}-{tmp_path.name}", lease="2")


@asynccontextmanager
async def opened(address: str, plan: Plan | None = None, *, has_list: bool = False) -> AsyncIterator[PostgresLedger]:
    """The ledger of whoever is in charge; of one who joins without a plan."""
    ledger = PostgresLedger(address, joins=plan is None)
    try:
        await ledger.open(plan)
        if has_list:
            await ledger.load([CONTACTS])
            await ledger.complete("list")
        yield ledger
    finally:
        await ledger.aclose()


async def lapse(ledger: PostgresLedger, owner: int) -> None:
    """Its lease has ended: it was stopped for a while, or cut off."""
    async with ledger._to.steps() as connection:
        await connection.execute("UPDATE rumbleup.owner SET until = now() - interval '1 hour' WHERE id = %s", (owner,))
        ended = "SELECT rumbleup.lasts_until(o) < clock_timestamp() FROM rumbleup.owner o WHERE id = %s"
        while not await server.one(await connection.execute(ended, (owner,))):
            await asyncio.sleep(0.05)  # a server that has just begun gives everybody a whole lease


async def forget(ledger: PostgresLedger) -> None:
    """Its connection has broken, and with that its lock."""
    assert ledger._to._steps is not None
    await ledger._to._steps.execute("SELECT pg_advisory_unlock_all()")
    await ledger._to._steps.close()


def test_a_run_that_others_send_is_neither_read_anew_nor_replaced(address: str) -> None:
    """A joiner would text the old words to the new list, or the same people a second time."""

    async def main() -> None:
        async with opened(address, PLAN, has_list=True):
            joiner = PostgresLedger(address, joins=True)
            late = PostgresLedger(address, joins=True)
            await joiner.open(None)
            await late.open(None)
            mine = await joiner.enlist("one")
        with pytest.raises(LedgerLocked, match="rumbleup stop"):
            await PostgresLedger(address).open(OTHER)
        async with opened(address, PLAN) as first:
            with pytest.raises(LedgerLocked, match="rumbleup stop"):
                await first.load([CONTACTS])
            assert first.counts[State.QUEUED] == len(CONTACTS)
        # It is cut off for longer than its lease, and comes back to a run that is another one.
        await lapse(joiner, mine.id)
        await forget(joiner)
        async with opened(address, OTHER) as first:
            assert (await joiner.step(mine.id, [], 1, NOW)).is_fenced
            with pytest.raises(LedgerError, match="join it again"):
                await late.enlist("late")
            await first.load([[msgspec.structs.replace(CONTACTS[0], text="Ho. STOP")]])
            await first.complete("other")
            owner = await first.enlist("one")
            assert [text.text for text in (await first.step(owner.id, [], 5, NOW)).texts] == ["Ho. STOP"]
        await joiner.aclose()
        await late.aclose()

    asyncio.run(main())


def test_what_others_do_not_hear_of_is_not_changed_under_them(address: str) -> None:
    """Somebody suppressed on the resume would be texted by a machine that has joined before."""

    async def main() -> None:
        async with opened(address, PLAN, has_list=True) as first:
            await first.keep(Kept({"rate": 5.0}))
            own = await first.enlist("one")
            joiner, late = PostgresLedger(address, joins=True), PostgresLedger(address, joins=True)
            await joiner.open(None)
            await late.open(None)
            joining = asyncio.ensure_future(joiner.enlist("two"))
            while not joining.done():
                await first.step(own.id, [], 0, NOW)
            mine = await joining
            # How far it has come may be noted at any time, as of a canary; that is no other run.
            canary = {"rate": 5.0, "canary_now": {"stage": "passed"}}
            await first.keep(Kept(canary))
            async with opened(address) as third:
                await first.keep(Kept({**canary, "begun": True}))
                await first.step(own.id, [], 0, NOW)
                joining = asyncio.ensure_future(third.enlist("three"))
                while not joining.done():
                    for ledger, owner in ((first, own), (joiner, mine)):
                        await ledger.step(owner.id, [], 0, NOW)
                await joining
            opened_rows = [text.row for text in (await joiner.step(mine.id, [], 1, NOW)).texts]
        async with opened(address, PLAN) as first:
            await first.keep(Kept(canary))
            for kept in (Kept({**canary, "rate": 1.0}), Kept(canary, frozenset({"2022340003"}))):
                with pytest.raises(LedgerLocked, match="rumbleup stop"):
                    await first.keep(kept)
            await lapse(joiner, mine.id)
            await forget(joiner)
            await first.keep(kept)
            assert (await joiner.step(mine.id, [], 1, NOW)).is_fenced
            with pytest.raises(LedgerError, match="join it again"):
                await late.enlist("late")
            assert [row.row for row in await first.rows(0, 9) if row.state is State.UNKNOWN] == opened_rows
        await joiner.aclose()
        await late.aclose()

    asyncio.run(main())


def test_whoever_counts_alone_is_alone_after_its_lease_too(address: str) -> None:
    """It was stopped for a while, another joined, and both would send up to the limit."""

    async def main() -> None:
        async with opened(address, PLAN, has_list=True) as first, opened(address) as second:
            first.send_alone()
            alone = await first.enlist("one")
            await lapse(first, alone.id)
            with pytest.raises(LedgerError, match="one process alone"):
                await second.enlist("two")
            assert len((await first.step(alone.id, [], 1, NOW)).texts) == 1
            await lapse(first, alone.id)
            await forget(first)
            joined = await second.enlist("two")
            assert (await first.step(alone.id, [], 1, NOW)).is_fenced
            step = await second.step(joined.id, [], 9, NOW)
            assert [text.row for text in step.texts] == [2, 3, 4]

    asyncio.run(main())


def test_who_shares_a_rate_or_a_book_waits_until_all_know_of_it(postgres: Database, tmp_path: Path) -> None:
    """Both would send at the whole rate, or one give back what the other has claimed, if their leases differ."""

    async def main() -> None:
        long, short = (postgres.address(f"waits-{tmp_path.parent.name}-{tmp_path.name}", lease=lease) for lease in ("600", "2"))
        for options in ({"rate": 5.0}, {"book": "people.db"}):
            async with opened(long, PLAN, has_list=True) as first:
                await first.keep(Kept(options))
                alone = await first.enlist("one")
                async with opened(short) as second:
                    joining = asyncio.ensure_future(second.enlist("two"))
                    while len(await first.owners()) < 2:
                        assert not joining.done()
                    assert not joining.done()
                    assert (await first.step(alone.id, [], 0, NOW)).senders == 2
                    await joining

    asyncio.run(main())


def test_a_claim_is_not_taken_back_where_another_may_have_opened_the_contact() -> None:
    """The other's text would leave without a claim, and the next run text the same person again."""
    text = Text(1, "2022340001", "Hi. STOP")

    class Book:
        are_counted = False

        def __init__(self) -> None:
            self.released: list[str] = []

        async def claim(self, texts: Sequence[Text], now: float) -> Sequence[Verdict]:
            return [GO] * len(texts)

        async def admit(self, text: Text, now: float) -> Verdict:
            return GO

        async def release(self, phones: Sequence[str]) -> None:
            self.released += phones

    async def main() -> None:
        for is_shared in (False, True):
            book = Book()
            claiming = Claiming(book)
            await claiming.claimed([text], [GO], NOW)
            await claiming.release([])
            done = [Closed(1, State.QUEUED, 1)]
            claiming.note(done, {1: Entry(text, book, 0)})  # type: ignore[arg-type]
            await claiming.release(done, is_shared=is_shared)
            assert book.released == ([] if is_shared else [text.phone])
        sharing = Sharing()
        for number in (1, 2, 1):
            sharing.heard(number)
        assert sharing.was_shared

    asyncio.run(main())


def test_a_pause_and_a_stop_see_who_is_just_cut_off(address: str) -> None:
    """Whoever asks would be told that nobody sends, and the next text would leave."""

    async def main() -> None:
        async with opened(address.replace("lease=2", "lease=600"), PLAN, has_list=True) as first:
            await first.enlist("one")
            await forget(first)
            for wish in (Wish.PAUSE, Wish.STOP):
                asked = await asyncio.to_thread(ask_all, parse(address), wish, "ada", patience=0.0)
                assert asked.is_running
                assert not asked.is_heeded

    asyncio.run(main())


def test_whom_a_run_is_about_to_text_is_suppressed(address: str) -> None:
    """While somebody agrees to a run, another that suppresses it would take in those whom both then text."""

    async def main() -> None:
        async with opened(address, PLAN, has_list=True):
            assert len(await asyncio.to_thread(read_suppressed, [parse(address)], quiet=True)) == len(CONTACTS)
        assert not await asyncio.to_thread(read_suppressed, [parse(address)], quiet=True), "nobody was texted, nor will be"

    asyncio.run(main())


def test_what_ends_a_run_for_all_is_told_to_all(address: str) -> None:
    """One machine would stop for the cap of the day, or for opt-outs that cannot be read, and the others go on."""

    async def main() -> None:
        async with opened(address, PLAN, has_list=True) as first:
            await first.enlist("one")
            at = parse(address)
            await stop_others(at, Stop(Cause.OPT_OUTS_UNREAD, "why"))  # nobody else is there
            async with opened(address) as second:
                await second.enlist("two")
                for cause in (Cause.KEY_REFUSED, Cause.OPT_OUTS_UNREAD):
                    await stop_others(at, Stop(cause, "why"))
                (asked,) = await second.pauses.asked()
                assert asked.what is Wish.STOP
                assert "opt-outs unread" in asked.why

    asyncio.run(main())


def test_what_the_server_says_of_a_row_shows_nobody(address: str) -> None:
    """The phone and the text of somebody would stand in the traceback of a failed step."""

    async def main() -> None:
        async with opened(address, PLAN, has_list=True) as first:
            twice = "INSERT INTO rumbleup.contact SELECT * FROM rumbleup.contact WHERE run = %s"
            with pytest.raises(LedgerError) as caught:
                async with first._to.steps() as connection:
                    await connection.execute(twice, (first._run.id,))
            assert caught.value.__cause__ is None
            assert "2022340001" not in "".join(traceback.format_exception(caught.value))
            # Two that were in each other's way are no end of the run.
            tries = []

            async def work(connection: object) -> int:
                tries.append(connection)
                if len(tries) == 1:
                    raise psycopg.errors.DeadlockDetected("deadlock detected")
                return 5

            assert await first._to.patiently(work) == 5

    asyncio.run(main())


def test_what_is_closed_after_a_step_whose_answer_was_lost_is_closed(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text would be told as sent, and stand in the ledger as open: in doubt, once its process has ended."""

    async def main() -> None:
        ledger = PostgresLedger(address, patience=0.0)
        await ledger.open(PLAN)
        await ledger.load([CONTACTS])
        await ledger.complete("list")
        owner = (await ledger.enlist("one")).id
        await ledger.step(owner, [], 2, NOW)
        do = steps.do

        async def lost(connection: psycopg.AsyncConnection, doing: steps.Doing) -> steps.Answer:
            await do(connection, doing)
            await connection.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")

        first, second = (Closed(row, State.SENT, 1, logid=f"rl_{row}") for row in (1, 2))
        with monkeypatch.context() as patch:
            patch.setattr(steps, "do", lost)
            with pytest.raises(LedgerError, match="the database was away"):
                await ledger.step(owner, [first], 1, NOW)
        # The run ends with that, and hands in once more what was not written, and what has come since.
        await ledger.step(owner, [first, second], 0, NOW)
        states = [row.state for row in await ledger.rows(0, 9)]
        assert states == [State.SENT, State.SENT, State.INTENT, State.QUEUED]
        assert ledger.counts[State.SENT] == 2
        await ledger.aclose()

    asyncio.run(main())


def test_a_refusal_that_was_held_back_does_not_end_a_run_that_others_send(address: str) -> None:
    """Another machine has opened the contact meanwhile, and its text may be accepted."""

    async def main() -> None:
        async with opened(address, PLAN, has_list=True) as first:
            mine = (await first.enlist("one")).id
            await first.step(mine, [], 2, NOW)
            await first.step(mine, [Closed(row, State.QUEUED, 1) for row in (1, 2)], 0, NOW)
            async with opened(address) as second:
                yours = (await second.enlist("two")).id
                assert [text.row for text in (await second.step(yours, [], 1, NOW)).texts] == [1]
                refused = [Result(row, f"202234{row:04d}", State.REFUSED, attempts=1, time=1) for row in (1, 2)]
                assert await first.refuse(refused) == refused[1:]
                assert first.counts[State.REFUSED] == 1
                await second.step(yours, [Closed(1, State.SENT, 1, logid="rl_1")], 0, NOW)

    asyncio.run(main())


@pytest.mark.parametrize("verdict", [GO, Wait(NOW + 60, CAPPED)])
def test_a_refusal_waits_for_whoever_decides_about_its_contact(address: str, verdict: Verdict) -> None:
    """One that is being opened elsewhere would be refused under its text, one that is put off there would be texted again."""

    async def main() -> None:
        async with opened(address, PLAN, has_list=True) as first, opened(address) as second:
            mine, yours = (await first.enlist("one")).id, (await second.enlist("two")).id
            refused = [Result(1, "2022340001", State.REFUSED, attempts=1, time=1)]
            waiting: list[asyncio.Future[Sequence[Result]]] = []

            async def admit(texts: Sequence[Text]) -> Sequence[Verdict]:
                if not waiting:
                    waiting.append(asyncio.ensure_future(first.refuse(refused)))
                    await asyncio.sleep(0.2)
                return [verdict if text.row == 1 else GO for text in texts]

            await first.step(mine, [], 0, NOW)
            texts = (await second.step(yours, [], 1, NOW, admit=admit)).texts
            assert [text.row for text in texts] == [1 if verdict is GO else 2]
            if verdict is GO:
                assert await waiting[0] == []
                await second.step(yours, [Closed(1, State.SENT, 1, logid="rl_1")], 0, NOW)
            else:
                assert await waiting[0] == refused

    asyncio.run(main())


def test_a_connection_that_breaks_between_steps_does_not_end_the_run(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database was away for a second, and a run of hours would end with an error because a refusal was just written down."""
    moved = settling._moved
    broken: list[object] = []

    async def breaks(connection: psycopg.AsyncConnection, *given: Any) -> list[int]:
        counts = await moved(connection, *given)
        if len(broken) < 2:
            broken.append(connection)
            if len(broken) == 2:
                await connection.execute("COMMIT")  # it is done, and its answer is lost
            await connection.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return counts

    async def main() -> None:
        async with opened(address, PLAN, has_list=True) as ledger:
            owner = (await ledger.enlist("one")).id
            await ledger.step(owner, [], 2, NOW)
            await ledger.step(owner, [Closed(row, State.QUEUED, 1) for row in (1, 2)], 0, NOW)
            monkeypatch.setattr(settling, "_moved", breaks)
            refused = [Result(row, f"202234{row:04d}", State.REFUSED, attempts=1, time=1) for row in (1, 2)]
            assert await ledger.refuse(refused) == refused
            assert len(broken) == 2
            assert (ledger.counts[State.REFUSED], ledger.counts[State.QUEUED]) == (2, 2)

    asyncio.run(main())
