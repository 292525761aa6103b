"""Parquet and Arrow: columns of one type each, read in batches.

Lives here: which of the two it is, and columns as texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from rumbleup_async.errors import ListError
from rumbleup_async.lists import extras
from rumbleup_async.lists.cell_values import rounded, text_of
from rumbleup_async.lists.tables import Record

if TYPE_CHECKING:
    import pyarrow as pa

PARQUET: Final = b"PAR1"
ENCRYPTED: Final = b"PARE"
FILE: Final = b"ARROW1"
STREAM: Final = b"\xff\xff\xff\xff"

_BATCH: Final = 4096


class ArrowFile:
    """A file of Parquet, or of Arrow as a file or a stream, as a `Table`. Raises `ListError` for one that is damaged."""

    row = 0
    fingerprint: str | None = None

    def __init__(self, file: BinaryIO, head: bytes, where: str) -> None:
        self.where = where
        self.form = "a Parquet file" if head.startswith(PARQUET) else "an Arrow file"
        self._file = file
        arrow = extras.module("pyarrow", "lists", f"{where}: this is {self.form}", "export it as CSV or JSON lines")
        self._errors = (arrow.ArrowException, OSError, ValueError)
        try:
            if head.startswith(PARQUET):
                parquet = extras.module("pyarrow.parquet", "lists", where, "export it as CSV")
                self._parquet = parquet.ParquetFile(file, pre_buffer=False)
                schema = self._parquet.schema_arrow
            else:
                self._parquet = None
                self._reader = arrow.ipc.open_file(file) if head.startswith(FILE) else arrow.ipc.open_stream(file)
                schema = self._reader.schema
            self.header: tuple[str, ...] = tuple(schema.names)
            self.several = several_in(schema)
        except self._errors:
            raise self._damaged() from None

    def blocks(self, wanted: Sequence[int]) -> Iterator[list[Record]]:
        names = [self.header[index] for index in wanted]
        rows = (block for batch in self._batches(names) for block in records_of(batch, names))
        while True:
            try:
                block = next(rows, None)
            except self._errors:
                raise self._damaged() from None
            if block is None:
                return
            yield block

    def _batches(self, names: list[str]) -> Iterator[pa.RecordBatch]:
        if self._parquet is not None:
            yield from self._parquet.iter_batches(_BATCH, columns=names, use_threads=False)
        elif hasattr(self._reader, "get_batch"):
            yield from (_whole(self._reader.get_batch(number)) for number in range(self._reader.num_record_batches))
        else:
            yield from map(_whole, self._reader)

    def notes(self) -> list[str]:
        return []

    def close(self) -> None:
        if self._parquet is not None:
            self._parquet.close()

    def _damaged(self) -> ListError:
        return ListError(f"{self.where}: this is {self.form} that is damaged or ends too early; get it anew, or export it as CSV")


def _whole(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch, looked at: Arrow's bytes are used as they come, and a damaged one would be read beyond its end."""
    batch.validate(full=True)
    return batch


def records_of(batch: pa.RecordBatch, names: Iterable[str]) -> Iterator[list[Record]]:
    """The rows of a record batch, some at a time: the cells of these columns as text."""
    return records_at(batch, [batch.schema.get_field_index(name) for name in names])


def records_at(batch: pa.RecordBatch, at: Sequence[int]) -> Iterator[list[Record]]:
    """The same for columns by their places."""
    for start in range(0, batch.num_rows, _BATCH):
        part = batch.slice(start, _BATCH)
        yield list(zip(*(_texts(part.column(index)) for index in at), strict=True))


def _texts(column: pa.Array) -> list[str]:
    import pyarrow as pa
    from pyarrow import types

    kind = column.type
    if types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    if types.is_integer(kind):
        column, kind = column.cast(pa.string()), pa.string()
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        texts: list[str | None] = column.to_pylist()
        return ["" if text is None else text for text in texts] if column.null_count else texts  # type: ignore[return-value]
    as_text = rounded if types.is_float16(kind) or types.is_float32(kind) else text_of
    try:
        return [as_text(value) for value in _as_python(column, kind)]
    except (ArithmeticError, LookupError, ValueError):
        # A day or an amount that Python has no value for, or a time zone that this machine does not know.
        return [_text_alone(value) for value in column]


def _as_python(column: pa.Array, kind: pa.DataType) -> list[Any]:
    """The values, times to the microsecond: Python knows no shorter ones."""
    import pyarrow as pa
    from pyarrow import types

    if types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
    elif types.is_time64(kind):
        column = column.cast(pa.time64("us"), safe=False)
    elif types.is_duration(kind):
        column = column.cast(pa.duration("us"), safe=False)
    values: list[Any] = column.to_pylist()
    return values


def _text_alone(value: pa.Scalar) -> str:
    try:
        return text_of(value.as_py())
    except (ArithmeticError, LookupError, ValueError):
        return ""


def several_in(schema: pa.Schema) -> tuple[int, ...]:
    """Which columns hold several values in each row: lists, structs and maps."""
    from pyarrow import types

    return tuple(place for place, kind in enumerate(schema.types) if types.is_nested(kind) and not types.is_run_end_encoded(kind))
