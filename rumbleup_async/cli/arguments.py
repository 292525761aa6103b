"""What must not stand on a command line, whatever the command.

Lives here: checks of the raw arguments.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Mapping

from rumbleup_async.cli.console import WRONG, say

SECRETS = ("RUMBLEUP_API_KEY", "SENDBLUE_API_KEY", "SENDBLUE_API_SECRET", "RUMBLEUP_BOOK_KEY")
"""Variables whose values must not stand on a command line."""
_KEY_OPTIONS = frozenset(
    {"--api-key", "--api_key", "--apikey", "--key", "--secret", "--api-secret", "--token", "--auth", "--password"}
)


def with_values(arguments: list[str]) -> list[str]:
    """The arguments, where an option that may stand alone has its usual value: `--canary` is `--canary 200,15m`."""
    if "--canary" not in arguments:
        return arguments
    from rumbleup_async.cli.canary import BARE  # brings the whole engine

    found = []
    for argument, after in itertools.pairwise([*arguments, "--"]):
        found.append(f"--canary={BARE}" if argument == "--canary" and after.startswith("-") else argument)
    return found


def check_arguments(arguments: list[str], environ: Mapping[str, str]) -> None:
    """Refuse a key among the arguments, where everybody on the machine can read it,
    and what cannot be text. Shows none of it."""
    values = [environ.get(name, "").strip() for name in SECRETS]
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
