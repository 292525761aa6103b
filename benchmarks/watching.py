"""What people who watch cost: five readers of the live page beside a run, and how long a look takes at a ledger of millions.

In pairs of rounds that change places. What counts is the CPU of the run's own process for a text: the page has a process of its
own.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from benchmarks import against
from benchmarks.results import Group, Measured, middle
from benchmarks.running import Sender, folder, interleaved, loop, say
from benchmarks.serving import serving
from rumbleup_async.events import STEP_LATENCIES, SecondPassed
from rumbleup_async.ledger import SqliteLedger
from rumbleup_async.messaging import LATENCIES, Closed, Plan, Planned, Result, Second, State
from rumbleup_async.observe.ledgers import LedgerFile
from rumbleup_async.observe.looks import Look
from rumbleup_async.observe.metrics import Metrics
from rumbleup_async.observe.telemetry import Telemetry
from rumbleup_async.observe.watched import Watched
from rumbleup_async.reasons import Reason

ROUNDS = 20
"""Pairs that the interval of a median needs to mean something."""
TEXTS = 30_000
"""Short rounds: what else happens on the machine meets both of a pair, or neither. The page looks twice a second."""
READERS = 5
ROWS = 5_000_000

ALONE, WATCHED = "ours", f"ours, {READERS} readers of the page"


def main(*, quick: bool = False) -> Measured:
    """Both ways, round by round; then the looks."""
    rounds = 1 if quick else ROUNDS
    fast = ("--loop", loop(), "--source", "csv")
    texts = 2_000 if quick else TEXTS
    pair = [Sender(ALONE, "ours", texts, fast), Sender(WATCHED, "ours", texts, (*fast, "--readers", str(READERS)))]
    with folder() as work, serving(work) as served:
        rows = interleaved(pair, served, work, rounds)
        group = Group("answers at once, 64 in flight", ALONE, rows, served.name, compare=[(WATCHED, ALONE)])
        looks = asyncio.run(_looks(work / "large.ledger", 50_000 if quick else ROWS))
    lines = ["| | nobody watches | five readers | ratio | 95 % interval |", "| --- | ---: | ---: | ---: | ---: |"]
    for figure, (its, mine) in {
        "CPU µs a text": [[run.cpu_seconds / run.texts * 1e6 for run in row.runs] for row in rows],
        "texts a second": [row.rates(steady=False) for row in rows],
    }.items():
        if ratios := [one / other for one, other in zip(mine, its, strict=True)]:
            low, high = against.interval(ratios)
            lines.append(f"| {figure} | {middle(its):,.1f} | {middle(mine):,.1f} | {middle(ratios):.3f} | {low:.3f}–{high:.3f} |")
    notes = ["a list file on the disk, the ledger beside it; page and readers are processes of their own"]
    return Measured(rounds=rounds, notes=notes, groups=[group], lines=[*lines, "", *looks, "", *_observers(quick=quick)])


def _observers(*, quick: bool) -> list[str]:
    """What a text costs by observers alone, in a second of 40,000 of them: the least of some tries."""
    results = [Result(row, "2025550101", State.SENT, Reason(), "L1", 1, 0) for row in range(256)]
    answers = (0, 2_500, *[0] * (len(LATENCIES) - 1))
    steps = (0, 100, 50, *[0] * (len(STEP_LATENCIES) - 2))
    passed = SecondPassed(Second(1, sent=40_000, latencies=answers), 64, 150, 0.3, 2_500 * 0.015, steps)
    kept = MeterProvider([InMemoryMetricReader()])
    observers: dict[str, Metrics | Telemetry] = {
        "metrics for Prometheus": Metrics(),
        "OpenTelemetry, its API alone": Telemetry(),
        "OpenTelemetry, its SDK": Telemetry(meter_provider=kept),
    }
    lines = ["| observer | CPU µs a text |", "| --- | ---: |"]
    for name, observer in observers.items():
        took = []
        for _ in range(2 if quick else 20):
            before = time.process_time()
            for _ in range(40_000 // len(results)):
                observer.results(results)
            observer.events([passed])
            took.append(time.process_time() - before)
        lines.append(f"| {name} | {min(took) / (40_000 // len(results) * len(results)) * 1e6:.2f} |")
    kept.shutdown()
    return lines


async def _looks(path: Path, rows: int) -> list[str]:
    """How long looks take at a ledger of so many contacts: while it is sent, while its run is quiet, and when nobody sends it."""
    began = time.perf_counter()
    ledger = await _made(path, rows)
    say(f"a ledger of {rows:,} contacts, {path.stat().st_size / 2**20:,.0f} MiB, in {time.perf_counter() - began:.0f} s")
    watched = Watched(LedgerFile(path))
    lines = [
        f"| looks at {rows:,} contacts | number | median ms | slowest ms | median CPU ms | most CPU ms |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]

    def look() -> tuple[Look, tuple[float, float]]:
        before, used = time.perf_counter(), time.thread_time()
        found = watched.look()
        return found, (1000 * (time.perf_counter() - before), 1000 * (time.thread_time() - used))

    def tell(words: str, took: list[tuple[float, float]]) -> None:
        columns = [f"{middle(one):.1f} | {max(one):.1f}" for one in map(list, zip(*took, strict=True))]
        lines.append(f"| {words} | {len(took)} | {' | '.join(columns)} |")

    owner = (await ledger.enlist("bench")).id
    took: list[tuple[float, float]] = []
    for number in range(1, 21):
        # 2,000 texts leave and are accepted, and the second is noted, as a bookkeeper does it.
        texts = (await ledger.step(owner, [], 2_000, time.time())).texts
        done = [Closed(text.row, State.SENT, 1, Reason(), "L1", int(time.time() * 1000)) for text in texts]
        second = Second(int(time.time()) - 1, sent=len(done), latencies=(0, len(done)))
        await ledger.step(owner, done, 0, time.time(), second=second)
        found, spent = look()
        took.append(spent)
        if found.counts["sent"] != 2_000 * number:
            raise SystemExit(f"the look is wrong: {found}")
    tell("while it is sent", took)
    await asyncio.sleep(2.5)
    tell("while its run is quiet", [look()[1] for _ in range(100)])
    await ledger.aclose()
    watched.close()
    took = [look()[1]]
    while watched.is_counting:
        took.append(look()[1])
    tell("when nobody sends it, from its opening on until all are counted", took)
    tell("when nobody sends it, later", [look()[1] for _ in range(100)])
    watched.close()
    return lines


async def _made(path: Path, rows: int) -> SqliteLedger:
    """A ledger of so many contacts, its list complete, open. Rows are made by SQLite itself: the load is not what is measured."""
    plan = Plan(run="qrtxntzqqb", provider="rumbleup", action="125", text="Hi {first_name}. STOP")
    ledger = SqliteLedger(path)
    await ledger.open(plan)
    await ledger.add([Planned(row, f"1202{row:07d}", f"Hi Ada {row}. STOP to opt out", segments=1) for row in range(1, 11)])
    await ledger.aclose()
    db = sqlite3.connect(path)
    db.execute(
        """INSERT INTO contact (row, phone, text, segments, state)
        WITH RECURSIVE n(i) AS (SELECT 11 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
        SELECT i, '12' || printf('%09d', i), 'Hi Ada ' || i || '. STOP to opt out', 1, 0 FROM n""",
        (rows,),
    )
    db.commit()
    db.close()
    ledger = SqliteLedger(path)
    await ledger.open(plan)
    await ledger.complete("list")
    return ledger
