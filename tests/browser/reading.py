"""The built site in a real browser, from its files: `make site` first, then `make browser`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.browser.chromium import Tab, browser

SITE = Path(__file__).parents[2] / "build" / "site"

pytestmark = pytest.mark.skipif(not (SITE / "index.html").exists(), reason="no site is built: make site")


@pytest.fixture
async def tab() -> AsyncIterator[Tab]:
    async with browser() as tab:
        yield tab


async def test_it_is_read_without_a_network(tab: Tab) -> None:
    """Whoever reads it on a train would see no style, and others would see what is read."""
    for page in ("index", "campaign", "reference/Run", "reference/errors", "commands"):
        await tab.open((SITE / f"{page}.html").as_uri())
        assert await tab.value("document.querySelector('h1').innerText")
        assert await tab.value("[...document.images].every(image => image.naturalWidth > 0)")
    assert [address for address in tab.addresses if not address.startswith(("file:", "data:"))] == []
    assert tab.failures == []


@pytest.mark.parametrize("words", ["reconcile", "MaybeSentError", "opt-outs"])
async def test_the_search_finds(tab: Tab, words: str) -> None:
    """The pages are too many to be leafed through."""
    await tab.open(f"{(SITE / 'search.html').as_uri()}?q={words}")
    assert await tab.until("document.querySelectorAll('#search-results li a').length")
    assert [address for address in tab.addresses if not address.startswith(("file:", "data:"))] == []
