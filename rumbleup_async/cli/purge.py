"""`rumbleup purge`: the people go out of a ledger whose run is over.

Lives here: the command.
"""

from __future__ import annotations

from typing import Annotated

import typer

from rumbleup_async.cli.console import local, plural, say
from rumbleup_async.cli.ledger_options import Ledger
from rumbleup_async.cli.ledger_place import Place
from rumbleup_async.cli.output import Yes, confirm
from rumbleup_async.ledger import purging
from rumbleup_async.postgres.address import Address


@local
def purge(
    ledger: Ledger,
    unsent: Annotated[bool, typer.Option("--unsent", help="Give up contacts that are still to be texted.")] = False,
    yes: Yes = False,
) -> None:
    """Take texts, names and phones out of a ledger whose run is over. Counts and results stay."""
    confirm(f"Take the people out of {ledger}, for good?", yes=yes)
    number = _purge(ledger, unsent=unsent)
    say(
        f"{ledger}: {plural(number, 'contact')} without text, name and phone now; a report that was written before has them still"
    )


def _purge(place: Place, *, unsent: bool) -> int:
    if not isinstance(place, Address):
        return purging.purge(place, unsent=unsent)
    from rumbleup_async.postgres import purging as purging_there

    return purging_there.purge(place, unsent=unsent)
