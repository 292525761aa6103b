"""Contacts that a provider hands out: close what is done, take in who was drawn, and open them, in one durable step."""

from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumbleup_async.engine.ports import Ledger
from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import MemoryLedger, states
from rumbleup_async.messaging import Closed, Plan, Planned, Result, Skipped, State, Text
from rumbleup_async.reasons import OUTSIDE_HOURS, TOO_LATE
from rumbleup_async.reasons import from_words as because
from tests import virtual_time
from tests.books import claim, exchange, open_ledger
from tests.ledger.conformance.runs import SHARED, NewRun, Reopen, Runs

PLAN = Plan(run="bcdfghjkmn", provider="rumbleup", action="125", text="Hi {name}. STOP", details={"mode": "concurrent"})
SAME = Plan(
    run="bcdfghjkmn",
    provider="rumbleup",
    action="125",
    text="Hi. STOP",
    same_text="Hi. STOP",
    details={"mode": "concurrent"},
)


def planned(row: int, phone: int | None = None, text: str = "Hi Ada. STOP", name: str | None = "Ada") -> Planned:
    return Planned(row, f"202234{row if phone is None else phone:04d}", text, name, 1)


def close(row: int, state: State = State.SENT, reason: str = "", attempts: int = 1) -> Closed:
    return Closed(row, state, attempts, because(reason), "rl_1" if state is State.SENT else "", 5)


async def everything(ledger: Ledger) -> dict[int, Result]:
    return {result.row: result for result in await ledger.rows(-1, 10_000)}


def using(ledger: Ledger, work: Callable[[Ledger], Coroutine[Any, Any, None]], plan: Plan = PLAN) -> None:
    """Do something with an open ledger."""

    async def main() -> None:
        await open_ledger(ledger, plan)
        try:
            await work(ledger)
            counted = dict.fromkeys(State, 0)
            for row in (await everything(ledger)).values():
                counted[row.state] += 1
            assert dict(ledger.counts) == counted
        finally:
            await ledger.aclose()

    virtual_time.run(main())


steps = st.lists(
    st.tuples(
        st.lists(st.sampled_from([State.QUEUED, State.SENT, State.UNKNOWN, State.REFUSED, None]), max_size=6),
        st.lists(st.tuples(st.integers(0, 8), st.booleans()), max_size=5),
    ),
    max_size=12,
)


class Claims(Runs):
    """Who is opened as drawn, and who is not."""

    def test_who_may_not_be_texted_now_is_queued(self, ledger: Ledger) -> None:
        """A crash just then would leave somebody in doubt of whom nothing has left; or a person be skipped for good."""

        async def work(ledger: Ledger) -> None:
            owner = (await ledger.enlist("one")).id
            answers = await ledger.claim(owner, (), [planned(1), planned(2)], 5.0, waits={2: OUTSIDE_HOURS})
            assert isinstance(answers[0], Text)
            assert isinstance(answers[1], Result)
            assert (answers[1].state, answers[1].why) == (State.NOT_SENT, OUTSIDE_HOURS)
            found = await everything(ledger)
            assert {row: found[row].state for row in found} == {1: State.INTENT, 2: State.QUEUED}
            # Drawn again it waits once more, and then it is opened in its old row.
            again = await ledger.claim(owner, (), [planned(3, phone=2)], 6.0, waits={3: TOO_LATE})
            assert [answer.row for answer in again] == [2]
            assert (await everything(ledger))[2].why == TOO_LATE
            [text] = await ledger.claim(owner, (), [msgspec.structs.replace(planned(4, phone=2), place=8)], 7.0)
            assert isinstance(text, Text)
            assert (text.row, text.place) == (2, 8)

        using(ledger, work)

    @pytest.mark.parametrize("plan", [PLAN, SAME])
    def test_a_new_contact_is_opened(self, ledger: Ledger, plan: Plan) -> None:
        """A contact would be texted without an entry in the books."""

        async def work(ledger: Ledger) -> None:
            text = plan.same_text or "Hi Ada. STOP"
            answers = await claim(ledger, [], [planned(1, text=text), planned(2, text=text)])
            assert answers == [Text(1, "2022340001", text, "Ada", 0), Text(2, "2022340002", text, "Ada", 0)]
            assert {row.state for row in (await everything(ledger)).values()} == {State.INTENT}
            assert ledger.last_row == 2
            assert await exchange(ledger, [], 10) == [], "it was handed out a second time"
            await exchange(ledger, [close(1), close(2)], 0)

        using(ledger, work, plan)

    @pytest.mark.parametrize("state", sorted(states.CLOSES - {State.QUEUED}))
    def test_whoever_is_settled_is_not_opened_again(self, ledger: Ledger, state: State) -> None:
        """Somebody whose text left, or may have left, would be texted again."""

        async def work(ledger: Ledger) -> None:
            await claim(ledger, [], [planned(1)])
            (answer,) = await claim(ledger, [close(1, state, "why")], [planned(2, 1)])
            assert isinstance(answer, Result)
            assert answer.state is State.SKIPPED
            assert answer.reason == "duplicate of row 1"
            rows = await everything(ledger)
            assert rows[1].state is state

        using(ledger, work)

    def test_whoever_is_open_is_not_opened_again(self, ledger: Ledger) -> None:
        """Two texters would text one person at the same time."""

        async def work(ledger: Ledger) -> None:
            await claim(ledger, [], [planned(1)])
            (answer,) = await claim(ledger, [], [planned(2, 1)])
            assert isinstance(answer, Result)
            await exchange(ledger, [close(1)], 0)

        using(ledger, work)

    def test_whoever_was_given_back_is_opened_again_as_drawn_now(self, ledger: Ledger) -> None:
        """Somebody whose lock had ended would never be texted, or with yesterday's name."""

        async def work(ledger: Ledger) -> None:
            await claim(ledger, [], [planned(1)])
            await exchange(ledger, [close(1, State.QUEUED, "lock expired", 3)], 0)
            (answer,) = await claim(ledger, [], [planned(2, 1, "Hi Bob. STOP", "Bob")])
            assert answer == Text(1, "2022340001", "Hi Bob. STOP", "Bob", 3)
            rows = await everything(ledger)
            assert list(rows) == [1]
            assert rows[1].state is State.INTENT
            await exchange(ledger, [close(1, attempts=4)], 0)
            rows = await everything(ledger)
            assert (rows[1].state, rows[1].reason, rows[1].attempts) == (State.SENT, "", 4)

        using(ledger, work)

    def test_closed_and_opened_again_in_one_step(self, ledger: Ledger) -> None:
        """A contact given back and drawn again in one moment would be taken for a duplicate, and never be texted."""

        async def work(ledger: Ledger) -> None:
            await claim(ledger, [], [planned(1)])
            (answer,) = await claim(ledger, [close(1, State.QUEUED, "lock expired")], [planned(2, 1)])
            rows = await everything(ledger)
            if isinstance(answer, Text):
                assert answer.row == 1
                assert rows[1].state is State.INTENT
                await exchange(ledger, [close(1)], 0)
            else:
                assert rows[1].state is State.QUEUED

        using(ledger, work)

    def test_two_of_one_phone_in_one_batch(self, ledger: Ledger) -> None:
        """Two texters that draw the same person in the same moment would both text them."""

        async def work(ledger: Ledger) -> None:
            first, second, third = await claim(ledger, [], [planned(1, 7), planned(2, 7), planned(3, 7)])
            assert isinstance(first, Text)
            assert isinstance(second, Result)
            assert isinstance(third, Result)
            assert second.reason == third.reason == "duplicate of row 1"
            await exchange(ledger, [close(1, State.QUEUED)], 0)
            again, other = await claim(ledger, [], [planned(4, 7), planned(5, 7)])
            assert isinstance(again, Text)
            assert isinstance(other, Result)
            await exchange(ledger, [close(1)], 0)

        using(ledger, work)

    def test_skipped_rows_are_written_down(self, ledger: Ledger) -> None:
        """Nobody would learn why a person got no text; or being skipped once would bar them for ever."""

        async def work(ledger: Ledger) -> None:
            first, second = await claim(ledger, [], [Skipped(1, "2022340007", because("empty merge field name")), planned(2, 7)])
            assert first == Result(1, "2022340007", State.SKIPPED, because("empty merge field name"))
            assert isinstance(second, Text)
            (third,) = await claim(ledger, [close(2)], [Skipped(3, "2022340007", because("opted out (dnd)"))])
            assert isinstance(third, Result)
            assert (await ledger.rows(-1, 10, skipped_only=True))[0].row == 1

        using(ledger, work)

    @pytest.mark.parametrize("bad", [[close(9)], [close(1), close(1)], [Closed(1, State.SKIPPED, 1)]])
    def test_all_or_nothing(self, ledger: Ledger, bad: list[Closed]) -> None:
        """A step that fails in the middle would open contacts nobody knows of, or count them."""

        async def work(ledger: Ledger) -> None:
            await claim(ledger, [], [planned(1)])
            before, counted = await everything(ledger), dict(ledger.counts)
            with pytest.raises(LedgerError):
                await claim(ledger, bad, [planned(2), Skipped(3, "x", because("invalid phone: empty"))])
            assert await everything(ledger) == before
            assert dict(ledger.counts) == counted
            await exchange(ledger, [close(1)], 0)

        using(ledger, work)

    def test_rows_go_on_where_they_were(self, ledger: Ledger, reopened: Reopen) -> None:
        """A resumed run would number its contacts from one again and meet its own."""

        async def main() -> None:
            await open_ledger(ledger, PLAN)
            await claim(ledger, [], [planned(1), Skipped(2, "x", because("invalid phone: empty")), planned(3)])
            await exchange(ledger, [close(1), close(3, State.QUEUED, "drawn, not sent")], 0)
            await ledger.aclose()
            again = reopened(ledger)
            await open_ledger(again, None)
            assert again.last_row == 3
            (answer,) = await claim(again, [], [planned(4, 3)])
            assert isinstance(answer, Text)
            assert answer.row == 3
            await exchange(again, [close(3)], 0)
            await again.aclose()

        virtual_time.run(main())

    def test_many_at_a_time(self, ledger: Ledger) -> None:
        """A statement would be too long for SQLite with as many texters as are allowed."""

        async def work(ledger: Ledger) -> None:
            answers = await claim(ledger, [], [planned(row) for row in range(1, 2001)])
            assert all(isinstance(answer, Text) for answer in answers)
            answers = await claim(
                ledger, [close(row, State.QUEUED) for row in range(1, 2001)], [planned(2000 + row, row) for row in range(1, 2001)]
            )
            assert len(answers) == 2000

        using(ledger, work)

    @given(steps)
    @settings(max_examples=30, deadline=None, suppress_health_check=SHARED)
    def test_both_ledgers_answer_alike_and_text_nobody_twice(self, new_run: NewRun, story: Any) -> None:
        """What was tried in memory would go otherwise on the disk; some order of events would open a settled contact again."""

        async def main() -> None:
            both: list[Ledger] = [MemoryLedger(), new_run()()]
            for ledger in both:
                await open_ledger(ledger, PLAN)
            row, opened, settled = 0, dict[int, str](), set[str]()
            for ends, draws in story:
                closed = [close(number, end) for number, end in zip(list(opened), ends, strict=False) if end is not None]
                drawn: list[Planned | Skipped] = []
                for number, skip in draws:
                    row += 1
                    drawn.append(Skipped(row, f"202234{number:04d}", because("suppressed")) if skip else planned(row, number))
                if not drawn:
                    continue
                first, second = [await claim(ledger, closed, drawn) for ledger in both]
                assert first == second
                for one in closed:
                    phone = opened.pop(one.row)
                    if one.state is not State.QUEUED:
                        settled.add(phone)
                for answer in first:
                    if isinstance(answer, Text):
                        assert answer.phone not in settled
                        assert answer.phone not in opened.values()
                        opened[answer.row] = answer.phone
                assert dict(both[0].counts) == dict(both[1].counts)
                stories = [
                    [(one.row, one.phone, one.state, one.reason) for one in (await everything(ledger)).values()]
                    for ledger in both
                ]
                assert sorted(stories[0]) == sorted(stories[1])
            for ledger in both:
                await ledger.aclose()

        virtual_time.run(main())
