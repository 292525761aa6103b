"""`rumbleup texters`: the contacts that the server hands out are texted, in concurrent mode.

Lives here: the command's options, and its course to the exit code.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rumbleup_async import open_files
from rumbleup_async.cli import options
from rumbleup_async.cli.console import WRONG, finish, guarded, plural, say
from rumbleup_async.cli.ending import close
from rumbleup_async.cli.flow import Call, consent_options, is_held_back, read_opt_outs, rule_options, send_queued, show_before
from rumbleup_async.cli.hours import NO_HOURS, HoursOptions, as_begun, with_hours
from rumbleup_async.cli.ledger_options import TextersLedger
from rumbleup_async.cli.ledger_place import Place, as_given
from rumbleup_async.cli.loop import run_loop
from rumbleup_async.cli.opt_out_watch import OptOutsFrom
from rumbleup_async.cli.people import BookFile, Gap, NoBook, PeopleOptions
from rumbleup_async.cli.question import may_begin
from rumbleup_async.cli.showing import with_showing
from rumbleup_async.cli.signals import pausing
from rumbleup_async.cli.suppression import read_suppressed
from rumbleup_async.ledger import Consent
from rumbleup_async.rumbleup.client import RumbleUp
from rumbleup_async.runs.run import Run
from rumbleup_async.screening.areas import DEFAULT
from rumbleup_async.session.limits import Timeouts


@guarded
@with_showing
@with_hours()
def texters(
    action: options.Action,
    text: options.Text = None,
    text_file: options.TextFile = None,
    literal: options.Literal = False,
    number: Annotated[
        int | None, typer.Option("--texters", min=1, max=10_000, metavar="N", help="Contacts to work on at the same time (16).")
    ] = None,
    ledger: TextersLedger = None,
    rate: options.Rate = None,
    timeout: options.Timeout = 30.0,
    limit: options.Limit = None,
    unknown_limit: options.UnknownLimit = None,
    flag: options.Flag = None,
    suppress: options.Suppress = None,
    again: Annotated[bool, typer.Option("--again", help="Text people whom another run has texted into this project.")] = False,
    book: BookFile = None,
    no_book: NoBook = False,
    gap: Gap = None,
    budget: options.Budget = None,
    price: options.Price = None,
    day_cap: options.DayCap = None,
    opt_outs: OptOutsFrom = None,
    country: options.Countries = None,
    must_say: options.MustSay = None,
    patience: Annotated[
        float | None,
        typer.Option(
            "--patience", min=0.0, metavar="S", help="Seconds to go on asking while the server hands out no contact (60)."
        ),
    ] = None,
    wait_locks: Annotated[
        bool | None,
        typer.Option("--wait-locks/--no-wait-locks", help="Stay until contacts come back that lost answers have locked."),
    ] = None,
    same_account: options.SameAccount = False,
    same_server: options.SameServer = False,
    original: options.Original = False,
    yes: options.Yes = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    hours: HoursOptions = NO_HOURS,
) -> None:
    """Text the contacts of a project as the server hands them out (concurrent mode).

    Several of these may run at the same time, on any machine.
    """
    open_files.raise_limit()
    ledger = ledger or Path(f"texters-{action}.ledger")
    hours = as_begun(hours, ledger)
    call = Call(
        limit=limit,
        timeout=timeout,
        suppress=suppress,
        people=PeopleOptions(book=book, no_book=no_book, gap=gap, again=again, opt_outs=opt_outs),
        hours=hours,
        consent=Consent(same_account=same_account, same_server=same_server, original=original),
        yes=yes,
        as_json=as_json,
        quiet=quiet,
    )
    words = options.read_text(text, text_file)

    async def course() -> int:
        rumbleup = RumbleUp.from_env(timeouts=Timeouts(read=timeout))
        run = rumbleup.concurrent_mode(
            action=action,
            text=words,
            literal=literal,
            texters=number,
            ledger=as_given(ledger),
            rate=rate,
            limit=limit,
            unknown_limit=unknown_limit,
            budget=budget,
            price=price,
            day_cap=day_cap,
            flags=flag or [],
            suppress=read_suppressed(suppress, quiet=quiet),
            countries=country or DEFAULT,
            must_say=must_say or (),
            locks={name: value for name, value in (("wait", wait_locks), ("patience", patience)) if value is not None} or None,
            **consent_options(call.consent),
            **rule_options(call, rumbleup.identity, ledger, None, has_list=False),
        )
        async with rumbleup:
            return await _text_contacts(run, rumbleup, action, ledger, call, {"rehearsal": hours.is_here(rumbleup.identity)})

    finish(run_loop(course()))


async def _text_contacts(run: Run, client: RumbleUp, action: str, ledger: Place, call: Call, shown: dict[str, Any]) -> int:
    async with run:
        with pausing(run):
            return await _text_all(run, client, action, ledger, call, shown)


async def _text_all(run: Run, client: RumbleUp, action: str, ledger: Place, call: Call, shown: dict[str, Any]) -> int:
    show_before(run, client.identity, quiet=call.quiet)
    if is_held_back(run):
        return await close(run, ledger, as_json=call.as_json, quiet=call.quiet, more=shown)
    watch = await read_opt_outs(run, client, call)
    if not call.quiet:
        for note in run.text_notes:
            say(f"note: {note}")
    how_many = f"{plural(call.limit, 'text')} at most" if call.limit else "all that are left"
    if not may_begin(f"Text the contacts of project {action}, {how_many}?", yes=call.yes):
        return WRONG
    return await send_queued(run, ledger, call, watch=watch, more=shown)
