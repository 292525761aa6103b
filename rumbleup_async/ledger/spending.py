"""What a ledger knows of the money of its run.

Lives here: the statements, and what a run calls. Prices are kept from the moment on at which somebody has asked for them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

import msgspec

from rumbleup_async.ledger.contacts import Contacts, Entry
from rumbleup_async.ledger.run_file import RunFile
from rumbleup_async.ledger.thread import LedgerThread
from rumbleup_async.ledger.trials import MemoryTrials, Trials
from rumbleup_async.messaging import Closed, Planned, State
from rumbleup_async.money import Money

_LEFT = (State.INTENT, State.SENT, State.UNKNOWN)
"""States of texts that have left, or may have."""


_NOTE = """WITH told AS MATERIALIZED (
    SELECT sum(price) AS paid, sum(parts) AS segments, max((price + parts - 1) / parts) AS dearest FROM
        (SELECT max(segments, 1) AS parts, json_extract(value, '$[1]') AS price
         FROM json_each(?1) JOIN contact ON row = json_extract(value, '$[0]')))
INSERT INTO reservation SELECT ?2, what, amount FROM (
    SELECT 'paid' AS what, paid AS amount FROM told UNION ALL SELECT 'segments', segments FROM told
    UNION ALL SELECT 'dearest', dearest FROM told) WHERE true
ON CONFLICT DO UPDATE SET amount = CASE what WHEN 'dearest' THEN max(amount, excluded.amount) ELSE amount + excluded.amount END"""
"""In one statement: Python's sqlite3 gives the GIL away at each."""


def known(db: sqlite3.Connection) -> Money:
    """What is known of the money. Goes through all contacts."""
    reserved, most = db.execute(
        "SELECT sum(max(segments, 1)) FILTER (WHERE state IN (1, 2, 6)), max(segments) FROM contact"
    ).fetchone()
    return msgspec.structs.replace(paid(db), reserved=reserved or 0, most=max(1, most or 1))


def paid(db: sqlite3.Connection) -> Money:
    """What answers have named as prices."""
    found = db.execute("SELECT what, sum(amount) FROM reservation WHERE what IN ('paid', 'segments') GROUP BY what")
    kept = dict(found.fetchall())
    dearest = db.execute("SELECT max(amount) FROM reservation WHERE what = 'dearest'").fetchone()[0]
    return Money(kept.get("paid", 0), kept.get("segments", 0), dearest or 0)


def since(db: sqlite3.Connection, moment: float) -> Money:
    """What has left since this Unix second, or may have: of what is in doubt nobody may know when. Goes through all contacts."""
    reserved, most = db.execute(
        """SELECT sum(max(segments, 1)) FILTER (WHERE state IN (1, 2, 6) AND (coalesce(time, 0) = 0 OR time >= ?)), max(segments)
        FROM contact""",
        (int(moment * 1000),),
    ).fetchone()
    return Money(reserved=reserved or 0, most=max(1, most or 1))


def note(db: sqlite3.Connection, owner: int, prices: Mapping[int, int]) -> None:
    """Within the transaction of a step: what the texts of these rows have cost, in micro-dollars."""
    db.execute(_NOTE, (msgspec.json.encode(list(prices.items())).decode(), owner))


class Ledgered:
    """Fits `engine.ports.Prices`: of a ledger on SQLite."""

    def __init__(self, run: RunFile, thread: LedgerThread) -> None:
        self._run = run
        self._thread = thread
        self.trials = Trials(run, thread)

    async def known(self) -> Money:
        """What is known so far; from now on the prices of answers are kept."""
        return await self._thread.run(self._known)

    async def since(self, moment: float) -> Money:
        """As `engine.ports.Prices`."""
        return await self._thread.run(lambda: since(self._run.file.db, moment))

    def _known(self) -> Money:
        self._run.keeps_prices = True
        return known(self._run.file.db)


class Remembered:
    """Fits `engine.ports.Prices`: of a ledger in memory."""

    def __init__(self) -> None:
        self.contacts = Contacts()
        self.trials = MemoryTrials(self)
        self.paid = self._segments = self._dearest = 0
        self._is_kept = False

    def of(self, contacts: Contacts) -> None:
        """Whose prices they are."""
        self.contacts = contacts

    def note(self, done: Sequence[Closed]) -> None:
        """These are closed."""
        for close in done if self._is_kept else ():
            if close.state is State.SENT and close.price:
                segments = _segments(self.contacts.entries[close.row])
                self.paid += close.price
                self._segments += segments
                self._dearest = max(self._dearest, -(-close.price // segments))

    async def known(self) -> Money:
        """What is known so far; from now on the prices of answers are kept."""
        self._is_kept = True
        entries = self.contacts.entries.values()
        reserved = sum(_segments(entry) for entry in entries if entry.state in _LEFT)
        most = max((_segments(entry) for entry in entries), default=1)
        return Money(self.paid, self._segments, self._dearest, reserved, max(1, most))

    async def since(self, moment: float) -> Money:
        """As `engine.ports.Prices`."""
        entries = self.contacts.entries.values()
        left = [entry for entry in entries if entry.state in _LEFT and (not entry.time or entry.time >= moment * 1000)]
        return Money(reserved=sum(map(_segments, left)), most=max((_segments(entry) for entry in entries), default=1))


def _segments(entry: Entry) -> int:
    return max(1, entry.planned.segments) if isinstance(entry.planned, Planned) else 1
