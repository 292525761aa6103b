"""`rumbleup send` and `rumbleup resume`.

Lives here: the conversation around a run: what the list holds, the question, progress, the summary, the exit code.
May import: everything.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import typer

from rumbleup_async.bulk import heading
from rumbleup_async.bulk.contacts import ContactList, open_list
from rumbleup_async.bulk.report import Summary
from rumbleup_async.bulk.run import Run
from rumbleup_async.bulk.screening import suppression
from rumbleup_async.bulk.texters import Locks
from rumbleup_async.cli import progress, providers
from rumbleup_async.cli.console import FINE, INTERRUPT, UNKNOWNS, WRONG, exit_code, fail, plural, print_json, say
from rumbleup_async.cli.providers import Order
from rumbleup_async.cli.signals import interruptible, stopping
from rumbleup_async.errors import ConfigurationError, LedgerError, ListError
from rumbleup_async.fleet.sender import tune_collector
from rumbleup_async.ledger import Reader
from rumbleup_async.messaging import Skipped, State
from rumbleup_async.retry import Stop
from rumbleup_async.rumbleup.client import RumbleUp
from rumbleup_async.session.limits import Timeouts

T = TypeVar("T")

DRY_RUN = "dry run"


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


def read_suppressed(path: Path | None, source: str = "") -> list[str]:
    """The phones of a suppression list, in any of the forms of a contact list; `source` is what the list is read from."""
    phones: list[str] = []
    if path is not None:
        if str(path) == source == "-":
            raise ConfigurationError("LIST and --suppress cannot both come from standard input; name a file for one of them")
        with _open_suppressed(path) as suppressed:
            for batch in suppressed.batches():
                for row in batch:
                    if isinstance(row, Skipped):
                        raise ListError(f"{path}, row {row.row}: {row.reason}; whom it suppresses cannot be read")
                    try:
                        suppression([row.phone])
                    except ConfigurationError:
                        raise ListError(f"{path}, row {row.row}: the phone cannot be read, and so not be suppressed") from None
                    phones.append(row.phone)
    return phones


def _open_suppressed(path: Path) -> ContactList:
    try:
        return open_list(str(path))
    except ListError as error:
        # The option of that remedy is about LIST.
        raise ListError(str(error).replace(heading.REMEDY, "rename its column with the phone to phone")) from None


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
    suppress: Path | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    quiet: bool,
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
            "suppress": read_suppressed(suppress, source),
        }
        run = await stack.enter_async_context(row.begin(client, ledger, msgspec.structs.replace(order, common=common)))
        words = "stopping while the list is read; nothing was sent"
        with stopping(lambda: run.stop(Stop(INTERRUPT, "")), words), progress.reading(quiet=quiet) as rows:
            fresh = await run.load(source, rows)
        if run.summary.stopped:
            say(f"the list was not read to its end; nothing was sent; begin again with: rumbleup send {source}")
            return _close(run, None, as_json=as_json, quiet=True)
        if not quiet:
            _show_findings(source, ledger, fresh=fresh)
            for field in run.absent_fields:
                say(f"  note: the list has no column {field}; its fallback is used for everybody")
        if dry_run:
            waiting = min(run.counts[State.QUEUED], limit or sys.maxsize)
            if not quiet:
                say(f"dry run: nothing was sent, {plural(waiting, 'text')} would be")
            run.stop(Stop(DRY_RUN, ""))
            return _close(run, None, as_json=as_json, quiet=quiet)
        waiting = min(run.counts[State.QUEUED], limit or sys.maxsize)
        if waiting and not _may_begin(f"Send {plural(waiting, 'text')} {row.where(run.plan)}?", yes=yes):
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
    suppress: Path | None,
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
        suppress=read_suppressed(suppress),
        locks=Locks(wait=wait_locks, patience=patience),
    )
    async with rumbleup, run:
        if not _may_begin(
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
    suppress: Path | None,
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
        "suppress": read_suppressed(suppress),
        "reconcile": False,
    }
    client = row.connect(environ, Timeouts(read=timeout))
    async with client, row.resume(client, ledger, msgspec.structs.replace(order, common=common)) as run:
        if settle is not None and run.counts[State.UNKNOWN]:
            await look(run, ledger, settle=settle, quiet=quiet)
        absent = await run.count_absent() if resend_absent else 0
        if _is_stopped(run):
            return _close(run, ledger, as_json=as_json, quiet=quiet)
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
        if (waiting or run.is_concurrent) and not _may_begin(f"Text {left}?", yes=yes):
            return WRONG
        all_queued = await resend(run, quiet=quiet) if absent else True
        if _is_stopped(run):
            return _close(run, ledger, as_json=as_json, quiet=quiet)
        code = await _work(run, ledger, as_json=as_json, quiet=quiet)
        return code or (FINE if all_queued else UNKNOWNS)


def _is_stopped(run: Run) -> bool:
    return run.summary.stopped is not None


def _may_begin(question: str, *, yes: bool) -> bool:
    """Whether the user wants texts to leave: by `--yes`, else asked on the terminal."""
    if yes:
        return True
    if not sys.stdin.isatty():
        fail("there is no terminal to ask; check with --dry-run where there is one, then use --yes")
    if ask(question):
        return True
    say("nothing was sent")
    return False


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
    return _close(run, ledger, as_json=as_json, quiet=quiet)


def _close(run: Run, ledger: Path | None, *, as_json: bool, quiet: bool) -> int:
    summary = run.summary
    if not quiet:
        show_summary(summary, ledger)
        if run.lost_draws and run.lost_until is not None:
            say(
                f"{plural(run.lost_draws, 'answer')} to message/next got lost; the contacts behind them come back at the server "
                f"by {run.lost_until:%H:%M:%S} UTC: resume after that, or use --wait-locks"
            )
    if as_json:
        try:
            print_json(summary.as_dict())
        except OSError as error:
            # How the run went is what the exit code is for, and the ledger has the rest.
            say(f"rumbleup: the result could not be printed: {error.filename}: {error.strerror}")
    return exit_code(summary)


def show_summary(summary: Summary, ledger: Path | None) -> None:
    """The closing words."""
    if summary.stopped == DRY_RUN:
        return
    say(
        f"{plural(summary.total, 'contact')}: {summary.sent:,} sent, {summary.refused:,} refused, {summary.skipped:,} skipped, "
        f"{summary.not_sent:,} not sent, {summary.unknown:,} unknown; "
        f"{summary.elapsed_seconds:.1f} s, {summary.texts_per_second:,.0f} texts/s"
    )
    if summary.stopped:
        say(f"stopped: {summary.stopped}")
    if ledger is None:
        return
    if (summary.stopped or "").startswith("opt-out wording missing"):
        if summary.sent + summary.unknown + summary.refused:
            say(f"some were texted already (rumbleup report {ledger}); the others need a run of their own")
        else:
            say("send again with a corrected text")
    elif summary.resumable:
        say(f"go on with: rumbleup resume {ledger}")
    if summary.unknown:
        say(
            f"{plural(summary.unknown, 'text')} may or may not have left and will not be sent again by itself; "
            f"look for them in the message log with: rumbleup reconcile {ledger}; see which with: rumbleup report {ledger}"
        )


def ask(question: str) -> bool:
    """Ask on the terminal; Ctrl-C there, or another signal, means no and ends the command."""
    with interruptible():
        sys.stderr.write(f"{question} [y/N] ")
        sys.stderr.flush()
        return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _show_findings(source: str, ledger: Path, *, fresh: bool) -> None:
    """What the list holds, before the question."""
    reader = Reader(ledger)
    try:
        reasons, segments = reader.reasons(), reader.segments()
    finally:
        reader.close()
    total = sum(number for _, _, number in reasons)
    queued = sum(number for state, _, number in reasons if state is State.QUEUED)
    done = sum(number for state, _, number in reasons if state not in {State.QUEUED, State.SKIPPED})
    say(f"{'standard input' if source == '-' else source}: {plural(total, 'contact')}")
    if not fresh and done:
        say(f"  this ledger has dealt with {done:,} of them before; going on with the rest")
    say(f"  {queued:>11,}  to be texted")
    for state, reason, number in reasons:
        if state is State.SKIPPED:
            say(f"  {number:>11,}  skipped: {reason}")
    texts = sum(number for _, number in segments)
    if texts:
        each = ", ".join(f"{plural(parts, 'segment')} in {number:,}" for parts, number in segments)
        say(f"  {sum(parts * number for parts, number in segments):>11,}  segments in {plural(texts, 'text')} ({each})")


def finish(code: int) -> None:
    """Leave the command with an exit code."""
    if code != FINE:
        raise typer.Exit(code)


_KEY_OPTIONS = frozenset(
    {"--api-key", "--api_key", "--apikey", "--key", "--secret", "--api-secret", "--token", "--auth", "--password"}
)


def check_arguments(arguments: list[str], environ: Mapping[str, str]) -> None:
    """Refuse a key among the arguments, where everybody on the machine can read it, and what cannot be text. Shows none of it."""
    values = [environ.get(name, "").strip() for name in providers.SECRETS]
    secrets = [part for value in values for part in (value, value.partition(":")[2]) if len(part) >= 4]
    for argument in arguments:
        name = argument.partition("=")[0].lower()
        if name in _KEY_OPTIONS or any(secret in argument for secret in secrets):
            say(
                "rumbleup: a key is refused on the command line: it would stand in the process list and the shell's history; "
                "set RUMBLEUP_API_KEY, or SENDBLUE_API_KEY and SENDBLUE_API_SECRET, instead"
            )
            sys.exit(WRONG)
        if not argument.isprintable() and any("\ud800" <= char <= "\udfff" for char in argument):
            say("rumbleup: an argument is not UTF-8 text")
            sys.exit(WRONG)
