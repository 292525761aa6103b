"""What the ledger on PostgreSQL costs beside the one on SQLite: one sender over each, in pairs of rounds, on one machine.

Server and sender share the machine's cores, so the ratios say what both cost together and not what two machines would reach. The
database's own CPU is that of all its processes; a step is one round trip.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

from benchmarks import against
from benchmarks.results import Group, Measured, Row, Run, middle
from benchmarks.running import Sender, folder, loop, run, say
from benchmarks.serving import serving

ROUNDS: Final = 20
"""Pairs that the interval of a median needs to mean something."""
FILE, DATABASE = "ours, SQLite", "ours, PostgreSQL"
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def cpu(postmaster: int) -> float:
    """CPU seconds of a database server so far: of its first process, of those that it has started, and of those that ended."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = stat.read_text().rpartition(") ")[2].split()
        except OSError:
            continue  # it has just ended
        number = int(stat.parent.name)
        if number == postmaster:
            ticks += sum(map(int, words[11:15]))  # its own, and those of children that it has waited for
        elif int(words[1]) == postmaster:
            ticks += sum(map(int, words[11:13]))
    return ticks / _TICKS


def main(*, quick: bool = False) -> Measured:
    """Both ledgers, round by round, at two concurrencies."""
    import psycopg

    from tests import database

    rounds = 1 if quick else ROUNDS
    groups = []
    columns = (
        "in flight",
        "SQLite, texts a second",
        "PostgreSQL",
        "ratio",
        "95 % interval",
        "database, µs a text",
        "round trips",
    )
    lines = [f"| {' | '.join(columns)} |", f"|{' ---: |' * len(columns)}"]
    server = database.make("-bench", is_in_memory=False)
    try:
        postmaster = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
        for concurrency, texts in ((64, 12_000), (256, 12_000)):
            texts = 300 if quick else texts  # noqa: PLW2901 - shows that it works
            fast = ("--loop", loop(), "--steady")
            pair = [
                Sender(FILE, "ours", texts, fast, concurrency=concurrency),
                Sender(DATABASE, "ours", texts, (*fast, "--database", server.address()), concurrency=concurrency),
            ]
            spent, trips = [], []
            with folder() as work, serving(work, latency=0.0) as served:
                done: dict[str, list[Run]] = {FILE: [], DATABASE: []}
                for number in range(rounds):
                    for sender in pair:
                        before = cpu(postmaster)
                        done[sender.name].append(run(sender, served, work))
                        if sender.name == DATABASE:
                            spent.append(1e6 * (cpu(postmaster) - before) / texts)
                            with psycopg.connect(server.address()) as db:
                                found = db.execute("SELECT sum(step) FROM rumbleup.owner").fetchone()
                                db.execute("DELETE FROM rumbleup.run")
                            trips.append(float(0 if found is None else found[0]) / texts)
                        say(f"{served.name}, round {number + 1} of {rounds}: {sender.name}")
                rows = [Row(name, runs) for name, runs in done.items()]
            group = Group(f"{concurrency} in flight", FILE, rows, served.name, steady=True, compare=[(DATABASE, FILE)])
            groups.append(group)
            if ratios := group.ratios(DATABASE, FILE):
                low, high = against.interval(ratios)
                file, base = (middle(row.rates(steady=True)) for row in rows)
                told = (f"{file:,.0f}", f"{base:,.0f}", f"{middle(ratios):.2f}", f"{low:.2f}–{high:.2f}")
                lines.append(f"| {concurrency} | {' | '.join(told)} | {middle(spent):.0f} | {middle(trips):.3f} |")
    finally:
        server.stop()
        shutil.rmtree(server.folder)
    notes = ["the ledger's file on the disk of the folder, the database's on that of temporary files; fsync is on in both"]
    return Measured(rounds=rounds, notes=notes, groups=groups, lines=lines)
