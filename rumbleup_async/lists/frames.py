"""Tables of columns that a Python caller has: DataFrames of pandas and polars, Arrow tables. None of these libraries is imported.

Lives here: telling them by their shape.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from rumbleup_async.errors import ListError


def refuse_table(contacts: object) -> None:
    """Raise `ListError` for a table of columns, such as a DataFrame: it goes over the
    names of its columns, not over its rows."""
    kind = type(contacts)
    if isinstance(contacts, Mapping):
        if contacts and all(isinstance(value, list | tuple) or _is_column(value) for value in contacts.values()):
            raise ListError(
                "the list is a mapping of columns; give a list of its rows, a mapping each, such as "
                "[dict(zip(table, row)) for row in zip(*table.values())]"
            )
        return
    if isinstance(contacts, str | bytes | list | tuple | Iterator):
        return
    columns = getattr(contacts, "columns", None)
    is_frame = columns is not None and not callable(columns) and hasattr(kind, "__getitem__")
    if is_frame or hasattr(kind, "__dataframe__") or hasattr(kind, "collect_schema"):
        remedy = next((words for name, words in _ROWS if hasattr(kind, name)), 'df.to_dict("records")')
        raise ListError(f"the list is a {kind.__name__}, which goes over its columns; give its rows, as by {remedy}")


def _is_column(value: object) -> bool:
    """Whether it is a column of a table, or an array."""
    return hasattr(value, "dtype") or hasattr(value, "to_pylist")


_ROWS: Final = (
    ("to_pylist", "table.to_pylist()"),
    ("to_dicts", "df.to_dicts()"),
    ("iter_rows", "df.iter_rows(named=True)"),
    ("collect_schema", "df.collect().to_dicts()"),
)
