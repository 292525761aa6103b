"""The page over HTTP: what it tells, who may steer, and what is thrown at it."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rumbleup_async.ledger import Reader
from rumbleup_async.observe.serving import Keys, Page, names_of, serve
from tests.observe.test_gallery import begun, sent

KEYS = Keys(steer="let-me")
MINE = {"Authorization": "Bearer let-me"}


class Reading:
    """A client of the page."""

    def __init__(self, session: aiohttp.ClientSession, url: str, path: Path) -> None:
        self.session, self.url, self.path = session, url, path

    async def get(self, route: str, **headers: str) -> tuple[int, str, Any]:
        async with self.session.get(self.url + route, headers=headers) as answer:
            return answer.status, await answer.text(), answer.headers

    async def steer(self, what: object, headers: dict[str, str] = MINE) -> tuple[int, str]:
        run = json.loads((await self.get("runs"))[1])["runs"][0]["id"]
        async with self.session.post(self.url + "steer", json={"run": run, "what": what}, headers=headers) as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def reading(tmp_path: Path) -> AsyncIterator[Reading]:
    """The page over one ledger of five contacts that nobody sends."""
    await (await begun(tmp_path / "voters.ledger", 5)).aclose()
    page = Page([tmp_path], KEYS, names_of("127.0.0.1"))
    async with serve(page, "127.0.0.1", 0) as url, aiohttp.ClientSession() as session:
        yield Reading(session, url, tmp_path / "voters.ledger")


async def messages(answer: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, Any]]:
    """Server-sent events, as a browser reads them."""
    name = ""
    async for line in answer.content:
        word, _, rest = line.decode().rstrip("\n").partition(": ")
        if word == "event":
            name = rest
        elif word == "data":
            yield name, json.loads(rest)


async def test_the_page_asks_no_other_host_and_says_so(reading: Reading) -> None:
    """Nothing is fetched from elsewhere, no page may hold it in a frame, and nothing of it stays in a cache."""
    for route in ("", "page.js", "page.css", "icon.svg"):
        status, body, headers = await reading.get(route)
        assert status == 200
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Cache-Control"] == "no-store"
        assert "//" not in body.replace("http://www.w3.org/2000/svg", "").replace("// ", ""), route


async def test_a_run_is_told_live(tmp_path: Path) -> None:
    """What the ledger notes is on the page within a second; the picture is told whole once, and then what is new of it."""
    ledger = await begun(tmp_path / "voters.ledger", 5)
    async with (
        serve(Page([ledger.path]), "127.0.0.1", 0) as url,
        aiohttp.ClientSession() as session,
        session.get(f"{url}events") as answer,
    ):
        seen = messages(answer)
        name, first = await anext(seen)
        assert (name, first["look"]["counts"]["sent"], first["is_whole"]) == ("run", 0, True)
        await sent(ledger, [1, 2], 1_800_000_000)
        async with asyncio.timeout(20):
            async for name, told in seen:
                if name == "run" and told["look"]["counts"]["sent"] == 2 and told["points"]:
                    assert told["points"][0]["sent"] == 2.0
                    break
        text = json.dumps([first, told])
        assert "202000000" not in text, "no phone"
        assert "Ada" not in text, "no text"
    await ledger.aclose()


async def test_reading_costs_nothing_while_nobody_reads(reading: Reading) -> None:
    """A page that is left open in no browser does not look into the ledger."""
    async with reading.session.get(f"{reading.url}events") as answer:
        await anext(messages(answer))
    for _ in range(200):
        ticking = [task for task in asyncio.all_tasks() if "_tick" in repr(task)]
        if not ticking:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it goes on looking")


async def test_a_run_is_steered_by_who_has_the_key(reading: Reading) -> None:
    """Pause and continue are durable in the ledger, with the page named as who asked."""
    assert (await reading.steer("pause"))[0] == 200
    reader = Reader(reading.path)
    assert reader.pause is not None
    assert "page" in reader.pause.who
    reader.close()
    assert (await reading.steer("continue"))[0] == 200
    status, words = await reading.steer("stop")
    assert status == 409
    assert "nothing to stop" in words


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer no"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic let-me"},
        {"Authorization": "Bearer l\u00e9t-me"},
        {**MINE, "Sec-Fetch-Site": "cross-site"},
        {**MINE, "Sec-Fetch-Site": "same-site"},
    ],
)
async def test_nobody_else_steers(reading: Reading, headers: dict[str, str]) -> None:
    """Neither somebody without the key, nor another site in the browser of somebody who has it."""
    status, _ = await reading.steer("pause", headers)
    assert status == 403
    reader = Reader(reading.path)
    assert reader.pause is None
    reader.close()


async def test_without_a_key_nobody_steers(tmp_path: Path) -> None:
    """A page to look at: an empty key is none."""
    await (await begun(tmp_path / "a.ledger", 1)).aclose()
    async with serve(Page([tmp_path / "a.ledger"]), "127.0.0.1", 0) as url, aiohttp.ClientSession() as session:
        read = Reading(session, url, tmp_path)
        assert (await read.steer("pause", {"Authorization": "Bearer "}))[0] == 403
        assert json.loads((await read.get("runs"))[1])["steers"] is False


async def test_a_foreign_name_that_points_here_is_refused(reading: Reading) -> None:
    """A site whose name leads to 127.0.0.1 would read the page as its own."""
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", ""):
        assert (await reading.get("runs", Host=host))[0] in {400, 421}
    for host in ("localhost", "127.0.0.1:1", "[::1]:8027", "LOCALHOST"):
        assert (await reading.get("runs", Host=host))[0] == 200


async def test_other_machines_need_a_key_to_look(tmp_path: Path) -> None:
    """Of two links one only looks."""
    await (await begun(tmp_path / "a.ledger", 1)).aclose()
    page = Page([tmp_path / "a.ledger"], Keys(read="look", steer="let-me"))
    async with serve(page, "127.0.0.1", 0) as url, aiohttp.ClientSession() as session:
        read = Reading(session, url, tmp_path)
        for route in ("runs", "events"):
            assert (await read.get(route))[0] == 401
        assert (await read.get(""))[0] == 200, "the page itself tells nothing"
        assert json.loads((await read.get("runs", Authorization="Bearer look"))[1])["steers"] is False
        assert json.loads((await read.get("runs", Authorization="Bearer let-me"))[1])["steers"] is True
        run = json.loads((await read.get("runs", Authorization="Bearer look"))[1])["runs"][0]["id"]
        body = {"run": run, "what": "pause"}
        async with session.post(f"{url}steer", json=body, headers={"Authorization": "Bearer look"}) as answer:
            assert answer.status == 403


def test_keys_are_in_no_repr() -> None:
    """They would be in a log."""
    assert "let-me" not in repr(KEYS)


async def test_it_can_be_mounted_in_a_service(tmp_path: Path) -> None:
    """Its routes and its page go by paths relative to where it is."""
    await (await begun(tmp_path / "a.ledger", 1)).aclose()
    app = web.Application()
    app.add_subapp("/texts", Page([tmp_path]).application())
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/texts/"
    async with aiohttp.ClientSession() as session:
        read = Reading(session, url, tmp_path)
        assert "page.js" in (await read.get(""))[1]
        assert (await read.get("page.js"))[0] == 200
        assert json.loads((await read.get("runs"))[1])["runs"][0]["name"] == "a.ledger"
    await runner.cleanup()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE"]),
    st.one_of(st.sampled_from(["steer", "events", "runs", "page.js", "../page.js", "%2e%2e/gallery.py"]), st.text(max_size=20)),
    st.one_of(st.binary(max_size=6000), st.sampled_from([b'{"run":"","what":"pause"}', b'{"run":[],"what":"x"}', b"[" * 3000])),
)
async def test_whatever_is_asked_is_answered_calmly(reading: Reading, method: str, route: str, body: bytes) -> None:
    """No request makes a server error, changes a run, or hands out a file that is none of the page's."""
    from urllib.parse import quote

    url = reading.url + quote(route, safe="/%.")
    async with reading.session.request(method, url, data=body, headers=MINE) as answer:
        assert answer.status < 500
        if answer.content_type != "text/event-stream":
            assert b"import " not in await answer.read()
    reader = Reader(reading.path)
    assert reader.pause is None
    reader.close()


def test_what_shows_runs_is_imported_for_those_who_use_it() -> None:
    """The names of the package load a web server, or the packages of metrics, only where they are named."""
    code = """
import sys
import rumbleup_async.observe as observe
assert not {"aiohttp", "prometheus_client", "opentelemetry"} & sys.modules.keys()
assert [getattr(observe, name).__name__ for name in observe.__all__] == observe.__all__
try:
    observe.Nothing
except AttributeError as error:
    assert "Nothing" in str(error)
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-c", code], check=True)
