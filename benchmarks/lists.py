"""A long list: rows a second through reading, screening and importing, and the memory it takes from the first row to the last."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.machine import resident_megabytes
from benchmarks.throughput import TEXT
from rumbleup_async.bulk.contacts import open_list
from rumbleup_async.bulk.screening import Screen
from rumbleup_async.ledger import SqliteLedger
from rumbleup_async.messaging import Plan, Planned, Skipped

FIRST = 10_000
_NAMES = ("Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Radia", "Tim")


def write_list(path: Path, rows: int) -> None:
    """A CSV of eight columns, numbers in no order, one row in a hundred a repeat, one in a hundred without a name."""
    with path.open("w", encoding="utf-8") as file:
        file.write("id,first_name,last_name,phone,street,city,state,zip\n")
        for number in range(rows):
            mixed = (number - number % 100 * (number % 100 == 99)) * 7_368_787 % 7_999_993 + 1_000 * (number // 7_999_993)
            name = "" if number % 100 == 50 else _NAMES[number % 8]
            area = 201 + number % 4
            file.write(f"{number},{name},Lovelace,{area}{2_000_000 + mixed},{number} Main St,Springfield,OH,45501\n")


def read(path: Path) -> None:
    """Print the rates of reading alone and of reading and screening, and the growth of memory."""
    rates = []
    for screen in (None, Screen(TEXT)):
        needed = Screen(TEXT).needed_fields
        began, rows, at_first = time.perf_counter(), 0, 0.0
        with open_list(path, fields=needed) as source:
            for batch in source.batches(1000):
                if screen is not None:
                    screen.batch(batch)
                rows += len(batch)
                if rows == FIRST:
                    at_first = resident_megabytes()
        rates.append(rows / (time.perf_counter() - began))
        grown = resident_megabytes() - at_first
        print(
            f"  {'reading and screening' if screen else 'reading':<24} {rates[-1]:>9,.0f} rows/s, memory grew by {grown:.1f} MiB"
        )


async def load(path: Path, ledger_path: Path) -> None:
    """Print the rate of the whole import, duplicates found and indexed, and the growth of memory."""
    screen = Screen(TEXT)
    ledger = SqliteLedger(ledger_path)
    await ledger.open(Plan(run="0" * 12, provider="rumbleup", action="125", text=TEXT))
    at_first = 0.0
    done = 0
    began = time.perf_counter()

    with open_list(path, fields=screen.needed_fields) as source:

        def screened() -> Iterator[Sequence[Planned | Skipped]]:
            nonlocal at_first, done
            for batch in source.batches(1000):
                yield screen.batch(batch)
                done += len(batch)
                if done == FIRST:
                    at_first = resident_megabytes()

        await ledger.load(screened())
        await ledger.complete(source.fingerprint or "")
    took = time.perf_counter() - began
    grown = resident_megabytes() - at_first
    print(f"  {'importing':<24} {done / took:>9,.0f} rows/s, memory grew by {grown:.1f} MiB; {_counts(ledger)}")
    await ledger.aclose()


async def reopen(ledger_path: Path) -> None:
    """Print how long it takes from opening the ledger again to the first texts it hands out."""
    began = time.perf_counter()
    ledger = SqliteLedger(ledger_path)
    await ledger.open(None)
    texts = await ledger.exchange([], 64)
    print(f"  {'resuming':<24} {time.perf_counter() - began:>9.2f} s from opening to the first {len(texts)} texts")
    await ledger.aclose()


def _counts(ledger: SqliteLedger) -> str:
    return ", ".join(f"{number:,} {state.word}" for state, number in ledger.counts.items() if number)


def main(*, quick: bool = False) -> None:
    """Each part in a process of its own, so that none inherits another's memory."""
    rows = 20_000 if quick else 1_000_000
    with tempfile.TemporaryDirectory(prefix="bench-", dir=Path.cwd()) as folder:
        path, ledger = Path(folder) / "list.csv", Path(folder) / "list.ledger"
        write_list(path, rows)
        print(f"{rows:,} rows of eight columns, two of them merged; memory from row {FIRST:,} to the last")
        for part in ("read", "load", "reopen"):
            sys.stdout.flush()
            subprocess.run([sys.executable, "-m", "benchmarks.lists", part, str(path), str(ledger)], check=True)


if __name__ == "__main__":
    part_, list_, ledger_ = sys.argv[1:]
    if part_ == "read":
        read(Path(list_))
    else:
        asyncio.run(load(Path(list_), Path(ledger_)) if part_ == "load" else reopen(Path(ledger_)))
