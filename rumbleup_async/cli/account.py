"""`rumbleup account`.

Lives here: the Account API on the command line.
"""

from __future__ import annotations

from typing import Annotated

import typer

from rumbleup_async.cli.console import fail, guarded
from rumbleup_async.cli.options import Json
from rumbleup_async.cli.output import call, show, show_pages


@guarded
def account(
    cid: Annotated[str | None, typer.Option("--cid", metavar="ID", help="A sub-account.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every account the key may see.")] = False,
    as_json: Json = False,
) -> None:
    """Show the account of the key: its status, balance and numbers."""
    if not everything:
        show(call(lambda rumbleup: rumbleup.account.get(cid=cid)), as_json=as_json)
    elif cid is not None:
        fail("give either --cid or --all")
    else:
        columns = ("cid", "name", "status", "balance", "owner_cid")
        show_pages(lambda rumbleup: rumbleup.account.select(), columns, limit=None, as_json=as_json)
