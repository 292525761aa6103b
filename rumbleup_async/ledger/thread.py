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
from typing import Any, Final, Protocol, TypeVar, TypeVarTuple

from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger.files import said
from rumbleup_async.shielding import run_shielded

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
F = TypeVar("F", bound=Callable[..., Any])

_IDLE: Final = 0.5
"""Seconds after which what is noted beside the ledger is carried over, so that others see it where no step follows."""


class Beside(Protocol):
    """What is noted beside a ledger: the journal."""

    @property
    def is_behind(self) -> bool: ...

    def fold(self) -> None: ...


def beside_journal(function: F) -> F:
    """What is marked so may find steps in the journal that are not in the ledger yet; see `journal`."""
    vars(function)["is_beside_journal"] = True
    return function


class LedgerThread:
    """Runs what it is given one after the other. `path`: of the ledger, which an error names. What is noted in `beside` is
    carried over first, unless a function can do without."""

    def __init__(self, path: Path, beside: Beside | None = None) -> None:
        self._path = path
        self._beside = beside
        self._idle: asyncio.TimerHandle | None = None
        self.has_failed = False
        """Something ended in an error, maybe behind its commit: what is known of the ledger may not be what is in it."""
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="ledger")

    async def run(self, function: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """What the function returns. LedgerError for what SQLite and the file system say against it."""
        loop, beside = asyncio.get_running_loop(), self._beside
        if beside is None or getattr(function, "is_beside_journal", False):
            work = loop.run_in_executor(self._executor, self._guard, function, arguments)
        else:
            work = loop.run_in_executor(self._executor, self._guard, _after(beside, function), arguments)
        try:
            done = await asyncio.shield(work)
        except asyncio.CancelledError:
            # A commit that has begun ends before the cancellation goes on, or nobody would know what it said.
            await run_shielded(work)
            raise
        if self._idle is None and beside is not None and beside.is_behind:
            self._idle = loop.call_later(_IDLE, self._carry_over, beside)
        return done

    def _guard(self, function: Callable[[*Ts], T], arguments: tuple[*Ts]) -> T:
        try:
            return function(*arguments)
        except BaseException as error:
            self.has_failed = True
            if isinstance(error, sqlite3.Error):
                raise LedgerError(f"{self._path}{said(error)}") from error
            if isinstance(error, OSError):
                raise LedgerError(f"{self._path}: {error.strerror or error}") from error
            raise

    def _carry_over(self, beside: Beside) -> None:
        self._idle = None
        work = asyncio.get_running_loop().run_in_executor(self._executor, beside.fold)
        work.add_done_callback(_let_be)  # what fails in it fails again in what comes next, which is told

    def shutdown(self) -> None:
        """End the thread, once its work is done."""
        if self._idle is not None:
            self._idle.cancel()
        self._executor.shutdown()


def _let_be(work: asyncio.Future[None]) -> None:
    if not work.cancelled():
        work.exception()


def _after(beside: Beside, function: Callable[[*Ts], T]) -> Callable[[*Ts], T]:
    def after(*arguments: *Ts) -> T:
        beside.fold()
        return function(*arguments)

    return after
