"""Long runs as many short ones: all kinds of worlds in turn, round after round, each added to the record once it is over.

Lives here: whose turn it is. What is killed in the middle loses one round.
"""

import sys
from collections.abc import Callable, Sequence
from time import monotonic as now
from typing import Final, NamedTuple

from rumbleup_async.cli.own_database import programs
from rumbleup_async.errors import ConfigurationError
from tests.prove import record, runner


class Round(NamedTuple):
    """So many worlds of about so many texts; `share`: its part of the time."""

    seeds: int
    size: int
    share: float


ROUNDS: Final = {
    "plain": Round(600, 320, 0.5),
    "campaign": Round(240, 60, 0.15),
    "owners": Round(300, 80, 0.08),
    "hours": Round(120, 60, 0.06),
    "people": Round(90, 60, 0.06),
    "canary": Round(120, 60, 0.03),
    "money": Round(120, 60, 0.06),
    "machines": Round(24, 80, 0.06),
}


def play(
    kinds: Sequence[str], minutes: float, jobs: int, *, is_recorded: bool, spread: Callable[..., runner.Total] = runner.spread
) -> int:
    """Whoever has had least of its share comes next, until the time is over or a promise is broken; the exit code."""
    ends = now() + 60 * minutes
    spent = dict.fromkeys(kinds, 0.0)
    while (left := ends - now()) > 0:
        of = min(spent, key=lambda kind: spent[kind] / ROUNDS[kind].share)
        begun, code = now(), record.state()
        total, entry = _round(of, left, jobs, code, spread)
        spent[of] += now() - begun
        print(
            f"{of}: {total.worlds:,} worlds, {total.texts:,} texts in {total.seconds:.0f} s, {len(total.wrongs)} broken",
            flush=True,
        )
        if is_recorded and record.state() != code:
            print("the code was changed meanwhile: this round is not recorded", file=sys.stderr)
        elif is_recorded:
            record.add(entry)
        if total.wrongs:
            print("\n".join(total.wrongs[:20]))
            return 1
    return 0


def kinds_here() -> list[str]:
    """All kinds; those of several machines where there is a PostgreSQL."""
    try:
        programs()
    except ConfigurationError:
        return [kind for kind in ROUNDS if kind != "machines"]
    return list(ROUNDS)


def _round(of: str, left: float, jobs: int, code: str, spread: Callable[..., runner.Total]) -> tuple[runner.Total, record.Entry]:
    seeds, size, _ = ROUNDS[of]
    first = record.next_seed(of)
    common = ["--seeds", str(seeds), "--start", str(first), "--size", str(size), "--seconds", f"{left:.1f}"]
    common += [] if of == "plain" else [f"--{of}"]
    total = spread([[*common, "--part", str(part), str(jobs)] for part in range(jobs)])
    entry = record.Entry(
        of=of,
        code=code,
        commit=record.commit(),
        versions=record.versions(),
        seeds=(first, first + seeds - 1),
        worlds=total.worlds,
        processes=total.processes,
        texts=total.texts,
        unknown=total.unknown,
        seconds=round(total.seconds, 1),
        wrongs=total.wrongs,
        met=dict(total.met),
    )
    return total, entry
