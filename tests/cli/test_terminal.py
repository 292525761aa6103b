"""What reaches a terminal: other people's words steer nothing there, and what is to be pasted can be pasted."""

import asyncio
import io
import json
import os
import select
import subprocess
import unicodedata
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumbleup_async.cli.terminal import Tamed, pasteable, visible
from rumbleup_async.ledger import instead, marks
from rumbleup_async.simulator import Simulator

from .conftest import Process

TEXT = "Hi. Reply STOP to opt out"
EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202eevil\u2066\r\n\x08\x00rumbleup: all is well"


def steering(shown: str) -> list[str]:
    """The characters that a terminal would obey."""
    return [char for char in shown if char != "\n" and unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp"}]


@given(st.text())
def test_nothing_shown_steers(text: str) -> None:
    """A name could clear the screen, or write a line that looks like ours."""
    shown = visible(text)
    assert all(char in "\u200c\u200d" for char in shown if unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp", "Cs"})


def test_what_people_write_stays_as_it_is() -> None:
    """A name in another script, or an emoji, would be shown as numbers."""
    for text in ("José Ñandú", "日本", "\U0001f468\u200d\U0001f469", "می\u200cخواهم", "a\u00a0b", "Zoë’s"):
        assert visible(text) == text
    assert visible("a\x1b[31m\n") == "a\\x1b[31m\\n"
    assert visible("\u202eb") == "\\u202eb"


@given(st.binary(max_size=40).filter(lambda raw: raw and b"\x00" not in raw))
def test_a_name_that_is_pasted_is_the_same_name(raw: bytes) -> None:
    """`go on with: rumbleup resume ...` would name another file, or run a command."""
    name = os.fsdecode(raw)
    pasted = pasteable(name)
    assert not [char for char in pasted if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    done = subprocess.run(["bash", "-c", f"printf %s {pasted}"], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"})
    assert os.fsencode(done.stdout.decode("utf-8", "surrogateescape")) == (
        b"./" + raw if raw[:1] == b"-" and raw != b"-" else raw
    )


@pytest.mark.parametrize("name", ["my voters.ledger", "-voters.ledger", "o'neil\x1b[2J.ledger"])
def test_so_it_is_in_what_a_ledger_says(name: str) -> None:
    """The remedy would be for another file, or steer the shell that it is pasted into."""
    path = Path(name)
    assert f"reconcile {pasteable(path)} --log-lost" in str(marks.lost(path))
    assert f"--suppress {pasteable(path)} --ledger" in instead(path)


@contextmanager
def screen() -> Iterator[tuple[int, int]]:
    """A terminal: its far end, which a test holds, and the one that a program has."""
    far, near = os.openpty()
    try:
        yield far, near
    finally:
        os.close(far)
        os.close(near)


def shown_on(far: int) -> str:
    """What stands on the terminal."""
    shown = b""
    while select.select([far], [], [], 0)[0]:
        shown += os.read(far, 65536)
    return shown.decode("utf-8", "replace").replace("\r\n", "\n")


def test_bytes_on_a_terminal_steer_nothing_and_in_a_file_stay_bytes() -> None:
    """A report, or the API's CSV, would steer the terminal; a file of it would not be what the API gave."""
    out = io.BytesIO()
    tamed = Tamed(out)
    data = f"phone,name\n2025550101,{EVIL}é\n".encode() + b"\xff\n"
    for byte in data:
        tamed.write(bytes([byte]))
    tamed.flush()
    assert steering(out.getvalue().decode()) == []
    assert "é\n" in out.getvalue().decode()
    assert "\\x1b]0;owned" in out.getvalue().decode()


@pytest.fixture
async def hostile() -> AsyncIterator[str]:
    """The address of a server whose every word is hostile."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"account/get" in head:
            status, body = 200, {"cid": f"c_{EVIL}", "name": EVIL, "status": f"Active{EVIL}", "balance": 5}
        else:
            status, body = 400, {"status": 400, "code": "FIELD", "message": EVIL}
        data = json.dumps(body).encode()
        writer.write(b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nConnection: close\r\n" % status)
        writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api"


async def test_a_server_s_words_steer_nothing(process: Process, hostile: str, tmp_path: Path) -> None:
    """The name of an account, or a reason, could show `all is well` where something is wrong."""
    source = tmp_path / "voters.csv"
    source.write_text("phone\n2025550101\n")
    for arguments in (
        ("doctor",),
        ("doctor", "--json"),
        ("account",),
        ("account", "--json"),
        ("projects", "get", "125"),
        ("messages", "send", "--phone", "2025550101", "--action", "125", "--text", TEXT, "--yes"),
        ("send", source, "--action", "125", "--text", TEXT, "--yes"),
        ("status", tmp_path / "voters-125.ledger"),
    ):
        done = await process(*arguments, env={"RUMBLEUP_BASE_URL": hostile})
        assert steering(done.stdout) == [], arguments
        assert steering(done.stderr) == [], arguments
        assert "\nrumbleup: all is well" not in done.stderr
        assert "\nrumbleup: all is well" not in done.stdout


async def test_a_report_on_a_terminal_steers_nothing(process: Process, hostile: str, tmp_path: Path) -> None:
    """Its reasons are a server's words; in a file they stay as they came."""
    source = tmp_path / "voters.csv"
    source.write_text("phone\n2025550101\n")
    await process("send", source, "--action", "125", "--text", TEXT, "--yes", env={"RUMBLEUP_BASE_URL": hostile})
    with screen() as (far, near):
        done = await process("report", tmp_path / "voters-125.ledger", stdout=near)
        shown = shown_on(far)
    assert done.returncode == 0
    assert "2025550101" in shown
    assert steering(shown) == []


async def test_the_names_of_files_steer_nothing(process: Process, simulator: Simulator, tmp_path: Path) -> None:
    """A list that somebody else has named could type into the terminal of whoever sends it."""
    source = tmp_path / "voters \x1b[2J\u202e'$(touch x)\n.csv"
    source.write_text("phone\n2025550101\n2025550102\n")
    done = await process("send", source, "--action", "125", "--text", TEXT, "--yes", "--limit", "1")
    assert done.returncode == 0, done.stderr
    assert steering(done.stderr) == []
    pasted = done.stderr.partition("go on with: rumbleup ")[2].partition("\n")[0]
    words = subprocess.run(["bash", "-c", f"printf '%s\\0' {pasted}"], capture_output=True, check=True).stdout.split(b"\0")[:-1]
    done = await process(*map(os.fsdecode, words), "--yes")
    assert done.returncode == 0, done.stderr
    assert {text.phone for text in simulator.truth} == {"2025550101", "2025550102"}
    done = await process("status", tmp_path / "none\x1b[2J.ledger")
    assert "there is no such ledger" in done.stderr
    assert steering(done.stderr) == []
