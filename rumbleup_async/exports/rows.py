"""A row for each contact of some runs: what all tables of a report are made of.

Lives here: reading them in parts, joined with their receipts and with the columns that were kept of the list.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from rumbleup_async.exports.cells import apart, masked
from rumbleup_async.ledger.whole_reader import Whole
from rumbleup_async.messaging import Result, State, mask
from rumbleup_async.observe import looks
from rumbleup_async.reasons import Code
from rumbleup_async.receipts.opening import open_store, open_whole
from rumbleup_async.receipts.told import Receipt
from rumbleup_async.runs.summary import reported

if TYPE_CHECKING:
    from rumbleup_async.postgres.address import Address
    from rumbleup_async.receipts.opening import AnyWholeReader

DELIVERY: Final = ("delivery", "delivery_reason", "replied", "opted_out")
COLUMNS: Final = (
    *("run", "row", "phone", "state", "reason", "code", "logid", "attempts", "sent_time", "segments"),
    *DELIVERY,
)


class Row(msgspec.Struct, frozen=True, gc=False):
    """A contact of a run. The fields are those of `COLUMNS`, and `kept` are the cells of `Runs.kept`."""

    run: str
    row: int
    phone: str
    state: str
    reason: str
    code: str
    logid: str
    attempts: int
    sent_time: dt.datetime | None
    segments: int
    delivery: str
    delivery_reason: str
    replied: bool
    opted_out: bool
    kept: tuple[str, ...] = ()

    def cells(self) -> tuple[str | int, ...]:
        """The row as words and whole numbers."""
        at = "" if self.sent_time is None else self.sent_time.isoformat(timespec="milliseconds")
        return (
            *(self.run, self.row, self.phone, self.state, self.reason, self.code, self.logid, self.attempts, at, self.segments),
            *(self.delivery, self.delivery_reason, "yes" if self.replied else "", "yes" if self.opted_out else ""),
            *self.kept,
        )

    def __repr__(self) -> str:
        return f"Row(run={self.run!r}, row={self.row}, state={self.state!r})"


class Runs:
    """The contacts of these ledgers, one run after the other. `shows_phones`: whole; they are masked otherwise. LedgerError for
    what is no ledger."""

    def __init__(self, places: Sequence[Path | Address], *, shows_phones: bool = False) -> None:
        self._places = places
        self._shows_phones = shows_phones
        found: dict[str, None] = {}
        for place in places:
            reader = open_whole(place)
            try:
                found.update(dict.fromkeys(reader.kept_names()))
            finally:
                reader.close()
        self._kept = list(found)
        self.columns = (*COLUMNS, *apart(self._kept, COLUMNS))
        """The names of all columns."""

    def __iter__(self) -> Iterator[list[Row]]:
        """The rows, a thousand at a time."""
        for place in self._places:
            yield from self._of(place)

    def _of(self, place: Path | Address) -> Iterator[list[Row]]:
        reader = open_whole(place)
        try:
            store = open_store(place, reader.plan.run)
            try:
                has_kept, running = bool(reader.kept_names()), reader.running
                for some in reader.contacts():
                    first, last = some[0].result.row, some[-1].result.row
                    cells = reader.kept(first, last) if has_kept else {}
                    told = {} if store is None else store.between(first, last)
                    yield [self._row(reader, one, told.get(one.result.row), cells, running=running) for one in some]
            finally:
                if store is not None:
                    store.close()
        finally:
            reader.close()

    def _row(
        self,
        reader: AnyWholeReader,
        one: Whole,
        receipt: Receipt | None,
        cells: dict[int, dict[str, str]],
        *,
        running: bool,
    ) -> Row:
        shown = reported(one.result, running=running, stop=reader.stop)
        delivery, why, replied, opted_out = delivered(receipt, one.result)
        own: dict[str, Any] = cells.get(shown.row, {})
        at = shown.time / 1000 if shown.state is State.SENT and shown.time else None
        return Row(
            run=reader.plan.run,
            row=shown.row,
            phone=shown.phone if self._shows_phones else mask(shown.phone),
            state=str(shown.state),
            reason=shown.reason if self._shows_phones or shown.code is Code.DUPLICATE else looks.masked(shown.reason),
            code=str(shown.code),
            logid=shown.logid,
            attempts=shown.attempts,
            sent_time=None if at is None else dt.datetime.fromtimestamp(at, dt.UTC),
            segments=one.segments,
            delivery=delivery,
            delivery_reason=why,
            replied=replied,
            opted_out=opted_out,
            kept=tuple(self._cell(str(own.get(name, ""))) for name in self._kept),
        )

    def _cell(self, cell: str) -> str:
        return cell if self._shows_phones else masked(cell)


def delivered(receipt: Receipt | None, result: Result) -> tuple[str, str, bool, bool]:
    """The cells of the last four of `COLUMNS`. A receipt counts for a text that the ledger knows as sent."""
    if receipt is None:
        return "", "", False, False
    is_of_it = not receipt.is_open and result.state is State.SENT
    delivery, why = (receipt.delivery, receipt.why) if is_of_it else ("", "")
    return delivery, why, receipt.replied is not None, receipt.opted_out is not None
