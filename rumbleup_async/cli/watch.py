"""`rumbleup watch`: a live page over runs, from another process, while they go.

Lives here: the command.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rumbleup_async import open_files
from rumbleup_async.cli.completing import ledgers
from rumbleup_async.cli.console import fail, local, say
from rumbleup_async.cli.ledger_place import Place
from rumbleup_async.cli.loop import run_loop
from rumbleup_async.cli.showing import BESIDE, LAST_LINK
from rumbleup_async.cli.signals import stopping
from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import path_of
from rumbleup_async.loopback import is_loopback
from rumbleup_async.postgres.address import Address, is_address, parse

if TYPE_CHECKING:
    from rumbleup_async.observe.serving import Keys, Page


_LOOK_EVERY = 1.0


def _where(text: str) -> Path | Address:
    if not text.strip():
        raise typer.BadParameter("name a ledger, a folder, or a database; nothing was named")
    try:
        return parse(text, needs_run=False) if is_address(text) else path_of(text)
    except LedgerError as error:
        raise typer.BadParameter(str(error)) from None


def _check(address: Address) -> None:
    """LedgerError for a database that cannot be asked now, or that has no such run."""
    from rumbleup_async.postgres.watched import Database

    with contextlib.closing(Database(address)) as database:
        runs = database.runs()
        if address.run and address.run not in runs:
            fail(f"{address}: there is no run of this name; see those that are there: rumbleup ledgers")


@local
def watch(
    ledgers: Annotated[
        list[Place],
        typer.Argument(
            metavar="LEDGER...",
            help="Ledgers, folders of ledgers, postgresql://USER@HOST/DB?run=NAME, or without ?run= all runs of the database.",
            parser=_where,
            autocompletion=ledgers,
        ),
    ],
    host: Annotated[str, typer.Option("--host", metavar="H", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, metavar="N", help="The port to listen on; 0: any free one.")
    ] = 8027,
    read_only: Annotated[bool, typer.Option("--read-only", help="Nobody can pause, continue or stop a run there.")] = False,
) -> None:
    """Show runs on a page in the browser, live, until Ctrl-C. It reads the ledgers and disturbs no run.

    Two links are printed: one to look, and one to steer, too. Whoever has the second can pause, continue and stop the runs.
    """
    for where in ledgers:
        if not isinstance(where, Path):
            _check(where)
        elif not where.exists():
            fail(f"{where}: there is no such ledger or folder")
    # Only here: a web server is more than all other commands together need to load.
    from rumbleup_async.observe.gallery import is_ledger
    from rumbleup_async.observe.serving import Keys, Page, names_of, new_key

    for where in ledgers:
        if isinstance(where, Path) and not where.is_dir() and not is_ledger(where):
            fail(f"{where} is not a ledger")
    open_files.raise_limit()
    keys = Keys(read="" if is_loopback(host) else new_key(), steer="" if read_only else new_key())
    run_loop(_serve(Page(ledgers, keys, names_of(host)), keys, host, port))


async def _serve(page: Page, keys: Keys, host: str, port: int) -> None:
    from rumbleup_async.observe.serving import serve

    stop = asyncio.Event()
    with stopping(stop.set, "stopping; a second signal ends at once"):
        async with serve(page, host, port) as url:
            say(f"to look: {url}{f'#key={keys.read}' if keys.read else ''}")
            if keys.steer:
                say(f"{LAST_LINK}{url}#key={keys.steer}")
            await _ended(stop)


async def _ended(stop: asyncio.Event) -> None:
    """Wait for a signal, or for the end of the process beside which this one was started: it may have been killed."""
    beside = os.environ.get(BESIDE, "")
    while not stop.is_set() and (not beside or os.getppid() == int(beside)):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _LOOK_EVERY if beside else None)
