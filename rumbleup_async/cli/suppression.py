"""Whom a run of the command line must not text, whatever its list says.

Lives here: the suppression lists of a call together. How one is read stands in `suppression_lists`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rumbleup_async.cli.console import plural, say
from rumbleup_async.cli.ledger_place import Place
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.rules.numbers import Numbers


def read_suppressed(paths: Sequence[Place] | None, source: str = "", *, quiet: bool = False) -> Numbers:
    """The phones of all these suppression lists together; `source` is what the contacts are read from."""
    files = [str(path) for path in paths or () if isinstance(path, Path)]
    from_input = sum(map(_is_input, files))
    if from_input and _is_input(source):
        raise ConfigurationError("LIST and --suppress cannot both come from standard input; name a file for one of them")
    if from_input > 1:
        raise ConfigurationError("only one --suppress can come from standard input; name files for the others")
    together: set[str] = set()
    for place in paths or ():
        from rumbleup_async.cli import suppression_lists as lists  # most runs have none

        numbers, what = lists.of_file(str(place)) if isinstance(place, Path) else lists.of_ledger(place)
        together |= numbers
        if not quiet:
            say(f"{'standard input' if str(place) == '-' else place}: {plural(len(numbers), 'phone')} never to be texted{what}")
    return Numbers(together)


def _is_input(path: str) -> bool:
    """Whether this is standard input, under any of its names."""
    return path in {"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"}
