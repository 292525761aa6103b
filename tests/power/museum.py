"""Faults that power cuts must show: a write that nobody waits for, wherever the promise waits for one."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple
from unittest.mock import patch

from tests.power.cuts import Wrong, play
from tests.power.run import BOOK, LEDGER


class Exhibit(NamedTuple):
    """`of`: whose `PRAGMA synchronous` is another. `rule`: what must be said of it. `at_once`: before a text leaves, too."""

    name: str
    of: str
    does: str
    rule: str
    at_once: bool = False


_FORGOTTEN: Final = "and the ledger says"
_SUSPECT: Final = "is not whole"
_OPEN_TO_OTHERS: Final = "the book would let another run text"
EXHIBITS: Final = (
    Exhibit("a ledger with synchronous=OFF", LEDGER, "OFF", _FORGOTTEN),
    Exhibit("a ledger with synchronous=NORMAL", LEDGER, "NORMAL", _SUSPECT),
    Exhibit("a book with synchronous=OFF", BOOK, "OFF", _OPEN_TO_OTHERS),
    Exhibit("a book with synchronous=NORMAL", BOOK, "NORMAL", _OPEN_TO_OTHERS),
    Exhibit("steps noted beside a ledger and not waited for", "", "", _FORGOTTEN),
    Exhibit("a mark that is said to be there before it is", LEDGER, "FULL", _SUSPECT, at_once=True),
)


@contextmanager
def built_in(exhibit: Exhibit) -> Iterator[None]:
    """Our code with that fault."""
    if not exhibit.does:
        with patch.object(os, "O_DSYNC", 0):
            yield
        return
    connect = sqlite3.connect

    def connecting(path: Any, **options: Any) -> sqlite3.Connection:
        found: sqlite3.Connection
        if Path(path).name != exhibit.of:
            found = connect(path, **options)
        elif exhibit.does == "FULL":
            found = connect(path, factory=Hasty, **options)
        else:
            found = connect(path, factory=Lax, **options)
            assert isinstance(found, Lax)
            found.mode = exhibit.does
        return found

    with patch.object(sqlite3, "connect", connecting):
        yield


class Lax(sqlite3.Connection):
    """It waits for the disk as `mode` says, whatever it is told."""

    mode = ""

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        return super().execute(statement.replace("synchronous = FULL", f"synchronous = {self.mode}"), *values)


class Hasty(sqlite3.Connection):
    """It waits for the disk only after a mark is whole."""

    is_marking = False

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        if statement == "PRAGMA synchronous = NORMAL":
            self.is_marking = True
        elif statement == "PRAGMA synchronous = FULL" and self.is_marking:
            self.is_marking, statement = False, "PRAGMA synchronous = NORMAL"
        return super().execute(statement, *values)


def hunt(exhibit: Exhibit, folder: Path, *, runs: int = 8, size: int = 8) -> str:
    """What is said of it, in the first run that shows it; "" if none does."""
    for seed in range(runs):
        (folder / str(seed)).mkdir()
        try:
            with built_in(exhibit):
                play(folder / str(seed), seed, size, resumed=0.0, at_once=exhibit.at_once)
        except Wrong as wrong:
            return str(wrong)
    return ""
