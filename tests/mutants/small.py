"""`python -m tests.mutants.small`: small faults everywhere in what decides, one at a time, and whether any test notices.

`tests.mutants` has faults that a person has thought of, each with its test. Here a comparison, a condition, a number, a result is
changed mechanically: < becomes <=, `and` becomes `or`, 5 becomes 6, `return x` becomes `return None`. What no test notices is
printed: either it makes no difference, or a test is missing. `--sample N` tries N of each file, drawn by `--seed`; all of them
take hours.
"""

import argparse
import ast
import itertools
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.mutants.mutant import PACKAGE, ROOT

TARGETS = {
    "retry.py": ["tests/test_retry.py"],
    "ledger/states.py": ["tests/ledger/test_states.py"],
    "rules/hours.py": ["tests/rules/test_hours.py"],
    "rules/gates.py": ["tests/rules/test_gates.py"],
    "rules/door.py": ["tests/rules/test_door.py"],
    "rules/numbers.py": ["tests/rules/test_numbers.py"],
    "rules/canary.py": ["tests/rules/test_canary.py"],
    "rules/states.py": ["tests/rules/test_states.py"],
    "rumbleup/log_matching.py": ["tests/rumbleup/test_log_matching.py", "tests/rumbleup/test_log_search.py"],
    "rumbleup/wire.py": ["tests/rumbleup/test_wire.py", "tests/rumbleup/test_wire_next.py", "tests/rumbleup/test_refusals.py"],
    "rumbleup/failures.py": ["tests/rumbleup/test_wire.py", "tests/rumbleup/test_refusals.py", "tests/rumbleup/test_client.py"],
    "engine/pace.py": ["tests/engine/test_pace.py", "tests/engine/test_permits.py"],
    "engine/learning.py": ["tests/engine/test_learning.py", "tests/engine/test_at_the_limit.py"],
}
"""What decides, and the tests that are there to notice."""
_COMPARED: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
    ast.In: "not in", ast.NotIn: "in", ast.Is: "is not", ast.IsNot: "is",
}  # fmt: skip
_CALCULATED: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
}


class Edit(NamedTuple):
    """A place in a source, in characters, and what stands there instead."""

    line: int
    first: int
    last: int
    new: str


def edits(source: str) -> list[Edit]:
    """Every small fault of a source."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    lines = source.splitlines()

    def place(line: int, column: int) -> int:
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    def span(node: ast.expr) -> tuple[int, int]:
        return place(node.lineno, node.col_offset), place(node.end_lineno or node.lineno, node.end_col_offset or 0)

    found: list[Edit] = []
    for node in _decisive(ast.parse(source)):
        if isinstance(node, ast.expr):
            for first, last, new in _changes(node, source, span):
                found.append(Edit(node.lineno, first, last, new))
        elif isinstance(node, ast.Return) and node.value is not None and not isinstance(node.value, ast.Constant):
            found.append(Edit(node.lineno, *span(node.value), "None"))
    return found


def _changes(node: ast.expr, source: str, span: Callable[[ast.expr], tuple[int, int]]) -> Iterator[tuple[int, int, str]]:
    """What else an expression could be: from where to where, and what stands there then."""

    def between(left: ast.expr, right: ast.expr, old: str, new: str) -> tuple[int, int, str]:
        first, last = span(left)[1], span(right)[0]
        return first, last, source[first:last].replace(old, new)

    match node:
        case ast.Compare():
            for left, right, word in zip([node.left, *node.comparators], node.comparators, node.ops, strict=False):
                yield span(left)[1], span(right)[0], f" {_COMPARED[type(word)]} "
        case ast.BoolOp():
            words = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
            for left, right in itertools.pairwise(node.values):
                yield between(left, right, *words)
        case ast.BinOp() if type(node.op) in _CALCULATED:
            yield between(node.left, node.right, *_CALCULATED[type(node.op)])
        case ast.UnaryOp(op=ast.Not()):
            yield (*span(node), f"bool({ast.unparse(node.operand)})")
        case ast.Constant(value=bool()):
            yield (*span(node), repr(not node.value))
        case ast.Constant(value=int() | float() as number):
            yield (*span(node), repr(number + 1))


def _decisive(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below that decide something: no annotation, no assertion, no message, no text for people."""
    if isinstance(node, (ast.Assert, ast.Raise, ast.JoinedStr)):
        return
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name in {"__repr__", "__str__"}:
        return
    yield node
    for name, value in ast.iter_fields(node):
        if name not in {"annotation", "returns", "decorator_list"}:
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _decisive(child)


class House:
    """A copy of package and tests in which one file at a time has a fault."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("rumbleup_async", "tests", "examples", "docs"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", folder)

    def notices(self, file: str, source: str, tests: list[str], patience: float) -> bool:
        """Whether these tests fail, or hang, with this source in place of the file."""
        path = self.folder / "rumbleup_async" / file
        before = path.read_text(encoding="utf-8")
        path.write_text(source, encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
        try:
            done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, timeout=patience, check=False)
        except subprocess.TimeoutExpired:
            return True
        finally:
            path.write_text(before, encoding="utf-8")
        return done.returncode != 0


def main() -> int:
    """0 if all of them are noticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.small", description=__doc__)
    parser.add_argument("files", nargs="*", help=f"files of the package (all of {', '.join(TARGETS)})")
    parser.add_argument("--sample", type=int, default=0, help="so many of each file (all)")
    parser.add_argument("--seed", type=int, default=1, help="which of them (1)")
    given = parser.parse_args()
    began, noticed, tried = time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        house = House(Path(folder))
        for file in given.files or TARGETS:
            source = (PACKAGE / file).read_text(encoding="utf-8")
            at = time.monotonic()
            if house.notices(file, source, TARGETS[file], 600):
                print(f"{file}: its tests do not pass even without a fault", file=sys.stderr)
                return 2
            patience = 30 + 5 * (time.monotonic() - at)
            faults = edits(source)
            chosen = random.Random(given.seed).sample(faults, min(given.sample or len(faults), len(faults)))
            caught = 0
            for edit in sorted(chosen):
                changed = source[: edit.first] + edit.new + source[edit.last :]
                if house.notices(file, changed, TARGETS[file], patience):
                    caught += 1
                else:
                    line = source.splitlines()[edit.line - 1].strip()
                    print(
                        f"  {file}:{edit.line}: {source[edit.first : edit.last].strip()} -> {edit.new.strip()}: {line}",
                        flush=True,
                    )
            print(f"{file}: {caught} of {len(chosen)} noticed ({len(faults)} there are)", flush=True)
            noticed, tried = noticed + caught, tried + len(chosen)
    print(f"{noticed} of {tried} noticed, {noticed / max(1, tried):.1%}; {time.monotonic() - began:.0f} s")
    return int(noticed != tried)


if __name__ == "__main__":
    sys.exit(main())
