"""Where a ledger stands, so that a copy of it can be told from itself.

Lives here: the note of its place, and what is made of another one.

A copy that is resumed beside its original texts the same people. A file that was renamed is the same file still; one with the
same name and another file behind it was restored, or comes from another machine.
"""

from __future__ import annotations

import os
import platform
import sqlite3
from pathlib import Path

import msgspec

from rumbleup_async.errors import LedgerError
from rumbleup_async.shell import pasteable


class Standing(msgspec.Struct, frozen=True):
    """The place of a ledger's file at some moment."""

    path: str
    device: int
    inode: int
    host: str


def here(path: Path) -> Standing:
    found = path.stat()
    real = Path(os.path.realpath(path.parent)) / path.name
    return Standing(str(real), found.st_dev, found.st_ino, platform.node())


def check(path: Path, before: Standing, now: Standing, run: str, *, is_set_back: bool, original: bool) -> str:
    """What is to be said of a ledger that was at `before` and is at `now`, "" for nothing. LedgerError for a copy whose original
    still stands, unless `original` says that this file is the one to go on with.

    `is_set_back`: the lock beside it knows of a later opening than the ledger does.
    """
    is_same_file = before.inode == now.inode and (before.device == now.device or before.path == now.path)
    if is_same_file:
        # Renamed, mounted elsewhere, or nothing at all.
        return _set_back(path) if is_set_back and not original else ""
    if before.path == now.path:
        return "" if original else _set_back(path) if before.host == now.host else _travelled(path, before)
    if not original and before.host == now.host and _stands(Path(before.path), before, run):
        go_on = f"resume {pasteable(before.path)}"
        raise LedgerError(
            f"{path} is a copy of {before.path}, which is still there: to go on with both would text the same people twice. "
            f"Go on with the original: `{go_on}`. If this copy is the one to go on with, and the other never again, "
            "add --original (in Python original=True)"
        )
    return "" if original else _travelled(path, before)


def _set_back(path: Path) -> str:
    return (
        f"{path} seems to be restored from a copy: what was sent since the copy was made is not in it, and those people would be "
        "texted again"
    )


def _travelled(path: Path, before: Standing) -> str:
    where = before.path if before.host == platform.node() else f"{before.path} on {before.host}"
    return f"{path} was at {where} before; if a copy of it is gone on with there or elsewhere, the same people are texted twice"


def _stands(path: Path, before: Standing, run: str) -> bool:
    """Whether the ledger that this is a copy of is still at its old place."""
    try:
        found = path.lstat()
    except OSError:
        return False
    is_that_file = (found.st_dev, found.st_ino) == (before.device, before.inode)
    try:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            plan = db.execute("SELECT json_extract(value, '$.run') FROM run WHERE key = 'plan'").fetchone()
        finally:
            db.close()
    except sqlite3.Error:
        return is_that_file and found.st_size > 0
    return plan is not None and plan[0] == run
