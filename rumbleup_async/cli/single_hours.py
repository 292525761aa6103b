"""May this one text leave now? What the commands that send a single text ask before anything else.

Lives here: the options of these commands, and the look at the hours of one phone. A list asks in its run, see `hours`.

A server on this machine is a rehearsal, in which nobody's hours are asked for.
"""

from __future__ import annotations

import datetime as dt
import os
import time
from typing import Annotated, Literal
from urllib.parse import urlsplit

import typer

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.loopback import is_loopback
from rumbleup_async.screening.phones import normalise

Zone = Annotated[
    str | None,
    typer.Option("--zone", metavar="NAME", help="Where the recipient is, such as America/Chicago; else the area code tells."),
]
Anyway = Annotated[bool, typer.Option("--hours-anyway", help="Send it now, whatever time it is where the recipient is.")]

Rehearsal = Annotated[
    Literal["yes", "no"] | None,
    typer.Option("--rehearsal", help="no: a server on this machine is as good as the provider itself, as a relay is."),
]


def require_hours(phone: str, address: str, *, zone: str | None, anyway: bool, rehearsal: str | None = None) -> None:
    """ConfigurationError unless the owner of this phone may be texted now: 9-20 by the clocks of everywhere he may be, Sundays
    12-20, and by the states' own hours. `address`: the variable with the address of the server.

    A phone that cannot be read, or is of another country, has no hours that are known here. `rehearsal`: "no" where a server on
    this machine is none.
    """
    digits, unreadable = normalise(phone)
    is_here = rehearsal != "no" and is_loopback(urlsplit(os.environ.get(address, "").strip()).hostname or "")
    if anyway or unreadable or is_here:
        return
    from rumbleup_async.rules.gates import Gates
    from rumbleup_async.rules.hours import Hours
    from rumbleup_async.rules.places import decode

    now = time.time()
    gates = Gates(Hours(), begin=now)
    place = gates.places.place_of(digits, zone=zone or "")
    if gates.is_open(place, now):
        return
    clocks = ", ".join(f"{dt.datetime.fromtimestamp(now, gates.data.zone(name)):%H:%M %Z}" for name in decode(place).zones)
    opens = gates.opens_again([place], now)
    when = "" if opens is None else f"; send it from {gates.local(opens[0], place):%Y-%m-%d %H:%M %Z} on"
    raise ConfigurationError(
        f"outside hours: where the recipient may be it is {clocks}, and texts leave 9-20, on Sundays 12-20, in all of these "
        f"places{when}, say with --zone where the recipient is, or send it now with --hours-anyway"
    )
