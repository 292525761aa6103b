"""Who is opened next: the queued contacts of a ledger on SQLite, read ahead of their intents.

Lives here: reading only; what is written with a step stands in `stepping`.

A contact has one of two reasons to wait. Its place may be shut, which many contacts share and which comes in from outside with
every step. Or it was put off by itself, until a time that is kept in a small table. Everybody else is read in the order of the
list, by a cursor that only goes forward.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping, Sequence

import msgspec

from rumbleup_async.ledger.keeping_reasons import OF_TEXT, known
from rumbleup_async.ledger.queues import Queues
from rumbleup_async.messaging import Text

_AHEAD = 512
"""Queued rows read ahead of their intents."""

_decode = msgspec.json.Decoder(list[Text]).decode


def _texts(answer: str) -> list[Text]:
    return [msgspec.structs.replace(text, why=known(text.why)) if text.why else text for text in _decode(answer)]


_VALUES = {
    **{name: name for name in Text.__struct_fields__ if name not in {"until", "since"}},  # which no ledger keeps
    "text": "coalesce(text, ?1)",
    "why": OF_TEXT,
}
_COLUMNS = f"json_group_array(json_array({', '.join(_VALUES.values())}))"
"""The texts as JSON, each a list of its values in their order, which takes less time than an object with their names."""
_ROWS = "row, phone, text, name, attempts, code, detail, segments, place"


class Queue:
    """The queued contacts, in the order in which they are to be opened. It must be told what else changes the queue."""

    def __init__(self) -> None:
        self.same_text = ""
        self.asked: set[int] = set()
        """Rows of texts that were taken, and of which it is not decided yet whether they are opened."""
        self._queues: Queues[Text] = Queues(self._fill)
        self._cursors: dict[int, int] = {}
        """Up to which row each place has been read."""
        self._before = 0
        """Up to this row nobody is queued."""
        self._places: set[int] = set()
        """Places that contacts have, 0 left out."""
        self._is_read = False
        """It is known which places there are, and who was put off."""
        self._drawn: set[int] = set()
        """Rows that were drawn by lot: the cursors pass them over."""
        self._db: sqlite3.Connection | None = None

    def reset(self, db: sqlite3.Connection, first: int) -> None:
        """Begin anew at this row, as contacts behind the cursor were queued. Nobody is queued before it."""
        self._db = db
        self._before = first - 1
        self._is_read = False
        self._cursors.clear()
        self._drawn.clear()
        self._queues.clear({})

    def came_in(self, places: Collection[int]) -> None:
        """Contacts of these places were added at the end."""
        self._places.update(place for place in places if place)
        for place in places:
            self._queues.of(place)  # it is not empty any more

    def put_off(self, until: Mapping[int, float]) -> None:
        """These rows wait until then (Unix seconds), as the table says from now on."""
        if until:
            self._queues.put_off(until)

    def give_back(self, texts: Sequence[Text]) -> None:
        """Texts that were taken and not opened come first again."""
        self._queues.put_first(texts)
        self.asked.difference_update(text.row for text in texts)

    @property
    def lots(self) -> int:
        """How many were drawn to go first, and are still here."""
        return len(self._queues.lots)

    @property
    def is_drawn(self) -> bool:
        """Whether only those go who were drawn."""
        return self._queues.is_drawn

    def put_lots(self, rows: Sequence[int]) -> None:
        """These queued contacts go before all others, in this order; whoever was drawn before is not."""
        self._read()
        rows_ = msgspec.json.encode(rows).decode()
        texts = {text.row: text for text in self._select("row IN (SELECT value FROM json_each(?2))", rows_, len(rows))}
        self._drawn.update(rows)
        self._queues.put_lots([texts[row] for row in rows if row in texts])

    def take(self, want: int, now: float, shut: Mapping[int, float]) -> list[Text]:
        """The next texts to be opened, at most `want`."""
        if want <= 0:
            return []
        self._read()
        if rows := self._queues.wake(now):
            which = "row IN (SELECT value FROM json_each(?2))"
            awake = self._select(which, msgspec.json.encode(rows).decode(), len(rows))
            self._queues.put_first([text for text in awake if text.row not in self.asked])
        return self._queues.take(want, now, shut, self._places)

    def next_due(self) -> float | None:
        """When the next of those who were put off is due; None if nobody was."""
        return self._queues.next_due()

    def shut_places(self, now: float, shut: Mapping[int, float]) -> frozenset[int]:
        """The places that have queued contacts and are shut now."""
        return self._queues.shut_places(now, shut, self._places)

    def _select(self, which: str, value: int | str, limit: int) -> list[Text]:
        assert self._db is not None  # noqa: S101 - set on opening
        found = self._db.execute(
            f"""SELECT {_COLUMNS} FROM (SELECT {_ROWS} FROM contact WHERE {which} AND state = 0 ORDER BY row LIMIT ?3)""",  # noqa: S608
            (self.same_text, value, limit),
        )
        return _texts(found.fetchone()[0])

    def _fill(self, place: int, want: int) -> None:
        """Read ahead, unless enough of this place are at hand."""
        queue = self._queues.of(place)
        if len(queue) >= want:
            return
        # A place that is not 0 is looked for by the index, which knows no others.
        which = "row > ?2 AND place = 0" if place == 0 else f"row > ?2 AND place = {place:d} AND place != 0"
        if self._queues.until:
            which += " AND row NOT IN (SELECT row FROM waiting)"
        while read := self._select(which, cursor := self._cursors.get(place, self._before), max(_AHEAD, want) - len(queue)):
            self._cursors[place] = read[-1].row
            queue.extend(text for text in read if text.row not in self.asked and text.row not in self._drawn)
            if queue:
                return
        # Nothing is queued from here to the end; not to be looked through again with every row that a feed adds.
        assert self._db is not None  # noqa: S101 - it has just been read
        last = self._db.execute("SELECT coalesce(max(row), 0) FROM contact").fetchone()[0]
        self._cursors[place] = max(cursor, last)

    def _read(self) -> None:
        """Find out what places there are, and who was put off."""
        if self._is_read or self._db is None:
            return
        db = self._db
        # CROSS: left to itself SQLite looks through all contacts for the few that wait.
        found = db.execute("SELECT waiting.row, due FROM waiting CROSS JOIN contact USING (row) WHERE state = 0").fetchall()
        self._queues.clear(dict(found))
        self._places = set()
        # One look-up a place, however many contacts it has.
        next_place = "SELECT min(place) FROM contact WHERE place != 0 AND place > ?"
        place: int | None = 0
        while (place := db.execute(next_place, (place,)).fetchone()[0]) is not None:
            self._places.add(place)
        self._is_read = True
