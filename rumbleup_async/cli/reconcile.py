"""`rumbleup reconcile`, and the look into the provider's log that `resume` begins with.

Lives here: the words around settling what is unknown.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from rumbleup_async.cli import providers
from rumbleup_async.cli.console import FINE, INTERRUPT, INTERRUPTED, UNKNOWNS, plural, print_json, say
from rumbleup_async.cli.signals import stopping
from rumbleup_async.cli.terminal import pasteable
from rumbleup_async.ledger import Consent
from rumbleup_async.messaging import State
from rumbleup_async.retry import Stop
from rumbleup_async.runs.reconcile import Reconciled
from rumbleup_async.runs.run import Run
from rumbleup_async.session.limits import Timeouts


async def reconcile(*, ledger: Path, settle: float, timeout: float, consent: Consent, as_json: bool, quiet: bool) -> int:
    """Settle what is unknown in a ledger; the exit code."""
    row = providers.of_ledger(ledger)
    client = row.connect(None, Timeouts(read=timeout))
    async with (
        client,
        row.resume(client, ledger, providers.Order(common={"reconcile": False, **msgspec.structs.asdict(consent)})) as run,
    ):
        for note in run.notes:
            say(f"warning: {note}")
        done = await look(run, ledger, settle=settle, quiet=quiet)
        if not quiet:
            await tell_absent(run, ledger)
        interrupted = run.summary.stopped is not None
    if as_json:
        print_json(done.as_dict())
    return INTERRUPTED if interrupted else UNKNOWNS if done.unknown else FINE


async def tell_absent(run: Run, ledger: Path) -> None:
    """Say how many were not texted because they are absent from the log, and how they would be."""
    if absent := await run.count_absent():
        again = f"rumbleup resume {pasteable(ledger)} --resend-absent"
        say(f"{plural(absent, 'contact')} absent from the log; to text them again: {again}")


async def look(run: Run, ledger: Path, *, settle: float, quiet: bool) -> Reconciled:
    """Look what is unknown up in the log, and what was absent from it so far, and say what came of it."""
    unknown = run.counts[State.UNKNOWN]
    absent = await run.count_absent()
    if unknown and not quiet:
        say(f"looking for {plural(unknown, 'unknown text')} in the message log")
    elif absent and not quiet:
        say(f"looking once more for {plural(absent, 'text')} that the message log did not show")
    with stopping(lambda: run.stop(Stop(INTERRUPT, "")), "stopping: what the log has decided so far is kept"):
        done = await run.reconcile(settle=settle)
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


async def resend(run: Run, *, quiet: bool) -> bool:
    """Queue the absent ones again and say what came of it; whether all of them were looked up."""
    with stopping(lambda: run.stop(Stop(INTERRUPT, "")), "stopping: nothing leaves"):
        done = await run.resend_absent()
    if not quiet:
        found = f"; {plural(done.found, 'text')} turned up in the log meanwhile" if done.found else ""
        say(f"{plural(done.queued, 'contact')} absent from the log will be texted again{found}")
        if done.suppressed:
            say(f"{plural(done.suppressed, 'contact')} not texted again: suppressed by now")
    if done.problem:
        say(f"{plural(done.left, 'contact')} not texted again: {done.problem}")
    return not done.left
