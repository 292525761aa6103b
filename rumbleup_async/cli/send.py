"""`rumbleup send`, `rumbleup texters` and `rumbleup resume`.

Lives here: the course of each of these commands, from its options to its exit code.
May import: everything.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import typer

from rumbleup_async.bulk.areas import DEFAULT
from rumbleup_async.bulk.run import Run
from rumbleup_async.bulk.texters import Locks
from rumbleup_async.cli import progress, providers
from rumbleup_async.cli.asking import may_begin
from rumbleup_async.cli.closing import DRY_RUN, close
from rumbleup_async.cli.console import FINE, INTERRUPT, UNKNOWNS, WRONG, fail, plural, say
from rumbleup_async.cli.findings import show_findings
from rumbleup_async.cli.providers import Order
from rumbleup_async.cli.reading import USUAL, Reading
from rumbleup_async.cli.signals import stopping
from rumbleup_async.cli.suppression import read_suppressed
from rumbleup_async.cli.terminal import pasteable
from rumbleup_async.errors import ConfigurationError, LedgerError
from rumbleup_async.fleet.sender import tune_collector
from rumbleup_async.messaging import State
from rumbleup_async.retry import Stop
from rumbleup_async.rumbleup.client import RumbleUp
from rumbleup_async.session.limits import Timeouts

T = TypeVar("T")


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """Run the command's event loop; on uvloop where it is installed (the `fast` extra)."""
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    try:
        import uvloop
    except ImportError:
        pass
    else:
        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)


def default_ledger(source: str, whereto: str) -> Path:
    """Where the books are kept if nobody says: beside the list, so that the same list finds them again."""
    name = "stdin" if source == "-" else Path(source).stem
    folder = Path() if source == "-" else Path(source).parent
    return folder / f"{name}-{whereto}.ledger"


def read_text(text: str | None, text_file: Path | None) -> str:
    """The text from `--text` or `--text-file`, exactly one of them."""
    if (text is None) == (text_file is None):
        raise ConfigurationError("give the text by either --text or --text-file")
    if text is not None:
        return text
    assert text_file is not None  # noqa: S101 - just checked
    try:
        return text_file.read_text(encoding="utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{text_file} is not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise ConfigurationError(f"{text_file}: {error.strerror}") from None


async def send(
    *,
    source: str,
    provider: str,
    order: Order,
    ledger: Path | None,
    concurrency: int,
    processes: int,
    timeout: float,
    limit: int | None,
    phone_field: str | None,
    suppress: list[Path] | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    quiet: bool,
    reading: Reading = USUAL,
    environ: dict[str, str] | None = None,
) -> int:
    """Text a list; the exit code."""
    row = providers.row(provider)
    row.check(order)
    async with AsyncExitStack() as stack:
        if dry_run:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="rumbleup-"))
            ledger = Path(folder) / "dry-run.ledger"
            client = row.dry()
        else:
            ledger = ledger or default_ledger(source, row.name(order))
            client = row.connect(environ, Timeouts(read=timeout))
            if not (yes or sys.stdin.isatty()):
                fail("there is no terminal to ask; check with --dry-run, then send with --yes")
        await stack.enter_async_context(client)
        common = {
            "concurrency": concurrency,
            "processes": processes,
            "limit": limit,
            "phone_field": phone_field,
            "suppress": read_suppressed(suppress, source, quiet=quiet),
            **reading.options(),
        }
        run = await stack.enter_async_context(row.begin(client, ledger, msgspec.structs.replace(order, common=common)))
        words = "stopping while the list is read; nothing was sent"
        with stopping(lambda: run.stop(Stop(INTERRUPT, "")), words), progress.reading(quiet=quiet) as rows:
            fresh = await run.load(source, rows)
        if run.summary.stopped:
            say(f"the list was not read to its end; nothing was sent; begin again with: rumbleup send {pasteable(source)}")
            return close(run, None, as_json=as_json, quiet=True)
        if not quiet:
            show_findings(source, ledger, fresh=fresh)
            for note in run.list_notes:
                say(f"  note: {note}")
            for field in run.absent_fields:
                say(f"  note: the list has no column {field}; its fallback is used for everybody")
        if dry_run:
            waiting = min(run.counts[State.QUEUED], limit or sys.maxsize)
            if not quiet:
                say(f"dry run: nothing was sent, {plural(waiting, 'text')} would be")
            run.stop(Stop(DRY_RUN, ""))
            return close(run, None, as_json=as_json, quiet=quiet)
        waiting = min(run.counts[State.QUEUED], limit or sys.maxsize)
        if waiting and not may_begin(f"Send {plural(waiting, 'text')} {row.where(run.plan)}?", yes=yes):
            return WRONG
        return await _work(run, ledger, as_json=as_json, quiet=quiet)


async def texters(
    *,
    action: str,
    text: str,
    number: int,
    ledger: Path | None,
    rate: float | None,
    timeout: float,
    limit: int | None,
    flags: list[str],
    suppress: list[Path] | None,
    countries: list[str] | None,
    wait_locks: bool,
    patience: float,
    yes: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Text the contacts of a project in concurrent mode; the exit code."""
    ledger = ledger or Path(f"texters-{action}.ledger")
    rumbleup = RumbleUp.from_env(timeouts=Timeouts(read=timeout))
    run = rumbleup.concurrent_mode(
        action=action,
        text=text,
        texters=number,
        ledger=ledger,
        rate=rate,
        limit=limit,
        flags=flags,
        suppress=read_suppressed(suppress, quiet=quiet),
        countries=countries or DEFAULT,
        locks=Locks(wait=wait_locks, patience=patience),
    )
    async with rumbleup, run:
        if not may_begin(
            f"Text the contacts of project {action}, {plural(limit, 'text') + ' at most' if limit else 'all that are left'}?",
            yes=yes,
        ):
            return WRONG
        return await _work(run, ledger, as_json=as_json, quiet=quiet)


async def resume(
    *,
    ledger: Path,
    order: Order,
    concurrency: int,
    processes: int,
    timeout: float,
    limit: int | None,
    suppress: list[Path] | None,
    settle: float | None,
    resend_absent: bool,
    yes: bool,
    as_json: bool,
    quiet: bool,
    environ: dict[str, str] | None = None,
) -> int:
    """Go on with a run; the exit code. `settle` None: without a look into the log."""
    from rumbleup_async.cli.reconciling import look, resend

    row = providers.of_ledger(ledger)
    common = {
        "concurrency": concurrency,
        "processes": processes,
        "limit": limit,
        "suppress": read_suppressed(suppress, quiet=quiet),
        "reconcile": False,
    }
    client = row.connect(environ, Timeouts(read=timeout))
    async with client, row.resume(client, ledger, msgspec.structs.replace(order, common=common)) as run:
        if settle is not None and (run.counts[State.UNKNOWN] or await run.count_absent()):
            await look(run, ledger, settle=settle, quiet=quiet)
        absent = await run.count_absent() if resend_absent else 0
        if _is_stopped(run):
            return close(run, ledger, as_json=as_json, quiet=quiet)
        waiting = run.counts[State.QUEUED] + absent
        left = (
            "the contacts that are left"
            if run.is_concurrent
            else f"{plural(min(waiting, limit or waiting), 'contact')} still to text"
        )
        if not quiet:
            say(f"run {run.plan.run} {row.where(run.plan)}: {left}")
            if not (run.is_concurrent or run.has_whole_list):
                say("note: its list never came in to its end; only what did is sent")
            if absent:
                say(f"{plural(absent, 'of them was', 'of them were')} absent from the message log before")
        if (waiting or run.is_concurrent) and not may_begin(f"Text {left}?", yes=yes):
            return WRONG
        all_queued = await resend(run, quiet=quiet) if absent else True
        if _is_stopped(run):
            return close(run, ledger, as_json=as_json, quiet=quiet)
        code = await _work(run, ledger, as_json=as_json, quiet=quiet)
        return code or (FINE if all_queued else UNKNOWNS)


def _is_stopped(run: Run) -> bool:
    return run.summary.stopped is not None


async def _work(run: Run, ledger: Path, *, as_json: bool, quiet: bool) -> int:
    words = "stopping: nothing more leaves; waiting for what is in flight (once more to end at once)"
    tune_collector()
    with stopping(lambda: run.stop(Stop(INTERRUPT, "")), words):
        async with progress.sending(run, quiet=quiet):
            try:
                await run.send()
            except LedgerError as error:
                # Texts may have left before: this is a run that stopped, not a mistake made before it began.
                run.stop(Stop("ledger failed", f"{error}; what was in flight is unknown"))
    return close(run, ledger, as_json=as_json, quiet=quiet)


def finish(code: int) -> None:
    """Leave the command with an exit code."""
    if code != FINE:
        raise typer.Exit(code)
