"""The live page in a real browser, over a run that is going on: `make browser`.

With `PICTURES=folder` it leaves screenshots there.
"""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from rumbleup_async.ledger import Reader
from rumbleup_async.simulator import Simulator, serve
from tests.browser.chromium import Tab, browser

CONTACTS = 3000


class Scene:
    """A run under way, the page over it, and the tab that shows it."""

    def __init__(self, tab: Tab, links: dict[str, str], ledger: Path, sending: asyncio.subprocess.Process) -> None:
        self.tab, self.links, self.ledger, self.sending = tab, links, ledger, sending

    def paused(self) -> bool:
        reader = Reader(self.ledger)
        try:
            return reader.pause is not None
        finally:
            reader.close()

    async def number(self, name: str) -> int:
        return int(await self.tab.value(f"(document.getElementById('count-{name}')?.textContent || '0').replaceAll(',', '')"))


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    people = "\n".join(f"2025{row:06d},{'' if row % 97 == 0 else 'Ada'}" for row in range(550000, 550000 + CONTACTS))
    (tmp_path / "voters.csv").write_text(f"phone,first_name\n{people}\n2025550101,Ada\n1234,Ada\n", encoding="utf-8")
    simulator = Simulator(latency=0.02, faults={"landline": 0.02})
    if "PICTURES" in os.environ:  # a provider that has more to say
        simulator = Simulator(latency=0.05, faults={"landline": 0.02, "dnd": 0.02, "500": 0.002}, rate_limit=80, retry_after=1.0)
    async with serve(simulator) as server, browser() as tab:
        environment = {**os.environ, "RUMBLEUP_API_KEY": "KEY:SECRET", "RUMBLEUP_BASE_URL": server.url}
        text = "Hi {first_name}. STOP to opt out"
        words = ["send", "voters.csv", "--action", "125", "--text", text, "--rate", "100", "--yes", "--quiet"]
        sending = await command(tmp_path, environment, *words)
        ledger = tmp_path / "voters-125.ledger"
        async with asyncio.timeout(30):
            while not simulator.truth:
                await asyncio.sleep(0.05)
        watching = await command(tmp_path, environment, "watch", str(tmp_path), "--port", "0")
        assert watching.stderr is not None
        links: dict[str, str] = {}
        while len(links) < 2:
            if found := re.match(r"to (look|steer): (\S+)", (await watching.stderr.readline()).decode()):
                links[found[1]] = found[2]
        yield Scene(tab, links, ledger, sending)
        failures, console, addresses = [*tab.failures], [*tab.console], [*tab.addresses]
        for process in (watching, sending):
            if process.returncode is None:
                process.kill()
            await process.wait()
    assert failures == []
    assert console == []
    assert {urlsplit(one).hostname for one in addresses if not one.startswith(("about:", "chrome:"))} == {"127.0.0.1"}


async def command(folder: Path, environment: dict[str, str], *words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rumbleup_async", *words),
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_the_page_lives(scene: Scene) -> None:
    """Numbers move within a second, without a reload and after one; and what is not to be steered shows no buttons."""
    await scene.tab.open(scene.links["look"])
    await scene.tab.until("document.getElementById('stands').textContent === 'running'")
    before = await scene.number("sent")
    await scene.tab.until(f"Number(document.getElementById('count-sent').textContent.replaceAll(',', '')) > {before}")
    assert await scene.tab.value("document.getElementById('steering').offsetParent === null")
    assert await scene.tab.value("document.getElementById('runs').offsetParent === null"), "one run needs no list of runs"
    await scene.tab.until("document.querySelector('#picture path.sent').getAttribute('d').length > 30")
    assert "sent" in await scene.tab.value("document.getElementById('picture-words').textContent")
    await scene.tab.until("document.getElementById('problems').offsetParent !== null", 30)
    assert "landline" in await scene.tab.value("document.getElementById('last').textContent")
    assert await scene.tab.value("document.getElementById('waiting').offsetParent === null"), "nobody waits for hours"
    await scene.tab.call("Page.reload")
    await scene.tab.until("document.getElementById('stands')?.textContent === 'running'")
    assert "percent of" in await scene.tab.value("document.getElementById('bar').getAttribute('aria-label')")
    await pictures(scene.tab)


async def test_pause_and_continue_by_mouse(scene: Scene) -> None:
    """Nothing more leaves from a pause on; the page asks before it does anything, and tells who paused."""
    await scene.tab.open(scene.links["steer"])
    await scene.tab.until("document.getElementById('steering').offsetParent !== null")
    assert "key" not in await scene.tab.value("location.href"), "the key has left the address"
    await scene.tab.click("button[data-what=pause]")
    await scene.tab.until("document.getElementById('sure').open")
    await scene.tab.click("#sure button[value=no]")
    await scene.tab.until("!document.getElementById('sure').open")
    assert not scene.paused()
    await scene.tab.click("button[data-what=pause]")
    await scene.tab.until("document.getElementById('sure').open")
    await scene.tab.click("#yes")
    await scene.tab.until("document.getElementById('stands').textContent.startsWith('paused by')")
    assert scene.paused()
    await scene.tab.call("Page.reload")
    await scene.tab.until("document.querySelector('button[data-what=continue]')?.disabled === false")
    await scene.tab.click("button[data-what=continue]")
    await scene.tab.until("document.getElementById('sure').open")
    await scene.tab.click("#yes")
    await scene.tab.until("document.getElementById('stands').textContent === 'running'")
    assert not scene.paused()


async def test_stop_by_keyboard(scene: Scene) -> None:
    """All of it without a mouse, on a narrow screen: to the button by Tab, the question by Enter."""
    await scene.tab.size(360, 740)
    await scene.tab.open(scene.links["steer"])
    await scene.tab.until("document.querySelector('button[data-what=stop]').disabled === false")
    for _ in range(20):
        await scene.tab.key("Tab", 9)
        if await scene.tab.value("document.activeElement.dataset.what === 'stop'"):
            break
    assert await scene.tab.value("document.activeElement.dataset.what") == "stop"
    await scene.tab.key("Enter", 13, "\r")
    await scene.tab.until("document.getElementById('sure').open")
    assert await scene.tab.value("document.activeElement.value") == "no", "an Enter too many stops nothing"
    await scene.tab.key("Tab", 9)
    await scene.tab.key("Enter", 13, "\r")
    await scene.tab.until("document.getElementById('stands').textContent === 'stopped'", 30)
    assert await asyncio.wait_for(scene.sending.wait(), 30) == 3
    wide = await scene.tab.value("document.documentElement.scrollWidth")
    assert wide <= 360, "nothing of it is off the screen"


async def pictures(tab: Tab) -> None:
    if folder := os.environ.get("PICTURES"):
        await asyncio.sleep(15)
        for name, width, height, is_dark in (
            ("watch.png", 1000, 900, False),
            ("watch-dark.png", 1000, 900, True),
            ("watch-phone.png", 390, 844, True),
        ):
            await tab.size(width, height, is_dark=is_dark)
            await asyncio.sleep(1.5)
            await tab.picture(Path(folder) / name)
