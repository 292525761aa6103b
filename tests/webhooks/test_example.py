"""The example and the page work as they stand."""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from .posting import Provider, receipt, sample
from .test_command import CREDENTIALS
from .test_sinks import kept

ROOT = Path(__file__).parents[2]


async def test_example(tmp_path: Path) -> None:
    """The first thing a user copies would not work."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "examples" / "webhook_receiver.py"), "events.db", "optouts.txt"),
        cwd=tmp_path,
        env={**os.environ, **CREDENTIALS, "PORT": "0", "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        url = (await process.stdout.readline()).decode().split()[-1]
    async with aiohttp.ClientSession() as session:
        caller = Provider(session, url)
        for body in (sample("message_received_stop"), sample("message_received"), receipt(1, "undelivered"), receipt(1)):
            assert await caller.post(body) == 200
        assert await caller.post(sample("message_received_stop")) == 200
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(20):
        out, _ = await process.communicate()
    assert process.returncode == 0
    assert out.decode().splitlines() == ["not delivered: None", "4 events, 1 repeats"]
    assert (tmp_path / "optouts.txt").read_text() == "5550100001\n"
    assert len(kept(tmp_path / "events.db")) == 4


_PAGE = (ROOT / "docs" / "webhooks.md").read_text()


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", _PAGE, re.DOTALL))
def test_the_page(block: str) -> None:
    """The page would show what cannot be run."""
    names: dict[str, object] = {"user": "user", "password": "pass"}
    exec(compile(block, "docs/webhooks.md", "exec"), names)


def test_the_page_names_every_option() -> None:
    """An option would be found by those only who read the source."""
    source = (ROOT / "rumbleup_async" / "cli" / "webhooks.py").read_text()
    options = set(re.findall(r'"(--[a-z-]+)"', source))
    assert options
    assert sorted(option for option in options if option not in _PAGE) == []
