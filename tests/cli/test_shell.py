"""What shells see of the command: completion, a manual page, lines that fit, colours that may be off."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rumbleup_async.cli import completing
from rumbleup_async.cli.terminal import fitted
from tests import man_page

from .conftest import Process


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with ledgers, and with names that a shell could take for something else."""
    (tmp_path / "sub").mkdir()
    for name in (
        "voters-125.ledger",
        "voters-126.ledger",
        "sub/x-9.ledger",
        "a b-127.ledger",
        "$(touch owned)-128.ledger",
        "voters.csv",
    ):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def completed(shell: str, words: str, folder: Path) -> str:
    """What the command offers a shell for these words."""
    variables = {
        "bash": {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": words},
        "fish": {"_TYPER_COMPLETE_ARGS": words, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    # A proxy that is not there: whoever asks a network would fail.
    env = {
        "PATH": os.environ["PATH"],
        "_RUMBLEUP_COMPLETE": f"complete_{shell}",
        "HTTPS_PROXY": "http://127.0.0.1:1",
        **variables,
    }
    program = [sys.executable, "-c", "import sys; sys.argv[0] = 'rumbleup'; from rumbleup_async.__main__ import main; main()"]
    done = subprocess.run(program, env=env, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_completes_ledgers_and_projects(shell: str, folder: Path) -> None:
    """People would type names of ledgers by hand, and take the wrong one."""
    found = completed(shell, "rumbleup resume vo", folder)
    assert "voters-125.ledger" in found
    assert "voters-126.ledger" in found
    assert "voters.csv" not in found
    found = completed(shell, "rumbleup send voters.csv --action 12", folder)
    assert "125" in found
    assert "126" in found
    assert "owned" not in found + completed(shell, "rumbleup status ", folder)


def test_what_is_offered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder could not be entered, or a name run as a command by the shell that is given it."""
    monkeypatch.setattr(socket, "socket", None)
    assert completing.ledgers("") == ["voters-125.ledger", "voters-126.ledger"]
    assert completing.ledgers("su") == ["sub/x-9.ledger"]
    (folder / "deep" / "er").mkdir(parents=True)
    assert completing.ledgers("de") == ["deep/"]
    assert completing.ledgers("sub/") == ["sub/x-9.ledger"]
    assert completing.ledgers("nowhere/x") == []
    assert completing.projects("") == [("125", "voters-125.ledger"), ("126", "voters-126.ledger")]
    assert completing.projects("126") == [("126", "voters-126.ledger")]


def test_the_manual_page_has_every_command_and_is_well_formed(tmp_path: Path) -> None:
    """`man rumbleup` would lack a command, or show what is no text."""
    page = man_page.page()
    for name in ("rumbleup send", "rumbleup book look", "rumbleup sendblue messages status"):
        assert f".SS {name}" in page
    assert "\\-\\-action" in page
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("there is no groff")
    (tmp_path / "rumbleup.1").write_text(page)
    done = subprocess.run(
        [groff, "-ww", "-man", "-Tutf8", "-z", str(tmp_path / "rumbleup.1")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_long_lines_are_broken_between_words_and_commands_are_not() -> None:
    """A message would be torn within a number, or a command that is pasted from it run in halves."""
    line = "  note: " + "the provider was asked and has told nothing that could be understood " * 3
    made = fitted(line, 80)
    assert all(len(part) <= 80 for part in made.splitlines())
    assert made.split() == line.split()
    assert len(made.splitlines()) > 2
    command = "go on with: rumbleup resume " + "a-very-long-name-" * 8 + "125.ledger --budget 20"
    assert fitted(command, 80) == command
    assert fitted("x" * 200, 80) == "x" * 200
    assert fitted("short", 80) == "short"
    assert fitted(line, 0) == line


async def test_help_fits_a_narrow_terminal(process: Process) -> None:
    """On a terminal of 80 columns half of each line would stand on the next one."""
    for arguments in (("--help",), ("send", "--help"), ("texters", "--help"), ("book", "--help")):
        done = await process(*arguments, env={"COLUMNS": "80"})
        assert max(map(len, done.stdout.splitlines())) <= 80, arguments


def test_no_colours_where_none_are_wanted(tmp_path: Path) -> None:
    """Whoever cannot read yellow on white, or keeps what the terminal shows, would have to live with it."""
    far, near = os.openpty()
    env = {"PATH": os.environ["PATH"], "NO_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "80"}
    with subprocess.Popen(
        [sys.executable, "-m", "rumbleup_async", "demo", "--contacts", "50"], stdout=near, stderr=near, env=env, cwd=tmp_path
    ) as running:
        os.close(near)
        shown = b""
        while True:
            try:
                part = os.read(far, 65536)
            except OSError:  # nobody writes any more
                break
            if not part:
                break
            shown += part
    os.close(far)
    assert running.returncode == 0
    text = shown.decode()
    assert "ledger and provider agree" in text
    # 30 to 49 and 90 to 107 are colours; the cursor may be moved, and words may be bold.
    assert re.findall(r"\x1b\[(?:\d+;)*(?:3\d|4\d|9\d|10\d)(?:;\d+)*m", text) == []
