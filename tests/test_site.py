"""The site as far as it can be told without building it; `make site` builds it strictly."""

import re
from pathlib import Path

import pytest

import rumbleup_async
from tests import site


def test_everything_public_has_a_page(tmp_path: Path) -> None:
    """Somebody would look for a class in the reference and take it for private."""
    site.lay_out(tmp_path)
    text = "\n".join(page.read_text() for page in (tmp_path / "reference").glob("*.rst"))
    documented = set(re.findall(r"^\.\. auto\w+:: (\w+)", text, re.MULTILINE))
    offered = {name for name in rumbleup_async.__all__ if callable(getattr(rumbleup_async, name))}
    assert offered - documented == set()
    assert {"Run", "Receiver", "Simulator", "serve", "Metrics", "MaybeSentError", "Messages"} <= documented
    pages = {
        page.relative_to(tmp_path).with_suffix("").as_posix() for page in tmp_path.rglob("*") if page.suffix in {".md", ".rst"}
    }
    tables = "\n".join(page.read_text() for page in tmp_path.rglob("*") if page.suffix in {".md", ".rst"})
    lost = [
        page
        for page in pages
        if page != "index" and not re.search(rf"(?:^| |<){re.escape(Path(page).name)}>?$|^{page}$", tables, re.MULTILINE)
    ]
    assert lost == []


def test_links_of_the_site_lead_somewhere(tmp_path: Path) -> None:
    """A page of the site would lead into nothing, though it is right in the checkout."""
    site.lay_out(tmp_path)
    lost = []
    for page in tmp_path.rglob("*.md"):
        text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
        targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]
        lost += [f"{page.name}: {target}" for target in targets if target and not (page.parent / target).exists()]
    assert lost == []


def test_a_page_in_no_table_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new page would be found by nobody."""
    known = {**site.pages(), "docs/new.md": "new"}
    monkeypatch.setattr(site, "pages", lambda: known)
    with pytest.raises(ValueError, match="new"):
        site.lay_out(tmp_path)


@pytest.mark.parametrize(
    ("text", "is_outside"),
    [
        ('<script src="https://cdn.example/x.js"></script>', True),
        ('<link rel="stylesheet" href="//fonts.example/css">', True),
        ("@import url(https://fonts.example/css)", True),
        ('<a href="https://www.rumbleup.com">RumbleUp</a>', False),
        ('<script src="_static/x.js"></script>', False),
    ],
)
def test_what_a_browser_would_fetch_is_noticed(tmp_path: Path, text: str, is_outside: bool) -> None:
    """Whoever reads the pages would be seen by others."""
    (tmp_path / "page.html").write_text(text)
    assert bool(site.outside(tmp_path)) is is_outside
