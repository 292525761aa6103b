"""`rumbleup sendblue messages send|get|list|status`.

Lives here: Sendblue's Messages API on the command line.
"""

from __future__ import annotations

from typing import Annotated

import typer

from rumbleup_async.cli.commands import Commands
from rumbleup_async.cli.console import guarded
from rumbleup_async.cli.options import Json, Literal, Yes
from rumbleup_async.cli.output import Limit, Lines, Wait, call_over, confirm, one_text_over, show, show_pages_over, show_sent
from rumbleup_async.cli.single_book import BookFile, Gap, NoBook, single
from rumbleup_async.cli.single_hours import Anyway, Rehearsal, Zone, require_hours
from rumbleup_async.provider import arguments
from rumbleup_async.sendblue import requests
from rumbleup_async.sendblue.client import Sendblue

app = Commands(help="Sendblue's own calls; send lists with: rumbleup send --provider sendblue.")
messages = Commands(help="Single messages: send one, show one, list them.")
app.add_typer(messages, name="messages")

_LOOK = "rumbleup sendblue messages list --number"


@messages.command(epilog='Example: rumbleup sendblue messages send --number +12025550101 --from +12025550199 --content "Hi Ada"')
@guarded
def send(
    number: Annotated[str, typer.Option("--number", metavar="P", help="The recipient, +1...")],
    line: Annotated[str, typer.Option("--from", metavar="P", help="The line to send from, +1...")],
    content: Annotated[str | None, typer.Option("--content", "--text", metavar="T", help="The text, sent as it is.")] = None,
    media_url: Annotated[str | None, typer.Option("--media-url", metavar="URL", help="A file to send with it.")] = None,
    send_style: Annotated[str | None, typer.Option("--send-style", metavar="STYLE", help="An effect of iMessage.")] = None,
    status_callback: Annotated[
        str | None, typer.Option("--status-callback", metavar="URL", help="Where Sendblue posts its status.")
    ] = None,
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
    """Send one message."""
    if content is not None:
        arguments.single(content, "the content", literal=literal)
    require_hours(number, "SENDBLUE_BASE_URL", zone=zone, anyway=hours_anyway, rehearsal=rehearsal)
    where = f"lines {requests.line(line)}"
    with single(number, "sendblue", where, book=book, no_book=no_book, gap=gap, rehearsal=rehearsal) as one:
        confirm("Send 1 text?", yes=yes)
        with one.claimed(content or ""):
            sent = one_text_over(
                Sendblue.from_env,
                lambda sendblue: sendblue.messages.send(
                    number=number,
                    from_number=line,
                    content=content,
                    media_url=media_url,
                    send_style=send_style,
                    status_callback=status_callback,
                    literal=literal,
                ),
                look=_LOOK,
            )
    show_sent(sent, f"handle {sent.message_handle}", as_json=as_json)


@messages.command(epilog="Example: rumbleup sendblue messages get HANDLE --json")
@guarded
def get(
    message_id: Annotated[str, typer.Argument(metavar="HANDLE", help="The message's handle.")], as_json: Json = False
) -> None:
    """Show a message."""
    show(call_over(Sendblue.from_env, lambda sendblue: sendblue.messages.get(message_id)), as_json=as_json)


@messages.command(epilog="Example: rumbleup sendblue messages status HANDLE")
@guarded
def status(handle: Annotated[str, typer.Argument(metavar="HANDLE", help="The message's handle.")], as_json: Json = False) -> None:
    """Show how a message stands now."""
    show(call_over(Sendblue.from_env, lambda sendblue: sendblue.messages.status(handle=handle)), as_json=as_json)


@messages.command("list", epilog="Example: rumbleup sendblue messages list --number +12025550101 --since 2026-01-31T00:00:00Z")
@guarded
def list_(
    number: Annotated[str | None, typer.Option("--number", metavar="P", help="The number of either side.")] = None,
    from_number: Annotated[str | None, typer.Option("--from", metavar="P", help="The sender.")] = None,
    to_number: Annotated[str | None, typer.Option("--to", metavar="P", help="The recipient.")] = None,
    line: Annotated[str | None, typer.Option("--line", metavar="P", help="The line of ours.")] = None,
    outbound: Annotated[
        bool | None, typer.Option("--outbound/--inbound", help="Only what was sent, or only what came in.")
    ] = None,
    status: Annotated[str | None, typer.Option("--status", metavar="WORD", help="A status, such as DELIVERED.")] = None,
    service: Annotated[str | None, typer.Option("--service", metavar="NAME", help="iMessage, SMS or RCS.")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="TIME", help="Created then or later, ISO 8601.")] = None,
    before: Annotated[str | None, typer.Option("--before", metavar="TIME", help="Created then or earlier.")] = None,
    limit: Limit = None,
    timeout: Wait = 30.0,
    as_json: Lines = False,
) -> None:
    """List the messages that match, oldest first, all pages."""
    show_pages_over(
        Sendblue.from_env,
        lambda sendblue: sendblue.messages.list(
            number=number,
            from_number=from_number,
            to_number=to_number,
            sendblue_number=line,
            is_outbound=outbound,
            status=status,
            service=service,
            created_at_gte=since,
            created_at_lte=before,
        ),
        ("date_sent", "number", "sendblue_number", "status", "error_code", "message_handle", "content"),
        limit=limit,
        as_json=as_json,
        timeout=timeout,
    )
