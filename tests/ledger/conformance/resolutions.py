"""What the look-up in the provider's log decides."""

import time

import msgspec
import pytest

from rumbleup_async.engine.ports import Ledger
from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import looks
from rumbleup_async.lookups import Known, Resolution, UnknownText
from rumbleup_async.messaging import Plan, Result, Skipped, State
from rumbleup_async.reasons import ABSENT, Code, Reason
from rumbleup_async.reasons import from_words as because
from tests import virtual_time
from tests.books import claim, exchange, open_ledger
from tests.ledger.conformance.runs import PLAN, Elapse, Reopen, Runs, close, pages, planned


async def doubted(ledger: Ledger, count: int) -> None:
    """Rows 1 to `count`, all unknown since moment `row`."""
    await open_ledger(ledger, PLAN)
    await ledger.add([planned(row) for row in range(1, count + 1)])
    opened = await exchange(ledger, [], count)
    await exchange(ledger, [close(text.row, State.UNKNOWN, reason="timed out", time=text.row) for text in opened], 0)


async def all_doubts(ledger: Ledger, size: int, *, absent: bool = False) -> list[UnknownText]:
    found: list[UnknownText] = []
    while page := await ledger.doubts(found[-1].row if found else -1, size, absent=absent):
        assert len(page) <= size
        found += page
    return found


class Resolutions(Runs):
    """Contacts in doubt: how they are read, and what becomes of them."""

    def test_doubts_come_by_pages(self, ledger: Ledger) -> None:
        """A text could not be looked for, or not all of them, or with other words than it was sent with."""

        async def main() -> None:
            await doubted(ledger, 7)
            await ledger.add([planned(8), Skipped(9, "bad", because("invalid phone: empty"))])
            (text,) = await exchange(ledger, [], 1)
            await exchange(ledger, [close(text.row, State.SENT, logid="rl_8")], 0)
            assert await all_doubts(ledger, 3) == [
                UnknownText(row, f"202234{row:04d}", f"Hi {row}. STOP", row, row) for row in range(1, 8)
            ]
            assert await all_doubts(ledger, 3, absent=True) == []
            await ledger.aclose()

        virtual_time.run(main())

    def test_a_doubt_of_a_dead_process_bears_the_time_of_its_intent(self, ledger: Ledger, reopened: Reopen) -> None:
        """Its absence would count at once, while the log has not shown it yet; or a text of yesterday would be taken for it."""

        async def main() -> list[UnknownText]:
            await open_ledger(ledger, PLAN)
            await ledger.add([planned(1)])
            await exchange(ledger, [], 1)
            await ledger.aclose()
            again = reopened(ledger)
            await open_ledger(again, None)
            found = await again.doubts(-1, 10)
            await again.aclose()
            return found

        before = int(time.time() * 1000)
        (doubt,) = virtual_time.run(main())
        assert before <= doubt.time <= int(time.time() * 1000)

    def test_the_same_text_of_all_comes_with_a_doubt(self, ledger: Ledger) -> None:
        """A run without merge fields could never be reconciled: an empty text matches nothing."""

        async def main() -> list[UnknownText]:
            await open_ledger(
                ledger, Plan(run="0123456789ab", provider="rumbleup", action="125", text="Hi. STOP", same_text="Hi. STOP")
            )
            await ledger.add([planned(1, text="Hi. STOP")])
            await exchange(ledger, [], 1)
            await exchange(ledger, [close(1, State.UNKNOWN)], 0)
            found = await ledger.doubts(-1, 10)
            await ledger.aclose()
            return found

        (doubt,) = virtual_time.run(main())
        assert doubt.text == "Hi. STOP"

    def test_what_is_settled_stays_so(self, ledger: Ledger, reopened: Reopen) -> None:
        """What the log has said would be forgotten, or noted for another contact."""

        async def main() -> list[Result]:
            await doubted(ledger, 450)
            settled = [
                Resolution(row, State.SENT, because("found"), f"rl_{row}") if row % 2 else Resolution(row, State.NOT_SENT, ABSENT)
                for row in range(1, 441)
            ]
            await ledger.settle(settled)
            assert {state: number for state, number in ledger.counts.items() if number} == {
                State.SENT: 220,
                State.NOT_SENT: 220,
                State.UNKNOWN: 10,
            }
            await ledger.aclose()
            again = reopened(ledger)
            await open_ledger(again, None)
            assert again.counts[State.UNKNOWN] == 10
            assert [doubt.row for doubt in await all_doubts(again, 7)] == list(range(441, 451))
            assert [doubt.row for doubt in await all_doubts(again, 77, absent=True)] == list(range(2, 441, 2))
            assert await exchange(again, [], 10) == [], "nothing of this is to be sent"
            found = await pages(again)
            await again.aclose()
            return found

        results = virtual_time.run(main())
        assert results[0] == Result(1, "2022340001", State.SENT, because("found"), "rl_1", 1, 1)
        assert results[1] == Result(2, "2022340002", State.NOT_SENT, ABSENT, "", 1, 2)

    def test_the_absent_are_queued_again_only_as_asked_for(self, ledger: Ledger) -> None:
        """They would be texted without anybody's wish, or never again, or somebody else with them."""

        async def main() -> None:
            await doubted(ledger, 5)
            await ledger.add([planned(6)])
            await exchange(ledger, [], 1)
            await exchange(ledger, [close(6, State.NOT_SENT, reason="suppressed")], 0)
            await ledger.settle([Resolution(row, State.NOT_SENT, ABSENT) for row in (2, 3, 4)])
            assert await exchange(ledger, [], 10) == []
            await ledger.settle(
                [Resolution(2, State.QUEUED), Resolution(3, State.SENT, because("found"), "rl_3"), Resolution(4, State.QUEUED)]
            )
            assert [(text.row, text.text, text.attempts) for text in await exchange(ledger, [], 10)] == [
                (2, "Hi 2. STOP", 1),
                (4, "Hi 4. STOP", 1),
            ]
            await exchange(ledger, [close(2, logid="rl_2"), close(4, logid="rl_4")], 0)
            words = [(result.row, result.state, result.reason, result.logid) for result in await pages(ledger)]
            assert words[1:4] == [
                (2, State.SENT, "", "rl_2"),
                (3, State.SENT, "found", "rl_3"),
                (4, State.SENT, "", "rl_4"),
            ]
            await ledger.aclose()

        virtual_time.run(main())

    @pytest.mark.parametrize("way", ["untouched", "given back", "twice"])
    def test_what_is_queued_again_is_looked_up_anew_in_the_next_process(self, ledger: Ledger, reopened: Reopen, way: str) -> None:
        """The log was asked yesterday, and the run was stopped before the text left. Today the log shows the earlier one, and the
        person would be texted twice without anybody having looked."""

        async def main() -> None:
            await doubted(ledger, 3)
            await ledger.settle([Resolution(row, State.NOT_SENT, ABSENT) for row in (1, 2, 3)])
            await ledger.settle([Resolution(row, State.QUEUED, ABSENT) for row in (1, 2)])
            if way != "untouched":
                assert [text.row for text in await exchange(ledger, [], 1)] == [1]
                await exchange(ledger, [close(1, State.QUEUED, reason="key refused")], 0)
            await ledger.aclose()
            again = ledger
            for _ in range(2 if way == "twice" else 1):
                again = reopened(again)
                await open_ledger(again, PLAN)
                assert await exchange(again, [], 10) == [], "nobody has looked"
                drawn = await claim(again, [], [msgspec.structs.replace(planned(2), row=again.last_row + 1)])
                assert [type(answer) for answer in drawn] == [Result], "nobody has looked"
                assert [(doubt.row, doubt.time) for doubt in await all_doubts(again, 2, absent=True)] == [(1, 1), (2, 2), (3, 3)]
                assert [(one.state, one.why) for one in await pages(again)][:3] == [(State.NOT_SENT, ABSENT)] * 3
                assert again.counts[State.QUEUED] == 0
                await again.settle([Resolution(1, State.QUEUED)])
                if way == "twice":
                    (text,) = await exchange(again, [], 10)
                    await exchange(again, [close(text.row, State.QUEUED, reason="429")], 0)
                await again.settle([Resolution(2, State.SENT, because("found"), "rl_2")] if way != "twice" else [])
                await again.aclose()

        virtual_time.run(main())

    def test_a_look_into_the_log_grows_old(self, ledger: Ledger, elapse: Elapse) -> None:
        """A slow run opens what it has queued again hours after the log was asked, or after the machine has slept. By then the
        log may show the earlier text, and the person would have it twice."""

        async def main() -> None:
            await doubted(ledger, 6)
            await ledger.settle([Resolution(row, State.NOT_SENT, ABSENT) for row in range(1, 7)])
            await ledger.settle([Resolution(row, State.QUEUED, ABSENT) for row in range(1, 7)])
            await ledger.add([planned(row) for row in range(7, 10)])
            assert [text.row for text in await exchange(ledger, [], 2)] == [1, 2]
            elapse(looks.FRESH + 1)
            drawn = await claim(ledger, [], [msgspec.structs.replace(planned(5), row=ledger.last_row + 1)])
            assert [type(answer) for answer in drawn] == [Result]
            assert [text.row for text in await exchange(ledger, [], 10)] == [7, 8, 9]
            absent = [result.row for result in await pages(ledger) if result.why == ABSENT and result.state is State.NOT_SENT]
            assert absent == [3, 4, 5, 6]
            assert (ledger.counts[State.QUEUED], ledger.counts[State.NOT_SENT]) == (0, 4)
            await ledger.settle([Resolution(3, State.QUEUED, ABSENT)])
            assert [text.row for text in await exchange(ledger, [], 10)] == [3], "looked up anew"
            await ledger.aclose()

        virtual_time.run(main())

    def test_what_a_log_is_tried_on(self, ledger: Ledger) -> None:
        """A log would be believed that shows nothing of what certainly left."""

        async def main() -> None:
            await doubted(ledger, 3)
            await ledger.settle([Resolution(2, State.SENT, Reason(Code.FOUND), "rl_2")])
            await ledger.add([planned(row) for row in range(4, 8)])
            await exchange(ledger, [], 4)
            await exchange(ledger, [close(4, logid="rl_4", time=44), close(5, State.REFUSED), close(6, logid="rl_6", time=66)], 0)
            await ledger.add([Skipped(8, planned(4).phone, because("duplicate of row 4"))])
            phone = {row: planned(row).phone for row in range(1, 9)}
            second = Known(2, phone[2], "rl_2", 2, True)
            fourth, sixth = Known(4, phone[4], "rl_4", 44), Known(6, phone[6], "rl_6", 66)
            assert await ledger.witnesses(-1, 10) == [second, fourth, sixth]
            assert await ledger.witnesses(3, 1) == [fourth]
            known = await ledger.known([phone[row] for row in (4, 5, 1, 2)] + ["2022349999"])
            assert sorted(known, key=lambda one: one.row)[1:3] == [second, fourth]
            assert sorted((one.row, one.logid) for one in known) == [(1, ""), (2, "rl_2"), (4, "rl_4"), (5, "")]
            await ledger.aclose()

        virtual_time.run(main())

    def test_what_is_queued_again_behind_the_reading_is_sent(self, ledger: Ledger) -> None:
        """Contacts asked to be texted again would wait for a resume that nobody knows to be needed."""

        async def main() -> None:
            await doubted(ledger, 3)
            await ledger.settle([Resolution(row, State.NOT_SENT, ABSENT) for row in (1, 2, 3)])
            await ledger.add([planned(row) for row in range(4, 10)])
            assert [text.row for text in await exchange(ledger, [], 2)] == [4, 5]
            await ledger.settle([Resolution(2, State.QUEUED)])
            opened = await exchange(ledger, [], 10)
            assert sorted(text.row for text in opened) == [2, 6, 7, 8, 9]
            await ledger.aclose()

        virtual_time.run(main())

    @pytest.mark.parametrize(
        "wrong",
        [
            Resolution(4, State.SENT, because("found"), "rl_4"),
            Resolution(5, State.SENT, because("found"), "rl_5"),
            Resolution(6, State.NOT_SENT, ABSENT),
            Resolution(7, State.NOT_SENT, ABSENT),
            Resolution(8, State.QUEUED),
            Resolution(9, State.SENT, because("found"), "rl_9"),
            Resolution(99, State.SENT, because("found"), "rl_99"),
            Resolution(2, State.QUEUED),
            Resolution(2, State.REFUSED),
            Resolution(2, State.INTENT),
            Resolution(2, State.SENT, because("found")),
            Resolution(2, State.NOT_SENT, ABSENT, "rl_2"),
            Resolution(1, State.SENT, because("found"), "rl_1"),
        ],
        ids=[
            "sent", "refused", "queued", "open", "suppressed", "skipped", "nobody", "to be sent again at once", "to be refused",
            "to be opened", "without logid", "absent with logid", "twice",
        ],
    )  # fmt: skip
    def test_only_the_unknown_is_settled_all_or_none(self, ledger: Ledger, wrong: Resolution) -> None:
        """A mistake in reading the log would overwrite what is known for certain, or text somebody twice."""

        async def main() -> None:
            await open_ledger(ledger, PLAN)
            await ledger.add([*(planned(row) for row in range(1, 9)), Skipped(9, "bad", because("invalid phone: empty"))])
            await exchange(ledger, [], 5)
            ends = [State.UNKNOWN, State.UNKNOWN, State.UNKNOWN, State.SENT, State.REFUSED]
            await exchange(ledger, [close(row, state) for row, state in enumerate(ends, 1)], 0)
            opened = await exchange(ledger, [], 3)
            assert [text.row for text in opened] == [6, 7, 8]
            await exchange(ledger, [close(6, State.QUEUED), close(8, State.NOT_SENT, reason="suppressed")], 0)
            before, counts = await pages(ledger), dict(ledger.counts)
            with pytest.raises(LedgerError):
                await ledger.settle([Resolution(1, State.SENT, because("found"), "rl_1"), wrong])
            assert await pages(ledger) == before
            assert ledger.counts == counts
            await ledger.aclose()

        virtual_time.run(main())
