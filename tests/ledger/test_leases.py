"""What every ledger does with owners, places, due times and rules; part of the contract."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from rumbleup_async.admission import GO, Never, Verdict, Wait
from rumbleup_async.engine.ports import Ledger
from rumbleup_async.errors import LedgerError, LedgerFenced, LedgerLocked
from rumbleup_async.ledger import MemoryLedger, Reader, SqliteLedger
from rumbleup_async.lookups import Resolution
from rumbleup_async.messaging import Closed, Plan, Planned, Second, State, Text
from rumbleup_async.reasons import ABSENT, NO_REASON, Code, Reason
from tests import virtual_time

PLAN = Plan(run="bcdfghjkmn", provider="rumbleup", action="125", text="Hi {name}. STOP")
NOW = 1_700_000_000.0
Make = Callable[[], Ledger]


def planned(row: int, place: int = 0) -> Planned:
    return Planned(row, f"202234{row:04d}", f"Hi {row}. STOP", place=place)


def sent(row: int, logid: str = "rl") -> Closed:
    return Closed(row, State.SENT, 1, NO_REASON, logid, 5)


@pytest.fixture(params=["memory", "sqlite"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """A ledger, and for a file the same one again in the hands of the next process."""
    memory = MemoryLedger()
    return lambda: memory if request.param == "memory" else SqliteLedger(tmp_path / "run.ledger")


def using(make: Make, work: Callable[[Ledger], Awaitable[None]], *contacts: Planned) -> None:
    async def main() -> None:
        ledger = make()
        await ledger.open(PLAN)
        await ledger.add(contacts or [planned(row) for row in range(1, 11)])
        await work(ledger)
        await ledger.aclose()

    virtual_time.run(main())


def rows(texts: Sequence[Text]) -> list[int]:
    return [text.row for text in texts]


async def states(ledger: Ledger) -> dict[int, State]:
    return {result.row: result.state for result in await ledger.rows(-1, 100)}


# ---- owners ----


def test_owners_side_by_side_have_their_own_entries(make: Make) -> None:
    """One process would close, or be given, what another has in flight."""

    async def work(ledger: Ledger) -> None:
        one, other = await ledger.enlist("one"), await ledger.enlist("other")
        assert one.id != other.id
        assert rows((await ledger.step(one.id, [], 2, NOW)).texts) == [1, 2]
        assert rows((await ledger.step(other.id, [], 2, NOW)).texts) == [3, 4]
        before = await states(ledger)
        with pytest.raises(LedgerError, match="was not open"):
            await ledger.step(other.id, [sent(3), sent(1)], 1, NOW)
        assert await states(ledger) == before
        assert rows((await ledger.step(one.id, [sent(1)], 1, NOW)).texts) == [5]
        assert rows((await ledger.step(other.id, [sent(4), sent(3)], 1, NOW)).texts) == [6]
        assert [(owner.name, owner.is_dead) for owner in await ledger.owners()] == [("one", False), ("other", False)]

    using(make, work)


def test_an_owner_that_is_expired_while_it_lives_opens_nothing_more(make: Make) -> None:
    """A machine that slept through its lease would text people whom another has taken over."""

    async def work(ledger: Ledger) -> None:
        slow, other = await ledger.enlist("slow"), await ledger.enlist("other")
        await ledger.step(slow.id, [], 3, NOW)
        await ledger.step(other.id, [], 1, NOW)
        gone = await ledger.expire(slow.id)
        assert [(one.row, one.state, one.why.code) for one in gone] == [
            (row, State.UNKNOWN, Code.INTERRUPTED) for row in (1, 2, 3)
        ]
        assert await ledger.expire(slow.id) == []
        assert await ledger.expire(99) == []
        assert (ledger.counts[State.UNKNOWN], ledger.counts[State.INTENT]) == (3, 1)
        step = await ledger.step(slow.id, [Closed(1, State.REFUSED, 1), Closed(2, State.QUEUED, 1), sent(3, "")], 5, NOW)
        assert (step.is_fenced, step.texts, step.results) == (True, [], [])
        assert [(await states(ledger))[row] for row in (1, 2, 3, 4)] == [*[State.UNKNOWN] * 3, State.INTENT]
        assert [owner.name for owner in await ledger.owners()] == ["other"]
        assert rows((await ledger.step(other.id, [sent(4)], 1, NOW)).texts) == [5]
        with pytest.raises(LedgerFenced):
            await ledger.claim(slow.id, [], [planned(11)], NOW)

    using(make, work)


@pytest.mark.parametrize("is_absent", [False, True])
def test_a_fenced_owner_may_bring_proof(make: Make, is_absent: bool) -> None:
    """The list of those in doubt would have people on it whose acceptance somebody holds in hands; or another's word counts."""

    async def work(ledger: Ledger) -> None:
        slow, other = await ledger.enlist("slow"), await ledger.enlist("other")
        await ledger.step(slow.id, [], 2, NOW)
        await ledger.step(other.id, [], 1, NOW)
        await ledger.expire(slow.id)
        await ledger.expire(other.id)
        if is_absent:
            await ledger.settle([Resolution(1, State.NOT_SENT, ABSENT)])
        step = await ledger.step(slow.id, [sent(1, "rl_1"), sent(3, "rl_3")], 0, NOW)
        assert step.is_fenced
        assert [(one.row, one.state, one.logid) for one in step.results] == [(1, State.SENT, "rl_1")]
        assert await states(ledger) == {1: State.SENT, 2: State.UNKNOWN, 3: State.UNKNOWN}
        assert ledger.counts[State.SENT] == 1
        assert (await ledger.step(slow.id, [sent(1, "rl_9")], 0, NOW)).results == []
        with pytest.raises(LedgerFenced):
            await ledger.claim(slow.id, [sent(2, "rl_2")], [], NOW)
        assert (await states(ledger))[2] is State.SENT

    using(make, work, *(planned(row) for row in (1, 2, 3)))


def test_opening_touches_nothing(make: Make) -> None:
    """A look by a second machine would make everything unknown that the first has in flight."""

    async def work(ledger: Ledger) -> None:
        owner = await ledger.enlist("first")
        await ledger.step(owner.id, [], 2, NOW)
        await ledger.aclose()
        again = make()
        await again.open(PLAN)
        assert again.counts[State.INTENT] == 2
        assert [(one.id, one.name, one.is_dead) for one in await again.owners()] == [(owner.id, "first", True)]
        assert (await again.enlist("next")).id != owner.id
        assert [one.row for one in await again.expire(owner.id)] == [1, 2]
        assert [one.name for one in await again.owners()] == ["next"]
        await again.aclose()

    using(make, work)


def test_a_ledger_in_memory_serves_one_run_at_a_time() -> None:
    """Two runs over one ledger would each take the other for dead."""

    async def main() -> None:
        ledger = MemoryLedger()
        await ledger.open(PLAN)
        with pytest.raises(LedgerLocked):
            await ledger.open(PLAN)
        await ledger.aclose()
        await ledger.open(PLAN)

    virtual_time.run(main())


# ---- places and due times ----


def test_who_is_shut_soonest_comes_first_and_who_is_shut_not_at_all(make: Make) -> None:
    """People would be texted at night, or the east coast miss the hour that it has left."""
    contacts = [planned(1), planned(2, 3), planned(3, 2), planned(4, 1), planned(5, 2), planned(6, 4), planned(7)]

    async def work(ledger: Ledger) -> None:
        owner = (await ledger.enlist("one")).id
        shut = {1: NOW, 2: NOW + 50, 3: NOW + 20}
        step = await ledger.step(owner, [], 2, NOW, shut)
        assert (rows(step.texts), [text.place for text in step.texts]) == ([2, 3], [3, 2])
        assert (step.due, step.shut) == (None, frozenset())
        step = await ledger.step(owner, [], 10, NOW, shut)
        assert rows(step.texts) == [5, 1, 6, 7], "then whoever may be texted at any time, in the order of the list"
        assert (step.due, step.shut, step.is_more) == (None, frozenset({1}), False)
        await ledger.add([planned(8, 5), planned(9, 2)])
        step = await ledger.step(owner, [], 10, NOW + 60, {1: NOW + 100, 2: NOW + 50, 5: NOW + 70})
        assert rows(step.texts) == [8, 4]
        assert step.shut == {2}

    using(make, work, *contacts)


def test_the_order_of_the_list_holds_where_nothing_is_shut(make: Make) -> None:
    """A resume that was given no hours would text its list by time zones."""
    contacts = [planned(row, row % 3) for row in range(1, 13)]

    async def work(ledger: Ledger) -> None:
        owner = (await ledger.enlist("one")).id
        assert rows((await ledger.step(owner, [], 5, NOW)).texts) == [1, 2, 3, 4, 5]
        assert rows((await ledger.step(owner, [], 50, NOW)).texts) == list(range(6, 13))

    using(make, work, *contacts)


def test_who_was_put_off_comes_when_due(make: Make) -> None:
    """Somebody would be texted before the provider's reset, or wait for a resume that nobody makes."""

    async def work(ledger: Ledger) -> None:
        owner = (await ledger.enlist("one")).id
        await ledger.step(owner, [], 3, NOW)
        why = Reason(Code.DAILY_CAP, "the cap of today")
        off = [Closed(1, State.QUEUED, 1, why, due=NOW + 60), Closed(2, State.QUEUED, 1, why, due=NOW + 30), sent(3)]
        step = await ledger.step(owner, off, 5, NOW)
        assert (step.texts, step.due) == ([], NOW + 30)
        assert await ledger.again()
        assert (await ledger.step(owner, [], 5, NOW + 29)).texts == [], "beginning anew does not make them due"
        step = await ledger.step(owner, [], 5, NOW + 30)
        assert [(text.row, text.why, text.attempts) for text in step.texts] == [(2, why, 1)]
        assert step.due == NOW + 60
        await ledger.step(owner, [Closed(2, State.QUEUED, 2, why, due=NOW + 90)], 0, NOW + 31)
        await ledger.aclose()
        again = make()
        await again.open(PLAN)
        owner = (await again.enlist("next")).id
        step = await again.step(owner, [], 5, NOW + 59)
        assert (step.texts, step.due) == ([], NOW + 60)
        assert rows((await again.step(owner, [], 5, NOW + 100)).texts) == [1, 2]
        await again.aclose()

    using(make, work, *(planned(row) for row in (1, 2, 3)))


# ---- rules ----


def rules(verdicts: dict[int, Verdict], asked: list[int]) -> Callable[[Sequence[Text]], Awaitable[list[Verdict]]]:
    async def admit(texts: Sequence[Text]) -> list[Verdict]:
        await asyncio.sleep(0)
        asked.extend(rows(texts))
        return [verdicts.get(text.row, GO) for text in texts]

    return admit


def test_what_the_rules_say_is_durable_in_the_same_step(make: Make) -> None:
    """Somebody who has opted out would be texted, or lost between two steps."""
    no, later = Reason(Code.SUPPRESSED), Reason(Code.OUTSIDE_HOURS, "until 9:00")
    verdicts: dict[int, Verdict] = {
        1: Never(no),
        2: Wait(NOW + 60, later),
        4: Never(no, State.SKIPPED),
        9: Wait(NOW + 90, later),
    }

    async def work(ledger: Ledger) -> None:
        owner, asked = (await ledger.enlist("one")).id, list[int]()
        admit = rules(verdicts, asked)
        step = await ledger.step(owner, [], 3, NOW, admit=admit)
        assert rows(step.texts) == [3, 5, 6], "as many as were wanted, whoever was turned away before"
        assert [(one.row, one.state, one.why) for one in step.results] == [(1, State.NOT_SENT, no), (4, State.SKIPPED, no)]
        assert asked == [1, 2, 3, 4, 5, 6]
        found = {result.row: (result.state, result.why) for result in await ledger.rows(-1, 100)}
        assert found[2] == (State.QUEUED, later)
        assert ledger.counts == {**dict.fromkeys(State, 0), State.NOT_SENT: 1, State.SKIPPED: 1, State.INTENT: 3, State.QUEUED: 5}
        step = await ledger.step(owner, [sent(3)], 9, NOW, admit=admit)
        assert (rows(step.texts), step.due) == ([7, 8, 10], NOW + 60)
        del verdicts[2]
        step = await ledger.step(owner, [], 9, NOW + 60, admit=admit)
        assert [(text.row, text.why) for text in step.texts] == [(2, later)]
        assert step.due == NOW + 90

    using(make, work)


@pytest.mark.parametrize("way", ["fails", "too few", "wrong state", "cancelled"])
def test_rules_that_fail_lose_nobody(make: Make, way: str) -> None:
    """A look-up that fails would leave contacts that no step comes to any more, or open them unasked."""

    async def admit(texts: Sequence[Text]) -> list[Verdict]:
        if way == "cancelled":
            await asyncio.Event().wait()
        if way == "fails":
            raise RuntimeError("no connection to the store")
        return [] if way == "too few" else [Never(NO_REASON, State.SENT) for _ in texts]

    async def work(ledger: Ledger) -> None:
        owner = (await ledger.enlist("one")).id
        await ledger.step(owner, [], 1, NOW)
        before = await states(ledger)
        asking = asyncio.create_task(ledger.step(owner, [sent(1)], 3, NOW, admit=admit))
        if way == "cancelled":
            await asyncio.sleep(0.5)
            await ledger.again()
            asking.cancel()
        await asyncio.wait([asking])
        assert asking.cancelled() or asking.exception() is not None
        assert await states(ledger) == before
        step = await ledger.step(owner, [sent(1)], 3, NOW, admit=rules({}, []))
        assert rows(step.texts) == [2, 3, 4]

    using(make, work)


def test_owners_that_ask_at_the_same_time_get_different_contacts(make: Make) -> None:
    """While the rules are asked for one process another would be given the same contact."""

    async def work(ledger: Ledger) -> None:
        one, other = (await ledger.enlist("one")).id, (await ledger.enlist("other")).id
        steps = [ledger.step(owner, [], 3, NOW, admit=rules({2: Wait(NOW + 9, NO_REASON)}, [])) for owner in (one, other)]
        asking = [asyncio.create_task(step) for step in steps]
        for _ in range(3):
            await asyncio.sleep(0)
            await ledger.again()
        found = [row for task in asking for row in rows((await task).texts)]
        assert sorted(found) == [1, 3, 4, 5, 6, 7]
        await ledger.again()
        assert rows((await ledger.step(one, [], 9, NOW)).texts) == [8, 9, 10]

    using(make, work)


def test_seconds_are_kept_for_whoever_looks(tmp_path: Path) -> None:
    """A look at a long run would have to count millions of rows, or know nothing of how it went."""

    async def main() -> None:
        ledger = SqliteLedger(tmp_path / "run.ledger")
        await ledger.open(PLAN)
        await ledger.add([planned(row) for row in range(1, 11)])
        one, other = (await ledger.enlist("one")).id, (await ledger.enlist("other")).id
        await ledger.step(one, [], 2, NOW, second=Second(7, sent=3, latencies=(1, 2), rate=20.0))
        await ledger.step(other, [], 2, NOW, second=Second(7, sent=1, refused=1, held=0.5, latencies=(0, 0, 1), rate=5.0))
        await ledger.step(one, [sent(1)], 0, NOW, second=Second(8, sent=1))
        reader = Reader(ledger.path)
        assert reader.seconds() == [Second(7, 4, 1, 0, 0, 0.5, (1, 2, 1), 25.0), Second(8, 1)]
        assert reader.seconds(7) == [Second(8, 1)]
        reader.close()
        await ledger.aclose()

    virtual_time.run(main())


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_killed_before_the_commit_a_step_with_rules_has_done_nothing(tmp_path: Path) -> None:
    """Somebody would be turned away without a word, or closed, by a step whose intents are not there."""
    path = tmp_path / "run.ledger"

    async def fill() -> None:
        ledger = SqliteLedger(path)
        await ledger.open(PLAN)
        await ledger.add([planned(row) for row in range(1, 11)])
        await ledger.aclose()

    async def die() -> None:
        ledger = SqliteLedger(path)
        await ledger.open(PLAN)
        owner = (await ledger.enlist("one")).id
        await ledger.step(owner, [], 1, NOW)

        def trace(statement: str) -> None:
            if statement == "COMMIT":
                os.kill(os.getpid(), signal.SIGKILL)

        ledger._file.db.set_trace_callback(trace)
        verdicts: dict[int, Verdict] = {2: Never(NO_REASON), 3: Wait(NOW + 60, NO_REASON)}
        await ledger.step(owner, [sent(1)], 2, NOW, admit=rules(verdicts, []))

    async def look() -> None:
        ledger = SqliteLedger(path)
        await ledger.open(None)
        assert await states(ledger) == {1: State.INTENT, **dict.fromkeys(range(2, 11), State.QUEUED)}
        owner = (await ledger.enlist("next")).id
        assert rows((await ledger.step(owner, [], 3, NOW)).texts) == [2, 3, 4]
        await ledger.aclose()

    virtual_time.run(fill())
    child = os.fork()
    if child == 0:
        try:
            virtual_time.run(die())
        finally:
            os._exit(0)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    virtual_time.run(look())
