"""What the audit of a run keeps of the call that sends it: by which word it may send, and every caution that was set aside.

Lives here: those words. What is kept of the options stands in the audit as well, see `ledger.keeping`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rumbleup_async.cli.hours import HoursOptions
from rumbleup_async.cli.opt_out_watch import IGNORED
from rumbleup_async.cli.people import PeopleOptions
from rumbleup_async.ledger import Consent


def overrides(people: PeopleOptions, hours: HoursOptions, consent: Consent) -> Iterator[str]:
    """The options of a call that set a caution aside."""
    if people.opt_outs == IGNORED:
        yield f"--opt-outs {IGNORED}: the provider was not asked who has opted out"
    if people.no_book:
        yield "--no-book: no book says whom other runs have texted, and who has opted out"
    if people.again:
        yield "--again: people of this project are texted again"
    if people.gap == 0:
        yield "--gap 0: however lately they were texted"
    if hours.anyway:
        yield "--hours-anyway: hours beyond 8-21"
    if hours.rehearsal is not None:
        yield f"--rehearsal {hours.rehearsal}"
    for name in ("same_account", "same_server", "original"):
        if getattr(consent, name):
            yield f"--{name.replace('_', '-')}"


def agreed(*, yes: bool, expect: int | None, approved: Path | None) -> str:
    """By which word a call may send."""
    words = "by --yes" if yes else "at the terminal"
    if approved is not None:
        return f"{words} --approved {approved.name}"
    return words if expect is None else f"{words} --expect {expect}"
