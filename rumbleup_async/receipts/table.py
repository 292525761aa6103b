"""Receipts in the database of a run, in tables of their own beside its contacts.

Lives here: what is read and written there. The tables have no phone and no text in them, only rows of the ledger and ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from rumbleup_async.errors import LedgerError
from rumbleup_async.postgres import server, values
from rumbleup_async.postgres.tables import SCHEMA
from rumbleup_async.receipts.store import Store
from rumbleup_async.receipts.told import Receipt

if TYPE_CHECKING:
    from rumbleup_async.postgres.address import Address

_LOCK: Final = 0x5255415300000052
"""The advisory lock of whoever writes receipts of the run of this number."""
_COLUMNS: Final = "row, logid, delivery, code, words, at, replied, opted_out, is_open"
_PUT: Final = f"""INSERT INTO {SCHEMA}.receipt (run, {_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (run, row) DO UPDATE SET logid = excluded.logid, delivery = excluded.delivery, code = excluded.code,
    words = excluded.words, at = excluded.at, replied = excluded.replied, opted_out = excluded.opted_out,
    is_open = excluded.is_open"""
_ADD: Final = f"""INSERT INTO {SCHEMA}.receipt_total AS t VALUES (%s, %s, %s, %s)
    ON CONFLICT (run, name) DO UPDATE SET number = t.number + excluded.number,
    words = CASE WHEN t.words = '' THEN excluded.words ELSE t.words END"""
_AT_ONCE: Final = 1000
_WHY: Final = "why:"


class ReceiptTable(Store):
    """The receipts of a run in a database."""

    def __init__(self, address: Address, db: server.Connection, run: int) -> None:
        self._address = address
        self._db = db
        self._run = run

    @classmethod
    def of(cls, address: Address) -> ReceiptTable:
        """Those of the run of this address."""
        db = server.connect_here(address)
        try:
            with server.telling(address):
                found = db.execute(f"SELECT id FROM {SCHEMA}.run WHERE name = %s", (address.run,)).fetchone()
        except BaseException:
            db.close()
            raise
        if found is None:
            db.close()
            raise LedgerError(f"{address}: there is no run of this name; see those that are there: rumbleup ledgers")
        return cls(address, db, int(found[0]))

    def _all(self, statement: str, *given: object) -> list[Any]:
        with server.telling(self._address):
            return self._db.execute(statement, (self._run, *given)).fetchall()

    def note(self, key: str) -> str | None:
        """As `Store`."""
        found = self._all(f"SELECT value FROM {SCHEMA}.receipt_note WHERE run = %s AND key = %s", key)
        return found[0][0] if found else None

    def between(self, first: int, last: int) -> dict[int, Receipt]:
        """As `Store`."""
        return self._select("row BETWEEN %s AND %s", first, last)

    def open_rows(self) -> Iterator[list[Receipt]]:
        """As `Store`."""
        after = -1
        while found := list(self._select(f"is_open AND row > %s ORDER BY row LIMIT {_AT_ONCE}", after).values()):
            after = found[-1].row
            yield found

    def _select(self, condition: str, *given: object) -> dict[int, Receipt]:
        found = self._all(f"SELECT {_COLUMNS} FROM {SCHEMA}.receipt WHERE run = %s AND {condition}", *given)
        return {row: Receipt(row, *rest) for row, *rest in found}

    def _of_rows(self, rows: Sequence[int]) -> dict[int, Receipt]:
        return self._select("row = ANY(%s::integer[])", values.numbers(rows))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with server.telling(self._address), self._db.transaction():
            # Whoever follows the same run elsewhere waits: what is counted is worked out from what is there.
            self._db.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK + self._run,))
            yield

    def _write(self, changed: Sequence[Receipt], more: Mapping[str, int]) -> None:
        with self._db.cursor() as cursor:
            cursor.executemany(_PUT, [(self._run, *_columns(receipt)) for receipt in changed])
            words = {f"{_WHY}{receipt.code}": receipt.words for receipt in changed if receipt.delivery}
            cursor.executemany(_ADD, [(self._run, name, number, words.get(name, "")) for name, number in more.items()])

    def _note(self, notes: Mapping[str, str]) -> None:
        statement = f"""INSERT INTO {SCHEMA}.receipt_note VALUES (%s, %s, %s)
            ON CONFLICT (run, key) DO UPDATE SET value = excluded.value"""
        with self._db.cursor() as cursor:
            cursor.executemany(statement, [(self._run, *pair) for pair in notes.items()])

    def _totals(self) -> list[tuple[str, int]]:
        return [(name, number) for name, number in self._all(f"SELECT name, number FROM {SCHEMA}.receipt_total WHERE run = %s")]

    def _words(self) -> dict[str, str]:
        found = self._all(f"SELECT name, words FROM {SCHEMA}.receipt_total WHERE run = %s")
        return {name.removeprefix(_WHY): words for name, words in found}

    def close(self) -> None:
        """Let go of the connection."""
        self._db.close()


def _columns(receipt: Receipt) -> tuple[object, ...]:
    return (
        receipt.row,
        values.kept(receipt.logid),
        receipt.delivery,
        values.kept(receipt.code),
        values.kept(receipt.words),
        receipt.at,
        receipt.replied,
        receipt.opted_out,
        receipt.is_open,
    )
