"""The page of a report in a real browser: `python -m pytest tests/browser/reporting.py`.

With `PICTURES=folder` it leaves a screenshot there.
"""

import base64
import os
from pathlib import Path

from rumbleup_async.exports import page
from rumbleup_async.exports.outcome import gather
from rumbleup_async.ledger import SqliteLedger
from rumbleup_async.receipts.opening import open_store
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
        if folder := os.environ.get("PICTURES"):
            await tab.size(1100, 900)
            await tab.picture(Path(folder) / "report.png")
        printed = base64.b64decode((await tab.call("Page.printToPDF"))["data"])
        assert printed.startswith(b"%PDF")
        assert (tab.console, tab.failures) == ([], [])
        assert {address.partition(":")[0] for address in tab.addresses} <= {"file", "data"}
