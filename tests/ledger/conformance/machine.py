"""Any order of anything: a ledger and one in memory are led through the same story, and no move outside the table ever shows."""

import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from msgspec import structs

from rumbleup_async.engine.ports import Ledger
from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import MemoryLedger
from rumbleup_async.messaging import Closed, Plan, Planned, Result, Skipped, State, Text
from rumbleup_async.reasons import from_words as because
from tests import virtual_time
from tests.books import claim, exchange, open_ledger
from tests.ledger.conformance.runs import NewRun, Run, Runs

PLAN = Plan(run="bcdfghjkmn", provider="rumbleup", action="125", text="Hi. STOP", same_text="Hi. STOP")

# Written down here once more, so that a slip in the table of the ledgers shows.
MAY_FOLLOW = {
    None: {"queued", "skipped", "intent"},
    "queued": {"intent"},
    "intent": {"queued", "sent", "refused", "not_sent", "unknown"},
    "sent": set(),
    "refused": set(),
    "skipped": set(),
    "not_sent": set(),
    "unknown": set(),
}
"""Without reconciling. A contact that is drawn enters the ledger and is opened in one step."""


class Ledgers(RuleBasedStateMachine):
    """A ledger and one in memory, which must never differ."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run
        self.memory: Ledger = MemoryLedger()
        self.other = run()
        self.before: dict[int, str] = {}
        self.phones: dict[int, str] = {}
        self.last_row = 0
        self.draws = False
        self.left: dict[str, int] = {}
        """How often a text of a phone may have left."""

    @initialize()
    def begin(self) -> None:
        self.both(lambda ledger: open_ledger(ledger, PLAN))

    def both(self, step: Callable[[Ledger], Coroutine[Any, Any, Any]]) -> Any:
        """The answer of both, which must be one; LedgerError stands for every refusal."""
        answers = []
        for ledger in (self.memory, self.other):
            try:
                answers.append(virtual_time.run(step(ledger)))
            except LedgerError:
                answers.append(LedgerError)
        assert answers[0] == answers[1]
        return answers[0]

    def open_rows(self) -> list[int]:
        return [row for row, state in self.before.items() if state == "intent"]

    def rows(self) -> dict[int, Result]:
        """What is in both."""

        async def read(ledger: Ledger) -> list[Result]:
            # The disk keeps the time of an intent as well.
            return [structs.replace(result, time=0) for result in await ledger.rows(-1, 10_000)]

        return {result.row: result for result in self.both(read)}

    @rule(phones=st.lists(st.integers(0, 12), max_size=4), skipped=st.booleans())
    def add(self, phones: list[int], skipped: bool) -> None:
        rows: list[Planned | Skipped] = [
            Planned(self.last_row + number, f"20223400{phone:02d}", "Hi. STOP") for number, phone in enumerate(phones, 1)
        ]
        self.last_row += len(rows)
        if skipped:
            self.last_row += 1
            rows.append(Skipped(self.last_row, "12", because("invalid phone: too short")))
        self.both(lambda ledger: ledger.add(rows))

    @rule(data=st.data(), want=st.integers(0, 4))
    def exchange(self, data: st.DataObject, want: int) -> None:
        closing = data.draw(st.lists(st.sampled_from(self.open_rows() or [0]), unique=True, max_size=3))
        closed = [
            Closed(row, data.draw(st.sampled_from([State.QUEUED, State.SENT, State.REFUSED, State.NOT_SENT, State.UNKNOWN])), 1)
            for row in closing
            if row
        ]
        # A run either draws its contacts or takes them from its queue.
        opened: list[Text] = self.both(lambda ledger: exchange(ledger, closed, 0 if self.draws else want))
        self._note(closed, opened)

    @rule(row=st.integers(0, 30), state=st.sampled_from(list(State)), twice=st.booleans())
    def close_anything(self, row: int, state: State, twice: bool) -> None:
        """Most of these are not allowed, and then nothing may change."""
        closed = [Closed(row, state, 1)] * (2 if twice else 1)
        before = self.rows()
        answer = self.both(lambda ledger: exchange(ledger, closed, 0))
        allowed = self.before.get(row) == "intent" and state.word in MAY_FOLLOW["intent"] and not twice
        assert (answer is not LedgerError) == allowed
        if allowed:
            self._note(closed, [])
        else:
            assert self.rows() == before

    @rule(data=st.data(), phones=st.lists(st.integers(0, 12), unique=True, min_size=1, max_size=3))
    def draw(self, data: st.DataObject, phones: list[int]) -> None:
        closing = data.draw(st.lists(st.sampled_from(self.open_rows() or [0]), unique=True, max_size=2))
        closed = [Closed(row, data.draw(st.sampled_from([State.QUEUED, State.SENT])), 1) for row in closing if row]
        drawn = [Planned(self.last_row + number, f"20223400{phone:02d}", "Hi. STOP") for number, phone in enumerate(phones, 1)]
        self.last_row += len(drawn)
        self.draws = True
        answers = self.both(lambda ledger: claim(ledger, closed, drawn))
        self._note(closed, [answer for answer in answers if isinstance(answer, Text)])

    def _note(self, closed: list[Closed], opened: list[Text]) -> None:
        for close in closed:
            phone = self.phones[close.row]
            self.left[phone] = self.left.get(phone, 0) + (close.state in {State.SENT, State.UNKNOWN})
        for text in opened:
            assert not self.left.get(text.phone), "opened again although its text may have left"

    @precondition(lambda self: self.before)
    @rule()
    def die_and_open_again(self) -> None:
        """The next process finds what was open, and does not know."""
        for row in self.open_rows():
            phone = self.phones[row]
            self.left[phone] = self.left.get(phone, 0) + 1
        virtual_time.run(self.memory.aclose())
        virtual_time.run(self.other.aclose())
        self.other = self.run()
        self.both(lambda ledger: open_ledger(ledger, None))

    @invariant()
    def only_moves_of_the_table(self) -> None:
        found = self.rows()
        self.phones = {row: result.phone for row, result in found.items()}
        now = {row: result.state.word for row, result in found.items()}
        assert self.before.keys() <= now.keys(), "a contact has vanished"
        for row, word in now.items():
            before = self.before.get(row)
            assert word == before or word in MAY_FOLLOW[before], f"{before} became {word}"
        self.before = now
        live = [result.phone for result in found.values() if result.state is not State.SKIPPED]
        assert len(live) == len(set(live)), "one phone, two texts"
        for ledger in (self.memory, self.other):
            assert sum(ledger.counts.values()) == len(now)
            for kind in State:
                assert ledger.counts[kind] == list(now.values()).count(kind.word)

    def teardown(self) -> None:
        with contextlib.suppress(LedgerError):
            virtual_time.run(self.other.aclose())


class Machine(Runs):
    """Stories that nobody thought of."""

    def test_any_order_of_anything(self, new_run: NewRun) -> None:
        """Some order of events would text somebody twice, or go otherwise on a disk than it was tried in memory."""

        class LedgersOfARun(Ledgers):
            def __init__(self) -> None:
                super().__init__(new_run())

        run_state_machine_as_test(
            LedgersOfARun,
            settings=settings(
                max_examples=8, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]
            ),
        )
