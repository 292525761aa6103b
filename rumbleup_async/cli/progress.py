"""Live progress of a run on standard error, read from its counters four times a second. The run itself does no work for it.

Lives here: display.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from rumbleup_async.cli.block import Block, Facts
from rumbleup_async.cli.console import say
from rumbleup_async.cli.showing import chosen
from rumbleup_async.cli.terminal import visible
from rumbleup_async.messaging import State
from rumbleup_async.runs.throughput import per_second, span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rumbleup_async.runs.run import Run

_LINE_EVERY = 10.0
_BLOCK_EVERY = 0.25
_SOME_SECONDS = 10.0


@asynccontextmanager
async def sending(run: Run, *, quiet: bool) -> AsyncIterator[None]:
    """Show how a run gets on: a block of lines on a terminal, else a line every ten seconds; or, if that is asked for, JSON."""
    is_json = chosen.get().progress == "json"
    if quiet and not is_json:
        yield
        return
    show = asyncio.create_task(_objects(run) if is_json else _block(run) if _is_terminal() else _lines(run))
    try:
        yield
    finally:
        show.cancel()
        await asyncio.gather(show, return_exceptions=True)
        if is_json:
            say(_object(run))


def _is_terminal() -> bool:
    """Whether standard error can have lines written over."""
    return sys.stderr.isatty() and os.environ.get("TERM", "") not in {"dumb", "unknown"}


@contextmanager
def reading(*, quiet: bool) -> Iterator[Callable[[int], None] | None]:
    """Show how many rows of a list were read."""
    if quiet or not _is_terminal():
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
    flow = run.throughput.flow
    if flow.allowed is not None:
        parts.append(f"provider allows about {per_second(flow.allowed)}")
    if flow.throttled:
        parts.append(f'{flow.throttled:,} told "not now"')
    return ", ".join([*parts, now] if (now := _now(run)) else parts)


def _now(run: Run) -> str:
    """What the run waits for; "" for nothing."""
    held = run.held
    if run.paused is not None:
        return f"paused {visible(str(run.paused))}"
    if run.throughput.is_ledger_away:
        return "waiting for the database"
    if held > 0.5:
        return f"waiting {held:.0f} s: {visible(run.held_for)}"
    return "waiting for contacts" if run.is_concurrent and not run.in_flight else ""


def _left(run: Run) -> str:
    """How long it will still take; "" where nothing can be said."""
    seconds = run.throughput.seconds_left
    return "" if seconds is None else f"about {span(seconds)} left"


class _Notes:
    """Says once that the window is what the run waits for, when that has been so for some seconds on end."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._full_since: float | None = None
        self._is_said = False
        self._was_away = False

    def look(self) -> str:
        """What is to be said now, "" if nothing is."""
        if (is_away := self._run.throughput.is_ledger_away) is not self._was_away:
            self._was_away = is_away
            return "the database cannot be reached: nothing new leaves until it is back" if is_away else "the database is back"
        if self._is_said or not (note := self._run.throughput.window_note):
            self._full_since = None
            return ""
        now = time.monotonic()
        if self._full_since is None:
            self._full_since = now
        self._is_said = now - self._full_since >= _SOME_SECONDS
        return note if self._is_said else ""


def _done(run: Run) -> tuple[int, int]:
    counts = run.counts
    total = sum(counts.values())
    return total - counts[State.QUEUED] - counts[State.INTENT], total


async def _objects(run: Run) -> None:
    while True:
        say(_object(run))
        await asyncio.sleep(1.0)


def _object(run: Run) -> str:
    """One line of JSON: the counts, how fast, what the provider lets through, and what the run waits for."""
    throughput, counts = run.throughput, run.counts
    flow, pause = throughput.flow, run.paused
    left = throughput.seconds_left
    return json.dumps({
        "at": round(time.time(), 3),
        "run": run.plan.run,
        "total": sum(counts.values()),
        **{str(state): number for state, number in counts.items() if state is not State.INTENT},
        "in_flight": run.in_flight,
        "elapsed_seconds": round(run.elapsed, 3),
        "texts_per_second": run.summary.texts_per_second,
        "seconds_left": None if left is None else round(left, 1),
        "allowed_per_second": None if flow.allowed is None else round(flow.allowed, 1),
        "throttled": flow.throttled,
        "holds": flow.holds,
        "held_seconds": round(flow.held, 1),
        "held_for": run.held_for if run.held > 0 else None,
        "paused": None if pause is None else {"who": pause.who, "since": pause.since.isoformat(), "why": pause.why},
        "stopped": run.summary.stopped,
    })  # fmt: skip


async def _lines(run: Run) -> None:
    notes, due = _Notes(run), _LINE_EVERY
    while True:
        await asyncio.sleep(1.0)
        due -= 1.0
        if note := notes.look():
            say(note)
        if due <= 0:
            due = _LINE_EVERY
            done, total = _done(run)
            say(", ".join(filter(None, [f"{done:,} of {total:,}: {_words(run)}", _left(run)])))


def _facts(run: Run) -> Facts:
    """What the block shows now."""
    counts, flow = run.counts, run.throughput.flow
    done, total = _done(run)
    seconds = run.throughput.seconds_left if run.paused is None else None
    end = "" if seconds is None else f"{span(seconds)} left, until {_clock(seconds)}"
    shown = [f"{counts[State.SENT]:,} sent", f"{counts[State.REFUSED]:,} refused", f"{counts[State.UNKNOWN]:,} unknown"]
    shown += [f"{counts[State.SKIPPED]:,} skipped", f"{run.in_flight:,} in flight"]
    pace = [f"{run.summary.texts_per_second:,.0f}/s"]
    if flow.allowed is not None:
        pace.append(f"provider allows {per_second(flow.allowed)}")
    if asked := run.throughput.asked:
        pace.append(f"asked for {per_second(asked)}")
    if flow.throttled:
        pace.append(f'{flow.throttled:,} told "not now"')
    return Facts(done, total, end, shown, pace, _now(run))


def _clock(seconds: float) -> str:
    """The time by this machine's clock, so many seconds from now."""
    return time.strftime("%H:%M", time.localtime(time.time() + seconds))


async def _block(run: Run) -> None:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(stderr=True, emoji=False, highlight=False)
    block, notes = Block(is_plain=console.legacy_windows or not console.encoding.startswith("utf")), _Notes(run)
    before = ""
    with Live(console=console, auto_refresh=False) as live:
        try:
            while True:
                if note := notes.look():
                    live.console.print(note, markup=False, highlight=False)
                # One column is left free: a terminal may go on to the next line once the last one is written.
                lines = "\n".join(block.lines(_facts(run), console.width - 1))
                if lines != before:
                    live.update(Text(lines, no_wrap=True, overflow="ellipsis"), refresh=True)
                before = lines
                await asyncio.sleep(_BLOCK_EVERY)
        finally:
            live.update(
                Text("\n".join(block.lines(_facts(run), console.width - 1)).rstrip(), no_wrap=True, overflow="ellipsis"),
                refresh=True,
            )
