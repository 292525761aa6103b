"""Small faults, made mechanically: what is decided is decided a little otherwise, at one place of a source at a time.

A comparison, a condition, a calculation, a number, a result: < becomes <=, `and` becomes `or`, 5 becomes 6, `return x` becomes
`return None`. Assertions, messages and annotations decide nothing and stay; what a class is made with (`frozen=True`) is
looked at by mypy.
"""

import ast
import itertools
from collections.abc import Callable, Iterator
from typing import NamedTuple

_COMPARED: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"), ast.Gt: (">", ">="), ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="), ast.NotEq: ("!=", "=="),
    ast.In: ("in", "not in"), ast.NotIn: ("not in", "in"), ast.Is: ("is", "is not"), ast.IsNot: ("is not", "is"),
}  # fmt: skip
_CALCULATED: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
}


class Edit(NamedTuple):
    """A place in a source, in characters, and what stands there instead. `lines`: the first and the last that it touches."""

    lines: tuple[int, int]
    first: int
    last: int
    new: str

    def built_into(self, source: str) -> str:
        """The source with this fault."""
        return source[: self.first] + self.new + source[self.last :]

    def told(self, source: str) -> tuple[str, str]:
        """The lines that it touches, on one line, before and after."""
        begins, ends = self.lines
        longer = self.new.count("\n") - source[self.first : self.last].count("\n")
        before, after = source.splitlines()[begins - 1 : ends], self.built_into(source).splitlines()[begins - 1 : ends + longer]
        return " ".join(" ".join(before).split()), " ".join(" ".join(after).split())


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
                touched = (source.count("\n", 0, first) + 1, source.count("\n", 0, last) + 1)
                found.append(Edit(touched, first, last, new))
        elif isinstance(node, ast.Return) and node.value is not None and not isinstance(node.value, ast.Constant):
            found.append(Edit((node.value.lineno, node.value.end_lineno or node.value.lineno), *span(node.value), "None"))
    return sorted(found)


def _changes(node: ast.expr, source: str, span: Callable[[ast.expr], tuple[int, int]]) -> Iterator[tuple[int, int, str]]:
    """What else an expression could be: from where to where, and what stands there then."""

    def between(left: ast.expr, right: ast.expr, old: str, new: str) -> tuple[int, int, str]:
        first, last = span(left)[1], span(right)[0]
        return first, last, source[first:last].replace(old, new)

    match node:
        case ast.Compare():
            for left, right, word in zip([node.left, *node.comparators], node.comparators, node.ops, strict=False):
                yield between(left, right, *_COMPARED[type(word)])
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
        if name not in {"annotation", "returns", "decorator_list"} and not (
            isinstance(node, ast.ClassDef) and name == "keywords"
        ):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _decisive(child)
