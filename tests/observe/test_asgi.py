"""The page as an ASGI application: driven by hand, and behind a real server."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rumbleup_async.ledger import Reader
from rumbleup_async.observe.asgi import AsgiApplication
from rumbleup_async.observe.serving import Keys, Page
from tests.observe.test_gallery import begun, sent
from tests.observe.test_serving import KEYS, MINE, Reading, messages


async def call(
    app: Any, method: str, path: str, *, body: bytes = b"", root: str = "", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """One request, as a server hands it in."""
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path, "root_path": root,
        "query_string": b"", "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    given = [{"type": "http.request", "body": body[:10], "more_body": True}, {"type": "http.request", "body": body[10:]}]
    told: list[Any] = []

    async def receive() -> Any:
        return given.pop(0) if given else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        told.append(message)

    await app(scope, receive, send)
    start, *parts = told
    return (
        start["status"],
        {name.decode(): value.decode() for name, value in start["headers"]},
        b"".join(part["body"] for part in parts),
    )


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[AsgiApplication]:
    await (await begun(tmp_path / "voters.ledger", 5)).aclose()
    page = Page([tmp_path], KEYS)
    yield page.asgi()
    await page.aclose()


async def run_of(app: AsgiApplication) -> str:
    return str(json.loads((await call(app, "GET", "/runs"))[2])["runs"][0]["id"])


def is_paused(path: Path) -> bool:
    reader = Reader(path)
    try:
        return reader.pause is not None
    finally:
        reader.close()


async def test_it_answers_as_under_aiohttp(app: AsgiApplication, tmp_path: Path) -> None:
    """The same files, headers, keys and refusals."""
    status, headers, body = await call(app, "GET", "/")
    assert (status, headers["x-frame-options"], b"page.js" in body) == (200, "DENY", True)
    assert (await call(app, "HEAD", "/"))[::2] == (200, b"")
    assert (await call(app, "DELETE", "/"))[:1] == (405,)
    assert (await call(app, "GET", "/gallery.py"))[:1] == (404,)
    asked = json.dumps({"run": await run_of(app), "what": "pause"}).encode()
    assert (await call(app, "GET", "/steer", body=asked, authorization="Bearer let-me"))[0] == 405, "never by GET"
    assert (await call(app, "POST", "/steer", body=asked))[0] == 403
    assert (await call(app, "POST", "/steer", body=asked, authorization="Bearer let-me", sec_fetch_site="cross-site"))[0] == 403
    assert (await call(app, "POST", "/steer", body=b"x" * 5000, authorization="Bearer let-me"))[0] == 413
    assert (await call(app, "POST", "/steer", body=b"[" * 4000, authorization="Bearer let-me"))[0] == 400
    assert not is_paused(tmp_path / "voters.ledger")
    assert (await call(app, "POST", "/steer", body=asked, authorization="Bearer let-me"))[0] == 200
    assert is_paused(tmp_path / "voters.ledger")


@pytest.mark.parametrize(("root", "path"), [("/texts", "/texts/runs"), ("/texts", "/runs"), ("", "/runs")])
async def test_where_it_is_mounted_makes_no_difference(app: AsgiApplication, root: str, path: str) -> None:
    """Some leave the place in the path, as ASGI says, others take it away."""
    assert (await call(app, "GET", path, root=root))[0] == 200


async def test_its_address_ends_with_a_slash(app: AsgiApplication) -> None:
    """Or the browser would look for the page's files beside it."""
    status, headers, _ = await call(app, "GET", "/texts", root="/texts")
    assert (status, headers["location"]) == (308, "/texts/")


async def test_a_socket_is_closed(app: AsgiApplication) -> None:
    """There is none on the page."""
    told: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        told.append(message["type"])

    await app({"type": "websocket"}, receive, send)
    assert told == ["websocket.close"]


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """A real server of another make, in this loop."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", ws="none", timeout_graceful_shutdown=2))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    server.should_exit = True
    await serving


async def test_a_run_is_told_live_and_steered_behind_a_real_server(tmp_path: Path) -> None:
    """Events come one by one, a reader who leaves is let go of, and the end of the server lets go of the ledger."""
    ledger = await begun(tmp_path / "voters.ledger", 5)
    page = Page([tmp_path], Keys(steer="let-me"))
    async with served(page.asgi()) as url, aiohttp.ClientSession() as session:
        async with session.get(f"{url}events") as answer:
            seen = messages(answer)
            assert (await anext(seen))[1]["look"]["counts"]["sent"] == 0
            await sent(ledger, [1, 2], 1_800_000_000)
            async with asyncio.timeout(20):
                async for name, told in seen:
                    if name == "run" and told["look"]["counts"]["sent"] == 2:
                        break
        for _ in range(200):
            if not any("_tick" in repr(task) for task in asyncio.all_tasks()):
                break
            await asyncio.sleep(0.05)
        else:
            raise AssertionError("it goes on looking for a reader who has left")
        assert (await Reading(session, url, tmp_path).steer("pause", {}))[0] == 403
        await ledger.aclose()
        assert (await Reading(session, url, tmp_path).steer("pause", MINE))[0] == 200
    assert not any(task for task in asyncio.all_tasks() if "_tick" in repr(task))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "get"]),
    st.one_of(
        st.sampled_from(["/steer", "/runs", "/page.js", "/../page.js", "/..%2fgallery.py", "//steer"]), st.text(max_size=20)
    ),
    st.one_of(st.binary(max_size=6000), st.sampled_from([b'{"run":"","what":"pause"}', b'{"run":[],"what":"x"}', b"[" * 3000])),
    st.text(max_size=30),
)
async def test_whatever_is_asked_is_answered_calmly(
    app: AsgiApplication, tmp_path: Path, method: str, path: str, body: bytes, word: str
) -> None:
    """No request makes an error, changes a run, or hands out a file that is none of the page's."""
    words = word.encode("utf-8", "replace").decode("utf-8")
    status, headers, told = await call(app, method, path, body=body, authorization=f"Bearer {words}", host=words)
    assert status < 500
    assert headers["x-content-type-options"] == "nosniff"
    assert b"import " not in told
    assert (await call(app, "POST", "/steer", body=body, authorization="Bearer let-me"))[0] < 500
    assert not is_paused(tmp_path / "voters.ledger")
