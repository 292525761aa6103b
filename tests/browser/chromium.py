"""Chromium without a window, driven over its own debugging protocol.

Lives here: starting it, and as much of the protocol as a test of a page needs. What the page logs, what fails in it and what it
asks of the network is kept.
"""

import asyncio
import base64
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ("--headless=new", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update")


class NoBrowserError(Exception):
    """There is no Chromium on this machine."""


def found() -> str:
    """Where Chromium is: CHROMIUM in the environment, or on the path. NoBrowserError tells how to get it."""
    named = os.environ.get("CHROMIUM")
    path = named or next((path for name in NAMES if (path := shutil.which(name))), None)
    if path is None:
        raise NoBrowserError("no Chromium: install it (Debian: apt-get install chromium), or name it in CHROMIUM")
    return path


class Tab:
    """One page. `console`: what it has logged; `failures`: errors in its code; `hosts`: whom it has asked for anything."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._number = 0
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.console: list[str] = []
        self.failures: list[str] = []
        self.addresses: list[str] = []
        self._listening = asyncio.create_task(self._listen())

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol."""
        self._number += 1
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[self._number] = answer
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        found = await asyncio.wait_for(answer, 30)
        assert "error" not in found, found
        result: dict[str, Any] = found["result"]
        return result

    async def value(self, script: str) -> Any:
        """What an expression comes to in the page."""
        found = await self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def until(self, script: str, seconds: float = 20.0) -> Any:
        """Wait until an expression is true, and say what it is then."""
        async with asyncio.timeout(seconds):
            while not (found := await self.value(script)):
                await asyncio.sleep(0.02)
            return found

    async def open(self, url: str) -> None:
        """Go to this address."""
        await self.call("Page.navigate", url=url)
        await self.until("document.readyState === 'complete'")

    async def key(self, name: str, code: int, text: str = "") -> None:
        """Press a key and let it go."""
        more = {"key": name, "code": name, "windowsVirtualKeyCode": code}
        await self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **more)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **more)

    async def click(self, selector: str) -> None:
        """Click in the middle of an element with the mouse, once it stands still."""
        where = (
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: 'center'}}); "
            "const b = e.getBoundingClientRect(), x = b.x + b.width / 2, y = b.y + b.height / 2; "
            "return e.contains(document.elementFromPoint(x, y)) ? [x, y] : null; })()"
        )
        async with asyncio.timeout(20):
            x, y = box = await self.until(where)
            while (again := await self.until(where)) != box:
                x, y = box = again
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            button = "none" if kind == "mouseMoved" else "left"
            await self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, clickCount=1)

    async def size(self, width: int, height: int, *, is_dark: bool = False) -> None:
        """Show it on a screen of this size."""
        await self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])

    async def picture(self, path: Path) -> None:
        """A screenshot of the whole page."""
        found = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(found["data"]))

    async def _listen(self) -> None:
        async for message in self._socket:
            told = json.loads(message.data)
            if "id" in told:
                if not (answer := self._answers.pop(told["id"])).done():
                    answer.set_result(told)
                continue
            what, more = told["method"], told["params"]
            if what == "Runtime.consoleAPICalled":
                self.console.append(str(more["args"]))
            elif what == "Log.entryAdded":
                self.console.append(str(more["entry"]))
            elif what == "Runtime.exceptionThrown":
                self.failures.append(str(more["exceptionDetails"]))
            elif what == "Network.requestWillBeSent":
                self.addresses.append(more["request"]["url"])

    def close(self) -> None:
        self._listening.cancel()


@asynccontextmanager
async def browser() -> AsyncIterator[Tab]:
    """A tab of a browser with a profile of its own. NoBrowserError where there is none."""
    with tempfile.TemporaryDirectory(prefix="rumbleup-browser-", ignore_cleanup_errors=True) as profile:
        # Its sandbox needs a user of its own, which a machine for tests may not grant; the page is ours.
        command = [found(), *FLAGS, "--no-sandbox", "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            port = await _port(Path(profile) / "DevToolsActivePort", process)
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                    pages = [page for page in await answer.json() if page["type"] == "page"]
                async with session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                    tab = Tab(socket)
                    for domain in ("Page", "Runtime", "Log", "Network"):
                        await tab.call(f"{domain}.enable")
                    yield tab
                    tab.close()
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _port(file: Path, process: asyncio.subprocess.Process) -> int:
    async with asyncio.timeout(60):
        while True:
            assert process.returncode is None, "Chromium has ended"
            if file.exists() and (lines := file.read_text().splitlines()):
                return int(lines[0])
            await asyncio.sleep(0.05)
