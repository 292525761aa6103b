"""The mark by which a ledger knows that its write-ahead log is missing.

Lives here: what stands in the main file, what in the log, and what follows from the two. May import: errors, ledger.files.

While texts are sent, the latest steps are in the `-wal` file alone. Without it the main file is a whole and valid ledger of some
time ago, by which people would be texted again. So before a text leaves the main file is given the mark `N:main`, and the log
behind it `N:log`. Whoever checkpoints, ours or another program's, carries `N:log` over together with everything else. A main
file that still says `N:main`, seen without a log that says `N:log`, lacks what came after.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from pathlib import Path
from typing import Any

from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger.files import beside

KEY = "log"
MAIN = "main"
LOG = "log"

DOUBT = "queued in a ledger whose write-ahead log is missing"
"""Of such a contact nobody knows whether it was texted."""

_HEADER = 32
"""Bytes of a write-ahead log that holds nothing."""
_NOTE = 96
"""Bytes of the note in the lock file."""


def mark(number: int, where: str) -> str:
    return f"{number}:{where}"


def number_of(value: str | None) -> int:
    number = (value or "").partition(":")[0]
    return int(number) if number.isdecimal() else 0


def _is_main(value: str | None) -> bool:
    return (value or "").endswith(f":{MAIN}")


def of_main_file(path: Path) -> str | None:
    """The mark in the main file alone, whatever its log says; None without one, or in a file that cannot be read so."""
    with contextlib.suppress(sqlite3.Error, OSError):
        if not path.stat().st_size:
            return None
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            found = db.execute("SELECT value FROM run WHERE key = ?", (KEY,)).fetchone()
            return None if found is None else str(found[0])
        finally:
            db.close()
    return None


def is_log_lost(main: str | None, seen: str | None, note: dict[str, int], log_size: int) -> bool:
    """Whether steps are missing. `seen` is the mark through the log; `note` what the lock file says; `log_size` the bytes of the
    log before anybody opened it."""
    if not _is_main(main):
        return False
    if _is_main(seen):
        # A process died while it made the mark: nothing can have left between the two halves of it.
        return number_of(seen) == number_of(main) and not (log_size > _HEADER or note.get("marking") == number_of(main))
    return number_of(seen) < number_of(main)


def log_size(path: Path) -> int:
    try:
        return beside(path, "-wal").stat().st_size
    except OSError:
        return 0


def lost(path: Path) -> LedgerError:
    """What is said of a ledger without its log."""
    log = beside(path, "-wal")
    return LedgerError(
        f"{path} is not whole: the steps of a run that was under way are in {log}, and that file is missing or another one. "
        f"Whoever is still queued here may have been texted, so nothing is sent. Put {log.name} back beside it, and take all of "
        f"its files along when you move a ledger. If that file is lost for good: `reconcile {path} --log-lost` (in Python "
        "log_lost=True) counts everybody queued as unknown and looks them up in the provider's message log"
    )


def read_note(lock: int) -> dict[str, int]:
    """What the lock file says; nothing where an older version, or nobody, has written it."""
    try:
        found: Any = json.loads(os.pread(lock, _NOTE, 0) or b"{}")
    except (OSError, ValueError):
        return {}
    return {name: value for name, value in found.items() if isinstance(value, int)} if isinstance(found, dict) else {}


def write_note(lock: int, *, opened: int, marking: int) -> None:
    os.pwrite(lock, json.dumps({"opened": opened, "marking": marking}).encode().ljust(_NOTE - 1) + b"\n", 0)
