"""What it costs to read a list in each form: rows a second of CPU, and growth of memory from the first rows to the last.

CPU seconds of the process and not those of the clock: reading waits for nothing, and so a busy machine tells nearly the same.
"""

from __future__ import annotations

import csv
import gzip
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.lists import first_rows, write_list
from benchmarks.machine import resident_megabytes
from benchmarks.results import Figure, Measured
from benchmarks.running import folder, say
from benchmarks.senders.job import TEMPLATE
from rumbleup_async.lists.contacts import open_list
from rumbleup_async.screening.screen import Screen

_FORMS = ("csv", "csv.gz", "csv.zst", "jsonl", "json", "parquet", "arrow", "sqlite", "duckdb", "xlsx", "pandas", "polars")


def write(folder_: Path, rows: int) -> None:
    """The same list in every form, block by block."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    import xlsxwriter
    from backports import zstd

    plain = folder_ / "list.csv"
    write_list(plain, rows)
    data = plain.read_bytes()
    (folder_ / "list.csv.gz").write_bytes(gzip.compress(data, 6))
    (folder_ / "list.csv.zst").write_bytes(zstd.compress(data))
    del data
    with plain.open(encoding="utf-8", newline="") as file:
        header = next(csv.reader(file))
    schema = pa.schema([(name, pa.string()) for name in header])
    with (
        pq.ParquetWriter(folder_ / "list.parquet", schema) as parquet,
        pa.OSFile(str(folder_ / "list.arrow"), "wb") as sink,
        pa.ipc.new_file(sink, schema) as arrow,
        (folder_ / "list.jsonl").open("w") as lines,
        (folder_ / "list.json").open("w") as array,
    ):
        array.write("[")
        for number, block in enumerate(_blocks(plain)):
            batch = pa.record_batch([[row[x] for row in block] for x in range(len(header))], schema=schema)
            parquet.write_batch(batch)
            arrow.write_batch(batch)
            objects = [json.dumps(dict(zip(header, row, strict=True))) for row in block]
            lines.write("\n".join(objects) + "\n")
            array.write(("," if number else "") + ",\n".join(objects))
        array.write("]")
    db = sqlite3.connect(folder_ / "list.sqlite")
    db.execute(f"CREATE TABLE list ({', '.join(header)})")
    book = xlsxwriter.Workbook(folder_ / "list.xlsx", {"constant_memory": True})
    sheet = book.add_worksheet("list")
    sheet.write_row(0, 0, header)
    written = 0
    for block in _blocks(plain):
        db.executemany(f"INSERT INTO list VALUES ({', '.join('?' * len(header))})", block)
        for row in block[: max(0, 1_048_575 - written)]:
            written += 1
            sheet.write_row(written, 0, row)
    db.commit()
    db.close()
    book.close()


def _blocks(plain: Path) -> Iterator[list[list[str]]]:
    with plain.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        while block := list(islice(rows, 50_000)):
            yield block


def _source(form: str, place: Path) -> Any:
    if form == "pandas":
        import pandas as pd

        return pd.read_csv(place / "list.csv", dtype=str)
    if form == "polars":
        import polars as pl

        return pl.read_csv(place / "list.csv", infer_schema=False)
    if form == "sqlite":
        return f"sqlite:{place / 'list.sqlite'}"
    return f"duckdb:{place / 'list.parquet'}" if form == "duckdb" else place / f"list.{form}"


def read(form: str, place: Path, rows: int) -> None:
    """Read one form twice, alone and with screening; for the process that asked, figures by name."""
    source = _source(form, place)
    screen = Screen(TEMPLATE)
    rates, grown = [], 0.0
    for screened in (False, True):
        began, done, at_first = time.process_time(), 0, 0.0
        with open_list(source, fields=screen.needed_fields) as contacts:
            for batch in contacts.batches(1000):
                if screened:
                    screen.batch(batch)
                done += len(batch)
                if not at_first and done >= first_rows(rows):
                    at_first = resident_megabytes()
            grown = max(grown, resident_megabytes() - at_first)
        rates.append(done / (time.process_time() - began))
    print(msgspec.json.encode([*rates, max(0.0, grown)]).decode())


def main(*, quick: bool = False) -> Measured:
    """Every form, round by round, each in a process of its own."""
    rows, rounds = (2_000, 1) if quick else (1_000_000, 3)
    measured: dict[str, list[list[float]]] = {form: [] for form in _FORMS}
    with folder() as place:
        write(place, rows)
        for _ in range(rounds):
            for form in _FORMS:
                command = [sys.executable, "-m", "benchmarks.forms", form, str(place), str(rows)]
                printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
                measured[form].append(msgspec.json.decode(printed, type=list[float]))
                say(f"forms, {form}")
    units = (("reading", "rows/s"), ("reading and screening", "rows/s"), ("memory grown", "MiB"))
    figures = [
        Figure(name, unit, [values[at] for values in found], column=form)
        for at, (name, unit) in enumerate(units)
        for form, found in measured.items()
    ]
    notes = [
        f"{rows:,} rows of eight columns, two of them merged; rows a second of CPU",
        "the sheet of a workbook stands in memory",
    ]
    return Measured(rounds=rounds, notes=notes, figures=figures)


if __name__ == "__main__":
    read(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
