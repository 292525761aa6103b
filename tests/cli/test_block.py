"""The block that a terminal shows: narrow and wide ones, slow and quick runs; on a real pseudo-terminal."""

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumbleup_async.cli.block import Block, Facts, wrapped
from rumbleup_async.simulator import Server
from tests.cli.test_showing import people

words = st.lists(st.text("abc 123", min_size=1, max_size=50), max_size=6)


@given(
    st.lists(st.tuples(st.integers(0, 5_000_000), st.text(max_size=90), words, words, st.text(max_size=200)), max_size=5),
    st.integers(20, 300),
)
def test_no_line_is_too_wide_and_no_block_lower_than_before(
    shown: list[tuple[int, str, list[str], list[str], str]], width: int
) -> None:
    """What is too wide breaks into a second line and stays on the screen for ever; what is lower makes the lines below jump."""
    block, height = Block(), 0
    for done, end, counts, pace, now in shown:
        lines = block.lines(Facts(done, 5_000_000, end, counts, pace, now), width)
        assert max(map(len, lines)) <= width
        assert len(lines) >= height
        height = len(lines)


@pytest.mark.parametrize(("width", "height"), [(40, 7), (80, 4), (200, 4)])
def test_all_of_it_is_there_on_any_terminal(width: int, height: int) -> None:
    """The percentage, the end, all counts, and what the provider allows."""
    counts = ["1,234,567 sent", "1,234 refused", "12 unknown", "34,567 skipped", "64 in flight"]
    pace = ["4,321/s", "provider allows 5,000/s", "asked for 4,500/s"]
    lines = Block().lines(Facts(1, 3, "2 h 14 min left, until 18:40", counts, pace, "waiting 3 s: told 429"), width)
    assert len(lines) == height
    assert " 33 %" in "\n".join(lines)
    for part in [*counts, *pace, "2 h 14 min left, until 18:40", "waiting 3 s: told 429"]:
        assert any(part in line for line in lines), part


def test_words_stay_whole() -> None:
    """A number that is broken in two is another number."""
    assert wrapped(["12 sent", "3 refused", "4 unknown"], 20) == ["12 sent  3 refused", "4 unknown"]
    assert wrapped([], 20) == []


def test_a_terminal_without_unicode_has_a_bar_too() -> None:
    """Its signs would be question marks."""
    line = Block(is_plain=True).lines(Facts(1, 2, "", [], []), 40)[0]
    assert line.isascii()
    assert "##--" in line


class Screen:
    """As much of a terminal as the block needs: what stands on it in the end, and what was written to it."""

    def __init__(self, columns: int, written: str) -> None:
        self.written, self.columns = written, columns
        lines, row, column = [""], 0, 0
        for part in re.findall(r"\x1b\[[?0-9;]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", written):
            if part == "\n":
                row, column = row + 1, 0
            elif part == "\r":
                column = 0
            elif part.endswith("A") and part.startswith("\x1b"):
                row -= int(part[2:-1] or 1)
            elif part == "\x1b[2K":
                lines[row] = ""
            elif not part.startswith("\x1b"):
                lines += [""] * (row + 1 - len(lines))
                lines[row] = lines[row][:column].ljust(column) + part + lines[row][column + len(part) :]
                column += len(part)
            lines += [""] * (row + 1 - len(lines))
        self.lines = lines


def on_a_terminal(columns: int, folder: Path, environment: dict[str, str], *words: str) -> tuple[int, Screen]:
    """Run the command on a pseudo-terminal of so many columns."""
    terminal, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = [sys.executable, "-m", "rumbleup_async", *words]
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        os.close(theirs)
        written = b""
        with contextlib.suppress(OSError):  # Linux says so that the other side is closed
            while part := os.read(terminal, 65536):
                written += part
    os.close(terminal)
    return process.returncode, Screen(columns, written.decode())


@pytest.mark.parametrize("columns", [40, 80, 200])
async def test_on_a_terminal_it_is_one_calm_block(columns: int, tmp_path: Path, server: Server) -> None:
    """Nothing is broken into a second line, no block is left behind above another, and no colour where none is wanted."""
    (tmp_path / "list.csv").write_text(people(60), encoding="utf-8")
    environment = {
        "PATH": os.environ["PATH"], "TERM": "xterm-256color", "NO_COLOR": "1", "LANG": "C.UTF-8",
        "RUMBLEUP_API_KEY": "KEY:SECRET", "RUMBLEUP_BASE_URL": server.url,
    }  # fmt: skip
    options = ("--action", "125", "--text", "Hi. STOP to opt out", "--rate", "40", "--yes")
    code, screen = await asyncio.to_thread(on_a_terminal, columns, tmp_path, environment, "send", "list.csv", *options)
    assert code == 0
    bars = [line for line in screen.lines if re.search(r"[\u2500\u2501]{8}", line)]
    assert len(bars) == 1, screen.lines
    block = screen.lines[screen.lines.index(bars[0]) :]
    assert any("60 sent" in line for line in block)
    assert "asked for 40/s" in " ".join(block)
    assert all(len(line) <= columns for line in block[:3])
    assert not re.search(r"\x1b\[[0-9;]*[1-9][0-9;]*m", screen.written), "no colour"


async def test_a_dumb_terminal_has_lines(tmp_path: Path, server: Server) -> None:
    """It cannot go up again, and would show each block below the one before."""
    (tmp_path / "list.csv").write_text(people(3), encoding="utf-8")
    environment = {"PATH": os.environ["PATH"], "TERM": "dumb", "RUMBLEUP_API_KEY": "KEY:SECRET", "RUMBLEUP_BASE_URL": server.url}
    options = ("--action", "125", "--text", "Hi. STOP to opt out", "--yes")
    code, screen = await asyncio.to_thread(on_a_terminal, 80, tmp_path, environment, "send", "list.csv", *options)
    assert (code, "\x1b" in screen.written) == (0, False)
