"""The command: `python -m tests.power --runs 200`, and which faults the cuts would show, `--museum`."""

import argparse
import itertools
import shutil
import sys
import time
from pathlib import Path

from benchmarks import machine, tables
from tests.power import museum
from tests.power.cuts import Tally, Wrong, in_memory, play
from tests.prove import record

OF = "power"
SIZE = 14


def main() -> int:
    """Cut, look, print; 0 if no promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.power", description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=0.0, help="as many runs as fit into them instead")
    parser.add_argument("--seed", type=int, help="of the first run")
    parser.add_argument("--size", type=int, default=SIZE, help="contacts of a run at most")
    parser.add_argument("--resumed", type=float, default=0.1, help="part of the disks with which the run is gone on with")
    parser.add_argument("--record", action="store_true", help="add what was done to tests/prove/record.json")
    parser.add_argument("--museum", action="store_true", help="the faults that must be noticed, and what is said of them")
    given = parser.parse_args()
    with in_memory() as folder:
        return _museum(folder) if given.museum else _play(folder, given)


def _museum(folder: Path) -> int:
    passed = 0
    for number, exhibit in enumerate(museum.EXHIBITS):
        (folder / str(number)).mkdir()
        said = museum.hunt(exhibit, folder / str(number))
        passed += exhibit.rule not in said
        print(f"{exhibit.name}: {said or 'NOT NOTICED'}")
    return 1 if passed else 0


def _play(folder: Path, given: argparse.Namespace) -> int:
    print(tables.machine(machine.described()), flush=True)
    code, begun = record.state(), time.monotonic()
    first = given.seed if given.seed is not None else record.next_seed(OF) if given.record else 1
    total, wrongs = Tally(), list[str]()
    for seed in itertools.count(first):
        if time.monotonic() - begun > 60 * given.minutes if given.minutes else seed - first >= given.runs:
            break
        here = folder / str(seed)
        here.mkdir()
        try:
            total.add(play(here, seed, given.size, resumed=given.resumed))
        except Wrong as wrong:
            wrongs.append(str(wrong))
            print(f"WRONG: {wrong}", flush=True)
        shutil.rmtree(here)
    seconds = time.monotonic() - begun
    print(f"seeds {first} to {first + total.runs + len(wrongs) - 1}, {seconds:.0f} s")
    print(f"{total.runs} runs with {total.texts:,} texts, {total.cuts:,} power cuts, {total.disks:,} disks that they may leave")
    print("of what was not synced there is: " + ", ".join(f"{kind} {number:,}" for kind, number in total.kinds.most_common()))
    print(
        f"{total.with_texts:,} of the disks with texts under way or sent, {total.resumed:,} gone on with to the end of the list"
    )
    if given.record and record.state() == code:
        record.add(entry(total, code, (first, first + total.runs + len(wrongs) - 1), seconds, wrongs))
    if not wrongs:
        print("0 forgotten by ledger or book, 0 results lost, 0 texted twice; each ledger and each book opened")
    return 1 if wrongs else 0


def entry(total: Tally, code: str, seeds: tuple[int, int], seconds: float, wrongs: list[str]) -> record.Entry:
    """The same for the record."""
    return record.Entry(
        of=OF,
        code=code,
        commit=record.commit(),
        versions=record.versions(),
        seeds=seeds,
        worlds=total.runs,
        processes=total.processes + total.resumed,
        texts=total.texts,
        seconds=round(seconds, 1),
        wrongs=wrongs,
        met={f"power cut, of what was not synced: {kind}": number for kind, number in total.kinds.items()},
    )


if __name__ == "__main__":
    sys.exit(main())
