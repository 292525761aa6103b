"""`rumbleup status`: how a run stands, be it under way or not.

Lives here: the command; it reads the ledger and touches nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from rumbleup_async import receipts
from rumbleup_async.cli import delivery
from rumbleup_async.cli.canary import canary_json, told
from rumbleup_async.cli.console import FINE, exit_code, finish, local, plural, print_json, print_out, say
from rumbleup_async.cli.ending import show_summary, throttling
from rumbleup_async.cli.ledger_options import Ledger
from rumbleup_async.cli.ledger_place import Place, open_reader, read_audit
from rumbleup_async.cli.options import Json
from rumbleup_async.cli.terminal import pasteable, visible
from rumbleup_async.ledger import auditing, marks
from rumbleup_async.messaging import State
from rumbleup_async.pauses import Pause
from rumbleup_async.runs import care
from rumbleup_async.runs.canary import NOW, canary_of_ledger
from rumbleup_async.runs.run import CONCURRENT
from rumbleup_async.runs.summary import Summary, by_code, flow_of, summarise


@local
def status(
    ledger: Ledger,
    audit: Annotated[bool, typer.Option("--audit", help="Also show who did what with the ledger, and when.")] = False,
    as_json: Json = False,
) -> None:
    """Show how a run stands, also while it is under way."""
    entries = read_audit(ledger) if audit else None
    finish(_status(ledger, as_json=as_json, audit=entries))


def _status(path: Place, *, as_json: bool, audit: Sequence[auditing.Entry] | None = None) -> int:
    """Print it; the exit code says the same, 0 while the run is under way."""
    reader = open_reader(path)
    try:
        running = reader.running
        counts = reader.counts()
        summary = summarise(
            counts,
            run=reader.plan.run,
            action=reader.plan.action,
            elapsed=reader.elapsed,
            sent_now=counts[State.SENT],
            stop=None if running else reader.stop,
            running=running,
            flow=flow_of(reader.seconds(), reader.options.get("rate")),
        )
        pause, spending = reader.pause, reader.spending
        trial = canary_of_ledger(reader.options, counts, reader.heard)
        options, suppressed, is_log_lost = reader.options, reader.suppressed, reader.is_log_lost
        reasons = by_code(reader.reasons(), running=running, stop=reader.stop) if as_json else {}
    finally:
        reader.close()
    told_later = receipts.counts(path, summary.run)
    if as_json:
        in_flight = counts[State.INTENT] if running else 0
        kept = {name: value for name, value in options.items() if name != NOW} | {"suppressed": suppressed}
        more = {"reasons": reasons, "running": running, "in_flight": in_flight, "kept": kept, "paused": _as_dict(pause)}
        more |= canary_json(trial)
        if spending is not None:
            more["spending"] = spending.as_dict()
        if audit is not None:
            more["audit"] = [{**msgspec.structs.asdict(one), "time": moment(one.time)} for one in audit]
        if told_later.asked:
            more["receipts"] = delivery.as_dict(told_later, counts[State.SENT])
        print_json({**summary.as_dict(), **more})
    else:
        draws = reader.plan.details.get("mode") == CONCURRENT
        _show(summary, path, in_flight=counts[State.INTENT] if running else None, draws=draws)
        if told_later.asked:
            say(f"{delivery.words(told_later, counts[State.SENT])}, {delivery.ago(told_later)}")
        if spending is not None:
            say(f"{spending}")
        if trial is not None:
            say(told(trial))
        if pause is not None:
            say(f"paused {pause}; let it go on with: rumbleup continue {pasteable(path)}")
        if kept_options := care.shown(options, suppressed):
            say(f"a resume goes on with: {kept_options}")
        for one in audit or ():
            print_out(f"{moment(one.time)}  {one.who}  {one.what}{f'  {visible(one.detail)}' if one.detail else ''}\n")
    if is_log_lost and isinstance(path, Path):
        say(f"warning: {marks.lost(path)}")
    return FINE if running else exit_code(summary)


def _as_dict(pause: Pause | None) -> dict[str, str] | None:
    return None if pause is None else {"who": pause.who, "since": pause.since.isoformat(), "why": pause.why}


def moment(milliseconds: int) -> str:
    """A time of the audit as ISO 8601 in UTC."""
    return dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC).isoformat(timespec="seconds")


def _show(summary: Summary, path: Place, *, in_flight: int | None, draws: bool) -> None:
    if in_flight is None:
        show_summary(summary, path, draws=draws)
        return
    say(
        f"run {summary.run} is under way: {plural(summary.total, 'contact')}, {summary.sent:,} sent, "
        f"{summary.refused:,} refused, {summary.skipped:,} skipped, {in_flight:,} in flight, "
        f"{summary.unknown:,} unknown; {summary.elapsed_seconds:.1f} s, {summary.texts_per_second:,.0f} texts/s"
    )
    if summary.throttled:
        say(throttling(summary))
