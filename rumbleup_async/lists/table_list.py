"""Lists with typed cells: workbooks, Parquet, Arrow, queries.

Lives here: a table's rows to `Contact` or `Skipped`, by the same rules as those of a CSV file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rumbleup_async.errors import ListError
from rumbleup_async.lists import header
from rumbleup_async.lists.contact_list import ContactList
from rumbleup_async.lists.reading import Reading
from rumbleup_async.lists.rows import Rows
from rumbleup_async.lists.tables import Table
from rumbleup_async.messaging import Contact, Skipped
from rumbleup_async.screening.template import field_name


class TableList(ContactList):
    """The list that a table holds."""

    kind = "table"

    def __init__(self, table: Table, reading: Reading) -> None:
        super().__init__(table.where, reading)
        self._table = table
        self.form = table.form
        names = tuple(map(field_name, table.header))
        self.columns: tuple[str, ...] = names
        self._phones = header.phone_columns(names, table.where, reading.phone_field)
        for index in self._phones:
            if index in table.several:
                raise ListError(
                    f"{table.where}: the column {names[index]!r} holds several values in each row; write one phone a row into a "
                    "column of its own, or name another column with --phone-field"
                )
        self.phone_field = ",".join(names[index] for index in self._phones)
        header.refuse_repeated(names, self._wanted or (), table.where)
        self._begin(names, table.header)

    def _own_fingerprint(self) -> str | None:
        return self._table.fingerprint

    @property
    def header(self) -> tuple[str, ...]:
        return self._table.header

    def _own_notes(self) -> list[str]:
        return self._table.notes()

    def raw(self) -> Iterator[tuple[int, Sequence[str]]]:
        self._taken = True
        row = self._table.row
        for block in self._table.blocks(range(len(self.columns))):
            yield from ((row, record) for row, record in enumerate(block, row + 1) if record)
            row += len(block)

    def _rows(self) -> Iterator[list[Contact | Skipped]]:
        names = self.columns
        picked = [
            index
            for index, name in enumerate(names)
            if name and names.count(name) == 1 and (self._wanted is None or name in self._wanted)
        ]
        checked = () if self._consent is None else [i for i, name in enumerate(names) if name in self._consent.columns]
        # A column that nobody asks for is not even made text of.
        needed = sorted({*self._phones, *picked, *checked})
        at = {index: place for place, index in enumerate(needed)}
        columns, phones = tuple(names[i] for i in needed), tuple(at[i] for i in self._phones)
        head = header.Header("csv", columns=columns, phone=phones[0], row=self._table.row, phones=phones)
        pick = [(names[index], at[index]) for index in picked]
        rows = Rows(head, len(needed), pick, {len(needed)}, self._where, self._consent, self._keep)
        for block in self._table.blocks(needed):
            yield rows.of(block)
