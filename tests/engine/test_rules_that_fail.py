"""Rules of the caller's that raise, are cancelled, or answer nonsense, at the claim and just before the wire."""

import asyncio
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from rumbleup_async.admission import GO, Go, Never, Verdict, Wait
from rumbleup_async.engine.engine import Engine
from rumbleup_async.engine.options import Options
from rumbleup_async.engine.pace import Pace
from rumbleup_async.engine.ports import SilentObserver
from rumbleup_async.messaging import Plan, Planned, Result, State, Text
from rumbleup_async.reasons import Code, Reason
from rumbleup_async.rules.door import Rule
from rumbleup_async.stops import Cause
from tests import virtual_time
from tests.engine.scripted import Books, Provider, check, make_ledger, make_run, phone, rows_of

LATER = Reason(Code.OUTSIDE_HOURS, "later")
NOON = 1_800_000_000.0


class Odd:
    """Does something odd the `number`-th time that it is asked about row 20: first at the claim, then before the wire."""

    def __init__(self, number: int, odd: Callable[[float], object]) -> None:
        self.number = number
        self.odd = odd
        self.asked = 0
        self.times: list[float] = []

    async def admit(self, text: Text, now: float) -> Verdict:
        if text.row == 20:
            self.asked += 1
            self.times.append(now)
            if self.asked == self.number:
                answer = self.odd(now)
                if isinstance(answer, BaseException):
                    raise answer
                return answer  # type: ignore[return-value]
        return GO


class Played:
    """What a run of 40 texts under one rule came to."""

    def __init__(self, rule: Rule, kind: str, path: Path) -> None:
        self.provider = Provider(latency=0.5)
        self.results: list[Result] = []
        self.rows: dict[int, Result] = {}
        self.error: BaseException | None = None
        self.cause: Cause | None = None
        self.rule = rule
        virtual_time.run(self._main(kind, path))
        check(self.provider)

    async def _main(self, kind: str, path: Path) -> None:
        ledger = self.provider.books = Books(make_ledger(kind, path))
        await ledger.open(Plan(run="bcdfghjkmn", provider="test", action="125", text="Hi. STOP"))
        await ledger.load([[Planned(row, phone(row), "Hi. STOP") for row in range(1, 41)]])
        began = virtual_time.now()
        engine = Engine(
            ledger,
            self.provider,
            Pace(),
            Options(concurrency=8),
            observer=SilentObserver(),
            sink=self.results.extend,
            rules=[self.rule],
            wall_clock=lambda: NOON + virtual_time.now() - began,
        )
        try:
            await engine.run()
        except BaseException as error:
            self.error = error
        self.cause = None if engine.books.stopped is None else engine.books.stopped.cause
        self.rows = await rows_of(ledger)
        await ledger.aclose()


ODD: dict[str, tuple[Callable[[float], object], type[BaseException]]] = {
    "raises": (lambda now: ZeroDivisionError(), ZeroDivisionError),
    "is cancelled": (lambda now: asyncio.CancelledError(), RuntimeError),
    "says nothing": (lambda now: None, TypeError),
    "says yes": (lambda now: True, TypeError),
    "is a class": (lambda now: Go, TypeError),
    "waits for no time": (lambda now: Wait(math.nan, LATER), ValueError),
    "waits for ever": (lambda now: Wait(math.inf, LATER), ValueError),
    "calls it sent": (lambda now: Never(LATER, State.SENT), ValueError),
}


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("odd", ODD)
def test_a_rule_that_fails_stops_the_run_and_costs_no_other_text(odd: str, number: int, kind: str, tmp_path: Path) -> None:
    """Texts in flight would be left in doubt, or somebody be passed over without a word, or the run never end."""
    does, error = ODD[odd]
    played = Played(Odd(number, does), kind, tmp_path)
    assert type(played.error) is error
    assert played.cause is Cause.RULE_FAILED
    states = Counter(result.state for result in played.rows.values())
    assert states == {State.SENT: len(played.provider.left), State.QUEUED: 40 - len(played.provider.left)}
    assert played.rows[20].state is State.QUEUED
    sent = {row for row, result in played.rows.items() if result.state is State.SENT}
    assert sorted(result.row for result in played.results if result.state is State.SENT) == sorted(sent)


@pytest.mark.parametrize("number", [1, 2])
def test_a_rule_that_waits_for_what_is_past_is_asked_again_a_little_later(number: int) -> None:
    """The run would ask it as fast as it can, and do nothing else."""

    class Hasty(Odd):
        async def admit(self, text: Text, now: float) -> Verdict:
            if self.asked in range(number, 10):
                self.number = self.asked + 1
            return await super().admit(text, now)

    rule = Hasty(number, lambda now: Wait(now - 3600.0, LATER))
    played = Played(rule, "memory", Path())
    assert {result.state for result in played.rows.values()} == {State.SENT}
    assert sorted(result.row for result in played.results) == list(range(1, 41))
    assert rule.times[-1] - rule.times[0] > 0.8


class Store:
    """Knows nobody, and takes so many seconds to say so."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.asks = self.most = 0

    async def is_suppressed(self, phone: str) -> bool:
        self.asks += 1
        self.most = max(self.most, self.asks)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.asks -= 1
        return False


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("seconds", [30.0, 100_000.0])
def test_a_stop_does_not_wait_for_a_slow_look_up(seconds: float, kind: str, tmp_path: Path) -> None:
    """Ctrl-C would seem to do nothing for as long as a store of opt-outs takes, or for ever if it hangs."""
    provider, ledger = Provider(), make_ledger(kind, tmp_path)

    async def main() -> None:
        run = make_run(provider, ledger=ledger, suppress=Store(seconds))
        async with run, asyncio.timeout(1000.0):
            asyncio.get_running_loop().call_later(10.0, run.stop, "enough")
            began = virtual_time.now()
            summary = await run.send([phone(number) for number in range(100)])
            assert virtual_time.now() - began < 11.0
            assert summary.stopped == "enough"
            assert summary.resumable == 100

    virtual_time.run(main())
    assert provider.calls == []


def test_those_who_are_to_be_looked_up_are_looked_up_together() -> None:
    """A store that takes a second would let one text a second out, whatever the concurrency."""
    provider, store = Provider(latency=0.1), Store(1.0)

    async def main() -> float:
        async with make_run(provider, suppress=store, concurrency=64) as run:
            began = virtual_time.now()
            assert (await run.send([phone(number) for number in range(1000)])).sent == 1000
            return virtual_time.now() - began

    assert virtual_time.run(main()) < 120.0
    assert 32 <= store.most <= 4 * 64
    check(provider)
