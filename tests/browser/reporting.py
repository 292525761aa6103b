"""The page of a report in a real browser: `python -m pytest tests/browser/reporting.py`.

With `PICTURES=folder` it leaves a screenshot there.
"""

import base64
import os
from pathlib import Path
from typing import Any

from rumbleup_async import RumbleUp
from rumbleup_async.exports import page
from rumbleup_async.exports.outcome import gather
from rumbleup_async.ledger import SqliteLedger
from rumbleup_async.receipts.opening import open_store
from rumbleup_async.simulator import Simulator, serve
from tests.browser.chromium import browser
from tests.exports.made import PLAN, make, told


async def test_it_is_shown_and_printed_and_asks_nobody(tmp_path: Path) -> None:
    """From a file, as somebody opens it who was mailed it: in light and dark, on a phone, on paper."""
    await make(SqliteLedger(tmp_path / "voters.ledger"))
    store = open_store(tmp_path / "voters.ledger", PLAN.run, makes=True)
    assert store is not None
    store.take(told())
    store.looked()
    store.close()
    (tmp_path / "report.html").write_text(page.write([gather(tmp_path / "voters.ledger")]), encoding="utf-8")
    async with browser() as tab:
        await tab.open((tmp_path / "report.html").as_uri())
        await tab.until("document.readyState === 'complete'")
        grounds = []
        for width, is_dark in ((1100, False), (1100, True), (390, False)):
            await tab.size(width, 900, is_dark=is_dark)
            assert await tab.value("document.documentElement.scrollWidth <= innerWidth")
            grounds.append(await tab.value("getComputedStyle(document.body).backgroundColor"))
        assert grounds[0] == grounds[2] != grounds[1]
        heights = await tab.value("[...document.querySelectorAll('svg')].map(svg => svg.getBoundingClientRect().height)")
        assert len(heights) == 4
        assert all(height > 20 for height in heights)
        printed = base64.b64decode((await tab.call("Page.printToPDF"))["data"])
        assert printed.startswith(b"%PDF")
        assert (tab.console, tab.failures) == ([], [])
        assert {address.partition(":")[0] for address in tab.addresses} <= {"file", "data"}
        if folder := os.environ.get("PICTURES"):
            (tmp_path / "shown.html").write_text(
                page.write([gather(await texted(tmp_path / "voters-125.ledger"))]), encoding="utf-8"
            )
            await tab.open((tmp_path / "shown.html").as_uri())
            await tab.size(1000, 900)
            await tab.picture(Path(folder) / "report.png")


async def texted(path: Path) -> Path:
    """The ledger of a campaign as people have it, in four zones."""
    simulator = Simulator()
    numbers = [f"{area}555{number:04d}" for number in range(100, 150) for area in (202, 312, 303, 415)]
    simulator.fault(numbers[20], ["400"])
    async with serve(simulator) as server, RumbleUp("KEY:SECRET", base_url=server.url) as rumbleup:
        options: dict[str, Any] = {"ledger": path, "rate": 20, "price": "0.05", "suppress": numbers[50:52]}
        async with rumbleup.fast_mode(action=125, text="Hi {name}. STOP to opt out", **options) as run:
            await run.send([{"phone": number, "name": "Ada"} for number in [*numbers, "911"]])
    return path
