"""The `rumbleup` command: every command and group of it. Other people's scripts
rely on their names, options and exit codes.

Lives here: which commands there are, with an example of each; the options and the
course of a command are in its own module, which is imported when the command is called.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from rumbleup_async.cli.arguments import check_arguments, with_values
from rumbleup_async.cli.commands import Commands, Entry, Menu
from rumbleup_async.cli.console import FINE, STOPPED, WRONG, nobody_reads, say
from rumbleup_async.cli.version import print_version


class _All(Menu):
    """Every command there is, in the order of the help."""

    entries = (
        Entry("send", "send:send", 'rumbleup send voters.csv --action 125 --text "Hi {first_name}. STOP to opt out" --dry-run'),
        Entry("look", "look:look", "rumbleup look voters.xlsx --sheet Ward7"),
        Entry(
            "texters", "texters:texters", 'rumbleup texters --action 125 --text "Hi {first_name}. STOP to opt out" --texters 16'
        ),
        Entry(
            "test",
            "trying:test",
            'rumbleup test voters.csv --action 125 --text "Hi {first_name}. STOP to opt out" --test-to 2025550123',
        ),
        Entry("resume", "resume:resume", "rumbleup resume voters-125.ledger"),
        Entry("join", "join:join", "rumbleup join 'postgresql://mary@db.example/texts?run=friday'"),
        Entry("ledgers", "ledgers:ledgers", "rumbleup ledgers postgresql://mary@db.example/texts"),
        Entry("pause", "steering:pause", 'rumbleup pause voters-125.ledger --why "the office is closed"'),
        Entry("continue", "steering:go_on", "rumbleup continue voters-125.ledger"),
        Entry("stop", "steering:stop", "rumbleup stop voters-125.ledger"),
        Entry("reconcile", "reconcile:reconcile", "rumbleup reconcile voters-125.ledger"),
        Entry("follow", "follow:follow", "rumbleup follow voters-125.ledger --for 2h"),
        Entry("status", "status:status", "rumbleup status voters-125.ledger --json"),
        Entry("watch", "watch:watch", "rumbleup watch voters-125.ledger --port 8027"),
        Entry("report", "report:report", "rumbleup report voters-125.ledger --out voters-125.csv"),
        Entry("export", "export:export", "rumbleup export voters-125.ledger --out voters-125.html"),
        Entry("purge", "purge:purge", "rumbleup purge voters-125.ledger"),
        Entry("simulate", "simulate:simulate", "rumbleup simulate --port 8025 --latency 50 --fault hang=0.01"),
        Entry("demo", "demo:demo", "rumbleup demo --contacts 2000"),
        Entry("doctor", "doctor:doctor", "rumbleup doctor"),
        Entry("account", "account:account", "rumbleup account --json"),
        Entry("book", "book:app"),
        Entry("opt-outs", "opt_outs:app"),
        Entry("projects", "projects:app"),
        Entry("messages", "messages:app"),
        Entry("contacts", "contacts:app"),
        Entry("proxies", "proxies:app"),
        Entry("tcr", "tcr:app"),
        Entry("account-reports", "account_reports:app"),
        Entry("reports", "account_reports:former"),
        Entry("webhooks", "webhooks:app"),
        Entry("sendblue", "sendblue:app"),
    )


app = Commands(
    cls=_All,
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
        app(prog_name="rumbleup")  # by `python -m rumbleup_async` as well
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
