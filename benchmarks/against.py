"""This checkout against another one in one interleaved run: `python -m benchmarks throughput --against DIR`.

Each checkout runs its own `benchmarks.senders.ours`, on the same Python and against the same server; what counts are the ratios
of a round. A change that is meant to cost nothing shows that here.
"""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import machine, peers_env, startup, tables
from benchmarks.results import Run, middle
from benchmarks.running import Sender, SenderFailed, folder, loop, run, say
from benchmarks.serving import serving

ROUNDS = 20
"""Pairs that the interval of a median needs to mean something."""
_TEXTS = 20_000
_CASES = {"ledger on disk": "disk", "ledger in memory": "memory"}
_WHERE = "import rumbleup_async; print(rumbleup_async.__file__)"

Pairs = dict[str, list[tuple[float, float]]]
"""By what was measured, of each round: this checkout's figure, and the other's."""


def check(root: Path) -> str:
    """Why a folder is no checkout that can be measured, "" if it is one."""
    if not (root / "benchmarks" / "senders" / "ours.py").is_file():
        return f"{root} is no checkout of this repository: it has no benchmarks/senders/ours.py"
    found = _said(root, sys.executable, "-c", _WHERE)
    if Path(found).resolve().parent != (root / "rumbleup_async").resolve():
        return f"in {root} Python imports rumbleup_async from elsewhere: {found or 'it cannot be imported'}"
    return ""


def main(other: Path, *, rounds: int = ROUNDS, quick: bool = False) -> None:
    """Measure, and print the ratios."""
    other = other.resolve()
    for root in (peers_env.ROOT, other):
        if trouble := check(root):
            sys.exit(trouble)
    before, ticks = machine.described(), machine.ticks()
    pairs = _measured(other, rounds, quick=quick)
    after = machine.described(ticks)
    stolen = "" if after.stolen is None else f"; the host kept {after.stolen:.1%} of the time for others"
    print(f"\n## throughput: {_version(peers_env.ROOT)} against {_version(other)}\n")
    if quick:
        print("**Quick form: shows that it works, says nothing about speed.**\n")
    print("\n".join(table(pairs)))
    print(f"\n{rounds} interleaved rounds. Load of the machine before: {before.load:.1f}{stolen}.\n\n{tables.machine(after)}")


def _measured(other: Path, rounds: int, *, quick: bool) -> Pairs:
    pairs: Pairs = {}
    with folder() as work, serving(work) as served:
        for number in range(rounds):
            # Who goes first alternates, so that a machine that becomes slower is nobody's loss.
            order = (peers_env.ROOT, other) if number % 2 else (other, peers_env.ROOT)
            for case, ledger in _CASES.items():
                sender = Sender(case, "ours", 200 if quick else _TEXTS, ("--loop", loop(), "--ledger", ledger))
                try:
                    runs = {root: run(sender, served, work, root=root) for root in order}
                except (SenderFailed, subprocess.TimeoutExpired) as error:
                    sys.exit(f"{case}: {error}")
                for figure, (mine, its) in _figures(runs[peers_env.ROOT], runs[other]).items():
                    pairs.setdefault(f"{case}: {figure}", []).append((mine, its))
            seconds = {root: startup.seconds(root) for root in order}
            pairs.setdefault("import rumbleup_async, ms", []).append((seconds[peers_env.ROOT] * 1e3, seconds[other] * 1e3))
            say(f"round {number + 1} of {rounds}")
    return pairs


def _figures(mine: Run, its: Run) -> dict[str, tuple[float, float]]:
    return {
        "texts/s": (mine.texts / mine.seconds, its.texts / its.seconds),
        "CPU µs a text": (mine.cpu_seconds / mine.texts * 1e6, its.cpu_seconds / its.texts * 1e6),
        "peak MiB": (mine.peak_mib, its.peak_mib),
    }


def table(pairs: Pairs) -> list[str]:
    """The medians of both, and the median of the ratios with the interval that holds it in 95 of 100 cases."""
    lines = ["| | this | other | ratio | 95 % interval |", "| --- | ---: | ---: | ---: | ---: |"]
    for name, values in pairs.items():
        mine, its = (tables.number(middle([pair[place] for pair in values])) for place in (0, 1))
        ratios = [one / two for one, two in values]
        low, high = interval(ratios)
        lines.append(f"| {name} | {mine} | {its} | {middle(ratios):.3f} | {low:.3f}–{high:.3f} |")
    return lines


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Where the median lies in at least 95 of 100 cases, whatever the distribution; of fewer than six values, the least and the
    most."""
    ordered, count = sorted(values), len(values)
    outside, below = 0, 0.0
    # So many values at each end can be left out as that the median lies among them in 2.5 of 100 cases at most.
    while (below := below + math.comb(count, outside) / 2**count) <= 0.025:
        outside += 1
    outside = max(outside, 1)
    return ordered[outside - 1], ordered[count - outside]


def _version(root: Path) -> str:
    return _said(root, "git", "describe", "--always", "--dirty") or root.name


def _said(root: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
