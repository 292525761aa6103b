"""The CSV of contacts that a project is created with.

Lives here: the check before it is uploaded.

Source: the project page: the column `phone`, and `name` or `first_name`, are required. Other columns are not policed,
because the API's pages disagree about which there are.
"""

from __future__ import annotations

import io
import os
from typing import IO, BinaryIO, cast

import anyio.to_thread

from rumbleup_async.errors import ConfigurationError, ListError
from rumbleup_async.session.multipart import FileLike


async def check(source: FileLike) -> None:
    """Raise ListError, with the remedy, for a file that is no CSV with these columns and at least one row.

    An open file is left where it stood.
    """
    await anyio.to_thread.run_sync(_check, source)


def _check(source: FileLike) -> None:
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _columns(io.BytesIO(bytes(source)), "the group file")
    if isinstance(source, (str, os.PathLike)):
        if str(source) == "-":
            raise ConfigurationError("a group file must be a file, not standard input")
        return _columns(source, str(source))
    try:
        if isinstance(source.read(0), str):
            raise ConfigurationError('the group file was opened as text; open it in binary mode, "rb"')
        start = source.tell()
    except (OSError, ValueError, AttributeError):
        raise ConfigurationError("the group file cannot seek; give a path or bytes") from None
    try:
        return _columns(source, "the group file")
    finally:
        source.seek(start)


def _columns(source: str | os.PathLike[str] | IO[bytes], where: str) -> None:
    from rumbleup_async.lists.contacts import open_list

    # The field is named, so that a list of cell or mobile numbers is refused here and not by the API.
    with open_list(cast("BinaryIO", source), phone_field="phone") as contacts:
        if contacts.columns is None:
            raise ListError(f"{where}: a group file must be a CSV")
        if not {"name", "first_name"} & set(contacts.columns):
            raise ListError(f"{where}: a group file needs the column name or first_name beside phone")
