"""A look into a ledger that goes through all of its contacts, for reports of the whole and for what came after the send.

Lives here: reading only, in parts, so that no look into the file takes long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from rumbleup_async.ledger import beginning, states
from rumbleup_async.ledger.files import reading, value_of
from rumbleup_async.ledger.keeping_reasons import reason_of
from rumbleup_async.ledger.reader import Reader
from rumbleup_async.messaging import Result, State

AT_ONCE: Final = 20_000
"""Rows that are counted in one go; about a hundredth of a second."""


class Texted(NamedTuple):
    """A contact that was texted, or may have been. `logid`: "" where the ledger does not know it. `time`: Unix milliseconds."""

    row: int
    phone: str
    state: State
    logid: str
    time: int


class Hour(NamedTuple):
    """So many texts, of so many segments, were sent to an area code from a quarter of an hour on (Unix seconds). `place`: where
    the contact is, as `rules.places` reads it; 0 where nobody asked."""

    area: str
    place: int
    at: int
    number: int
    segments: int


class Whole(NamedTuple):
    """A contact as reports have it, and the segments of its text."""

    result: Result
    segments: int


QUARTER: Final = 900_000


def texted(row: int, phone: str, state: int, logid: str | None, time: int | None) -> Texted:
    """Of the columns of a ledger."""
    return Texted(row, phone, states.BY_NUMBER[state], logid or "", time or 0)


class WholeReader(Reader):
    """A `Reader` that has more to tell."""

    @property
    def prefix(self) -> str:
        """What stands before the ten digits of a phone in this ledger."""
        return str(self.plan.details.get("phone_prefix", ""))

    @property
    def is_purged(self) -> bool:
        """Whether the phones were taken out of it."""
        with reading(self.path):
            return value_of(self._db, beginning.PURGED) is not None

    def find(self, phones: Sequence[str]) -> dict[str, Texted]:
        """Of these phones (ten digits) those that were texted, or may have been."""
        length = len(self.prefix)
        given = msgspec.json.encode([self.prefix + phone for phone in phones]).decode()
        with reading(self.path):
            found = self._db.execute(
                """SELECT row, phone, state, logid, time FROM json_each(?) AS asked JOIN contact ON phone = asked.value
                WHERE screened IS NULL AND state IN (1, 2, 6)""",
                (given,),
            ).fetchall()
        return {one[1][length:]: texted(*one) for one in found}

    def find_rows(self, rows: Sequence[int]) -> list[Texted]:
        """The same of rows."""
        with reading(self.path):
            found = self._db.execute(
                """SELECT row, phone, state, logid, time FROM contact WHERE row IN (SELECT value FROM json_each(?))
                AND state IN (1, 2, 6)""",
                (msgspec.json.encode(rows).decode(),),
            ).fetchall()
        return [texted(*one) for one in found]

    def first_sent(self) -> int:
        """When the first text was sent, in Unix milliseconds; 0 where none was. Goes through all contacts."""
        with reading(self.path):
            found = self._db.execute("SELECT min(time) FROM contact WHERE time > 0 AND state IN (1, 2, 6)").fetchone()
        return int(found[0] or 0)

    def hours(self, rows: int = AT_ONCE) -> Iterator[list[Hour]]:
        """How many were sent where and when: so many rows after the other."""
        for after in range(-1, self.last_row, rows):
            with reading(self.path):
                found = self._db.execute(
                    f"""SELECT substr(phone, -10, 3), place, time / {QUARTER} * {QUARTER // 1000}, count(*), sum(max(segments, 1))
                    FROM contact WHERE row > ? AND row <= ? AND state = 2 AND time > 0 GROUP BY 1, 2, 3""",  # noqa: S608
                    (after, after + rows),
                ).fetchall()
            yield [Hour(*one) for one in found]

    def contacts(self) -> Iterator[list[Whole]]:
        """Every contact, in the order of rows, a thousand at a time."""
        after = -1
        while found := self._some_contacts(after):
            yield found
            after = found[-1].result.row

    def _some_contacts(self, after: int) -> list[Whole]:
        with reading(self.path):
            rows = self._db.execute(
                """SELECT row, phone, state, code, detail, logid, attempts, time, segments FROM contact WHERE row > ?
                ORDER BY row LIMIT 1000""",
                (after,),
            ).fetchall()
        return [self._whole(*one) for one in rows]

    def _whole(
        self,
        row: int,
        phone: str,
        state: int,
        code: str | None,
        detail: str | None,
        logid: str | None,
        attempts: int,
        time: int | None,
        segments: int,
    ) -> Whole:
        result = Result(row, phone, states.BY_NUMBER[state], reason_of(code, detail), logid or "", attempts, time or 0)
        return Whole(self.as_of(result), segments)
