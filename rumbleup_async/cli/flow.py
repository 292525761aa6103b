"""The steps that `rumbleup send`, `texters` and `resume` have in common.

Lives here: what each of them is asked for alike, and the steps from an open ledger to the exit code.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from rumbleup_async import collector
from rumbleup_async.cli import neighbours, progress, showing, speed
from rumbleup_async.cli.audit_notes import agreed, overrides
from rumbleup_async.cli.canary import why_not_on
from rumbleup_async.cli.console import fail, say
from rumbleup_async.cli.ending import close
from rumbleup_async.cli.hours import HoursOptions, say_rehearsal
from rumbleup_async.cli.ledger_place import Place, exists, stop_others
from rumbleup_async.cli.opt_out_watch import Watch, read_before, watching
from rumbleup_async.cli.people import PeopleOptions, run_options
from rumbleup_async.cli.providers import Row
from rumbleup_async.cli.question import MANY, check_expected, may_begin
from rumbleup_async.cli.signals import stopping
from rumbleup_async.errors import BookError, LedgerError, LedgerLocked
from rumbleup_async.ledger import Consent
from rumbleup_async.messaging import Identity
from rumbleup_async.postgres.address import Address
from rumbleup_async.provider.client import Client
from rumbleup_async.runs.run import Run
from rumbleup_async.runs.steering import paused
from rumbleup_async.stops import Cause, Stop


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What one call of `send`, `texters` or `resume` is asked for, whatever the
    list and the provider. None: not asked for."""

    limit: int | None = None
    timeout: float = 30.0
    suppress: list[Place] | None = None
    people: PeopleOptions = PeopleOptions()
    hours: HoursOptions = HoursOptions()
    consent: Consent = Consent()
    yes: bool = False
    expect: int | None = None
    plan: Path | None = None
    approved: Path | None = None
    test_to: list[str] = []
    as_json: bool = False
    quiet: bool = False

    @property
    def again(self) -> bool:
        """Whether people are texted again whom this project has texted."""
        return self.people.again


def consent_options(consent: Consent) -> dict[str, Any]:
    """What the user has said of a ledger, as options of a run. A lost log is a matter of `reconcile` alone."""
    return {name: value for name, value in msgspec.structs.asdict(consent).items() if name != "log_lost"}


def rule_options(
    call: Call,
    identity: Identity | None,
    ledger: Place,
    environ: Mapping[str, str] | None,
    *,
    has_list: bool,
    would_be: Identity | None = None,
    beside: Place | None = None,
) -> dict[str, Any]:
    """The options of a run about hours and people; a rehearsal is told of. `identity`: whose server and account; None if that is
    not known. `would_be`, `beside`: of a dry run, whose it would be, and where its ledger."""
    is_dry = beside is not None and beside != ledger
    is_here = call.hours.is_here(identity or would_be)
    options = call.hours.as_mode(identity or would_be, has_list=has_list)
    options |= showing.as_mode()
    options |= run_options(call.people, identity, ledger, environ, is_here=is_here, beside=beside if is_dry else None)
    if not is_dry:
        say_rehearsal(is_here, options, has_begun=exists(ledger))
    return options


async def read_opt_outs(run: Run, client: Client, call: Call, *, is_dry: bool = False) -> Watch:
    """Bring the book of the run up to date, and say where opt-outs are read while it sends."""
    is_here = call.hours.is_here(client.identity)
    return await read_before(run, client, call.people.opt_outs, is_here=is_here, is_dry=is_dry, quiet=call.quiet)


def show_before(run: Run, identity: Identity | None, *, quiet: bool) -> None:
    """Say what is to be known of the ledger, which options of an earlier call still hold, and what makes texts slow.

    `identity`: whose server it is; None if nobody is texted.
    """
    for note in run.notes:
        say(f"warning: {note}")
    if run.goes_on_with and not quiet:
        say(f"as before: {run.goes_on_with} (an option given again replaces it; --suppress adds to the list)")
    if not quiet and (slow := speed.note(has_tls=identity is None or identity.server.startswith("https"))):
        say(f"note: {slow}")


def find_neighbours(
    run: Run, ledger: Place, folders: list[Path], row: Row, environ: Mapping[str, str] | None = None
) -> list[neighbours.Neighbour]:
    """Ledgers that have texted the same people, as long as this run has tried nobody yet."""
    if run.is_used:
        return []
    return neighbours.look(ledger, folders, row.identity(environ), has_projects=row.has_projects)


def show_neighbours(found: list[neighbours.Neighbour], call: Call, row: Row, run: Run) -> None:
    """Warn of them. Under `--yes` nobody is asked, so the warning stands even with `--quiet`."""
    if not call.quiet or (call.yes and not _is_again(call, run)):
        neighbours.tell(found, row.where(run.plan))


def refuse_same_list(found: list[neighbours.Neighbour], call: Call, row: Row, run: Run) -> None:
    """End the command where `--yes` would text the same list a second time and nobody is asked."""
    if call.yes and not _is_again(call, run) and any(one.is_same_list for one in found):
        where = row.where(run.plan)
        fail(f"this very list has been texted {where}, or is being texted; leave them out with --suppress, or text them --again")


def _is_again(call: Call, run: Run) -> bool:
    """Whether people are texted again whom this project has texted, as this call or an earlier one has said."""
    return call.again or (run.book is not None and run.book.again.same)


def is_held_back(run: Run) -> bool:
    """Whether somebody has paused the run, or its canary has failed: then it ends here, and nobody is asked."""
    stop = why_not_on(run) if run.paused is None else paused(run.paused)
    if stop is not None:
        run.stop(stop)
    return stop is not None


def may_send(question: str, number: int | None, run: Run, call: Call) -> bool:
    """Whether the user wants so many texts to leave; None where the provider alone knows how many. Nobody is asked about none."""
    check_expected(number, call.expect)
    if number == 0:
        return True
    usual = run.book.usual_size(number) if run.book is not None and number is not None and number >= MANY else 0
    is_agreed = may_begin(question, yes=call.yes, number=number, expect=call.expect, usual=usual)
    if is_agreed and run.book is not None and number is not None:
        run.book.agreed(number)
    return is_agreed


def is_stopped(run: Run) -> bool:
    """Whether the run has ended, or was stopped while something else was done."""
    return run.summary.stopped is not None


async def send_queued(
    run: Run, ledger: Place, call: Call, *, watch: Watch | None = None, more: Mapping[str, Any] | None = None
) -> int:
    """Text whoever is queued, say how it ended, and give the exit code. `watch`: where opt-outs are read meanwhile.
    `more`: what its JSON has beside the summary."""
    words = "stopping: nothing more leaves; waiting for what is in flight (once more to end at once)"
    collector.keep_what_is_there()
    failed: Stop | None = None
    with stopping(lambda: run.stop(Stop(Cause.INTERRUPTED)), words):
        async with showing.beside(ledger), progress.sending(run, quiet=call.quiet), watching(run, watch or Watch()):
            try:
                await _note_call(run, call, watch or Watch())
                await run.send()
            except LedgerLocked:
                raise  # nobody was texted: others send the run, and it was to change under them
            except LedgerError as error:
                # Texts may have left before: this is a run that stopped, not a mistake made before it began.
                failed = Stop(Cause.LEDGER_FAILED, f"{error}; what was in flight is unknown")
            except BookError as error:
                failed = Stop(Cause.BOOK_FAILED, f"{error}; nobody is texted without it")
            except MemoryError:
                failed = Stop(Cause.OUT_OF_MEMORY, Cause.OUT_OF_MEMORY.remedy)
            if failed is not None:
                run.stop(failed)
    if isinstance(ledger, Address):
        await stop_others(ledger, run.summary.stop)
    if failed is not None and call.quiet:
        say(f"rumbleup: stopped: {failed}")  # of the other ends the log tells
    return await close(run, ledger, as_json=call.as_json, quiet=call.quiet, more=more)


async def _note_call(run: Run, call: Call, watch: Watch) -> None:
    """Keep in the audit what this call sets aside, how old the opt-outs are, and by which word it may send."""
    for words in overrides(call.people, call.hours, call.consent):
        await run.note("override", words)
    if watch.told:
        await run.note("opt-outs", watch.told)
    await run.note("agreed", agreed(yes=call.yes, expect=call.expect, approved=call.approved))
