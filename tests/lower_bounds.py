"""`python -m tests.lower_bounds`: the tests with the oldest versions that `pyproject.toml` allows, in an environment of its own.

A bound that nobody has tried is a promise that nobody keeps: whoever has an older version would get a traceback. What those
need in turn is the newest that goes with them, as it would be for a user. The command needs the package index, and some
minutes for each Python; CONTRIBUTING.md has what it said last.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
TESTED = [
    "tests/cli", "tests/session", "tests/rumbleup", "tests/sendblue", "tests/providers", "tests/fleet", "tests/webhooks",
    "tests/simulator", "tests/ledger", "tests/screening", "tests/lists", "tests/engine", "tests/runs",
    "tests/test_child.py", "tests/test_examples.py",
    "tests/acceptance/test_sending.py", "tests/acceptance/test_processes.py", "tests/acceptance/test_refusing.py",
]  # fmt: skip
"""What meets the packages. The documents are made by the newest versions, and say what those print."""

EXTRAS = ("cli", "lists", "duckdb", "buckets", "export", "postgres")
"""Whose oldest versions are tried."""


def main() -> int:
    """The exit code of the first Python whose tests fail, or 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.lower_bounds", description=__doc__)
    parser.add_argument("--python", action="append", help="an interpreter; repeatable (this one)")
    parser.add_argument("tests", nargs="*", help="what pytest is given (all that meets the packages)")
    given = parser.parse_args()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for python in given.python or [sys.executable]:
        with tempfile.TemporaryDirectory(prefix="lower-bounds-") as folder:
            code = run(python, Path(folder), project, given.tests or TESTED)
        print(f"{python}: {'all pass' if not code else f'exit code {code}'}", flush=True)
        if code:
            return code
    return 0


def run(python: str, folder: Path, project: dict[str, object], tests: list[str]) -> int:
    """Make the environment, run the tests in it; their exit code."""
    own = [python, "-m", "venv", str(folder / "env")]
    subprocess.run(own, check=True)
    bare = str(folder / "env" / "bin" / "python")
    pins = oldest(project)
    # The import rules are the checkout's own matter, and their tool needs a newer rich.
    tools = [tool for tool in _requirements(project, "test") if tool.name not in {"rumbleup_async", "import-linter"}]
    names = {canonicalize_name(tool.name) for tool in tools}
    constraints = folder / "constraints.txt"
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    constraints.write_text("\n".join(line for line in lines if canonicalize_name(line.partition("==")[0]) in names))
    install = [bare, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, "-c", str(constraints), *map(str, pins), *map(str, tools)], check=True)
    subprocess.run([*install, "--no-deps", "-e", str(ROOT)], check=True)
    subprocess.run([bare, "-m", "pip", "list", "--disable-pip-version-check", "--format=freeze"], check=True)
    pytest = [bare, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", *tests]
    return subprocess.run(pytest, check=False, cwd=ROOT, env={**os.environ, "VIRTUAL_ENV": str(folder / "env")}).returncode


def oldest(project: dict[str, object]) -> list[Requirement]:
    """Each dependency at the oldest version that is allowed. ValueError for one that allows any."""
    pins = []
    for requirement in (one for extra in ("", *EXTRAS) for one in _requirements(project, extra)):
        versions = [one.version for one in requirement.specifier if one.operator in {">=", "~=", "=="}]
        if len(versions) != 1:
            raise ValueError(f"{requirement.name} needs one lower bound")
        marker = f"; {requirement.marker}" if requirement.marker else ""
        extra = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
        pins.append(Requirement(f"{requirement.name}{extra}=={versions[0]}{marker}"))
    return pins


def _requirements(project: dict[str, object], extra: str = "") -> Iterable[Requirement]:
    extras = project["optional-dependencies"]
    assert isinstance(extras, dict)
    listed = extras[extra] if extra else project["dependencies"]
    assert isinstance(listed, list)
    return map(Requirement, listed)


if __name__ == "__main__":
    sys.exit(main())
