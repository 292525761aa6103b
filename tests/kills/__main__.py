"""The command: `python -m tests.kills --kills 2000 --jobs 2`."""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from benchmarks import machine, tables
from tests.kills.campaign import IN_FLIGHT, Tally
from tests.kills.loop import Loop
from tests.prove import record

LEAST_IN_FLIGHT = 0.4
"""Part of the kills that have to meet texts in flight, or the moments were chosen badly."""


def main() -> int:
    """Kill, check, print; the exit code: 0 if no promise was broken, 1 if one was."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="processes to end by kill -9")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--record", action="store_true", help="add what was done to tests/prove/record.json")
    parser.add_argument("--jobs", type=int, default=1, help="campaigns at a time")
    parser.add_argument("--folder", type=Path, help="where a campaign that broke a promise is left; must not exist")
    parser.add_argument("--journal", action="store_true", help="steps are noted beside the ledger, from the first on")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else record.next_seed("kills") if given.record else 1
    code = record.state()
    folder: Path = given.folder or Path(tempfile.mkdtemp(prefix="kills-"))
    folder.mkdir(parents=True, exist_ok=given.folder is None)
    print(tables.machine(machine.described()))
    begun = time.monotonic()
    loop = Loop(folder, kills=given.kills, seed=seed, journal=given.journal, heard=_progress(given.kills))
    loop.run(given.jobs)
    sys.stderr.write("\n")
    show(loop.tally, time.monotonic() - begun, seed=seed, jobs=given.jobs)
    for violation in loop.violations:
        print(f"VIOLATION: {violation}")
    if given.record and loop.tally.kills and record.state() == code:  # where nothing began nothing was proved
        record.add(entry(loop, code, seed, time.monotonic() - begun))
    if loop.violations:
        return 1
    if loop.tally.share_in_flight < LEAST_IN_FLIGHT:
        print(f"only {loop.tally.share_in_flight:.0%} of the kills met texts in flight; at least {LEAST_IN_FLIGHT:.0%} have to")
        return 1
    print("0 texts twice, 0 lost, 0 unknown left, every contact accounted for")
    return 0


def entry(loop: Loop, code: str, seed: int, seconds: float) -> record.Entry:
    """The same for the record."""
    tally = loop.tally
    landed = {f"landed: {place}": number for place, number in tally.landed.items()}
    return record.Entry(
        of="kills",
        code=code,
        commit=record.commit(),
        versions=record.versions(),
        seeds=(seed, seed),
        worlds=sum(tally.campaigns.values()),
        processes=tally.processes,
        texts=tally.texts,
        seconds=round(seconds, 1),
        wrongs=loop.violations,
        met={"kills": tally.kills, **tally.blows, **landed},
    )


def show(tally: Tally, seconds: float, *, seed: int, jobs: int) -> None:
    """What was done."""
    print(f"seed {seed}, jobs {jobs}, {seconds:.0f} s, {tally.kills / seconds:.1f} kills a second")
    print(
        f"{tally.kills} kills in {sum(tally.campaigns.values())} campaigns, {tally.processes} processes, {tally.texts} texts, "
        f"{tally.unknown} unknown at the end of their lists; settled: {_counted(tally.settled)}"
    )
    print(f"{tally.share_in_flight:.0%} of the kills {IN_FLIGHT}; {tally.noted} left steps beside the ledger")
    for name, counts in (
        ("campaigns", tally.campaigns),
        ("blows", tally.blows),
        ("kills landed", tally.landed),
        ("killed command", tally.during),
        ("befell ledgers", tally.tampered),
    ):
        print(f"{name}: {_counted(counts)}")
    print(f"ended at once by a second signal: {tally.at_once}; blows that came after the end: {tally.missed}")


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counts.most_common()) or "none"


def _progress(kills: int) -> Callable[[Tally], None]:
    def heard(tally: Tally) -> None:
        sys.stderr.write(f"\r{tally.kills} of {kills} kills")
        sys.stderr.flush()

    return heard


if __name__ == "__main__":
    sys.exit(main())
