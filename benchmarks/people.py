"""What the book of people costs: each text's recipient is claimed in it, durably, before the text leaves.

The same run with a book and without one, in pairs of rounds on one disk: at 100 ms an answer, as over the internet, and against a
server on loopback that answers at once, where the disk is all that there is to wait for.
"""

from __future__ import annotations

from benchmarks import against
from benchmarks.results import Group, Measured, middle
from benchmarks.running import Sender, folder, interleaved, loop
from benchmarks.serving import serving

LATENCY = 0.1
"""Seconds before each answer."""

ROUNDS = 20
"""Pairs that the interval of a median needs to mean something."""

WITHOUT, WITH = "ours, no book", "ours, with a book"


def main(*, quick: bool = False) -> Measured:
    """Both ways, round by round."""
    rounds = 1 if quick else ROUNDS
    groups, lines = (
        [],
        ["| | no book, texts a second | with a book | ratio | 95 % interval |", "| --- | ---: | ---: | ---: | ---: |"],
    )
    for name, latency, texts in (
        ("100 ms an answer, 64 in flight", LATENCY, 1_920),
        ("answers at once, 64 in flight", 0.0, 12_000),
    ):
        fast = ("--loop", loop(), "--steady")
        pair = [
            Sender(WITHOUT, "ours", 128 if quick else texts, fast),
            Sender(WITH, "ours", 128 if quick else texts, (*fast, "--book")),
        ]
        with folder() as work, serving(work, latency=latency) as served:
            rows = interleaved(pair, served, work, rounds)
        group = Group(name, WITHOUT, rows, served.name, steady=True, compare=[(WITH, WITHOUT)])
        groups.append(group)
        if ratios := group.ratios(WITH, WITHOUT):
            low, high = against.interval(ratios)
            without, with_book = (middle(row.rates(steady=True)) for row in rows)
            lines.append(f"| {name} | {without:,.0f} | {with_book:,.0f} | {middle(ratios):.3f} | {low:.3f}–{high:.3f} |")
    notes = ["ledger and book on the same disk; texts a second without start and end; the book is new in each round"]
    return Measured(rounds=rounds, notes=notes, groups=groups, lines=lines)
