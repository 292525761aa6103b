"""In which forms suppression lists come: the same as contact lists, told by their first bytes.

Lives here: unwrapping, and the rows of those that are no text.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from rumbleup_async.errors import ListError
from rumbleup_async.lists import arrow_table, compound_file, documents, packed
from rumbleup_async.lists.lines import Readable
from rumbleup_async.lists.streams import Incoming
from rumbleup_async.lists.tables import DEPTH, header_at

Sheet = tuple[str, int, Iterator[Sequence[str]]]
"""What a table is called in an error, the number of the row before its first, and its rows."""

_LAYERS = 3


def unwrapped(stream: Readable, where: str, keep: contextlib.ExitStack, layer: int = 0) -> Incoming | Iterator[Sheet]:
    """The text of a list, or the tables that it is made of. What is opened on the way is closed by `keep`. Raises `ListError`."""
    incoming = Incoming(stream)
    head = incoming.head

    def as_file() -> BinaryIO:
        return incoming.as_file(lambda file: keep.callback(file.close))

    if head.startswith((packed.GZIP, *packed.ZSTD, *packed.ZIP)) and layer >= _LAYERS:
        raise ListError(f"{where}: is packed more than {_LAYERS} times; unpack it first")
    if head.startswith((packed.GZIP, *packed.ZSTD)):
        return unwrapped(packed.Unpacked(incoming, head, where), where, keep, layer + 1)
    if head.startswith(packed.ZIP):
        file = as_file()
        member = packed.of_zip(file, where)
        return _sheets(file, where) if member is None else unwrapped(member, where, keep, layer + 1)
    if head.startswith(documents.OLE):
        file = as_file()
        if not compound_file.is_sound(file) or compound_file.is_locked(file):
            raise ListError(f"{where}: this is an old Excel workbook, or one with a password, or damaged; save it as CSV UTF-8")
        return _sheets(file, where)
    if head.startswith((arrow_table.PARQUET, arrow_table.FILE, arrow_table.STREAM)):
        table = arrow_table.ArrowFile(as_file(), head, where)
        keep.callback(table.close)
        rows = itertools.chain.from_iterable(table.blocks(range(len(table.header))))
        return iter([(where, -1, itertools.chain([table.header], rows))])
    return incoming


def _sheets(file: BinaryIO, where: str) -> Iterator[Sheet]:
    """All visible sheets of a workbook: whoever stands in any of them has opted out."""
    from rumbleup_async.lists.workbook import visible_sheets

    for name, rows in visible_sheets(file, where):
        first = list(itertools.islice(rows, DEPTH))
        above = header_at(first, None) or 0
        if any(sum(char.isdigit() for char in cell) > 6 for row in first[:above] for cell in row):
            above = 0  # somebody stands above it
        yield f"{where}, sheet {name!r}", above, itertools.chain(first[above:], rows)
