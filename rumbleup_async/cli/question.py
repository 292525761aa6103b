"""The question before the first text leaves.

Lives here: asking on the terminal.
"""

from __future__ import annotations

import sys

from rumbleup_async.cli.console import fail, say
from rumbleup_async.cli.signals import interruptible
from rumbleup_async.cli.terminal import forget_typed, visible


def ask(question: str) -> bool:
    """Ask on the terminal. Ctrl-C or another signal means no and ends the command."""
    with interruptible():
        forget_typed()  # a key pressed before the question is no answer
        sys.stderr.write(f"{visible(question)} [y/N] ")
        sys.stderr.flush()
        return sys.stdin.readline().strip().lower() in {"y", "yes"}


def may_begin(question: str, *, yes: bool) -> bool:
    """Whether the user wants texts to leave: by `--yes`, else asked on the terminal."""
    if yes:
        return True
    if not sys.stdin.isatty():
        fail("there is no terminal to ask; check with --dry-run where there is one, then use --yes")
    if ask(question):
        return True
    say("nothing was sent")
    return False
