"""Lists that are named by a scheme and not by a path: databases and buckets.

Lives here: which scheme a name has, and who opens it.
"""

from __future__ import annotations

import os
import re
from typing import Final

from rumbleup_async.errors import ListError
from rumbleup_async.lists import opening
from rumbleup_async.lists.contact_list import ContactList
from rumbleup_async.lists.reading import Reading

_scheme = re.compile(r"(sqlite|duckdb):(?!//)|(postgresql|postgres|s3|gs|gcs|https|http|az|abfs)://", re.IGNORECASE).match
_address = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://").match
_QUERIES: Final = ("sqlite", "duckdb", "postgresql", "postgres")


def scheme_of(source: object) -> str:
    """The scheme by which a list is named, in small letters; "" for a path, a stream, or anything else."""
    if not isinstance(source, str) or os.path.lexists(source):
        return ""
    match = _scheme(source)
    if match is not None:
        return (match[1] or match[2]).lower()
    return "unknown" if _address(source) else ""


def opened(source: str, reading: Reading) -> ContactList:
    """The list of this name. Raises `ListError`."""
    scheme = scheme_of(source)
    if scheme in _QUERIES:
        from rumbleup_async.lists import queries

        rest = source.partition(":")[2]
        if scheme == "sqlite":
            return opening.of_table(queries.sqlite(rest, reading.query), reading)
        if scheme == "duckdb":
            return opening.of_table(queries.duckdb(rest, reading.query), reading)
        return opening.of_table(queries.postgres(source, reading.query), reading)
    if reading.query is not None:
        raise ListError(
            f"{source.partition('?')[0]}: --query-file is for a database: sqlite:FILE, postgresql://... or duckdb:..."
        )
    if scheme == "unknown":
        raise ListError(
            f"{source.partition('://')[0]}://: lists are read from sqlite:FILE, duckdb:FILE, postgresql://, s3://, gs:// and https://"
        )
    from rumbleup_async.lists import buckets

    stream, where = buckets.opened(source)
    return opening.opened(stream, where, reading)
