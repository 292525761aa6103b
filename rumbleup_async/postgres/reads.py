"""What is read of a run in a database.

Lives here: the statements, and what their answers mean. Those that go through all contacts take a connection beside the steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rumbleup_async.ledger import states
from rumbleup_async.ledger.keeping_reasons import reason_of
from rumbleup_async.lookups import Known, UnknownText
from rumbleup_async.messaging import Result, State
from rumbleup_async.postgres import server, values
from rumbleup_async.postgres.connections import Connections
from rumbleup_async.postgres.opened import Opened
from rumbleup_async.postgres.tables import SCHEMA
from rumbleup_async.reasons import ABSENT, APART, FOUND, OF_HOURS, Reason

ROWS: Final = f"""SELECT row, phone, state, code, detail, logid, attempts, time FROM {SCHEMA}.contact
    WHERE run = %s AND row > %s AND (state = 4 OR NOT %s) ORDER BY row LIMIT %s"""
LEFT: Final = f"""SELECT code, detail, count(*) FROM {SCHEMA}.contact WHERE run = %s AND state = 0 GROUP BY code, detail
    ORDER BY 3 DESC, min(row) LIMIT 10000"""
KIND: Final = f"split_part(coalesce(detail, ''), '{APART}', 1)"
REASONS: Final = f"""SELECT state, code, {KIND}, count(*) FROM {SCHEMA}.contact WHERE run = %s GROUP BY state, code, {KIND}
    ORDER BY state, 4 DESC"""
_COLUMNS: Final = "row, phone, CASE state WHEN 2 THEN coalesce(logid, '') ELSE '' END, coalesce(time, 0), code, detail"
_WITNESSES: Final = f"""SELECT {_COLUMNS} FROM {SCHEMA}.contact WHERE run = %s AND row > %s AND state = 2 AND logid IS NOT NULL
    ORDER BY row LIMIT %s"""
_OF_PHONES: Final = f"""SELECT {_COLUMNS} FROM unnest(%s::text[]) AS v(given), LATERAL (
    SELECT * FROM {SCHEMA}.contact k WHERE k.run = %s AND k.phone = v.given AND k.screened IS NULL OFFSET 0) AS c"""
_DOUBTS: Final = f"""SELECT c.row, c.phone, coalesce(c.text, %s), coalesce(c.time, 0), greatest(coalesce(c.time, 0), coalesce(
        (SELECT value::bigint FROM {SCHEMA}.fact WHERE run = %s AND key = 'recovered'), 0))
    FROM {SCHEMA}.contact c WHERE c.run = %s AND c.row > %s AND c.state = %s AND (NOT %s OR c.code = '{ABSENT.code}')
    ORDER BY c.row LIMIT %s"""
_PLACES: Final = f"SELECT place, count(*) FROM {SCHEMA}.contact WHERE run = %s AND state = 0 GROUP BY place"
# One look-up a place, however many contacts it has.
_KNOWN_PLACES: Final = f"""WITH RECURSIVE found AS (
    SELECT min(place) AS place FROM {SCHEMA}.contact WHERE run = %(run)s AND place <> 0
    UNION ALL
    SELECT (SELECT min(c.place) FROM {SCHEMA}.contact c WHERE c.run = %(run)s AND c.place <> 0 AND c.place > found.place)
    FROM found WHERE found.place IS NOT NULL) SELECT place FROM found WHERE place IS NOT NULL"""
_WAIT_AT: Final = f"""UPDATE {SCHEMA}.contact SET code = %s, detail = %s
    WHERE run = %s AND place = %s AND place <> 0 AND state = 0 AND (code IS NULL OR (code, coalesce(detail, '')) IN ({
    ", ".join(f"('{one.code}', '{one.detail}')" for one in OF_HOURS)
}))"""


async def _fetch(to: Connections, statement: str, arguments: Any) -> list[Any]:
    async def read(connection: server.AsyncConnection) -> list[Any]:
        return await (await connection.execute(statement, arguments)).fetchall()

    return await to.read(read)


async def counts(to: Connections, run: Opened) -> list[int]:
    """Contacts by state, in the order of their numbers."""
    found: list[int] = (await _fetch(to, f"SELECT {SCHEMA}.counts_of(%s)", (run.id,)))[0][0]
    return found


async def find_places(to: Connections, run: Opened) -> None:
    """Find out which places contacts have, where that is not known."""
    if not run.cursors.is_read:
        run.cursors.places = await places_of(to, run)
        run.cursors.is_read = True


async def rows(to: Connections, run: Opened, after: int, limit: int, *, skipped_only: bool) -> list[Result]:
    """As the port says it."""
    return [values.result_of(*found) for found in await _fetch(to, ROWS, (run.id, after, skipped_only, limit))]


async def left(to: Connections, run: Opened) -> list[tuple[Reason, int]]:
    """Why contacts are queued."""
    return [(reason_of(code, detail), number) for code, detail, number in await _fetch(to, LEFT, (run.id,))]


async def reasons(to: Connections, run: Opened) -> list[tuple[State, Reason, int]]:
    """How many contacts are in each state for each reason, without what differs from text to text."""
    found = await _fetch(to, REASONS, (run.id,))
    return [(states.BY_NUMBER[state], reason_of(code, detail), number) for state, code, detail, number in found]


async def doubts(to: Connections, run: Opened, after: int, limit: int, *, absent: bool) -> list[UnknownText]:
    """Those in doubt, or those absent from the log."""
    arguments = (run.same_text, run.id, run.id, after, states.NUMBERS[State.NOT_SENT if absent else State.UNKNOWN], absent, limit)
    found = await _fetch(to, _DOUBTS, arguments)
    return [UnknownText(row, values.given(phone), values.given(text), at, until) for row, phone, text, at, until in found]


async def witnesses(to: Connections, run: Opened, after: int, limit: int) -> list[Known]:
    """The `sent` contacts that have a logid."""
    return [_known(*found) for found in await _fetch(to, _WITNESSES, (run.id, after, limit))]


async def known(to: Connections, run: Opened, phones: Sequence[str]) -> list[Known]:
    """Of these phones those that have a contact."""
    given = (values.words(map(values.kept, dict.fromkeys(phones))), run.id)
    return [_known(*found) for found in await _fetch(to, _OF_PHONES, given)]


def _known(row: int, phone: str, logid: str, at: int, code: str | None, detail: str | None) -> Known:
    return Known(row, values.given(phone), logid, at, reason_of(code, detail).code in FOUND)


async def places(to: Connections, run: Opened, why: Mapping[int, Reason]) -> dict[int, int]:
    """How many contacts are queued at each place; and from now on for these reasons."""
    if not why:
        return dict(await _fetch(to, _PLACES, (run.id,)))

    async def write(connection: server.AsyncConnection) -> dict[int, int]:
        await connection.execute(f"SELECT {SCHEMA}.durable()")
        for place, reason in why.items():
            await connection.execute(_WAIT_AT, (*values.columns(reason), run.id, place))
        return dict(await (await connection.execute(_PLACES, (run.id,))).fetchall())

    return await to.transacted(write)


async def places_of(to: Connections, run: Opened) -> set[int]:
    """The places that contacts have, 0 left out."""
    return {place for (place,) in await _fetch(to, _KNOWN_PLACES, {"run": run.id})}


async def fact(connection: server.AsyncConnection, run: int, key: str) -> str | None:
    """What is noted of a run under this name."""
    found = await (
        await connection.execute(f"SELECT value FROM {SCHEMA}.fact WHERE run = %s AND key = %s", (run, key))
    ).fetchone()
    return None if found is None else found[0]


async def write(connection: server.AsyncConnection, run: int, key: str, value: str) -> None:
    """Note it."""
    await connection.execute(
        f"INSERT INTO {SCHEMA}.fact VALUES (%s, %s, %s) ON CONFLICT (run, key) DO UPDATE SET value = excluded.value",
        (run, key, value),
    )
