"""Where standard output cannot take a result: full, closed, or of an encoding that lacks a character. Of the real command."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from rumbleup_async import RumbleUp
from rumbleup_async.simulator import Simulator

from .conftest import Process

TEXT = "Hi \U0001f44b. Reply STOP to opt out"
SINGLE = {
    "a message": ("messages", "send", "--phone", "2025550101", "--action", "125", "--text", TEXT),
    "straight from a number": ("proxies", "send", "--phone", "2025550101", "--proxy", "2025550199", "--text", TEXT),
    "sendblue": ("sendblue", "messages", "send", "--number", "+12025550101", "--from", "+12025550199", "--text", TEXT),
}


@contextmanager
def full() -> Iterator[IO[Any]]:
    """A disk without room."""
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full on this system")
    with Path("/dev/full").open("w") as file:
        yield file


@contextmanager
def unread() -> Iterator[int]:
    """A pipe whose reader has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        yield writing
    finally:
        os.close(writing)


async def minds_a_full_disk_only(process: Process, *arguments: object) -> None:
    """Check a command whose result may be cut off by its reader, and by nothing else."""
    with full() as stdout:
        done = await process(*arguments, stdout=stdout)
    assert (done.returncode, done.stderr) == (3, "rumbleup: standard output: No space left on device\n"), arguments
    with unread() as writing:
        done = await process(*arguments, stdout=writing)
    assert (done.returncode, done.stderr) == (0, ""), arguments


@pytest.mark.parametrize("as_json", [False, True], ids=["table", "json"])
@pytest.mark.parametrize("lost", [full, unread])
@pytest.mark.parametrize("arguments", SINGLE.values(), ids=SINGLE)
async def test_a_text_that_left_is_no_failure(
    process: Process, simulator: Simulator, arguments: tuple[str, ...], lost: Any, as_json: bool
) -> None:
    """`rumbleup messages send ... >log || retry` would text the person again each time the disk is full."""
    with lost() as stdout:
        done = await process(*arguments, "--yes", *(["--json"] if as_json else []), stdout=stdout)
    assert len(simulator.truth) == 1
    assert "the text was sent (" in done.stderr
    assert "only its result could not be printed" in done.stderr
    assert done.returncode == 0


async def test_a_character_that_the_output_lacks_is_shown_all_the_same(process: Process, simulator: Simulator) -> None:
    """A text with an emoji that left would be reported as a failure under a locale of another century."""
    for encoding in ("latin-1", "ascii"):
        done = await process(*SINGLE["a message"], "--yes", env={"PYTHONIOENCODING": encoding})
        assert (done.returncode, done.stderr) == (0, "")
        assert "\\U0001f44b" in done.stdout
    assert len(simulator.truth) == 2


async def test_half_a_result_is_not_the_whole(process: Process) -> None:
    """A script that keeps the JSON lines of a list would go on with a file that the disk has cut off."""
    for arguments in [
        ("account", "--json"),
        ("tcr", "campaigns"),
        ("tcr", "brands", "--json"),
        ("doctor",),
        ("doctor", "--json"),
    ]:
        with full() as stdout:
            done = await process(*arguments, stdout=stdout)
        assert done.returncode == 3, arguments
        assert done.stderr == "rumbleup: standard output: No space left on device\n"


async def test_help_that_cannot_be_printed_is_no_traceback(process: Process) -> None:
    """A full disk would be met with a page of code."""
    for arguments in [("--help",), ("send", "--help"), ("--version",)]:
        await minds_a_full_disk_only(process, *arguments)


@pytest.mark.parametrize("lost", [full, unread])
async def test_a_wrong_command_is_wrong_whoever_hears_it(process: Process, lost: Any) -> None:
    """`rumbleup sned ... 2>&1 | head` would pass for a campaign that was sent."""
    for arguments in (("sned",), ("send", "--dry"), ("status", "nowhere.ledger")):
        with lost() as stream:
            assert (await process(*arguments, stdout=stream, stderr=stream)).returncode == 2


async def test_a_reader_that_has_gone_is_no_failure(process: Process) -> None:
    """`rumbleup doctor | head -1` would say that something is wrong."""
    for arguments in [("doctor",), ("doctor", "--json"), ("tcr", "campaigns"), ("account",)]:
        with unread() as stdout:
            done = await process(*arguments, stdout=stdout)
        assert done.returncode == 0, arguments
        assert "rumbleup:" not in done.stderr


async def test_a_log_that_nobody_reads_is_not_fetched(process: Process, simulator: Simulator, rumbleup: RumbleUp) -> None:
    """`rumbleup messages log --json | head -1` would go on for hours through a log of millions."""
    simulator.change(page_size=1)
    for number in range(20):
        await rumbleup.messages.send(phone=f"20255501{number:02}", action="125", text=TEXT)
    with unread() as stdout:
        done = await process("messages", "log", "--json", stdout=stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert 0 < simulator.requests.count("message/log/select") < 5


async def test_a_campaign_ends_as_it_ended_whatever_becomes_of_its_words(
    process: Process, simulator: Simulator, tmp_path: Path
) -> None:
    """A run in which everybody was texted would be called a failure, and be sent again with a new ledger."""
    voters = tmp_path / "voters.csv"
    voters.write_text("phone\n2025550101\n2025550102\n")
    with full() as stdout:
        done = await process("send", voters, "--action", "125", "--text", TEXT, "--yes", "--json", "--quiet", stdout=stdout)
    assert done.returncode == 0
    assert done.stderr.splitlines()[1:] == ["rumbleup: the result could not be printed: standard output: No space left on device"]
    assert done.stderr.startswith("rehearsal: ")
    assert len(simulator.truth) == 2
    again = await process("resume", tmp_path / "voters-125.ledger", "--yes", "--json", "--quiet")
    assert json.loads(again.stdout)["sent"] == 2
