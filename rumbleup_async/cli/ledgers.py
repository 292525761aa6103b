"""`rumbleup ledgers`: the runs of a database, and the tables that they need there.

Lives here: the commands.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from rumbleup_async.cli.console import local, print_json, print_out, say
from rumbleup_async.cli.options import Json
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.messaging import State
from rumbleup_async.postgres.address import Address, is_address, parse


def _address(text: str) -> Address:
    if not is_address(text):
        raise typer.BadParameter("name a database: postgresql://USER@HOST/DB")
    try:
        return parse(text, needs_run=False)
    except ConfigurationError as error:
        raise typer.BadParameter(str(error)) from None


Words = Annotated[
    list[str],
    typer.Argument(metavar="[upgrade] URL", help="The database, postgresql://USER@HOST/DB; with `upgrade` its tables are made."),
]


@local
def ledgers(words: Words, as_json: Json = False) -> None:
    """List the runs whose ledgers are in a database.

    `rumbleup ledgers upgrade URL` makes the tables there, or brings those of an older version up to date.
    """
    from rumbleup_async.postgres import listing, versions

    upgrade = words[0] == "upgrade"
    if len(words) != 1 + upgrade:
        raise typer.BadParameter("name one database: postgresql://USER@HOST/DB")
    url = _address(words[-1])
    if upgrade:
        say("its tables were made or brought up to date" if versions.upgrade(url) else "its tables are those of this version")
        return
    found = listing.runs_of(url)
    if as_json:
        print_json({
            "runs": [
                {
                    "run": one.name,
                    "began": _moment(one.began),
                    **{str(state): number for state, number in one.counts.items()},
                    "senders": one.senders,
                }
                for one in found
            ]
        })  # fmt: skip
        return
    for one in found:
        total = sum(one.counts.values())
        now = f", sent now by {', '.join(one.senders)}" if one.senders else ""
        print_out(
            f"{one.name}  {_moment(one.began)}  {total:,} contacts, {one.counts[State.SENT]:,} sent, "
            f"{one.counts[State.QUEUED]:,} queued, {one.counts[State.UNKNOWN] + one.counts[State.INTENT]:,} unknown{now}\n"
        )
    if not found:
        say("no run is in this database yet")


def _moment(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds")
