"""Texts that somebody sends to phones of their own before a run: what a ledger knows of them. None of them is a contact of it.

Lives here: the first text of the queue, and the money that tests have cost, of a ledger on SQLite and of one in memory.
"""

from __future__ import annotations

from typing import Final, Protocol

from rumbleup_async.ledger.contacts import Contacts
from rumbleup_async.ledger.run_file import RunFile
from rumbleup_async.ledger.thread import LedgerThread
from rumbleup_async.messaging import Planned, State, Text

ABOUT_TO_LEAVE: Final = ": about to leave"
"""How the note of a test text ends that is written before the wire."""
_NOBODY = 0
"""In place of an owner: what tests have cost was spent by none of those who open entries."""


class Trials:
    """Fits `engine.ports.Trials`: of a ledger on SQLite."""

    def __init__(self, run: RunFile, thread: LedgerThread) -> None:
        self._run = run
        self._thread = thread

    async def first(self) -> Text | None:
        """The first contact that is queued."""
        return await self._thread.run(self._first)

    async def is_open(self, about: str) -> bool:
        """As `engine.ports.Trials`."""
        return await self._thread.run(self._is_open, about)

    def _is_open(self, about: str) -> bool:
        statement = "SELECT detail FROM audit WHERE what = 'test' AND substr(detail, 1, ?) = ? ORDER BY id DESC LIMIT 1"
        found = self._run.file.db.execute(statement, (len(about), about)).fetchone()
        return found is not None and found[0].endswith(ABOUT_TO_LEAVE)

    async def spend(self, amount: int) -> None:
        """So many micro-dollars more, durably."""
        await self._thread.run(self._spend, amount)

    def _first(self) -> Text | None:
        found = self._run.file.db.execute(
            "SELECT row, phone, coalesce(text, ?), segments, place FROM contact WHERE state = 0 ORDER BY row LIMIT 1",
            (self._run.same_text or "",),
        ).fetchone()
        return None if found is None else Text(found[0], found[1], found[2], segments=found[3], place=found[4])

    def _spend(self, amount: int) -> None:
        with self._run.file.transaction() as db:
            db.execute(
                """INSERT INTO reservation VALUES (?, 'paid', ?)
                ON CONFLICT DO UPDATE SET amount = max(0, amount + excluded.amount)""",
                (_NOBODY, amount),
            )


class Purse(Protocol):
    """Where a ledger in memory counts its money: `paid`, in micro-dollars."""

    paid: int
    contacts: Contacts


class MemoryTrials:
    """Fits `engine.ports.Trials`: of a ledger in memory. `prices`: where its money is counted."""

    def __init__(self, prices: Purse) -> None:
        self._prices = prices

    async def first(self) -> Text | None:
        """The first contact that is queued."""
        queued = (one.planned for one in self._contacts.entries.values() if one.state is State.QUEUED)
        first = min((one for one in queued if isinstance(one, Planned)), key=lambda one: one.row, default=None)
        return None if first is None else Text(first.row, first.phone, first.text, segments=first.segments, place=first.place)

    async def is_open(self, about: str) -> bool:  # noqa: ARG002 - what died with its process is not in memory
        """As `engine.ports.Trials`."""
        return False

    async def spend(self, amount: int) -> None:
        """So many micro-dollars more."""
        self._prices.paid += amount

    @property
    def _contacts(self) -> Contacts:
        return self._prices.contacts
