"""Where the ledger of `rumbleup send` stands if nobody says.

Lives here: the names of ledgers, and whether there is room for one beside the list.
"""

from __future__ import annotations

from pathlib import Path

from rumbleup_async.cli.ledger_place import Place
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.lists.sources import scheme_of


def default_ledger(source: str, name: str) -> Path:
    """The ledger beside the list, so that the same list finds it again.
    `name`: what tells it from others of this list."""
    if scheme_of(source):
        raise ConfigurationError("a list that is no file has no ledger beside it; say where it is kept with --ledger FILE")
    is_file = is_a_file(source)
    stem = Path(source).stem if is_file else "stdin"
    folder = Path(source).parent if is_file else Path()
    return folder / f"{stem}-{name}.ledger"


def is_a_file(source: str) -> bool:
    """Whether the list is a file that can be read again, and beside which there
    is room for a ledger; no pipe, no device."""
    if source == "-" or scheme_of(source) or Path(source).is_relative_to("/dev") or Path(source).is_relative_to("/proc"):
        return False
    path = Path(source)
    return path.is_file() or not path.exists()


def folders(source: str, ledger: Place) -> list[Path]:
    """The folders in which a ledger of the same list would stand."""
    return [*([ledger.parent] if isinstance(ledger, Path) else []), *([Path(source).parent] if is_a_file(source) else [])]
