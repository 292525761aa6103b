"""How a fault is tried: in a process forked for it, by those tests alone that run the lines it touches, the quickest first.

Nothing is written anywhere. The process that is forked has all libraries imported, and none of our modules that imports the one
with the fault; that one gets its source from memory. Which test runs which lines is found out by running them all once. What is
run while a module is imported is everybody's, so a fault there is tried by all of them.
"""

import ast
import contextlib
import importlib
import importlib.abc
import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from importlib.machinery import ModuleSpec
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from types import ModuleType
from typing import Any, NamedTuple, Self

import coverage
import pytest

from tests.mutants.edits import Edit
from tests.mutants.mutant import PACKAGE, ROOT

_OURS = ("rumbleup_async", "tests")
_fork = get_context("fork")


class Recorded(NamedTuple):
    """What a run without any fault was like."""

    exit_code: int
    lines: dict[str, set[int]]
    """Test by test: the lines of the file that it runs. Those that no test runs, but an import, are under the empty name."""
    seconds: dict[str, float]
    modules: list[str]
    """What was imported in the end."""


class _Recorder:
    """A plugin of pytest: the lines of each test, and how long it takes."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._coverage = coverage.Coverage(data_file=None, include=[path], config_file=False)
        self.seconds: dict[str, float] = {}

    def __enter__(self) -> Self:
        self._coverage.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._coverage.stop()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._coverage.switch_context(item.nodeid)
        began = time.process_time()
        result = yield
        self.seconds[item.nodeid] = time.process_time() - began
        self._coverage.switch_context("")
        return result

    def lines(self) -> dict[str, set[int]]:
        found: dict[str, set[int]] = {"": set()}
        for line, tests in self._coverage.get_data().contexts_by_lineno(self._path).items():
            for test in tests:
                found.setdefault(test, set()).add(line)
        return found


class _Chosen:
    """A plugin of pytest: these tests alone, in this order."""

    def __init__(self, tests: Sequence[str]) -> None:
        self._order = {test: number for number, test in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted((item for item in items if item.nodeid in self._order), key=lambda item: self._order[item.nodeid])


class _Faulty(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds one module, with a source that is handed in."""

    def __init__(self, name: str, path: str, source: str) -> None:
        self._name, self._path, self._source = name, path, source

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        spec = ModuleSpec(fullname, self, origin=self._path)
        spec.has_location = True
        return spec

    def get_source(self, fullname: str) -> str:
        return self._source

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._source, self._path, "exec"), module.__dict__)


class Trials:
    """The faults of one file of the package, tried by some files of tests."""

    def __init__(self, file: str, tests: Sequence[str]) -> None:
        self.file = file
        self._path = str(PACKAGE / file)
        self._module = "rumbleup_async." + file.removesuffix(".py").replace("/", ".")
        self._tests = tests
        self.source = (PACKAGE / file).read_text(encoding="utf-8")
        found = _Forked(self._record, 1800.0).result()
        if not isinstance(found, Recorded) or found.exit_code:
            raise ValueError(f"{file}: its tests do not pass even without a fault")
        self._recorded = found
        self._import_what_has_no_fault()
        if not self.passes_without():
            raise ValueError(f"{file}: its tests do not pass in a process that is forked")

    def _record(self) -> Recorded:
        ours = [name for name in sys.modules if name.partition(".")[0] in _OURS and not name.startswith("tests.mutants")]
        for name in ours:
            del sys.modules[name]  # the trials of another file have imported it: what an import runs would not be seen
        with _Recorder(self._path) as recorder:
            code = _pytest(self._tests, recorder)
        return Recorded(code, recorder.lines(), recorder.seconds, [*sys.modules])

    def _import_what_has_no_fault(self) -> None:
        """What every trial would import anew. Modules of tests are left to pytest, which rewrites their assertions."""
        spoiled = _importers(self._module, self._recorded.modules)
        for name in self._recorded.modules:
            is_test = name.startswith("tests.") and (".test_" in name or name.endswith("conftest"))
            if name not in sys.modules and name not in spoiled and not is_test:
                with contextlib.suppress(Exception):
                    importlib.import_module(name)
        self._spoiled = [name for name in sys.modules if name in spoiled]

    def tests_of(self, edit: Edit) -> list[str]:
        """The tests that run what this fault touches, the quickest first."""
        touched = set(range(edit.lines[0], edit.lines[1] + 1))
        seconds, lines = self._recorded.seconds, self._recorded.lines
        found = [test for test in seconds if touched & lines.get(test, set())]
        if touched & lines[""]:
            found = [*seconds]
        return sorted(found, key=lambda test: seconds[test])

    def _patience(self, tests: Sequence[str]) -> float:
        """Seconds after which tests that hang by a fault have noticed it."""
        return 30.0 + 10.0 * sum(self._recorded.seconds[test] for test in tests)

    def notice(self, faults: Sequence[Edit], jobs: int) -> Iterator[tuple[Edit, bool]]:
        """Each of these, and whether one of the tests fails, or hangs, with it. So many at a time; in the order of their ends."""
        for edit in faults:
            ast.parse(edit.built_into(self.source))  # what is no code would be noticed whatever the tests do
        waiting = [*reversed(faults)]
        at_work: dict[_Forked, Edit] = {}
        while waiting or at_work:
            while waiting and len(at_work) < jobs:
                edit = waiting.pop()
                chosen = self.tests_of(edit)
                if chosen:
                    at_work[_Forked(partial(self._trial, edit, chosen), self._patience(chosen))] = edit
                else:
                    yield edit, False
            for forked in _ended(at_work):
                yield at_work.pop(forked), forked.result() != 0

    def passes_without(self) -> bool:
        """Whether all tests pass in a trial without any fault."""
        nothing = Edit((1, 1), 0, 0, "")
        return bool(_Forked(partial(self._trial, nothing, [*self._recorded.seconds]), 1800.0).result() == 0)

    def _trial(self, edit: Edit, tests: Sequence[str]) -> int:
        for name in self._spoiled:
            sys.modules.pop(name, None)
        sys.meta_path.insert(0, _Faulty(self._module, self._path, edit.built_into(self.source)))
        return _pytest(sorted({test.partition("::")[0] for test in tests}), _Chosen(tests))


def _pytest(tests: Sequence[str], plugin: object) -> int:
    os.chdir(ROOT)
    sys.dont_write_bytecode = True
    return int(
        pytest.main(
            [
                "-q",
                "-x",
                "-p",
                "no:cacheprovider",
                "--no-header",
                "--tb=no",
                "--timeout=0",
                "-W",
                "ignore::pytest.PytestAssertRewriteWarning",
                *tests,
            ],
            plugins=[plugin],
        )
    )


class _Forked:
    """A process that is forked for one piece of work, a group by itself and silent."""

    def __init__(self, work: Callable[[], Any], patience: float) -> None:
        self.receiving, sending = _fork.Pipe(duplex=False)
        self.ends = time.monotonic() + patience
        self._process = _fork.Process(target=self._child, args=(work, sending))
        self._process.start()
        sending.close()

    @staticmethod
    def _child(work: Callable[[], Any], sending: Connection) -> None:
        os.setpgid(0, 0)
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        sending.send(work())

    def result(self) -> Any:
        """What the work has come to; None if it does not end in time, or ends badly."""
        found = None
        with self.receiving, contextlib.suppress(EOFError):
            if self.receiving.poll(max(0.0, self.ends - time.monotonic())):
                found = self.receiving.recv()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid or 0, signal.SIGKILL)
        self._process.join()
        return found


def _ended(at_work: Collection[_Forked]) -> list[_Forked]:
    """Wait for the first of these that have come to an end, or have had all their time."""
    if not at_work:
        return []
    left = max(0.0, min(one.ends for one in at_work) - time.monotonic())
    ready = wait([one.receiving for one in at_work], left)
    return [one for one in at_work if one.receiving in ready or one.ends <= time.monotonic()]


def _importers(module: str, among: Sequence[str]) -> set[str]:
    """This module and those of ours among these that import it, also by way of others."""
    imports = {name: _imported(name) for name in among if name.partition(".")[0] in _OURS}
    found = {module}
    while more := {name for name, known in imports.items() if name not in found and known & found}:
        found |= more
    return found


def _imported(name: str) -> set[str]:
    """The modules that a module of ours imports, wherever it does."""
    place = ROOT / name.replace(".", "/")
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found
