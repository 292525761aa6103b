"""Fewer open files than connections wanted: the command under a limit of the system's, against a server on loopback."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.session.servers import Line, serving

PHONES = [f"202555{number:04d}" for number in range(100, 500)]

REACTING = """
import asyncio, sys
from rumbleup_async import RumbleUp, open_files
open_files.room = lambda: None  # what is left is not known beforehand, as where others open files, too
class Observer:
    held_for = 0.0
    def results(self, results): pass
    def held(self, seconds, reason): self.held_for += seconds
async def main():
    observer = Observer()
    async with RumbleUp.from_env(transport=sys.argv[1]) as client:
        async with client.fast_mode(action=125, text="Hi. STOP to opt out", concurrency=300, observer=observer) as run:
            summary = await run.send(sys.stdin.read().split())
    print(summary.sent, observer.held_for)
asyncio.run(main())
"""


async def answers(line: Line) -> None:
    """Takes every text after a moment, so that many are under way at a time."""
    while request := await line.request():
        phone = json.loads(request.partition(b"\r\n\r\n")[2])["phone"]
        await asyncio.sleep(0.03)
        body = json.dumps({"logid": f"rl_{phone}", "phone": phone}).encode()
        await line.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


async def under_limit(limit: str, url: str, *arguments: str, stdin: str = "", cwd: Path) -> tuple[int, str, str]:
    environ = {**os.environ, "RUMBLEUP_API_KEY": "KEY:SECRET", "RUMBLEUP_BASE_URL": url}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", f'ulimit {limit}; exec "$@"', "sh", sys.executable, *arguments,
        env=environ, stdin=pipe, stdout=pipe, stderr=pipe, cwd=cwd,
    )  # fmt: skip
    out, err = await process.communicate(stdin.encode())
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize(
    ("limit", "options", "is_said"),
    [("-n 64", [], True), ("-n 256", [], True), ("-S -n 64", [], False), ("-n 64", ["--processes", "2"], True)],
)
async def test_a_run_gets_by_with_the_files_it_may_open(limit: str, options: list[str], is_said: bool, tmp_path: Path) -> None:
    """Four texts a second left, most were left over at the end, and the exit code said that all is well."""
    (tmp_path / "list.csv").write_text("phone\n" + "\n".join(PHONES) + "\n")
    send = ["-m", "rumbleup_async", "send", "list.csv", "--action", "125", "--text", "Hi. STOP to opt out"]
    async with serving(answers) as server:
        code, out, err = await under_limit(
            limit, server.url, *send, "--concurrency", "300", "--yes", "--json", *options, cwd=tmp_path
        )
    found: dict[str, Any] = json.loads(out)
    assert (code, found["sent"]) == (0, len(PHONES)), err
    assert ("ulimit -n" in err) is is_said


@pytest.mark.parametrize("transport", ["pool", "aiohttp"])
async def test_a_connection_too_many_holds_nobody(transport: str, tmp_path: Path) -> None:
    """Each connection that could not be opened held the whole run for seconds: 550 texts a second became 68."""
    async with serving(answers) as server:
        code, out, err = await under_limit("-n 64", server.url, "-c", REACTING, transport, stdin="\n".join(PHONES), cwd=tmp_path)
    assert code == 0, err
    assert out.split() == [str(len(PHONES)), "0.0"]
