"""The steps of an owner: what is handed to the database, and what its answer means.

Lives here: the one statement of a step, and the transaction around it where the rules are asked or something else is noted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from rumbleup_async.ledger import states
from rumbleup_async.ledger.closing import Closing, storable
from rumbleup_async.ledger.turning import ASKED_AT_MOST, Turned
from rumbleup_async.messaging import Closed, Result, Second, State, Step, Text
from rumbleup_async.money import Bounded
from rumbleup_async.postgres import server, values
from rumbleup_async.postgres.bounding import heard
from rumbleup_async.postgres.connections import Connections
from rumbleup_async.postgres.opened import Opened
from rumbleup_async.postgres.queue import Asked
from rumbleup_async.postgres.tables import SCHEMA

if TYPE_CHECKING:
    from rumbleup_async.postgres.server import AsyncConnection

_ARRAYS: Final = "%s::int[], %s::smallint[], %s::int[], %s::text[], %s::text[], %s::text[], %s::bigint[]"
_STEP: Final = f"""SELECT {SCHEMA}.step(%s, %s, %s, %s, %s, {_ARRAYS}, %s::bigint[], %s::int[], %s::float8[], %s, %s, %s::int[],
    %s::int[], %s::int[], %s::int[], %s::int[], %s::int[], %s, %s, %s::float8, %s::float8)::text"""
_TAKE: Final = f"""SELECT row_to_json(n)::text FROM (SELECT n.uptos AS cursors, n.upto AS cursor, f.cut,
        {SCHEMA}.texts_of(%s, f.fit, %s) AS texts
    FROM {SCHEMA}.next_rows(%s, %s, %s, %s::int[], %s::int[], %s::int[], %s::int[], %s::int[], %s, %s, %s::int[]) n,
        LATERAL {SCHEMA}.fitting_behind(%s, %s, %s::int[], n.got) f) n"""
_TURN_AWAY: Final = f"""SELECT {SCHEMA}.turn_away(%s, %s, %s::int[], %s::smallint[], %s::text[], %s::text[], %s::int[],
    %s::float8[], %s::bigint[])"""
_STILL: Final = f"""SELECT c.row FROM unnest(%s::int[]) AS v(row), LATERAL (SELECT k.row FROM {SCHEMA}.contact k
    WHERE k.run = %s AND k.row = v.row AND k.state = 0 FOR UPDATE SKIP LOCKED) AS c"""
_AFTER_LOSS: Final = f"""SELECT o.step, ARRAY(SELECT c.row FROM unnest(%s::int[]) AS v(row), LATERAL (
        SELECT k.row FROM {SCHEMA}.contact k WHERE k.run = %s AND k.row = v.row AND k.state = 1 AND k.owner = %s OFFSET 0) AS c)
    FROM {SCHEMA}.owner o WHERE o.id = %s AND o.run = %s AND NOT o.fenced"""
_SECOND: Final = f"""INSERT INTO {SCHEMA}.second VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (run, at, owner) DO UPDATE SET sent = excluded.sent, refused = excluded.refused, unknown = excluded.unknown,
        throttled = excluded.throttled, held = excluded.held, latencies = excluded.latencies, rate = excluded.rate"""
_PAID: Final = f"""WITH s AS (
        SELECT sum(v.price)::bigint AS paid, sum(greatest(c.segments, 1))::bigint AS segments, count(*) AS number,
            max((v.price + greatest(c.segments, 1) - 1) / greatest(c.segments, 1)) AS dearest
        FROM unnest(%(rows)s::int[], %(prices)s::bigint[]) AS v(row, price)
            JOIN {SCHEMA}.contact c ON c.run = %(run)s AND c.row = v.row),
    counted AS (SELECT {SCHEMA}.count_paid(%(run)s, paid, segments, dearest, number) FROM s)
INSERT INTO {SCHEMA}.reservation
    SELECT %(run)s, %(owner)s, v.what, v.amount FROM s, (SELECT count(*) FROM counted) AS done,
        LATERAL (VALUES ('paid', s.paid), ('segments', s.segments), ('dearest', s.dearest)) AS v(what, amount)
    ON CONFLICT (run, owner, what) DO UPDATE SET amount = CASE excluded.what
        WHEN 'dearest' THEN greatest(reservation.amount, excluded.amount) ELSE reservation.amount + excluded.amount END"""


class Answer(msgspec.Struct, frozen=True):
    """What the database says of a step."""

    counts: list[int]
    fenced: bool = False
    texts: list[Text] = []
    results: list[tuple[int, str, int, int, str, str, str, int]] = []
    cursors: list[int] | None = None
    cursor: int = 0
    due: float | None = None
    shut: list[int] = []
    is_repeated: bool = False
    mine: int | None = None
    """Entries that this owner has open now."""
    senders: int = 1
    """Owners whose leases last."""
    bounds: Bounded | None = None
    hold: float | None = None
    """Seconds for which nothing may leave."""
    others: tuple[float | None, int] = (None, 0)
    """What other owners have learned together, and how many of them."""

    @property
    def is_alone(self) -> bool:
        """Whether nobody else has an entry open."""
        return self.mine is None or self.counts[states.NUMBERS[State.INTENT]] <= self.mine


class Taken(msgspec.Struct, frozen=True):
    """Who comes next, locked for this transaction."""

    texts: list[Text]
    cursors: list[int] | None
    cursor: int
    cut: str = ""
    """What the next one does not fit into."""


_LOOK_AGAIN: Final = 1.0
"""Seconds after which it is looked again what other machines have given back."""

_answer = msgspec.json.Decoder(Answer).decode
_taken = msgspec.json.Decoder(Taken).decode


class Doing(msgspec.Struct):
    """A step to be done. `number`: of this step among those of its owner; the same each time it is asked for."""

    run: int
    owner: int
    number: int
    lease: float
    same_text: str
    closing: Closing
    want: int
    now: float
    asked: Asked
    first: list[int]
    turned: Turned | None = None
    second: Second | None = None
    prices: Mapping[int, int] = {}
    is_drawn: bool = False
    """Nobody goes but those who are `first`."""
    hold: float = 0.0
    learned: float | None = None
    """What the other machines are told: as `Together`."""
    cut: str = ""
    """What those of whom the rules were not asked any more did not fit into."""

    @property
    def is_simple(self) -> bool:
        """Whether one statement does it all."""
        return self.turned is None and self.second is None and not self.prices


async def do(connection: AsyncConnection, doing: Doing) -> Answer:
    """Do it, in a transaction of its own. Asked for once more, it is not done twice."""
    if doing.is_simple:
        return await _step(connection, doing)
    async with connection.transaction():
        if doing.turned is not None:
            doing.turned = await _still_queued(connection, doing, doing.turned)
        return await do_within(connection, doing)


async def do_within(connection: AsyncConnection, doing: Doing) -> Answer:
    """Do it in the transaction that is open."""
    answer = await _step(connection, doing)
    if answer.fenced or answer.is_repeated:
        return answer
    if doing.turned is not None and doing.turned.number:
        counts = await _turn_away(connection, doing, doing.turned)
        answer = msgspec.structs.replace(answer, counts=counts)
    if doing.second is not None:
        await _note_second(connection, doing, doing.second)
    if doing.prices:
        given = {"rows": values.numbers(doing.prices), "prices": values.numbers(doing.prices.values())}
        await connection.execute(_PAID, {"run": doing.run, "owner": doing.owner, **given})
    return answer


async def after_loss(to: Connections, run: Opened, owner: int, closing: Closing) -> Closing:
    """Where the step before was given up it may have been done all the same: find out its number. What of `closing` is still to
    be done; whoever that step has opened stays in doubt."""

    async def look(connection: AsyncConnection) -> list[Any]:
        rows = values.numbers([close.row for close in closing.closed])
        return await (await connection.execute(_AFTER_LOSS, (rows, run.id, owner, owner, run.id))).fetchall()

    found = await to.patiently(look)
    if not found:
        return closing  # it is fenced: what it brings is taken as proof
    ((number, still),) = found
    if number == run.steps.get(owner, 0):
        return closing  # it was not done
    run.steps[owner] = number
    return Closing([close for close in closing.closed if close.row in set(still)])


async def take(connection: AsyncConnection, doing: Doing, asked: Asked, want: int, turned: Turned) -> Taken:
    """Within a transaction: who comes next, so that no other machine is given them before it ends. `turned`: of whom the rules
    were asked already."""
    arguments = (
        *(doing.run, doing.same_text, doing.run, want, int(doing.now * 1000), values.numbers(doing.first)),
        *_of_queue(asked),
        values.numbers([text.row for text in turned.texts]),
        *(doing.run, doing.owner, values.numbers([text.row for text in turned.go])),
    )
    found = _taken(await server.one(await connection.execute(_TAKE, arguments, prepare=True)))
    return msgspec.structs.replace(found, texts=[values.text_of(text) for text in found.texts])


def _of_queue(asked: Asked) -> tuple[str | int | bool | None, ...]:
    return (
        values.numbers(asked.shut),
        values.numbers(asked.places),
        values.numbers(asked.cursors),
        None if asked.others is None else values.numbers(asked.others),
        asked.cursor,
        asked.rest,
    )


async def _step(connection: AsyncConnection, doing: Doing) -> Answer:
    closing, turned = doing.closing, doing.turned
    chosen = None if turned is None else values.numbers([text.row for text in turned.go])
    due = closing.due
    arguments = (
        *(doing.run, doing.owner, doing.number, doing.lease, doing.same_text),
        *_of_closed(closing.closed),
        values.delta({**closing.states, State.INTENT: -closing.number}),
        values.numbers(due),
        values.numbers(due.values()),
        *(doing.want, int(doing.now * 1000), chosen, values.numbers(doing.first)),
        *_of_queue(doing.asked),
        *(doing.hold, doing.learned),
    )
    answer = _answer(await server.one(await connection.execute(_STEP, arguments, prepare=True)))
    return msgspec.structs.replace(answer, texts=[values.text_of(text) for text in answer.texts])


def _of_closed(closed: Sequence[Closed]) -> tuple[str, ...]:
    return (
        values.numbers([close.row for close in closed]),
        values.numbers([states.NUMBERS[close.state] for close in closed]),
        values.numbers([close.attempts for close in closed]),
        values.words([storable(close.logid) for close in closed]),
        values.words([close.why.code for close in closed]),
        values.words([storable(close.why.detail) for close in closed]),
        values.numbers([close.time for close in closed]),
    )


async def _still_queued(connection: AsyncConnection, doing: Doing, turned: Turned) -> Turned:
    """Those of whom the rules were asked that are still queued: where the connection was lost, another may have taken some."""
    rows = values.numbers([text.row for text in turned.texts])
    found = await (await connection.execute(_STILL, (rows, doing.run), prepare=True)).fetchall()
    still = {row for (row,) in found}
    if len(still) == len(turned.texts):
        return turned
    return Turned(
        [text for text in turned.go if text.row in still],
        [wait for wait in turned.waits if wait[0] in still],
        [one for one in turned.nevers if one.row in still],
        turned.texts,
    )


async def _turn_away(connection: AsyncConnection, doing: Doing, turned: Turned) -> list[int]:
    rows = [(row, State.QUEUED, why) for row, _, why in turned.waits] + [(one.row, one.state, one.why) for one in turned.nevers]
    changes: dict[State, int] = {}
    for one in turned.nevers:
        changes[State.QUEUED] = changes.get(State.QUEUED, 0) - 1
        changes[one.state] = changes.get(one.state, 0) + 1
    arguments = (
        *(doing.run, doing.owner, values.numbers([row for row, _, _ in rows])),
        values.numbers([states.NUMBERS[state] for _, state, _ in rows]),
        values.words([why.code for _, _, why in rows]),
        values.words([storable(why.detail) for _, _, why in rows]),
        values.numbers([row for row, _, _ in turned.waits]),
        values.numbers([due for _, due, _ in turned.waits]),
        values.delta(changes),
    )
    found: list[int] = await server.one(await connection.execute(_TURN_AWAY, arguments, prepare=True))
    return found


async def _note_second(connection: AsyncConnection, doing: Doing, second: Second) -> None:
    latencies = msgspec.json.encode(second.latencies).decode()
    counted: tuple[Any, ...] = (second.sent, second.refused, second.unknown, second.throttled, second.held, latencies)
    await connection.execute(_SECOND, (doing.run, second.at, doing.owner, *counted, second.rate))


def step_of(answer: Answer, doing: Doing) -> Step:
    """What a step has done, as the port says it."""
    if answer.fenced:
        results = [
            values.result_of(row, phone, 2, code or None, detail, logid, attempts, time)
            for row, phone, _, attempts, logid, code, detail, time in answer.results
        ]
        return Step(results=results, is_fenced=True)
    return msgspec.structs.replace(_step_of(answer, doing), bounds=heard(answer.bounds, answer.counts, doing.cut))


def _step_of(answer: Answer, doing: Doing) -> Step:
    turned = doing.turned
    nevers: list[Result] = [] if turned is None else turned.nevers
    is_more = turned is not None and turned.number >= ASKED_AT_MOST
    if len(answer.texts) >= doing.want or is_more:
        return Step(answer.texts, nevers, is_more=is_more, senders=answer.senders)
    if doing.is_drawn and not answer.is_repeated:
        return Step(answer.texts, nevers, senders=answer.senders)
    if doing.cut or (answer.bounds is not None and answer.bounds.cut):
        return Step(answer.texts, nevers, senders=answer.senders)
    if answer.is_repeated or not doing.asked.rest or (turned is not None and len(answer.texts) < len(turned.go)):
        return Step(answer.texts, nevers, is_more=True, senders=answer.senders)
    due = answer.due
    if not answer.is_alone:
        # What another machine has in hand may come back, and the run is not at its end before that is closed.
        due = min(doing.now + _LOOK_AGAIN, doing.now + _LOOK_AGAIN if due is None else due)
    return Step(answer.texts, nevers, due=due, shut=frozenset(answer.shut), senders=answer.senders)
