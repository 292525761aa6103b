"""`rumbleup messages send|next|log`.

Lives here: the Message API on the command line. May import: rumbleup.client, cli.console.
"""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from rumbleup_async.cli.console import UNKNOWNS, fail, guarded, print_json, table
from rumbleup_async.cli.options import Action, Json, Yes
from rumbleup_async.cli.send import ask, run_loop
from rumbleup_async.cli.showing import plain
from rumbleup_async.errors import MaybeSentError, ServerFailed, UnreadableReply
from rumbleup_async.rumbleup.client import RumbleUp

app = typer.Typer(
    help="Single messages: send one, draw the next contact, read the log.", no_args_is_help=True, rich_markup_mode=None
)


@app.command(epilog='Example: rumbleup messages send --phone 2025550101 --action 125 --text "Hi Ada. STOP to opt out"')
@guarded
def send(
    phone: Annotated[str, typer.Option("--phone", metavar="P", help="10 digits, with or without +1.")],
    action: Action,
    text: Annotated[str, typer.Option("--text", metavar="T", help="The text, sent as it is.")],
    flag: Annotated[list[str] | None, typer.Option("--flag", metavar="TAG", help="A tag for the message; repeatable.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="The name of a contact that the send creates.")] = None,
    group: Annotated[str | None, typer.Option("--group", metavar="ID", help="The group of such a contact.")] = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Send one text."""
    if not yes:
        if not sys.stdin.isatty():
            fail("there is no terminal to ask; send with --yes")
        if not ask("Send 1 text?"):
            fail("nothing was sent")

    async def main() -> dict[str, Any]:
        async with RumbleUp.from_env() as rumbleup:
            return plain(
                await rumbleup.messages.send(phone=phone, action=action, text=text, flags=flag or (), name=name, group=group)
            )

    try:
        message = run_loop(main())
    except (MaybeSentError, ServerFailed, UnreadableReply) as error:
        doubt = "the text may have been sent: do not send it again before you have looked with rumbleup messages log --phone"
        fail(f"{error}; {doubt}", UNKNOWNS)
    _print(message, as_json=as_json)


@app.command("next", epilog="Example: rumbleup messages next --action 125 --json")
@guarded
def next_(action: Action, as_json: Json = False) -> None:
    """Draw the next contact of a project; it is locked for about five minutes."""

    async def main() -> dict[str, Any] | None:
        async with RumbleUp.from_env() as rumbleup:
            contact = await rumbleup.messages.next(action=action)
            return None if contact is None else plain(contact)

    contact = run_loop(main())
    if contact is None and not as_json:
        sys.stderr.write("no contact is left\n")
        return
    _print(contact, as_json=as_json)


@app.command(epilog="Example: rumbleup messages log --phone 2025550101 --since 2026-01-31")
@guarded
def log(
    phone: Annotated[list[str] | None, typer.Option("--phone", metavar="P", help="The contact's phone; repeatable.")] = None,
    proxy: Annotated[list[str] | None, typer.Option("--proxy", metavar="P", help="Our number; repeatable.")] = None,
    logid: Annotated[list[str] | None, typer.Option("--logid", metavar="ID", help="A message; repeatable.")] = None,
    flag: Annotated[list[str] | None, typer.Option("--flag", metavar="TAG", help="A tag on the message; repeatable.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Milliseconds or a date, as the API takes it.")
    ] = None,
    before: Annotated[str | None, typer.Option("--before", metavar="TIME", help="Milliseconds or a date.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, metavar="N", help="Rows at most.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Read the message log, all pages."""

    async def main() -> None:
        rows: list[dict[str, Any]] = []
        number = 0
        async with RumbleUp.from_env() as rumbleup:
            async for message in rumbleup.messages.log(
                phone=phone, proxy=proxy, logid=logid, flags=flag, since=since, before=before
            ):
                row = plain(message)
                if as_json:
                    print_json(row)
                else:
                    rows.append({column: row.get(column) for column in _LOG_COLUMNS})
                number += 1
                if number == limit:
                    break
        if rows:
            table(rows)

    run_loop(main())


_LOG_COLUMNS = ("sent_time", "phone", "action", "status", "error_code", "logid", "text")


def _print(value: dict[str, Any] | None, *, as_json: bool) -> None:
    if as_json or value is None:
        print_json(value)
    else:
        table([{"field": key, "value": shown if isinstance(shown, str) else json.dumps(shown)} for key, shown in value.items()])
