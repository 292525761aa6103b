"""How a book of people is opened, by several who use it in one process, and who waits for its disk.

Lives here: the part of a book that knows nothing of what stands in it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar, TypeVarTuple

from rumbleup_async.people.file import PATIENCE, BookFile
from rumbleup_async.people.marks import Marks
from rumbleup_async.shielding import run_shielded

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class OpenBook:
    """A book that can be opened and let go of; `path` and the others are those of `Book`."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        key: str | None = None,
        patience: float = PATIENCE,
        makes_folder: bool = False,
    ) -> None:
        self.path = Path(path)
        self._marks = Marks(key)
        self._file = BookFile(self.path, self._marks, patience=patience, makes_folder=makes_folder)
        self._thread: ThreadPoolExecutor | None = None
        self._users = 0

    def __repr__(self) -> str:
        return f"Book({str(self.path)!r})"

    @property
    def where(self) -> str:
        """As people may be shown it."""
        return str(self.path)

    @property
    def is_plain(self) -> bool:
        """Whether the file holds phones, and not what a key makes of them."""
        return self._marks.is_plain

    # ---- opening ----

    def open_now(self) -> None:
        """Open the book, or count one more who uses it. Each is to `close_now()` it once."""
        if not self._users:
            self._file.open()
        self._users += 1

    def close_now(self) -> None:
        """Let go of the book once its last user has."""
        self._users = max(0, self._users - 1)
        if not self._users:
            self._file.close()

    async def open(self) -> None:
        """As `open_now`."""
        await self._in_thread(self.open_now)

    async def aclose(self) -> None:
        """As `close_now`."""
        await self._in_thread(self.close_now)
        if not self._users and self._thread is not None:
            self._thread.shutdown(wait=False)
            self._thread = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await run_shielded(self.aclose())

    async def _in_thread(self, function: Callable[[*Ts], T], *arguments: *Ts) -> T:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="book")
        work = asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            # A commit that has begun ends before the cancellation goes on, or nobody would know what it said.
            await run_shielded(work)
            raise
