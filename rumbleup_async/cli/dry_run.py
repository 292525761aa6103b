"""A dry run: its end, and its ledger. That has no name, so nothing of the list stays on the disk, however the process ends.

Lives here: taking the name away, reading a ledger that may have none, and saying what would be sent.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rumbleup_async.cli.console import plural, say
from rumbleup_async.cli.ending import close
from rumbleup_async.cli.ledger_place import AnyReader, Place, reading
from rumbleup_async.ledger import Reader
from rumbleup_async.people.run_book import span
from rumbleup_async.runs.run import Run
from rumbleup_async.stops import Cause, Stop

_nameless: dict[Path, Reader] = {}


@contextmanager
def reader_of(ledger: Place) -> Iterator[AnyReader]:
    """A reader of a ledger, be it one whose name was taken away."""
    kept = _nameless.get(ledger) if isinstance(ledger, Path) else None
    if kept is not None:
        yield kept
        return
    with reading(ledger) as reader:
        yield reader


@contextmanager
def dry_run_ledger() -> Iterator[tuple[Path, Callable[[], None]]]:
    """A place for a ledger that is thrown away, and the function that takes its name away.

    Call that function once the ledger is open and still empty. What is open can be written and read all the same, and a
    process that is killed leaves nothing of it.
    """
    folder = Path(tempfile.mkdtemp(prefix="rumbleup-"))
    ledger = folder / "dry-run.ledger"
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)

        def take_name_away() -> None:
            reader = Reader(ledger)
            stack.callback(reader.close)
            _nameless[ledger] = reader
            stack.callback(_nameless.pop, ledger)
            shutil.rmtree(folder)

        yield ledger, take_name_away


async def end_dry_run(run: Run, waiting: int, shown: Mapping[str, Any], stop: Stop | None, *, as_json: bool, quiet: bool) -> int:
    """Say what would be sent, and end the run; the exit code. `stop`: why nothing would leave now, if nothing would."""
    if not quiet:
        would_be = f"{plural(waiting, 'text')} would be" if stop is None else f"and none would be now: {stop}"
        if stop is None and run.book is not None and run.book.near:
            would_be += (
                f", {min(waiting, run.book.near):,} of them not before {span(run.book.again.gap)} have passed since their last"
            )
        say(f"dry run: nothing was sent, {would_be}")
        if waiting and "preview" not in shown:
            say("see some of them, finished, with --preview 3")
    run.stop(Stop(Cause.DRY_RUN))
    return await close(run, None, as_json=as_json, quiet=quiet, more=shown)
