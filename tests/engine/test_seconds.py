"""What a ledger keeps of each second of a run."""

import asyncio
from pathlib import Path

import pytest

from rumbleup_async.engine.engine import Engine
from rumbleup_async.engine.options import Options
from rumbleup_async.engine.pace import Pace
from rumbleup_async.engine.ports import SilentObserver
from rumbleup_async.engine.seconds import Counts, Tally
from rumbleup_async.ledger import MemoryLedger
from rumbleup_async.ledger.reader import Reader
from rumbleup_async.messaging import LATENCIES, Plan, Planned, Second, State, Text
from rumbleup_async.outcomes import Accepted, NotSent, Outcome, Throttled, Unknown
from rumbleup_async.reasons import Code, Reason
from tests import virtual_time
from tests.engine.scripted import Provider, accepts, make_ledger, phone

WHY = Reason(Code.OTHER, "x")


@pytest.mark.parametrize(("seconds", "bucket"), [(0.0, 0), (0.01, 0), (0.011, 1), (0.2, 4), (30.0, 10), (31.0, 11)])
def test_an_answer_is_counted_where_it_belongs(seconds: float, bucket: int) -> None:
    """A picture of latencies would be shifted by one."""
    tally = Tally()
    tally.see(Accepted("rl_1"), seconds)
    assert [number for number, count in enumerate(tally.latencies) if count] == [bucket]
    assert len(tally.latencies) == len(LATENCIES) + 1


def test_what_brought_no_answer_has_no_latency() -> None:
    """Timeouts of ours would look like a slow provider."""
    tally = Tally()
    for outcome in (Unknown(WHY), NotSent(WHY), Throttled(WHY, 429), Throttled(WHY, 440)):
        tally.see(outcome, 0.0)
    assert sum(tally.latencies) == 2


def test_tallies_add_up() -> None:
    """What a worker process saw while the bookkeeper was busy would be lost."""
    one, other = Tally(1, rate=5.0), Tally(2, rate=7.0)
    one.see(Accepted("rl_1"), 0.5)
    other.see(Accepted("rl_1"), 0.5)
    one.add(other)
    assert (one.throttled, one.latencies[5], one.rate) == (3, 2, 7.0)


def test_a_second_is_told_once_it_is_over() -> None:
    """Its row would be written twice, or hold what came later."""
    now, counts = [100.2], dict.fromkeys(State, 0)
    seconds = Counts(lambda: now[0], lambda: counts)
    tallies = [Tally(rate=20.0), Tally(1, rate=5.0)]
    assert seconds.passed(lambda: tallies) is None, "nothing is known of what was before"
    counts[State.SENT] = 7
    now[0] = 100.9
    assert seconds.passed(lambda: tallies) is None
    seconds.held(0.6)
    now[0] = 103.5
    second = seconds.passed(lambda: tallies)
    assert second is not None
    assert (second.at, second.sent, second.throttled, second.rate) == (100, 7, 1, 25.0)
    assert second.held == pytest.approx(0.1)
    assert seconds.passed(lambda: tallies) is None
    now[0] = 99.0
    assert seconds.passed(lambda: tallies) is None, "the clock was set back"


def answer(text: Text, attempt: int) -> Outcome:
    if text.row % 50 == 0 and attempt == 1:
        return Throttled(WHY, 429, 0.01)
    return Unknown(WHY) if text.row == 77 else accepts(text, attempt)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_run_keeps_its_seconds(kind: str, tmp_path: Path) -> None:
    """Whoever looks at a run from another process would see that it goes on, and not how."""
    ledger = make_ledger(kind, tmp_path)

    async def main() -> list[Second]:
        await ledger.open(Plan(run="bcdfghjkmn", provider="test", action="125", text="Hi. STOP"))
        await ledger.load([[Planned(number + 1, phone(number), "Hi. STOP") for number in range(400)]])
        engine = Engine(
            ledger,
            Provider(answer, latency=0.05),
            Pace(100),
            Options(concurrency=8),
            observer=SilentObserver(),
            sink=lambda _: None,
            wall_clock=lambda: 1_800_000_000 + asyncio.get_running_loop().time(),
        )
        await engine.run()
        if isinstance(ledger, MemoryLedger):
            return ledger.seconds
        reader = Reader(tmp_path / "run.ledger")
        seconds = reader.seconds()
        reader.close()
        await ledger.aclose()
        return seconds

    seconds = virtual_time.run(main())
    assert len(seconds) >= 3
    assert [second.at for second in seconds] == sorted({second.at for second in seconds})
    assert sum(second.sent for second in seconds) == 399, "the second in which it ended is among them"
    assert sum(second.throttled for second in seconds) == 8
    assert sum(second.unknown for second in seconds) == 1
    assert 12 < sum(sum(second.latencies) for second in seconds) <= 26
    assert all(second.rate for second in seconds)
    assert any(second.held for second in seconds)
    assert all(second.held <= 1 for second in seconds)
