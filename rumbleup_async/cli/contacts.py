"""`rumbleup contacts select|sync|import|group|download`.

Lives here: the Contacts API on the command line.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rumbleup_async.cli.commands import Commands
from rumbleup_async.cli.completing import projects
from rumbleup_async.cli.console import guarded
from rumbleup_async.cli.options import Json
from rumbleup_async.cli.output import Extra, Limit, Lines, OutFile, Wait, call, pairs, show, show_pages
from rumbleup_async.cli.output_file import save
from rumbleup_async.rumbleup.contacts import Contacts

app = Commands(
    help="Contacts and groups. Their parameters are documented in part only; --set passes others on.",
)

GroupId = Annotated[str, typer.Argument(metavar="GROUP", help="The group.")]


@app.command(epilog="Example: rumbleup contacts select --group 26 --limit 20")
@guarded
def select(
    action: Annotated[
        list[str] | None,
        typer.Option("--action", "--project", metavar="ID", autocompletion=projects, help="Contacts of a project."),
    ] = None,
    group: Annotated[list[str] | None, typer.Option("--group", metavar="ID", help="Contacts of a group; repeatable.")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="TIME", help="Milliseconds or a date.")] = None,
    flag: Annotated[list[str] | None, typer.Option("--flag", metavar="TAG", help="Contacts with this tag; repeatable.")] = None,
    no_flag: Annotated[
        list[str] | None, typer.Option("--no-flag", metavar="TAG", help="Contacts without this tag; repeatable.")
    ] = None,
    q: Annotated[str | None, typer.Option("--search", metavar="WORDS", help="What to search for.")] = None,
    extra: Extra = None,
    limit: Limit = None,
    timeout: Wait = 30.0,
    as_json: Lines = False,
) -> None:
    """List the contacts that match."""
    more = pairs(extra, Contacts.select, flags="--flag", noflags="--no-flag")
    show_pages(
        lambda rumbleup: rumbleup.contacts.select(
            action=action or None, group=group or None, since=since, flags=flag or None, noflags=no_flag or None, q=q, **more
        ),
        ("phone", "name", "first_name", "last_name", "flags", "group"),
        limit=limit,
        as_json=as_json,
        timeout=timeout,
    )


@app.command(epilog="Example: rumbleup contacts sync 2025550101 --set first_name=Ada --flag volunteer")
@guarded
def sync(
    phone: Annotated[str, typer.Argument(metavar="PHONE", help="10 digits, with or without +1.")],
    action: Annotated[
        str | None,
        typer.Option("--action", "--project", metavar="ID", autocompletion=projects, help="Attach the contact to a project."),
    ] = None,
    flag: Annotated[list[str] | None, typer.Option("--flag", metavar="TAG", help="A tag; repeatable.")] = None,
    extra: Extra = None,
    as_json: Json = False,
) -> None:
    """Add a contact, or change the one with this phone."""
    fields = pairs(extra, Contacts.sync, flags="--flag")
    show(call(lambda rumbleup: rumbleup.contacts.sync(phone=phone, action=action, flags=flag or None, **fields)), as_json=as_json)


@app.command("import", epilog="Example: rumbleup contacts import voters.csv")
@guarded
def import_(
    file: Annotated[Path, typer.Argument(metavar="CSV", help="A file of contacts.")],
    part: Annotated[str, typer.Option("--part", metavar="NAME", help="The form field that carries the file.")] = "csv",
    extra: Extra = None,
    timeout: Wait = 120.0,
    as_json: Json = False,
) -> None:
    """Import a CSV as a new group."""
    fields = pairs(extra, Contacts.import_)
    show(call(lambda rumbleup: rumbleup.contacts.import_(file, part=part, **fields), timeout), as_json=as_json)


@app.command(epilog="Example: rumbleup contacts group 26")
@guarded
def group(group: GroupId, as_json: Json = False) -> None:
    """Show a group of contacts."""
    show(call(lambda rumbleup: rumbleup.contacts.group(group)), as_json=as_json)


@app.command(epilog="Example: rumbleup contacts download 26 --out ward7.csv")
@guarded
def download(group: GroupId, out: OutFile = None, extra: Extra = None, timeout: Wait = 120.0) -> None:
    """Download the contacts of a group, as the API's CSV."""
    fields = pairs(extra, Contacts.download, gid="GROUP")
    save(lambda file: call(lambda rumbleup: rumbleup.contacts.download(group, into=file, **fields), timeout), out)
