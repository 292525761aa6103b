"""Columns of the list that go with a contact into the ledger and out again in its report (`--keep`).

Lives here: which they are, and the cells of a row as one text. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from rumbleup_async.errors import ConfigurationError, ListError
from rumbleup_async.lists import columns as naming
from rumbleup_async.messaging import Contact, Planned, Skipped
from rumbleup_async.screening.cells import clean
from rumbleup_async.screening.template import field_name

ALL = "*"

PHONE_COLUMN = "phone_column"
"""What is kept of each contact where several columns may hold the phone: the name of the one that it is texted at."""


def read_names(given: str | Iterable[str]) -> tuple[str, ...]:
    """The names that were asked for, each once; `*` alone if it is among them.
    ConfigurationError for one that is no name."""
    parts = [part.strip() for words in ([given] if isinstance(given, str) else given) for part in words.split(",")]
    for part in parts:
        if part and part != ALL and not field_name(part):
            raise ConfigurationError(f"keep {part!r} names no column")
    names = tuple({field_name(part) or ALL: part for part in parts if part}.values())
    return (ALL,) if ALL in names else names


class Keep:
    """The columns of one list that are kept."""

    def __init__(self, names: Sequence[str], *, has_phones: bool = False) -> None:
        self._names = names
        self._has_phones = has_phones
        self._columns: list[tuple[str, str]] = []
        """What each is called in the report, and its name in the normal form."""

    def begin(self, names: Sequence[str], labels: Sequence[str], phone: str | None, where: str) -> None:
        """The list has these columns, so called by it. `ListError` if one that is asked for is not among them."""
        self._find(names, labels, phone, where)
        if self._has_phones:
            self._columns.append((PHONE_COLUMN, PHONE_COLUMN))

    def _find(self, names: Sequence[str], labels: Sequence[str], phone: str | None, where: str) -> None:
        if self._names == (ALL,):
            found = {name: label.strip() for name, label in zip(names, labels, strict=True) if name and names.count(name) == 1}
            phones = phone.split(",") if phone else [name for name in found if naming.is_phone_name(name)]
            phones = phones or [name for name in found if naming.is_lesser_phone_name(name)]
            self._columns = [(label or name, name) for name, label in found.items() if name not in phones]
            return
        self._columns = [(name, field_name(name)) for name in self._names]
        for _, name in self._columns:
            if name not in names:
                raise ListError(f"{where}: there is no column {name!r} to keep; {naming.choice(name, names)}")
            if names.count(name) > 1:
                raise ListError(f"{where}: {names.count(name)} columns are called {name!r}; rename all but one")

    def wanted(self, fields: Collection[str] | None) -> frozenset[str] | None:
        """The columns to read, these among them."""
        return None if fields is None else frozenset(fields).union(name for _, name in self._columns)

    def cells(self, fields: Mapping[str, str]) -> str:
        """The kept cells of a row as a JSON object."""
        return msgspec.json.encode({label: fields.get(name, "") for label, name in self._columns}).decode()

    def with_cells(self, contacts: Sequence[Contact | Skipped], planned: Sequence[Planned | Skipped]) -> list[Planned | Skipped]:
        """What became of these contacts, one for one, each with its kept cells."""
        return [
            msgspec.structs.replace(row, kept=self.cells(contact.fields)) if isinstance(contact, Contact) else row
            for contact, row in zip(contacts, planned, strict=True)
        ]

    def skipped(self, row: Skipped, names: Sequence[str], record: Sequence[str]) -> Skipped:
        """A row that is left out before it becomes a contact, with its kept cells."""
        fields = {name: clean(cell.strip()) for name, cell in zip(names, record, strict=False)}
        return msgspec.structs.replace(row, kept=self.cells(fields))
