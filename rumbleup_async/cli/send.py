"""`rumbleup send`, `rumbleup texters` and `rumbleup resume`.

Lives here: the course of each of these commands, from its options to its exit code.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import typer

from rumbleup_async import open_files
from rumbleup_async.cli import neighbours, progress, providers, rehearsal, speed
from rumbleup_async.cli.console import FINE, INTERRUPT, UNKNOWNS, WRONG, fail, plural, say
from rumbleup_async.cli.ending import DRY_RUN, close
from rumbleup_async.cli.failures import MEMORY
from rumbleup_async.cli.findings import show_findings, show_kept, show_notes
from rumbleup_async.cli.list_options import USUAL, Reading
from rumbleup_async.cli.preview import show_preview
from rumbleup_async.cli.providers import Order
from rumbleup_async.cli.question import may_begin
from rumbleup_async.cli.rejects import Rejects
from rumbleup_async.cli.signals import stopping
from rumbleup_async.cli.suppression import read_suppressed
from rumbleup_async.errors import ConfigurationError, LedgerError
from rumbleup_async.fleet.worker_process import tune_collector
from rumbleup_async.ledger import Consent
from rumbleup_async.messaging import State
from rumbleup_async.retry import Stop
from rumbleup_async.rumbleup.client import RumbleUp
from rumbleup_async.runs.run import Run
from rumbleup_async.screening.areas import DEFAULT
from rumbleup_async.session.limits import Timeouts

T = TypeVar("T")

_NOTHING_SAID = Consent()


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """Run the command's event loop; on uvloop where it is installed."""
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
    is_file = is_a_file(source)
    name = Path(source).stem if is_file else "stdin"
    folder = Path(source).parent if is_file else Path()
    return folder / f"{name}-{whereto}.ledger"


def is_a_file(source: str) -> bool:
    """Whether the list is a file that can be read again, and beside which there is room for a ledger; no pipe, no device."""
    if source == "-" or Path(source).is_relative_to("/dev") or Path(source).is_relative_to("/proc"):
        return False
    path = Path(source)
    return path.is_file() or not path.exists()


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
    concurrency: int | None,
    processes: int | None,
    timeout: float,
    limit: int | None,
    phone_field: str | None,
    suppress: list[Path] | None,
    dry_run: bool,
    again: bool = False,
    consent: Consent = _NOTHING_SAID,
    preview: int | None = None,
    yes: bool,
    as_json: bool,
    quiet: bool,
    reading: Reading = USUAL,
    environ: dict[str, str] | None = None,
) -> int:
    """Text a list; the exit code."""
    open_files.raise_limit()
    row = providers.row(provider)
    row.check(order)
    async with AsyncExitStack() as stack:
        beside = ledger or default_ledger(source, row.name(order))
        if dry_run:
            ledger, take_name_away = stack.enter_context(rehearsal.scratch())
            client = row.dry()
        else:
            ledger = beside
            client = row.connect(environ, Timeouts(read=timeout))
            if not (yes or sys.stdin.isatty()):
                fail("there is no terminal to ask; check with --dry-run, then send with --yes")
        rejects = Rejects(reading.rejects, source, ledger, stack)
        await stack.enter_async_context(client)
        common = {
            "concurrency": concurrency,
            "processes": processes,
            "limit": limit,
            "phone_field": phone_field,
            "suppress": read_suppressed(suppress, source, quiet=quiet),
            **reading.options(),
            **_said(consent),
        }
        run = await stack.enter_async_context(row.begin(client, ledger, msgspec.structs.replace(order, common=common)))
        if dry_run:
            take_name_away()
        words = "stopping while the list is read; nothing was sent"
        with stopping(lambda: run.stop(Stop(INTERRUPT, "")), words), progress.reading(quiet=quiet) as rows:
            fresh = await run.load(source, rows, copy=rejects.copy)
        if run.summary.stopped:
            say("the list was not read to its end; nothing was sent; begin again with the same command")
            return close(run, None, as_json=as_json, quiet=True)
        _tell(run, quiet=quiet)
        if not quiet:
            show_findings(source, ledger, fresh=fresh)
            show_kept(ledger, reading.keep, fresh=fresh)
            show_notes(run)
        texted = _neighbours(run, ledger, _folders(source, beside), row, environ)
        if not quiet or (yes and not again):
            neighbours.tell(texted, row.where(run.plan))
        shown = {} if preview is None else {"preview": show_preview(ledger, preview, limit)}
        rejects.write(phone_field=phone_field, encoding=reading.encoding, quiet=quiet)
        if dry_run:
            waiting = min(run.counts[State.QUEUED], limit or sys.maxsize)
            if not quiet:
                say(f"dry run: nothing was sent, {plural(waiting, 'text')} would be")
                if waiting and preview is None:
                    say("see some of them, finished, with --preview 3")
            run.stop(Stop(DRY_RUN, ""))
            return close(run, None, as_json=as_json, quiet=quiet, more=shown)
        waiting = min(run.counts[State.QUEUED], limit or sys.maxsize)
        if yes and not again:
            _refuse_again(texted, row, run)
        if waiting and not may_begin(f"Send {plural(waiting, 'text')} {row.where(run.plan)}?", yes=yes):
            return WRONG
        return await _work(run, ledger, as_json=as_json, quiet=quiet, more=shown)


async def texters(
    *,
    action: str,
    text: str,
    literal: bool = False,
    number: int | None,
    ledger: Path | None,
    rate: float | None,
    timeout: float,
    limit: int | None,
    flags: list[str],
    suppress: list[Path] | None,
    countries: list[str] | None,
    wait_locks: bool | None,
    patience: float | None,
    consent: Consent,
    yes: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Text the contacts of a project in concurrent mode; the exit code."""
    open_files.raise_limit()
    ledger = ledger or Path(f"texters-{action}.ledger")
    rumbleup = RumbleUp.from_env(timeouts=Timeouts(read=timeout))
    run = rumbleup.concurrent_mode(
        action=action,
        text=text,
        literal=literal,
        texters=number,
        ledger=ledger,
        rate=rate,
        limit=limit,
        flags=flags,
        suppress=read_suppressed(suppress, quiet=quiet),
        countries=countries or DEFAULT,
        locks={name: value for name, value in (("wait", wait_locks), ("patience", patience)) if value is not None} or None,
        **_said(consent),
    )
    async with rumbleup, run:
        _tell(run, quiet=quiet)
        if not quiet:
            for note in run.text_notes:
                say(f"note: {note}")
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
    concurrency: int | None,
    processes: int | None,
    timeout: float,
    limit: int | None,
    suppress: list[Path] | None,
    settle: float | None,
    resend_absent: bool,
    again: bool = False,
    consent: Consent,
    yes: bool,
    as_json: bool,
    quiet: bool,
    environ: dict[str, str] | None = None,
) -> int:
    """Go on with a run; the exit code. `settle` None: without a look into the log."""
    open_files.raise_limit()
    from rumbleup_async.cli.reconcile import look, resend, tell_absent

    row = providers.of_ledger(ledger)
    common = {
        "concurrency": concurrency,
        "processes": processes,
        "limit": limit,
        "suppress": read_suppressed(suppress, quiet=quiet),
        "reconcile": False,
        **msgspec.structs.asdict(consent),
    }
    client = row.connect(environ, Timeouts(read=timeout))
    async with client, row.resume(client, ledger, msgspec.structs.replace(order, common=common)) as run:
        _tell(run, quiet=quiet)
        if settle is not None and (run.counts[State.UNKNOWN] or await run.count_absent()):
            await look(run, ledger, settle=settle, quiet=quiet)
        absent = await run.count_absent() if resend_absent else 0
        if not (resend_absent or quiet):
            await tell_absent(run, ledger)
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
        if not run.is_concurrent:
            texted = _neighbours(run, ledger, [ledger.parent], row, environ)
            if not quiet or (yes and not again):
                neighbours.tell(texted, row.where(run.plan))
            if yes and not again:
                _refuse_again(texted, row, run)
        if (waiting or run.is_concurrent) and not may_begin(f"Text {left}?", yes=yes):
            return WRONG
        all_queued = await resend(run, quiet=quiet) if absent else True
        if _is_stopped(run):
            return close(run, ledger, as_json=as_json, quiet=quiet)
        code = await _work(run, ledger, as_json=as_json, quiet=quiet)
        return code or (FINE if all_queued else UNKNOWNS)


def _folders(source: str, ledger: Path) -> list[Path]:
    """Where a ledger of the same list would be."""
    return [ledger.parent, *([Path(source).parent] if is_a_file(source) else [])]


def _neighbours(
    run: Run, ledger: Path, folders: list[Path], row: providers.Row, environ: dict[str, str] | None
) -> list[neighbours.Neighbour]:
    """Ledgers that have texted the same people, as long as nothing of this run was ever tried."""
    if run.is_used:
        return []
    return neighbours.look(ledger, folders, row.identity(environ), has_projects=row.has_projects)


def _refuse_again(texted: list[neighbours.Neighbour], row: providers.Row, run: Run) -> None:
    """Nobody is asked, so the same list is not texted a second time without a word."""
    if any(one.is_same_list for one in texted):
        where = row.where(run.plan)
        fail(f"this very list has been texted {where}, or is being texted; leave them out with --suppress, or text them --again")


def _said(consent: Consent) -> dict[str, Any]:
    """What was said of a ledger by options, for a run that is begun or gone on with by `send`."""
    return {name: value for name, value in msgspec.structs.asdict(consent).items() if name != "log_lost"}


def _tell(run: Run, *, quiet: bool) -> None:
    """What is to be known of the ledger, and what holds because an earlier part of the run was told so."""
    for note in run.notes:
        say(f"warning: {note}")
    if run.goes_on_with and not quiet:
        say(f"as before: {run.goes_on_with} (an option given again replaces it; --suppress adds to the list)")
    if not quiet and (slow := speed.note()):
        say(f"note: {slow}")


def _is_stopped(run: Run) -> bool:
    return run.summary.stopped is not None


async def _work(run: Run, ledger: Path, *, as_json: bool, quiet: bool, more: Mapping[str, Any] | None = None) -> int:
    words = "stopping: nothing more leaves; waiting for what is in flight (once more to end at once)"
    tune_collector()
    with stopping(lambda: run.stop(Stop(INTERRUPT, "")), words):
        async with progress.sending(run, quiet=quiet):
            try:
                await run.send()
            except LedgerError as error:
                # Texts may have left before: this is a run that stopped, not a mistake made before it began.
                run.stop(Stop("ledger failed", f"{error}; what was in flight is unknown"))
            except MemoryError:
                run.stop(Stop(MEMORY, "take fewer processes or a smaller concurrency; what was in flight is unknown"))
    return close(run, ledger, as_json=as_json, quiet=quiet, more=more)


def finish(code: int) -> None:
    """Leave the command with an exit code."""
    if code != FINE:
        raise typer.Exit(code)
