"""`rumbleup webhooks listen`.

Lives here: the receiver on the command line.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rumbleup_async.cli.commands import Commands
from rumbleup_async.cli.console import fail, local, plural, say
from rumbleup_async.cli.loop import run_loop
from rumbleup_async.cli.signals import stopping
from rumbleup_async.cli.terminal import Tamed
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.messaging import mask
from rumbleup_async.rumbleup.webhooks import ContactUpdated, DeliveryReceipt, Event, MessageReceived, parse

if TYPE_CHECKING:
    from rumbleup_async.webhooks import Check, Failure, Receiver, Sink, Statistics

USER = "RUMBLEUP_WEBHOOK_USER"
PASSWORD = "RUMBLEUP_WEBHOOK_PASSWORD"  # noqa: S105 - the name of a variable
OLD = "_OLD"
"""Ends the names of the credentials that are still accepted while new ones are being set at the provider."""

app = Commands(help="Receive what RumbleUp posts: replies, receipts, changes.")


@app.callback()
def _root() -> None: ...


@app.command(epilog="Example: rumbleup webhooks listen --port 8026 --sqlite events.db")
@local
def listen(
    host: Annotated[str, typer.Option("--host", metavar="H", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, metavar="N", help="The port to listen on; 0: any free one.")
    ] = 8026,
    path: Annotated[str, typer.Option("--path", metavar="P", help="The path that takes events.")] = "/",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE.jsonl", help="Keep the events there, as JSON lines.")] = None,
    sqlite: Annotated[Path | None, typer.Option("--sqlite", metavar="FILE", help="Keep the events there, each once.")] = None,
    allow_unauthenticated: Annotated[
        bool, typer.Option("--allow-unauthenticated", help="Take events from anybody; for trying it out.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the events as they came, one JSON object a line.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print no events.")] = False,
) -> None:
    """Take events until Ctrl-C, and print a line for each.

    The credentials are those that the portal's webhook page has. They are read from RUMBLEUP_WEBHOOK_USER and
    RUMBLEUP_WEBHOOK_PASSWORD; the user alone is a Bearer token. Former credentials are still taken if they stand in
    variables of the same names with _OLD at the end. An event is answered once it is in the file, if there is one.
    """
    if out is not None and sqlite is not None:
        fail("give either --out or --sqlite")
    if not path.startswith("/") or "{" in path:
        fail("--path must begin with / and hold no braces")
    # Only here: a web server is more than all other commands together need to load.
    from rumbleup_async.webhooks import JsonLines, Receiver, SQLite

    sink: Sink | None = JsonLines(out) if out is not None else SQLite(sqlite) if sqlite is not None else None
    check = None if allow_unauthenticated else check_from_env()
    # One at a time, so that lines stand in the order in which the events came.
    receiver = Receiver(
        parse, check=check, allow_unauthenticated=allow_unauthenticated, sink=sink, at_once=1, on_failure=_reader_gone
    )
    if not quiet:
        receiver.on(Event)(_print_raw if as_json else _print_line)
    logging.basicConfig(format="%(message)s", handlers=[_Words()], level=logging.WARNING)
    run_loop(_listen(receiver, host, port, path))


def check_from_env() -> Check:
    """The check of the credentials in the environment; ConfigurationError if there are none."""
    from rumbleup_async.webhooks import checks

    found: list[Check] = []
    for ending in ("", OLD):
        user, password = os.environ.get(USER + ending, ""), os.environ.get(PASSWORD + ending, "")
        if user and password:
            found.append(checks.basic((user, password)))
        elif user:
            found.append(checks.bearer(user))
        elif password:
            raise ConfigurationError(f"{PASSWORD}{ending} is set and {USER}{ending} is not")
    if not found:
        raise ConfigurationError(
            f"set {USER} and {PASSWORD} to what the portal's webhook page has (or the user alone for a Bearer token); "
            "--allow-unauthenticated takes events from anybody"
        )
    return checks.any_of(*found)


async def _listen(receiver: Receiver, host: str, port: int, path: str) -> None:
    from rumbleup_async.webhooks import serve

    stop = asyncio.Event()
    with stopping(stop.set, "stopping; a second signal ends at once"):
        async with serve(receiver, host, port, path=path) as url:
            say(f"listening on {url}")
            await stop.wait()
    say(summary(receiver.statistics))


def summary(counts: Statistics) -> str:
    """`stopped; 3 events received, 1 repeated, 2 refused (unauthorized 2)`."""
    parts = [f"{plural(counts.received, 'event')} received", f"{counts.repeated:,} repeated"]
    if counts.refused:
        reasons = ", ".join(f"{reason} {number:,}" for reason, number in sorted(counts.refused.items()))
        parts.append(f"{sum(counts.refused.values()):,} refused ({reasons})")
    if counts.failed or counts.dropped:
        parts.append(f"{counts.failed + counts.dropped:,} not printed")
    return "stopped; " + ", ".join(parts)


def line_of(event: Event) -> str:
    """An event as anyone may see it: no text, no name, the phone masked."""
    words = [time.strftime("%H:%M:%S"), _tame(event.type or "(no type)"), _tame(mask((event.phone or "")[-15:]))]
    if isinstance(event, (MessageReceived, DeliveryReceipt)):
        message = event.message
        words += [f"project {_tame(message.action)}" if message.action else "", _tame(message.logid or "")]
    if isinstance(event, DeliveryReceipt):
        words += [_tame(event.status), _tame(event.message.error_code or "")]
    if isinstance(event, (MessageReceived, ContactUpdated)):
        facts = {"opted out": event.opted_out, "wrong number": event.wrong_number, "rude": event.rude}
        words += [f"[{fact}]" for fact, true in facts.items() if true]
    return " ".join(word for word in words if word)


def _tame(word: str) -> str:
    """What came over the wire, fit for a terminal: no control characters, no great length."""
    return ascii(word[:60])[1:-1]


class _Words(logging.Handler):
    """What is logged, as words of the command."""

    def emit(self, record: logging.LogRecord) -> None:
        """Say it."""
        say(self.format(record))


def _print_line(event: Event) -> None:
    sys.stdout.write(line_of(event) + "\n")
    sys.stdout.flush()


def _print_raw(event: Event) -> None:
    out = Tamed(sys.stdout.buffer) if sys.stdout.isatty() else sys.stdout.buffer
    out.write(event.raw + b"\n")
    out.flush()


def _reader_gone(failure: Failure) -> None:
    if isinstance(failure.error, BrokenPipeError):
        # Whoever read our lines has gone; the events are still to be taken.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
