"""An error that ends a command: whose matter it is, and what to do, in one line."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from rumbleup_async import errors
from rumbleup_async.cli.console import guarded
from rumbleup_async.cli.failures import told

PLACE = "this is a mistake in rumbleup_async"


def ended(error: BaseException, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit code and the words of a command that ends in an error."""

    @guarded
    def command() -> None:
        raise error

    with pytest.raises(typer.Exit) as end:
        command()
    said = capsys.readouterr().err
    assert said.count("\n") <= 1
    return end.value.exit_code, said


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (MemoryError(), 3, "memory ran out; take fewer --processes"),
        (RecursionError("maximum recursion depth exceeded"), 3, "nested too deeply"),
        (
            ModuleNotFoundError("No module named 'rich.table'", name="rich.table"),
            3,
            "--force-reinstall rich 'rumbleup_async[cli]'",
        ),
        (ImportError("undefined symbol: x", name="uvloop.loop"), 3, "uvloop.loop cannot be loaded"),
        (ImportError("half an update", name="rumbleup_async.runs"), 3, "pip install --force-reinstall 'rumbleup_async[cli]'"),
        (ModuleNotFoundError("No module named 'fcntl'", name="fcntl"), 3, "needs Linux or macOS"),
        (UnicodeEncodeError("ascii", "é", 0, 1, "ordinal not in range"), 3, "LC_ALL=C.UTF-8"),
        (RuntimeError("can't start new thread"), 3, "the system gives no further thread"),
        (OSError(24, "Too many open files"), 3, "system: Too many open files"),
        (PermissionError(13, "Permission denied", "a.csv"), 3, "a.csv: Permission denied"),
        (KeyboardInterrupt(), 130, ""),
        (asyncio.CancelledError(), 130, ""),
        (ExceptionGroup("", [ExceptionGroup("", [MemoryError()])]), 3, "memory ran out"),
        (ExceptionGroup("", [errors.ListError("a.csv: is empty")]), 2, "a.csv: is empty"),
        (BaseExceptionGroup("", [ValueError("x"), KeyboardInterrupt()]), 130, ""),
        (errors.MaybeSentError("timed out"), 1, "timed out"),
        (errors.RumbleUpError("a sending process failed: memory ran out"), 3, "a sending process failed: memory ran out"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_mistake_of_ours_is_not_called_one(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, words: str
) -> None:
    """People would report a machine without memory, and learn nothing of what to do."""
    assert ended(error, capsys)[0] == code
    code, said = ended(error, capsys)
    assert words in said
    assert PLACE not in said


@pytest.mark.parametrize(
    "error", [KeyError("2025550101"), ValueError("KEY:SECRET"), RuntimeError("2025550101"), AssertionError()]
)
def test_a_mistake_of_ours_is_called_one_and_quotes_nothing(capsys: pytest.CaptureFixture[str], error: Exception) -> None:
    """The message of an error may hold a phone or a key."""
    code, said = ended(error, capsys)
    assert code == 3
    assert PLACE in said
    assert "test_failures.py:" in said
    assert "2025550101" not in said
    assert "SECRET" not in said


def test_every_error_has_words() -> None:
    """One without a traceback, as a child process hands it on, would end in another error."""
    assert told(ValueError())[0].startswith("unexpected ValueError")


_LIMITED = """
import resource, sys, typer.main
from rumbleup_async.__main__ import main
import rumbleup_async.sendblue.client, rumbleup_async.runs.run, uvloop, aiohttp
from rumbleup_async.cli.app import app
list(typer.main.get_command(app).commands.values())
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 60_000_000, used + 60_000_000))
main()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_machine_without_memory_is_told(tmp_path: Path) -> None:
    """The line would ask to report a mistake, where a smaller list is the remedy."""
    never = tmp_path / "never.txt"
    with never.open("w") as file:
        for number in range(2_000_000):
            file.write(f"{2_020_000_000 + number * 7}\n")
    voters = tmp_path / "voters.csv"
    voters.write_text("phone\n2025550101\n")
    arguments = ["send", voters, "--action", "125", "--text", "Hi. STOP to opt out", "--dry-run", "--suppress", never]
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, *map(str, arguments)],
        cwd=tmp_path, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (3, ""), done.stderr
    assert "rumbleup: memory ran out" in done.stderr
    assert "Traceback" not in done.stderr


_DAMAGED = """
import sys
class Gone:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Gone())
from rumbleup_async.__main__ import main
main()
"""


@pytest.mark.parametrize("module", ["rumbleup_async.cli.app", "rumbleup_async.cli.messages", "uvloop.loop", "typer.main"])
def test_a_damaged_installation_is_told(module: str) -> None:
    """A module that is gone would end in a traceback, or be called a mistake."""
    env = {"PATH": os.environ["PATH"], "RUMBLEUP_API_KEY": "KEY:SECRET", "RUMBLEUP_BASE_URL": "http://127.0.0.1:9/api"}
    run = [sys.executable, "-c", _DAMAGED.format(module=module), "messages", "next", "--action", "1"]
    done = subprocess.run(run, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (2, 3)
    assert "Traceback" not in done.stderr
    assert PLACE not in done.stderr
    if module.startswith("rumbleup_async.cli"):
        assert "cannot be loaded: the installation lacks it or is damaged" in done.stderr
