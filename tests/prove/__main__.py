"""`python -m tests.prove`: watch the promise survive, at any scale, and look at one world again by its number."""

import argparse
import json
import math
import os
import platform
import sqlite3
import sys
from collections.abc import Iterable, Sequence

from rumbleup_async import __version__
from tests.prove import long, museum, record, runner
from tests.prove.registry import ALL, KINDS, PLAIN, Playable
from tests.prove.world import Wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.prove", description=__doc__)
    parser.add_argument("--seeds", type=int, default=500, help="how many worlds")
    parser.add_argument("--sends", type=int, default=300_000, help="how many texts, about, over all of them")
    parser.add_argument("--start", type=int, default=0, help="the first seed")
    parser.add_argument("--seconds", type=float, default=math.inf, help="begin no further world after so long")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many processes")
    parser.add_argument("--seed", type=int, help="replay this one, and print everything that happened")
    parser.add_argument("--size", type=int, help="texts a world, about, in place of --sends")
    parser.add_argument("--kinds", action="store_true", help="list the kinds of faults")
    parser.add_argument("--points", action="store_true", help="every crash point of one run, in place of seeds")
    parser.set_defaults(of=PLAIN)
    parser.add_argument("--owners", dest="of", action="store_const", const="owners", help="several bookkeepers over one ledger")
    parser.add_argument("--hours", dest="of", action="store_const", const="hours", help="people who have hours")
    parser.add_argument("--people", dest="of", action="store_const", const="people", help="several runs, and people who opt out")
    parser.add_argument("--canary", dest="of", action="store_const", const="canary", help="a small part that goes first")
    parser.add_argument("--campaign", dest="of", action="store_const", const="campaign", help="all that a campaign has, at once")
    parser.add_argument("--money", dest="of", action="store_const", const="money", help="a budget, and pauses")
    parser.add_argument("--machines", dest="of", action="store_const", const="machines", help="several machines, one database")
    parser.add_argument("--every", type=int, default=1, help="with --points: one cancellation in so many")
    parser.add_argument("--recoveries", type=int, default=20, help="with --points: crashes whose recovery crashes, too")
    parser.add_argument("--museum", action="store_true", help="faults of others: in which world each is caught")
    parser.add_argument("--all", action="store_true", help="all kinds of worlds in turn, for so many --minutes")
    parser.add_argument("--minutes", type=float, default=10.0, help="with --all: how long")
    parser.add_argument("--record", action="store_true", help="with --all: add what was played to tests/prove/record.json")
    parser.add_argument("--shown", action="store_true", help="what the long runs have come to so far")
    parser.add_argument("--part", nargs=2, type=int, metavar=("N", "OF"), help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    size = given.size or max(1, given.sends // given.seeds)
    if given.kinds:
        print("\n".join(ALL))
        return 0
    if given.shown:
        print(record.shown())
        return 0
    if given.museum:
        return _museum()
    if given.all:
        return long.play(long.kinds_here(), given.minutes, given.jobs, is_recorded=given.record)
    if given.seed is not None:
        return _replay(KINDS[given.of].make(given.seed, size, print))
    if given.part:
        part, parts = given.part
        if given.points:
            _print(runner.play_points(part, parts, given.every, given.recoveries))
        else:
            seeds = range(given.start + part, given.start + given.seeds, parts)
            _print(runner.play_seeds(seeds, size, given.seconds, of=given.of))
        return 0
    common = ["--points", "--every", str(given.every), "--recoveries", str(given.recoveries)] if given.points else []
    if not given.points:
        common = ["--seeds", str(given.seeds), "--start", str(given.start), "--size", str(size), "--seconds", str(given.seconds)]
    if given.of != PLAIN:
        common.append(f"--{given.of}")
    total = runner.spread([[*common, "--part", str(part), str(given.jobs)] for part in range(given.jobs)])
    _report(total, () if given.points else KINDS[given.of].kinds, size)
    return 1 if total.wrongs else 0


def _print(lines: Iterable[dict[str, object]]) -> None:
    for line in lines:
        print(json.dumps(line), flush=True)


def _replay(world: Playable) -> int:
    try:
        settled = world.play()
    except Wrong as error:
        for event in world.provider.events[-200:]:
            print(*event)
        print(f"BROKEN: {error}")
        return 1
    print(f"seed {settled.seed}: {settled.texts} texts left {settled.processes} processes; trace {settled.hash}")
    return 0


def _museum() -> int:
    missed = 0
    for exhibit in museum.EXHIBITS:
        found = museum.hunt(exhibit)
        missed += found is None
        print(f"{exhibit.name}: {'NOT CAUGHT' if found is None else found[1]}")
    return 1 if missed else 0


def _report(total: runner.Total, kinds: Iterable[str], size: int) -> None:
    for kind in [*kinds, *sorted(total.met.keys() - set(kinds))]:
        print(f"{total.met[kind]:>12,}  {kind}")
    print()
    print(f"{total.worlds:,} worlds, {total.processes:,} processes, {total.texts:,} texts that left them")
    print(f"{total.seconds:.0f} s on {os.cpu_count()} cores: {platform.platform()}")
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, rumbleup_async {__version__}")
    print(f"{total.unknown:,} unknown at the end; trace {total.hash}")
    print(f"promises broken: {len(total.wrongs)}")
    for wrong in total.wrongs[:20]:
        print(f"  {wrong}")
    if total.wrongs and size:
        print(f"  look again: python -m tests.prove --size {size} --seed SEED")


if __name__ == "__main__":
    sys.exit(main())
