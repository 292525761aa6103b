"""A server far away: every answer takes 100 ms, and only many in flight make many a second: in the ideal, in flight / 0.1 s."""

from __future__ import annotations

from benchmarks.results import Group, Measured
from benchmarks.running import Sender, capacity, folder, interleaved, loop
from benchmarks.serving import serving
from benchmarks.throughput import HEADLINE, NAIVE, TUNED

LATENCY = 0.1
"""Seconds before each answer."""


def senders(in_flight: int, *, quick: bool) -> list[Sender]:
    """Enough texts for some seconds each."""

    def sender(name: str, module: str, rate: int, *options: str) -> Sender:
        # At least some rounds of answers, so that most of the time all are in flight.
        texts = in_flight * 4 if quick else int(max(min(rate, in_flight / LATENCY) * 3, min(in_flight, rate) * 4))
        return Sender(name, module, texts, options, concurrency=in_flight)

    return [
        sender(NAIVE, "naive", 900),
        sender(f"{NAIVE}, connections not limited", "naive", 4_000, "--wide"),
        sender(TUNED, "tuned", 5_000),
        sender(f"{TUNED}, uvloop", "tuned", 6_000, "--loop", "uvloop"),
        sender(HEADLINE, "ours", 40_000, "--loop", loop(), "--steady"),
        sender(f"{HEADLINE}, over aiohttp", "ours", 5_000, "--loop", loop(), "--transport", "aiohttp", "--steady"),
    ]


def main(*, quick: bool = False) -> Measured:
    """The comparison at three numbers in flight."""
    rounds = 1 if quick else 3
    groups = []
    with folder() as work, serving(work, latency=LATENCY) as served:
        for in_flight in (20,) if quick else (100, 1_000, 5_000):
            drawn, by = capacity(served, work, concurrency=in_flight, quick=quick)
            rows = interleaved(senders(in_flight, quick=quick), served, work, rounds)
            name = f"{in_flight:,} in flight, ideal {in_flight / LATENCY:,.0f} texts a second"
            groups.append(Group(name, TUNED, rows, served.name, drawn, by, True, [(HEADLINE, NAIVE)]))
    notes = ["http, 100 ms an answer; texts a second without start and end: ours begins with one text in flight on purpose"]
    return Measured(rounds=rounds, notes=notes, groups=groups)
