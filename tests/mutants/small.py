"""`python -m tests.mutants.small`: small faults everywhere in what decides, one at a time, and whether any test notices.

`tests.mutants` has faults that a person has thought of, each with its test. Here they are made mechanically (`edits.py`) and
tried in forked processes (`trying.py`). What no test notices is printed: either a test is missing, or it makes no difference. The
latter stand in `equivalent.py`, each with its reason; one that is noticed after all, or is no longer there, is printed as well.
"""

import argparse
import random
import sys
import time
from pathlib import Path

from tests.mutants.edits import edits
from tests.mutants.equivalent import EQUIVALENT
from tests.mutants.trying import Trials

_RULES = ("canary", "door", "gates", "hours", "numbers", "places", "states", "zones")
TARGETS = {
    "retry.py": ["tests/test_retry.py"],
    "ledger/states.py": ["tests/ledger/test_states.py"],
    **{f"rules/{name}.py": [f"tests/rules/test_{name}.py"] for name in _RULES},
    "rules/address_cells.py": ["tests/rules/test_places.py"],
    "rules/carrier_day.py": ["tests/engine/test_day_cap.py"],
    "rules/suppression.py": ["tests/rules/test_gates.py", "tests/rules/test_door.py"],
    "rumbleup/log_matching.py": ["tests/rumbleup/test_log_matching.py"],
    "rumbleup/wire.py": ["tests/rumbleup/test_wire.py", "tests/rumbleup/test_wire_next.py", "tests/rumbleup/test_refusals.py"],
    "rumbleup/failures.py": ["tests/rumbleup/test_wire.py", "tests/rumbleup/test_refusals.py", "tests/rumbleup/test_client.py"],
    "engine/pace.py": ["tests/engine/test_pace.py", "tests/engine/test_permits.py"],
    "engine/learning.py": ["tests/engine/test_learning.py", "tests/engine/test_at_the_limit.py"],
}
"""What decides, and the tests that are there to notice."""


def tried(file: str, sample: int, seed: int, jobs: int, earlier: str = "") -> tuple[int, int, int]:
    """How many faults of a file were noticed, make no difference, and were tried. Whatever is otherwise is printed. `earlier`:
    what was printed before; then those alone that were not noticed are tried, and the others count as noticed."""
    trials = Trials(file, TARGETS[file])
    known = {(one.before, one.after) for one in EQUIVALENT if one.file == file}
    faults = edits(trials.source)
    gone = known - {edit.told(trials.source) for edit in faults}
    for before, after in sorted(gone):
        print(f"  NO LONGER THERE  {before}  ->  {after}", flush=True)
    chosen = random.Random(seed).sample(faults, sample) if 0 < sample < len(faults) else faults
    trying = sorted(edit for edit in chosen if not earlier or "  ->  ".join(edit.told(trials.source)) in earlier)
    caught, same = len(chosen) - len(trying), 0
    for edit, is_noticed in trials.notice(trying, jobs):
        told = edit.told(trials.source)
        caught += is_noticed
        same += not is_noticed and told in known
        if is_noticed == (told in known):
            print(
                f"  {'NOTICED AFTER ALL' if is_noticed else 'not noticed'}  {file}:{edit.lines[0]}  {told[0]}  ->  {told[1]}",
                flush=True,
            )
    print(f"{file}: {caught} of {len(chosen) - same} noticed, {same} more make no difference", flush=True)
    return caught, same, len(chosen)


def main() -> int:
    """0 if all of them are noticed but those that make no difference."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.small", description=__doc__)
    parser.add_argument("files", nargs="*", help=f"files of the package (all of {', '.join(TARGETS)})")
    parser.add_argument("--sample", type=int, default=0, help="so many of each file (all)")
    parser.add_argument("--seed", type=int, default=1, help="which of them (1)")
    parser.add_argument("--again", type=Path, help="a file of what was printed before: only what was not noticed then is tried")
    parser.add_argument("--jobs", type=int, default=2, help="so many at a time (2)")
    given = parser.parse_args()
    began = time.monotonic()
    noticed = same = number = 0
    earlier = given.again.read_text(encoding="utf-8") if given.again else ""
    for file in given.files or TARGETS:
        found = tried(file, given.sample, given.seed, given.jobs, earlier)
        noticed, same, number = noticed + found[0], same + found[1], number + found[2]
    counted = number - same
    share, seconds = noticed / max(1, counted), time.monotonic() - began
    print(f"{noticed} of {counted} noticed, {share:.1%}; {same} more make no difference; {seconds:.0f} s")
    return int(noticed != counted)


if __name__ == "__main__":
    sys.exit(main())
