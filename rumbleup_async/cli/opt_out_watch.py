"""Opt-outs before a run and during it: read from the provider, or from the file of the webhook receiver.

Lives here: when they are read, and what happens where they cannot be. Nothing is texted by a command that does not know who has
opted out, unless it was told to.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import msgspec
import typer

from rumbleup_async.cli.canary import check_watched
from rumbleup_async.cli.console import STOPPED, fail, plural, say
from rumbleup_async.cli.receipts import LogReceipts, Receipts
from rumbleup_async.engine.canary import Canary
from rumbleup_async.errors import BookError, ConfigurationError, RumbleUpError
from rumbleup_async.people import Book, OptOut
from rumbleup_async.provider.client import Client
from rumbleup_async.rules.canary import UNDELIVERED
from rumbleup_async.rumbleup.client import RumbleUp
from rumbleup_async.runs.run import Run
from rumbleup_async.runs.throughput import span
from rumbleup_async.stops import Cause, Stop

if TYPE_CHECKING:
    from rumbleup_async.sendblue.client import Sendblue

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
    canary: Canary | None = None
    """Is told what is read, and wants a look at the end of its wait."""
    receipts: Receipts | None = None
    """Who tells of texts that were not delivered."""
    needs_receipts: bool = False
    """A rule of the canary is about nothing else, so it does not pass without them."""
    told: str = ""
    """What the audit of the run is to say of it."""


async def read_before(run: Run, client: Client, asked: str | None, *, is_here: bool, is_dry: bool, quiet: bool) -> Watch:
    """Bring the run's book up to date, and say what is to be read during the run: opt-outs, and for a canary what was not
    delivered. As `_read_opt_outs`."""
    check_watched(run)
    watch = await _read_opt_outs(run, client, asked, is_here=is_here, is_dry=is_dry, quiet=quiet)
    canary = watch.canary = run.watched_canary
    if canary is not None and not is_dry and canary.asked.watches(UNDELIVERED, "errors"):
        watch.needs_receipts = canary.asked.watches(UNDELIVERED)
        source: object = watch.source
        if isinstance(source, Receipts):
            watch.receipts = source
        elif isinstance(client, RumbleUp):
            watch.receipts = LogReceipts(client, run)
        elif watch.needs_receipts:
            raise ConfigurationError(
                "--abort-if undelivered: nobody tells the run what was delivered; read it from the receiver's file "
                "(--opt-outs FILE)"
            )
    return watch


async def _read_opt_outs(run: Run, client: Client, asked: str | None, *, is_here: bool, is_dry: bool, quiet: bool) -> Watch:
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
        if isinstance(client, RumbleUp):
            return await _read_account(client, book, quiet=quiet)
        from rumbleup_async.sendblue.client import Sendblue  # not imported for a run over another provider

        return await _read_inbound(client, book, quiet=quiet) if isinstance(client, Sendblue) else Watch()
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
    source = None if run.book is None else watch.source
    if source is None and watch.receipts is None:
        yield
        return
    if watch.canary is not None:
        watch.canary.is_watched = True
    is_over, has_looked = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(_watch(run, source, watch, is_over, has_looked, every, longest))
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
    run: Run, source: Source | None, watch: Watch, is_over: asyncio.Event, has_looked: asyncio.Event, every: float, longest: float
) -> None:
    read = watch.read
    wait = max(0.0, read + every - time.monotonic())
    found: list[OptOut] = []
    has_failed = False
    while True:
        await _until_wanted(watch.canary, is_over, wait)
        if is_over.is_set():
            return
        wait, began = every, time.time()
        try:
            # One that is never answered ends when they have gone unread for too long.
            async with asyncio.timeout(max(every, read + longest - time.monotonic())):
                # A source tells of each once, so they are kept until the book has them.
                if source is not None and run.book is not None:
                    found += await source.look(watch.since)
                    await _note(run.book.book, found)
                await _tell_canary(run, watch, found, began)
            found.clear()
            read = time.monotonic()
        except (RumbleUpError, TimeoutError) as error:
            words = str(error) or "no answer in time"
            if not watch.stops:
                if not has_failed:
                    say(f"warning: the messages that came in cannot be read: {words}; the book counts")
                has_failed = True
                if watch.canary is not None:
                    watch.canary.looked(began)
            elif time.monotonic() - read >= longest:
                run.stop(Stop(Cause.OPT_OUTS_UNREAD, f"for {longest / 60:g} minutes, the last time: {words}; then resume"))
                return
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody is texted by a run that does not know who opted out
            run.stop(Stop(Cause.OPT_OUTS_UNREAD, f"unexpected {type(error).__name__}; report it, then resume"))
            return
        finally:
            has_looked.set()


async def _until_wanted(canary: Canary | None, is_over: asyncio.Event, seconds: float) -> None:
    """Wait for the end, for so long, or until the canary wants a look."""
    waiting = [asyncio.ensure_future(is_over.wait()), *([] if canary is None else [asyncio.ensure_future(canary.wanted.wait())])]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def _tell_canary(run: Run, watch: Watch, found: Sequence[OptOut], began: float) -> None:
    """Tell the canary of the run what this look has found, and that it was taken."""
    if watch.canary is None:
        return
    undelivered: list[tuple[str, str]] = []
    if watch.receipts is not None:
        try:
            undelivered = await watch.receipts.undelivered()
        except RumbleUpError as error:
            if watch.needs_receipts:
                raise
            say(f"warning: the message log cannot be read: {error}; the canary is not judged by what was delivered")
            watch.receipts = None
    await run.heard(opted_out=[one.phone for one in found], undelivered=undelivered)
    watch.canary.looked(began)


async def _note(book: Book, found: Sequence[OptOut]) -> None:
    if found:
        await book.add_opt_outs(found)
