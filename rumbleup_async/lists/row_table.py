"""A table whose rows come one after the other from somebody else: a query, a DataFrame.

Lives here: picking columns of whole rows, and the fingerprint of a list that is no file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rumbleup_async.lists.cell_values import rounded, text_of
from rumbleup_async.lists.tables import Record

BLOCK: Final = 1000

_SIZE: Final = 16
_ALL_TEXT: Final = {str}
_ALL_WHOLE: Final = {int}


class RowTable:
    """Rows of any values as a `Table`: there is no header among them, and their numbers are positions from 1.

    `blocks` are some rows each, `several` the columns with several values a row, `single` those of single precision.
    """

    row = 0

    def __init__(
        self,
        where: str,
        form: str,
        header: Sequence[str],
        blocks: Iterable[Sequence[Sequence[object]]],
        several: Sequence[int] = (),
        single: Sequence[int] = (),
    ) -> None:
        self.where = where
        self.form = form
        self.header = tuple(header)
        self.several = several
        self._single = frozenset(single)
        self._blocks = blocks
        self.fingerprint: str | None = None

    def blocks(self, wanted: Sequence[int]) -> Iterator[list[Record]]:
        # The whole rows are hashed and added up: a database may hand out the same rows in another order the next time, and
        # another text asks for other columns of them.
        total, digest, number, join = 0, hashlib.blake2b, int.from_bytes, "\x1f".join
        for rows in self._blocks:
            columns = self._texts(rows)
            for record in zip(*columns, strict=True):
                total += number(digest(join(record).encode("utf-8", "surrogatepass"), digest_size=_SIZE).digest())
            yield list(zip(*[columns[place] for place in wanted], strict=True))
        names = join(self.header).encode("utf-8", "surrogatepass")
        self.fingerprint = digest(names + (total % (1 << 128)).to_bytes(_SIZE), digest_size=_SIZE).hexdigest()

    def _texts(self, rows: Sequence[Sequence[object]]) -> list[Sequence[str]]:
        """The columns of these rows as texts. Column by column, because the values of one are mostly of one type."""
        return [
            _rounded(column) if place in self._single else _column(column) for place, column in enumerate(zip(*rows, strict=True))
        ]

    def notes(self) -> list[str]:
        return []

    def close(self) -> None:
        """Nothing of ours is open."""


def _column(values: Sequence[object]) -> Sequence[str]:
    kinds = set(map(type, values))
    if kinds == _ALL_TEXT:
        return values  # type: ignore[return-value]
    if kinds == _ALL_WHOLE:
        return list(map(str, values))
    return [value if value.__class__ is str else text_of(value) for value in values]


def _rounded(values: Sequence[object]) -> Sequence[str]:
    return [rounded(value if isinstance(value, float) else None) for value in values]
