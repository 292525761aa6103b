"""A look into a run in a database that goes through all of its contacts.

Lives here: reading only. It answers what `ledger.whole_reader.WholeReader` answers of a file, by the same names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rumbleup_async.ledger.whole_reader import QUARTER, Hour, Texted, Whole, texted
from rumbleup_async.messaging import Result
from rumbleup_async.postgres import values
from rumbleup_async.postgres.reader import Reader
from rumbleup_async.postgres.tables import SCHEMA

_AT_ONCE: Final = 100_000
_TEXTED: Final = f"SELECT row, phone, state, logid, time FROM {SCHEMA}.contact WHERE run = %s AND state IN (1, 2, 6)"
_HOURS: Final = f"""SELECT left(right(phone, 10), 3), place, time / {QUARTER} * {QUARTER // 1000}, count(*),
    sum(greatest(segments, 1)) FROM {SCHEMA}.contact WHERE run = %s AND row > %s AND row <= %s AND state = 2 AND time > 0
    GROUP BY 1, 2, 3"""
_CONTACTS: Final = f"""SELECT row, phone, state, code, detail, logid, attempts, time, segments FROM {SCHEMA}.contact
    WHERE run = %s AND row > %s ORDER BY row LIMIT 1000"""


class WholeReader(Reader):
    """A `Reader` that has more to tell."""

    is_purged = False

    @property
    def prefix(self) -> str:
        """What stands before the ten digits of a phone in this ledger."""
        return str(self.plan.details.get("phone_prefix", ""))

    def as_of(self, row: Result) -> Result:
        """A contact as it counts in this ledger."""
        return row

    def find(self, phones: Sequence[str]) -> dict[str, Texted]:
        """Of these phones (ten digits) those that were texted, or may have been."""
        length = len(self.prefix)
        asked = values.words(values.kept(self.prefix + phone) for phone in phones)
        found = self._of_run(f"{_TEXTED} AND screened IS NULL AND phone = ANY(%s::text[])", asked)
        return {one[1][length:]: texted(*one) for one in found}

    def find_rows(self, rows: Sequence[int]) -> list[Texted]:
        """The same of rows."""
        return [texted(*one) for one in self._of_run(f"{_TEXTED} AND row = ANY(%s::integer[])", values.numbers(rows))]

    def first_sent(self) -> int:
        """When the first text was sent, in Unix milliseconds; 0 where none was. Goes through all contacts."""
        statement = f"SELECT min(time) FROM {SCHEMA}.contact WHERE run = %s AND time > 0 AND state IN (1, 2, 6)"
        return int(self._of_run(statement)[0][0] or 0)

    def hours(self, rows: int = _AT_ONCE) -> Iterator[list[Hour]]:
        """How many were sent where and when: so many rows after the other."""
        for after in range(-1, self.last_row, rows):
            found = self._of_run(_HOURS, after, after + rows)
            yield [Hour(values.given(area), *map(int, rest)) for area, *rest in found]

    def contacts(self) -> Iterator[list[Whole]]:
        """Every contact, in the order of rows, a thousand at a time."""
        after = -1
        while found := self._of_run(_CONTACTS, after):
            yield [Whole(values.result_of(*columns), segments) for *columns, segments in found]
            after = found[-1][0]
