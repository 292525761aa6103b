"""`python -m tests.model`: visit all states of the model at several sizes, and show that each mistake is caught."""

import argparse
import sys
import time

from tests.model.explorer import explore
from tests.model.leases import Design
from tests.model.mistakes import MISTAKES, SOUND

_LATE = Design(travel=1, grace=2)
"""A request may be on its way for a while, also when whoever sent it has given it up."""
_SIZES = ((SOUND, 1, 2), (_LATE, 1, 2), (SOUND, 2, 2), (SOUND, 1, 3))


def main() -> int:
    """0 if all promises hold, and each mistake breaks one."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--most", type=int, default=10_000_000, help="no size with more states than that (10,000,000)")
    parser.add_argument("--sizes", type=int, default=len(_SIZES), help=f"the first so many sizes alone ({len(_SIZES)})")
    parser.add_argument("--show", action="store_true", help="the shortest way to each mistake")
    given = parser.parse_args()
    wrong = 0
    for design, contacts, processes in _SIZES[: given.sizes]:
        began = time.process_time()
        found = explore(design, contacts, processes, most=given.most)
        wrong += bool(found.broken)
        print(
            f"{contacts} contacts, {processes} processes, {design.travel} on the way: {found.states:,} states, "
            f"{found.moves:,} moves; {found.broken or 'all hold'}; {time.process_time() - began:.0f} s of processor",
            *found.way,
            sep="\n    ",
            flush=True,
        )
    for mistake in MISTAKES:
        found = explore(mistake.design, 1, 2, promise=mistake.promise, folds=not given.show)
        wrong += found.broken != mistake.broken
        print(f"{mistake.what}: {found.broken or 'NOT CAUGHT'}", *(found.way if given.show else ()), sep="\n    ", flush=True)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
