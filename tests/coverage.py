"""`python -m tests.coverage`: how much of what decides is run by its own tests, by line and by branch.

What decides is pure: what a reply means, whether a text is tried again, which states follow which, who may be texted and when.
The floor is what it was when it was last raised; below it the command fails.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
CORE = ("retry.py", "ledger/states.py", "rules/*.py", "rumbleup/wire.py", "rumbleup/answers.py", "rumbleup/log_matching.py")
TESTS = (
    "tests/test_retry.py",
    "tests/ledger/test_states.py",
    "tests/rules",
    *(f"tests/rumbleup/test_{name}.py" for name in ("wire", "wire_next", "refusals", "samples", "log_matching")),
)
FLOOR = 91.0


def main() -> int:
    """0 if nothing fails and the floor is held."""
    parser = argparse.ArgumentParser(prog="python -m tests.coverage", description=__doc__)
    parser.add_argument("--floor", type=float, default=FLOOR, help=f"percent that must be covered ({FLOOR})")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="coverage-") as folder:
        data = f"--data-file={folder}/data"
        include = "--include=" + ",".join(f"{ROOT}/rumbleup_async/{name}" for name in CORE)
        pytest = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout", "600", *TESTS]
        done = subprocess.run(
            [sys.executable, "-m", "coverage", "run", "--branch", data, include, *pytest], cwd=ROOT, check=False
        )
        if done.returncode:
            return done.returncode
        report = ["report", data, "--skip-covered", "--precision=1", f"--fail-under={given.floor}"]
        return subprocess.run([sys.executable, "-m", "coverage", *report], cwd=Path(folder), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
