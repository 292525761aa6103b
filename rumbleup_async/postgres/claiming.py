"""Contacts that a provider hands out one by one, in a run in a database: who is new, who comes again, who is texted already.

Lives here: the transaction; what becomes of whom is decided as in the ledger on SQLite (`ledger/claiming.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from rumbleup_async.ledger import states
from rumbleup_async.ledger.claiming import Claimed
from rumbleup_async.ledger.closing import storable
from rumbleup_async.messaging import Planned, Result, Skipped, State, Text
from rumbleup_async.postgres import intake, server, steps, values
from rumbleup_async.postgres.connections import Connections
from rumbleup_async.postgres.intake import Rows
from rumbleup_async.postgres.opened import Opened
from rumbleup_async.postgres.steps import Answer, Doing
from rumbleup_async.postgres.tables import SCHEMA
from rumbleup_async.reasons import Reason
from rumbleup_async.shielding import run_shielded

_KNOWN: Final = f"""SELECT c.phone, c.row, c.state, c.attempts, a.session IS NOT NULL AND a.session <> %s
    FROM unnest(%s::text[]) AS v(phone), LATERAL (SELECT * FROM {SCHEMA}.contact k
            WHERE k.run = %s AND k.phone = v.phone AND k.screened IS NULL FOR UPDATE) AS c
        LEFT JOIN {SCHEMA}.again a ON a.run = c.run AND a.row = c.row"""
_OPEN: Final = f"""UPDATE {SCHEMA}.contact c SET state = 1, text = v.text, name = v.name, segments = v.segments, detail = NULL,
        code = NULL, time = %s, owner = %s, place = v.place
    FROM unnest(%s::int[], %s::text[], %s::text[], %s::int[], %s::int[]) AS v(row, text, name, segments, place),
        LATERAL (SELECT k.ctid FROM {SCHEMA}.contact k WHERE k.run = %s AND k.row = v.row OFFSET 0) AS k
    WHERE c.ctid = k.ctid"""
_OPEN_NEW: Final = f"""UPDATE {SCHEMA}.contact c SET state = 1, time = %s, owner = %s
    FROM unnest(%s::int[]) AS v(row),
        LATERAL (SELECT k.ctid FROM {SCHEMA}.contact k WHERE k.run = %s AND k.row = v.row AND k.state = 0 OFFSET 0) AS k
    WHERE c.ctid = k.ctid"""
_WAIT: Final = f"""UPDATE {SCHEMA}.contact c SET code = nullif(v.code, ''), detail = nullif(v.detail, '')
    FROM unnest(%s::int[], %s::text[], %s::text[]) AS v(row, code, detail),
        LATERAL (SELECT k.ctid FROM {SCHEMA}.contact k WHERE k.run = %s AND k.row = v.row AND k.state = 0 OFFSET 0) AS k
    WHERE c.ctid = k.ctid"""


async def claim(
    to: Connections,
    run: Opened,
    doing: Doing,
    drawn: Rows,
    waits: Mapping[int, Reason],
    is_stale: Callable[[int], bool],
) -> tuple[Answer, list[Text | Result]]:
    """Close, take in and open in one transaction: the answer of the step that closes, and those of the port."""
    return await run_shielded(_claim(to, run, doing, drawn, waits, is_stale))


async def _claim(
    to: Connections,
    run: Opened,
    doing: Doing,
    drawn: Rows,
    waits: Mapping[int, Reason],
    is_stale: Callable[[int], bool],
) -> tuple[Answer, list[Text | Result]]:
    async with to.steps() as connection, connection.transaction():
        answer = await steps.do_within(connection, doing)
        if answer.fenced:
            return answer, []
        phones = [values.kept(row.phone) for row in drawn if isinstance(row, Planned)]
        found = await (await connection.execute(_KNOWN, (to.session, values.words(phones), run.id))).fetchall()
        known = {values.given(phone): (row, states.BY_NUMBER[state], attempts) for phone, row, state, attempts, _ in found}
        others = {row for _, row, _, _, is_of_another in found if is_of_another}
        claimed = Claimed(known, drawn, lambda row: row in others or is_stale(row), waits)
        now = int(doing.now * 1000)
        await intake.insert(connection, run, [*claimed.new, *claimed.waiting])
        planned = [row.row for row in claimed.new if isinstance(row, Planned)]
        await connection.execute(_OPEN_NEW, (now, doing.owner, values.numbers(planned), run.id))
        if claimed.again:
            await connection.execute(_OPEN, (now, doing.owner, *_columns(claimed.again), run.id))
        if claimed.put_off:
            reasons = [why for _, why in claimed.put_off]
            arrays = (
                values.numbers([row for row, _ in claimed.put_off]),
                values.words([why.code for why in reasons]),
                values.words([storable(why.detail) for why in reasons]),
            )
            await connection.execute(_WAIT, (*arrays, run.id))
        skipped = sum(isinstance(row, Skipped) for row in claimed.new)
        changes = values.delta({
            State.SKIPPED: skipped,
            State.INTENT: len(planned) + len(claimed.again),
            State.QUEUED: len(claimed.waiting) - len(claimed.again),
        })  # fmt: skip
        await connection.execute(f"SELECT {SCHEMA}.count_for(%s, %s::bigint[])", (doing.owner, changes))
        counts = await server.one(await connection.execute(f"SELECT {SCHEMA}.counts_of(%s)", (run.id,)))
    run.count(counts)
    if drawn:
        run.last_row = max(run.last_row, *(row.row for row in drawn))
        run.is_used = True
    return Answer(counts), claimed.answers


def _columns(texts: Sequence[Text]) -> tuple[object, ...]:
    names = [None if text.name is None else values.kept(text.name) for text in texts]
    return (
        values.numbers([text.row for text in texts]),
        values.words([values.kept(text.text) for text in texts]),
        names,
        values.numbers([text.segments for text in texts]),
        values.numbers([text.place for text in texts]),
    )
