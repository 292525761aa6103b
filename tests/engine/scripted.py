"""A provider that does as it is told, books that watch what the engine does, and a run made of both."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rumbleup_async.admission import Admit
from rumbleup_async.engine import ports
from rumbleup_async.engine.options import Options
from rumbleup_async.engine.pace import Pace
from rumbleup_async.engine.ports import AnyObserver, Ledger, Pauses, Permit, Prices
from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import MemoryLedger, SqliteLedger
from rumbleup_async.ledger.loading import NOBODY
from rumbleup_async.lookups import Known, Resolution, UnknownText
from rumbleup_async.messaging import (
    NO_REASONS,
    NONE_SHUT,
    Closed,
    Kept,
    Owner,
    Plan,
    Planned,
    Result,
    Second,
    Skipped,
    State,
    Step,
    Text,
)
from rumbleup_async.outcomes import Accepted, Draw, Outcome, Unknown
from rumbleup_async.people.run_book import RunBook
from rumbleup_async.reasons import Reason
from rumbleup_async.reasons import from_words as because
from rumbleup_async.retry import Policy
from rumbleup_async.rules.hours import Hours, Schedule
from rumbleup_async.rules.numbers import SuppressionStore
from rumbleup_async.runs.run import Run, Settings
from rumbleup_async.stops import Stop

TEXT = "Hi. STOP to opt out"

Answer = Outcome | BaseException
Script = Callable[[Text, int], Answer | Awaitable[Answer]]


def phone(number: int) -> str:
    """A textable phone of its own for each number."""
    exchange, line = divmod(number, 10_000)
    return f"202{234 + exchange}{line:04d}"


def phones(count: int, start: int = 0) -> list[str]:
    """`count` different phones."""
    return [phone(number) for number in range(start, start + count)]


def accepts(text: Text, attempt: int) -> Outcome:
    """The script of a provider with nothing special."""
    return Accepted(f"rl_{text.row}_{attempt}")


class Call(NamedTuple):
    """One text that was handed to the provider."""

    time: float
    row: int
    phone: str
    text: str


class Provider:
    """A gateway. `script(text, attempt)` says what becomes of an attempt, `latency` how many seconds it takes."""

    def __init__(self, script: Script = accepts, latency: float = 0.01) -> None:
        self.script = script
        self.latency = latency
        self.calls: list[Call] = []
        self.permits: list[Permit] = []
        """What each call was allowed by, in the order of the calls."""
        self.left: list[str] = []
        """Phones whose text left or may have, in order."""
        self.in_flight = 0
        self.most_in_flight = 0
        self.closed = 0
        self.wrongs: list[str] = []
        self.books: Books | None = None
        self.forbidden = ""
        """Why nothing may be delivered any more."""
        self._attempts: Counter[int] = Counter()

    async def deliver(self, text: Text, permit: Permit) -> Outcome:
        self.permits.append(permit)
        if self.books is not None and text.row not in self.books.entries:
            self.wrongs.append(f"row {text.row} delivered while its entry was not open")
        if self.forbidden:
            self.wrongs.append(f"row {text.row} delivered after {self.forbidden}")
        self.calls.append(Call(asyncio.get_running_loop().time(), text.row, text.phone, text.text))
        self._attempts[text.row] += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        came = self.left
        try:
            answer = self.script(text, self._attempts[text.row])
            if not isinstance(answer, Accepted | Unknown) and not isinstance(answer, Awaitable | BaseException):
                came = []
            came.append(text.phone)
            if self.latency:
                await asyncio.sleep(self.latency)
            if isinstance(answer, Awaitable):
                answer = await answer
            if isinstance(answer, BaseException):
                raise answer
            return answer
        finally:
            self.in_flight -= 1

    async def draw(self) -> Draw:
        raise AssertionError("a run of fast mode draws nobody")

    async def aclose(self) -> None:
        self.closed += 1

    @property
    def delivered(self) -> list[int]:
        """Rows in the order of their calls."""
        return [call.row for call in self.calls]


class Books:
    """A ledger around another: watches what is open, takes its time, and fails when it is told to."""

    def __init__(self, ledger: Ledger, *, slow: float = 0.0, fails: Callable[[int], str] = lambda number: "") -> None:
        self.ledger = ledger
        self.slow = slow
        self.fails = fails
        """For exchange number N from 1: "" for no failure, "before" or "after" the work is done."""
        self.exchanges = 0
        self.entries: set[int] = set()
        """Rows whose entry is open, as the engine was told."""
        self.most_open = 0
        self.closed: dict[int, Closed] = {}
        self.on_failure: Callable[[], None] = lambda: None
        self.finished: list[str | None] = []
        self.is_closed = False

    @property
    def last_row(self) -> int:
        return self.ledger.last_row

    @property
    def lock(self) -> int | None:
        return None

    @property
    def counts(self) -> Mapping[State, int]:
        return self.ledger.counts

    @property
    def fingerprint(self) -> str | None:
        return self.ledger.fingerprint

    async def open(self, plan: Plan | None) -> Plan:
        return await self.ledger.open(plan)

    @property
    def prices(self) -> Prices:
        return self.ledger.prices

    @property
    def pauses(self) -> Pauses:
        return self.ledger.pauses

    @property
    def notes(self) -> Sequence[str]:
        return self.ledger.notes

    @property
    def is_used(self) -> bool:
        return self.ledger.is_used

    @property
    def kept(self) -> Kept:
        return self.ledger.kept

    async def keep(self, kept: Kept) -> None:
        await self.ledger.keep(kept)

    async def load(self, batches: Iterable[Sequence[Planned | Skipped]], *, left_out: Mapping[str, Reason] = NOBODY) -> None:
        await self.ledger.load(batches, left_out=left_out)

    async def add(self, rows: Sequence[Planned | Skipped]) -> list[Result]:
        await asyncio.sleep(self.slow)
        return await self.ledger.add(rows)

    async def complete(self, fingerprint: str) -> None:
        await self.ledger.complete(fingerprint)

    @property
    def lease(self) -> float:
        return self.ledger.lease

    async def enlist(self, name: str) -> Owner:
        return await self.ledger.enlist(name)

    async def owners(self) -> list[Owner]:
        return await self.ledger.owners()

    async def expire(self, owner: int) -> list[Result]:
        return await self.ledger.expire(owner)

    async def step(
        self,
        owner: int,
        done: Sequence[Closed],
        want: int,
        now: float,
        shut: Mapping[int, float] = NONE_SHUT,
        *,
        admit: Admit | None = None,
        second: Second | None = None,
    ) -> Step:
        self.exchanges += 1
        failure = self.fails(self.exchanges)
        await asyncio.sleep(self.slow)
        if failure == "before":
            self._fail()
        step = await self.ledger.step(owner, done, want, now, shut, admit=admit, second=second)
        for close in done:
            self.closed[close.row] = close
        self.entries -= {close.row for close in done}
        if failure:
            self._fail()
        self.entries |= {text.row for text in step.texts}
        self.most_open = max(self.most_open, len(self.entries))
        await asyncio.sleep(self.slow)
        return step

    def _fail(self) -> None:
        self.on_failure()
        raise LedgerError("disk full")

    async def refuse(self, refused: Sequence[Result]) -> Sequence[Result]:
        refused = await self.ledger.refuse(refused)
        for result in refused:
            self.closed[result.row] = Closed(result.row, result.state, result.attempts, because(result.reason))
        return refused

    async def again(self) -> bool:
        return await self.ledger.again()

    async def left(self) -> list[tuple[Reason, int]]:
        return await self.ledger.left()

    async def reasons(self) -> list[tuple[State, Reason, int]]:
        return await self.ledger.reasons()

    async def claim(
        self,
        owner: int,
        done: Sequence[Closed],
        drawn: Sequence[Planned | Skipped],
        now: float,
        *,
        waits: Mapping[int, Reason] = NO_REASONS,
    ) -> list[Text | Result]:
        raise AssertionError("a run of fast mode draws nobody")

    async def places(self, why: Mapping[int, Reason] = NO_REASONS) -> dict[int, int]:
        return await self.ledger.places(why)

    async def finish(self, stop: Stop | None, elapsed: float) -> None:
        self.finished.append(None if stop is None else str(stop))
        await asyncio.sleep(self.slow)
        await self.ledger.finish(stop, elapsed)

    async def rows(self, after: int, limit: int, *, skipped_only: bool = False) -> list[Result]:
        return await self.ledger.rows(after, limit, skipped_only=skipped_only)

    async def doubts(self, after: int, limit: int, *, absent: bool = False) -> list[UnknownText]:
        return await self.ledger.doubts(after, limit, absent=absent)

    async def settle(self, settled: Sequence[Resolution]) -> Sequence[Resolution]:
        return await self.ledger.settle(settled)

    async def first_looks(self, doubts: Sequence[UnknownText], now: float) -> dict[int, float]:
        return await self.ledger.first_looks(doubts, now)

    async def witnesses(self, after: int, limit: int) -> list[Known]:
        return await self.ledger.witnesses(after, limit)

    async def known(self, phones: Sequence[str]) -> list[Known]:
        return await self.ledger.known(phones)

    async def aclose(self) -> None:
        self.is_closed = True
        await self.ledger.aclose()


def make_run(
    provider: Provider,
    *,
    ledger: Ledger | None = None,
    text: str = TEXT,
    action: str = "125",
    rate: float | None = None,
    concurrency: int = 8,
    limit: int | None = None,
    policy: Policy | None = None,
    observer: AnyObserver | Sequence[AnyObserver] | None = None,
    resume: bool = False,
    suppress: Container[str] | SuppressionStore = frozenset(),
    pace: ports.Pace | None = None,
    book: Callable[[Plan], RunBook] | None = None,
    given: Mapping[str, Any] | None = None,
    hours: Hours | None = None,
    schedule: Schedule | None = None,
    **settings: Any,
) -> Run:
    """A run with `provider` behind it; the ledger is in memory unless one is given, and is watched."""
    books = ledger if isinstance(ledger, Books) else Books(ledger or MemoryLedger())
    provider.books = books
    return Run(
        None if resume else Settings(provider="test", action=action, text=text, **settings),
        Options(
            concurrency=concurrency,
            limit=limit,
            policy=policy or Policy(),
            suppress=suppress,
            observer=observer,
            hours=hours,
            schedule=schedule,
        ),
        gateway=lambda plan: provider,
        ledger=books,
        pace=pace or Pace(rate),
        book=None if book is None else lambda plan, care: book(plan),
        given=given,
    )


def make_ledger(kind: str, path: Path) -> Ledger:
    """A ledger of this kind: "memory" or "sqlite"."""
    return MemoryLedger() if kind == "memory" else SqliteLedger(path / "run.ledger")


async def rows_of(ledger: Ledger) -> dict[int, Result]:
    """Every contact of an open ledger by row."""
    rows: dict[int, Result] = {}
    after = -1
    while page := await ledger.rows(after, 500):
        rows.update((result.row, result) for result in page)
        after = page[-1].row
    return rows


def check(provider: Provider) -> None:
    """What must hold whatever happened: every text left with its entry open, and nobody was texted twice."""
    assert provider.wrongs == []
    twice = [phone for phone, times in Counter(provider.left).items() if times > 1]
    assert twice == []
