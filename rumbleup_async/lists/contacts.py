"""Contact lists, opened: told by what a file is, whatever its name.

Lives here: opening, and the names by which other rooms know this one.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from rumbleup_async.errors import ListError
from rumbleup_async.lists import encodings, frames, lines, opening, sources
from rumbleup_async.lists.contact_list import ContactList, words_of
from rumbleup_async.lists.frames import refuse_table
from rumbleup_async.lists.mappings import contact_of, from_iterable
from rumbleup_async.lists.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Collection

    from rumbleup_async.lists.consent import ConsentCheck
    from rumbleup_async.lists.kept_columns import Keep
    from rumbleup_async.lists.lines import Writable
    from rumbleup_async.lists.whereabouts import Whereabouts

__all__ = ["ContactList", "contact_of", "fingerprint", "from_iterable", "open_list", "refuse_table"]


def open_list(
    source: str | os.PathLike[str] | BinaryIO | object,
    *,
    phone_field: str | None = None,
    fields: Collection[str] | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    query: str | None = None,
    consent: ConsentCheck | None = None,
    keep: Keep | None = None,
    copy: Writable | None = None,
    whereabouts: Whereabouts | None = None,
) -> ContactList:
    """Open a list: a path, "-" for standard input, an address such as `sqlite:FILE` or `s3://...`, a DataFrame or an Arrow
    table, or a binary file, which stays the caller's to close.

    `phone_field` names the phone column where its name does not say so. `fields` are the columns to keep in
    `Contact.fields` (None: all); they may be absent, see `ContactList.require`. `encoding` is that of the file, as Python
    calls it (None: UTF-8, UTF-16, or what lines that are neither seem to be; `ContactList.notes` says so). `sheet` is
    the one of a workbook (None: the only one that has a phone column), `query` what a
    database is asked.

    `consent` looks at the columns that say who must not be texted; `keep` says which go with the contacts, `whereabouts` which
    say where they are; `copy` takes the bytes as they are read.

    Raises `ListError`, with the remedy, for anything that is not a list of contacts with one phone column, and
    `ConfigurationError` for an encoding that is none.
    """
    reading = Reading(
        phone_field=phone_field,
        fields=fields,
        encoding=None if encoding is None else encodings.named(encoding),
        sheet=sheet,
        query=query,
        consent=consent,
        keep=keep,
        copy=copy,
        whereabouts=whereabouts,
    )
    if isinstance(source, str) and sources.scheme_of(source):
        return sources.opened(source, reading)
    if query is not None:
        raise ListError("--query-file is for a database: sqlite:FILE, postgresql://... or duckdb:...")
    if frames.is_frame(source):
        return opening.of_table(frames.table_of(source), reading)
    if isinstance(source, str | os.PathLike) and source != "-":
        where = str(source)
        try:
            # No buffer: the reader asks for large blocks, which go past it anyway.
            stream = Path(source).open("rb", buffering=0)  # noqa: SIM115 - closed by the ContactList
        except FileNotFoundError:
            raise ListError(f"{where}: there is no such file") from None
        except IsADirectoryError:
            raise ListError(f"{where}: is a directory; give the file of the contact list") from None
        except (OSError, ValueError) as error:
            raise ListError(f"{where}: cannot be opened: {words_of(error)}") from None
        try:
            return opening.opened(stream, where, reading, stream.close)
        except BaseException:
            stream.close()
            raise
    if isinstance(source, str | os.PathLike):
        if sys.stdin is None or sys.stdin.closed:
            raise ListError("standard input is closed; pipe the list into it or name a file")
        return opening.opened(sys.stdin.buffer, "standard input", reading)
    if isinstance(getattr(source, "encoding", None), str):
        raise ListError('the list was opened as text; open it in binary mode, "rb"')
    return opening.opened(cast("BinaryIO", source), str(getattr(source, "name", "the list")), reading)


def fingerprint(source: object, sheet: str | None = None, query: str | None = None) -> str:
    """What tells a list from others: of a file, a pipe or "-" its bytes, of a query or a frame its rows, in whatever order.
    Raises OSError for a file, `ListError` for what is none."""
    if isinstance(source, str | os.PathLike) and not sources.scheme_of(source):
        return lines.fingerprint(os.fspath(source), sheet)
    with open_list(source, sheet=sheet, query=query) as contacts:
        for _ in contacts.raw():
            pass
        return contacts.fingerprint or ""
