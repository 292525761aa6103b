"""What the ledger on PostgreSQL costs beside the one on SQLite: one sender over each, in pairs of rounds, on one machine.

Server and sender share the machine's cores, so the ratios say what both cost together and not what two machines would reach. The
database's own CPU is that of all its processes; a step is one round trip.
"""

from __future__ import annotations

import shutil
from typing import Final

from benchmarks import against, machines
from benchmarks.machines import cpu
from benchmarks.results import Group, Measured, Row, Run, middle
from benchmarks.running import Sender, folder, loop, run, say
from benchmarks.serving import serving

ROUNDS: Final = 20
"""Pairs that the interval of a median needs to mean something."""
FILE, DATABASE = "ours, SQLite", "ours, PostgreSQL"


def main(*, quick: bool = False, huge: bool = False) -> Measured:
    """Both ledgers, round by round, at two concurrencies; one sender and two; long lists, with `huge` ten million rows too."""
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
        for concurrency, texts in ((64, 24_000), (256, 24_000)):
            texts = 300 if quick else texts  # noqa: PLW2901 - shows that it works
            fast = ("--loop", loop(), "--steady")
            pair = [
                Sender(FILE, "ours", texts, fast, concurrency=concurrency),
                Sender(DATABASE, "ours", texts, (*fast, "--database", server.address()), concurrency=concurrency),
            ]
            spent, trips = [], []
            with folder() as work, serving(work) as served:
                done: dict[str, list[Run]] = {FILE: [], DATABASE: []}
                for number in range(rounds):
                    for sender in pair:
                        before = cpu(postmaster)
                        done[sender.name].append(run(sender, served, work))
                        if sender.name == DATABASE:
                            spent.append(1e6 * (cpu(postmaster) - before) / texts)
                            with psycopg.connect(server.address()) as db:
                                found = db.execute("SELECT sum(step) FROM rumbleup.owner").fetchone()
                            machines.empty(server)
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
        lengths = [2_000] if quick else [100_000, 1_000_000, 10_000_000] if huge else [100_000, 1_000_000]
        with folder() as work:
            figures = machines.several(server, work, 3_000 if quick else 16_000, 1 if quick else 5)
            figures += machines.long_lists(server, postmaster, work, lengths, 1 if quick else 5)
    finally:
        server.stop()
        shutil.rmtree(server.folder)
    notes = [
        "the ledger's file on the disk of the folder, the database's on that of temporary files; fsync is on in both",
        f"one sender and two: {machines.IN_FLIGHT} in flight each, {machines.LATENCY * 1000:g} ms an answer, while both sent",
        "a run goes on with nine tenths sent: its rows were changed a thousand at a time, and not vacuumed",
    ]
    return Measured(rounds=rounds, notes=notes, groups=groups, lines=lines, figures=figures)
