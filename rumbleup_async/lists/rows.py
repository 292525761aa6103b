"""The rows of a CSV list: records with their cells, made contacts.

Lives here: one record to `Contact` or, where it cannot be read or its own cells bar it, `Skipped`. Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rumbleup_async.lists import columns as naming
from rumbleup_async.lists import header
from rumbleup_async.lists.csv_records import Fault
from rumbleup_async.lists.kept_columns import PHONE_COLUMN
from rumbleup_async.messaging import Contact, Skipped
from rumbleup_async.reasons import Code, Reason
from rumbleup_async.screening import phones
from rumbleup_async.screening.cells import Clean, says_nothing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rumbleup_async.lists.consent import ConsentCheck
    from rumbleup_async.lists.kept_columns import Keep


class Rows:
    """CSV records to rows. The loop of `of` runs once a contact: it does nothing that only some records need."""

    def __init__(
        self,
        head: header.Header,
        width: int,
        pick: list[tuple[str, int]],
        lengths: set[int],
        where: str,
        consent: ConsentCheck | None,
        keep: Keep | None,
    ) -> None:
        self._head = head
        self._phone = head.phone
        self._phones = head.phones if len(head.phones) > 1 else ()
        self._width = width
        self._pick = pick
        self._row = head.row
        self._cells = Clean()
        self._lengths = lengths
        """How many cells a row may have, all in all, if those beyond its columns are blank."""
        self._where = where
        self._consent = consent
        self._keep = keep
        self._checked = [(name, index) for index, name in enumerate(head.columns or ()) if consent and name in consent.columns]

    def of(self, records: Sequence[Sequence[str]]) -> list[Contact | Skipped]:
        phone, width, pick, checked, cells = self._phone, self._width, self._pick, self._checked, self._cells
        rows: list[Contact | Skipped] = []
        add = rows.append
        for row, record in enumerate(records, self._row + 1):
            if len(record) == width and not self._phones:
                cell = record[phone]
                # `(214) 237-4925` is in no header, which is looked for at length; the usual ways to write it show at once.
                is_number = cell[:1].isdigit() or (cell[1:4].isdigit() and cell[6:9].isdigit()) or _many_digits(cell)
                if not is_number and (again := self._header(row, record)):
                    add(again)
                    continue
                if checked and (barred := self._barred(row, record)):
                    add(barred)
                    continue
                fields = {}  # filled by a loop, since a comprehension is a call of its own
                for name, index in pick:
                    fields[name] = cells[record[index]]
                add(Contact(row, cell, fields))
            else:
                rows += self._uneven(row, record)
        self._row += len(records)
        return rows

    def _mismatch(self, row: int, size: int, more: str = "") -> Skipped:
        return Skipped(row, "", Reason(Code.UNREADABLE_ROW, f"{size} columns where the header has {self._width}{more}"))

    def _uneven(self, row: int, record: Sequence[str]) -> list[Contact | Skipped]:
        if isinstance(record, Fault):
            return [Skipped(row, "", Reason(Code.UNREADABLE_ROW, record.reason))]
        if not record or (len(record) == 1 and not record[0].strip()):
            return []
        if again := self._header(row, record):
            return [again]
        size = used = len(record)
        while used > self._width and not record[used - 1].strip():
            used -= 1
        if used > self._width or (size > self._width and size not in self._lengths):
            # A comma too many moves what follows it, and the blank last cell of such a row hides behind the others.
            size = used if used > self._width else size
            return [self._mismatch(row, size)]
        if size > self._width and self._is_moved(record):
            return [self._mismatch(row, size, ", and a phone beside its column")]
        if size < self._width and any('"' in cell for cell in record):
            # The rest of a cell whose first quote was lost is a short row too, with the cells in the wrong columns.
            return [self._mismatch(row, size, ", and a stray quote")]
        if self._checked and (barred := self._barred(row, record)):
            return [barred]
        fields = {name: self._cells[record[index]] for name, index in self._pick if index < size}
        phone = self._phone
        if self._phones:
            phone = self._first_phone(record)
            fields[PHONE_COLUMN] = (self._head.columns or ())[phone]
        return [Contact(row, record[phone] if phone < size else "", fields)]

    def _first_phone(self, record: Sequence[str]) -> int:
        """Of several columns the first whose phone can be read; else the first with anything in it."""
        there = [index for index in self._phones if index < len(record)]
        read = (index for index in there if phones.normalise(record[index].strip())[0])
        filled = (index for index in there if not says_nothing(record[index].strip()))
        return next(read, next(filled, self._phone))

    def _is_moved(self, record: Sequence[str]) -> bool:
        """Whether the cells around the phone are those of other columns: where every name has an
        unquoted comma, all rows have one length."""
        columns = self._head.columns or ()
        first, after = self._phone, self._phone + 1
        while first and _says_phone(columns[first - 1]):
            first -= 1
        while after < self._width and _says_phone(columns[after]):
            after += 1
        if after < self._width and phones.normalise(record[after])[0]:
            return True
        return any(_a_word(record[index]) for index in range(first, after) if index != self._phone)

    def _barred(self, row: int, record: Sequence[str]) -> Skipped | None:
        """For a row whose own cells say that its person is not to be texted."""
        if self._consent is None:
            return None
        size = len(record)
        why = self._consent.why_not((name, record[index]) for name, index in self._checked if index < size)
        if not why:
            return None
        numbers = [record[index] if index < size else "" for index in self._phones or (self._phone,)]
        left_out = next(iter([self._consent.bar(row, number, why) for number in numbers]))
        return left_out if self._keep is None else self._keep.skipped(left_out, self._head.columns or (), record)

    def _header(self, row: int, record: Sequence[str]) -> Skipped | None:
        """For a row that is the header again; `ListError` where it is another one. None for a contact."""
        columns = self._head.columns or ()
        again = naming.header_again(record, columns, columns[self._phone])
        if again is None and len(record) == 1:
            for delimiter in header.DELIMITERS:
                cells, _ = header.header_of(list(record), delimiter)
                if naming.header_again(cells, columns, columns[self._phone]) is not None:
                    again, record = False, cells
        if again is False:
            raise naming.header_moved(self._where, row, record)
        return Skipped(row, "", naming.AGAIN) if again else None


_many_digits = re.compile(r"(?:\D*\d){5}").match
"""More than any name of a column has."""
_says_phone = re.compile(
    r"(?:.*_)?(?:[a-z]*phone|cell|mobile|tel|telephone|landline|fax)(?:_?(?:number|num|no))?(?:_?\d)?|home|work"
).fullmatch


def _a_word(cell: str) -> bool:
    """Whether a cell that should hold a number holds a name or a place."""
    value = cell.strip()
    return value.replace(" ", "").isalpha() and not says_nothing(value)
