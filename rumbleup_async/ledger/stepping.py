"""The steps of a run in a ledger on SQLite: who is closed, who is opened, who is turned away, and whose time is over.

Lives here: statements, and what follows from their answers. Each function is given a connection and knows no other state.

Every step is a few large statements instead of many small ones. sqlite3 gives the GIL away at each statement and, while the
event loop is busy, waits up to the switch interval (5 ms) to get it back; 64 updates by executemany took a third of a second
beside a busy loop.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Mapping, Sequence

import msgspec

from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import settling, states
from rumbleup_async.ledger.closing import FIELDS, Closing, storable, storable_reason
from rumbleup_async.ledger.keeping_reasons import reason_of
from rumbleup_async.ledger.turning import Turned
from rumbleup_async.messaging import Closed, Result, Second, State, Text
from rumbleup_async.reasons import INTERRUPTED, OF_HOURS, Reason

_OF_HOURS = " OR ".join(f"(code = '{one.code}' AND coalesce(detail, '') = '{one.detail}')" for one in OF_HOURS)


def _value(name: str, nothing: str = "", part: str = "") -> str:
    value = f"json_extract(value, '$[{FIELDS.index(name)}]{part}')"
    return f"nullif({value}, {nothing})" if nothing else value


def _step(state: str, code: str, detail: str) -> str:
    return f"""
UPDATE contact SET state = CASE WHEN contact.state = v.was AND (v.was = 0 OR contact.owner = ?1)
        AND (SELECT count(*) FROM json_each(?2) AS e JOIN contact AS c ON c.row = e.value WHERE c.state = 1 AND c.owner = ?1) = ?3
        THEN v.state END,
    attempts = v.attempts, logid = v.logid, code = v.code, detail = v.detail, time = v.time, owner = ?1
FROM (SELECT {_value("row")} AS row, {state} AS state, {_value("attempts")} AS attempts,
             {_value("logid", "''")} AS logid, {code} AS code, {detail} AS detail, {_value("time", "0")} AS time, 1 AS was
      FROM json_each(?4)
      UNION ALL
      SELECT c.row, 1, c.attempts, NULL, NULL, NULL, ?5, 0 FROM json_each(?6) AS e JOIN contact AS c ON c.row = e.value) AS v
WHERE contact.row = v.row"""  # noqa: S608 - of constants


STEP = _step(states.number_in_sql(_value("state")), _value("why", "''", "[0]"), _value("why", "''", "[1]"))
"""Close these and open those by one statement, which SQLite does wholly or not at all; outside of a transaction its end is the
commit. Where one of the entries to be closed is not open for this owner, or one to be opened is not queued, the state becomes
NULL, which the table refuses."""

STEP_OF_SENT = _step(str(states.NUMBERS[State.SENT]), "NULL", "NULL")
"""The same where all that is closed was sent and there is nothing to say of it, as it is nearly always: a quarter cheaper."""


def write(db: sqlite3.Connection, owner: int, closing: Closing, opened: Sequence[Text], now: int) -> None:
    """One step of this owner. LedgerError, and nothing is written, unless all of it may be. `now`: Unix milliseconds."""
    rows = msgspec.json.encode([text.row for text in opened]).decode()
    try:
        statement = STEP_OF_SENT if closing.is_plain else STEP
        done = db.execute(statement, (owner, closing.rows, closing.number, closing.json, now, rows)).rowcount
    except sqlite3.IntegrityError:
        done = -1
    if done != closing.number + len(opened):
        if _count_open(db, owner, closing) < closing.number:
            raise LedgerError("an entry to be closed was not open")
        raise LedgerError("another program has changed the ledger")


def _count_open(db: sqlite3.Connection, owner: int, closing: Closing) -> int:
    found = db.execute(
        "SELECT count(*) FROM json_each(?) JOIN contact ON row = value WHERE state = 1 AND owner = ?", (closing.rows, owner)
    )
    return int(found.fetchone()[0])


def turn_away(db: sqlite3.Connection, turned: Turned, until: Mapping[int, float]) -> None:
    """Within the transaction of a step: close those who do not leave in this run, and put off whoever is due later, whether the
    rules or a close of the step say so. `until`: when these are due, by row."""
    if until:
        put_off(db, until)
    if turned.waits:
        wait(db, [(row, why) for row, _, why in turned.waits])
    if turned.nevers:
        _move(db, [(one.row, one.state, one.why) for one in turned.nevers])


def wait(db: sqlite3.Connection, waits: Sequence[tuple[int, Reason]]) -> None:
    """Within a transaction: these rows stay queued for these reasons."""
    _move(db, [(row, State.QUEUED, why) for row, why in waits])


def wait_at(db: sqlite3.Connection, why: Mapping[int, Reason]) -> None:
    """Within a transaction: why contacts of these places are queued, unless they are for a reason that is not one of hours."""
    for place, reason in why.items():
        db.execute(
            f"""UPDATE contact SET code = ?, detail = ?
            WHERE place = ? AND place != 0 AND state = 0 AND (code IS NULL OR {_OF_HOURS})""",  # noqa: S608 - of constants
            (*_columns(reason), place),
        )


def _move(db: sqlite3.Connection, rows: Sequence[tuple[int, State, Reason]]) -> None:
    values = [(row, states.NUMBERS[state], *_columns(why)) for row, state, why in rows]
    done = db.execute(
        """UPDATE contact SET state = json_extract(v.value, '$[1]'),
        code = json_extract(v.value, '$[2]'), detail = json_extract(v.value, '$[3]')
        FROM json_each(?) AS v WHERE row = json_extract(v.value, '$[0]') AND state = 0""",
        (msgspec.json.encode(values).decode(),),
    ).rowcount
    if done != len(rows):
        raise LedgerError("another program has changed the ledger")


def _columns(why: Reason) -> tuple[str | None, str | None]:
    return why.code or None, why.detail or None


def put_off(db: sqlite3.Connection, until: Mapping[int, float]) -> None:
    """Within a transaction: these rows are due at these times."""
    db.execute(
        "INSERT OR REPLACE INTO waiting SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?)",
        (msgspec.json.encode(list(until.items())).decode(),),
    )


def note_second(db: sqlite3.Connection, owner: int, second: Second, counts: Mapping[State, int]) -> None:
    """Within the transaction of a step: what has happened in this second, and the contacts by state after the step."""
    db.execute(
        "INSERT OR REPLACE INTO second VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            second.at,
            owner,
            second.sent,
            second.refused,
            second.unknown,
            second.throttled,
            second.held,
            msgspec.json.encode(second.latencies).decode(),
            second.rate,
        ),
    )
    db.execute(
        "INSERT OR REPLACE INTO total SELECT json_extract(value, '$[0]'), '', json_extract(value, '$[1]') FROM json_each(?)",
        (msgspec.json.encode([(states.NUMBERS[state], number) for state, number in counts.items()]).decode(),),
    )


def recent_totals(db: sqlite3.Connection, now: float) -> dict[State, int] | None:
    """Contacts by state as they were less than a second ago; None if that is not known. `now`: Unix seconds.

    To be asked for only while a process has the ledger open: of one that has died nobody knows what it did after its last note.
    A second is noted once it has passed, so the note is younger than the end of its second.
    """
    at = db.execute("SELECT max(at) FROM second").fetchone()[0]
    if at is None or not at < now < at + 2:
        return None
    return totals(db)


def totals(db: sqlite3.Connection) -> dict[State, int] | None:
    """Contacts by state as they were when the process that has the ledger open last noted a second; None if it has noted none."""
    found = {states.BY_NUMBER[state]: number for state, number in db.execute("SELECT state, number FROM total WHERE code = ''")}
    return found if found.keys() == set(State) else None


def expire(db: sqlite3.Connection, owner: int, *, is_any_open: bool) -> list[Result]:
    """Within a transaction: fence this owner, and make what it has open unknown. `is_any_open`: whether anybody has anything
    open; what one of them has is looked for in the whole list."""
    db.execute("UPDATE owner SET fenced = 1 WHERE id = ?", (owner,))
    if not is_any_open:
        return []
    found = db.execute(
        """UPDATE contact SET state = 6, code = ?, detail = NULL WHERE state = 1 AND owner = ?
        RETURNING row, phone, logid, attempts, time""",
        (INTERRUPTED.code, owner),
    ).fetchall()
    results = [
        Result(row, phone, State.UNKNOWN, INTERRUPTED, logid or "", attempts, time or 0)
        for row, phone, logid, attempts, time in found
    ]
    return sorted(results, key=lambda result: result.row)


def believe(db: sqlite3.Connection, owner: int, closed: Sequence[Closed]) -> list[tuple[State, Result]]:
    """Within a transaction: of what a fenced owner brings only the proof. What these contacts were, and what they are now."""
    proven: list[tuple[State, Result]] = []
    for close in closed:
        found = db.execute(
            "SELECT phone, state, code, detail FROM contact WHERE row = ? AND owner = ?", (close.row, owner)
        ).fetchone()
        if found is None:
            continue
        phone, number, code, detail = found
        is_again = settling.is_again(db, close.row)
        if not states.is_proven(close, states.BY_NUMBER[number], reason_of(code, detail).code, is_again=is_again):
            continue
        why, logid = storable_reason(close.why), storable(close.logid)
        db.execute(
            "UPDATE contact SET state = 2, attempts = ?, logid = ?, code = ?, detail = ?, time = ? WHERE row = ?",
            (close.attempts, logid, *_columns(why), close.time or None, close.row),
        )
        result = Result(close.row, phone, State.SENT, why, logid, close.attempts, close.time)
        proven.append((states.BY_NUMBER[number], result))
    return proven


def read_seconds(db: sqlite3.Connection, after: int) -> list[Second]:
    """What happened in each second after this one, all owners together."""
    found: dict[int, Second] = {}
    for at, sent, refused, unknown, throttled, held, latencies, rate in db.execute(
        "SELECT at, sent, refused, unknown, throttled, held, latencies, rate FROM second WHERE at > ? ORDER BY at", (after,)
    ):
        counts = msgspec.json.decode(latencies, type=tuple[int, ...])
        one = Second(at, sent, refused, unknown, throttled, held, counts, rate)
        found[at] = one if at not in found else together(found[at], one)
    return list(found.values())


def together(one: Second, other: Second) -> Second:
    """Of two processes what has happened in one second."""
    rates = [rate for rate in (one.rate, other.rate) if rate is not None]
    return Second(
        one.at,
        one.sent + other.sent,
        one.refused + other.refused,
        one.unknown + other.unknown,
        one.throttled + other.throttled,
        max(one.held, other.held),
        tuple(sum(pair) for pair in itertools.zip_longest(one.latencies, other.latencies, fillvalue=0)),
        sum(rates) if rates else None,
    )
