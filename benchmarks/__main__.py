"""The command: `python -m benchmarks [PART ...] [--quick]`, and `peers` and `report` in a part's place."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks import (
    against,
    care,
    double_send,
    forms,
    journal,
    lane,
    latency,
    limiters,
    limits,
    lists,
    machine,
    official_sdk,
    pace,
    parts,
    peers_env,
    people,
    postgres,
    report,
    results,
    startup,
    tables,
    texters,
    throughput,
    tls,
    watching,
)

PARTS: dict[str, Callable[..., results.Measured]] = {
    "throughput": throughput.main,
    "tls": tls.main,
    "latency": latency.main,
    "pace": pace.main,
    "parts": parts.main,
    "lane": lane.main,
    "lists": lists.main,
    "forms": forms.main,
    "texters": texters.main,
    "startup": startup.main,
    "limits": limits.main,
    "people": people.main,
    "postgres": postgres.main,
    "care": care.main,
    "journal": journal.main,
    "watching": watching.main,
    "double_send": double_send.main,
    "official_sdk": official_sdk.main,
}
_QUICK = peers_env.FOLDER / "quick"


def main(arguments: list[str] | None = None) -> None:
    """Run the parts asked for, print their tables, keep their results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}, peers, report; all that measure without")
    parser.add_argument("--quick", action="store_true", help="small numbers: shows that it works, says nothing about speed")
    parser.add_argument("--huge", action="store_true", help="lists, postgres: ten million rows too")
    parser.add_argument("--results", type=Path, help=f"where results are kept ({results.FOLDER.name}/ beside the benchmarks)")
    parser.add_argument("--against", type=Path, metavar="DIR", help="throughput: this checkout and the one in DIR, interleaved")
    parser.add_argument("--rounds", type=int, help=f"with --against: pairs of runs ({against.ROUNDS})")
    parser.add_argument("--rows", help=f"limits: these alone, separated by commas, of {', '.join(limiters.BY_KEY)}")
    parser.add_argument("--seconds", type=float, help=f"limits: that a run lasts ({limits.SECONDS:g})")
    parser.add_argument("--alone", action="store_true", help="limits: without the plain loop")
    parser.add_argument("--options", default="", help='limits: more options for rumbleup send, in one string: "--rate 50"')
    chosen = parser.parse_args(arguments)
    if chosen.against is not None:
        if chosen.parts != ["throughput"]:
            parser.error("--against compares the throughput of two checkouts: python -m benchmarks throughput --against DIR")
        rounds = chosen.rounds or (1 if chosen.quick else against.ROUNDS)
        against.main(chosen.against, rounds=rounds, quick=chosen.quick)
        return
    if chosen.rounds is not None:
        parser.error("--rounds goes with --against")
    if unknown := set(chosen.parts) - PARTS.keys() - {"peers", "report"}:
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}, peers and report")
    rows = [row for row in (chosen.rows or "").split(",") if row]
    if unknown := set(rows) - limiters.BY_KEY.keys():
        parser.error(f"there is no row {', '.join(sorted(unknown))}; there are {', '.join(limiters.BY_KEY)}")
    tried = {"rows": rows, "seconds": chosen.seconds, "alone": chosen.alone, "options": shlex.split(chosen.options)}
    is_part = chosen.quick or any(tried.values())
    folder = chosen.results or (_QUICK if is_part else results.FOLDER)
    if "peers" in chosen.parts and (trouble := peers_env.prepare()):
        sys.exit(trouble)
    for name in PARTS:
        if name in chosen.parts or not chosen.parts:
            more = {"lists": {"huge": chosen.huge}, "postgres": {"huge": chosen.huge}, "limits": tried}.get(name, {})
            _measure(name, folder, quick=chosen.quick, more=more)
    if "report" in chosen.parts:
        print(f"docs/performance.md has: {', '.join(report.write(list(PARTS), folder)) or 'nothing'}")


def _measure(name: str, folder: Path, *, quick: bool, more: Mapping[str, object]) -> None:
    before = machine.described()
    ticks = machine.ticks()
    measured = PARTS[name](quick=quick, **more)
    after = machine.described(ticks)
    part = results.Part(
        name=name,
        machine=results.Machine(after.system, after.processor, after.cores, after.versions, before.load, after.stolen),
        quick=quick,
        rounds=measured.rounds,
        notes=measured.notes,
        groups=measured.groups,
        figures=measured.figures,
        limits=measured.limits,
        lines=measured.lines,
    )
    print(f"\n## {name}\n\n{tables.part(part)}", flush=True)
    results.write(part, folder)


if __name__ == "__main__":
    main()
