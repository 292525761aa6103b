"""`rumbleup watch`: a live page over runs, from another process, while they go.

Lives here: the command.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rumbleup_async.cli.console import fail, local, say
from rumbleup_async.cli.loop import run_loop
from rumbleup_async.cli.signals import stopping
from rumbleup_async.loopback import is_loopback

if TYPE_CHECKING:
    from rumbleup_async.observe.serving import Keys, Page


@local
def watch(
    ledgers: Annotated[list[Path], typer.Argument(metavar="LEDGER...", help="Ledgers, and folders of ledgers.")],
    host: Annotated[str, typer.Option("--host", metavar="H", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, metavar="N", help="The port to listen on; 0: any free one.")
    ] = 8027,
    read_only: Annotated[bool, typer.Option("--read-only", help="Nobody can pause, continue or stop a run there.")] = False,
) -> None:
    """Show runs on a page in the browser, live, until Ctrl-C. It reads the ledgers and disturbs no run.

    Two links are printed: one to look, and one to steer, too. Whoever has the second can pause, continue and stop the runs.
    """
    for path in ledgers:
        if not path.exists():
            fail(f"{path}: there is no such ledger or folder")
    # Only here: a web server is more than all other commands together need to load.
    from rumbleup_async.observe.serving import Keys, Page, names_of, new_key

    keys = Keys(read="" if is_loopback(host) else new_key(), steer="" if read_only else new_key())
    run_loop(_serve(Page(ledgers, keys, names_of(host)), keys, host, port))


async def _serve(page: Page, keys: Keys, host: str, port: int) -> None:
    from rumbleup_async.observe.serving import serve

    stop = asyncio.Event()
    with stopping(stop.set, "stopping; a second signal ends at once"):
        async with serve(page, host, port) as url:
            say(f"to look: {url}{f'#key={keys.read}' if keys.read else ''}")
            if keys.steer:
                say(f"to steer: {url}#key={keys.steer}")
            await stop.wait()
