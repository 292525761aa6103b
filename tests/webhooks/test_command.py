"""`rumbleup webhooks listen` as a process of its own."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from .posting import PRIVATE, SAMPLES, Provider, receipt, sample
from .test_sinks import kept, keys

CREDENTIALS = {"RUMBLEUP_WEBHOOK_USER": "user", "RUMBLEUP_WEBHOOK_PASSWORD": "pass"}


async def command(*options: str, **environment: str) -> asyncio.subprocess.Process:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RUMBLEUP_")}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rumbleup_async", "webhooks", "listen", *options),
        env={**clean, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@asynccontextmanager
async def listening(*options: str, **environment: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, Provider]]:
    process = await command(*(options if "--port" in options else ("--port", "0", *options)), **environment or CREDENTIALS)
    try:
        assert process.stderr is not None
        async with asyncio.timeout(30):
            line = (await process.stderr.readline()).decode()
        assert line.startswith("listening on http://127.0.0.1:"), line
        async with aiohttp.ClientSession() as session:
            yield process, Provider(session, line.split()[-1])
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def end(process: asyncio.subprocess.Process, number: int) -> tuple[str, str, int | None]:
    process.send_signal(number)
    async with asyncio.timeout(20):
        out, err = await process.communicate()
    return out.decode(), err.decode(), process.returncode


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_prints_nothing_private(number: int) -> None:
    """Somebody's answer would stand on a screen that others see."""
    async with listening() as (process, caller):
        for path in sorted(SAMPLES.glob("*.json")):
            assert await caller.post(path.read_bytes()) == 200
        assert await caller.post(sample("message_received")) == 200
        assert await caller.post(b"{}", Authorization="") == 401
        assert await caller.post(b'{"type":"\\u001b[2J","data":{"phone":"\\u001b\\u001b\\u001b\\u001b\\u001b"}}') == 200
        out, err, code = await end(process, number)
    assert code == 0
    lines = out.splitlines()
    assert len(lines) == 9
    assert "\x1b" not in out
    assert not any(word in out + err for word in PRIVATE)
    assert "MESSAGE_RECEIVED ********01 project 125 rl_00000000000000000000000000000002 [opted out]" in out
    assert "undelivered landline" in out
    assert "stopped; 9 events received, 1 repeated, 1 refused (unauthorized 1)" in err


async def test_json() -> None:
    """A script could not read the events."""
    async with listening("--json") as (process, caller):
        assert await caller.post(sample("message_received")) == 200
        out, _, code = await end(process, signal.SIGTERM)
    assert code == 0
    assert json.loads(out) == json.loads(sample("message_received"))


async def test_bearer_and_former_credentials() -> None:
    """Changing the credentials would cost the events between one change and the other."""
    async with listening(**{"RUMBLEUP_WEBHOOK_USER": "token", **{f"{k}_OLD": v for k, v in CREDENTIALS.items()}}) as (_, caller):
        assert await caller.post(receipt(1)) == 200
        assert await caller.post(receipt(2), Authorization="Bearer token") == 200
        assert await caller.post(receipt(3), Authorization="Bearer user") == 401


@pytest.mark.parametrize(
    ("options", "environment", "words"),
    [
        ((), {}, "set RUMBLEUP_WEBHOOK_USER and RUMBLEUP_WEBHOOK_PASSWORD"),
        ((), {"RUMBLEUP_WEBHOOK_PASSWORD": "x"}, "RUMBLEUP_WEBHOOK_PASSWORD is set and RUMBLEUP_WEBHOOK_USER is not"),
        (("--out", "a", "--sqlite", "b"), CREDENTIALS, "either --out or --sqlite"),
        (("--path", "x"), CREDENTIALS, "--path must begin with /"),
        (("--out", "/no/such/folder/events"), CREDENTIALS, "No such file"),
        (("--host", "192.0.2.1"), CREDENTIALS, "cannot listen"),
    ],
)
async def test_what_is_wrong(options: tuple[str, ...], environment: dict[str, str], words: str) -> None:
    """A user would meet a traceback, or a receiver that is open to all."""
    process = await command("--port", "0", *options, **environment)
    async with asyncio.timeout(30):
        out, err = await process.communicate()
    assert process.returncode == 2
    assert out == b""
    assert words in err.decode()
    assert "Traceback" not in err.decode()


async def test_the_reader_goes_away() -> None:
    """`| head -1` would end the receiver and with it what is being kept."""
    async with listening("--quiet") as (process, caller):
        assert await caller.post(receipt(1)) == 200
    async with listening() as (process, caller):
        process.stdout._transport.close()  # type: ignore[union-attr]
        for number in range(50):
            assert await caller.post(receipt(number)) == 200
        _, err, code = await end(process, signal.SIGTERM)
    assert code == 0
    assert "50 events received" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("option", ["--out", "--sqlite"])
async def test_kill(option: str, tmp_path: Path) -> None:
    """An event that was acknowledged would be lost in a crash, and nobody would send it again; or be there twice."""
    path = tmp_path / "events"
    answered: set[int] = set()
    numbers = iter(range(100_000))

    async def post_on(caller: Provider) -> None:
        try:
            for number in numbers:
                if await caller.post(receipt(number)) == 200:
                    answered.add(number)
        except (aiohttp.ClientError, OSError):
            pass

    sent: list[int] = []
    for rounds in range(3):
        async with listening(option, str(path), "--quiet") as (process, caller):
            # What was not acknowledged comes again, and some of what was.
            for number in [*(n for n in sent if n not in answered), *sorted(answered)[-20:]]:
                assert await caller.post(receipt(number)) == 200
                answered.add(number)
            tasks = [asyncio.create_task(post_on(caller)) for _ in range(16)]
            goal = len(answered) + 200
            async with asyncio.timeout(30):
                while len(answered) < goal:
                    await asyncio.sleep(0.001)
            process.kill()
            await asyncio.gather(*tasks)
            await process.wait()
        upper = next(numbers)
        sent = list(range(upper))
        found = kept(path)
        assert len(found) == len(set(found)), f"an event is there twice after kill {rounds}"
        assert set(keys(*answered)) <= set(found), f"an acknowledged event was lost by kill {rounds}"
    assert len(answered) >= 600
