"""A table whose rows come one after the other from somebody else: a query, a DataFrame.

Lives here: picking columns of whole rows, and the fingerprint of a list that is no file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Final

from rumbleup_async.lists.cell_values import text_of
from rumbleup_async.lists.tables import Record

BLOCK: Final = 1000

_SIZE: Final = 16


class RowTable:
    """Rows as a `Table`: its rows have no header among them, and their numbers are positions from 1."""

    row = 0

    def __init__(
        self, where: str, form: str, header: Sequence[str], blocks: Iterable[list[Record]], several: Sequence[int] = ()
    ) -> None:
        self.where = where
        self.form = form
        self.header = tuple(header)
        self.several = several
        self._blocks = blocks
        self.fingerprint: str | None = None

    def blocks(self, wanted: Sequence[int]) -> Iterator[list[Record]]:
        # The whole rows are hashed and added up: a database may hand out the same rows in another order the next time, and
        # another text asks for other columns of them.
        total, digest, number = 0, hashlib.blake2b, int.from_bytes
        columns = list(wanted)
        pick = itemgetter(*columns) if len(columns) > 1 else lambda record: (record[columns[0]],)
        for block in self._blocks:
            for record in block:
                data = "\x1f".join(record).encode("utf-8", "surrogatepass")
                total += number(digest(data, digest_size=_SIZE).digest())
            yield list(map(pick, block))
        names = "\x1f".join(self.header).encode("utf-8", "surrogatepass")
        self.fingerprint = digest(names + (total % (1 << 128)).to_bytes(_SIZE), digest_size=_SIZE).hexdigest()

    def notes(self) -> list[str]:
        return []

    def close(self) -> None:
        """Nothing of ours is open."""


def record_of(row: Iterable[object]) -> Record:
    """A row of values as the texts of its cells."""
    return [value if value.__class__ is str else text_of(value) for value in row]
