"""The repeated phones of a long list on its way into a ledger.

Lives here: what only a load from an empty table does, and whom its rows leave out.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Final

from rumbleup_async.ledger.states import NUMBERS
from rumbleup_async.messaging import State
from rumbleup_async.reasons import APART, Code, Reason

NOBODY: Final[Mapping[str, Reason]] = {}

_DOUBTFUL: Final = 2
"""The `screened` of a row whose phone may have come before, until `sort_out`."""

_BITS: Final = 26
"""2^26 bits are 8 MiB: of ten million phones one in fourteen is doubted for nothing, of one million one in 130."""


class Coming:
    """The phones of a list as they come: sure of a phone that it is new, never sure that it is not."""

    def __init__(self) -> None:
        # Not a map that takes memory only where it is touched: page by page that takes several times as long.
        self._seen = bytearray(1 << (_BITS - 3))

    def marks(self, phones: Iterable[str]) -> list[int | None]:
        """For each phone None if it has certainly not come before, else _DOUBTFUL."""
        seen, last = self._seen, (1 << _BITS) - 1
        found: list[int | None] = []
        for phone in phones:
            place = hash(phone) & last
            bit = 1 << (place & 7)
            place >>= 3
            if seen[place] & bit:
                found.append(_DOUBTFUL)
            else:
                seen[place] |= bit
                found.append(None)
        return found


def sort_out(db: sqlite3.Connection) -> list[int]:
    """Decide the doubtful rows, once the unique index is there: the first of a phone stays, the others are skipped. Their places.

    Sorting all phones of a list to find those few took about as long as inserting them.
    """
    db.execute(f"UPDATE OR IGNORE contact SET screened = NULL WHERE screened = {_DOUBTFUL}")  # noqa: S608
    skipped = db.execute(
        f"""UPDATE contact SET state = ?, screened = 1, code = '{Code.DUPLICATE}', detail = '{APART} of row ' ||
            (SELECT c.row FROM contact AS c WHERE c.phone = contact.phone AND c.screened IS NULL)
        WHERE screened = {_DOUBTFUL} RETURNING place""",  # noqa: S608
        (NUMBERS[State.SKIPPED],),
    )
    return [place for (place,) in skipped]


def leave_out(db: sqlite3.Connection, reasons: Mapping[str, Reason]) -> list[int]:
    """Skip the queued rows of these phones, each for its reason. Their places."""
    by_reason: dict[Reason, list[str]] = {}
    for phone, reason in reasons.items():
        by_reason.setdefault(reason, []).append(phone)
    return [
        place
        for reason, phones in by_reason.items()
        for (place,) in db.execute(
            """UPDATE contact SET state = ?, screened = 1, code = ?, detail = ?
            WHERE state = 0 AND screened IS NULL AND phone IN (SELECT value FROM json_each(?)) RETURNING place""",
            (NUMBERS[State.SKIPPED], reason.code or None, reason.detail or None, json.dumps(phones)),
        )
    ]
