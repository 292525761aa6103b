"""The mark by which a ledger knows that its write-ahead log is missing.

Lives here: what stands in the main file, what in the log, and what follows from the two.

While texts are sent, the latest steps are in the `-wal` file alone. Without it the main file is a whole and valid ledger of some
time ago, by which people would be texted again. So before a text leaves the main file is given the mark `N:main`, and the log
behind it `N:log`. Whoever checkpoints, ours or another program's, carries `N:log` over together with everything else; while a
run is under way it then makes its next mark at once. A main file that still says `N:main`, seen without the log that says `N:log`
with the same number, lacks what came after.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import struct
from pathlib import Path
from typing import IO, Any

from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger.files import beside
from rumbleup_async.reasons import Code, Reason
from rumbleup_async.shell import pasteable

KEY = "log"
MAIN = "main"
LOG = "log"

DOUBT = Reason(Code.LOG_LOST)
"""Of such a contact nobody knows whether it was texted."""

_header = struct.Struct(">8I")
"""What a write-ahead log begins with: kind, version, bytes of a page, a count, two salts, two sums (SQLite's file format, 4)."""
_frame = struct.Struct(">6I")
"""What stands before each of its pages: which one, the pages of the whole if a transaction ends here, and as above."""
_KINDS = {0x377F0682: "<", 0x377F0683: ">"}
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


def is_log_lost(main: str | None, seen: str | None, note: dict[str, int], *, is_whole: bool) -> bool:
    """Whether steps are missing. `seen` is the mark through the log; `note` what the lock file says; `is_whole`: there was a log
    with something in it before anybody opened it."""
    if not _is_main(main):
        return False
    if _is_main(seen):
        # A process died while it made the mark: nothing can have left between the two halves of it.
        return number_of(seen) == number_of(main) and not (is_whole or note.get("marking") == number_of(main))
    # A log of a later mark holds nothing of what was between the two.
    return number_of(seen) != number_of(main)


def is_whole(path: Path, main: str | None) -> bool:
    """Whether the log beside a ledger holds a transaction that SQLite would read, if by its main file there should be a log. One
    that is damaged at its beginning counts for nothing there, however long it is."""
    if not _is_main(main):
        return True
    try:
        with beside(path, "-wal").open("rb") as log:
            return _holds_something(log)
    except (OSError, struct.error):
        return False


def _holds_something(log: IO[bytes]) -> bool:
    begin = log.read(_header.size)
    kind, _, size, _, *salts, first, second = _header.unpack(begin)
    if kind not in _KINDS or not 512 <= size <= 65_536:
        return False
    sums = _sums(begin[:24], (0, 0), _KINDS[kind])
    if sums != (first, second):
        return False
    while head := log.read(_frame.size):
        _, ends, *found, first, second = _frame.unpack(head)
        page = log.read(size)
        if found != salts or len(page) < size:
            return False
        sums = _sums(head[:8] + page, sums, _KINDS[kind])
        if sums != (first, second):
            return False
        if ends:
            return True
    return False


def _sums(data: bytes, sums: tuple[int, int], order: str) -> tuple[int, int]:
    one, other = sums
    words = iter(struct.unpack(f"{order}{len(data) // 4}I", data))
    for word in words:
        one = (one + word + other) & 0xFFFFFFFF
        other = (other + next(words) + one) & 0xFFFFFFFF
    return one, other


def lost(path: Path) -> LedgerError:
    """What is said of a ledger without its log."""
    log = beside(path, "-wal")
    settle = f"reconcile {pasteable(path)} --log-lost"
    return LedgerError(
        f"{path} is not whole: the steps of a run that was under way are in {log}, and that file is missing or another one. "
        f"Whoever is still queued here may have been texted, so nothing is sent. Put {log.name} back beside it, and take all of "
        f"its files along when you move a ledger. If that file is lost for good: `{settle}` (in Python "
        "log_lost=True) counts everybody queued as unknown and looks them up in the provider's message log"
    )


def read_note(lock: int) -> dict[str, int]:
    """What the lock file says; nothing where an older version, or nobody, has written it."""
    try:
        found: Any = json.loads(os.pread(lock, _NOTE, 0) or b"{}")
    except (OSError, ValueError):
        return {}
    return {name: value for name, value in found.items() if isinstance(value, int)} if isinstance(found, dict) else {}


def note_of(path: Path) -> dict[str, int]:
    """The same of the ledger at this path, whoever holds its lock."""
    try:
        lock = os.open(beside(path, "-lock"), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return {}
    try:
        return read_note(lock)
    finally:
        os.close(lock)


def write_note(lock: int, *, opened: int, marking: int) -> None:
    os.pwrite(lock, json.dumps({"opened": opened, "marking": marking}).encode().ljust(_NOTE - 1) + b"\n", 0)
