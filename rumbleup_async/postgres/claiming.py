"""Contacts that a provider hands out one by one, in a run in a database: who is new, who comes again, who is texted already.

Lives here: the transaction, and the numbers of the rows; what becomes of whom is decided as in the ledger on SQLite
(`ledger/claiming.py`).

Several machines may draw for one run. The provider locks a contact for whoever drew it, and the unique index over the phones is
the last guard: where another has taken somebody in meanwhile, the claim is made once more, and finds them there. All lock in one
order: their owner, what bounds the run, the left out, phones that are known, then new ones.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

from rumbleup_async.ledger import states
from rumbleup_async.ledger.claiming import Claimed
from rumbleup_async.ledger.closing import storable
from rumbleup_async.ledger.keeping_reasons import reason_of
from rumbleup_async.messaging import Planned, Result, Skipped, State, Text
from rumbleup_async.postgres import drawn_bounds, intake, server, settling, steps, values
from rumbleup_async.postgres.bounding import heard
from rumbleup_async.postgres.connections import Connections
from rumbleup_async.postgres.drawn_bounds import Room
from rumbleup_async.postgres.intake import Rows
from rumbleup_async.postgres.opened import Opened
from rumbleup_async.postgres.steps import Answer, Doing
from rumbleup_async.postgres.tables import SCHEMA
from rumbleup_async.reasons import NO_REASON, Code, Reason, duplicate

if TYPE_CHECKING:
    from rumbleup_async.postgres.server import AsyncConnection

_KNOWN: Final = f"""SELECT c.phone, c.row, c.state, c.attempts, c.code, c.detail, a.session IS NOT NULL AND a.session <> %s
    FROM unnest(%s::text[]) AS v(phone), LATERAL (SELECT * FROM {SCHEMA}.contact k
            WHERE k.run = %s AND k.phone = v.phone AND k.screened IS NULL FOR UPDATE) AS c
        LEFT JOIN {SCHEMA}.again a ON a.run = c.run AND a.row = c.row"""
_LOCK_LEFT_OUT: Final = f"SELECT FROM {SCHEMA}.fact WHERE run = %s AND key = 'numbered' FOR UPDATE"
_LEFT_OUT: Final = f"""SELECT phone FROM {SCHEMA}.contact
    WHERE run = %s AND screened = 1 AND phone = ANY(%s::text[]) AND code IS DISTINCT FROM %s"""
_OPENED: Final = f"UPDATE {SCHEMA}.owner SET opened = %s::int[] WHERE id = %s"
_NUMBER: Final = f"""INSERT INTO {SCHEMA}.fact
    SELECT %(run)s, 'numbered', (coalesce(max(row), 0) + %(count)s)::text FROM {SCHEMA}.contact WHERE run = %(run)s
    ON CONFLICT (run, key) DO UPDATE
        SET value = (greatest(fact.value::int, excluded.value::int - %(count)s) + %(count)s)::text
    RETURNING value::int"""
_BLOCK: Final = 64
"""Rows whose numbers a process takes at a time."""
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
    """Close, take in and open in one transaction: the answer of the step that closes, and those of the port. While the database
    is away it is asked for again; by its number it is not done twice."""

    async def work(connection: AsyncConnection) -> tuple[Answer, list[Text | Result]]:
        while True:
            with suppress(_Overtaken):
                async with connection.transaction():
                    return await _claim(connection, to.session, run, doing, drawn, waits, is_stale)

    answer, answers = await to.patiently(work)
    if drawn and not answer.fenced:
        run.last_row = max(run.last_row, *(row.row for row in drawn))
        run.is_used = True
    return answer, answers


async def numbers(to: Connections, run: Opened, count: int) -> list[int]:
    """So many numbers of rows that no other process is given. Those that are not used are missing, and nobody misses them."""
    if len(run.numbers) < count:
        given = {"run": run.id, "count": max(count, _BLOCK)}

        async def take(connection: AsyncConnection) -> int:
            await connection.execute(f"SELECT {SCHEMA}.durable()")
            return int(await server.one(await connection.execute(_NUMBER, given)))

        last = await to.transacted(take)
        run.numbers.extend(range(last - given["count"] + 1, last + 1))
    return [run.numbers.popleft() for _ in range(count)]


class _Overtaken(Exception):
    """Another machine has taken in somebody of these since they were looked for."""


async def _claim(
    connection: AsyncConnection,
    session: int,
    run: Opened,
    doing: Doing,
    drawn: Rows,
    waits: Mapping[int, Reason],
    is_stale: Callable[[int], bool],
) -> tuple[Answer, list[Text | Result]]:
    answer = await steps.do_within(connection, doing)
    if answer.fenced:
        return answer, []
    room = await drawn_bounds.room(connection, run.id)
    left_out = await _left_out(connection, session, run, drawn)
    phones = sorted(values.kept(row.phone) for row in drawn if isinstance(row, Planned))
    found = await (await connection.execute(_KNOWN, (session, values.words(phones), run.id))).fetchall()
    known = {values.given(phone): (row, states.BY_NUMBER[state], attempts) for phone, row, state, attempts, *_ in found}
    if answer.is_repeated:
        reasons = {row: reason_of(code, detail) for _, row, _, _, code, detail, _ in found}
        return await _with_bounds(connection, run, answer, room), _told(answer, drawn, known, waits, reasons)
    others = {row for _, row, *_, is_of_another in found if is_of_another}
    claimed = Claimed(known, drawn, lambda row: row in others or is_stale(row), waits)
    if room is not None:
        if beyond := room.beyond(claimed.opened):
            late = {row.row: why for row in drawn if (why := beyond.get(row.phone)) and isinstance(row, Planned)}
            claimed = Claimed(known, drawn, lambda row: row in others or is_stale(row), {**waits, **late})
        await drawn_bounds.take(connection, run.id, claimed.opened)
    now = int(doing.now * 1000)
    new = [row for row in claimed.new if not (isinstance(row, Skipped) and _is_among(row, left_out))]
    coming = sorted([*new, *claimed.waiting], key=lambda row: row.phone)
    if len(await intake.insert(connection, run, coming)) < len(coming):
        raise _Overtaken
    planned = [row.row for row in new if isinstance(row, Planned)]
    await connection.execute(_OPEN_NEW, (now, doing.owner, values.numbers(planned), run.id))
    if claimed.again:
        await connection.execute(_OPEN, (now, doing.owner, *_columns(claimed.again), run.id))
    if claimed.put_off:
        whys = [why for _, why in claimed.put_off]
        arrays = (
            values.numbers([row for row, _ in claimed.put_off]),
            values.words([why.code for why in whys]),
            values.words([storable(why.detail) for why in whys]),
        )
        await connection.execute(_WAIT, (*arrays, run.id))
    changes = values.delta({
        State.SKIPPED: len(new) - len(planned),
        State.INTENT: len(planned) + len(claimed.again),
        State.QUEUED: len(claimed.waiting) - len(claimed.again),
    })  # fmt: skip
    await connection.execute(f"SELECT {SCHEMA}.count_for(%s, %s::bigint[])", (doing.owner, changes))
    opened = values.numbers([*planned, *(text.row for text in claimed.again)])
    await connection.execute(_OPENED, (opened, doing.owner))
    counts = await server.one(await connection.execute(f"SELECT {SCHEMA}.counts_of(%s)", (run.id,)))
    answer = msgspec.structs.replace(answer, counts=counts)
    return await _with_bounds(connection, run, answer, room), claimed.answers


async def _with_bounds(connection: AsyncConnection, run: Opened, answer: Answer, room: Room | None) -> Answer:
    """The answer with how the bounds of the run stand, if it has any."""
    bounds = None if room is None else await drawn_bounds.told(connection, run.id, room.cut)
    return msgspec.structs.replace(answer, bounds=heard(bounds, answer.counts, ""))


def _told(
    answer: Answer,
    drawn: Rows,
    known: Mapping[str, tuple[int, State, int]],
    waits: Mapping[int, Reason],
    reasons: Mapping[int, Reason],
) -> list[Text | Result]:
    """What a claim has come to that is done already, and whose answer was lost on the way. `reasons`: why the known are as they
    are; whoever did not fit into the bounds has no other."""
    opened = {text.row: text for text in answer.texts}
    answers: list[Text | Result] = []
    for row in drawn:
        if isinstance(row, Skipped):
            answers.append(Result(row.row, row.phone, State.SKIPPED, row.why))
            continue
        first, state, attempts = known[row.phone]
        why = waits.get(row.row) or _of_bounds(reasons[first])
        if text := opened.pop(first, None):
            answers.append(msgspec.structs.replace(text, why=NO_REASON))
        elif why and state is State.QUEUED:
            answers.append(Result(first, row.phone, State.NOT_SENT, why, "", attempts))
        else:
            answers.append(Result(row.row, row.phone, State.SKIPPED, duplicate(first)))
    return answers


def _of_bounds(why: Reason) -> Reason | None:
    return why if why in drawn_bounds.REASONS.values() else None


async def _left_out(connection: AsyncConnection, session: int, run: Opened, drawn: Rows) -> set[str]:
    """Of those drawn that are not to be texted, the ones of whom another machine may have said so in the books already. Nobody
    else puts one down until the end of the transaction."""
    phones = [values.kept(row.phone) for row in drawn if isinstance(row, Skipped)]
    if not phones or not await server.one(await connection.execute(settling.SHARED, (run.id, session))):
        return set()
    await connection.execute(_LOCK_LEFT_OUT, (run.id,))
    found = await (await connection.execute(_LEFT_OUT, (run.id, values.words(phones), Code.DUPLICATE))).fetchall()
    return {values.given(phone) for (phone,) in found}


def _is_among(row: Skipped, left_out: Container[str]) -> bool:
    return row.why.code is not Code.DUPLICATE and row.phone in left_out


def _columns(texts: Sequence[Text]) -> tuple[object, ...]:
    names = [None if text.name is None else values.kept(text.name) for text in texts]
    return (
        values.numbers([text.row for text in texts]),
        values.words([values.kept(text.text) for text in texts]),
        names,
        values.numbers([text.segments for text in texts]),
        values.numbers([text.place for text in texts]),
    )
