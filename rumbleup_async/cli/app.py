"""The commands and their options. Other people's scripts rely on these names, on the JSON keys and on the exit codes.

Lives here: the command line's surface; what a command does is in its own module.
"""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from rumbleup_async import __version__
from rumbleup_async.cli.arguments import check_arguments
from rumbleup_async.cli.commands import Commands
from rumbleup_async.cli.console import FINE, STOPPED, WRONG, guarded, nobody_reads, print_out, say
from rumbleup_async.cli.list_options import Reading
from rumbleup_async.cli.options import (
    Action,
    Again,
    Concurrency,
    Countries,
    Encoding,
    From,
    Json,
    Keep,
    LedgerFile,
    LedgerPath,
    Literal,
    Original,
    PerDay,
    PerHour,
    PerSecond,
    Preview,
    Processes,
    Quiet,
    Rate,
    RejectsFile,
    SameAccount,
    SameServer,
    SettleSeconds,
    SkipIf,
    Suppress,
    TextersLedger,
    Timeout,
    Yes,
)
from rumbleup_async.cli.providers import Order
from rumbleup_async.cli.send import finish, read_text, run_loop
from rumbleup_async.ledger import Consent

app = Commands(
    name="rumbleup",
    help="Text campaigns through the RumbleUp API: at most once, always accounted for.\n\n"
    "The key is read from RUMBLEUP_API_KEY (the pair KEY:SECRET), the address from RUMBLEUP_BASE_URL if set; with Sendblue the "
    "key from SENDBLUE_API_KEY and SENDBLUE_API_SECRET, the address from SENDBLUE_BASE_URL.\n\n"
    "Exit codes: 0 all accounted for and nothing unknown; 1 finished with unknowns; 2 the list, the options or the configuration "
    "are wrong and nothing was sent; 3 stopped early, or texts that could be sent were left over, with unknowns or without; "
    "130 interrupted.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print_out(f"rumbleup_async {__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")] = False,
) -> None: ...


def _limits(per_second: float | None, new_per_hour: int | None, new_per_day: int | None) -> dict[str, float | int]:
    """The limits of a line that were asked for."""
    asked = {"per_second": per_second, "new_per_hour": new_per_hour, "new_per_day": new_per_day}
    return {name: value for name, value in asked.items() if value is not None}


@app.command(epilog='Example: rumbleup send voters.csv --action 125 --text "Hi {first_name}. STOP to opt out" --dry-run')
@guarded
def send(
    source: Annotated[str, typer.Argument(metavar="LIST", help="CSV, JSON lines, or one number a line; - for standard input.")],
    action: Annotated[
        str | None, typer.Option("--action", "--project", metavar="ID", help="RumbleUp: the project to send into.")
    ] = None,
    text: Annotated[
        str | None, typer.Option("--text", metavar="T", help="The text; {field} and {field|default} are filled in.")
    ] = None,
    text_file: Annotated[Path | None, typer.Option("--text-file", metavar="F", help="A UTF-8 file with the text.")] = None,
    literal: Literal = False,
    ledger: LedgerPath = None,
    rate: Rate = None,
    concurrency: Concurrency = None,
    processes: Processes = None,
    timeout: Timeout = 30.0,
    limit: Annotated[int | None, typer.Option("--limit", min=1, metavar="N", help="Texts of this call at most.")] = None,
    phone_field: Annotated[str | None, typer.Option("--phone-field", metavar="NAME", help="The column with the phone.")] = None,
    flag: Annotated[list[str] | None, typer.Option("--flag", metavar="TAG", help="A tag for every message; repeatable.")] = None,
    group: Annotated[
        str | None, typer.Option("--group", metavar="ID", help="The group of contacts that the sends create.")
    ] = None,
    suppress: Suppress = None,
    country: Countries = None,
    encoding: Encoding = None,
    skip_if: SkipIf = None,
    keep: Keep = None,
    rejects: RejectsFile = None,
    provider: Annotated[str, typer.Option("--provider", metavar="NAME", help="rumbleup or sendblue.")] = "rumbleup",
    lines: From = None,
    per_second: PerSecond = None,
    new_per_hour: PerHour = None,
    new_per_day: PerDay = None,
    send_style: Annotated[
        str | None, typer.Option("--send-style", metavar="STYLE", help="Sendblue: an effect of iMessage, such as confetti.")
    ] = None,
    no_opt_out: Annotated[
        bool, typer.Option("--no-opt-out", help="Sendblue: let a text leave that does not mention STOP.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do everything but send.")] = False,
    again: Again = False,
    same_account: SameAccount = False,
    same_server: SameServer = False,
    original: Original = False,
    preview: Preview = None,
    yes: Yes = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Text a list in fast mode. The same list and ledger again goes on where it stopped."""
    from rumbleup_async.cli import send as sending

    code = run_loop(
        sending.send(
            source=source,
            provider=provider,
            order=Order(
                action=action,
                text=read_text(text, text_file),
                literal=literal,
                rate=rate,
                flags=flag or [],
                group=group,
                lines=lines or [],
                send_style=send_style,
                opt_out=not no_opt_out,
                limits=_limits(per_second, new_per_hour, new_per_day),
            ),
            ledger=ledger,
            concurrency=concurrency,
            processes=processes,
            timeout=timeout,
            limit=limit,
            phone_field=phone_field,
            suppress=suppress,
            dry_run=dry_run,
            again=again,
            consent=Consent(same_account=same_account, same_server=same_server, original=original),
            preview=preview,
            yes=yes,
            as_json=as_json,
            quiet=quiet,
            reading=Reading(countries=country, encoding=encoding, skip_if=skip_if, keep=keep, rejects=rejects),
        )
    )
    finish(code)


@app.command(epilog='Example: rumbleup texters --action 125 --text "Hi {first_name}. STOP to opt out" --texters 16')
@guarded
def texters(
    action: Action,
    text: Annotated[
        str | None, typer.Option("--text", metavar="T", help="The text; {field} and {field|default} are filled in.")
    ] = None,
    text_file: Annotated[Path | None, typer.Option("--text-file", metavar="F", help="A UTF-8 file with the text.")] = None,
    literal: Literal = False,
    number: Annotated[
        int | None, typer.Option("--texters", min=1, max=10_000, metavar="N", help="Contacts worked on at a time, at most (16).")
    ] = None,
    ledger: TextersLedger = None,
    rate: Rate = None,
    timeout: Timeout = 30.0,
    limit: Annotated[int | None, typer.Option("--limit", min=1, metavar="N", help="Texts of this call at most.")] = None,
    flag: Annotated[list[str] | None, typer.Option("--flag", metavar="TAG", help="A tag for every message; repeatable.")] = None,
    suppress: Suppress = None,
    country: Countries = None,
    patience: Annotated[
        float | None,
        typer.Option("--patience", min=0.0, metavar="S", help="Seconds to go on asking while no contact comes (60)."),
    ] = None,
    wait_locks: Annotated[
        bool | None,
        typer.Option("--wait-locks/--no-wait-locks", help="Stay until contacts locked by lost answers come back."),
    ] = None,
    same_account: SameAccount = False,
    same_server: SameServer = False,
    original: Original = False,
    yes: Yes = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Text the contacts of a project as the server hands them out (concurrent mode). Several may run at a time, anywhere."""
    from rumbleup_async.cli import send as sending

    code = run_loop(
        sending.texters(
            action=action,
            text=read_text(text, text_file),
            literal=literal,
            number=number,
            ledger=ledger,
            rate=rate,
            timeout=timeout,
            limit=limit,
            flags=flag or [],
            suppress=suppress,
            countries=country,
            wait_locks=wait_locks,
            patience=patience,
            consent=Consent(same_account=same_account, same_server=same_server, original=original),
            yes=yes,
            as_json=as_json,
            quiet=quiet,
        )
    )
    finish(code)


@app.command(epilog="Example: rumbleup resume voters-125.ledger")
@guarded
def resume(
    ledger: LedgerFile,
    rate: Rate = None,
    concurrency: Concurrency = None,
    processes: Processes = None,
    timeout: Timeout = 30.0,
    limit: Annotated[int | None, typer.Option("--limit", min=1, metavar="N", help="Texts of this call at most.")] = None,
    suppress: Suppress = None,
    per_second: PerSecond = None,
    new_per_hour: PerHour = None,
    new_per_day: PerDay = None,
    no_reconcile: Annotated[
        bool, typer.Option("--no-reconcile", help="Do not look what is unknown up in the message log first.")
    ] = False,
    settle_seconds: SettleSeconds = 900.0,
    resend_absent: Annotated[
        bool, typer.Option("--resend-absent", help="Also text those again that were absent from the message log.")
    ] = False,
    again: Again = False,
    same_account: SameAccount = False,
    same_server: SameServer = False,
    original: Original = False,
    yes: Yes = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Go on with a run that was stopped or that died. What may have left is not sent again."""
    from rumbleup_async.cli import send as sending

    code = run_loop(
        sending.resume(
            ledger=ledger,
            order=Order(rate=rate, limits=_limits(per_second, new_per_hour, new_per_day)),
            concurrency=concurrency,
            processes=processes,
            timeout=timeout,
            limit=limit,
            suppress=suppress,
            settle=None if no_reconcile else settle_seconds,
            resend_absent=resend_absent,
            again=again,
            consent=Consent(same_account=same_account, same_server=same_server, original=original),
            yes=yes,
            as_json=as_json,
            quiet=quiet,
        )
    )
    finish(code)


@app.command(epilog="Example: rumbleup reconcile voters-125.ledger")
@guarded
def reconcile(
    ledger: LedgerFile,
    settle_seconds: SettleSeconds = 900.0,
    timeout: Timeout = 30.0,
    same_account: SameAccount = False,
    same_server: SameServer = False,
    original: Original = False,
    log_lost: Annotated[
        bool, typer.Option("--log-lost", help="Its -wal file is lost for good: whoever is queued is unknown, and looked up.")
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Look what is unknown up in the message log: sent if it is there, not sent if it is absent. Texts nobody."""
    from rumbleup_async.cli import reconcile

    finish(
        run_loop(
            reconcile.reconcile(
                ledger=ledger,
                settle=settle_seconds,
                timeout=timeout,
                consent=Consent(same_account=same_account, same_server=same_server, original=original, log_lost=log_lost),
                as_json=as_json,
                quiet=quiet,
            )
        )
    )


@app.command(epilog="Example: rumbleup status voters-125.ledger --json")
@guarded
def status(ledger: LedgerFile, as_json: Json = False) -> None:
    """How a run stands, also while it is under way."""
    from rumbleup_async.cli import status as pages

    finish(pages.status(ledger, as_json=as_json))


@app.command(epilog="Example: rumbleup report voters-125.ledger --out voters-125.csv")
@guarded
def report(
    ledger: LedgerFile,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE.csv", help="Write there; standard output otherwise.")] = None,
) -> None:
    """A row for each contact: row, phone, state, reason, logid, attempts, sent_time."""
    from rumbleup_async.cli import status as pages

    pages.report(ledger, out)


@app.command(epilog="Example: rumbleup simulate --port 8025 --latency 50 --fault hang=0.01")
@guarded
def simulate(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, metavar="P", help="0: any free one.")] = 8025,
    latency: Annotated[float, typer.Option("--latency", min=0.0, metavar="MS", help="Milliseconds before each answer.")] = 0.0,
    fault: Annotated[list[str] | None, typer.Option("--fault", metavar="KIND=RATE", help="Inject a fault; repeatable.")] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="The same seed, the same faults.")] = 0,
    any_key: Annotated[
        bool, typer.Option("--any-key", help="Let any key in, not KEY:SECRET alone; so it is where RUMBLEUP_API_KEY is set.")
    ] = False,
) -> None:
    """Serve a RumbleUp of your own on this machine: no account, nobody is texted."""
    from rumbleup_async.cli import simulate

    simulate.simulate(port=port, latency=latency / 1000, faults=fault or [], seed=seed, any_key=any_key, environ=os.environ)


@app.command(epilog="Example: rumbleup demo --contacts 2000")
@guarded
def demo(
    contacts: Annotated[int, typer.Option("--contacts", min=1, metavar="N", help="Rows of the sample list.")] = 2000,
) -> None:
    """See it happen: a simulator, a messy list, a run, and the ledger held against what the provider received."""
    from rumbleup_async.cli import demo

    finish(run_loop(demo.demo(contacts)))


def main() -> None:
    """The `rumbleup` command."""
    check_arguments(sys.argv[1:], os.environ)
    try:
        complete()()
    except SystemExit as end:
        # How typer ends when a reader of its help has gone; to our scripts 1 means texts in doubt.
        if isinstance(end.__context__, BrokenPipeError):
            sys.exit(FINE)
        raise
    except OSError as error:
        # Help, and what is wrong with the arguments, are printed outside of any command.
        nobody_reads(sys.stdout)
        if error.__context__ is not None and error.filename is None:  # no result: it was being said what is wrong
            nobody_reads(sys.stderr)
            sys.exit(WRONG)
        say(f"rumbleup: standard output: {error.strerror}")
        sys.exit(STOPPED)


@functools.cache
def complete() -> typer.Typer:
    """The app with every command of it: those of the API's resources are imported only now."""
    from rumbleup_async.cli import account_reports, contacts, messages, projects, proxies, sendblue, tcr, webhooks
    from rumbleup_async.cli.account import account
    from rumbleup_async.cli.doctor import doctor

    app.command(epilog="Example: rumbleup doctor")(doctor)
    app.command(epilog="Example: rumbleup account --json")(account)
    app.add_typer(projects.app, name="projects")
    app.add_typer(messages.app, name="messages")
    app.add_typer(contacts.app, name="contacts")
    app.add_typer(proxies.app, name="proxies")
    app.add_typer(tcr.app, name="tcr")
    app.add_typer(account_reports.app, name="account-reports")
    app.add_typer(account_reports.app, name="reports", cls=account_reports.Former, hidden=True)
    app.add_typer(webhooks.app, name="webhooks")
    app.add_typer(sendblue.app, name="sendblue")
    return app
