"""`rumbleup resume`: a run goes on that was stopped or that died.

Lives here: the command's options, and its course to the exit code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import typer

from rumbleup_async import open_files
from rumbleup_async.cli import options, providers
from rumbleup_async.cli.canary import AbortIf, Canary, CanaryAsk, canary_options, show_canary
from rumbleup_async.cli.console import FINE, UNKNOWNS, WRONG, finish, guarded, plural, say
from rumbleup_async.cli.ending import close
from rumbleup_async.cli.flow import (
    Call,
    find_neighbours,
    is_held_back,
    is_stopped,
    may_send,
    read_opt_outs,
    refuse_same_list,
    rule_options,
    send_queued,
    show_before,
    show_neighbours,
)
from rumbleup_async.cli.hours import NO_HOURS, HoursOptions, as_begun, show_hours, with_hours, would_begin
from rumbleup_async.cli.ledger_options import Ledger
from rumbleup_async.cli.ledger_path import folders
from rumbleup_async.cli.ledger_place import Place
from rumbleup_async.cli.loop import run_loop
from rumbleup_async.cli.opt_out_watch import OptOutsFrom
from rumbleup_async.cli.people import BookFile, Gap, NoBook, PeopleOptions
from rumbleup_async.cli.providers import Order, Row
from rumbleup_async.cli.reconcile import look_up, queue_absent, show_absent
from rumbleup_async.cli.showing import with_showing
from rumbleup_async.cli.signals import pausing
from rumbleup_async.cli.suppression import read_suppressed
from rumbleup_async.ledger import Consent
from rumbleup_async.messaging import State
from rumbleup_async.provider.client import Client
from rumbleup_async.runs.run import Run
from rumbleup_async.session.limits import Timeouts


@guarded
@with_showing
@with_hours()
def resume(
    ledger: Ledger,
    rate: options.Rate = None,
    concurrency: options.Concurrency = None,
    processes: options.Processes = None,
    journal: options.Journal = False,
    timeout: options.Timeout = 30.0,
    limit: options.Limit = None,
    unknown_limit: options.UnknownLimit = None,
    suppress: options.Suppress = None,
    per_second: options.PerSecond = None,
    new_per_hour: options.PerHour = None,
    new_per_day: options.PerDay = None,
    no_reconcile: Annotated[
        bool, typer.Option("--no-reconcile", help="Do not look up unknown texts in the message log first.")
    ] = False,
    settle_seconds: options.SettleSeconds = 900.0,
    resend_absent: Annotated[
        bool, typer.Option("--resend-absent", help="Also text contacts again whose text is absent from the message log.")
    ] = False,
    again: options.Again = False,
    book: BookFile = None,
    no_book: NoBook = False,
    gap: Gap = None,
    opt_outs: OptOutsFrom = None,
    same_account: options.SameAccount = False,
    same_server: options.SameServer = False,
    original: options.Original = False,
    yes: options.Yes = False,
    expect: options.Expect = None,
    budget: options.Budget = None,
    price: options.Price = None,
    day_cap: options.DayCap = None,
    canary: Canary = None,
    abort_if: AbortIf = None,
    canary_ask: CanaryAsk = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    hours: HoursOptions = NO_HOURS,
) -> None:
    """Go on with a run that was stopped or that died. No text that may have left is sent again."""
    order = Order(
        rate=rate,
        limits=options.line_limits(per_second, new_per_hour, new_per_day),
        common={
            "concurrency": options.concurrency_of(concurrency),
            "processes": processes,
            "journal": journal,
            "unknown_limit": unknown_limit,
            "budget": budget,
            "price": price,
            "day_cap": day_cap,
            **canary_options(canary, abort_if, canary_ask),
        },
    )
    call = Call(
        limit=limit,
        timeout=timeout,
        suppress=suppress,
        people=PeopleOptions(book=book, no_book=no_book, gap=gap, again=again, opt_outs=opt_outs),
        hours=hours,
        consent=Consent(same_account=same_account, same_server=same_server, original=original),
        yes=yes,
        expect=expect,
        as_json=as_json,
        quiet=quiet,
    )
    grace = None if no_reconcile else settle_seconds
    finish(run_loop(resume_run(ledger, order, call, grace=grace, resend_absent=resend_absent)))


async def resume_run(
    ledger: Place,
    order: Order,
    call: Call,
    *,
    grace: float | None = 900.0,
    resend_absent: bool = False,
    environ: Mapping[str, str] | None = None,
) -> int:
    """Go on with a run; the exit code. `grace`: seconds from a text until its absence from
    the log counts; None: the log is not read."""
    open_files.raise_limit()
    row = providers.of_ledger(ledger)
    common = {
        **order.common,
        "limit": call.limit,
        "suppress": read_suppressed(call.suppress, quiet=call.quiet),
        "reconcile": False,
        **msgspec.structs.asdict(call.consent),
    }
    client = row.connect(environ, Timeouts(read=call.timeout))
    call = msgspec.structs.replace(call, hours=as_begun(call.hours, ledger))
    common |= rule_options(call, client.identity, ledger, environ, has_list=False)
    shown = {"rehearsal": call.hours.is_here(client.identity)}
    async with client, row.resume(client, ledger, msgspec.structs.replace(order, common=common)) as run:
        return await _go_on(
            run, client, ledger, row, call, grace=grace, resend_absent=resend_absent, environ=environ, shown=shown
        )


async def _go_on(
    run: Run,
    client: Client,
    ledger: Place,
    row: Row,
    call: Call,
    *,
    grace: float | None,
    resend_absent: bool,
    environ: Mapping[str, str] | None,
    shown: Mapping[str, Any],
) -> int:
    """The steps from an open ledger on. `shown`: what the JSON has beside the summary."""
    with pausing(run):
        show_before(run, client.identity, quiet=call.quiet)
        if is_held_back(run):
            return await close(run, ledger, as_json=call.as_json, quiet=call.quiet, more=shown)
        watch = await read_opt_outs(run, client, call)
        if grace is not None and (run.counts[State.UNKNOWN] or await run.count_absent()):
            await look_up(run, ledger, grace=grace, quiet=call.quiet)
        absent = await run.count_absent() if resend_absent else 0
        if not (resend_absent or call.quiet):
            await show_absent(run, ledger)
        if is_stopped(run):
            return await close(run, ledger, as_json=call.as_json, quiet=call.quiet, more=shown)
        waiting = run.counts[State.QUEUED] + absent
        left = _left(run, waiting, call.limit)
        if not call.quiet:
            say(f"run {run.plan.run} {row.where(run.plan)}: {left}")
            if not (run.is_concurrent or run.has_whole_list):
                say("note: its list never came in to its end; only what did is sent")
            if absent:
                say(f"{plural(absent, 'of them was', 'of them were')} absent from the message log before")
        if not run.is_concurrent:
            texted = find_neighbours(run, ledger, folders("-", ledger), row, environ)
            show_neighbours(texted, call, row, run)
            refuse_same_list(texted, call, row, run)
        number = None if run.is_concurrent else min(waiting, call.limit or waiting)
        plan = None if run.is_concurrent else await run.outlook()
        show_hours(plan, quiet=call.quiet)
        show_canary(run, quiet=call.quiet)
        if would_begin(plan) and not may_send(f"Text {left}?", number, run, call):
            return WRONG
        all_queued = await queue_absent(run, quiet=call.quiet) if absent else True
        if is_stopped(run):
            return await close(run, ledger, as_json=call.as_json, quiet=call.quiet, more=shown)
        code = await send_queued(run, ledger, call, watch=watch, more=shown)
        return code or (FINE if all_queued else UNKNOWNS)


def _left(run: Run, waiting: int, limit: int | None) -> str:
    """Who is still to text, in words. In concurrent mode the server alone knows how many."""
    if run.is_concurrent:
        return "the contacts that are left"
    return f"{plural(min(waiting, limit or waiting), 'contact')} still to text"
