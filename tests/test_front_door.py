"""The front door: what it offers, what it costs to open, and the walls between the rooms."""

import ast
import copy
import pickle
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import rumbleup_async
from rumbleup_async import errors

ROOT = Path(__file__).parent.parent
HEAVY = [
    "aiohttp",
    "typer",
    "rich",
    "click",
    "phonenumbers",
    "tenacity",
    "uvloop",
    "sqlite3",
    "hypothesis",
    "pytest",
    "rumbleup_async.simulator",
    "rumbleup_async.cli",
    "rumbleup_async.runs.run",
    "rumbleup_async.engine.engine",
    "rumbleup_async.ledger",
    "rumbleup_async.webhooks",
]


NOTHING = rumbleup_async.Response(200, {}, b"")


def python(*arguments: str) -> str:
    """What a fresh interpreter says."""
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments], check=False, capture_output=True, text=True, timeout=110, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_everything_offered_is_there_and_in_order() -> None:
    """`from rumbleup_async import *` would fail, or a name be nowhere to be found."""
    offered = rumbleup_async.__all__
    assert sorted(offered) == list(offered)
    assert len(set(offered)) == len(offered)
    for name in offered:
        assert hasattr(rumbleup_async, name)
    public = {
        name for name, value in vars(rumbleup_async).items() if not name.startswith("_") and not hasattr(value, "__path__") and
        getattr(value, "__module__", "").startswith("rumbleup_async")
    }  # fmt: skip
    assert public <= set(offered)


def test_former_names_tell_their_new_ones() -> None:
    """A program would break from one version to the next without being told before."""
    with pytest.warns(DeprecationWarning, match="AccountReport"):
        assert rumbleup_async.Report is rumbleup_async.AccountReport
    client = rumbleup_async.RumbleUp("KEY:SECRET", exchange=rumbleup_async.ScriptedExchange(lambda _: NOTHING))
    with pytest.warns(DeprecationWarning, match="account_reports"):
        assert client.reports is client.account_reports


def test_every_error_is_offered_and_has_a_parent() -> None:
    """A caller could not catch what they are told about."""
    tree = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
    drawn = errors.__doc__ or ""
    for error in tree:
        assert issubclass(error, rumbleup_async.RumbleUpError | Warning)
        assert error.__name__ in rumbleup_async.__all__
        assert error.__name__ in drawn or issubclass(error, Warning)


@pytest.mark.parametrize(
    "error",
    [
        errors.NotSentError("refused", endpoint="/message/send"),
        errors.RateLimited("slow down", status=429, code="X", endpoint="/x", after=3.0),
        errors.ApiError("no", status=400),
        errors.ListError("list.csv: row 3"),
    ],
)
def test_an_error_survives_a_process_border(error: Exception) -> None:
    """A worker process would die of the error's own error instead of reporting it."""
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert vars(again) == vars(error)


def modules() -> list[str]:
    found = [module.name for module in pkgutil.walk_packages(rumbleup_async.__path__, "rumbleup_async.")]
    return [name for name in found if not name.endswith("__main__")]


def test_every_module_can_be_imported_alone() -> None:
    """A circle of imports shows itself only to the one who begins at the wrong end."""
    # Whatever module of ours is named, Python imports the package itself first. A forked child of an interpreter that has
    # done so is as fresh as a new one, and much cheaper.
    script = """
import importlib, os, sys, traceback
import aiohttp.web, anyio, asyncio, msgspec, rich.progress, rich.table, sqlite3, tenacity, typer, uvloop
import rumbleup_async
for name in sys.argv[1:]:
    child = os.fork()
    if not child:
        try:
            importlib.import_module(name)
        except BaseException:
            print(name, traceback.format_exc())
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        print("failed:", name)
"""
    assert python("-c", script, *modules()) == ""


def test_the_front_door_is_light() -> None:
    """A service would load a command line, a simulator and a database to send one text; and Ctrl-C in the first moment of the
    command, before it has its own say about it, would end in a page of code."""
    loaded = python("-c", "import rumbleup_async.__main__, sys; print(*sys.modules)").split()
    ours = [name for name in loaded if name.startswith("rumbleup_async")]
    assert ours == ["rumbleup_async", "rumbleup_async.__main__"]
    assert [name for name in (*HEAVY, "asyncio", "typing", "urllib.parse") if name in loaded] == []


def test_a_single_text_loads_no_bulk_sender() -> None:
    """The client drags in what only a campaign needs."""
    script = """
import asyncio, sys
from rumbleup_async import Response, RumbleUp, ScriptedExchange
async def main():
    exchange = ScriptedExchange(lambda request: Response(200, {}, b'{"logid": "rl_1"}'))
    async with RumbleUp("KEY:SECRET", exchange=exchange) as client:
        await client.messages.send(phone="2025550101", action=1, text="Hi. STOP")
asyncio.run(main())
print(*sys.modules)
"""
    loaded = python("-c", script).split()
    assert [name for name in HEAVY if name in loaded] == []


def test_the_package_says_that_it_is_typed() -> None:
    """Callers' type checkers would take everything for Any."""
    assert (ROOT / "rumbleup_async" / "py.typed").is_file()


def test_the_walls_between_the_rooms_stand() -> None:
    """One misreading could pass on both sides of the wire, or the engine learn of a provider."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=100, cwd=ROOT)
    assert done.returncode == 0, done.stdout[-3000:]


def test_no_module_imports_in_a_circle() -> None:
    """A circle between two modules makes both impossible to understand alone."""
    import grimp

    graph = grimp.build_graph("rumbleup_async", cache_dir=None)
    for package in [name for name in graph.modules if graph.find_children(name)]:
        children = graph.find_children(package)
        for one in children:
            for other in graph.find_modules_directly_imported_by(one) & children:
                back = graph.find_shortest_chain(importer=other, imported=one, as_packages=True)
                assert back is None, f"{one} -> {other} -> {back}"


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names}


def test_every_import_is_declared() -> None:
    """A bare install would die with a traceback where the test environment happens to bring the package."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    declared = {
        re.split(r"[<>=\[; ]", line)[0]
        for line in (*project["dependencies"], *extras["cli"], *extras["fast"], *extras["postgres"])
    }
    known = declared | set(sys.stdlib_module_names) | {"rumbleup_async"}
    named = " ".join((*extras["lists"], *extras["duckdb"], *extras["buckets"], *extras["observe"], *extras["export"]))
    assert all(package in named for package in WHERE_USED.values())
    missing = {str(path): extra for path in (ROOT / "rumbleup_async").rglob("*.py") if (extra := _imported(path) - known)}
    rooms = ("/lists/", "/exports/", "/observe/", "/cli/showing.py")
    missing = {
        path: more
        for path, extra in missing.items()
        if (more := extra - (set(WHERE_USED) if any(room in path for room in rooms) else set()))
    }
    assert missing == {}


WHERE_USED = {
    "pyarrow": "pyarrow",
    "python_calamine": "python-calamine",
    "opentelemetry": "opentelemetry-api",
    "prometheus_client": "prometheus-client",
    "xlsxwriter": "xlsxwriter",
}
"""What lists that are no text need, and metrics: imported where it is used, and the package that brings it."""


def test_what_only_some_need_is_imported_where_it_is_used() -> None:
    """Nobody without the extra could import the package, and everybody would wait for what few need."""
    for path in (ROOT / "rumbleup_async").rglob("*.py"):
        at_once = ast.Module(
            [node for node in ast.parse(path.read_text(encoding="utf-8")).body if not isinstance(node, ast.If)], []
        )
        for node in at_once.body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [getattr(node, "module", "") or ""]
            assert not {name.partition(".")[0] for name in names} & set(WHERE_USED), path


_NAMES = re.compile(r"rumbleup(?!_async\b)|sendblue", re.IGNORECASE)


def _told(path: Path) -> list[str]:
    """Names, imports and texts of a file that speak of a provider; docstrings and comments may."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    told = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        for child in ast.iter_child_nodes(node):
            words = [
                value
                for name in ("id", "attr", "name", "arg", "module", "value")
                if isinstance(value := getattr(child, name, None), str)
            ]
            # The package and the root of its errors have a provider's name; `rumbleup_async.rumbleup` is that provider still.
            told += [word for word in words if _NAMES.search(word.replace("rumbleup_async", "").replace("RumbleUpError", ""))]
    return told


@pytest.mark.parametrize("room", ["screening", "lists", "engine", "runs", "ledger", "session", "provider"])
def test_these_rooms_know_no_provider_s_name(room: str) -> None:
    """A further provider would be an exception in the engine instead of a folder beside it."""
    files = sorted((ROOT / "rumbleup_async" / room).glob("*.py"))
    assert {str(file.name): told for file in files if (told := _told(file))} == {}
