"""Pauses of a run in a database, and what others ask of the processes that send it.

Lives here: the statements, and what a run calls. Whoever asks writes it into the audit, in the order of which every process heeds
it: a pause and a continue are done by then, a stop is for those who were there when it was asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rumbleup_async.pauses import Pause, Request, Wish, now, oneself
from rumbleup_async.postgres import server
from rumbleup_async.postgres.connections import Connections
from rumbleup_async.postgres.opened import Opened
from rumbleup_async.postgres.tables import SCHEMA

if TYPE_CHECKING:
    from rumbleup_async.postgres.server import AsyncConnection

CURRENT: Final = f"SELECT began, who, why FROM {SCHEMA}.pause WHERE run = %s AND ended IS NULL ORDER BY began DESC LIMIT 1"
IS_HEEDED: Final = f"SELECT EXISTS (SELECT FROM {SCHEMA}.audit WHERE run = %s AND time = %s AND who = %s AND what = %s)"
LOCK: Final = f"SELECT FROM {SCHEMA}.run WHERE id = %s FOR UPDATE"
PAUSE: Final = f"""INSERT INTO {SCHEMA}.pause SELECT %(run)s, greatest(%(at)s::bigint,
        coalesce((SELECT max(began) + 1 FROM {SCHEMA}.pause WHERE run = %(run)s), 0)), NULL, %(who)s, %(why)s
    WHERE NOT EXISTS (SELECT FROM {SCHEMA}.pause WHERE run = %(run)s AND ended IS NULL)"""
CONTINUE: Final = f"UPDATE {SCHEMA}.pause SET ended = greatest(%(at)s::bigint, began) WHERE run = %(run)s AND ended IS NULL"
NOTE: Final = f"""INSERT INTO {SCHEMA}.audit (run, time, who, what, detail)
    VALUES (%(run)s, %(at)s, %(who)s, %(what)s, nullif(%(why)s, ''))"""
_LAST: Final = f"SELECT coalesce(max(id), 0) FROM {SCHEMA}.audit WHERE run = %s"
_ASKED: Final = f"""SELECT id, what, who, coalesce(detail, ''), time FROM {SCHEMA}.audit
    WHERE run = %s AND id > %s AND what IN ('pause', 'continue', 'stop') ORDER BY id"""
_HEARD: Final = f"UPDATE {SCHEMA}.owner SET heard = %s WHERE run = %s AND session = %s AND NOT fenced"


def values_of(run: int, request: Request) -> dict[str, int | str]:
    """The arguments of the statements above."""
    return {
        "run": run,
        "at": request.at,
        "who": request.who.replace("\0", ""),
        "why": request.why.replace("\0", ""),
        "what": str(request.what),
    }


class Pauses:
    """Fits `engine.ports.Pauses`. `now`: the pause that holds, as far as this process has heard."""

    is_shared = True

    def __init__(self, to: Connections, run: Opened) -> None:
        self._to = to
        self._run = run
        self._heard = 0
        self._told = 0
        self.now: Pause | None = None

    async def begin(self) -> None:
        """Find out whether the run is paused; what was asked for before is of no concern any more."""

        async def look(connection: AsyncConnection) -> None:
            self._heard = self._told = await server.one(await connection.execute(_LAST, (self._run.id,)))
            await self._look(connection)

        await self._to.read(look)

    async def heed(self, request: Request) -> None:
        """Do it, durably, unless that is done already."""
        given = values_of(self._run.id, request)

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(LOCK, (self._run.id,))
            done = await connection.execute(IS_HEEDED, (self._run.id, request.at, given["who"], given["what"]))
            if not await server.one(done):
                if request.what is not Wish.STOP:
                    await connection.execute(PAUSE if request.what is Wish.PAUSE else CONTINUE, given)
                await connection.execute(NOTE, given)

        await self._to.noted(write)
        await self._to.read(self._look)

    async def asked(self) -> list[Request]:
        """What others have asked for since `answered` was called last."""

        async def look(connection: AsyncConnection) -> list[tuple[int, str, str, str, int]]:
            return await (await connection.execute(_ASKED, (self._run.id, self._heard))).fetchall()

        found = await self._to.read(look)
        if found:
            self._told = found[-1][0]
        return [Request(Wish(what), who, why, at) for _, what, who, why, at in found]

    async def answered(self) -> None:
        """All that `asked` has told last is heeded."""

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(_HEARD, (self._told, self._run.id, self._to.session))

        await self._to.read(write)
        self._heard = self._told

    async def note(self, what: str, detail: str) -> None:
        """Keep in the audit that somebody does this now, durably. No phone and no text belongs into `detail`."""
        given = {"run": self._run.id, "at": now(), "who": oneself(), "what": what, "why": detail}
        tries = 0

        async def write(connection: AsyncConnection) -> None:
            nonlocal tries
            tries += 1
            done = (self._run.id, given["at"], given["who"], what)
            if tries == 1 or not await server.one(await connection.execute(IS_HEEDED, done)):
                await connection.execute(NOTE, given)

        await self._to.noted(write)

    async def _look(self, connection: AsyncConnection) -> None:
        found = await (await connection.execute(CURRENT, (self._run.id,))).fetchone()
        self.now = None if found is None else Pause(*found)
