"""`rumbleup pause`, `continue` and `stop`: a run is steered from another terminal, or by a line of cron.

Lives here: the commands; how a run is asked stands in `ledger.asking` and `postgres.asking_others`.
"""

from __future__ import annotations

from typing import Annotated

import typer

from rumbleup_async.cli.console import FINE, STOPPED, finish, local, say
from rumbleup_async.cli.ledger_options import Ledger
from rumbleup_async.cli.ledger_place import ask_of
from rumbleup_async.cli.terminal import pasteable
from rumbleup_async.pauses import Wish, oneself

Why = Annotated[str, typer.Option("--why", metavar="WORDS", help="Words for whoever wonders why nothing leaves.")]


@local
def pause(ledger: Ledger, why: Why = "") -> None:
    """Hold a run: nothing more leaves, what is in flight is closed, the rest waits. It holds for later processes, too."""
    asked = ask_of(ledger, Wish.PAUSE, oneself(), why)
    if not asked.is_heeded:
        finish(_not_yet("it pauses"))
    was = "paused already" if asked.before is not None else "paused"
    say(f"{was}: {asked.after}; let it go on with: rumbleup continue {pasteable(ledger)}")
    finish(FINE)


def go_on(ledger: Ledger) -> None:
    """Let a run go on that was paused. Where no process sends any more, resume it then."""
    asked = ask_of(ledger, Wish.CONTINUE, oneself())
    if not asked.is_heeded:
        finish(_not_yet("it goes on"))
    if asked.before is None:
        say("it is not paused")
    elif asked.is_running:
        say(f"it goes on; it was paused {asked.before}")
    else:
        say(f"no longer paused; no process sends it: go on with: rumbleup resume {pasteable(ledger)}")
    finish(FINE)


go_on.__name__ = "continue"  # a word of Python's own
go_on = local(go_on)


@local
def stop(ledger: Ledger) -> None:
    """End the process that sends a run: nothing more leaves, what is in flight is closed, the rest waits for a resume."""
    asked = ask_of(ledger, Wish.STOP, oneself())
    if not asked.is_heeded:
        finish(_not_yet("it stops"))
    say(f"it stops, once what is in flight is closed; go on later with: rumbleup resume {pasteable(ledger)}")
    finish(FINE)


def _not_yet(what: str) -> int:
    say(f"asked, and the process that holds the ledger has not answered yet: {what} as soon as that begins to send")
    return STOPPED
