"""`rumbleup demo`: a simulator in a process of its own, a messy list, a run, and the ledger compared with the truth.

Lives here: the demonstration, and the comparison that decides its exit code.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from rumbleup_async import child
from rumbleup_async.cli import sample, showing
from rumbleup_async.cli.console import FINE, UNKNOWNS, finish, local, plural, say
from rumbleup_async.cli.demo_machines import helped, place_of, say_who_sent
from rumbleup_async.cli.flow import Call
from rumbleup_async.cli.ledger_options import address_of
from rumbleup_async.cli.ledger_place import Place, reading
from rumbleup_async.cli.list_options import ListOptions
from rumbleup_async.cli.loop import run_loop
from rumbleup_async.cli.providers import Order
from rumbleup_async.cli.send import send_list
from rumbleup_async.cli.signals import stopping
from rumbleup_async.cli.simulate import API_KEY
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.messaging import State
from rumbleup_async.postgres.address import Address
from rumbleup_async.runs.summary import reported

TEXT = "Hi {first_name}, the polls are open until 8 pm today. Reply STOP to opt out"
ACTION = "125"
_CONCURRENCY = 32
_LATENCY, _LATENCY_OF_MANY = 5, 200
"""Milliseconds of an answer: long enough for others to come before the list is through."""

_FAULTS = ("landline=0.01", "dnd=0.01", "429=0.001")
"""What the demo's provider does beside accepting: some phones are landlines, some people
have opted out, and at times it is busy."""


_WATCHED = 100.0
"""Texts a second of a demo that somebody watches, who wants to see it go."""


@local
def demo(
    contacts: Annotated[int, typer.Option("--contacts", min=1, metavar="N", help="Rows of the sample list.")] = 2000,
    join: Annotated[
        int,
        typer.Option(
            "--join",
            min=0,
            max=16,
            metavar="N",
            help="So many more senders join the run, over a PostgreSQL server that is started for it.",
        ),
    ] = 0,
    ledger: Annotated[
        Address | None,
        typer.Option(
            "--ledger",
            metavar="URL",
            help="A database of yours instead: postgresql://USER@HOST/DB?run=NAME.",
            parser=address_of,
        ),
    ] = None,
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Show it on a live page, 100 texts a second; on a terminal the page stays until Ctrl-C."),
    ] = False,
) -> None:
    """Watch a run on this machine: it needs no account.

    A messy list is texted to a simulator, and the ledger is compared with what the simulator received.
    """
    finish(run_loop(_demo(contacts, join, ledger, is_watched=watch)))


async def _demo(contacts: int, join: int, ledger: Address | None, *, is_watched: bool) -> int:
    """Run it; 0 only if ledger and truth agree."""
    with (
        tempfile.TemporaryDirectory(prefix="rumbleup-demo-") as folder,
        place_of(Path(folder), ledger, join) as place,
        _simulator(_LATENCY_OF_MANY if join else _LATENCY) as url,
    ):
        if not is_watched:
            return await _run(Path(folder), place, join, url, contacts, None)
        async with _watched(place):
            return await _run(Path(folder), place, join, url, contacts, _WATCHED)


@asynccontextmanager
async def _watched(place: Path | Address) -> AsyncIterator[None]:
    """Show what happens there on a live page, on a terminal until somebody has seen enough."""
    if isinstance(place, Address):
        # There is nothing to be shown in the database before the run has begun.
        token = showing.chosen.set(showing.Showing(watch=True))
        try:
            yield
        finally:
            showing.chosen.reset(token)
        return
    async with showing.page(str(place.parent)):
        yield
        if sys.stdin.isatty() and sys.stderr.isatty():
            stop = asyncio.Event()
            say("the page stays until Ctrl-C")
            with stopping(stop.set, "the page is closed"):
                await stop.wait()


async def _run(folder: Path, place: Path | Address, join: int, url: str, contacts: int, rate: float | None) -> int:
    """Text the list, and compare."""
    source = folder / "voters.csv"
    sample.write(source, contacts)
    say(f"a simulated RumbleUp serves at {url}; a messy list of {plural(contacts, 'row')} lies in {source}")
    say(f"the ledger is in a database; {plural(join, 'more sender')} will join the run\n" if join else "")
    environ = {"RUMBLEUP_API_KEY": API_KEY, "RUMBLEUP_BASE_URL": url}
    async with helped(place, join, _CONCURRENCY, environ):
        code = await send_list(
            str(source),
            Order(action=ACTION, text=TEXT, rate=rate, flags=["demo"], common={"concurrency": _CONCURRENCY, "processes": 1}),
            Call(yes=True),
            ListOptions(),
            ledger=place,
            environ=environ,
        )
    if code not in (FINE, UNKNOWNS):
        return code
    received = await _truth(url)
    if join:
        say_who_sent(place)
    wrong = _compare(place, received, contacts)
    return UNKNOWNS if wrong else code


@contextmanager
def _simulator(latency: int) -> Iterator[str]:
    """A simulator in another process, as a provider is; its base URL. `latency`: milliseconds before each answer."""
    command = child.command("rumbleup_async.__main__", "simulate", "--port", "0", "--latency", str(latency), "--seed", "1")
    for fault in _FAULTS:
        command += ["--fault", fault]
    with subprocess.Popen(  # noqa: S603 - this very program
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True, env=child.environment()
    ) as process:
        try:
            assert process.stdout is not None  # noqa: S101 - a pipe was asked for
            url = process.stdout.readline().strip()
            if not url:
                raise ConfigurationError("the simulator did not start; see why with: rumbleup simulate --port 0")
            yield url
        finally:
            process.terminate()


async def _truth(url: str) -> Counter[str]:
    """How many texts the provider took for each phone, in its own record."""
    import aiohttp  # not for every command's start

    address = url.removesuffix("/api") + "/_simulator/truth?fields=phone"
    received: Counter[str] = Counter()
    async with aiohttp.ClientSession() as session, session.get(address) as response:
        async for line in response.content:
            received[json.loads(line)["phone"]] += 1
    return received


def _compare(place: Place, received: Counter[str], rows: int) -> int:
    """Print what ledger and provider say of each other; the number of contacts on which they differ."""
    with reading(place) as reader:
        results = [reported(result) for result in reader.rows()]
    states = Counter(result.state for result in results)
    sent = {result.phone for result in results if result.state is State.SENT}
    doubtful = {result.phone for result in results if result.state is State.UNKNOWN}
    duplicates = sum(1 for number in received.values() if number > 1)
    unaccounted = len(sent - received.keys()) + len(received.keys() - sent - doubtful) + abs(rows - len(results))
    say(
        f"\n{plural(len(results), 'contact')}: {states[State.SENT]:,} sent, {states[State.SKIPPED]:,} skipped, "
        f"{states[State.REFUSED]:,} refused, {states[State.NOT_SENT]:,} not sent, {states[State.UNKNOWN]:,} unknown; "
        f"the provider received {plural(sum(received.values()), 'text')}, "
        f"{plural(duplicates, 'duplicate')}, {unaccounted:,} unaccounted"
    )
    say("ledger and provider agree" if not (duplicates or unaccounted) else "LEDGER AND PROVIDER DISAGREE: please report this")
    return duplicates + unaccounted
