"""A step that has the rules asked between reading who comes next and writing what becomes of them.

Lives here: the transaction in which those who come next stay locked while the rules are asked, so that no other machine is given
them; and what is done where the connection breaks in it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rumbleup_async.admission import Admit
from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger.turning import ASKED_AT_MOST, Turned
from rumbleup_async.postgres import steps
from rumbleup_async.postgres.connections import Connections, is_away
from rumbleup_async.postgres.queue import Read
from rumbleup_async.postgres.server import Said, driver, said, telling
from rumbleup_async.postgres.steps import Answer, Doing
from rumbleup_async.shielding import run_shielded

if TYPE_CHECKING:
    from rumbleup_async.postgres.server import AsyncConnection

Note = Callable[[Doing, Answer, Sequence[Read]], None]
"""Is told of a step that is on the disk."""


async def ask_and_do(to: Connections, doing: Doing, admit: Admit, note: Note) -> Answer:
    """Do the step for those whom the rules let go. What the rules raise goes on, and then nothing is done."""
    async with to.steps(is_tried=False) as connection:
        read: list[Read] = []
        try:
            doing.turned = await _ask(connection, doing, admit, read)
        except LedgerError as error:
            if not is_away(error):
                raise
            doing.turned = Turned([])  # nobody was decided on; the closes are done all the same
            read.clear()
        return await run_shielded(_finish(to, connection, doing, read, note))


async def _ask(connection: AsyncConnection, doing: Doing, admit: Admit, read: list[Read]) -> Turned:
    turned, asked = Turned([]), doing.asked
    errors = driver()
    try:
        await connection.execute("BEGIN")
        while (missing := doing.want - len(turned.go)) > 0 and turned.number < ASKED_AT_MOST:
            taken = await steps.take(connection, doing, asked, missing, turned)
            read.append((asked, taken.cursors, taken.cursor))
            asked = asked.after(taken.cursors, taken.cursor)
            if taken.texts:
                turned.texts += taken.texts
                turned.sort(taken.texts, await admit(taken.texts))
            if taken.cut:
                doing.cut = taken.cut
                read.clear()  # whoever did not fit is still to come
            if taken.cut or not taken.texts:
                break
    except errors.Error as error:
        await run_shielded(_roll_back(connection))
        raise Said.of(error, said(error)) from None
    except BaseException:
        await run_shielded(_roll_back(connection))
        raise
    return turned


async def _finish(to: Connections, connection: AsyncConnection, doing: Doing, read: list[Read], note: Note) -> Answer:
    errors = driver()
    answer: Answer | None = None
    if not connection.closed and connection.info.transaction_status == errors.pq.TransactionStatus.INTRANS:
        try:
            answer = await steps.do_within(connection, doing)
            await connection.execute("COMMIT")
        except errors.Error as error:
            await _roll_back(connection)
            if not is_away(error):
                with telling(to.address):
                    raise
            answer = None
    if answer is None:
        # Whether it was committed nobody knows: the number of the step tells.
        answer = await to.while_held(lambda again: steps.do(again, doing))
    note(doing, answer, read)
    return answer


async def _roll_back(connection: AsyncConnection) -> None:
    errors = driver()
    with contextlib.suppress(errors.Error):
        if not connection.closed:
            await connection.execute("ROLLBACK")
