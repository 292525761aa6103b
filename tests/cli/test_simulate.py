"""`rumbleup simulate` in a process of its own: which keys it lets in, and that it keeps none of a user's."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from rumbleup_async import KeyRefused, RumbleUp
from rumbleup_async.sendblue.client import Sendblue

MINE = "c_mine:hunter2hunter2"
TEXT = "Hi. Reply STOP to opt out"


@contextmanager
def simulating(*arguments: str, **env: str) -> Iterator[tuple[str, list[str]]]:
    """A simulator; its address, and what it has said once it has ended."""
    said: list[str] = []
    command = [sys.executable, "-m", "rumbleup_async", "simulate", "--port", "0", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={"PATH": os.environ["PATH"], **env}
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), said
        finally:
            process.send_signal(signal.SIGTERM)
            said.append(process.communicate(timeout=30)[1])


@pytest.mark.parametrize(
    ("arguments", "env", "lets_in"),
    [
        ((), {}, False),
        ((), {"RUMBLEUP_API_KEY": "KEY:SECRET", "SENDBLUE_API_KEY": "KEY"}, False),
        (("--any-key",), {}, True),
        ((), {"RUMBLEUP_API_KEY": MINE}, True),
        ((), {"SENDBLUE_API_KEY": "mine", "SENDBLUE_API_SECRET": "hunter2hunter2"}, True),
    ],
)
async def test_a_rehearsal_may_have_a_key_of_its_own(arguments: tuple[str, ...], env: dict[str, str], lets_in: bool) -> None:
    """Whoever has a key in the environment would meet a 401 from a simulator, and change the key for a rehearsal."""
    with simulating(*arguments, **env) as (url, said):
        for key, fits in (("KEY:SECRET", True), (MINE, lets_in), ("other:one", lets_in)):
            async with RumbleUp(key, base_url=url) as rumbleup:
                if fits:
                    assert (await rumbleup.messages.send(phone="2025550101", action=125, text=TEXT)).logid
                else:
                    with pytest.raises(KeyRefused):
                        await rumbleup.messages.send(phone="2025550101", action=125, text=TEXT)
        async with Sendblue("mine", "hunter2hunter2", base_url=url.removesuffix("/api")) as sendblue:
            if lets_in:
                await sendblue.messages.send(number="+12025550101", from_number="+12025550199", content=TEXT)
            else:
                with pytest.raises(KeyRefused):
                    await sendblue.messages.send(number="+12025550101", from_number="+12025550199", content=TEXT)
    assert "hunter2" not in said[0]
    assert ("Any key is let in" in said[0]) is lets_in
    assert ("RUMBLEUP_API_KEY=KEY:SECRET" in said[0]) is not lets_in


async def test_what_is_no_key_is_let_in_by_nobody() -> None:
    """A rehearsal would pass with a half of a key, and the real run be refused."""
    import aiohttp

    with simulating("--any-key", RUMBLEUP_API_KEY=MINE) as (url, _):
        async with aiohttp.ClientSession() as session:
            for wrong in ("", "Bearer half", "Bearer c_mine:x", "Basic aGFsZg==", "Basic ???", "Basic Og=="):
                async with session.get(f"{url}/account/get", headers={"Authorization": wrong}) as response:
                    assert (response.status, wrong) == (401, wrong)
            async with session.get(f"{url.removesuffix('/api')}/_simulator/settings") as response:
                assert "hunter2" not in await response.text()
