"""Pauses of a run in its ledger, and who asked for what.

Lives here: the statements, and what a run calls. Only the process that holds a ledger writes it; others ask it by `requests`.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from rumbleup_async.ledger import requests
from rumbleup_async.ledger.beginning import note_audit
from rumbleup_async.ledger.held_file import HeldFile
from rumbleup_async.ledger.thread import LedgerThread
from rumbleup_async.pauses import Pause, Request, Wish


def current(db: sqlite3.Connection) -> Pause | None:
    """The pause that holds; None if none does, as in a ledger of an older version."""
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'pause'").fetchone():
        return None
    found = db.execute("SELECT began, who, why FROM pause WHERE ended IS NULL ORDER BY began DESC LIMIT 1").fetchone()
    return None if found is None else Pause(*found)


def heed(db: sqlite3.Connection, request: Request) -> None:
    """Within a transaction: do what is asked for, and note who asked. A pause that holds stays as it is; a stop is only noted."""
    if request.what is Wish.PAUSE and current(db) is None:
        db.execute(
            "INSERT INTO pause VALUES (max(?, (SELECT coalesce(max(began), 0) + 1 FROM pause)), NULL, ?, ?)",
            (request.at, request.who, request.why),
        )
    elif request.what is Wish.CONTINUE:
        db.execute("UPDATE pause SET ended = max(?, began) WHERE ended IS NULL", (request.at,))
    if not is_heeded(db, request):
        values = (request.at, request.who, str(request.what), request.why or None)
        db.execute("INSERT INTO audit (time, who, what, detail) VALUES (?, ?, ?, ?)", values)


def is_heeded(db: sqlite3.Connection, request: Request) -> bool:
    """Whether this very request is in the books."""
    found = "SELECT 1 FROM audit WHERE time = ? AND who = ? AND what = ? LIMIT 1"
    return db.execute(found, (request.at, request.who, str(request.what))).fetchone() is not None


class Pauses:
    """Fits `engine.ports.Pauses`: those of a ledger on SQLite. `now`: the pause that holds."""

    is_shared = True

    def __init__(self, file: HeldFile, thread: LedgerThread) -> None:
        self._file = file
        self._thread = thread
        self._seen = 0
        """Bytes of the requests that were handed out last."""
        self.now: Pause | None = None

    def look(self) -> None:
        """In the ledger's thread: find out whether the run is paused."""
        self.now = current(self._file.db)

    async def heed(self, request: Request) -> None:
        """Do it, durably."""
        await self._thread.run(self._heed, request)

    async def asked(self) -> list[Request]:
        """What other processes ask for; `answered` once it was heeded. A stop that was meant for another process is left out."""
        return await self._thread.run(self._read) if self._path_of_requests.exists() else []

    async def answered(self) -> None:
        """All that `asked` has told last is heeded."""
        await self._thread.run(requests.done, self._file.path, self._seen)

    async def note(self, what: str, detail: str) -> None:
        """Keep in the audit that somebody does this now, durably. No phone and no text belongs into `detail`."""
        await self._thread.run(self._note, what, detail)

    def _note(self, what: str, detail: str) -> None:
        with self._file.transaction():
            note_audit(self._file, what, detail)

    @property
    def _path_of_requests(self) -> Path:
        return requests.name_of(self._file.path)

    def _heed(self, request: Request) -> None:
        with self._file.transaction() as db:
            heed(db, request)
        self.look()

    def _read(self) -> list[Request]:
        found, self._seen = requests.read(self._file.path)
        return [one for one in found if one.what is not Wish.STOP or one.opened == self._file.opened]


class MemoryPauses:
    """Fits `engine.ports.Pauses`: of a run that no other process can see."""

    is_shared = False

    def __init__(self) -> None:
        self.now: Pause | None = None

    async def heed(self, request: Request) -> None:
        """Do it."""
        if request.what is Wish.PAUSE:
            self.now = self.now or Pause(request.at, request.who, request.why)
        elif request.what is Wish.CONTINUE:
            self.now = None

    async def asked(self) -> list[Request]:
        """Nobody can ask."""
        return []

    async def answered(self) -> None: ...
