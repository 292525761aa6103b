"""`rumbleup report`: a ledger as CSV, a row for each contact.

Lives here: the command and its columns.
"""

from __future__ import annotations

import codecs
import datetime as dt
import itertools
from pathlib import Path
from typing import IO, Annotated

import typer

from rumbleup_async.cli.console import local
from rumbleup_async.cli.ledger_options import Ledger
from rumbleup_async.cli.ledger_place import AnyReader, Place, open_reader
from rumbleup_async.cli.output_file import save
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.exports.cells import Csv, apart, harmless
from rumbleup_async.exports.rows import DELIVERY, delivered
from rumbleup_async.messaging import Result, State
from rumbleup_async.receipts.opening import open_store
from rumbleup_async.receipts.store import Store
from rumbleup_async.receipts.told import Receipt
from rumbleup_async.runs.summary import reported

COLUMNS = ("row", "phone", "state", "reason", "logid", "attempts", "sent_time")
_BESIDE = ("", "-wal", "-shm", "-lock", "-steps", "-receipts")
"""The endings of the files that belong to a ledger."""


@local
def report(
    ledger: Ledger,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.csv", help="The file to write; standard output otherwise.")
    ] = None,
) -> None:
    """Write a CSV with a row for each contact.

    Its columns: row, phone, state, reason, logid, attempts, sent_time; of a run that was followed also delivery, delivery_reason,
    replied, opted_out.
    """
    if out is not None and _is_part_of(out, ledger):
        raise ConfigurationError(f"{out} is the ledger itself; write the report to another file")
    reader = open_reader(ledger)
    try:
        store = open_store(ledger, reader.plan.run)
        try:
            save(lambda file: _write(reader, store, file), out, unit="row")
        finally:
            if store is not None:
                store.close()
    finally:
        reader.close()


def _is_part_of(out: Path, ledger: Place) -> bool:
    if not isinstance(ledger, Path):
        return False
    parts = [ledger.with_name(ledger.name + ending) for ending in _BESIDE]
    return out.exists() and any(part.exists() and out.samefile(part) for part in parts)


def _write(reader: AnyReader, store: Store | None, file: IO[bytes]) -> int:
    # The same bytes wherever they go: what opens a CSV does not know the locale of this terminal.
    writer = Csv(codecs.getwriter("utf-8")(file))
    kept = reader.kept_names()
    # Of a run that nobody has followed the columns are those of always.
    columns = (*COLUMNS, *DELIVERY) if store is not None and store.counts().asked else COLUMNS
    writer.row([*columns, *map(harmless, apart(kept, columns))])
    running = reader.running
    number = 0
    rows = reader.rows()
    while some := list(itertools.islice(rows, 1000)):
        cells = reader.kept(some[0].row, some[-1].row) if kept else {}
        told = store.between(some[0].row, some[-1].row) if store is not None else {}
        for result in some:
            own = cells.get(result.row, {})
            shown = reported(result, running=running, stop=reader.stop)
            of_delivery = _delivery(told.get(result.row), result) if columns != COLUMNS else ()
            writer.row([*_row(shown), *of_delivery, *(harmless(own.get(name, "")) for name in kept)])
        number += len(some)
    return number


def _delivery(receipt: Receipt | None, result: Result) -> tuple[str, ...]:
    delivery, why, replied, opted_out = delivered(receipt, result)
    return delivery, harmless(why), "yes" if replied else "", "yes" if opted_out else ""


def _row(result: Result) -> tuple[object, ...]:
    sent = result.state is State.SENT and result.time
    return (
        result.row,
        harmless(result.phone),
        str(result.state),
        harmless(result.reason),
        harmless(result.logid),
        result.attempts,
        dt.datetime.fromtimestamp(result.time / 1000, dt.UTC).isoformat(timespec="milliseconds") if sent else "",
    )
