"""The one thread that touches the database of a ledger on SQLite.

Lives here: handing work to the thread, and waiting for it, come what may.

What the thread does with the GIL held, the event loop waits for. So a step goes in and comes out as JSON, which msgspec writes
in the loop's thread, where the objects are at hand, and SQLite reads without the GIL.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar, TypeVarTuple

from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger.files import said
from rumbleup_async.shielding import run_shielded

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class LedgerThread:
    """Runs what it is given one after the other. `path`: of the ledger, which an error names."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="ledger")

    async def run(self, function: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """What the function returns. LedgerError for what SQLite and the file system say against it."""
        work = asyncio.get_running_loop().run_in_executor(self._executor, _guard, self._path, function, arguments)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            # A commit that has begun ends before the cancellation goes on, or nobody would know what it said.
            await run_shielded(work)
            raise

    def shutdown(self) -> None:
        """End the thread, once its work is done."""
        self._executor.shutdown()


def _guard(path: Path, function: Callable[[*Ts], T], arguments: tuple[*Ts]) -> T:
    try:
        return function(*arguments)
    except sqlite3.Error as error:
        raise LedgerError(f"{path}{said(error)}") from error
    except OSError as error:
        raise LedgerError(f"{path}: {error.strerror or error}") from error
