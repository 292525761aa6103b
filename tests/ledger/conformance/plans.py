"""How a run begins, is kept, and is gone on with."""

from collections.abc import Iterator, Sequence

import msgspec
import pytest

from rumbleup_async.engine.ports import Ledger
from rumbleup_async.errors import LedgerError, LedgerMismatch
from rumbleup_async.messaging import Kept, Plan, Planned, Skipped, State
from tests import virtual_time
from tests.books import exchange, open_ledger
from tests.ledger.conformance.runs import PLAN, Reopen, Runs, close, planned


class Plans(Runs):
    """Which run a ledger holds."""

    def test_a_new_ledger_takes_the_plan_as_it_is(self, ledger: Ledger, reopened: Reopen) -> None:
        """A resume would send another text, or into another project, than was planned."""

        async def main() -> tuple[Plan, Plan]:
            first = await open_ledger(ledger, PLAN)
            await ledger.aclose()
            again = reopened(ledger)
            second = await open_ledger(again, None)
            await again.aclose()
            return first, second

        assert virtual_time.run(main()) == (PLAN, PLAN)

    @pytest.mark.parametrize(
        ("change", "word"),
        [
            ({"provider": "sendblue"}, "provider"),
            ({"action": "126"}, "action"),
            ({"text": "Hello. STOP"}, "text"),
            ({"details": {"flags": [], "group": None}}, "flags"),
            ({"details": {"flags": ["spring"], "group": "26"}}, "group"),
            ({"details": {"flags": ["spring"], "group": None, "more": 1}}, "more"),
        ],
    )
    def test_another_plan_is_refused_once_a_text_may_have_left(
        self, ledger: Ledger, reopened: Reopen, change: dict[str, object], word: str
    ) -> None:
        """People would get half of one campaign and half of another."""

        async def main() -> None:
            await open_ledger(ledger, PLAN)
            await ledger.add([planned(1), planned(2)])
            await exchange(ledger, [], 1)
            await ledger.aclose()
            again = reopened(ledger)
            other = Plan(**{**{name: getattr(PLAN, name) for name in PLAN.__struct_fields__}, "run": "ffffffffffff", **change})
            with pytest.raises(LedgerMismatch, match=word):
                await open_ledger(again, other)
            # The refusal changes nothing.
            last = reopened(again)
            same = Plan(**{**{name: getattr(PLAN, name) for name in PLAN.__struct_fields__}, "run": "ffffffffffff"})
            assert await open_ledger(last, same) == PLAN
            await last.aclose()

        virtual_time.run(main())

    def test_how_careful_it_is_to_be_is_kept(self, ledger: Ledger, reopened: Reopen) -> None:
        """A resume would be faster than its run, or text whom the run was told to leave out."""

        def cut_off() -> Iterator[Sequence[Planned | Skipped]]:
            yield [planned(1)]
            raise RuntimeError("the list broke off")

        async def main() -> None:
            await open_ledger(ledger, PLAN)
            assert ledger.kept == Kept()
            await ledger.keep(Kept({"rate": 20, "policy": {"max_errors": 7}}, frozenset({"2022340001"}), True))
            await ledger.keep(Kept({"rate": 30}, frozenset({"2022340002"})))
            with pytest.raises(RuntimeError):
                await ledger.load(cut_off())
            await ledger.aclose()
            again = reopened(ledger)
            await open_ledger(again, PLAN)
            await again.load([[planned(1), planned(2)]])
            await again.complete("f")
            await again.aclose()
            again = reopened(again)
            await open_ledger(again, None)
            assert again.kept == Kept({"rate": 30}, frozenset({"2022340001", "2022340002"}), True), "phones are only ever added"
            assert not again.is_used, "nothing can have left"
            await again.aclose()
            again = reopened(again)
            await open_ledger(again, msgspec.structs.replace(PLAN, text="Other. STOP"))
            assert again.kept == Kept(), "another run in its place is told anew"
            await again.add([planned(1)])
            await exchange(again, [], 1)
            await exchange(again, [close(1, State.UNKNOWN)], 0)
            await again.aclose()
            again = reopened(again)
            await open_ledger(again, None)
            assert again.is_used
            await again.aclose()

        virtual_time.run(main())

    def test_nothing_to_resume_is_said(self, ledger: Ledger) -> None:
        """`resume` with a wrong path would make an empty run and report success."""

        async def main() -> None:
            with pytest.raises(LedgerError):
                await open_ledger(ledger, None)

        virtual_time.run(main())
