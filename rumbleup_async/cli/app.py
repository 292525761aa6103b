"""The `rumbleup` command: every command and group of it. Other people's scripts
rely on their names, options and exit codes.

Lives here: which commands there are, with an example of each; the options and the
course of a command are in its own module.
"""

from __future__ import annotations

import functools
import os
import sys
from typing import Annotated

import typer

from rumbleup_async.cli.arguments import check_arguments, with_values
from rumbleup_async.cli.commands import Commands
from rumbleup_async.cli.console import FINE, STOPPED, WRONG, nobody_reads, say
from rumbleup_async.cli.version import print_version

app = Commands(
    name="rumbleup",
    help="Text campaigns through the RumbleUp API: at most once, always accounted for.\n\n"
    "Begin with: rumbleup demo, which needs no account; rumbleup doctor, which checks your key; rumbleup send LIST --dry-run.\n\n"
    "The key is read from RUMBLEUP_API_KEY (the pair KEY:SECRET), the address from RUMBLEUP_BASE_URL if set. With Sendblue the "
    "key is read from SENDBLUE_API_KEY and SENDBLUE_API_SECRET, the address from SENDBLUE_BASE_URL.\n\n"
    "Exit codes: 0 every contact is accounted for and none is unknown; 1 finished, and some are unknown; 2 the list, the options "
    "or the configuration are wrong, and nothing was sent; 3 stopped early, or texts that could be sent were left over, whether "
    "some are unknown or not; 130 interrupted.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="With --version: print the versions of Python, SQLite and every part as one JSON object."),
    ] = False,
) -> None:
    if version:
        print_version(context, as_json=as_json)
    if as_json:
        raise typer.BadParameter("stands before a command only beside --version; give it behind the command", param_hint="--json")
    if context.invoked_subcommand is None:
        raise typer.BadParameter("which command? rumbleup --help lists them", ctx=context)


def main() -> None:
    """The `rumbleup` command."""
    check_arguments(sys.argv[1:], os.environ)
    sys.argv[1:] = with_values(sys.argv[1:])
    try:
        complete()(prog_name="rumbleup")  # by `python -m rumbleup_async` as well
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
    """The app with every command of it, in the order of its help. Their modules are imported only now."""
    from rumbleup_async.cli import account_reports, book, contacts, messages, opt_outs, projects, proxies, sendblue, tcr, webhooks
    from rumbleup_async.cli.account import account
    from rumbleup_async.cli.demo import demo
    from rumbleup_async.cli.doctor import doctor
    from rumbleup_async.cli.export import export
    from rumbleup_async.cli.follow import follow
    from rumbleup_async.cli.join import join
    from rumbleup_async.cli.ledgers import ledgers
    from rumbleup_async.cli.look import look
    from rumbleup_async.cli.purge import purge
    from rumbleup_async.cli.reconcile import reconcile
    from rumbleup_async.cli.report import report
    from rumbleup_async.cli.resume import resume
    from rumbleup_async.cli.send import send
    from rumbleup_async.cli.simulate import simulate
    from rumbleup_async.cli.status import status
    from rumbleup_async.cli.steering import go_on, pause, stop
    from rumbleup_async.cli.texters import texters
    from rumbleup_async.cli.trying import test
    from rumbleup_async.cli.watch import watch

    app.command(epilog='Example: rumbleup send voters.csv --action 125 --text "Hi {first_name}. STOP to opt out" --dry-run')(send)
    app.command(epilog="Example: rumbleup look voters.xlsx --sheet Ward7")(look)
    app.command(epilog='Example: rumbleup texters --action 125 --text "Hi {first_name}. STOP to opt out" --texters 16')(texters)
    app.command(
        epilog='Example: rumbleup test voters.csv --action 125 --text "Hi {first_name}. STOP to opt out" --test-to 2025550123'
    )(test)
    app.command(epilog="Example: rumbleup resume voters-125.ledger")(resume)
    app.command(epilog="Example: rumbleup join 'postgresql://mary@db.example/texts?run=friday'")(join)
    app.command(epilog="Example: rumbleup ledgers postgresql://mary@db.example/texts")(ledgers)
    app.command(epilog='Example: rumbleup pause voters-125.ledger --why "the office is closed"')(pause)
    app.command("continue", epilog="Example: rumbleup continue voters-125.ledger")(go_on)
    app.command(epilog="Example: rumbleup stop voters-125.ledger")(stop)
    app.command(epilog="Example: rumbleup reconcile voters-125.ledger")(reconcile)
    app.command(epilog="Example: rumbleup follow voters-125.ledger --for 2h")(follow)
    app.command(epilog="Example: rumbleup status voters-125.ledger --json")(status)
    app.command(epilog="Example: rumbleup watch voters-125.ledger --port 8027")(watch)
    app.command(epilog="Example: rumbleup report voters-125.ledger --out voters-125.csv")(report)
    app.command(epilog="Example: rumbleup export voters-125.ledger --out voters-125.html")(export)
    app.command(epilog="Example: rumbleup purge voters-125.ledger")(purge)
    app.command(epilog="Example: rumbleup simulate --port 8025 --latency 50 --fault hang=0.01")(simulate)
    app.command(epilog="Example: rumbleup demo --contacts 2000")(demo)
    app.command(epilog="Example: rumbleup doctor")(doctor)
    app.command(epilog="Example: rumbleup account --json")(account)
    app.add_typer(book.app, name="book")
    app.add_typer(opt_outs.app, name="opt-outs")
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
