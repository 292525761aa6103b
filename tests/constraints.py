"""`python -m tests.constraints`: constraints.txt anew, from the newest versions that go together.

A fresh environment of the oldest Python gets the package with all its extras, held back by nothing; what is in it then is written
down. `--check` writes nothing and says what is newer. The command needs the package index. Run the whole suite,
`make lower-bounds` and `make release` with what it has written.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
FILE = ROOT / "constraints.txt"
EXTRAS = "test,lint,docs,release"


def newest(python: str) -> list[str]:
    """The versions that a fresh environment has, one a line, in the order of the file."""
    with tempfile.TemporaryDirectory(prefix="constraints-") as folder:
        subprocess.run([python, "-m", "venv", folder], check=True)
        pip = [str(Path(folder) / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--quiet", "-e", f"{ROOT}[{EXTRAS}]"], check=True)
        frozen = subprocess.run([*pip, "freeze", "--exclude-editable"], check=True, capture_output=True, text=True).stdout
    return sorted(frozen.split("\n"), key=str.lower)[1:]


def main() -> int:
    """0 if nothing is newer, or it is written down; 1 if something is newer and only `--check` was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.constraints", description=__doc__)
    parser.add_argument("--python", default="python3.11", help="the oldest Python that must work (python3.11)")
    parser.add_argument("--check", action="store_true", help="say what is newer, and write nothing")
    given = parser.parse_args()
    before, after = FILE.read_text(encoding="utf-8").split(), newest(given.python)
    for line in sorted({*before} ^ {*after}, key=str.lower):
        print(f"{'+' if line in after else '-'} {line}")
    if not given.check:
        FILE.write_text("".join(f"{line}\n" for line in after), encoding="utf-8")
    return int(given.check and before != after)


if __name__ == "__main__":
    sys.exit(main())
