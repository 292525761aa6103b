"""`--rejects FILE`: the rows of the list that are not texted, as they came, each with its number and the reason.

Lives here: reading the list a second time, beside the ledger that says who is skipped.
"""

from __future__ import annotations

import codecs
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import IO, BinaryIO, Final

from rumbleup_async.cli.dry_run import reader_of
from rumbleup_async.cli.ledger_place import AnyReader, Place
from rumbleup_async.cli.list_options import ListOptions
from rumbleup_async.cli.output_file import check, save
from rumbleup_async.errors import ConfigurationError, ListError
from rumbleup_async.exports.cells import Csv, harmless
from rumbleup_async.lists.contacts import open_list
from rumbleup_async.lists.sources import scheme_of

_BEGINS: Final = b"row,reason,"
_NONE: Final[Sequence[str]] = ("",)


class Rejects:
    """Where the rows go, and what they are read from again. `out` None: nowhere."""

    def __init__(self, out: Path | None, source: str, ledger: Place, stack: AsyncExitStack) -> None:
        self._out = out
        self._source = source
        self._ledger = ledger
        self.copy: BinaryIO | None = None
        """Takes the bytes of a list that can be read only once."""
        if out is None:
            return
        check(out, "--rejects")
        if out.exists() and not _is_ours(out):
            # It may be the list, a suppression list or the text, and the only copy of it.
            raise ConfigurationError(f"{out} is there already and holds something else; write the rejected rows to another file")
        if source == "-" or scheme_of(source) or not Path(source).is_file():
            # Of a query the rows may come in another order the second time, so their phones alone are written.
            self.copy = stack.enter_context(tempfile.TemporaryFile(prefix="rumbleup-"))  # noqa: SIM115 - by the stack

    def write(self, reading: ListOptions, *, quiet: bool) -> None:
        """Write them, if they were asked for. `ListError` if the list has changed in the meantime."""
        if self._out is not None:
            with reader_of(self._ledger) as reader:
                save(lambda file: self._fill(file, reader, reading), self._out, unit="row", quiet=quiet)

    def _fill(self, file: IO[bytes], reader: AnyReader, reading: ListOptions) -> int:
        writer = Csv(codecs.getwriter("utf-8")(file))
        if self.copy is not None and not self.copy.tell():
            # An earlier call has read it, and it cannot be read again.
            writer.row(("row", "reason", "phone"))
            return _count(writer, ((one.row, one.reason, [one.phone]) for one in reader.skipped()))
        if self.copy is not None:
            self.copy.seek(0)
        with open_list(self.copy or self._source, **reading.as_source()) as source:
            writer.row(("row", "reason", *map(harmless, source.header)))
            number = _count(writer, _rejected(reader, source.raw()))
            if reader.fingerprint not in (source.fingerprint, ""):
                raise ListError(f"{self._source} has changed since it was read; begin again")
        return number


def _is_ours(out: Path) -> bool:
    """Whether a file that is there is empty, or was written by an earlier call."""
    try:
        with out.open("rb") as file:
            begins = file.read(len(_BEGINS))
    except OSError as error:
        raise ConfigurationError(f"{out}: {error.strerror}") from None
    return begins in (b"", _BEGINS)


def _rejected(reader: AnyReader, rows: Iterator[tuple[int, Sequence[str]]]) -> Iterator[tuple[int, str, Sequence[str]]]:
    """The rows that are skipped, by a walk through both in the order of rows."""
    at, cells = 0, _NONE
    for skipped in reader.skipped():
        while at < skipped.row:
            at, cells = next(rows, (1 << 62, _NONE))
        yield skipped.row, skipped.reason, cells if at == skipped.row else [skipped.phone]
    for _ in rows:
        pass  # to its end, so that it is known whether it is still the same list


def _count(writer: Csv, rows: Iterable[tuple[int, str, Sequence[str]]]) -> int:
    number = 0
    for row, reason, cells in rows:
        writer.row((row, harmless(reason), *map(harmless, cells)))
        number += 1
    return number
