"""`python -m tests.mutants`."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.mutants.faults import MUTANTS
from tests.mutants.mutant import ROOT, Mutant, mutated

_CAUGHT, _PASSED = 1, 0
"""Exit codes of pytest."""
_PATIENCE = 60.0
"""Seconds after which a test that hangs by a fault has noticed it."""


def outcome(mutant: Mutant | None, tests: Sequence[str]) -> int:
    """The exit code of these tests over a copy of the package that has this fault, or none. A test that hangs has failed."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as place:
        folder = Path(place)
        for name in ("rumbleup_async", "tests"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", folder)
        if mutant is not None:
            (folder / "rumbleup_async" / mutant.file).write_text(mutated(mutant), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *(f"tests/{test}" for test in tests)]
        environment = {**os.environ, "PYTHONPATH": place, "PYTHONDONTWRITEBYTECODE": "1"}
        patience = None if mutant is None else _PATIENCE
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=patience,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return _CAUGHT
    return done.returncode


def tried(mutants: Sequence[Mutant]) -> Iterator[tuple[Mutant, bool]]:
    """Each of these, and whether its test notices it. ValueError if the tests fail without any fault."""
    if outcome(None, sorted({mutant.test for mutant in mutants})) != _PASSED:
        raise ValueError("the tests do not pass even without a fault")
    for mutant in mutants:
        yield mutant, outcome(mutant, [mutant.test]) == _CAUGHT


def main(arguments: Sequence[str]) -> int:
    lemmas = {int(argument) for argument in arguments}
    began = time.monotonic()
    missed = number = 0
    for mutant, is_caught in tried([mutant for mutant in MUTANTS if not lemmas or mutant.lemma in lemmas]):
        number += 1
        missed += not is_caught
        print(
            f"{'noticed' if is_caught else 'NOT NOTICED':11}  {mutant.lemma}  {mutant.file} {mutant.function}: {mutant.fault}",
            flush=True,
        )
    print(f"{number} faults, {missed} not noticed, {time.monotonic() - began:.0f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
