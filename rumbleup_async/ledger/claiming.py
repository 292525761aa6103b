"""Contacts that a provider hands out one by one, in a ledger on SQLite: who is new, who comes again, who is texted already.

Lives here: statements within a transaction of the writer's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence

from rumbleup_async.ledger import states, stepping, taking_in
from rumbleup_async.messaging import Planned, Result, Skipped, State, Text
from rumbleup_async.reasons import NO_REASON, Reason, duplicate

Known = tuple[int, State, int]
_NOBODY: Known = 0, State.QUEUED, 0


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
