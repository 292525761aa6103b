"""Files from the API over real TCP: never in memory as a whole, and an attempt that broke leaves no rest in them."""

import io
import tracemalloc
from pathlib import Path
from typing import IO

import pytest
from aiohttp import web

from rumbleup_async import ConfigurationError, MaybeSentError, NotFound, RumbleUp
from rumbleup_async.session.exchange import Request

from .test_uploads import MIB, serving


async def test_a_large_file_is_not_held_in_memory(tmp_path: Path) -> None:
    """The contacts of a large group could not be taken out at all: an answer in memory is bounded."""

    async def large(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(80):
            await response.write(bytes(MIB))
        return response

    out = tmp_path / "group.csv"
    async with serving(large) as url, RumbleUp("KEY:SECRET", base_url=url) as client:
        with out.open("wb") as file:
            tracemalloc.start()
            try:
                size = await client.contacts.download(26, into=file)
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
        with pytest.raises(MaybeSentError, match="longer than"):
            await client._caller.once(Request("GET", "/contact/download", read=True))
    assert size == 80 * MIB
    assert out.stat().st_size == 80 * MIB
    assert peak < 16 * MIB


async def test_a_broken_attempt_leaves_no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first half of a list would stand in the file twice."""
    calls = 0

    async def flaky(request: web.Request) -> web.StreamResponse:
        nonlocal calls
        calls += 1
        if calls > 1:
            return web.Response(body=b"phone\n2025550101\n")
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"phone\n2025550199\n" * 3)
        assert request.transport is not None
        request.transport.close()
        return response

    async def at_once(_: float) -> None: ...

    monkeypatch.setattr("rumbleup_async.provider.retrying.sleep", at_once)
    file = io.BytesIO(b"BEFORE")
    file.seek(6)
    async with serving(flaky) as url, RumbleUp("KEY:SECRET", base_url=url) as client:
        assert await client.account_reports.download("rp1", into=file) == 17
    assert calls == 2
    assert file.getvalue() == b"BEFOREphone\n2025550101\n"


async def test_an_error_is_not_written_into_the_file() -> None:
    """The words of an error would stand where contacts are expected."""

    async def gone(_: web.Request) -> web.Response:
        return web.json_response({"status": 404, "message": "no such report"}, status=404)

    file = io.BytesIO()
    async with serving(gone) as url, RumbleUp("KEY:SECRET", base_url=url) as client:
        with pytest.raises(NotFound, match="no such report"):
            await client.account_reports.download("rp1", into=file)
    assert file.getvalue() == b""


async def test_an_error_that_comes_as_a_success_is_taken_out_of_the_file() -> None:
    """The same, where the status line says that all is well."""

    async def gone(_: web.Request) -> web.Response:
        return web.json_response({"status": 404, "message": "no such report"})

    file = io.BytesIO(b"BEFORE")
    file.seek(6)
    async with serving(gone) as url, RumbleUp("KEY:SECRET", base_url=url) as client:
        with pytest.raises(NotFound, match="no such report"):
            await client.account_reports.download("rp1", into=file)
    assert file.getvalue() == b"BEFORE"


async def test_what_is_no_file_is_refused() -> None:
    """A path in place of a file would fail with somebody else's exception."""
    path: IO[bytes] = "group.csv"  # type: ignore[assignment]
    async with RumbleUp("KEY:SECRET", base_url="http://127.0.0.1:1/api") as client:
        with pytest.raises(ConfigurationError, match="open binary file"):
            await client.account_reports.download("rp1", into=path)
