"""How contacts get into a ledger on SQLite: rows of a list as they come, and whoever is drawn.

Lives here: statements within a transaction of the writer's. What only the load of a whole list does stands in `loading`.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from rumbleup_async.ledger import carrying
from rumbleup_async.ledger.contacts import holds
from rumbleup_async.ledger.loading import Coming
from rumbleup_async.ledger.states import NUMBERS
from rumbleup_async.messaging import Planned, Skipped, State
from rumbleup_async.reasons import Code, duplicate

CHUNK = 1000
"""Rows a statement carries at most; 1,000 rows of 8 values stay below the 32,766 parameters that SQLite since 3.32 allows."""


def insert(
    db: sqlite3.Connection,
    rows: Sequence[Planned | Skipped],
    same_text: str | None,
    *,
    or_pass: bool = False,
    intent: tuple[int, int] | None = None,
    coming: Coming | None = None,
) -> int:
    """How many rows went in; less than all only where `or_pass` lets those be passed over whose phone has a row already.

    `intent`: they are opened in the same step, by this owner, at this moment (Unix milliseconds).
    """
    # What is the same for all rows stands in the statement: every value handed over costs time, and so does every column.
    opening = ("", "") if intent is None else (", owner, time", f",{intent[0]},{intent[1]}")
    state = NUMBERS[State.QUEUED if intent is None else State.INTENT]
    passing = "ON CONFLICT (phone) WHERE screened IS NULL DO NOTHING" if or_pass else ""
    added = 0
    for start in range(0, len(rows), CHUNK):
        values: list[Any] = []
        skipped: list[Any] = []
        some = rows[start : start + CHUNK]
        has_places = any(row.place for row in some if isinstance(row, Planned))
        screened = itertools.repeat(None) if coming is None else coming.marks([row.phone for row in some])
        for row, mark in zip(some, screened, strict=False):
            if isinstance(row, Planned):
                values += (row.row, row.phone, None if row.text == same_text else row.text, row.name, row.segments, mark)
                if has_places:
                    values.append(row.place)
            else:
                skipped += (row.row, row.phone, row.why.code, row.why.detail)
        carrying.insert_kinds(db, [(row.row, row.kind) for row in some if isinstance(row, Planned) and row.kind])
        carrying.insert(db, [(row.row, row.kept) for row in some if row.kept is not None])
        place = (", place", ",?") if has_places else ("", "")
        added += _insert_values(
            db,
            f"row, phone, text, name, segments, screened{place[0]}, state{opening[0]}",
            f"?,?,?,?,?,?{place[1]},{state}{opening[1]}",
            values,
            passing,
        )
        added += _insert_values(db, "row, phone, code, detail, screened, state", f"?,?,?,?,1,{NUMBERS[State.SKIPPED]}", skipped)
    return added


def _insert_values(db: sqlite3.Connection, columns: str, marks: str, values: list[Any], passing: str = "") -> int:
    """Some hundreds of rows, and then the rest: of a list each statement is soon known to SQLite, which takes half as long
    again for one of a new length."""
    added = 0
    width = marks.count("?")
    rest = len(values) // width % 100 * width
    for some in (values[: len(values) - rest], values[len(values) - rest :]):
        if some:
            rows = ",".join([f"({marks})"] * (len(some) // width))
            added += db.execute(f"INSERT INTO contact ({columns}) VALUES {rows} {passing}", some).rowcount  # noqa: S608
    return added


def duplicates(db: sqlite3.Connection, rows: Sequence[Planned | Skipped]) -> list[Skipped]:
    """Which of these rows the table has not taken, because their phones have a row already."""
    taken = db.execute("SELECT json_group_array(row) FROM contact WHERE row BETWEEN ? AND ?", (rows[0].row, rows[-1].row))
    known = set(msgspec.json.decode(taken.fetchone()[0]))
    left = [row for row in rows if row.row not in known]
    first_rows = _first_rows(db, [row.phone for row in left])
    return [Skipped(row.row, row.phone, duplicate(first_rows[row.phone]), row.kept) for row in left]


def new_rows(
    db: sqlite3.Connection, rows: Sequence[Planned | Skipped], same_text: str | None, *, is_chosen: bool = False
) -> tuple[list[Planned | Skipped], int | None]:
    """The rows that the ledger does not have yet; and the first that it has with another contact, if there is one. `is_chosen`: a
    function has chosen the texts, and may choose others each time; those that the ledger has hold."""
    first, last = rows[0].row, rows[-1].row
    found = db.execute(
        "SELECT json_group_array(json_array(row, phone, text, screened)) FROM contact WHERE row BETWEEN ? AND ?", (first, last)
    ).fetchone()[0]
    known = {row: (phone, text, screened) for row, phone, text, screened in msgspec.json.decode(found)}
    new = []
    for row in rows:
        if row.row not in known:
            new.append(row)
            continue
        phone, text, screened = known[row.row]
        if is_chosen:
            same = phone == row.phone and bool(screened or holds(row))
        elif isinstance(row, Skipped):
            # Who has been put on the suppression list since is the same contact still; the engine leaves them out.
            same = phone == row.phone and bool(screened or row.why.code is Code.SUPPRESSED)
        else:
            same = phone == row.phone and bool(screened or (text or same_text) == row.text)
        if not same:
            return new, row.row
    return new, None


def _first_rows(db: sqlite3.Connection, phones: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for start in range(0, len(phones), CHUNK):
        some = phones[start : start + CHUNK]
        marks = ",".join("?" * len(some))
        answer = db.execute(
            f"SELECT json_group_array(json_array(phone, row)) FROM contact WHERE screened IS NULL AND phone IN ({marks})",  # noqa: S608
            some,
        ).fetchone()[0]
        found.update(msgspec.json.decode(answer))
    return found
