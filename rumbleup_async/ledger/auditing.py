"""What people did with a ledger, and when: each opening, each change of options, pauses, purging.

Lives here: reading it, from outside, even while a run writes the ledger.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec

from rumbleup_async.ledger.files import check_file, check_kind, reading


class Entry(msgspec.Struct, frozen=True):
    """One line of the audit. `time`: Unix milliseconds; `who`: user and machine."""

    time: int
    who: str
    what: str
    detail: str | None = None


def read(path: Path) -> list[Entry]:
    """The audit of a ledger, the oldest first; nothing in one of an older version. Raises LedgerError."""
    check_file(path, missing_is_fine=False)
    with reading(path):
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        try:
            check_kind(db, path)
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'audit'").fetchone():
                return []
            return [Entry(*row) for row in db.execute("SELECT time, who, what, detail FROM audit ORDER BY time, id")]
        finally:
            db.close()
