"""The question before the first text leaves.

Lives here: asking on the terminal, and what a script says instead: `--yes`, and the number that it expects.
"""

from __future__ import annotations

import re
import sys

from rumbleup_async.cli.console import fail, plural, say
from rumbleup_async.cli.signals import interruptible
from rumbleup_async.cli.terminal import forget_typed, visible

MANY = 1000
"""From so many contacts on a person types their number: a `y` is typed without a look."""
TIMES = 10
"""So many times as many as usual are asked about again."""


def ask(question: str) -> bool:
    """Ask on the terminal. Ctrl-C or another signal means no and ends the command."""
    return _answer(f"{question} [y/N] ").lower() in {"y", "yes"}


def check_expected(number: int | None, expect: int | None) -> None:
    """End the command if another number of contacts would be texted than was expected. `number`: None if nobody knows it."""
    if expect is None or number == expect:
        return
    if number is None:
        fail("the provider hands the contacts out and alone knows how many they are; leave --expect out, and take --limit")
    fail(f"{plural(expect, 'contact')} were expected (--expect), and {number:,} would be texted; nothing was sent")


def may_begin(question: str, *, yes: bool, number: int | None = None, expect: int | None = None, usual: int = 0) -> bool:
    """Whether the user wants texts to leave: by `--yes`, else asked on the terminal.

    `number`: of contacts; from `MANY` on it is typed. `expect`: the number that was given with `--expect`. `usual`: how many the
    runs before had, 0 if nobody knows; a number far above it is typed, too, and `--yes` alone is no answer to it.
    """
    check_expected(number, expect)
    is_much = bool(usual and number and number > TIMES * usual)
    if is_much and expect is None:
        say(f"warning: {number:,} contacts are more than {TIMES} times the usual: the runs before had about {usual:,}")
        if yes:
            fail(f"--yes alone does not answer that; nothing was sent; if it is meant, add --expect {number}")
    if yes:
        return True
    if not sys.stdin.isatty():
        fail("there is no terminal to ask; check with --dry-run where there is one, then use --yes")
    if number is not None and (number >= MANY or is_much):
        agreed = re.sub(r"[\s,._']", "", _answer(f"{question} Type {number} to begin: ")) == str(number)
    else:
        agreed = ask(question)
    if not agreed:
        say("nothing was sent")
    return agreed


def _answer(question: str) -> str:
    with interruptible():
        forget_typed()  # a key pressed before the question is no answer
        sys.stderr.write(visible(question))
        sys.stderr.flush()
        return sys.stdin.readline().strip()
