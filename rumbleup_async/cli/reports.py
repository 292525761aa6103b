"""`rumbleup reports create|list|get|download|delete`.

Lives here: the Report API on the command line.
"""

from __future__ import annotations

from typing import Annotated

import typer

from rumbleup_async.cli.commands import Commands
from rumbleup_async.cli.console import guarded, say
from rumbleup_async.cli.options import Json
from rumbleup_async.cli.output import Extra, Limit, Lines, OutFile, Wait, Yes, call, confirm, pairs, show, show_pages
from rumbleup_async.cli.output_file import save
from rumbleup_async.rumbleup.reports import Reports

app = Commands(
    help="Reports, made in the background. Some paths are not documented; see docs/api-map.md.",
)

Id = Annotated[str, typer.Argument(metavar="ID", help="The report.")]


@app.command(epilog="Example: rumbleup reports create Conversations --set action=125 --set filter=dailycap")
@guarded
def create(
    title: Annotated[str, typer.Argument(metavar="TITLE", help="Chooses the type, such as Conversations.")],
    email: Annotated[str | None, typer.Option("--email", help="Who is told when it is made.")] = None,
    interval: Annotated[int | None, typer.Option("--interval", min=1, metavar="MIN", help="Make it anew so often.")] = None,
    extra: Extra = None,
    as_json: Json = False,
) -> None:
    """Order a report."""
    fields = pairs(extra, Reports.create)
    show(call(lambda rumbleup: rumbleup.reports.create(title=title, email=email, interval=interval, **fields)), as_json=as_json)


@app.command("list", epilog="Example: rumbleup reports list")
@guarded
def list_(limit: Limit = None, as_json: Lines = False) -> None:
    """The reports there are."""
    show_pages(
        lambda rumbleup: rumbleup.reports.list(),
        ("id", "title", "status", "interval", "create_time"),
        limit=limit,
        as_json=as_json,
    )


@app.command(epilog="Example: rumbleup reports get rp1")
@guarded
def get(report: Id, as_json: Json = False) -> None:
    """One report, with its files when it is done."""
    show(call(lambda rumbleup: rumbleup.reports.get(report)), as_json=as_json)


@app.command(epilog="Example: rumbleup reports download rp1 --out conversations.csv")
@guarded
def download(report: Id, out: OutFile = None, extra: Extra = None, timeout: Wait = 120.0) -> None:
    """The newest file of a report."""
    fields = pairs(extra, Reports.download)
    save(lambda file: call(lambda rumbleup: rumbleup.reports.download(report, into=file, **fields), timeout), out)


@app.command(epilog="Example: rumbleup reports delete rp1")
@guarded
def delete(report: Id, yes: Yes = False) -> None:
    """Delete a report and its files."""
    confirm(f"Delete report {report}?", yes=yes)
    call(lambda rumbleup: rumbleup.reports.delete(report))
    say(f"report {report} is deleted")
