"""The rows of a report as CSV and as Parquet.

Lives here: the two forms. A CSV may be opened by a spreadsheet, so none of its cells is a formula; Parquet has typed columns, and
its words are as they are.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import IO, Any

from rumbleup_async.exports.cells import Csv, harmless, whole
from rumbleup_async.exports.extras import module
from rumbleup_async.exports.rows import Row, Runs

_GROUP = 10_000
"""Rows of a group of Parquet: what is in memory at a time."""


def write_csv(runs: Runs, file: IO[bytes]) -> int:
    """Write the rows. How many there are."""
    # The same bytes wherever they go: what opens a CSV does not know the locale of this machine.
    writer = Csv(codecs.getwriter("utf-8")(file))
    writer.row([safe(name) for name in runs.columns])
    number = 0
    for rows in runs:
        for row in rows:
            writer.row([safe(cell) for cell in row.cells()])
        number += len(rows)
    return number


def safe(cell: str | int) -> str | int:
    """A cell as a spreadsheet may have it."""
    return harmless(whole(cell)) if isinstance(cell, str) else cell


def write_parquet(runs: Runs, file: IO[bytes]) -> int:
    """Write the rows. How many there are. ConfigurationError without pyarrow."""
    arrow = module("pyarrow", "lists", "a Parquet file")
    parquet = module("pyarrow.parquet", "lists", "a Parquet file")
    types = {
        **dict.fromkeys(("row", "attempts", "segments"), arrow.int64()),
        **dict.fromkeys(("replied", "opted_out"), arrow.bool_()),
        "sent_time": arrow.timestamp("ms", "UTC"),
    }
    schema = arrow.schema([(whole(name), types.get(name, arrow.string())) for name in runs.columns])
    number = 0
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for rows in _groups(runs):
            columns = [*zip(*map(_typed, rows), strict=True)]
            arrays = [arrow.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
            writer.write_batch(arrow.record_batch(arrays, schema=schema))
            number += len(rows)
    return number


def _groups(runs: Runs) -> Iterator[list[Row]]:
    gathered: list[Row] = []
    for rows in runs:
        gathered += rows
        if len(gathered) >= _GROUP:
            yield gathered
            gathered = []
    if gathered:
        yield gathered


def _typed(row: Row) -> tuple[Any, ...]:
    *ours, kept = (getattr(row, name) for name in row.__struct_fields__)
    return tuple(whole(value) if isinstance(value, str) else value for value in (*ours, *kept))
