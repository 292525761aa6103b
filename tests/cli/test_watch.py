"""`rumbleup watch`: the links that it prints, and what it refuses."""

import asyncio
import json
import os
import re
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.cli.conftest import Process
from tests.database import Database
from tests.observe.test_gallery import begun


@pytest.mark.parametrize(("options", "steers"), [((), True), (("--read-only",), False)])
async def test_links_to_look_and_to_steer(tmp_path: Path, options: tuple[str, ...], steers: bool) -> None:
    """The key of the second link steers; Ctrl-C ends the page and leaves the ledger as it was."""
    await (await begun(tmp_path / "voters.ledger", 2)).aclose()
    watching = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rumbleup_async", "watch", str(tmp_path), "--port", "0", *options),
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"]},
    )
    assert watching.stderr is not None
    links = [
        re.fullmatch(r"to (look|steer): (http://127\.0\.0\.1:\d+/)(?:#key=(\S+))?\n", (await watching.stderr.readline()).decode())
    ]
    if steers:
        links.append(re.fullmatch(r"to (steer): (\S+/)#key=(\S{20,})\n", (await watching.stderr.readline()).decode()))
    found = [link.groups() for link in links if link is not None]
    assert [link[0] for link in found] == ["look", "steer"][: 1 + steers]
    headers = {"Authorization": f"Bearer {found[-1][2]}"}
    async with aiohttp.ClientSession() as session, session.get(f"{found[0][1]}runs", headers=headers) as answer:
        told = json.loads(await answer.read())
    assert told["steers"] is steers
    assert [(run["name"], run["total"]) for run in told["runs"]] == [("voters.ledger", 3)]
    watching.send_signal(signal.SIGINT)
    async with asyncio.timeout(20):
        assert await watching.wait() == 0


async def test_a_run_in_a_database(postgres: Database) -> None:
    """The whole database, or one run of it; a run that is not there is said at once."""
    from tests.observe import test_databases

    address = postgres.address(f"watch-{os.getpid()}")
    await (await test_databases.begun(address, 2)).aclose()
    watching = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rumbleup_async", "watch", address, "--port", "0"),
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"]},
    )
    assert watching.stderr is not None
    look = re.fullmatch(r"to look: (\S+)\n", (await watching.stderr.readline()).decode())
    assert look is not None
    async with aiohttp.ClientSession() as session, session.get(f"{look[1]}runs") as answer:
        told = json.loads(await answer.read())
    assert [run["total"] for run in told["runs"]] == [3]
    watching.send_signal(signal.SIGINT)
    async with asyncio.timeout(20):
        assert await watching.wait() == 0


async def test_a_run_that_is_not_in_the_database_is_said(process: Process, postgres: Database) -> None:
    """Nor is a password repeated that stands in an address."""
    done = await process("watch", postgres.address("nobody"))
    assert (done.returncode, "no run of this name" in done.stderr or "no ledger" in done.stderr) == (2, True)
    done = await process("watch", "postgresql://ada:secret@127.0.0.1/db")
    assert (done.returncode, "secret" in done.stderr) == (2, False)
    done = await process("watch", "postgresql://ada@127.0.0.1:1/db")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)


async def test_what_is_not_there_is_said(process: Process) -> None:
    """A mistyped name must not look like a run that has sent nothing."""
    done = await process("watch", "nothing.ledger")
    assert (done.returncode, "nothing.ledger" in done.stderr) == (2, True)
    done = await process("watch", "")
    assert (done.returncode, "nothing was named" in done.stderr) == (2, True)


async def test_what_is_no_ledger_is_said(process: Process, tmp_path: Path) -> None:
    """A list in its place would be a page without a run."""
    (tmp_path / "list.csv").write_text("phone\n2025550101\n", encoding="utf-8")
    done = await process("watch", tmp_path / "list.csv")
    assert (done.returncode, "is not a ledger" in done.stderr) == (2, True)


async def test_a_port_that_is_taken_is_said(process: Process) -> None:
    """With its number, and no traceback."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    done = await process("watch", ".", "--port", port)
    assert (done.returncode, f"port {port}" in done.stderr, "Traceback" in done.stderr) == (2, True, False)
    server.close()
