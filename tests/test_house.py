"""The shape of the code, as far as it can be counted: how long a file is, how much a class keeps, whose idioms it has.

The lists of exceptions may shrink and never grow: what is on one without need fails as well.
"""

import ast
import statistics
from pathlib import Path

import pytest

from tests import tiers

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "rumbleup_async"

MEDIAN_LINES = 130
MOST_LINES = 300
LONG = {
    "engine/bookkeeper.py",
    "engine/ports.py",
    "engine/sender.py",
    "rumbleup/client.py",
}
"""Files above MOST_LINES."""

MOST_ATTRIBUTES = 20
CROWDED = {
    "runs/keywords.py: RunKeywords",  # no state: the keyword arguments of a run, by the names that callers use
    "runs/options.py: RunOptions",  # the same as a value
}
"""Classes of more than MOST_ATTRIBUTES in the rooms where state is kept."""

OF_BOTH = {
    "shielding.py",  # its subject: a cancellation by asyncio or by a scope of anyio
}
"""Files that import asyncio and anyio."""


def files(*rooms: str) -> dict[str, Path]:
    """The package's files, or those of some rooms, by their path in it."""
    found = [path for room in rooms or ("",) for path in sorted((PACKAGE / room).rglob("*.py"))]
    return {path.relative_to(PACKAGE).as_posix(): path for path in found}


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_half_of_all_files_are_short() -> None:
    """A file that cannot be read in one go hides what it does."""
    assert statistics.median(lines(path) for path in files().values()) <= MEDIAN_LINES


def test_long_files_are_known_and_become_fewer() -> None:
    """Two ideas in one file are two places to look for one of them."""
    assert {name for name, path in files().items() if lines(path) > MOST_LINES} == LONG


def attributes(of: ast.ClassDef) -> set[str]:
    """What a class declares as fields, and what any of its methods assigns to `self`."""
    fields = {node.target.id for node in of.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)}
    assigned = {
        node.attr
        for node in ast.walk(of)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        if isinstance(node.value, ast.Name) and node.value.id == "self"
    }
    return fields | assigned


def test_classes_that_keep_much_are_known_and_become_fewer() -> None:
    """Nobody can tell which of thirty attributes hold together, so every change may break any of them."""
    crowded = {
        f"{name}: {node.name}"
        for name, path in files("engine", "runs", "ledger", "fleet").items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and len(attributes(node)) > MOST_ATTRIBUTES
    }
    assert crowded == CROWDED


def test_attributes_are_counted_wherever_they_are_assigned() -> None:
    """A class would look small because it makes its attributes outside of `__init__`."""
    (example,) = ast.parse("""
class Example(Struct):
    declared: int
    def __init__(self):
        self.here, self._there = 1, 2
    def later(self):
        self.later: int = 3
        self.later += 1
        other.not_ours = self.read
        with self.entered as self.bound: ...
""").body
    assert isinstance(example, ast.ClassDef)
    assert attributes(example) == {"declared", "here", "_there", "later", "bound"}


def imports(path: Path) -> set[str]:
    """The packages that a file imports at any place."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names


def test_a_file_has_asyncio_or_anyio() -> None:
    """A reader of a file with both would have to know how a task group of the one and a cancellation of the other meet."""
    assert {name for name, path in files().items() if imports(path) >= {"asyncio", "anyio"}} == OF_BOTH


@pytest.mark.parametrize("folder", ["benchmarks", "examples"])
def test_what_surrounds_the_package_has_asyncio_or_anyio(folder: str) -> None:
    """An example with both would be copied as it is."""
    assert [path.name for path in sorted((ROOT / folder).rglob("*.py")) if imports(path) >= {"asyncio", "anyio"}] == []


def test_tenacity_is_known_in_one_place() -> None:
    """A retry around something that may have left texts people twice; one file can be watched, ten cannot."""
    assert [name for name, path in files().items() if "tenacity" in imports(path)] == ["provider/retrying.py"]


def test_the_tiers_are_run_as_contributing_says() -> None:
    """Somebody would run half of the tests and take it for all."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| `python -m pytest -m ")]
    assert [row[:2] for row in rows] == [[f"`python -m pytest -m {name}`", what] for name, what in tiers.TIERS.items()]


def test_every_place_of_a_tier_is_there() -> None:
    """A folder that was moved would fall into another tier without notice."""
    assert [place for place in tiers.PLACES if not (ROOT / "tests" / place).exists()] == []
