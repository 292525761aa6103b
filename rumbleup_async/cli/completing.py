"""What a shell offers while somebody types: ledgers and projects, as far as they are known in this folder.

Lives here: the two lists. Nothing is asked over a network, and no ledger is opened: the shell waits for each of these at
every Tab.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator

_SUFFIX = ".ledger"
_PROJECT = re.compile(r"-(\d+)\.ledger$")
"""How a ledger is named that stands beside its list: LIST-PROJECT.ledger."""
_PLAIN = re.compile(r"[\w./,+@%=~-]*")
"""Names that mean themselves in every shell. Others are left to the shell, which knows how to quote them."""
_MOST = 10_000
"""Names of a folder that are looked at; in a larger one the rest is left out."""
_MOST_FOLDERS = 100
"""Folders whose ledgers are looked for."""


def ledgers(incomplete: str) -> list[str]:
    """The ledger files that begin so, in this folder or in the one that is being typed; without any, those in the folders there;
    without any there, the folders."""
    if found := sorted(name for name in _names(incomplete) if name.endswith(_SUFFIX)):
        return found
    folders = sorted(f"{name}/" for name in _names(incomplete, folders=True))[:_MOST_FOLDERS]
    # A shell puts a space behind what is complete, as bash takes a folder to be.
    return [name for folder in folders for name in sorted(_names(folder)) if name.endswith(_SUFFIX)] or folders


def projects(incomplete: str) -> list[tuple[str, str]]:
    """The projects that ledgers of this folder are named after, each with the newest such ledger."""
    known: dict[str, tuple[float, str]] = {}
    for name in _names(""):
        if (match := _PROJECT.search(name)) and match[1].startswith(incomplete):
            with contextlib.suppress(OSError):
                known[match[1]] = max(known.get(match[1], (0.0, "")), (os.stat(name).st_mtime, name))  # noqa: PTH116
    return [(project, name) for project, (_, name) in sorted(known.items())]


def _names(incomplete: str, *, folders: bool = False) -> Iterator[str]:
    """What there is that begins so; what cannot be shown on a line is left out."""
    folder, begin = os.path.split(incomplete)
    with contextlib.suppress(OSError), os.scandir(folder or ".") as entries:
        for entry, _ in zip(entries, range(_MOST), strict=False):
            is_hidden = entry.name.startswith(".") and not begin.startswith(".")
            is_plain = _PLAIN.fullmatch(entry.name) and not entry.name.startswith("-")
            if entry.name.startswith(begin) and is_plain and not is_hidden and entry.is_dir() is folders:
                yield os.path.join(folder, entry.name)  # noqa: PTH118 - "./a" stays as it was typed
