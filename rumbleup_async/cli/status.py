"""`rumbleup status` and `rumbleup report`: looks into a ledger.

Lives here: reading a ledger and printing it.
"""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from rumbleup_async.cli.console import FINE, exit_code, plural, print_json, say
from rumbleup_async.cli.ending import show_summary
from rumbleup_async.cli.output_file import save
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.ledger import Reader, marks
from rumbleup_async.messaging import Result, State
from rumbleup_async.runs import care
from rumbleup_async.runs.run import CONCURRENT
from rumbleup_async.runs.summary import Summary, reported, summarise

COLUMNS = ("row", "phone", "state", "reason", "logid", "attempts", "sent_time")


def status(path: Path, *, as_json: bool) -> int:
    """Print how a run stands; the exit code says the same, 0 while it is under way."""
    reader = Reader(path)
    try:
        running = reader.running
        counts = reader.counts()
        summary = summarise(
            counts,
            run=reader.plan.run,
            action=reader.plan.action,
            elapsed=reader.elapsed,
            sent_now=counts[State.SENT],
            stopped=None if running else reader.stopped,
            running=running,
        )
        options, suppressed, is_log_lost = reader.options, reader.suppressed, reader.is_log_lost
    finally:
        reader.close()
    if as_json:
        in_flight = counts[State.INTENT] if running else 0
        kept = {**options, "suppressed": suppressed}
        print_json({**summary.as_dict(), "running": running, "in_flight": in_flight, "kept": kept})
    else:
        draws = reader.plan.details.get("mode") == CONCURRENT
        _show(summary, path, in_flight=counts[State.INTENT] if running else None, draws=draws)
        if told := care.shown(options, suppressed):
            say(f"a resume goes on with: {told}")
    if is_log_lost:
        say(f"warning: {marks.lost(path)}")
    return FINE if running else exit_code(summary)


def _show(summary: Summary, path: Path, *, in_flight: int | None, draws: bool) -> None:
    if in_flight is None:
        show_summary(summary, path, draws=draws)
        return
    say(
        f"run {summary.run} is under way: {plural(summary.total, 'contact')}, {summary.sent:,} sent, "
        f"{summary.refused:,} refused, {summary.skipped:,} skipped, {in_flight:,} in flight, "
        f"{summary.unknown:,} unknown; {summary.elapsed_seconds:.1f} s, {summary.texts_per_second:,.0f} texts/s"
    )


def report(path: Path, out: Path | None) -> None:
    """Write a row for each contact, as CSV in UTF-8."""
    if (
        out is not None
        and out.exists()
        and any(
            other.exists() and out.samefile(other)
            for other in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", "-lock")))
        )
    ):
        raise ConfigurationError(f"{out} is the ledger itself; write the report to another file")
    reader = Reader(path)
    try:
        save(lambda file: _write(reader, file), out, unit="row")
    finally:
        reader.close()


def _write(reader: Reader, file: IO[bytes]) -> int:
    # The same bytes wherever they go: what opens a CSV does not know the locale of this terminal.
    writer = csv.writer(codecs.getwriter("utf-8")(file), lineterminator="\n")
    kept = reader.kept_names()
    writer.writerow([*COLUMNS, *map(harmless, _apart(kept))])
    running = reader.running
    number = 0
    rows = reader.rows()
    while some := list(itertools.islice(rows, 1000)):
        cells = reader.kept(some[0].row, some[-1].row) if kept else {}
        for result in some:
            own = cells.get(result.row, {})
            shown = reported(result, running=running, stopped=reader.stopped)
            writer.writerow([*_row(shown), *(harmless(own.get(name, "")) for name in kept)])
        number += len(some)
    return number


def _apart(names: Sequence[str]) -> list[str]:
    """The names of kept columns beside those of the report, which come first and mean something else."""
    taken = set(COLUMNS)
    found = []
    for name in names:
        called = name
        while called.lower() in taken:
            called = f"list_{called}"
        taken.add(called.lower())
        found.append(called)
    return found


def _row(result: Result) -> tuple[object, ...]:
    sent = result.state is State.SENT and result.time
    return (
        result.row,
        harmless(result.phone),
        result.state.word,
        harmless(result.reason),
        harmless(result.logid),
        result.attempts,
        dt.datetime.fromtimestamp(result.time / 1000, dt.UTC).isoformat(timespec="milliseconds") if sent else "",
    )


def harmless(cell: str) -> str:
    """A cell from a list or a server that a spreadsheet would run as a formula is made plain text."""
    if cell[:1] == "+" and cell[1:].isdecimal():
        return cell  # a phone: to a spreadsheet a number, no formula
    return "'" + cell if cell[:1] in {"=", "@", "+", "-", "\t", "\r"} else cell
