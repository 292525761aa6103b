"""What the tests of the suite are given: ledgers of runs, and a few contacts for them."""

from collections.abc import Awaitable, Callable, Sequence
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck

from rumbleup_async.engine.ports import Ledger
from rumbleup_async.ledger import looks
from rumbleup_async.messaging import Closed, Plan, Planned, Result, State, Text
from rumbleup_async.reasons import NO_REASON
from rumbleup_async.reasons import from_words as because
from tests import virtual_time

Run = Callable[[], Ledger]
"""The ledger of one run, as the next process has it: asked for again once the one before is closed."""
NewRun = Callable[[], Run]
"""A run that was never begun."""
Reopen = Callable[[Ledger], Ledger]
Elapse = Callable[[float], None]

PLAN = Plan(
    run="0123456789ab", provider="rumbleup", action="125", text="Hi {name}. STOP", details={"flags": ["spring"], "group": None}
)
NOW = 1_700_000_000.0
SHARED = [HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]
"""Each example begins runs of its own, and each ledger has a class of its own."""


class Runs:
    """Fixtures of the suite. `new_run` is what a ledger that is put to the test has to give."""

    @pytest.fixture
    def new_run(self) -> NewRun:
        """Runs of the ledger that is put to the test."""
        raise NotImplementedError("say in new_run how a run of this ledger is begun")

    @pytest.fixture
    def run(self, new_run: NewRun) -> Run:
        """One run."""
        return new_run()

    @pytest.fixture
    def ledger(self, run: Run) -> Ledger:
        """The ledger of the run in its first process."""
        return run()

    @pytest.fixture
    def reopened(self, run: Run) -> Reopen:
        """The ledger of the run in its next process."""
        return lambda _: run()

    @pytest.fixture
    def elapse(self, monkeypatch: pytest.MonkeyPatch) -> Elapse:
        """Lets seconds pass by the wall clock that says how old a look into the provider's log is, while the other clock stands
        still, as in a machine that sleeps. A ledger that keeps this time by itself gives a fixture of its own."""
        clock = SimpleNamespace(now=1e9)
        monkeypatch.setattr(looks, "time", SimpleNamespace(monotonic=lambda: 5.0, time=lambda: clock.now))

        def elapse(seconds: float) -> None:
            clock.now += seconds

        return elapse


def planned(row: int, phone: str | None = None, text: str | None = None) -> Planned:
    return Planned(row, phone or f"202234{row:04d}", text or f"Hi {row}. STOP", f"Ada {row}", 1)


def placed(row: int, place: int = 0) -> Planned:
    """A contact of this place."""
    return Planned(row, f"202234{row:04d}", f"Hi {row}. STOP", place=place)


def close(row: int, state: State = State.SENT, **fields: object) -> Closed:
    why = because(str(fields.pop("reason", "")))
    return Closed(row, state, **{"attempts": 1, "why": why, **fields})  # type: ignore[arg-type]


def sent(row: int, logid: str = "rl") -> Closed:
    return Closed(row, State.SENT, 1, NO_REASON, logid, 5)


async def pages(ledger: Ledger, size: int = 100, *, skipped_only: bool = False) -> list[Result]:
    """All contacts, read by pages of this size."""
    found: list[Result] = []
    while page := await ledger.rows(found[-1].row if found else -1, size, skipped_only=skipped_only):
        assert len(page) <= size
        found += page
    return found


def rows(texts: Sequence[Text]) -> list[int]:
    return [text.row for text in texts]


async def states_of(ledger: Ledger) -> dict[int, State]:
    return {result.row: result.state for result in await ledger.rows(-1, 100)}


def using(run: Run, work: Callable[[Ledger], Awaitable[None]], *contacts: Planned) -> None:
    """Do something with the open ledger of a run that has these contacts, ten without."""

    async def main() -> None:
        ledger = run()
        await ledger.open(PLAN)
        await ledger.add(contacts or [placed(row) for row in range(1, 11)])
        await work(ledger)
        await ledger.aclose()

    virtual_time.run(main())
