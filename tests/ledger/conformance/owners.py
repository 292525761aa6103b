"""Owners side by side, and what becomes of the entries of those who are no more."""

import pytest

from rumbleup_async.engine.ports import Ledger
from rumbleup_async.errors import LedgerError, LedgerFenced
from rumbleup_async.lookups import Resolution
from rumbleup_async.messaging import Closed, State
from rumbleup_async.reasons import ABSENT, Code
from tests.ledger.conformance.runs import NOW, PLAN, Run, Runs, placed, rows, sent, states_of, using


class Owners(Runs):
    """Who may open and close, and whose word counts."""

    def test_owners_side_by_side_have_their_own_entries(self, run: Run) -> None:
        """One process would close, or be given, what another has in flight."""

        async def work(ledger: Ledger) -> None:
            one, other = await ledger.enlist("one"), await ledger.enlist("other")
            assert one.id != other.id
            assert rows((await ledger.step(one.id, [], 2, NOW)).texts) == [1, 2]
            assert rows((await ledger.step(other.id, [], 2, NOW)).texts) == [3, 4]
            before = await states_of(ledger)
            with pytest.raises(LedgerError, match="was not open"):
                await ledger.step(other.id, [sent(3), sent(1)], 1, NOW)
            assert await states_of(ledger) == before
            assert rows((await ledger.step(one.id, [sent(1)], 1, NOW)).texts) == [5]
            assert rows((await ledger.step(other.id, [sent(4), sent(3)], 1, NOW)).texts) == [6]
            assert [(owner.name, owner.is_dead) for owner in await ledger.owners()] == [("one", False), ("other", False)]

        using(run, work)

    def test_an_owner_that_is_expired_while_it_lives_opens_nothing_more(self, run: Run) -> None:
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
            assert [(await states_of(ledger))[row] for row in (1, 2, 3, 4)] == [*[State.UNKNOWN] * 3, State.INTENT]
            assert [owner.name for owner in await ledger.owners()] == ["other"]
            assert rows((await ledger.step(other.id, [sent(4)], 1, NOW)).texts) == [5]
            with pytest.raises(LedgerFenced):
                await ledger.claim(slow.id, [], [placed(11)], NOW)

        using(run, work)

    @pytest.mark.parametrize("is_absent", [False, True])
    def test_a_fenced_owner_may_bring_proof(self, run: Run, is_absent: bool) -> None:
        """People would be on the list of those in doubt whose acceptance somebody holds in hands; or another's word counts."""

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
            assert await states_of(ledger) == {1: State.SENT, 2: State.UNKNOWN, 3: State.UNKNOWN}
            assert ledger.counts[State.SENT] == 1
            assert (await ledger.step(slow.id, [sent(1, "rl_9")], 0, NOW)).results == []
            with pytest.raises(LedgerFenced):
                await ledger.claim(slow.id, [sent(2, "rl_2")], [], NOW)
            assert (await states_of(ledger))[2] is State.SENT

        using(run, work, *(placed(row) for row in (1, 2, 3)))

    def test_proof_ends_the_wait_of_a_contact_that_is_queued_again(self, run: Run) -> None:
        """Somebody would be texted twice although the acceptance of the first text is at hand."""

        async def work(ledger: Ledger) -> None:
            slow, other = await ledger.enlist("slow"), await ledger.enlist("other")
            assert rows((await ledger.step(slow.id, [], 1, NOW)).texts) == [1]
            await ledger.expire(slow.id)
            await ledger.settle([Resolution(1, State.NOT_SENT, ABSENT)])
            await ledger.settle([Resolution(1, State.QUEUED, ABSENT)])
            assert (await ledger.step(slow.id, [sent(1, "")], 0, NOW)).results == [], "no proof"
            step = await ledger.step(slow.id, [sent(1, "rl_1")], 0, NOW)
            assert [(one.row, one.state, one.logid) for one in step.results] == [(1, State.SENT, "rl_1")]
            assert (ledger.counts[State.SENT], ledger.counts[State.QUEUED]) == (1, 2)
            assert rows((await ledger.step(other.id, [], 9, NOW)).texts) == [2, 3]

        using(run, work, *(placed(row) for row in (1, 2, 3)))

    def test_an_entry_that_another_has_opened_again_is_closed_by_that_owner_alone(self, run: Run) -> None:
        """The second text would be under way with nobody waiting for it, or its result be lost."""

        async def work(ledger: Ledger) -> None:
            slow, other = await ledger.enlist("slow"), await ledger.enlist("other")
            await ledger.step(slow.id, [], 1, NOW)
            await ledger.expire(slow.id)
            await ledger.settle([Resolution(1, State.NOT_SENT, ABSENT)])
            await ledger.settle([Resolution(1, State.QUEUED, ABSENT)])
            assert rows((await ledger.step(other.id, [], 1, NOW)).texts) == [1]
            step = await ledger.step(slow.id, [sent(1, "rl_1")], 0, NOW)
            assert (step.is_fenced, step.results) == (True, [])
            assert (await states_of(ledger))[1] is State.INTENT
            await ledger.step(other.id, [sent(1, "rl_2")], 0, NOW)
            (found,) = await ledger.rows(0, 1)
            assert (found.state, found.logid) == (State.SENT, "rl_2")

        using(run, work, placed(1))

    def test_opening_touches_nothing(self, run: Run) -> None:
        """A look by a second machine would make everything unknown that the first has in flight."""

        async def work(ledger: Ledger) -> None:
            owner = await ledger.enlist("first")
            await ledger.step(owner.id, [], 2, NOW)
            await ledger.aclose()
            again = run()
            await again.open(PLAN)
            assert again.counts[State.INTENT] == 2
            assert [(one.id, one.name, one.is_dead) for one in await again.owners()] == [(owner.id, "first", True)]
            assert (await again.enlist("next")).id != owner.id
            assert [one.row for one in await again.expire(owner.id)] == [1, 2]
            assert [one.name for one in await again.owners()] == ["next"]
            await again.aclose()

        using(run, work)
