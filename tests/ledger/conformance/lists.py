"""How contacts come into a ledger."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumbleup_async.engine.ports import Ledger
from rumbleup_async.errors import LedgerMismatch
from rumbleup_async.ledger import MemoryLedger
from rumbleup_async.messaging import Plan, Planned, Result, Skipped, State, Text
from rumbleup_async.reasons import from_words as because
from tests import virtual_time
from tests.books import exchange, open_ledger
from tests.ledger.conformance.runs import PLAN, SHARED, NewRun, Runs, pages, planned

_lists = st.lists(
    st.one_of(
        st.integers(0, 12).map(lambda number: ("planned", number)),
        st.integers(0, 12).map(lambda number: ("skipped", number)),
    ),
    max_size=60,
)


def _rows(drawn: Sequence[tuple[str, int]]) -> list[Planned | Skipped]:
    rows: list[Planned | Skipped] = []
    for row, (what, number) in enumerate(drawn, 1):
        phone = f"202234{number:04d}"
        rows.append(planned(row, phone) if what == "planned" else Skipped(row, phone, because("suppressed")))
    return rows


def _cut(rows: Sequence[Planned | Skipped], size: int) -> Iterator[Sequence[Planned | Skipped]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


class Lists(Runs):
    """Contacts as they come in, and as they are read again."""

    @pytest.mark.parametrize("way", ["add", "load"])
    def test_the_first_row_of_a_phone_wins(self, ledger: Ledger, way: str) -> None:
        """Somebody who is on the list twice would be texted twice."""
        rows: list[Planned | Skipped] = [
            Skipped(1, "2022340007", because("empty merge field name")),
            planned(2, "2022340007"),
            planned(3),
            planned(4, "2022340007"),
            Skipped(5, "bad", because("invalid phone: empty")),
            planned(6),
            planned(7, "2022340003"),
            Skipped(8, "bad", because("invalid phone: empty")),
        ]

        async def main() -> tuple[list[Text], list[Result], list[Result]]:
            await open_ledger(ledger, PLAN)
            skipped: list[Result] = []
            if way == "load":
                await ledger.load([rows[:3], rows[3:]])
            else:
                skipped = [*await ledger.add(rows[:3]), *await ledger.add(rows[3:])]
            await ledger.complete("abc")
            assert ledger.fingerprint == "abc"
            everything = await pages(ledger)
            only = await pages(ledger, skipped_only=True)
            opened = await exchange(ledger, [], 100)
            await ledger.aclose()
            assert only == [row for row in everything if row.state is State.SKIPPED]
            return opened, skipped, only

        opened, skipped, only = virtual_time.run(main())
        assert [text.row for text in opened] == [2, 3, 6]
        reasons = {row.row: row.reason for row in only}
        assert (reasons[1], reasons[4], reasons[7]) == ("empty merge field name", "duplicate of row 2", "duplicate of row 3")
        assert (reasons[5], reasons[8], len(reasons)) == ("invalid phone: empty", "invalid phone: empty", 5)
        assert way == "load" or skipped == only

    def test_the_same_rows_again_are_passed_over_and_others_refused(self, ledger: Ledger) -> None:
        """A list that is sent again after a crash would be texted again, or a changed list be taken for the same."""

        async def main() -> None:
            await open_ledger(ledger, PLAN)
            rows: list[Planned | Skipped] = [
                planned(1),
                Skipped(2, "bad", because("invalid phone")),
                planned(3, "2022340001"),
                planned(4),
            ]
            assert len(await ledger.add(rows)) == 2
            before = await pages(ledger)
            assert await ledger.add(rows) == []
            assert before == await pages(ledger)
            assert len(await exchange(ledger, [], 10)) == 2
            assert await ledger.add(rows) == []
            others: list[Planned | Skipped] = [
                planned(1, "2022349999"),
                planned(1, text="Other. STOP"),
                planned(2),
                Skipped(4, "2022340004", because("empty merge field x")),
                Skipped(2, "worse", because("invalid phone")),
            ]
            for other in others:
                with pytest.raises(LedgerMismatch):
                    await ledger.add([other])
            await ledger.aclose()

        virtual_time.run(main())

    def test_pages_have_every_row_once(self, ledger: Ledger) -> None:
        """A report would lose rows at the edges of its pages."""

        async def main() -> list[list[int]]:
            await open_ledger(ledger, PLAN)
            await ledger.add(
                [planned(row) if row % 3 else Skipped(row, "bad", because("invalid phone")) for row in range(2, 50, 2)]
            )
            found = [[row.row for row in await pages(ledger, size)] for size in (1, 2, 5, 1000)]
            assert [row for row in range(2, 50, 2) if row % 3 == 0] == [
                row.row for row in await pages(ledger, 3, skipped_only=True)
            ]
            await ledger.aclose()
            return found

        assert virtual_time.run(main()) == [list(range(2, 50, 2))] * 4

    def test_a_list_of_nothing_and_a_step_of_nothing(self, ledger: Ledger) -> None:
        """The edges must not fail: an empty batch, an empty list, an empty step."""

        async def main() -> None:
            await open_ledger(ledger, PLAN)
            assert await ledger.add([]) == []
            await ledger.load([])
            assert await exchange(ledger, [], 0) == []
            assert await exchange(ledger, [], 5) == []
            assert await ledger.rows(-1, 10) == []
            await ledger.complete("")
            await ledger.finish(None, 0.0)
            assert set(ledger.counts.values()) == {0}
            assert set(ledger.counts) == set(State)
            await ledger.aclose()
            await ledger.aclose()

        virtual_time.run(main())

    @given(drawn=_lists, size=st.integers(1, 20))
    @settings(max_examples=30, deadline=None, suppress_health_check=SHARED)
    def test_a_list_that_is_loaded_and_one_that_is_added_come_to_the_same(
        self, new_run: NewRun, drawn: list[tuple[str, int]], size: int
    ) -> None:
        """The same file would text other people through a path than through a generator, or without a file for the ledger."""
        rows = _rows(drawn)

        async def use(ledger: Ledger, way: str) -> tuple[list[Result], list[int]]:
            await open_ledger(ledger, PLAN)
            if way == "load":
                await ledger.load(_cut(rows, size))
            else:
                for batch in _cut(rows, size):
                    await ledger.add(batch)
            everything = await pages(ledger)
            opened = [text.row for text in await exchange(ledger, [], 100)]
            await ledger.aclose()
            return everything, opened

        async def main() -> None:
            expected = await use(MemoryLedger(), "add")
            assert expected == await use(MemoryLedger(), "load")
            assert expected == await use(new_run()(), "add")
            assert expected == await use(new_run()(), "load")

        virtual_time.run(main())

    @given(
        text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
        name=st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=10)),
    )
    @settings(max_examples=40, deadline=None, suppress_health_check=SHARED)
    def test_the_text_comes_back_as_it_went_in(self, new_run: NewRun, text: str, name: str | None) -> None:
        """An emoji, a quote or a line break would be lost between the plan and the person."""
        plan = Plan(run="0" * 12, provider="rumbleup", action="125", text="t", same_text="one and the same")

        async def main() -> list[Text]:
            ledger = new_run()()
            await open_ledger(ledger, plan)
            await ledger.add([Planned(1, "2022340001", text, name), Planned(2, "2022340002", "one and the same", None)])
            opened = await exchange(ledger, [], 2)
            await ledger.aclose()
            return opened

        first, second = virtual_time.run(main())
        assert (text, name) == (first.text, first.name)
        assert (second.text, second.name) == ("one and the same", None)
