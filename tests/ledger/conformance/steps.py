"""How contacts are opened and closed by the steps of one owner."""

import asyncio

import pytest

from rumbleup_async.engine.ports import Ledger
from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import states
from rumbleup_async.messaging import Closed, Result, Skipped, State, Text
from rumbleup_async.reasons import NO_REASON
from rumbleup_async.reasons import from_words as because
from tests import virtual_time
from tests.books import exchange, open_ledger
from tests.ledger.conformance.runs import PLAN, Reopen, Runs, close, pages, planned


class Steps(Runs):
    """What a step opens and closes, and what it refuses."""

    def test_queued_contacts_are_opened_in_order_and_once(self, ledger: Ledger) -> None:
        """A text would be handed to two workers, or the order of the list be lost."""

        async def main() -> list[Text]:
            await open_ledger(ledger, PLAN)
            await ledger.add([planned(row) for row in range(1, 1301)])
            opened: list[Text] = []
            closing: list[Closed] = []
            while True:
                some = await exchange(ledger, closing, 7)
                if not some:
                    break
                opened += some
                closing = [close(text.row, logid=f"rl_{text.row}") for text in some]
            assert ledger.counts[State.SENT] == 1300
            assert ledger.counts[State.QUEUED] == ledger.counts[State.INTENT] == 0
            assert await exchange(ledger, [], 5) == []
            await ledger.aclose()
            return opened

        opened = virtual_time.run(main())
        assert list(range(1, 1301)) == [text.row for text in opened]
        assert Text(7, "2022340007", "Hi 7. STOP", "Ada 7", 0) == opened[6]

    @pytest.mark.parametrize("state", sorted(states.CLOSES))
    def test_how_an_entry_is_closed_is_kept(self, ledger: Ledger, reopened: Reopen, state: State) -> None:
        """The report would show another state, reason or id than what happened."""

        async def main() -> Result:
            await open_ledger(ledger, PLAN)
            await ledger.add([planned(1), planned(2)])
            await exchange(ledger, [], 1)
            assert ledger.counts[State.INTENT] == 1
            await exchange(ledger, [Closed(1, state, 3, because("because"), "rl_1", 1_700_000_000_000)], 0)
            assert ledger.counts[State.INTENT] == 0
            counts = dict(ledger.counts)
            await ledger.aclose()
            again = reopened(ledger)
            await open_ledger(again, PLAN)
            assert counts == dict(again.counts)
            (found,) = await again.rows(0, 1)
            await again.aclose()
            return found

        assert virtual_time.run(main()) == Result(1, "2022340001", state, because("because"), "rl_1", 3, 1_700_000_000_000)

    def test_given_back_a_contact_is_opened_by_the_next_process_only(self, ledger: Ledger, reopened: Reopen) -> None:
        """A text that cannot get through would spin for ever in one run, or be lost for the next."""

        async def main() -> tuple[list[int], list[Text]]:
            await open_ledger(ledger, PLAN)
            await ledger.add([planned(row) for row in range(1, 6)])
            await exchange(ledger, [], 3)
            now = await exchange(ledger, [close(2, State.QUEUED, attempts=8, reason="refused"), close(1), close(3)], 10)
            await exchange(ledger, [close(text.row) for text in now], 10)
            await ledger.aclose()
            again = reopened(ledger)
            await open_ledger(again, None)
            then = await exchange(again, [], 10)
            await again.aclose()
            return [text.row for text in now], then

        now, then = virtual_time.run(main())
        assert now == [4, 5]
        assert then == [Text(2, "2022340002", "Hi 2. STOP", "Ada 2", 8, because("refused"))]

    def test_given_back_a_contact_comes_again_when_the_queue_is_begun_anew(self, ledger: Ledger) -> None:
        """Whoever met one sick node would wait for a resume, or come again and again without end."""

        async def main() -> None:
            await open_ledger(ledger, PLAN)
            await ledger.add([planned(row) for row in range(1, 6)])
            assert await ledger.left() == [(NO_REASON, 5)]
            await exchange(ledger, [], 5)
            aside = [close(row, State.QUEUED, attempts=1, reason=reason) for row, reason in ((2, "404"), (3, "403"), (5, "404"))]
            await exchange(ledger, [close(1), close(4), *aside], 0)
            assert await exchange(ledger, [], 5) == []
            assert await ledger.left() == [(because("404"), 2), (because("403"), 1)]
            assert await ledger.again()
            opened = await exchange(ledger, [], 5)
            assert [(text.row, text.attempts, str(text.why)) for text in opened] == [(2, 1, "404"), (3, 1, "403"), (5, 1, "404")]
            await exchange(ledger, [close(text.row) for text in opened], 5)
            assert not await ledger.again()
            assert await exchange(ledger, [], 5) == []

        virtual_time.run(main())

    def test_a_refusal_that_was_held_back(self, ledger: Ledger, reopened: Reopen) -> None:
        """Somebody would be written off who may be texted, or a text that left be called refused."""

        async def main() -> tuple[list[Result], dict[State, int]]:
            await open_ledger(ledger, PLAN)
            await ledger.add([planned(row) for row in range(1, 6)])
            await exchange(ledger, [], 4)
            held = [close(row, State.QUEUED, attempts=1, reason="400 no") for row in (1, 2)]
            await exchange(ledger, [*held, close(3, logid="rl_3")], 0)
            sure = [Result(row, f"202234000{row}", State.REFUSED, because("400 no\ud83d"), "", 1, 7) for row in (1, 2)]
            for wrong in (3, 4, 99):
                with pytest.raises(LedgerError):
                    await ledger.refuse([sure[0], Result(wrong, "", State.REFUSED)])
            await ledger.refuse(sure)
            with pytest.raises(LedgerError):
                await ledger.refuse(sure[:1])
            counts = dict(ledger.counts)
            await exchange(ledger, [close(4)], 0)
            await ledger.aclose()
            again = reopened(ledger)
            await open_ledger(again, None)
            rows = await again.rows(0, 10)
            await again.aclose()
            return rows, counts

        rows, counts = virtual_time.run(main())
        assert [row.state for row in rows] == [State.REFUSED, State.REFUSED, State.SENT, State.SENT, State.QUEUED]
        assert [(row.attempts, row.reason[:6], row.time) for row in rows[:2]] == [(1, "400 no", 7)] * 2
        assert counts == {**dict.fromkeys(State, 0), State.REFUSED: 2, State.SENT: 1, State.INTENT: 1, State.QUEUED: 1}

    @pytest.mark.parametrize(
        "closing",
        [
            pytest.param([close(4)], id="queued"),
            pytest.param([close(5, State.UNKNOWN)], id="skipped"),
            pytest.param([close(1), close(1)], id="twice at once"),
            pytest.param([close(3, State.REFUSED)], id="closed already"),
            pytest.param([close(1, State.INTENT)], id="to intent"),
            pytest.param([close(1, State.SKIPPED)], id="to skipped"),
            pytest.param([close(99)], id="no such row"),
            pytest.param([close(1), close(4)], id="one right, one wrong"),
        ],
    )
    def test_moves_that_the_table_does_not_have_are_refused_and_change_nothing(
        self, ledger: Ledger, closing: list[Closed]
    ) -> None:
        """A mistake of ours could turn "sent" into something that is sent again."""

        async def main() -> None:
            await open_ledger(ledger, PLAN)
            await ledger.add([*[planned(row) for row in range(1, 5)], Skipped(5, "bad", because("invalid phone"))])
            await exchange(ledger, [], 3)
            await exchange(ledger, [close(3)], 0)
            before, counts = await pages(ledger), dict(ledger.counts)
            with pytest.raises(LedgerError):
                await exchange(ledger, closing, 1)
            assert before == await pages(ledger)
            assert counts == dict(ledger.counts)
            # And the ledger can still be used.
            opened = await exchange(ledger, [close(1), close(2)], 5)
            assert [text.row for text in opened] == [4]
            await ledger.aclose()

        virtual_time.run(main())

    def test_what_was_open_when_the_process_died_is_unknown(self, ledger: Ledger, reopened: Reopen) -> None:
        """Somebody whose text was under way at the crash would be texted again."""

        async def main() -> tuple[list[Result], list[Text]]:
            await open_ledger(ledger, PLAN)
            await ledger.add([planned(row) for row in range(1, 6)])
            await exchange(ledger, [], 3)
            await exchange(ledger, [close(1)], 0)
            await ledger.aclose()
            again = reopened(ledger)
            await open_ledger(again, PLAN)
            assert again.counts[State.INTENT] == 0
            assert again.counts[State.UNKNOWN] == 2
            rows = await pages(again)
            opened = await exchange(again, [], 10)
            with pytest.raises(LedgerError):
                await exchange(again, [close(2)], 0)
            await again.aclose()
            return rows, opened

        rows, opened = virtual_time.run(main())
        assert [row.state for row in rows] == [State.SENT, State.UNKNOWN, State.UNKNOWN, State.QUEUED, State.QUEUED]
        assert {"interrupted before its result was known"} == {row.reason for row in rows if row.state is State.UNKNOWN}
        assert [text.row for text in opened] == [4, 5]

    def test_many_at_once(self, ledger: Ledger) -> None:
        """A concurrency of a thousand would meet a limit of the database."""

        async def main() -> int:
            await open_ledger(ledger, PLAN)
            await ledger.add([planned(row) for row in range(1, 3001)])
            opened = await exchange(ledger, [], 3000)
            await exchange(ledger, [close(text.row, logid="rl_" + "0" * 32) for text in reversed(opened)], 1000)
            sent = ledger.counts[State.SENT]
            await ledger.aclose()
            return sent

        assert virtual_time.run(main()) == 3000

    def test_a_cancelled_step_is_still_one_step(self, ledger: Ledger) -> None:
        """Cancelled while the disk works, nobody would know whether the intent is there; the text might leave without it."""

        async def main() -> None:
            await open_ledger(ledger, PLAN)
            await ledger.add([planned(row) for row in range(1, 41)])
            for number in range(8):
                step = asyncio.create_task(exchange(ledger, [], 5))
                for _ in range(number):
                    await asyncio.sleep(0)
                step.cancel()
                await asyncio.wait([step])
            opened = ledger.counts[State.INTENT]
            assert opened % 5 == 0
            assert opened == sum(row.state is State.INTENT for row in await pages(ledger))
            await ledger.aclose()

        asyncio.run(main())
