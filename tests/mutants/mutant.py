"""One fault, and how it is built into the code."""

import ast
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "rumbleup_async"


class Mutant(NamedTuple):
    """One fault. `file` and `function` carry the lemma; in them each `old` stands once and becomes its `new`."""

    lemma: int
    file: str
    function: str
    fault: str
    """What the code does with it, in words."""
    edits: tuple[tuple[str, str], ...]
    test: str
    """`path::name` below tests/."""


def source_of(file: str, function: str) -> tuple[int, int]:
    """The first and the last line of a function, a method or a constant of the package. LookupError if it is not there."""
    tree: ast.Module | ast.ClassDef = ast.parse((PACKAGE / file).read_text(encoding="utf-8"))
    *classes, name = function.split(".")
    for outer in classes:
        tree = next((node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == outer), ast.Module([], []))
    for node in tree.body:
        if _name(node) == name:
            return node.lineno, node.end_lineno or node.lineno
    raise LookupError(f"{file} has no {function}")


def _name(node: ast.stmt) -> str:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return node.name
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target if isinstance(node, ast.AnnAssign) else None
    return target.id if isinstance(target, ast.Name) else ""


def mutated(mutant: Mutant) -> str:
    """The file with the fault in it. LookupError if the code it is built into is no longer what it was."""
    first, last = source_of(mutant.file, mutant.function)
    lines = (PACKAGE / mutant.file).read_text(encoding="utf-8").splitlines(keepends=True)
    body = "".join(lines[first - 1 : last])
    for old, new in mutant.edits:
        if body.count(old) != 1:
            raise LookupError(f"{mutant.file}: {mutant.function} has {body.count(old)} times: {old}")
        body = body.replace(old, new)
    return "".join([*lines[: first - 1], body, *lines[last:]])
