"""How steps that were noted beside a ledger get into its contacts, and how a ledger is read that lacks some of them.

Lives here: statements. Where a ledger is in its file of steps stands in its table `run`, written in the same transaction as what
was carried over: what is in the ledger already is never carried over twice.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import schema, states, steps_file, tally
from rumbleup_async.ledger.closing import FIELDS, Closing
from rumbleup_async.ledger.files import value_of
from rumbleup_async.ledger.steps_file import Place, StepsLost
from rumbleup_async.messaging import Closed, State
from rumbleup_async.shell import pasteable

KEY: Final = "steps"
"""Under which a ledger says where it is in its file of steps; not there where all is in the ledger."""

DONE: Final = "steps done"
"""Under which it says whose file of steps is all in it."""


class Body(msgspec.Struct, array_like=True, gc=False):
    """What a step has done. `now`: Unix milliseconds. `closed` and `opened`: rows of an owner."""

    owner: int
    now: int
    closed: list[Closed]
    opened: list[int]


class Late:
    """What steps have done together. `closed`: by owner. `opened`: those that are still open, when and for whom, by row."""

    def __init__(self, steps: Iterable[bytes]) -> None:
        self.closed: dict[int, list[Closed]] = {}
        self.opened: dict[int, tuple[int, int]] = {}
        try:
            for step in map(_decode, steps):
                for close in step.closed:
                    self.opened.pop(close.row, None)
                self.closed.setdefault(step.owner, []).extend(step.closed)
                self.opened |= dict.fromkeys(step.opened, (step.owner, step.now))
        except msgspec.MsgspecError:
            raise StepsLost from None


_decode = msgspec.json.Decoder(Body).decode


def body(owner: int, now: int, closing: Closing, opened: Sequence[int]) -> bytes:
    """A step as it is noted."""
    return b"[%d,%d,%b,%b]" % (owner, now, closing.json.encode(), msgspec.json.encode(opened))


def _value(name: str, nothing: str = "", part: str = "") -> str:
    value = f"json_extract(value, '$[{FIELDS.index(name)}]{part}')"
    return f"nullif({value}, {nothing})" if nothing else value


def _closes(state: str, code: str, detail: str) -> str:
    return f"""
UPDATE contact SET state = v.state, attempts = v.attempts, logid = v.logid, code = v.code, detail = v.detail, time = v.time,
    owner = ?1
FROM (SELECT {_value("row")} AS row, {state} AS state, {_value("attempts")} AS attempts,
             {_value("logid", "''")} AS logid, {code} AS code, {detail} AS detail, {_value("time", "0")} AS time
      FROM json_each(?2)) AS v
WHERE contact.row = v.row AND (contact.state IN (0, 1) OR v.state = 2)"""  # noqa: S608 - of constants


_CLOSES = _closes(states.number_in_sql(_value("state")), _value("why", "''", "[0]"), _value("why", "''", "[1]"))
_CLOSES_OF_SENT = _closes(str(states.NUMBERS[State.SENT]), "NULL", "NULL")
"""The same where all was sent and there is nothing to say of it: a quarter cheaper."""
_OPENS = """
UPDATE contact SET state = 1, logid = NULL, code = NULL, detail = NULL, time = json_extract(v.value, '$[1]'), owner = ?1
FROM json_each(?2) AS v WHERE contact.row = json_extract(v.value, '$[0]') AND contact.state = 0"""


def close(db: sqlite3.Connection, owner: int, closes: str, *, is_plain: bool) -> int:
    """Within a transaction: close these entries of an owner (JSON), opened in the ledger or not. How many were closed."""
    return db.execute(_CLOSES_OF_SENT if is_plain else _CLOSES, (owner, closes)).rowcount


def open_(db: sqlite3.Connection, owner: int, opened: Sequence[tuple[int, int]]) -> int:
    """Within a transaction: these rows are open for this owner since then. How many there were."""
    return db.execute(_OPENS, (owner, msgspec.json.encode(opened).decode())).rowcount


def place_of(db: sqlite3.Connection) -> Place | None:
    """Where a ledger is in its file of steps; None where it has none. StepsLost for what cannot be read."""
    value = value_of(db, KEY)
    return None if value is None else Place.read(value)


def write_place(db: sqlite3.Connection, place: Place | None) -> None:
    """Within a transaction: a ledger is there in its file of steps, or has none any more. A version of this package that knows
    of no such file takes a ledger that has one for newer than itself."""
    if place is None:
        drop(db)
        return
    db.execute("INSERT INTO run VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (KEY, str(place)))
    db.execute(f"PRAGMA user_version = {schema.WITH_STEPS}")


def drop(db: sqlite3.Connection) -> None:
    """Within a transaction: the ledger has no file of steps any more."""
    value = value_of(db, KEY)
    if value is not None:
        db.execute("DELETE FROM run WHERE key IN (?, ?)", (KEY, DONE))
        db.execute("INSERT INTO run VALUES (?, ?)", (DONE, value.partition(":")[0]))
        db.execute(f"PRAGMA user_version = {schema.SCHEMA}")


def recover(db: sqlite3.Connection, late: Late) -> None:
    """Within a transaction: all that the file of a dead process says. What a hand has changed meanwhile stays, but for proof."""
    tally.take_away(db)
    for owner, closed in late.closed.items():
        closing = Closing(closed)
        close(db, owner, closing.json, is_plain=closing.is_plain)
    for row, (owner, since) in late.opened.items():
        open_(db, owner, [(row, since)])
    write_place(db, None)


def lost(path: Path) -> LedgerError:
    """What is said of a ledger whose steps are lost."""
    steps = steps_file.path_of(path)
    return LedgerError(
        f"{path} is not whole: the last steps of a run that was under way are in {steps}, and that file is missing, damaged or "
        f"of another moment. Whoever is still queued here may have been texted, so nothing is sent. Put {steps.name} back beside "
        "it, and take all of its files along when you move a ledger. If that file is lost for good: "
        f"`reconcile {pasteable(path)} --log-lost` (in Python log_lost=True) counts everybody queued as unknown and looks them "
        "up in the provider's message log"
    )


def look_through(db: sqlite3.Connection, path: Path) -> None:
    """Have a connection that only reads see the steps that are not in the ledger yet. StepsLost if they cannot be read.

    What it sees of them holds until the ledger says that more is in it: from then on it says all by itself.
    """
    for _ in range(_TRIES):
        place = place_of(db)
        if place is None:
            return
        try:
            late = Late(steps_file.read(path, place))
            break
        except StepsLost:
            if place_of(db) == place:
                raise  # else whoever writes it has gone on meanwhile
    else:
        return  # it goes on all the time, so what the ledger says is of this very moment
    if not late.closed and not late.opened:
        return
    _show(db, place, late)


_TRIES = 5
_LATE = "state", "attempts", "logid", "detail", "time", "code", "owner"


def _show(db: sqlite3.Connection, place: Place, late: Late) -> None:
    rows: dict[int, tuple[Any, ...]] = {}
    for owner, closed in late.closed.items():
        for one in closed:
            why = one.why
            values = one.attempts, one.logid or None, why.detail or None, one.time or None, why.code or None, owner
            rows[one.row] = one.row, states.NUMBERS[one.state], *values
    for row, (owner, since) in late.opened.items():
        rows[row] = row, states.NUMBERS[State.INTENT], None, None, None, since, None, owner
    db.execute(f"CREATE TEMP TABLE late (row INTEGER PRIMARY KEY, {', '.join(_LATE)})")
    db.execute("BEGIN")
    db.executemany("INSERT INTO late VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows.values())
    db.execute("COMMIT")
    is_late = f"(SELECT value = '{place}' FROM main.run WHERE key = '{KEY}')"  # noqa: S608 - of constants
    of_two = ", ".join(f"CASE WHEN l.row IS NULL THEN c.{name} ELSE l.{name} END AS {name}" for name in _LATE)
    of_two = of_two.replace("ELSE l.attempts", "ELSE coalesce(l.attempts, c.attempts)")
    db.execute(
        f"""CREATE TEMP VIEW contact AS SELECT c.row AS row, c.phone AS phone, c.text AS text, c.name AS name,
        c.segments AS segments, c.screened AS screened, {of_two}, c.place AS place
        FROM main.contact AS c LEFT JOIN late AS l ON l.row = c.row AND {is_late}"""  # noqa: S608 - of constants
    )
