"""Cost against the length of a list: rows a second through reading, screening and importing, memory from the first rows to
the last, seconds to resume, and sending a part of it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from benchmarks.cores import speed
from benchmarks.machine import resident_megabytes
from benchmarks.results import Figure, Measured
from benchmarks.running import Sender, SenderFailed, folder, loop, run, say
from benchmarks.senders.job import TEMPLATE
from benchmarks.serving import Served, serving
from rumbleup_async.ledger import SqliteLedger
from rumbleup_async.lists.contacts import open_list
from rumbleup_async.messaging import Plan, Planned, Skipped
from rumbleup_async.postgres.address import is_address
from rumbleup_async.screening.screen import Screen

if TYPE_CHECKING:
    from rumbleup_async.postgres.ledger import PostgresLedger

_NAMES = ("Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Radia", "Tim")


def first_rows(rows: int) -> int:
    """From where on memory must not grow any more."""
    return min(100_000, rows // 5)


def write_list(path: Path, rows: int) -> None:
    """A CSV of eight columns, numbers in no order, one row in a hundred a repeat, one in a hundred without a name."""
    with path.open("w", encoding="utf-8") as file:
        file.write("id,first_name,last_name,phone,street,city,state,zip\n")
        for number in range(rows):
            mixed = (number - number % 100 * (number % 100 == 99)) * 7_368_787 % 7_999_993 + 1_000 * (number // 7_999_993)
            name = "" if number % 100 == 50 else _NAMES[number % 8]
            area = 201 + number % 4
            file.write(f"{number},{name},Lovelace,{area}{2_000_000 + mixed},{number} Main St,Springfield,OH,45501\n")


def _show(**figures: tuple[float, str]) -> None:
    """For the process that asked: figures by name, with their units."""
    print(msgspec.json.encode({name.replace("_", " "): figure for name, figure in figures.items()}).decode())


def read(path: Path, rows: int) -> None:
    """The rates of reading alone and of reading and screening, and the growth of memory."""
    rates, grown = [], 0.0
    for screen in (None, Screen(TEMPLATE)):
        needed = Screen(TEMPLATE).needed_fields
        began, done, at_first = time.perf_counter(), 0, 0.0
        with open_list(path, fields=needed) as source:
            for batch in source.batches(1000):
                if screen is not None:
                    screen.batch(batch)
                done += len(batch)
                if not at_first and done >= first_rows(rows):
                    at_first = resident_megabytes()
        rates.append(done / (time.perf_counter() - began))
        grown = resident_megabytes() - at_first
    _show(
        reading=(rates[0], "rows/s"),
        reading_and_screening=(rates[1], "rows/s"),
        memory_grown_while_screening=(max(0.0, grown), "MiB"),
    )


def _ledger_at(place: str) -> SqliteLedger | PostgresLedger:
    """A ledger in a file, or in a database."""
    if not is_address(place):
        return SqliteLedger(Path(place))
    from rumbleup_async.postgres.ledger import PostgresLedger

    return PostgresLedger(place)


async def load(path: Path, place: str, rows: int) -> None:
    """The rate of the whole import, duplicates found and all durable, and the growth of memory."""
    core = speed()
    screen = Screen(TEMPLATE)
    ledger = _ledger_at(place)
    await ledger.open(Plan(run="bcdfghjkmn", provider="rumbleup", action="125", text=TEMPLATE))
    at_first = 0.0
    done = 0
    began, used = time.perf_counter(), time.process_time()

    with open_list(path, fields=screen.needed_fields) as source:

        def screened() -> Iterator[Sequence[Planned | Skipped]]:
            nonlocal at_first, done
            for batch in source.batches(1000):
                yield screen.batch(batch)
                done += len(batch)
                if not at_first and done >= first_rows(rows):
                    at_first = resident_megabytes()

        await ledger.load(screened())
        await ledger.complete(source.fingerprint or "")
    took = time.perf_counter() - began
    grown = resident_megabytes() - at_first
    used = time.process_time() - used
    await ledger.aclose()
    in_file = {} if is_address(place) else {"ledger": (Path(place).stat().st_size / rows, "bytes a row")}
    in_database = {"processor_of_whoever_reads_it": (1e6 * used / rows, "µs a row")} if is_address(place) else {}
    _show(
        reading_and_screening_and_importing=(done / took, "rows/s"),
        memory_grown_while_importing=(max(0.0, grown), "MiB"),
        **in_file,
        **in_database,
        a_loop_of_Python_just_before_importing=(core, "million steps/s"),
    )


async def reopen(place: str) -> None:
    """How long it takes from opening the ledger again to the first texts it hands out."""
    ledger = _ledger_at(place)
    began = time.perf_counter()
    await ledger.open(None)
    await ledger.step((await ledger.enlist("benchmark")).id, [], 64, time.time())
    took = time.perf_counter() - began
    await ledger.aclose()
    _show(resuming=(took, "s to the first text"))


def measure(part: str, path: Path, place: str, rows: int) -> dict[str, tuple[float, str]]:
    """What is measured of a list, by name, in a process of its own, so that none inherits another's memory. `part`: read, load
    or reopen."""
    command = [sys.executable, "-m", "benchmarks.lists", part, str(path), place, str(rows)]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return msgspec.json.decode(printed, type=dict[str, tuple[float, str]])


class _List:
    """A list of one length, its ledger, and what was measured of them."""

    def __init__(self, rows: int, work: Path) -> None:
        self._rows = rows
        self._work = work
        self._path, self._ledger = work / f"{rows}.csv", work / f"{rows}.ledger"
        self._measured: dict[tuple[str, str], list[float]] = {}
        self._missing: dict[str, str] = {}
        write_list(self._path, rows)

    def once(self) -> None:
        """One round."""
        for file in self._work.glob(f"{self._ledger.name}*"):
            file.unlink()
        for part in ("read", "load", "reopen"):
            for name, (value, unit) in measure(part, self._path, str(self._ledger), self._rows).items():
                self._measured.setdefault((name, unit), []).append(value)
        say(f"lists, {self._rows:,} rows")

    def send(self, texts: int, served: Served) -> None:
        """Send a part of it from its ledger."""
        os.sync()  # or the sending would wait for the disk to take the list, which is another matter
        name = ("sending 20,000 of them, or half", "texts/s")
        try:
            sent = run(Sender("", "ours", texts, ("--loop", loop(), "--resume", str(self._ledger))), served, self._work)
            self._measured[name] = [sent.texts / sent.seconds]
        except SenderFailed as error:
            self._measured[name] = []
            self._missing[name[0]] = f"failed: {error}"

    def figures(self) -> list[Figure]:
        """All of them; the files are taken away."""
        for file in self._work.glob(f"{self._rows}.*"):
            file.unlink()
        column = f"{self._rows:,} rows"
        return [
            Figure(name, unit, values, self._missing.get(name, ""), column) for (name, unit), values in self._measured.items()
        ]


def main(*, quick: bool = False, huge: bool = False) -> Measured:
    """Round after round through all lengths; `huge` adds ten million rows once, which take minutes and gigabytes of disk."""
    lengths = [2_000, 4_000] if quick else [10_000, 100_000, 1_000_000]
    figures: list[Figure] = []
    with folder() as work, serving(work) as served:
        for some, rounds in ((lengths, 1 if quick else 5), ([10_000_000] * huge, 1)):
            lists = [(rows, _List(rows, work)) for rows in some]
            for _ in range(rounds):
                for _, one in lists:
                    one.once()
            for rows, one in lists:
                one.send(200 if quick else min(20_000, rows // 2), served)
                figures += one.figures()
    notes = ["eight columns, two of them merged; one row in a hundred is a repeat, one has no name", _FROM, _ROUNDS]
    return Measured(notes=notes, figures=figures)


_FROM = "growth of memory: from the first fifth of the rows, or 100,000 if that is less, to the last"
_ROUNDS = (
    "medians of 5 rounds through all lengths up to a million rows, in brackets the least and the most; one of what is longer, "
    "and of sending"
)


if __name__ == "__main__":
    part_, list_, ledger_, rows_ = sys.argv[1:]
    if part_ == "read":
        read(Path(list_), int(rows_))
    else:
        asyncio.run(load(Path(list_), ledger_, int(rows_)) if part_ == "load" else reopen(ledger_))
