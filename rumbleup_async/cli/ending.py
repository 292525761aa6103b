"""How a run ended: the closing lines, the JSON and the exit code.

Lives here: what is said, and the remedies that it names.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Mapping
from typing import Any

from rumbleup_async.cli.canary import canary_json
from rumbleup_async.cli.console import exit_code, plural, print_json, say
from rumbleup_async.cli.ledger_place import Place, instead
from rumbleup_async.cli.terminal import pasteable
from rumbleup_async.errors import LedgerError
from rumbleup_async.runs.run import Run
from rumbleup_async.runs.summary import Summary
from rumbleup_async.runs.throughput import per_second, span
from rumbleup_async.stops import Cause


async def close(run: Run, ledger: Place | None, *, as_json: bool, quiet: bool, more: Mapping[str, Any] | None = None) -> int:
    """Say how the run ended; the exit code. `more`: what its JSON has beside the summary."""
    summary = run.summary
    if not quiet:
        show_summary(summary, ledger, draws=run.is_concurrent)
        if run.spending is not None and _cause(summary) is not Cause.BUDGET:
            say(f"{run.spending}")
        if run.lost_draws and run.lost_until is not None:
            say(
                f"{plural(run.lost_draws, 'answer')} to message/next got lost; the contacts behind them come back at the server "
                f"by {run.lost_until:%H:%M:%S} UTC: resume after that, or use --wait-locks"
            )
    elif _is_left_over(summary):
        say(f"rumbleup: stopped: {summary.stopped}")  # of the ends of a run the one that is no event while it goes on
    if as_json:
        reasons: dict[str, dict[str, int]] = {}
        with contextlib.suppress(LedgerError):  # a ledger that failed has said so already
            reasons = await run.count_reasons()
        try:
            print_json({**summary.as_dict(), "reasons": reasons, **_money(run), **canary_json(run.canary), **(more or {})})
        except OSError as error:
            # How the run went is what the exit code is for, and the ledger has the rest.
            say(f"rumbleup: the result could not be printed: {error.filename}: {error.strerror}")
    return exit_code(summary)


def _money(run: Run) -> dict[str, Any]:
    spending = {} if run.spending is None else {"spending": run.spending.as_dict()}
    if (day := run.day) is None:
        return spending
    resumes = dt.datetime.fromtimestamp(day.resumes, dt.UTC).isoformat(timespec="seconds")
    return {**spending, "day_cap": {"segments": day.most, "used": day.used, "resumes": resumes}}


def show_summary(summary: Summary, ledger: Place | None, *, draws: bool = False) -> None:
    """Print the closing lines. `draws`: the contacts are at the server, so a stopped run can go on."""
    if _cause(summary) is Cause.DRY_RUN:
        return
    say(
        f"{plural(summary.total, 'contact')}: {summary.sent:,} sent, {summary.refused:,} refused, {summary.skipped:,} skipped, "
        f"{summary.not_sent:,} not sent, {summary.unknown:,} unknown; "
        f"{summary.elapsed_seconds:.1f} s, {summary.texts_per_second:,.0f} texts/s"
    )
    if summary.throttled:
        say(throttling(summary))
    if summary.stopped and not _is_left_over(summary):
        say(f"stopped: {summary.stopped}")
    if ledger is not None:
        _show_what_next(summary, ledger, draws=draws)
    if _is_left_over(summary):
        say(f"stopped: {summary.stopped}")


def throttling(summary: Summary) -> str:
    """What the provider has let through, and said."""
    held = f", nothing could leave for {span(summary.held_seconds)}" if summary.held_seconds >= 0.5 else ""
    allowed = summary.allowed_per_second
    known = "" if allowed is None else f"; it allows about {per_second(allowed)}"
    return f'{plural(summary.throttled, "answer")} of the provider said "not now"{held}{known}'


def _cause(summary: Summary) -> Cause | None:
    return None if summary.stop is None else summary.stop.cause


def _is_left_over(summary: Summary) -> bool:
    """Whether the list was worked through, and texts that could be sent were left."""
    return _cause(summary) is Cause.LEFT_OVER


def _show_what_next(summary: Summary, ledger: Place, *, draws: bool) -> None:
    path = pasteable(ledger)
    if _cause(summary) is Cause.OPT_OUT_MISSING:
        if summary.sent + summary.unknown + summary.refused:
            say(f"some were texted already (rumbleup report {path}); {instead(ledger)}")
        else:
            say("send again with a corrected text")
    elif _cause(summary) is Cause.PAUSED:
        say(f"go on with: rumbleup continue {path}, then rumbleup resume {path}")
    elif _cause(summary) is Cause.CANARY_FAILED:
        say(f"to text the rest all the same, loosen its rules: rumbleup resume {path} --abort-if ..., or --canary none")
    elif summary.resumable or (draws and summary.stopped):
        say(f"go on with: rumbleup resume {path}")
    if summary.unknown:
        say(
            f"{plural(summary.unknown, 'text')} may or may not have left and will not be sent again by itself; "
            f"look for them in the message log with: rumbleup reconcile {path}; see which with: rumbleup report {path}"
        )
