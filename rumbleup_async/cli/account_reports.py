"""`rumbleup account-reports create|list|get|download|delete`.

Lives here: the Report API on the command line.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from rumbleup_async.cli.commands import Commands
from rumbleup_async.cli.console import guarded, say
from rumbleup_async.cli.options import Json
from rumbleup_async.cli.output import Extra, Limit, Lines, OutFile, Wait, Yes, call, confirm, pairs, show, show_pages
from rumbleup_async.cli.output_file import save
from rumbleup_async.rumbleup.account_reports import AccountReports

_HELP = "Reports of the account, which RumbleUp makes in the background. Some paths are not documented; see docs/api-map.md."
app = Commands(help=_HELP)


class Former(TyperGroup):
    """The group under its former name, which people took for `rumbleup report`; the name goes with the next version."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if not ctx.resilient_parsing:
            say(
                "rumbleup: warning: `rumbleup reports` is called `rumbleup account-reports` now; "
                "the report of a run is `rumbleup report LEDGER`"
            )
        return super().resolve_command(ctx, args)


Id = Annotated[str, typer.Argument(metavar="ID", help="The id of the report.")]


@app.command(epilog="Example: rumbleup account-reports create Conversations --set action=125 --set filter=dailycap")
@guarded
def create(
    title: Annotated[str, typer.Argument(metavar="TITLE", help="The type of report, such as Conversations.")],
    email: Annotated[str | None, typer.Option("--email", help="Where to write to once the report is made.")] = None,
    interval: Annotated[
        int | None, typer.Option("--interval", min=1, metavar="MIN", help="Make it anew every so many minutes.")
    ] = None,
    extra: Extra = None,
    as_json: Json = False,
) -> None:
    """Have a report made, in the background."""
    fields = pairs(extra, AccountReports.create)
    show(
        call(lambda rumbleup: rumbleup.account_reports.create(title=title, email=email, interval=interval, **fields)),
        as_json=as_json,
    )


@app.command("list", epilog="Example: rumbleup account-reports list")
@guarded
def list_(limit: Limit = None, as_json: Lines = False) -> None:
    """List the reports."""
    show_pages(
        lambda rumbleup: rumbleup.account_reports.list(),
        ("id", "title", "status", "interval", "create_time"),
        limit=limit,
        as_json=as_json,
    )


@app.command(epilog="Example: rumbleup account-reports get rp1")
@guarded
def get(report: Id, as_json: Json = False) -> None:
    """Show a report, with its files once it is made."""
    show(call(lambda rumbleup: rumbleup.account_reports.get(report)), as_json=as_json)


@app.command(epilog="Example: rumbleup account-reports download rp1 --out conversations.csv")
@guarded
def download(report: Id, out: OutFile = None, extra: Extra = None, timeout: Wait = 120.0) -> None:
    """Download the newest file of a report."""
    fields = pairs(extra, AccountReports.download)
    save(lambda file: call(lambda rumbleup: rumbleup.account_reports.download(report, into=file, **fields), timeout), out)


@app.command(epilog="Example: rumbleup account-reports delete rp1")
@guarded
def delete(report: Id, yes: Yes = False) -> None:
    """Delete a report and its files."""
    confirm(f"Delete report {report}?", yes=yes)
    call(lambda rumbleup: rumbleup.account_reports.delete(report))
    say(f"report {report} is deleted")


former = Commands(help=_HELP, cls=Former, hidden=True)
former.add_typer(app)
