"""Places with opening times, contacts that were put off, and rules that are asked."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from rumbleup_async.admission import GO, Never, Verdict, Wait
from rumbleup_async.engine.ports import Ledger
from rumbleup_async.messaging import Closed, Planned, State, Text
from rumbleup_async.reasons import NO_COMMON_HOUR, NO_REASON, OUTSIDE_HOURS, TOO_LATE, Code, Reason
from tests import virtual_time
from tests.ledger.conformance.runs import NOW, PLAN, Run, Runs, placed, rows, sent, states_of, using


def rules(verdicts: dict[int, Verdict], asked: list[int]) -> Callable[[Sequence[Text]], Awaitable[list[Verdict]]]:
    async def admit(texts: Sequence[Text]) -> list[Verdict]:
        await asyncio.sleep(0)
        asked.extend(rows(texts))
        return [verdicts.get(text.row, GO) for text in texts]

    return admit


class Waits(Runs):
    """Who is not opened now, and when after all."""

    def test_who_is_shut_soonest_comes_first_and_who_is_shut_not_at_all(self, run: Run) -> None:
        """People would be texted at night, or the east coast miss the hour that it has left."""
        contacts = [placed(1), placed(2, 3), placed(3, 2), placed(4, 1), placed(5, 2), placed(6, 4), placed(7)]

        async def work(ledger: Ledger) -> None:
            owner = (await ledger.enlist("one")).id
            shut = {1: NOW, 2: NOW + 50, 3: NOW + 20}
            step = await ledger.step(owner, [], 2, NOW, shut)
            assert (rows(step.texts), [text.place for text in step.texts]) == ([2, 3], [3, 2])
            assert (step.due, step.shut) == (None, frozenset())
            step = await ledger.step(owner, [], 10, NOW, shut)
            assert rows(step.texts) == [5, 1, 6, 7], "then whoever may be texted at any time, in the order of the list"
            assert (step.due, step.shut, step.is_more) == (None, frozenset({1}), False)
            await ledger.add([placed(8, 5), placed(9, 2)])
            step = await ledger.step(owner, [], 10, NOW + 60, {1: NOW + 100, 2: NOW + 50, 5: NOW + 70})
            assert rows(step.texts) == [8, 4]
            assert step.shut == {2}

        using(run, work, *contacts)

    def test_why_contacts_of_a_place_are_left_is_noted_of_them(self, run: Run) -> None:
        """A report would say of somebody whom the provider's cap has hit that it was too late, or of nobody why."""
        capped = Reason(Code.DAILY_CAP, "cap")

        async def work(ledger: Ledger) -> None:
            owner = (await ledger.enlist("one")).id
            assert rows((await ledger.step(owner, [], 1, NOW, {1: NOW + 9, 2: NOW})).texts) == [1]
            await ledger.step(owner, [Closed(1, State.QUEUED, 1, capped)], 0, NOW)
            assert await ledger.places({1: TOO_LATE, 2: NO_COMMON_HOUR, 0: OUTSIDE_HOURS}) == {0: 2, 1: 2, 2: 2}
            await ledger.places({1: OUTSIDE_HOURS})
            assert await ledger.places() == {0: 2, 1: 2, 2: 2}
            found = {result.row: result.why for result in await ledger.rows(-1, 10)}
            assert (found[1], found[4]) == (capped, OUTSIDE_HOURS)
            assert found[2] == found[5] == NO_COMMON_HOUR
            assert found[3] == found[6] == NO_REASON

        using(run, work, *(placed(row, row % 3) for row in range(1, 7)))

    def test_how_many_wait_at_each_place_is_right_after_a_load_and_whatever_moves(self, run: Run) -> None:
        """A plan would promise texts to people who are on the list twice, and a run would wait for those whom it has texted."""
        again = Planned(5, "2022340003", "Hi. STOP", place=2)

        async def main() -> None:
            ledger = run()
            await ledger.open(PLAN)
            await ledger.load([[placed(1), placed(2, 1)], [placed(3, 1), placed(4, 2), again]], left_out={"2022340004": TOO_LATE})
            await ledger.complete("list")
            assert await ledger.places() == {0: 1, 1: 2}
            await ledger.add([placed(6, 2), placed(7, 3)])
            assert await ledger.places() == {0: 1, 1: 2, 2: 1, 3: 1}
            owner = (await ledger.enlist("one")).id
            assert rows((await ledger.step(owner, [], 2, NOW, {1: NOW + 9, 2: NOW + 5, 3: NOW})).texts) == [6, 2]
            assert await ledger.places() == {0: 1, 1: 1, 3: 1}
            await ledger.step(owner, [sent(6), Closed(2, State.QUEUED, 1, TOO_LATE)], 0, NOW)
            assert await ledger.places() == {0: 1, 1: 2, 3: 1}
            await ledger.aclose()
            ledger = run()
            await ledger.open(PLAN)
            assert await ledger.places() == {0: 1, 1: 2, 3: 1}
            owner = (await ledger.enlist("two")).id
            assert rows((await ledger.step(owner, [], 9, NOW, {1: NOW + 9, 3: NOW + 5})).texts) == [7, 2, 3, 1]
            await ledger.aclose()

        virtual_time.run(main())

    def test_the_order_of_the_list_holds_where_nothing_is_shut(self, run: Run) -> None:
        """A resume that was given no hours would text its list by time zones."""
        contacts = [placed(row, row % 3) for row in range(1, 13)]

        async def work(ledger: Ledger) -> None:
            owner = (await ledger.enlist("one")).id
            assert rows((await ledger.step(owner, [], 5, NOW)).texts) == [1, 2, 3, 4, 5]
            assert rows((await ledger.step(owner, [], 50, NOW)).texts) == list(range(6, 13))

        using(run, work, *contacts)

    def test_who_was_put_off_comes_when_due(self, run: Run) -> None:
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
            again = run()
            await again.open(PLAN)
            owner = (await again.enlist("next")).id
            step = await again.step(owner, [], 5, NOW + 59)
            assert (step.texts, step.due) == ([], NOW + 60)
            assert rows((await again.step(owner, [], 5, NOW + 100)).texts) == [1, 2]
            await again.aclose()

        using(run, work, *(placed(row) for row in (1, 2, 3)))

    def test_what_the_rules_say_is_durable_in_the_same_step(self, run: Run) -> None:
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
            assert (found[1], found[4]) == ((State.NOT_SENT, no), (State.SKIPPED, no))
            assert found[2] == (State.QUEUED, later)
            assert ledger.counts == {
                **dict.fromkeys(State, 0),
                State.NOT_SENT: 1,
                State.SKIPPED: 1,
                State.INTENT: 3,
                State.QUEUED: 5,
            }
            step = await ledger.step(owner, [sent(3)], 9, NOW, admit=admit)
            assert (rows(step.texts), step.due) == ([7, 8, 10], NOW + 60)
            del verdicts[2]
            step = await ledger.step(owner, [], 9, NOW + 60, admit=admit)
            assert [(text.row, text.why) for text in step.texts] == [(2, later)]
            assert step.due == NOW + 90

        using(run, work)

    @pytest.mark.parametrize("way", ["fails", "too few", "wrong state", "cancelled"])
    def test_rules_that_fail_lose_nobody(self, run: Run, way: str) -> None:
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
            before = await states_of(ledger)
            asking = asyncio.create_task(ledger.step(owner, [sent(1)], 3, NOW, admit=admit))
            if way == "cancelled":
                await asyncio.sleep(0.5)
                await ledger.again()
                asking.cancel()
            await asyncio.wait([asking])
            assert asking.cancelled() or asking.exception() is not None
            assert await states_of(ledger) == before
            step = await ledger.step(owner, [sent(1)], 3, NOW, admit=rules({}, []))
            assert rows(step.texts) == [2, 3, 4]

        using(run, work)

    def test_owners_that_ask_at_the_same_time_get_different_contacts(self, run: Run) -> None:
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

        using(run, work)
