"""What still fits into the bounds of a run of contacts that a provider hands out: counted in the transaction that opens them.

Lives here: the statements, and who of those that were drawn is opened. Contacts of a list are counted in the database
(`bounding.py`); these are not in it before they are opened, so they are counted here, while the bounds are locked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from rumbleup_async.messaging import Text
from rumbleup_async.money import Bounded
from rumbleup_async.postgres.tables import SCHEMA
from rumbleup_async.reasons import CAPPED, Code, Reason

if TYPE_CHECKING:
    from rumbleup_async.postgres.server import AsyncConnection

_ROOM: Final = f"""SELECT b.texts, b.budget - b.paid, greatest(b.price, b.dearest), b.segments, b.cap - b.used
    FROM {SCHEMA}.bound_of(%s) b WHERE b.run IS NOT NULL"""
_TAKE: Final = f"""UPDATE {SCHEMA}.bound SET texts = texts - %(texts)s, segments = segments + %(segments)s,
    used = used + %(segments)s WHERE run = %(run)s"""
_TOLD: Final = f"SELECT {SCHEMA}.told(b, %s)::text FROM {SCHEMA}.bound b WHERE b.run = %s"

REASONS: Final[Mapping[str, Reason]] = {
    "limit": Reason(Code.DRAWN),
    "budget": Reason(Code.BUDGET),
    "day": CAPPED,
}
"""Why somebody is queued who does not fit, by what that is. They come back at the provider when their lock ends."""


class Room:
    """What may still be opened. `texts`, `money`, `day`: None for no bound; `segments`: reserved of the money already."""

    def __init__(self, texts: int | None, money: int | None, price: int, segments: int, day: int | None) -> None:
        self._texts = texts
        self._money = money
        self._price = price
        self._segments = segments
        self._day = day
        self.cut = ""
        """What the first that does not fit is too much for."""

    def beyond(self, texts: Sequence[Text]) -> dict[str, Reason]:
        """Of these, which are to be opened in their order, those that do not fit: why, by phone."""
        found: dict[str, Reason] = {}
        number = parts = 0
        for text in texts:
            total = parts + max(1, text.segments)
            if self._texts is not None and number >= self._texts:
                cut = "limit"
            elif self._money is not None and self._price * (self._segments + total) > self._money:
                cut = "budget"
            elif self._day is not None and total > self._day:
                cut = "day"
            else:
                number, parts = number + 1, total
                continue
            self.cut = self.cut or cut
            found[text.phone] = REASONS[cut]
        return found


async def room(connection: AsyncConnection, run: int) -> Room | None:
    """What may be opened in this transaction, which keeps the bounds locked; None where nothing bounds the run."""
    found = await (await connection.execute(_ROOM, (run,))).fetchone()
    return None if found is None else Room(*found)


async def take(connection: AsyncConnection, run: int, opened: Sequence[Text]) -> None:
    """These are opened in this transaction."""
    if not opened:
        return
    segments = sum(max(1, text.segments) for text in opened)
    await connection.execute(_TAKE, {"run": run, "texts": len(opened), "segments": segments})


async def told(connection: AsyncConnection, run: int, cut: str) -> Bounded | None:
    """How the bounds stand now; None where there are none."""
    found = await (await connection.execute(_TOLD, (cut, run))).fetchone()
    return None if found is None else msgspec.json.decode(found[0], type=Bounded)
