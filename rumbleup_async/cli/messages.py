"""`rumbleup messages send|next|log`.

Lives here: the Message API on the command line.
"""

from __future__ import annotations

from typing import Annotated

import typer

from rumbleup_async.cli.commands import Commands
from rumbleup_async.cli.console import guarded, print_json, say
from rumbleup_async.cli.options import Action, Json, Literal, Yes
from rumbleup_async.cli.output import Limit, Lines, Wait, call, confirm, one_text, show, show_pages, show_sent
from rumbleup_async.cli.single_book import BookFile, Gap, NoBook, single
from rumbleup_async.cli.single_hours import Anyway, Rehearsal, Zone, require_hours
from rumbleup_async.provider import arguments

app = Commands(help="Single messages: send one, ask for the next contact, read the log.")


@app.command(epilog='Example: rumbleup messages send --phone 2025550101 --action 125 --text "Hi Ada. STOP to opt out"')
@guarded
def send(
    phone: Annotated[str, typer.Option("--phone", metavar="P", help="10 digits, with or without +1.")],
    action: Action,
    text: Annotated[str, typer.Option("--text", metavar="T", help="The text, sent as it is.")],
    flag: Annotated[list[str] | None, typer.Option("--flag", metavar="TAG", help="A tag for the message; repeatable.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="The name of a contact that the send creates.")] = None,
    group: Annotated[str | None, typer.Option("--group", metavar="ID", help="The group of such a contact.")] = None,
    literal: Literal = False,
    zone: Zone = None,
    hours_anyway: Anyway = False,
    rehearsal: Rehearsal = None,
    book: BookFile = None,
    no_book: NoBook = False,
    gap: Gap = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Send one text."""
    arguments.single(text, "the text", literal=literal)
    require_hours(phone, "RUMBLEUP_BASE_URL", zone=zone, anyway=hours_anyway, rehearsal=rehearsal)
    with single(phone, "rumbleup", f"project {action}", book=book, no_book=no_book, gap=gap, rehearsal=rehearsal) as one:
        confirm("Send 1 text?", yes=yes)
        with one.claimed(text):
            sent = one_text(
                lambda rumbleup: rumbleup.messages.send(
                    phone=phone, action=action, text=text, flags=flag or (), name=name, group=group, literal=literal
                )
            )
    show_sent(sent, f"logid {sent.logid}", as_json=as_json)


@app.command("next", epilog="Example: rumbleup messages next --action 125 --json")
@guarded
def next_(action: Action, as_json: Json = False) -> None:
    """Ask for the next contact of a project, which the server then locks for about five minutes."""
    contact = call(lambda rumbleup: rumbleup.messages.next(action=action))
    if contact is not None:
        show(contact, as_json=as_json)
    elif as_json:
        print_json(None)
    else:
        say("no contact is left")


@app.command(epilog="Example: rumbleup messages log --phone 2025550101 --since 2026-01-31")
@guarded
def log(
    phone: Annotated[list[str] | None, typer.Option("--phone", metavar="P", help="The contact's phone; repeatable.")] = None,
    proxy: Annotated[list[str] | None, typer.Option("--proxy", metavar="P", help="Our number; repeatable.")] = None,
    logid: Annotated[list[str] | None, typer.Option("--logid", metavar="ID", help="The id of a message; repeatable.")] = None,
    flag: Annotated[list[str] | None, typer.Option("--flag", metavar="TAG", help="A tag on the message; repeatable.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Sent then or later: milliseconds or a date.")
    ] = None,
    before: Annotated[str | None, typer.Option("--before", metavar="TIME", help="Sent earlier: milliseconds or a date.")] = None,
    campaign: Annotated[
        list[str] | None, typer.Option("--campaign", metavar="ID", help="The id of a TCR campaign; repeatable.")
    ] = None,
    limit: Limit = None,
    timeout: Wait = 30.0,
    as_json: Lines = False,
) -> None:
    """Read the message log, all pages."""
    show_pages(
        lambda rumbleup: rumbleup.messages.log(
            phone=phone or None,
            proxy=proxy or None,
            logid=logid or None,
            flags=flag or None,
            tcr_cid=campaign or None,
            since=since,
            before=before,
        ),
        ("sent_time", "phone", "action", "status", "error_code", "logid", "text"),
        limit=limit,
        as_json=as_json,
        timeout=timeout,
    )
