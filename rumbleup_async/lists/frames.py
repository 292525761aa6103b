"""Tables of columns that a Python caller has: DataFrames of pandas and polars, Arrow tables. None of these libraries is imported.

Lives here: telling them by their shape, and their rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from rumbleup_async.errors import ListError
from rumbleup_async.lists import arrow_table
from rumbleup_async.lists.row_table import BLOCK, RowTable
from rumbleup_async.lists.tables import Record

_SINGLE: Final = frozenset({"float32", "float16", "float[pyarrow]", "halffloat[pyarrow]"})
"""Types of seven digits or fewer: a phone in such a column is not the number that it was."""

_SEVERAL: Final = ("List(", "Array(", "Struct(", "list<", "struct<", "map<", "fixed_size_list<")


def is_frame(contacts: object) -> bool:
    """Whether it is a table whose rows can be read: a DataFrame of pandas or polars, or an Arrow table or reader."""
    kind = type(contacts)
    if isinstance(contacts, Mapping | str | bytes | list | tuple):
        return False
    is_arrow = hasattr(kind, "schema") and (hasattr(kind, "to_batches") or hasattr(kind, "read_next_batch") or _is_batch(kind))
    return is_arrow or ((hasattr(kind, "iter_rows") or hasattr(kind, "itertuples")) and hasattr(contacts, "columns"))


def _is_batch(kind: type) -> bool:
    return hasattr(kind, "to_pylist") and hasattr(kind, "slice") and hasattr(kind, "num_rows")


def table_of(frame: Any) -> RowTable:
    """The table of a frame."""
    kind = type(frame)
    what = f"the {kind.__name__}"
    if hasattr(kind, "schema") and not hasattr(kind, "iter_rows"):
        names = [str(name) for name in frame.schema.names]
        return RowTable(what, "an Arrow table", names, _of_arrow(frame, kind), arrow_table.several_in(frame.schema))
    names = [str(name) for name in frame.columns]
    rows: Iterator[Sequence[object]] = (
        frame.iter_rows() if hasattr(kind, "iter_rows") else frame.itertuples(index=False, name=None)
    )
    single = [place for place, dtype in enumerate(frame.dtypes) if str(dtype).lower() in _SINGLE]
    several = [place for place, dtype in enumerate(frame.dtypes) if str(dtype).startswith(_SEVERAL)]
    return RowTable(what, "a DataFrame", names, _blocks(rows), several, single)


def _of_arrow(frame: Any, kind: type) -> Iterator[list[Record]]:
    batches = frame.to_batches() if hasattr(kind, "to_batches") else [frame] if _is_batch(kind) else frame
    for batch in batches:
        yield from arrow_table.records_at(batch, range(batch.num_columns))


def _blocks(rows: Iterator[Sequence[object]]) -> Iterator[Sequence[Sequence[object]]]:
    while some := list(itertools.islice(rows, BLOCK)):
        yield some


def names_of_cursor(contacts: object) -> tuple[str, ...]:
    """The columns of a database cursor whose rows are bare tuples (DB-API 2.0, `description`); none for anything else."""
    described = getattr(contacts, "description", None)
    if isinstance(described, list | tuple) and described and all(isinstance(one, Sequence) and one for one in described):
        return tuple(str(one[0]) for one in described)
    return ()


def named(rows: Iterable[object], names: Sequence[str]) -> Iterator[object]:
    """Bare tuples of a cursor as mappings; what is something else stays as it is."""
    for row in rows:
        yield dict(zip(names, row, strict=False)) if isinstance(row, tuple) and row.__class__ is tuple else row


def refuse_table(contacts: object) -> None:
    """Raise `ListError` for a table of columns whose rows are not known here: it goes over the
    names of its columns, not over its rows."""
    kind = type(contacts)
    if isinstance(contacts, Mapping):
        if contacts and all(isinstance(value, list | tuple) or _is_column(value) for value in contacts.values()):
            raise ListError(
                "the list is a mapping of columns; give a list of its rows, a mapping each, such as "
                "[dict(zip(table, row)) for row in zip(*table.values())]"
            )
        return
    if isinstance(contacts, str | bytes | list | tuple | Iterator) or is_frame(contacts):
        return
    # Asking a lazy frame for its columns takes long.
    columns = None if hasattr(kind, "collect_schema") else getattr(contacts, "columns", None)
    is_columns = columns is not None and not callable(columns) and hasattr(kind, "__getitem__")
    if is_columns or hasattr(kind, "__dataframe__") or hasattr(kind, "collect_schema"):
        remedy = next((words for name, words in _ROWS if hasattr(kind, name)), 'df.to_dict("records")')
        raise ListError(f"the list is a {kind.__name__}, which goes over its columns; give its rows, as by {remedy}")


def _is_column(value: object) -> bool:
    """Whether it is a column of a table, or an array."""
    return hasattr(value, "dtype") or hasattr(value, "to_pylist")


_ROWS: Final = (
    ("to_pylist", "table.to_pylist()"),
    ("to_dicts", "df.to_dicts()"),
    ("collect_schema", "df.collect()"),
)
