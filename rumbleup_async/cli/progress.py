"""Live progress of a run on standard error, read from its counters ten times a second. The run itself does no work for it.

Lives here: display.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from rumbleup_async.cli.console import say
from rumbleup_async.cli.terminal import visible
from rumbleup_async.messaging import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rumbleup_async.runs.run import Run

_LINE_EVERY = 10.0


@asynccontextmanager
async def sending(run: Run, *, quiet: bool) -> AsyncIterator[None]:
    """Show how a run gets on: a live bar on a terminal, else a line every ten seconds."""
    if quiet:
        yield
        return
    show = asyncio.create_task(_bar(run) if sys.stderr.isatty() else _lines(run))
    try:
        yield
    finally:
        show.cancel()
        await asyncio.gather(show, return_exceptions=True)


@contextmanager
def reading(*, quiet: bool) -> Iterator[Callable[[int], None] | None]:
    """Show how many rows of a list were read."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console

    with Console(stderr=True).status("reading the list") as status:
        yield lambda rows: status.update(f"reading the list: {rows:,} rows")


def _words(run: Run) -> str:
    counts = run.counts
    parts = [
        f"{counts[State.SENT]:,} sent",
        f"{counts[State.REFUSED]:,} refused",
        f"{counts[State.SKIPPED]:,} skipped",
        f"{counts[State.UNKNOWN]:,} unknown",
        f"{run.in_flight} in flight",
        f"{run.summary.texts_per_second:,.0f}/s",
    ]
    held = run.held
    if run.paused is not None:
        parts.append(f"paused {visible(str(run.paused))}")
    elif held > 0.5:
        parts.append(f"waiting {held:.0f} s: {visible(run.held_for)}")
    elif run.is_concurrent and not run.in_flight:
        parts.append("waiting for contacts")
    return ", ".join(parts)


def _done(run: Run) -> tuple[int, int]:
    counts = run.counts
    total = sum(counts.values())
    return total - counts[State.QUEUED] - counts[State.INTENT], total


async def _lines(run: Run) -> None:
    while True:
        await asyncio.sleep(_LINE_EVERY)
        done, total = _done(run)
        say(f"{done:,} of {total:,}: {_words(run)}")


async def _bar(run: Run) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=Console(stderr=True, emoji=False), auto_refresh=False) as progress:
        bar = progress.add_task("", total=None)
        try:
            while True:
                done, total = _done(run)
                progress.update(bar, completed=done, total=total, description=_words(run), refresh=True)
                await asyncio.sleep(0.1)
        finally:
            done, total = _done(run)
            progress.update(bar, completed=done, total=total, description=_words(run), refresh=True)
