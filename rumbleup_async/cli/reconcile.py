"""`rumbleup reconcile`, and the look-up in the provider's message log that `resume` begins with.

Lives here: the command's options, its course, and what it says of texts that are unknown or absent from the log.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from rumbleup_async.cli import options, providers
from rumbleup_async.cli.console import FINE, INTERRUPTED, UNKNOWNS, finish, guarded, plural, print_json, say
from rumbleup_async.cli.ledger_options import Ledger
from rumbleup_async.cli.ledger_place import Place
from rumbleup_async.cli.loop import run_loop
from rumbleup_async.cli.signals import stopping
from rumbleup_async.cli.terminal import pasteable
from rumbleup_async.ledger import Consent
from rumbleup_async.messaging import State
from rumbleup_async.runs.reconcile import Reconciled
from rumbleup_async.runs.run import Run
from rumbleup_async.session.limits import Timeouts
from rumbleup_async.stops import Cause, Stop


@guarded
def reconcile(
    ledger: Ledger,
    settle_seconds: options.SettleSeconds = 900.0,
    timeout: options.Timeout = 30.0,
    same_account: options.SameAccount = False,
    same_server: options.SameServer = False,
    original: options.Original = False,
    log_lost: Annotated[
        bool, typer.Option("--log-lost", help="The ledger's -wal or -steps is lost for good: take whoever is queued as unknown.")
    ] = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Look up unknown texts in the message log. Nobody is texted.

    A text that the log shows was sent; one that is absent from it was not.
    """
    consent = Consent(same_account=same_account, same_server=same_server, original=original, log_lost=log_lost)
    course = _reconcile(ledger, consent, grace=settle_seconds, timeout=timeout, as_json=as_json, quiet=quiet)
    finish(run_loop(course))


async def _reconcile(ledger: Place, consent: Consent, *, grace: float, timeout: float, as_json: bool, quiet: bool) -> int:
    row = providers.of_ledger(ledger)
    client = row.connect(None, Timeouts(read=timeout))
    order = providers.Order(common={"reconcile": False, **msgspec.structs.asdict(consent)})
    async with client, row.resume(client, ledger, order) as run:
        for note in run.notes:
            say(f"warning: {note}")
        done = await look_up(run, ledger, grace=grace, quiet=quiet)
        if not quiet:
            await show_absent(run, ledger)
        interrupted = run.summary.stopped is not None
    if as_json:
        print_json(done.as_dict())
    return INTERRUPTED if interrupted else UNKNOWNS if done.unknown else FINE


async def show_absent(run: Run, ledger: Place) -> None:
    """Say how many were not texted because they are absent from the log, and how to text them."""
    if absent := await run.count_absent():
        again = f"rumbleup resume {pasteable(ledger)} --resend-absent"
        say(f"{plural(absent, 'contact')} absent from the log; to text them again: {again}")


async def look_up(run: Run, ledger: Place, *, grace: float, quiet: bool) -> Reconciled:
    """Look up the unknown texts in the message log, and those that it has not shown so far; say what came of it.

    `grace`: seconds from a text until its absence from the log counts.
    """
    unknown = run.counts[State.UNKNOWN]
    absent = await run.count_absent()
    if unknown and not quiet:
        say(f"looking for {plural(unknown, 'unknown text')} in the message log")
    elif absent and not quiet:
        say(f"looking once more for {plural(absent, 'text')} that the message log did not show")
    with stopping(lambda: run.stop(Stop(Cause.INTERRUPTED)), "stopping: what the log has decided so far is kept"):
        done = await run.reconcile(settle=grace)
    if not quiet:
        say(
            f"{done.found:,} found in the log, {done.absent:,} absent from it, {done.unknown:,} still unknown"
            if unknown or done.found
            else f"none of them has turned up; nothing is unknown in {ledger}"
            if absent
            else f"nothing is unknown in {ledger}"
        )
    if done.problem:
        say(f"{plural(done.unknown, 'text')} stay unknown: {done.problem}")
    return done


async def queue_absent(run: Run, *, quiet: bool) -> bool:
    """Queue the absent texts again and say what came of it. True if all of them could be looked up first."""
    with stopping(lambda: run.stop(Stop(Cause.INTERRUPTED)), "stopping: nothing leaves"):
        done = await run.resend_absent()
    if not quiet:
        found = f"; {plural(done.found, 'text')} turned up in the log meanwhile" if done.found else ""
        say(f"{plural(done.queued, 'contact')} absent from the log will be texted again{found}")
        if done.suppressed:
            say(f"{plural(done.suppressed, 'contact')} not texted again: suppressed by now")
    if done.problem:
        say(f"{plural(done.left, 'contact')} not texted again: {done.problem}")
    return not done.left
