"""`rumbleup simulate`: a RumbleUp of your own on this machine.

Lives here: the command.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from rumbleup_async.cli.console import local, say
from rumbleup_async.errors import ConfigurationError

if TYPE_CHECKING:
    from rumbleup_async.simulator import Server

API_KEY = "KEY:SECRET"
"""The key a simulator takes. Not a secret: it opens nothing but a simulator on loopback."""


@local
def simulate(
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, metavar="P", help="The port to serve on; 0: any free one.")
    ] = 8025,
    latency: Annotated[float, typer.Option("--latency", min=0.0, metavar="MS", help="Milliseconds before each answer.")] = 0.0,
    fault: Annotated[
        list[str] | None,
        typer.Option("--fault", metavar="KIND=RATE", help="Inject a fault at this rate, such as hang=0.01; repeatable."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="The same seed gives the same faults.")] = 0,
    any_key: Annotated[
        bool, typer.Option("--any-key", help="Accept any key, not KEY:SECRET alone; on by itself where RUMBLEUP_API_KEY is set.")
    ] = False,
) -> None:
    """Serve a simulated RumbleUp on this machine. It needs no account and texts nobody."""
    _simulate(port=port, latency=latency / 1000, faults=fault or [], seed=seed, any_key=any_key, environ=os.environ)


def _simulate(*, port: int, latency: float, faults: list[str], seed: int, any_key: bool, environ: Mapping[str, str]) -> None:
    """Serve until a signal. The first line on standard output is the base URL, for scripts that start it.

    Whoever has a key in the environment rehearses with that. It is not kept here, where the admin API would tell it to
    everybody on the machine; instead any key is let in.
    """
    from rumbleup_async.simulator import Simulator, run

    known = {"RUMBLEUP_API_KEY": API_KEY, "SENDBLUE_API_KEY": API_KEY.partition(":")[0]}
    any_key = any_key or any(environ.get(name, "").strip() not in {"", key} for name, key in known.items())
    try:
        simulator = Simulator(api_key=API_KEY, seed=seed, latency=latency, faults=faults, any_key=any_key)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
    try:
        run(simulator, "127.0.0.1", port, on_ready=functools.partial(_ready, any_key=any_key))
    except OSError as error:
        raise ConfigurationError(f"port {port}: {error.strerror}; try another, or --port 0 for any free one") from None
    say(f"stopped; {len(simulator.truth):,} texts left")


def _ready(server: Server, *, any_key: bool) -> None:
    sys.stdout.write(server.url + "\n")
    sys.stdout.flush()
    say("In another terminal:")
    say(f"  export RUMBLEUP_BASE_URL={server.url}" + ("" if any_key else f" RUMBLEUP_API_KEY={API_KEY}"))
    say('  rumbleup send LIST --action 125 --text "Hi {first_name}. STOP to opt out"')
    if any_key:
        say("Any key is let in, such as yours.")
    say(f"What left, and when: {server.admin_url}/truth")
