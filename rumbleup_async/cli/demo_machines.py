"""What `rumbleup demo --join` shows: other processes that help with the run of the demonstration, as other machines would.

Lives here: when they are started, how they end, and who has sent how many.
"""

from __future__ import annotations

import asyncio
import contextlib
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

from rumbleup_async import child
from rumbleup_async.cli.console import plural, say
from rumbleup_async.cli.ledger_place import Place
from rumbleup_async.cli.own_database import own_database
from rumbleup_async.errors import ConfigurationError, LedgerError
from rumbleup_async.postgres.address import Address, parse

RUN: Final = "demo"
_LOOK_EVERY: Final = 0.1
_PATIENCE: Final = 30.0
"""Seconds after the end of the run in which the others have to end."""


@contextmanager
def place_of(folder: Path, ledger: Address | None, joining: int) -> Iterator[Place]:
    """Where the demonstration keeps its ledger: a file, or where others are to join it a database."""
    if ledger is not None:
        yield ledger
    elif joining:
        with own_database(RUN) as address:
            yield parse(address)
    else:
        yield folder / "voters.ledger"


@asynccontextmanager
async def helped(place: Place, number: int, concurrency: int, environ: Mapping[str, str]) -> AsyncIterator[None]:
    """So many processes join the run of this ledger as soon as it is sent, and have ended when this ends."""
    if number and not isinstance(place, Address):
        raise ConfigurationError("several machines share a ledger in a database: postgresql://USER@HOST/DB?run=NAME")
    begun: list[Process] = []
    beginning = asyncio.create_task(_begin(place, number, concurrency, environ, begun))
    try:
        yield
    finally:
        beginning.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beginning
        for process in begun:
            await _ended(process)


async def _begin(place: Place, number: int, concurrency: int, environ: Mapping[str, str], begun: list[Process]) -> None:
    if not number:
        return
    while not await asyncio.to_thread(_is_sent, place):  # noqa: ASYNC110 - it is the database that knows
        await asyncio.sleep(_LOOK_EVERY)
    arguments = ("join", str(place), "--concurrency", str(concurrency), "--quiet")
    command = child.command("rumbleup_async.__main__", *arguments)
    for _ in range(number):
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            env={**child.environment(), **environ},
        )
        begun.append(process)


def _is_sent(place: Place) -> bool:
    from rumbleup_async.postgres.reader import Reader

    assert isinstance(place, Address)  # noqa: S101 - it was checked
    with contextlib.suppress(LedgerError):  # it is not there yet
        reader = Reader(place)
        try:
            return bool(reader.senders)
        finally:
            reader.close()
    return False


async def _ended(process: Process) -> None:
    """Wait until it has ended; say what it had to say if it failed."""
    with contextlib.suppress(TimeoutError, ProcessLookupError):
        try:
            _, said = await asyncio.wait_for(process.communicate(), _PATIENCE)
        except BaseException:
            process.terminate()
            raise
        if process.returncode not in (0, 1):
            words = said.decode(errors="replace").strip()[-500:]
            say(f"a sender that was to join ended with exit code {process.returncode}: {words}")


def say_who_sent(place: Place) -> None:
    """Who has sent how many of a run in a database."""
    if not isinstance(place, Address):
        return
    from rumbleup_async.postgres.reader import Reader

    reader = Reader(place)
    try:
        first, *others = reader.sent_by_owners() or [0]
    finally:
        reader.close()
    which = " and ".join(f"{sent:,}" for sent in others) or "nobody came in time"
    say(f"\nthis process sent {plural(first, 'text')}; those that joined it: {which}")
