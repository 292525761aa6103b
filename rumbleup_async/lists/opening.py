"""What a list is, by its first bytes, and who reads it. The name of a file says nothing.

Lives here: the choice between the forms.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from rumbleup_async.errors import ListError
from rumbleup_async.lists import arrow_table, compound_file, documents, json_array, packed
from rumbleup_async.lists.contact_list import ContactList, words_of
from rumbleup_async.lists.lines import Readable
from rumbleup_async.lists.packed import GZIP, ZIP, ZSTD
from rumbleup_async.lists.reading import Reading
from rumbleup_async.lists.streams import Incoming
from rumbleup_async.lists.table_list import TableList
from rumbleup_async.lists.text_list import TextList

if TYPE_CHECKING:
    from rumbleup_async.lists.tables import Table

_LAYERS = 3
"""An archive in an archive is read, one more is not: nobody packs lists so."""


def opened(stream: Readable, where: str, reading: Reading, close: Callable[[], None] | None = None) -> ContactList:
    """The list in this stream. `close` is called when it is closed; the stream is the caller's otherwise. Raises `ListError`."""
    with contextlib.ExitStack() as stack:
        if close is not None:
            stack.callback(close)
        found = _Opening(where, reading, stack).open(stream)
        if reading.sheet is not None and found.kind != "table":
            raise ListError(f"{where}: --sheet names the sheet of a workbook, and this is {found.form}; leave --sheet out")
        found.closes(stack.pop_all().close)
        return found


def of_table(table: Table, reading: Reading) -> ContactList:
    """The list that a table holds; the table is closed with it."""
    with contextlib.ExitStack() as stack:
        stack.callback(table.close)
        if reading.sheet is not None:
            raise ListError(f"{table.where}: --sheet names the sheet of a workbook, and this is {table.form}; leave --sheet out")
        found = TableList(table, reading)
        found.closes(stack.pop_all().close)
        return found


class _Opening:
    """One list on its way through its wrappings."""

    def __init__(self, where: str, reading: Reading, stack: contextlib.ExitStack) -> None:
        self._where = where
        self._reading = reading
        self._stack = stack
        self._outermost: Incoming | None = None
        """The bytes as they came, where the list is not read from them line by line: its fingerprint is theirs."""

    def open(self, stream: Readable, layer: int = 0) -> ContactList:
        where = self._where
        try:
            incoming = Incoming(stream)
        except (OSError, ValueError) as error:
            raise ListError(f"{where}: cannot be read: {words_of(error)}") from None
        head = incoming.head
        if head.startswith((GZIP, *ZSTD, *ZIP)) and layer >= _LAYERS:
            raise ListError(f"{where}: is packed more than {_LAYERS} times; unpack it first")
        if head.startswith((GZIP, *ZSTD)):
            return self.open(packed.Unpacked(self._counted(incoming), head, where), layer + 1)
        if head.startswith(ZIP):
            file = self._counted(incoming).as_file(self._keep)
            member = packed.of_zip(file, where)
            return self.open(member, layer + 1) if member is not None else self._workbook(file)
        if head.startswith(documents.OLE):
            file = self._counted(incoming).as_file(self._keep)
            if not compound_file.is_sound(file):
                raise ListError(f"{where}: this is an old Excel workbook, and it is damaged or ends too early; get it anew")
            if compound_file.is_locked(file):
                raise ListError(
                    f"{where}: this is a workbook that is protected by a password; open it, take it off, and save it again"
                )
            return self._workbook(file)
        if head.startswith(arrow_table.ENCRYPTED):
            raise ListError(f"{where}: this is an encrypted Parquet file; export it as CSV")
        if head.startswith((arrow_table.PARQUET, arrow_table.FILE, arrow_table.STREAM)):
            return self._table(arrow_table.ArrowFile(self._counted(incoming).as_file(self._keep), head, where))
        if json_array.begins(head, self._reading.encoding):
            found: ContactList = json_array.JsonArray(self._counted(incoming), where, self._reading)
        else:
            own = self._reading if self._outermost is None else msgspec.structs.replace(self._reading, copy=None)
            found = TextList(incoming, where, own)
        found.comes_from(self._outermost)
        return found

    def _counted(self, incoming: Incoming) -> Incoming:
        if self._outermost is None:
            incoming.count(self._reading.copy)
            self._outermost = incoming
        return incoming

    def _keep(self, file: object) -> None:
        self._stack.callback(file.close)  # type: ignore[attr-defined]

    def _workbook(self, file: object) -> ContactList:
        from rumbleup_async.lists.workbook import Workbook

        reading = self._reading
        return self._table(Workbook(file, self._where, sheet=reading.sheet, phone_field=reading.phone_field))  # type: ignore[arg-type]

    def _table(self, table: Table) -> ContactList:
        self._stack.callback(table.close)
        found = TableList(table, self._reading)
        found.comes_from(self._outermost)
        return found
