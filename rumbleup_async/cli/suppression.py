"""The suppression lists of the command line: whom a run must not text, whatever its list says.

Lives here: reading them. May import: bulk, errors, messaging.
"""

from __future__ import annotations

from pathlib import Path

from rumbleup_async.bulk import heading
from rumbleup_async.bulk.contacts import ContactList, open_list
from rumbleup_async.bulk.screening import suppression
from rumbleup_async.errors import ConfigurationError, ListError
from rumbleup_async.messaging import Skipped


def read_suppressed(path: Path | None, source: str = "") -> list[str]:
    """The phones of a suppression list, in any of the forms of a contact list; `source` is what the list is read from."""
    phones: list[str] = []
    if path is not None:
        if str(path) == source == "-":
            raise ConfigurationError("LIST and --suppress cannot both come from standard input; name a file for one of them")
        with _open_suppressed(path) as suppressed:
            for batch in suppressed.batches():
                for row in batch:
                    if isinstance(row, Skipped):
                        raise ListError(f"{path}, row {row.row}: {row.reason}; whom it suppresses cannot be read")
                    try:
                        suppression([row.phone])
                    except ConfigurationError:
                        raise ListError(f"{path}, row {row.row}: the phone cannot be read, and so not be suppressed") from None
                    phones.append(row.phone)
    return phones


def _open_suppressed(path: Path) -> ContactList:
    try:
        return open_list(str(path))
    except ListError as error:
        # The option of that remedy is about LIST.
        raise ListError(str(error).replace(heading.REMEDY, "rename its column with the phone to phone")) from None
