"""Contacts that a provider hands out one by one, in a ledger on SQLite: who is new, who comes again, who is texted already.

Lives here: statements within a transaction of the writer's. Nearly always everybody who was drawn is new; then one statement of
a constant text takes them in and opens them, whatever their number, and nobody is asked for first: sqlite3 gives the GIL away
at each statement, and reads one of another text anew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence

import msgspec

from rumbleup_async.ledger import states, stepping, taking_in
from rumbleup_async.messaging import Planned, Result, Skipped, State, Text
from rumbleup_async.reasons import NO_REASON, Reason, duplicate

_OPEN_NEW = f"""
INSERT INTO contact (row, phone, text, name, segments, place, state, owner, time)
SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), nullif(json_extract(value, '$[2]'), ?2),
    json_extract(value, '$[3]'),
    json_extract(value, '$[4]'), json_extract(value, '$[5]'), {states.NUMBERS[State.INTENT]}, ?3, ?4
FROM json_each(?1) WHERE true
ON CONFLICT (phone) WHERE screened IS NULL DO NOTHING"""  # noqa: S608 - of constants

Known = tuple[int, State, int]
_NOBODY: Known = 0, State.QUEUED, 0


def open_new(
    db: sqlite3.Connection, drawn: Sequence[Planned | Skipped], same_text: str | None, owner: int, now: int
) -> list[Text] | None:
    """Take all of these in and open them for this owner. None, and nothing is done, unless each of them is new and is texted.
    `now`: Unix milliseconds."""
    planned = [row for row in drawn if isinstance(row, Planned) and not row.kind and row.kept is None]
    if len(planned) < len(drawn):
        return None
    values = [(row.row, row.phone, row.text, row.name, row.segments, row.place) for row in planned]
    try:
        rows = msgspec.json.encode(values).decode()
    except UnicodeEncodeError:
        return None
    if "\\u0000" in rows:
        return None  # SQLite ends a text from JSON there
    if db.execute(_OPEN_NEW, (rows, same_text, owner, now)).rowcount == len(planned):
        return [Text(row.row, row.phone, row.text, row.name, 0, NO_REASON, row.segments, row.place) for row in planned]
    # Somebody is known already. These rows are all of this very step.
    db.execute("DELETE FROM contact WHERE row IN (SELECT value FROM json_each(?))", (_rows_of(planned),))
    return None


def _rows_of(planned: Sequence[Planned]) -> str:
    return msgspec.json.encode([row.row for row in planned]).decode()


class Claimed:
    """What becomes of contacts that were just drawn: the answers in their order, and what is to be written for them."""

    __slots__ = ("again", "answers", "new", "put_off", "waiting")

    def __init__(
        self,
        known: Mapping[str, Known],
        drawn: Sequence[Planned | Skipped],
        is_stale: Callable[[int], bool],
        waits: Mapping[int, Reason],
    ) -> None:
        """`known`: row, state and attempts of those phones of `drawn` that the ledger has. `is_stale`: whether a contact that was
        absent from the log was looked up too long ago, by its row. `waits`: why contacts of these rows are not opened now."""
        self.answers: list[Text | Result] = []
        self.new: list[Planned | Skipped] = []
        self.again: list[Text] = []
        self.put_off: list[tuple[int, Reason]] = []
        """The rows of contacts that are queued now, and why they wait."""
        self.waiting: list[Planned | Skipped] = []
        """Those of them that are new."""
        known = dict(known)
        for row in drawn:
            first, state, attempts = known.get(row.phone, _NOBODY) if isinstance(row, Planned) else _NOBODY
            if isinstance(row, Planned) and (not first or (state is State.QUEUED and not is_stale(first))):
                if why := waits.get(row.row):
                    known[row.phone] = (first or row.row, State.QUEUED, attempts)
                    self.put_off.append((first or row.row, why))
                    self.answers.append(Result(first or row.row, row.phone, State.NOT_SENT, why, "", attempts))
                    if not first:
                        self.waiting.append(row)
                    continue
                known[row.phone] = (first or row.row, State.INTENT, attempts)
                text = Text(first or row.row, row.phone, row.text, row.name, attempts, NO_REASON, row.segments, row.place)
                self.answers.append(text)
                if first:
                    self.again.append(text)
                else:
                    self.new.append(row)
                continue
            skipped = row if isinstance(row, Skipped) else Skipped(row.row, row.phone, duplicate(first))
            self.new.append(skipped)
            self.answers.append(Result(skipped.row, skipped.phone, State.SKIPPED, skipped.why))

    @property
    def opened(self) -> list[Text]:
        """Those of the answers that are opened."""
        return [answer for answer in self.answers if isinstance(answer, Text)]

    def write(self, db: sqlite3.Connection, same_text: str | None, owner: int, now: int) -> None:
        """Take the new ones in and open whoever is texted, for this owner. `now`: Unix milliseconds."""
        taking_in.insert(db, self.new, same_text, intent=(owner, now))
        if self.put_off:
            taking_in.insert(db, self.waiting, same_text)
            stepping.wait(db, self.put_off)
        for text in self.again:
            db.execute(
                """UPDATE contact SET state = 1, text = ?, name = ?, segments = ?, detail = NULL, code = NULL, time = ?,
                owner = ?, place = ? WHERE row = ?""",
                (text.text, text.name, text.segments, now, owner, text.place, text.row),
            )


def known_of(db: sqlite3.Connection, drawn: Sequence[Planned | Skipped]) -> dict[str, Known]:
    """Row, state and attempts of the phones that the ledger has."""
    phones = [row.phone for row in drawn if isinstance(row, Planned)]
    marks = ",".join("?" * len(phones))
    found = db.execute(
        f"SELECT phone, row, state, attempts FROM contact WHERE screened IS NULL AND phone IN ({marks})",  # noqa: S608
        phones,
    )
    return {phone: (row, states.BY_NUMBER[state], attempts) for phone, row, state, attempts in found.fetchall()}
