"""What a ledger does for the canary of its run: it draws lots among the queued, and counts what is heard of those it has texted.

Lives here: the statements, and what a run calls. The tables are there only in a ledger whose run has a canary; an older version
does not know them.

`lot`: contacts that were drawn to go first. `heard`: of whom was heard what, each contact once for each.
"""

from __future__ import annotations

import math
import random
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from rumbleup_async.ledger.contacts import Contacts, Entry
from rumbleup_async.ledger.memory_queue import MemoryQueue
from rumbleup_async.ledger.run_file import RunFile
from rumbleup_async.ledger.thread import LedgerThread
from rumbleup_async.messaging import Planned, State

Heard = Sequence[tuple[str, str]]
"""Phones, each with the logid of the text that is meant; "" for whatever text of this run."""

_TABLES = (
    "CREATE TABLE IF NOT EXISTS lot (row INTEGER PRIMARY KEY)",
    "CREATE TABLE IF NOT EXISTS heard (what TEXT NOT NULL, row INTEGER NOT NULL, PRIMARY KEY (what, row)) WITHOUT ROWID",
)

_FRESH: Final = "state = 0 AND attempts = 0 AND code IS NULL AND row NOT IN (SELECT row FROM waiting)"
"""Who was never tried, and is not put off."""

_TRIES: Final = 12
"""So often rows are drawn by their number before all are looked through: a list of which most were sent has few left."""


def heard_of(db: sqlite3.Connection) -> dict[str, int]:
    """Of how many contacts each thing was heard."""
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'heard'").fetchone():
        return {}
    return dict(db.execute("SELECT what, count(*) FROM heard GROUP BY what").fetchall())


class Trial:
    """Fits `engine.ports.Trial`: of a ledger on SQLite."""

    def __init__(self, run: RunFile, thread: LedgerThread) -> None:
        self._run = run
        self._thread = thread

    @property
    def waiting(self) -> int:
        """Contacts that were drawn and have not been opened yet, in this process."""
        return self._run.queue.lots

    @property
    def is_drawing(self) -> bool:
        """Whether nobody is opened but those who were drawn."""
        return self._run.queue.is_drawn

    async def begin(self) -> Mapping[str, int]:
        """Make ready. What was heard so far: of how many contacts what."""
        return await self._thread.run(self._begin)

    async def draw(self, number: int, seed: str, now: float, shut: Mapping[int, float]) -> int:
        """Have so many contacts go, drawn by chance among those whose places are open. How many there are; see `engine.ports`."""
        return await self._thread.run(self._draw, number, seed, now, shut)

    async def texted(self) -> list[str]:
        """The phones of those who were drawn and have been texted, or may have been."""
        return await self._thread.run(self._texted)

    async def hear(self, what: str, phones: Heard) -> Mapping[str, int]:
        """Note this of those of these phones that the run has texted, durably, each once. As `begin`."""
        return await self._thread.run(self._hear, what, phones)

    # ---- in the ledger's thread ----

    def _begin(self) -> dict[str, int]:
        with self._run.file.transaction() as db:
            for table in _TABLES:
                db.execute(table)
        return heard_of(self._run.file.db)

    def _draw(self, number: int, seed: str, now: float, shut: Mapping[int, float]) -> int:
        db = self._run.file.db
        if not number:
            self._run.queue.put_lots([])
            return 0
        drawn = db.execute(f"SELECT row, place FROM lot JOIN contact USING (row) WHERE {_FRESH} ORDER BY row").fetchall()  # noqa: S608
        rows = [row for row, place in drawn if now < shut.get(place, math.inf)][:number]
        if len(rows) < number:
            already = db.execute("SELECT count(*) FROM lot").fetchone()[0]
            new = self._chosen(number - len(rows), random.Random(f"{seed} {already}"), now, shut)
            if new:
                with self._run.file.transaction() as writing:
                    writing.execute("INSERT INTO lot SELECT value FROM json_each(?)", (msgspec.json.encode(new).decode(),))
            rows += new
        self._run.queue.put_lots(rows)
        return len(rows)

    def _chosen(self, number: int, chance: random.Random, now: float, shut: Mapping[int, float]) -> list[int]:
        """So many rows by chance, of contacts that are fresh and open and not drawn yet; fewer if there are not so many."""
        db, last = self._run.file.db, self._run.last_row
        which = f"{_FRESH} AND row NOT IN (SELECT row FROM lot)"  # noqa: S608 - of constants
        found: dict[int, None] = {}
        for _ in range(_TRIES):
            some = [chance.randint(0, last) for _ in range(max(64, 2 * number))]
            places = dict(
                db.execute(
                    f"SELECT row, place FROM contact WHERE row IN (SELECT value FROM json_each(?)) AND {which}",  # noqa: S608
                    (msgspec.json.encode(some).decode(),),
                ).fetchall()
            )
            # In the order in which they were drawn, not in that of the list.
            for row in some:
                if row in places and now < shut.get(places[row], math.inf):
                    found[row] = None
                if len(found) == number:
                    return list(found)
        every = db.execute(f"SELECT row, place FROM contact WHERE {which} ORDER BY row")  # noqa: S608
        rows = [row for row, place in every if now < shut.get(place, math.inf) and row not in found]
        return [*found, *chance.sample(rows, min(number - len(found), len(rows)))]

    def _texted(self) -> list[str]:
        found = self._run.file.db.execute("SELECT phone FROM lot JOIN contact USING (row) WHERE state IN (1, 2, 6)")
        return [phone for (phone,) in found]

    def _hear(self, what: str, phones: Heard) -> dict[str, int]:
        with self._run.file.transaction() as db:
            db.execute(
                """INSERT OR IGNORE INTO heard SELECT ?1, c.row FROM json_each(?2) AS e JOIN contact AS c
                ON c.phone = json_extract(e.value, '$[0]') AND c.screened IS NULL
                WHERE c.state IN (1, 2, 6) AND json_extract(e.value, '$[1]') IN ('', c.logid)""",
                (what, msgspec.json.encode(phones).decode()),
            )
        return heard_of(self._run.file.db)


class MemoryTrial:
    """Fits `engine.ports.Trial`: of a ledger in memory."""

    def __init__(self) -> None:
        self._contacts = Contacts()
        self._queue: MemoryQueue | None = None
        self._lots: set[int] = set()
        self._heard: dict[str, set[int]] = {}

    def of(self, contacts: Contacts, queue: MemoryQueue) -> None:
        """Whose canary it is."""
        self._contacts, self._queue = contacts, queue
        self._lots.clear()
        self._heard.clear()

    @property
    def waiting(self) -> int:
        """As `Trial`."""
        return 0 if self._queue is None else self._queue.lots

    @property
    def is_drawing(self) -> bool:
        """As `Trial`."""
        return self._queue is not None and self._queue.is_drawn

    async def begin(self) -> Mapping[str, int]:
        """As `Trial`."""
        return {what: len(rows) for what, rows in self._heard.items()}

    async def draw(self, number: int, seed: str, now: float, shut: Mapping[int, float]) -> int:
        """As `Trial`."""
        assert self._queue is not None  # noqa: S101 - set with the ledger
        fresh = [row for row, entry in self._contacts.after(-1) if self._is_fresh(row, entry, now, shut)]
        again = [row for row in fresh if row in self._lots][:number]
        others = [row for row in fresh if row not in self._lots]
        chance = random.Random(f"{seed} {len(self._lots)}")
        rows = [*again, *chance.sample(others, min(number - len(again), len(others)))]
        self._lots.update(rows)
        self._queue.put_lots(rows)
        return len(rows)

    def _is_fresh(self, row: int, entry: Entry, now: float, shut: Mapping[int, float]) -> bool:
        planned = entry.planned
        is_new = entry.state is State.QUEUED and not entry.attempts and not entry.why
        if not (is_new and isinstance(planned, Planned)) or self._queue is None or self._queue.is_put_off(row):
            return False
        return now < shut.get(planned.place, math.inf)

    async def texted(self) -> list[str]:
        """As `Trial`."""
        entries = (self._contacts.entries[row] for row in sorted(self._lots))
        return [entry.planned.phone for entry in entries if entry.state in _TEXTED]

    async def hear(self, what: str, phones: Heard) -> Mapping[str, int]:
        """As `Trial`."""
        rows = self._heard.setdefault(what, set())
        for phone, logid in phones:
            row = self._contacts.first_row.get(phone)
            if row is not None and (entry := self._contacts.entries[row]).state in _TEXTED and logid in ("", entry.logid):
                rows.add(row)
        return await self.begin()


_TEXTED: Final = (State.INTENT, State.SENT, State.UNKNOWN)
