"""What being careful with money costs: the same run with all bounds of money and caution, and with none of them.

In pairs of rounds that are short and change places, so that a machine that becomes slower is nobody's loss. What counts is the
CPU of the run's own process for a text; texts a second are shown beside.
"""

from __future__ import annotations

from benchmarks import against
from benchmarks.results import Group, Measured, middle
from benchmarks.running import Sender, folder, interleaved, loop
from benchmarks.serving import serving

ROUNDS = 20
"""Pairs that the interval of a median needs to mean something."""
TEXTS = 6_000
"""Short rounds: what else happens on the machine meets both of a pair, or neither."""

WITHOUT, WITH = "ours, no bounds", "ours, all bounds"


def main(*, quick: bool = False) -> Measured:
    """Both ways, round by round."""
    rounds = 1 if quick else ROUNDS
    fast = ("--loop", loop(), "--source", "csv")
    texts = 200 if quick else TEXTS
    pair = Sender(WITHOUT, "ours", texts, fast), Sender(WITH, "ours", texts, (*fast, "--care"))
    notes = ["a list file on the disk, the ledger beside it; the bounds are wide enough to let everybody through"]
    return paired(pair, ("no bounds", "all bounds"), rounds, notes)


def paired(pair: tuple[Sender, Sender], names: tuple[str, str], rounds: int, notes: list[str]) -> Measured:
    """Two ways to send, round by round: what the second costs against the first."""
    lines = [f"| | {names[0]} | {names[1]} | ratio | 95 % interval |", "| --- | ---: | ---: | ---: | ---: |"]
    with folder() as work, serving(work) as served:
        rows = interleaved(pair, served, work, rounds)
    without, with_ = (sender.name for sender in pair)
    group = Group(f"answers at once, {pair[0].concurrency} in flight", without, rows, served.name, compare=[(with_, without)])
    for figure, (its, mine) in {
        "CPU µs a text": [[run.cpu_seconds / run.texts * 1e6 for run in row.runs] for row in rows],
        "texts a second": [row.rates(steady=False) for row in rows],
    }.items():
        if ratios := [one / other for one, other in zip(mine, its, strict=True)]:
            low, high = against.interval(ratios)
            found = f"{middle(its):,.1f} | {middle(mine):,.1f} | {middle(ratios):.3f} | {low:.3f}–{high:.3f}"
            lines.append(f"| {figure} | {found} |")
    return Measured(rounds=rounds, notes=notes, groups=[group], lines=lines)
