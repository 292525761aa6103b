"""Processes of our own: what is run in them, and what they are told."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import msgspec
import pytest

import rumbleup_async
from rumbleup_async import child

COMMAND = str(Path(sys.executable).with_name("rumbleup"))
ROOT = Path(rumbleup_async.__file__).parent.parent
PACKAGES = Path(msgspec.__file__).parent.parent
HOSTILE = [
    "random", "asyncio", "json", "signal", "socket", "importlib", "msgspec", "uvloop", "httptools", "anyio", "aiohttp",
    "tenacity", "rumbleup_async", "sitecustomize", "usercustomize", "errors", "retry",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder where somebody has put modules that leave a mark when they are run, in the hope of a key."""
    for name in HOSTILE:
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'mark')!r}, 'a').write('{name} ')\nraise SystemExit(9)\n")
    return tmp_path


def run(arguments: list[str], folder: Path, **env: str) -> "subprocess.CompletedProcess[str]":
    """A command in a folder, to its end."""
    around = {"PATH": os.environ.get("PATH", "")}
    return subprocess.run(arguments, cwd=folder, env={**around, **env}, capture_output=True, text=True, timeout=100, check=False)


@pytest.mark.parametrize("arguments", [["--version"], ["demo", "--contacts", "20"]], ids=lambda arguments: str(arguments[0]))
def test_what_lies_beside_a_list_is_not_run(folder: Path, arguments: list[str]) -> None:
    """Whoever may write into the folder of a list would read the key, and a harmless `random.py` would end the run."""
    done = run([COMMAND, *arguments], folder)
    assert not (folder / "mark").exists(), (folder / "mark").read_text()
    assert done.returncode == 0, done.stderr


def test_modules_are_found_by_a_path_of_one_s_own(tmp_path: Path) -> None:
    """Where a program has its packages from PYTHONPATH, no process of ours would start."""
    base = getattr(sys, "_base_executable", sys.executable)
    path = os.pathsep.join([str(ROOT), str(PACKAGES)])
    done = run([base, "-P", "-m", "rumbleup_async", "demo", "--contacts", "20"], tmp_path, PYTHONPATH=path)
    assert done.returncode == 0, done.stderr
    assert "ledger and provider agree" in done.stderr


def test_modules_are_found_beside_the_program(tmp_path: Path) -> None:
    """Where everything is installed into one folder, and run from there, no process of ours would start."""
    for entry in [ROOT / "rumbleup_async", *PACKAGES.iterdir()]:
        if entry.suffix != ".pth":
            (tmp_path / entry.name).unlink(missing_ok=True)
            (tmp_path / entry.name).symlink_to(entry)
    base = getattr(sys, "_base_executable", sys.executable)
    done = run([base, "-m", "rumbleup_async", "demo", "--contacts", "20"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "ledger and provider agree" in done.stderr


def test_the_current_folder_is_looked_at_last(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A module there would stand before the standard library's."""
    monkeypatch.chdir(tmp_path)
    library = sysconfig.get_path("stdlib")
    monkeypatch.setattr(sys, "path", ["", "lib", library, str(tmp_path), "."])
    told = json.loads(child.command("rumbleup_async.fleet.worker_process")[3])
    assert told["path"] == [str(tmp_path / "lib"), library]
    assert told["last"] == [str(tmp_path)]


def test_the_environment_says_only_what_is_needed() -> None:
    """A key of another provider, or of another program, would lie open in every process."""
    kept = {"PATH": "/bin", "LC_ALL": "C", "LANG": "C", "PYTHONHOME": "/opt/python", "SSL_CERT_FILE": "/ca.pem", "TMPDIR": "/tmp"}
    dropped = [
        "RUMBLEUP_API_KEY", "RUMBLEUP_BASE_URL", "RUMBLEUP_WEBHOOK_PASSWORD", "RUMBLEUP_BOOK_KEY", "SENDBLUE_API_KEY",
        "SENDBLUE_API_SECRET", "AWS_SECRET_ACCESS_KEY", "DATABASE_URL", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONBREAKPOINT",
        "PYTHONINSPECT", "HTTPS_PROXY",
    ]  # fmt: skip
    assert child.environment({**kept, **dict.fromkeys(dropped, "x")}) == kept
