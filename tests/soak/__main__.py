"""The command: `python -m tests.soak --contacts 10000000 --minutes 240`."""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import machine, tables
from tests.acceptance.provider_process import providing
from tests.acceptance.shell import Shell
from tests.acceptance.stage import Stage
from tests.soak.soak import Figures, Sample, play


def main() -> int:
    """Play, check, print; 0 if nothing has grown and the promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--contacts", type=int, default=200_000)
    parser.add_argument("--minutes", type=float, default=10.0, help="about so long; pace follows from the two")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(tables.machine(machine.described()), flush=True)
    shell = Shell()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder, providing(Path(folder)) as provider:
        stage = Stage(Path(folder), provider, shell)
        try:
            figures = play(stage, provider, contacts=given.contacts, seconds=60 * given.minutes, seed=given.seed, heard=_heard)
        finally:
            stage.close()
            shell.close()
    show(figures)
    for wrong in figures.wrongs():
        print(f"GROWN: {wrong}")
    return 1 if figures.wrongs() else 0


def _heard(trouble: str) -> None:
    sys.stderr.write(f"{trouble} ")
    sys.stderr.flush()


def show(figures: Figures) -> None:
    """What it came to."""
    sys.stderr.write("\n")
    print(f"{figures.texts:,} texts, {figures.requests:,} requests in {figures.seconds:.0f} s, {figures.samples:,} samples")
    print("met: " + ", ".join(f"{name} {number}" for name, number in figures.troubles.most_common()))
    rows: list[tuple[str, Sample]] = [("second quarter", figures.second), ("last quarter", figures.last), ("most", figures.most)]
    for name, one in rows:
        print(f"{name:>14}: {one.kib / 1024:.1f} MiB, {one.descriptors} descriptors, {one.threads} threads, {one.tasks} tasks")
    print("0 twice, 0 lost, 0 unknown left, every contact accounted for")


if __name__ == "__main__":
    sys.exit(main())
