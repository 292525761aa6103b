"""The receipts of a ledger, wherever it is.

Lives here: finding them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from rumbleup_async.ledger.whole_reader import WholeReader
from rumbleup_async.postgres.address import Address, is_address, parse
from rumbleup_async.receipts.file import ReceiptFile, beside
from rumbleup_async.receipts.store import Store
from rumbleup_async.receipts.told import Counts

if TYPE_CHECKING:
    from rumbleup_async.postgres.whole_reader import WholeReader as DatabaseReader

    AnyWholeReader = WholeReader | DatabaseReader


def open_whole(ledger: Path | Address) -> AnyWholeReader:
    """A look into the ledger that can go through all of it. LedgerError for what is none."""
    if isinstance(ledger, Path):
        return WholeReader(ledger)
    from rumbleup_async.postgres.whole_reader import WholeReader as DatabaseReader

    return DatabaseReader(ledger)


def open_store(ledger: Path | Address, run: str, *, makes: bool = False) -> Store | None:
    """The receipts of the run in a ledger. `run`: its ten letters. None where nobody has followed it, unless `makes`."""
    if isinstance(ledger, Path):
        if not makes and not beside(ledger).exists():
            return None
        return ReceiptFile(ledger, run, makes=makes)
    from rumbleup_async.receipts.table import ReceiptTable

    return ReceiptTable.of(ledger)


def counts(ledger: str | os.PathLike[str] | Address, run: str = "") -> Counts:
    """How many contacts of a run were delivered to, replied, and so on; all 0 where nobody has followed it.

    `ledger`: a file, or the address of a run in a database. `run`: the run's ten letters, `reader.plan.run`, for whoever has them
    at hand. It does not go through contacts, so it can be asked once a second. Raises LedgerError.
    """
    place = _place(ledger)
    if isinstance(place, Path) and not beside(place).exists():
        return Counts()
    store = open_store(place, run or _run_of(place))
    if store is None:
        return Counts()
    try:
        return store.counts()
    finally:
        store.close()


def _place(ledger: str | os.PathLike[str] | Address) -> Path | Address:
    if isinstance(ledger, Address):
        return ledger
    if is_address(ledger):
        return parse(str(ledger))
    return Path(ledger)


def _run_of(place: Path | Address) -> str:
    if not isinstance(place, Path):
        return ""  # the table has the number of the run
    reader = WholeReader(place)
    try:
        return reader.plan.run
    finally:
        reader.close()
