"""`python -m tests.fuzz TARGET`: coverage-guided fuzzing by atheris, of the extra `fuzz`.

Options behind `--` are libFuzzer's: `python -m tests.fuzz webhooks --seconds 600 -- -max_len=4096`. What goes further than the
samples is kept in a folder (`--keep FOLDER`), or forgotten. An input that is wrong is written to a file whose name is printed;
once it is mended it belongs into tests/fuzz/corpus.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import atheris

_READERS = ["lists", "screening", "provider", "rumbleup", "sendblue", "webhooks", "observe"]

with atheris.instrument_imports(include=[f"rumbleup_async.{room}" for room in _READERS]):
    from tests.fuzz.targets import TARGETS, seeds


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60, help="for so long (60)")
    parser.add_argument("--keep", type=Path, help="a folder for inputs that go further than those known")
    parser.add_argument("options", nargs="*", help="options of libFuzzer, behind --")
    given = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="fuzz-"))
    for number, data in enumerate(seeds(given.target)):
        (place / f"seed{number}").write_bytes(data)
    kept = given.keep or place
    kept.mkdir(parents=True, exist_ok=True)
    try:
        arguments = [
            f"-max_total_time={given.seconds}",
            "-rss_limit_mb=4096",
            "-timeout=60",
            *given.options,
            str(kept),
            str(place),
        ]
        atheris.Setup([sys.argv[0], *arguments], TARGETS[given.target])
        atheris.Fuzz()
    finally:
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    main()
