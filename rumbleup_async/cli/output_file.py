"""Where bytes of a result go: to standard output, or into a file that appears when it is whole.

Lives here: drafts and their places.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final, cast

from rumbleup_async.cli.console import plural, say, whole_output
from rumbleup_async.cli.signals import interruptible
from rumbleup_async.cli.terminal import Tamed
from rumbleup_async.errors import ConfigurationError

_SQLITE: Final = b"SQLite format 3\x00"


def save(fill: Callable[[IO[bytes]], int], out: Path | None, *, unit: str = "byte", quiet: bool = False) -> None:
    """What `fill` writes, to standard output or to `out`, which appears when it is
    whole. Mode 0600, as it may hold phones.

    `fill` answers how many units it has written. ConfigurationError for an `out` that is no file and cannot become one.
    """
    if out is None:
        with whole_output():
            fill(cast("IO[bytes]", Tamed(sys.stdout.buffer)) if sys.stdout.isatty() else sys.stdout.buffer)
            sys.stdout.flush()
        return
    check(out)
    # A name of its own: whatever `out` with an ending is called may be somebody's.
    with interruptible():
        handle, name = tempfile.mkstemp(prefix=".rumbleup-", suffix=".part", dir=out.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                size = fill(file)
            Path(name).replace(out)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    if not quiet:
        say(f"{out}: {plural(size, unit)}")


def check(out: Path, option: str = "--out") -> None:
    """ConfigurationError for an `out` that is no file and cannot become one."""
    if out.is_dir() or not out.parent.is_dir():
        raise ConfigurationError(f"{out}: there is no such folder, or it is a folder itself")
    if out.exists() and not out.is_file():
        # To be renamed over, a device or a pipe would be gone for everybody.
        raise ConfigurationError(f"{out} is not a file" + ("; leave --out away for standard output" if option == "--out" else ""))
    if out.is_file() and _is_database(out):
        raise ConfigurationError(f"{out} is a ledger or another database, which would be gone; write to another file")


def _is_database(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False  # it can be replaced without being read
