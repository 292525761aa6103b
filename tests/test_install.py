"""What an installation brings: the fast way wherever there are wheels, and bounds that name a version."""

import asyncio
import os
import platform
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from rumbleup_async.cli import speed, version
from tests import lower_bounds

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

FAST = ("httptools", "uvloop", "aiofastnet", "aiohappyeyeballs")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")

# Which of the four have a wheel for CPython 3.11 to 3.14, or are pure Python, as `pip download --only-binary=:all:` said for
# httptools 0.9.0, uvloop 0.23.0, aiofastnet 1.2.0 and aiohappyeyeballs 2.7.1. On Windows there is no uvloop, and no ledger.
WHEELS = {
    ("linux", "x86_64"): FAST,
    ("linux", "aarch64"): FAST,
    ("darwin", "arm64"): FAST,
    ("darwin", "x86_64"): FAST,
    ("win32", "AMD64"): ("httptools", "aiohappyeyeballs"),
    ("linux", "armv7l"): ("aiohappyeyeballs",),
    ("linux", "riscv64"): ("aiohappyeyeballs",),
    ("win32", "ARM64"): ("aiohappyeyeballs",),
    ("freebsd14", "amd64"): ("aiohappyeyeballs",),
}


def brought(python: str, system: str, machine: str, implementation: str = "CPython") -> set[str]:
    """Which of the four an installation there asks for."""
    there = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": system,
        "platform_machine": machine,
        "platform_python_implementation": implementation,
    }
    requirements = map(Requirement, PROJECT["dependencies"])
    return {one.name for one in requirements if one.name in FAST and (one.marker is None or one.marker.evaluate(there))}


@pytest.mark.parametrize(("system", "machine"), WHEELS)
@pytest.mark.parametrize("python", PYTHONS)
def test_the_fast_way_comes_wherever_there_are_wheels(python: str, system: str, machine: str) -> None:
    """`pip install` would leave the command at a part of its speed, or fail for want of a compiler."""
    assert brought(python, system, machine) == set(WHEELS[system, machine])


@pytest.mark.parametrize(("python", "implementation"), [("3.11", "PyPy"), ("3.15", "CPython")])
def test_where_there_are_no_wheels_nothing_is_built(python: str, implementation: str) -> None:
    """An installation would need a compiler, and fail without one."""
    assert brought(python, "linux", "x86_64", implementation) == {"aiohappyeyeballs"}


def test_the_old_name_of_the_fast_way_still_installs() -> None:
    """`pip install 'rumbleup_async[cli,fast]'` in somebody's scripts would warn, or fail."""
    assert PROJECT["optional-dependencies"]["fast"] == []


def test_every_part_that_users_may_have_is_told_by_version() -> None:
    """A report of a fault would leave out the very part that has it."""
    extras = PROJECT["optional-dependencies"]
    everything = Requirement(extras["all"][0])
    assert everything.extras == {"cli", "postgres", "lists", "observe", "duckdb", "buckets", "export"}
    listed = [*PROJECT["dependencies"], *(one for extra in everything.extras for one in extras[extra])]
    assert sorted(Requirement(one).name for one in listed) == sorted(version.PARTS)


def test_every_dependency_has_one_lower_bound() -> None:
    """What is allowed could not be tried."""
    asked = [PROJECT["dependencies"], *(PROJECT["optional-dependencies"][extra] for extra in lower_bounds.EXTRAS)]
    assert len(lower_bounds.oldest(PROJECT)) == sum(map(len, asked))


@pytest.mark.skipif(
    (sys.platform, platform.machine()) not in WHEELS or sys.implementation.name != "cpython", reason="no wheels here"
)
def test_it_is_complete_here() -> None:
    """The tests and the benchmarks would speak of another way of sending than the one that users have."""
    assert set(speed.missing()) == set(FAST) - set(WHEELS[sys.platform, platform.machine()])
    assert "connections of our own" in speed.described()
    assert speed.note() == ""


_WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in {names!r}:
            raise ModuleNotFoundError(name)
import importlib.util
known = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in {names!r} else known(name, package)
sys.meta_path.insert(0, Missing())
sys.argv[0] = "rumbleup"
from rumbleup_async.__main__ import main
main()
"""


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("httptools",), "texts go over aiohttp"),
        (("uvloop",), "the event loop is asyncio's own"),
        (("aiofastnet",), "TLS is that of the event loop"),
        (("httptools", "uvloop", "aiofastnet"), "pip install httptools aiofastnet uvloop"),
    ],
)
async def test_where_it_falls_back_it_says_so(tmp_path: Path, server: object, names: tuple[str, ...], words: str) -> None:
    """A campaign would take three times as long, and nobody know why."""
    source = tmp_path / "voters.csv"
    source.write_text("phone\n2025550101\n")
    env = {"PATH": os.environ["PATH"], "RUMBLEUP_API_KEY": "KEY:SECRET", "RUMBLEUP_BASE_URL": str(getattr(server, "url"))}  # noqa: B009
    run = [sys.executable, "-c", _WITHOUT.format(names=names)]
    send = ["send", str(source), "--action", "125", "--text", "Hi. STOP to opt out"]

    async def said(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return await asyncio.to_thread(
            lambda: subprocess.run([*run, *arguments], env=env, capture_output=True, text=True, timeout=60, check=False)
        )

    done = await said(*send, "--yes")
    assert done.returncode == 0, done.stderr
    assert words in done.stderr
    assert done.stderr.index(words) < done.stderr.index("1  to be texted")
    assert "slower" not in (await said(*send, "--yes", "--quiet")).stderr
    done = await said("doctor")
    assert done.returncode == 0, done.stderr
    assert words in done.stdout
