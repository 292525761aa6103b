"""What it brings to note large steps beside the ledger: the same run with a journal, and with none. Pairs as in `care`."""

from __future__ import annotations

from benchmarks import care
from benchmarks.results import Measured
from benchmarks.running import Sender, loop

TEXTS = 30_000
"""So many that what is noted is carried over several times."""

WITHOUT, WITH = "ours, SQLite alone", "ours, with a journal"


def main(*, quick: bool = False) -> Measured:
    """Both ways, round by round."""
    fast = ("--loop", loop(), "--source", "loaded")
    texts = 200 if quick else TEXTS
    pair = Sender(WITHOUT, "ours", texts, fast), Sender(WITH, "ours", texts, (*fast, "--journal"))
    notes = ["the list is in a ledger on the disk before the clock starts"]
    return care.paired(pair, ("SQLite alone", "with a journal"), 1 if quick else care.ROUNDS, notes)
