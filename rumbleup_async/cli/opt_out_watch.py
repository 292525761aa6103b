"""Opt-outs before a run and during it: read from the provider, or from the file of the webhook receiver.

Lives here: when they are read, and what happens where they cannot be. Nothing is texted by a command that does not know who has
opted out, unless it was told to.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Protocol

import msgspec
import typer

from rumbleup_async.cli.console import STOPPED, fail, plural, say
from rumbleup_async.errors import BookError, ConfigurationError, RumbleUpError
from rumbleup_async.people import Book, OptOut
from rumbleup_async.provider.client import Client
from rumbleup_async.rumbleup.client import RumbleUp
from rumbleup_async.runs.run import Run
from rumbleup_async.runs.throughput import span
from rumbleup_async.sendblue.client import Sendblue
from rumbleup_async.stops import Cause, Stop

OptOutsFrom = Annotated[
    str | None,
    typer.Option(
        "--opt-outs",
        metavar="auto|FILE|ignore-provider",
        help="Where opt-outs are read before and during the run: the provider (auto), or the SQLite file of webhooks listen.",
    ),
]

AUTO, IGNORED = "auto", "ignore-provider"
YOUNG = 86400.0
"""Seconds for which a full pull holds; what has come since is read from the log."""
EVERY = 60.0
"""Seconds between two looks."""
_GRACE = 2.0
"""Seconds for which the end of a run waits for a look that is under way."""
LONGEST = 600.0
"""Seconds for which opt-outs may go unread before the run stops."""


class Source(Protocol):
    """Whoever tells of opt-outs during a run."""

    async def look(self, since: float | None = None) -> list[OptOut]:
        """Those that are new since the last look; the first time, since this Unix second."""


class Watch(msgspec.Struct):
    """What is read during a run, if anything is. `since`: from when on the first look is to tell (Unix seconds). `read`: when
    opt-outs were last read, by the monotonic clock."""

    source: Source | None = None
    since: float | None = None
    read: float = msgspec.field(default_factory=time.monotonic)
    stops: bool = True
    """The run stops where it cannot be read; else that is only said."""
    told: str = ""
    """What the audit of the run is to say of it."""


async def read_before(run: Run, client: Client, asked: str | None, *, is_here: bool, is_dry: bool, quiet: bool) -> Watch:
    """Bring the run's book up to date, and say what is to be read during the run. `is_here`: the run is a rehearsal.

    Ends the command with exit code 3 where opt-outs cannot be read.
    """
    if run.book is None:
        if asked not in (None, IGNORED):
            raise ConfigurationError("--opt-outs needs the book of people to keep them in; name one with --book")
        return Watch()
    way = asked or (IGNORED if is_here else AUTO)
    if way == IGNORED:
        if asked == IGNORED:
            say("warning: the provider is not asked who has opted out; only the book and the provider's own block keep them out")
        return Watch()
    if is_dry:
        return Watch()
    book = run.book.book
    try:
        if way != AUTO:
            from rumbleup_async.webhooks.opt_outs import ReceiverFile

            file = ReceiverFile(Path(way), run.book.scope.world)
            found = await file.look()
            await _note(book, found)
            return Watch(file, told=f"{plural(len(found), 'opt-out')} read from the receiver's file")
        if isinstance(client, Sendblue):
            return await _read_inbound(client, book, quiet=quiet)
        if not isinstance(client, RumbleUp):
            return Watch()
        return await _read_account(client, book, quiet=quiet)
    except RumbleUpError as error:
        if isinstance(error, ConfigurationError):
            raise
        fail(
            f"opt-outs unread: {error}; nothing was sent; try again, read them from the receiver's file (--opt-outs FILE), or "
            f"send without them (--opt-outs {IGNORED})",
            STOPPED,
        )


async def _read_account(client: RumbleUp, book: Book, *, quiet: bool) -> Watch:
    """Read all opt-outs of the account, or those that have come since they were read last."""
    age, number = await client.opt_outs.age(book), None
    if age is None or age >= YOUNG:
        number = await pull(client, book, quiet=quiet)
        age = await client.opt_outs.age(book) or 0.0
    # Also behind a pull, which may have gone on from where an earlier one was broken off.
    since = time.time() - age
    found = await client.opt_outs.look(since)
    await _note(book, found)
    told = f"read from the provider {span(age)} ago; {plural(len(found), 'opt-out')} since then"
    if number is not None:
        told = f"{plural(number, 'opt-out')} read from the provider now"
    return Watch(client.opt_outs, since, told=told)


async def _read_inbound(client: Sendblue, book: Book, *, quiet: bool) -> Watch:
    """Read what people have written to Sendblue's lines. It has no list of opt-outs, so this one may lack some, and a failure
    stops nothing."""
    if not quiet:
        say("note: Sendblue has no list of opt-outs: the book counts, and the messages that came in, which may lack some; ")
        say("      --opt-outs FILE reads those that the receiver of its webhooks has")
    try:
        told = f"{plural(await pull(client, book, quiet=quiet), 'opt-out')} read from what came in, which may lack some"
    except BookError:
        raise
    except RumbleUpError as error:
        say(f"warning: the messages that came in cannot be read: {error}; only the book says who has opted out")
        told = "what came in could not be read; the book alone counts"
    return Watch(client.opt_outs, time.time(), stops=False, told=told)


async def pull(client: RumbleUp | Sendblue, book: Book, *, quiet: bool) -> int:
    """Read all opt-outs of the account into the book, and say how many there are."""
    told = time.monotonic()

    def heard(number: int) -> None:
        nonlocal told
        if not quiet and time.monotonic() - told > 5:
            told = time.monotonic()
            say(f"reading opt-outs: {number:,} so far")

    number = await client.opt_outs.pull(book, heard)
    if not quiet:
        say(f"{plural(number, 'opt-out')} read from {'the provider' if isinstance(client, RumbleUp) else 'what came in'}")
    return number


@asynccontextmanager
async def watching(run: Run, watch: Watch, *, every: float = EVERY, longest: float = LONGEST) -> AsyncIterator[None]:
    """While the run sends, keep its book up to date; stop the run where opt-outs can no longer be read."""
    if watch.source is None or run.book is None:
        yield
        return
    is_over, has_looked = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(_watch(run, run.book.book, watch, is_over, has_looked, every, longest))
    try:
        if time.monotonic() - watch.read >= every:
            # The question was before somebody for long, and people answer texts of other runs meanwhile.
            await has_looked.wait()
        yield
    finally:
        is_over.set()
        await asyncio.wait([task], timeout=_GRACE)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _watch(
    run: Run, book: Book, watch: Watch, is_over: asyncio.Event, has_looked: asyncio.Event, every: float, longest: float
) -> None:
    assert watch.source is not None  # noqa: S101 - nobody watches without one
    read = watch.read
    wait = max(0.0, read + every - time.monotonic())
    found: list[OptOut] = []
    has_failed = False
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await is_over.wait()
                return
        wait = every
        try:
            # One that is never answered ends when they have gone unread for too long.
            async with asyncio.timeout(max(every, read + longest - time.monotonic())):
                # A source tells of each once, so they are kept until the book has them.
                found += await watch.source.look(watch.since)
                await _note(book, found)
            found.clear()
            read = time.monotonic()
        except (RumbleUpError, TimeoutError) as error:
            words = str(error) or "no answer in time"
            if not watch.stops:
                if not has_failed:
                    say(f"warning: the messages that came in cannot be read: {words}; the book counts")
                has_failed = True
            elif time.monotonic() - read >= longest:
                run.stop(Stop(Cause.OPT_OUTS_UNREAD, f"for {longest / 60:g} minutes, the last time: {words}; then resume"))
                return
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody is texted by a run that does not know who opted out
            run.stop(Stop(Cause.OPT_OUTS_UNREAD, f"unexpected {type(error).__name__}; report it, then resume"))
            return
        finally:
            has_looked.set()


async def _note(book: Book, found: Sequence[OptOut]) -> None:
    if found:
        await book.add_opt_outs(found)
