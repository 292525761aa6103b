"""What a person reads of the provider's limit: in the progress, in the last lines."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from rumbleup_async import events
from rumbleup_async.cli import progress
from rumbleup_async.cli.ending import throttling
from rumbleup_async.engine.engine import Engine
from rumbleup_async.engine.fan_out import FanOut
from rumbleup_async.engine.options import Options
from rumbleup_async.engine.pace import Pace
from rumbleup_async.events import Event
from rumbleup_async.ledger import MemoryLedger
from rumbleup_async.messaging import Plan, Planned, Text
from rumbleup_async.outcomes import Accepted, Outcome
from rumbleup_async.runs.run import Run
from rumbleup_async.runs.summary import Summary
from tests import virtual_time
from tests.engine.scripted import Provider, make_run, phones


class Learned(Pace):
    """A pace that has learned of a limit."""

    @property
    def learned(self) -> float | None:
        return 98.0


class Slow(Provider):
    """Takes half a second an answer."""

    async def deliver(self, text: Text, permit: Any) -> Outcome:
        await asyncio.sleep(0.5)
        return await super().deliver(text, permit)


class Watching:
    def __init__(self) -> None:
        self.seen: list[Event] = []

    def events(self, happened: Sequence[Event]) -> None:
        self.seen.extend(happened)


def summary(throttled: int, held: float, allowed: float | None) -> Summary:
    return Summary(
        run="r",
        action="1",
        total=0,
        sent=0,
        refused=0,
        skipped=0,
        not_sent=0,
        unknown=0,
        elapsed_seconds=1.0,
        texts_per_second=1.0,
        allowed_per_second=allowed,
        throttled=throttled,
        held_seconds=held,
    )


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (summary(1, 0.0, None), '1 answer of the provider said "not now"'),
        (
            summary(12, 71.0, 97.6),
            '12 answers of the provider said "not now", nothing could leave for 71 s; it allows about 98/s',
        ),
    ],
)
def test_the_last_lines_say_what_the_provider_said(seen: Summary, said: str) -> None:
    """Somebody would take the provider's limit for a slow program."""
    assert throttling(seen) == said


def test_a_learned_limit_is_shown() -> None:
    """A run at its provider's limit could not be told from a slow one, and its end would be anybody's guess."""
    words, left = list[str](), list[float | None]()

    async def main() -> None:
        async with make_run(Slow(lambda *_: Accepted("rl_1")), pace=Learned()) as run:
            async for result in run.send(phones(60)):
                if result.row == 50:
                    words.append(progress._words(run))
                    left.append(run.throughput.seconds_left)

    virtual_time.run(main())
    assert "provider allows about 98/s" in words[0]
    assert left[0] is None or left[0] < 1.0


def test_observers_are_told_of_a_learned_limit() -> None:
    """Nobody who watches a run from a program would know that it lives at its provider's limit."""
    watching = Watching()

    async def main() -> None:
        ledger = MemoryLedger()
        await ledger.open(Plan(run="bcdfghjkmn", provider="test", action="125", text="Hi. STOP"))
        await ledger.load([[Planned(number, phone, "Hi. STOP") for number, phone in enumerate(phones(60), 1)]])
        engine = Engine(
            ledger,
            Slow(lambda *_: Accepted("rl_1")),
            Learned(),
            Options(concurrency=8),
            observer=FanOut([watching]),
            sink=lambda _: None,
            wall_clock=lambda: 1_800_000_000 + asyncio.get_running_loop().time(),
        )
        await engine.run()

    virtual_time.run(main())
    assert [event.rate for event in watching.seen if isinstance(event, events.Allowed)] == [98.0]


def test_a_window_that_binds_is_said_once_and_only_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line would come ten times a second, or for a second in which the window happened to be full."""
    now, note = [0.0], ["64 in flight ..."]
    monkeypatch.setattr("rumbleup_async.cli.progress.time.monotonic", lambda: now[0])

    class Throughput:
        is_ledger_away = False

        @property
        def window_note(self) -> str:
            return note[0]

    class Fake:
        throughput = Throughput()

    fake: Any = Fake()
    run: Run = fake
    notes = progress._Notes(run)
    said = []
    for now[0] in range(30):
        note[0] = "" if now[0] == 5 else "64 in flight ..."
        if notes.look():
            said.append(now[0])
    assert said == [16]
