"""The door on virtual time: rules are asked when a text is opened, and once more just before it leaves."""

import asyncio
from collections.abc import Sequence

import pytest

from rumbleup_async.admission import GO, Never, Verdict, Wait
from rumbleup_async.messaging import Result, State, Text
from rumbleup_async.reasons import SUPPRESSED, Code, Reason
from rumbleup_async.rules.door import Door
from rumbleup_async.runs.sending import Sending
from rumbleup_async.stops import Cause
from tests import virtual_time
from tests.engine.scripted import Provider, check, make_run, phones
from tests.engine.test_permits import Watched


class Store:
    """Somebody's own list of opt-outs, which grows while the run is under way."""

    def __init__(self) -> None:
        self.phones: set[str] = set()
        self.asked: list[str] = []
        self.error: Exception | None = None

    async def is_suppressed(self, phone: str) -> bool:
        self.asked.append(phone)
        await asyncio.sleep(0.001)
        if self.error is not None:
            raise self.error
        return phone in self.phones


def test_an_opt_out_that_comes_between_the_claim_and_the_wire_is_heeded() -> None:
    """Somebody would be texted who said stop while the text was waiting for its turn."""
    provider, pace, store = Provider(), Watched({4: 5.0}), Store()
    people = phones(6)
    results: list[Result] = []

    async def main() -> None:
        async with make_run(provider, pace=pace, suppress=store) as run:
            sending = asyncio.create_task(taken(run.send(people), results))
            await asyncio.sleep(2.0)
            assert 4 not in provider.delivered
            assert people[3] in store.asked, "it was asked at the claim, when there was nothing against this text"
            store.phones.add(people[3])
            await sending

    virtual_time.run(main())
    check(provider)
    pace.check(provider)
    assert sorted(provider.delivered) == [1, 2, 3, 5, 6]
    told = {result.row: (result.state, result.code) for result in results}
    assert told[4] == (State.NOT_SENT, Code.SUPPRESSED)
    assert sorted(told) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("moment", ["claim", "wire"])
def test_a_rule_that_cannot_be_asked_stops_the_run(moment: str) -> None:
    """A database of opt-outs that is down would count as one that says nothing."""
    provider, pace, store = Provider(), Watched({1: 5.0}), Store()
    left: dict[State, int] = {}

    async def main() -> None:
        async with make_run(provider, pace=pace, suppress=store) as run:
            store.error = ConnectionError("down") if moment == "claim" else None
            sending = asyncio.ensure_future(run.send(phones(6)))
            await asyncio.sleep(2.0)
            store.error = ConnectionError("down")
            with pytest.raises(ConnectionError):
                await sending
            left.update(run.counts)
            assert run.summary.stop is not None
            assert run.summary.stop.cause is Cause.RULE_FAILED

    virtual_time.run(main())
    assert provider.delivered == []
    assert left[State.QUEUED] == 6


def test_the_first_rule_that_says_no_is_the_answer() -> None:
    """The report would name another reason than the one that counts, or a look-up be made for nothing."""

    class Says:
        def __init__(self, verdict: Verdict) -> None:
            self.verdict = verdict
            self.times = 0

        async def admit(self, text: Text, now: float) -> Verdict:
            self.times += 1
            return self.verdict

    rules: Sequence[Says] = [Says(GO), Says(Never(SUPPRESSED)), Says(Never(Reason(Code.OUTSIDE_HOURS)))]
    texts = [Text(row, phone, "Hi. STOP") for row, phone in enumerate(phones(2), 1)]
    assert asyncio.run(Door(rules).admit_all(texts)) == [Never(SUPPRESSED)] * 2
    assert [rule.times for rule in rules] == [2, 2, 0]


async def taken(sending: Sending, results: list[Result]) -> None:
    async for result in sending:
        results.append(result)  # noqa: PERF401


class Waiting:
    """A rule that waits for an answer."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[Verdict] | None = None

    async def admit(self, text: Text, now: float) -> Verdict:
        self.answer = asyncio.get_running_loop().create_future()
        return await self.answer


TEXT = Text(1, "2025550101", "Hi. STOP")


def test_a_rule_whose_look_up_is_cancelled_fails_and_whoever_asks_it_is_cancelled_as_always() -> None:
    """A pool that gives up a query would end the run as if somebody had stopped it; or a stop be taken for a rule's failure."""

    async def main() -> None:
        rule, told = Waiting(), list[Exception]()
        door = Door([rule], told.append, wall_clock=lambda: 1000.0)
        asking = asyncio.ensure_future(door.admit(TEXT))
        await asyncio.sleep(0)
        assert rule.answer is not None
        rule.answer.cancel()
        verdict = await asking
        assert isinstance(verdict, Wait)
        assert (verdict.until, verdict.why.code, len(told)) == (1000.0, Code.RULE_FAILED, 1)
        asking = asyncio.ensure_future(door.admit(TEXT))
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert len(told) == 1

    asyncio.run(main())


@pytest.mark.parametrize(("until", "waits_until"), [(0.0, 1000.1), (1000.0, 1000.1), (1000.1, 1000.1), (2000.0, 2000.0)])
def test_a_rule_that_says_at_once_is_asked_after_a_pause(until: float, waits_until: float) -> None:
    """The run would ask the same rule about the same text without an end, and do nothing else."""

    class Later:
        async def admit(self, text: Text, now: float) -> Verdict:
            return Wait(until, SUPPRESSED)

    assert asyncio.run(Door([Later()], wall_clock=lambda: 1000.0).admit(TEXT)) == Wait(waits_until, SUPPRESSED)
