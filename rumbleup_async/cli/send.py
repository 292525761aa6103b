"""`rumbleup send`: a list is texted in fast mode.

Lives here: the command's options, and its course from the list to the exit code.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Annotated, Any

import msgspec
import typer

from rumbleup_async import open_files
from rumbleup_async.cli import options, progress, providers
from rumbleup_async.cli.account_facts import AccountFacts, facts_before
from rumbleup_async.cli.approval import heed_plan
from rumbleup_async.cli.campaign_plan import campaign_plan
from rumbleup_async.cli.canary import AbortIf, Canary, CanaryAsk, canary_options, show_canary
from rumbleup_async.cli.completing import projects
from rumbleup_async.cli.console import WRONG, fail, finish, guarded, plural, say
from rumbleup_async.cli.dry_run import dry_run_ledger, end_dry_run
from rumbleup_async.cli.ending import close
from rumbleup_async.cli.findings import kinds_json, show_cost, show_findings, show_kept, show_kinds, show_notes
from rumbleup_async.cli.flow import (
    Call,
    consent_options,
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
from rumbleup_async.cli.hours import as_json as hours_json
from rumbleup_async.cli.ledger_options import LedgerPath
from rumbleup_async.cli.ledger_path import default_ledger, folders
from rumbleup_async.cli.ledger_place import Place
from rumbleup_async.cli.list_options import ListOptions
from rumbleup_async.cli.loop import run_loop
from rumbleup_async.cli.opt_out_watch import OptOutsFrom, Watch
from rumbleup_async.cli.people import BookFile, Gap, NoBook, PeopleOptions, book_json, show_book
from rumbleup_async.cli.preview import show_preview
from rumbleup_async.cli.providers import Order, Row
from rumbleup_async.cli.question import check_expected
from rumbleup_async.cli.rejects import Rejects
from rumbleup_async.cli.showing import with_showing
from rumbleup_async.cli.signals import pausing, stopping
from rumbleup_async.cli.suppression import read_suppressed
from rumbleup_async.cli.trials import ARRIVED, TestTo, end_alone, is_alone, phones_of, try_out
from rumbleup_async.ledger import Consent
from rumbleup_async.messaging import State
from rumbleup_async.runs.run import Run
from rumbleup_async.session.limits import Timeouts
from rumbleup_async.stops import Cause, Stop


@guarded
@with_showing
@with_hours(has_list=True)
def send(
    source: Annotated[
        str,
        typer.Argument(metavar="LIST", help="A file of contacts: CSV, Excel, Parquet, JSON, ...; - for standard input."),
    ],
    action: Annotated[
        str | None,
        typer.Option("--action", "--project", metavar="ID", autocompletion=projects, help="RumbleUp: the project to send into."),
    ] = None,
    text: options.Text = None,
    text_file: options.TextFile = None,
    text_when: options.TextWhen = None,
    literal: options.Literal = False,
    ledger: LedgerPath = None,
    rate: options.Rate = None,
    concurrency: options.Concurrency = None,
    processes: options.Processes = None,
    journal: options.Journal = False,
    timeout: options.Timeout = 30.0,
    limit: options.Limit = None,
    unknown_limit: options.UnknownLimit = None,
    phone_field: options.PhoneField = None,
    flag: options.Flag = None,
    group: Annotated[
        str | None, typer.Option("--group", metavar="ID", help="The group for contacts that the sends create.")
    ] = None,
    suppress: options.Suppress = None,
    country: options.Countries = None,
    encoding: options.Encoding = None,
    sheet: options.Sheet = None,
    query_file: options.QueryFile = None,
    skip_if: options.SkipIf = None,
    consent_field: options.ConsentField = None,
    must_say: options.MustSay = None,
    keep: options.Keep = None,
    rejects: options.RejectsFile = None,
    provider: Annotated[str, typer.Option("--provider", metavar="NAME", help="rumbleup or sendblue.")] = "rumbleup",
    lines: options.From = None,
    per_second: options.PerSecond = None,
    new_per_hour: options.PerHour = None,
    new_per_day: options.PerDay = None,
    send_style: Annotated[
        str | None, typer.Option("--send-style", metavar="STYLE", help="Sendblue: an effect of iMessage, such as confetti.")
    ] = None,
    no_opt_out: Annotated[bool, typer.Option("--no-opt-out", help="Sendblue: allow a text that does not mention STOP.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the list and the text, and send nothing.")] = False,
    again: options.Again = False,
    book: BookFile = None,
    no_book: NoBook = False,
    gap: Gap = None,
    opt_outs: OptOutsFrom = None,
    same_account: options.SameAccount = False,
    same_server: options.SameServer = False,
    original: options.Original = False,
    preview: options.Preview = None,
    plan: options.PlanFile = None,
    approved: options.Approved = None,
    test_to: TestTo = None,
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
    """Text a list in fast mode. The same command again goes on where the run stopped."""
    order = Order(
        action=action,
        text=options.read_text(text, text_file),
        literal=literal,
        rate=rate,
        flags=flag or [],
        group=group,
        lines=lines or [],
        send_style=send_style,
        opt_out=not no_opt_out,
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
        plan=plan,
        approved=approved,
        test_to=phones_of(test_to),
        as_json=as_json,
        quiet=quiet,
    )
    reading = ListOptions(
        phone_field=",".join(phone_field) if phone_field else None,
        countries=country,
        encoding=encoding,
        sheet=sheet,
        query=options.read_query(query_file),
        skip_if=skip_if,
        consent_field=consent_field,
        must_say=must_say,
        text_when=options.read_texts(text_when),
        keep=keep,
        rejects=rejects,
    )
    campaign = send_list(source, order, call, reading, provider=provider, ledger=ledger, dry_run=dry_run, preview=preview)
    finish(run_loop(campaign))


async def send_list(
    source: str,
    order: Order,
    call: Call,
    reading: ListOptions,
    *,
    provider: str = "rumbleup",
    ledger: Place | None = None,
    dry_run: bool = False,
    preview: int | None = None,
    environ: Mapping[str, str] | None = None,
) -> int:
    """Text a list; the exit code."""
    open_files.raise_limit()
    row = providers.row(provider)
    row.check(order)
    async with AsyncExitStack() as stack:
        beside = ledger or default_ledger(source, row.name(order))
        if dry_run:
            ledger, take_name_away = stack.enter_context(dry_run_ledger())
            client = row.dry()
            client.stands_for = row.identity(environ)
        else:
            ledger = beside
            client = row.connect(environ, Timeouts(read=call.timeout))
            call = msgspec.structs.replace(call, hours=as_begun(call.hours, ledger))
            if not (call.yes or is_alone.get() or sys.stdin.isatty()):
                fail("there is no terminal to ask; check with --dry-run, then send with --yes")
        rejects = Rejects(reading.rejects, source, ledger, stack)
        await stack.enter_async_context(client)
        identity = row.identity(environ) if dry_run else client.identity
        would_be = row.would_be(environ) if dry_run else identity
        common = {
            **order.common,
            "limit": call.limit,
            "suppress": read_suppressed(call.suppress, source, quiet=call.quiet),
            **reading.as_mode(),
            **consent_options(call.consent),
            **rule_options(call, identity, ledger, environ, has_list=True, would_be=would_be, beside=beside),
        }
        run = await stack.enter_async_context(row.begin(client, ledger, msgspec.structs.replace(order, common=common)))
        stack.enter_context(pausing(run))
        if dry_run:
            take_name_away()
        watch = await read_opt_outs(run, client, call, is_dry=dry_run)
        fresh = await _load(run, source, rejects, quiet=call.quiet)
        if fresh is None:
            say("the list was not read to its end; nothing was sent; begin again with the same command")
            return await close(run, None, as_json=call.as_json, quiet=True)
        show_before(run, identity, quiet=call.quiet)
        if not call.quiet:
            show_findings(source, ledger, fresh=fresh)
            show_kinds(ledger)
            show_cost(run, ledger)
            show_kept(ledger, reading.keep, fresh=fresh)
            show_notes(run)
        show_book(run, quiet=call.quiet)
        texted = find_neighbours(run, ledger, folders(source, beside), row, environ)
        show_neighbours(texted, call, row, run)
        outlook = await run.outlook()
        show_hours(outlook, quiet=call.quiet)
        show_canary(run, quiet=call.quiet)
        is_looked_at = dry_run or not (call.yes or is_alone.get())
        facts = await facts_before(client, row, environ, is_dry=dry_run) if is_looked_at else AccountFacts()
        page = campaign_plan(run, ledger, facts, call.limit)
        if not call.quiet:
            page.show(has_samples=is_looked_at and preview is None and sys.stderr.isatty())  # no text belongs into a log
        shown: dict[str, Any] = {"rehearsal": call.hours.is_here(would_be), **({"plan": page.as_json()} if dry_run else {})}
        shown |= {**kinds_json(ledger), **book_json(run)}
        if preview is not None:
            shown["preview"] = show_preview(ledger, preview, call.limit)
        rejects.write(reading, quiet=call.quiet)
        waiting = min(run.counts[State.QUEUED], call.limit or sys.maxsize)
        check_expected(waiting, call.expect)
        call = heed_plan(run, ledger, identity, call, waiting)
        if dry_run:
            stop = None if outlook is None else outlook.stop
            return await end_dry_run(run, waiting, {**shown, **hours_json(outlook)}, stop, as_json=call.as_json, quiet=call.quiet)
        if not (is_held_back(run) or is_alone.get()):
            refuse_same_list(texted, call, row, run)
        number = waiting if would_begin(outlook) else None
        return await _try_and_send(run, ledger, call, row, number, shown, watch)


async def _try_and_send(
    run: Run, ledger: Place, call: Call, row: Row, number: int | None, shown: dict[str, Any], watch: Watch
) -> int:
    """From the plan on: the test text, the question, and the list. `number`: of contacts; None where the run ends at once, for
    nobody is open."""
    question = f"Send {plural(number or 0, 'text')} {row.where(run.plan)}?"
    if call.test_to and (number or is_alone.get()) and not is_stopped(run):
        shown |= await try_out(run, call.test_to)
        question = f"{ARRIVED} {question}"
    if is_stopped(run):
        return await close(run, ledger, as_json=call.as_json, quiet=call.quiet, more=shown)
    if is_alone.get():
        return end_alone(run, shown, as_json=call.as_json, quiet=call.quiet)
    if number is not None and not may_send(question, number, run, call):
        return WRONG
    return await send_queued(run, ledger, call, watch=watch, more=shown)


async def _load(run: Run, source: str, rejects: Rejects, *, quiet: bool) -> bool | None:
    """Read the list into the ledger. Whether it came in by this call; None if it was stopped while it was read."""
    words = "stopping while the list is read; nothing was sent"
    with stopping(lambda: run.stop(Stop(Cause.INTERRUPTED)), words), progress.reading(quiet=quiet) as rows:
        fresh = await run.load(source, rows, copy=rejects.copy)
    return None if run.summary.stopped else fresh
