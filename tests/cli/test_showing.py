"""`--progress json`, `--watch` and `--metrics`: what shows a run while it goes."""

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from rumbleup_async.simulator import Server
from tests.cli.conftest import Process


def people(number: int) -> str:
    return "phone\n" + "".join(f"202555{row:04d}\n" for row in range(100, 100 + number))


async def test_progress_for_machines(process: Process, tmp_path: Path) -> None:
    """Each object is a line of its own on standard error, the last one as the run ended, with --quiet too."""
    (tmp_path / "list.csv").write_text(people(20), encoding="utf-8")
    text = "Hi. STOP to opt out"
    options = ("--action", "125", "--text", text, "--yes", "--progress", "json", "--quiet", "--json")
    done = await process("send", tmp_path / "list.csv", *options)
    assert done.returncode == 0
    told = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert (told[-1]["sent"], told[-1]["queued"], told[-1]["in_flight"], told[-1]["total"]) == (20, 0, 0, 20)
    assert told[-1]["run"] == json.loads(done.stdout)["run"]
    assert "2025550" not in done.stderr


class Sending:
    """A run of a second or more, the lines that it says, and its end."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said: list[str] = []

    async def found(self, pattern: str) -> str:
        assert self.process.stderr is not None
        async with asyncio.timeout(30):
            while line := (await self.process.stderr.readline()).decode():
                self.said.append(line)
                if match := re.search(pattern, line):
                    return match[1]
        raise AssertionError(f"it has not said {pattern}")

    async def interrupted(self) -> int:
        self.process.send_signal(signal.SIGINT)
        assert self.process.stderr is not None
        async with asyncio.timeout(30):
            await self.process.stderr.read()
            return await self.process.wait()


@pytest.fixture
async def sending(tmp_path: Path, server: Server) -> AsyncIterator[Sending]:
    (tmp_path / "list.csv").write_text(people(900), encoding="utf-8")
    words = ["send", "list.csv", "--action", "125", "--text", "Hi. STOP to opt out", "--rate", "20", "--yes", "--quiet"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rumbleup_async", *words),
        *("--watch", "--metrics", "0", "--telemetry", "--progress", "json"),
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "RUMBLEUP_API_KEY": "KEY:SECRET", "RUMBLEUP_BASE_URL": server.url},
        stderr=asyncio.subprocess.PIPE,
    )
    yield Sending(process)
    if process.returncode is None:
        process.kill()
        await process.wait()


async def test_a_page_and_metrics_beside_a_run(sending: Sending, server: Server) -> None:
    """Both are there before it sends, tell what the provider has seen, and end with it."""
    metrics = await sending.found(r"metrics: (\S+)")
    page = await sending.found(r"to look: (\S+)")
    await sending.found(r"to steer: (\S+)")
    assert [line for line in sending.said if line.startswith("{")] == []  # progress is told from the first text on
    async with aiohttp.ClientSession() as session:
        async with asyncio.timeout(30):
            while True:
                async with session.get(metrics) as answer:
                    found = re.search(r'rumbleup_texts_total\{reason="",state="sent"\} (\d+)', await answer.text())
                if found and int(found[1]) > 3:
                    break
                await asyncio.sleep(0.05)
        assert int(found[1]) <= len(server.simulator.truth)
        async with session.get(f"{page}runs") as answer:
            runs = json.loads(await answer.read())["runs"]
        assert [(run["name"], run["stands"]) for run in runs] == [("list-125.ledger", "running")]
        assert await sending.interrupted() == 130
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(f"{page}runs")


async def test_a_page_ends_with_a_run_that_is_killed(sending: Sending) -> None:
    """It would be there for ever otherwise, with its port, its key and its hold on the ledger."""
    page = await sending.found(r"to look: (\S+)")
    sending.process.kill()
    await sending.process.wait()
    async with aiohttp.ClientSession() as session, asyncio.timeout(30):
        with contextlib.suppress(aiohttp.ClientConnectionError):
            while await (await session.get(f"{page}page.css")).read():
                await asyncio.sleep(0.1)


async def test_a_port_that_is_taken_sends_nothing(process: Process, server: Server, tmp_path: Path) -> None:
    """It is said before the first text."""
    (tmp_path / "list.csv").write_text(people(3), encoding="utf-8")
    taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    words = ("--action", "125", "--text", "Hi. STOP to opt out", "--yes", "--metrics", port)
    done = await process("send", tmp_path / "list.csv", *words)
    taken.close()
    assert (done.returncode, str(port) in done.stderr, len(server.simulator.truth)) == (2, True, 0)


async def test_the_demo_can_be_watched() -> None:
    """With nothing else to set up; where nobody is at a terminal it ends by itself."""
    demo = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rumbleup_async", "demo", "--contacts", "250", "--watch"),
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"]},
    )
    page = await Sending(demo).found(r"to look: (\S+)")
    async with aiohttp.ClientSession() as session, asyncio.timeout(60):
        while not (runs := (await (await session.get(f"{page}runs")).json())["runs"]):
            await asyncio.sleep(0.05)
        assert [run["name"] for run in runs] == ["voters.ledger"]
        assert demo.stderr is not None
        assert b"ledger and provider agree" in await demo.stderr.read()
        assert await demo.wait() == 0
