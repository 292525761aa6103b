"""Files over real TCP: what arrives is what was handed in, and a large one is never in memory as a whole."""

import asyncio
import io
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from aiohttp import BodyPartReader, web

from rumbleup_async import ConfigurationError, KeyRefused, MaybeSentError, NotSentError, RumbleUp, Timeouts
from rumbleup_async.session.exchange import Request, Response
from rumbleup_async.session.multipart import Multipart, file_part
from tests.session import servers

PROJECT = {"action": 126, "name": "N", "status": "Draft"}
CONTACTS = b"phone,first_name\n2025550101,Ada\n"
MIB = 1024 * 1024


@asynccontextmanager
async def serving(handler: Callable[[web.Request], Any]) -> AsyncIterator[str]:
    """The base URL of a server that answers every request with this handler."""
    app = web.Application()
    app.router.add_route("*", "/api/{tail:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/api"
    finally:
        await runner.cleanup()


class Taken:
    """A handler that reads a form and keeps it."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.files: dict[str, tuple[str | None, str | None, bytes]] = {}
        self.headers: dict[str, str] = {}
        self.sizes: dict[str, int] = {}
        self.keep = True

    async def take(self, request: web.Request) -> web.Response:
        self.headers = dict(request.headers)
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            name = part.name or ""
            chunks, size = [], 0
            while chunk := await part.read_chunk(65536):
                size += len(chunk)
                if self.keep:
                    chunks.append(chunk)
            self.sizes[name] = size
            if part.filename is None:
                self.fields[name] = b"".join(chunks).decode()
            else:
                self.files[name] = (part.filename, part.headers.get("Content-Type"), b"".join(chunks))
        return web.json_response(PROJECT)


@pytest.mark.parametrize("kind", ["path", "text path", "bytes", "open file", "memory"])
async def test_every_kind_of_file_arrives(tmp_path: Path, kind: str) -> None:
    """A picture or a list would arrive cut, or not at all, depending on how it was handed in."""
    picture = tmp_path / 'pic "7".png'
    picture.write_bytes(bytes(range(256)) * 1000)
    taken = Taken()
    with picture.open("rb") as file:
        media: dict[str, Any] = {
            "path": picture, "text path": str(picture), "bytes": picture.read_bytes(), "open file": file,
            "memory": io.BytesIO(picture.read_bytes()),
        }  # fmt: skip
        async with serving(taken.take) as url, RumbleUp("KEY:SECRET", base_url=url) as client:
            project = await client.projects.create(
                name="Wärd 7", message="Hi.\nSTOP", media=media[kind], group_file=CONTACTS, flags=["a", "b"]
            )
        assert not file.closed
    assert project.id == "126"
    assert taken.fields == {"name": "Wärd 7", "message": "Hi.\nSTOP", "flags": "a,b"}
    name, content_type, content = taken.files["file"]
    assert (content_type, content) == ("application/octet-stream", picture.read_bytes())
    assert name == ("pic %227%22.png" if kind in {"path", "text path", "open file"} else "file")
    assert taken.files["group_file"][2] == CONTACTS
    assert "Transfer-Encoding" not in taken.headers
    assert int(taken.headers["Content-Length"]) > 256_000


async def test_an_open_file_is_sent_from_where_it_stands() -> None:
    """What the caller has read already would be sent again."""
    taken = Taken()
    media = io.BytesIO(b"HEADPICTURE")
    media.seek(4)
    async with serving(taken.take) as url, RumbleUp("KEY:SECRET", base_url=url) as client:
        await client.projects.update(126, media=media)
    assert taken.files["media"][2] == b"PICTURE"


async def test_a_large_file_is_not_held_in_memory(tmp_path: Path) -> None:
    """A film of 50 MB would take 50 MB of memory, or more, for each upload under way."""
    film = tmp_path / "film.mp4"
    with film.open("wb") as file:
        file.truncate(50 * MIB)
    taken = Taken()
    taken.keep = False
    async with serving(taken.take) as url, RumbleUp("KEY:SECRET", base_url=url) as client:
        tracemalloc.start()
        try:
            await client.projects.update(126, media=film)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert taken.sizes["media"] == 50 * MIB
    assert peak < 8 * MIB


async def test_an_upload_that_did_not_leave_is_begun_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second attempt would send the rest of a file that the first had read to its end."""
    bodies: list[bytes] = []

    class Exchange:
        async def __call__(self, request: Request) -> Response:
            bodies.append(await Multipart(request.parts, "b").encode())
            if len(bodies) < 3:
                raise NotSentError("no connection", endpoint=request.path)
            return Response(200, {}, b'{"action": 126}')

        async def aclose(self) -> None: ...

    async def at_once(_: float) -> None: ...

    monkeypatch.setattr("rumbleup_async.provider.retrying.sleep", at_once)
    media = io.BytesIO(b"--PICTURE")
    media.seek(2)
    async with RumbleUp("KEY:SECRET", exchange=Exchange()) as client:
        await client.projects.update(126, media=media)
    assert len(bodies) == 3
    assert bodies[0] == bodies[1] == bodies[2]
    assert bodies[0].count(b"\r\nPICTURE\r\n") == 1


async def test_a_broken_upload_is_not_repeated() -> None:
    """A project would be created twice."""
    calls = 0

    async def cut(request: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        await request.read()
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with serving(cut) as url, RumbleUp("KEY:SECRET", base_url=url) as client:
        with pytest.raises(MaybeSentError):
            await client.projects.create(name="N", message="STOP", media=b"PICTURE")
    assert calls == 1


async def test_a_server_that_stops_reading_is_given_up() -> None:
    """An upload would hang for ever: aiohttp has no timeout for writing."""
    done = asyncio.Event()

    async def deaf(_: web.Request) -> web.Response:
        await done.wait()
        return web.Response()

    async with serving(deaf) as url:
        async with RumbleUp("KEY:SECRET", base_url=url, timeouts=Timeouts(read=0.3)) as client:
            with pytest.raises(MaybeSentError, match="stopped taking"):
                await client.projects.update(126, media=b"x" * 64 * MIB)
        done.set()


async def test_an_upload_that_is_out_is_not_waited_for_without_end() -> None:
    """Informational answers, or a head that drips, would hold it for ever."""

    async def drips(line: servers.Line) -> None:
        await line.request()
        while True:
            await line.write(b"HTTP/1.1 102 Processing\r\n\r\n")
            await asyncio.sleep(0.02)

    timeouts = Timeouts(read=1.0, answer=1.0)
    async with servers.serving(drips) as server, RumbleUp("KEY:SECRET", base_url=server.url, timeouts=timeouts) as client:
        async with asyncio.timeout(20):
            with pytest.raises(MaybeSentError, match="no complete answer in time"):
                await client.projects.update(126, media=b"PICTURE")


async def test_an_early_refusal_is_heard() -> None:
    """A refused key would look like a broken connection."""

    async def refuse(_: web.Request) -> web.Response:
        return web.json_response({"status": 401, "message": "no"}, status=401)

    async with serving(refuse) as url, RumbleUp("KEY:SECRET", base_url=url) as client:
        with pytest.raises(KeyRefused):
            await client.projects.update(126, media=b"x" * 256)


async def test_a_file_that_shrinks_is_an_error(tmp_path: Path) -> None:
    """A body shorter than announced would make the server wait, and us believe that all was sent."""
    film = tmp_path / "film.mp4"
    film.write_bytes(b"x" * 1000)
    part = await file_part("media", film)
    film.write_bytes(b"x" * 10)
    with pytest.raises(OSError, match="shorter"):
        await Multipart((part,)).encode()


class Pipe(io.RawIOBase):
    """A file that cannot seek."""

    def seekable(self) -> bool:
        return False


@pytest.mark.parametrize("kind", ["missing", "directory", "text", "pipe"])
async def test_what_is_no_file_is_refused_before_anything_leaves(tmp_path: Path, kind: str) -> None:
    """A mistake with a file would surface as a broken upload, or as a project without its picture."""
    media: dict[str, str | Path | IO[bytes] | Any] = {
        "missing": tmp_path / "no.png", "directory": tmp_path, "text": io.StringIO("x"), "pipe": Pipe(),
    }  # fmt: skip
    async with serving(Taken().take) as url, RumbleUp("KEY:SECRET", base_url=url) as client:
        with pytest.raises(ConfigurationError):
            await client.projects.update(126, media=media[kind])
