"""The live page over HTTP: an application to mount in a service of one's own, or to serve alone.

Lives here: the routes, and who may use them.

- Reading tells counts and never a phone or a text. Where the page is served to other machines it needs a key, too.
- Steering is by POST alone, with a key in a header of its own: no other site can make a browser send that. Keys come behind the
  `#` of a link, so that neither a log nor a referrer has them.
- Where a page is served on loopback alone a request must name this machine: a foreign name that points here is no reader of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import importlib.resources
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Final, TypeVar

import msgspec
from aiohttp import web

from rumbleup_async.errors import ConfigurationError, LedgerError
from rumbleup_async.loopback import is_loopback
from rumbleup_async.observe.gallery import Gallery, Where
from rumbleup_async.observe.streams import Streams
from rumbleup_async.pauses import Wish, oneself

T = TypeVar("T")

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
_FILES: Final = {"": "text/html", "page.js": "text/javascript", "page.css": "text/css", "icon.svg": "image/svg+xml"}
_MOST: Final = 4096
"""Bytes of a request's body."""
_SILENCE: Final = 15.0
"""Seconds after which a reader is told that there is nothing new, so that what lies between does not take it for dead."""


class Keys(msgspec.Struct, frozen=True):
    """What a reader and a steersman have to bring. "": nobody needs it to read; nobody can steer."""

    read: str = ""
    steer: str = ""

    def __repr__(self) -> str:
        return "Keys(...)"


class _Steering(msgspec.Struct, frozen=True):
    """What a request asks of a run. `run`: the id of the ledger, as the page knows it."""

    run: str
    what: Wish


def new_key() -> str:
    """A key that nobody guesses."""
    return secrets.token_urlsafe(18)


class Page:
    """The page over these ledgers, folders of ledgers, and databases. `hosts`: the names by which it may be called; none: any."""

    def __init__(self, ledgers: Iterable[Where], keys: Keys | None = None, hosts: Iterable[str] = ()) -> None:
        self._streams = Streams(Gallery(ledgers))
        self._keys = keys or Keys()
        self._hosts = frozenset(hosts)
        self._files = {name: _file(name or "page.html") for name in _FILES}

    def application(self) -> web.Application:
        """An application of aiohttp, to serve or to mount: `app.add_subapp("/texts", page.application())`."""
        app = web.Application(client_max_size=_MOST, middlewares=[self._guard])
        app.router.add_get("/", self._file)
        app.router.add_get("/{name:page\\.js|page\\.css|icon\\.svg}", self._file)
        app.router.add_get("/runs", self._runs)
        app.router.add_get("/events", self._events)
        app.router.add_post("/steer", self._steer)
        app.on_cleanup.append(self._close)
        return app

    async def _close(self, _: web.Application) -> None:
        await self._streams.close()

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            if self._hosts and _host(request) not in self._hosts:
                raise web.HTTPMisdirectedRequest(text="this page is for this machine alone; call it by localhost\n")
            response = await handler(request)
        except web.HTTPException as answer:
            answer.headers.update(_HEADERS)
            raise
        if not response.prepared:
            response.headers.update(_HEADERS)
        return response

    async def _file(self, request: web.Request) -> web.Response:
        name = request.match_info.get("name", "")
        return web.Response(body=self._files[name], content_type=_FILES[name], charset="utf-8")

    async def _runs(self, request: web.Request) -> web.Response:
        self._check_reader(request)
        return _json({"runs": await self._streams.briefs(), "steers": self._may_steer(request)})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        self._check_reader(request)
        watched = await self._streams.find(request.query.get("run", ""))
        if watched is None:
            raise web.HTTPNotFound(text="there is no such ledger (any more)\n")
        response = web.StreamResponse(headers={**_HEADERS, "Content-Type": "text/event-stream; charset=utf-8"})
        async with self._streams.reading(watched) as queue:
            await response.prepare(request)
            with contextlib.suppress(ConnectionError):
                while True:
                    try:
                        message = await asyncio.wait_for(queue.get(), _SILENCE)
                    except TimeoutError:
                        message = b": nothing new\n\n"
                    await response.write(message)
        return response

    async def _steer(self, request: web.Request) -> web.Response:
        if not self._may_steer(request):
            raise web.HTTPForbidden(text="steering needs the link with its key\n")
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
            raise web.HTTPForbidden(text="steering is for the page itself\n")
        try:
            wanted = msgspec.json.decode(await request.read(), type=_Steering)
        except msgspec.MsgspecError:
            raise web.HTTPBadRequest(text="want: a run and one of pause, continue, stop\n") from None
        watched = await self._streams.find(wanted.run) if wanted.run else None
        if watched is None:
            raise web.HTTPNotFound(text="there is no such ledger (any more)\n")
        try:
            asked = await asyncio.to_thread(partial(watched.ledger.ask, wanted.what, f"{oneself()} (page)"))
        except (LedgerError, OSError) as error:
            raise web.HTTPConflict(text=f"{watched.ledger.told(error)}\n") from None
        return _json({"heeded": asked.is_heeded, "running": asked.is_running, "paused": asked.after is not None})

    def _check_reader(self, request: web.Request) -> None:
        if self._keys.read and not (_brings(request, self._keys.read) or self._may_steer(request)):
            raise web.HTTPUnauthorized(text="this page needs the link with its key\n", headers={"WWW-Authenticate": "Bearer"})

    def _may_steer(self, request: web.Request) -> bool:
        return bool(self._keys.steer) and _brings(request, self._keys.steer)


def _brings(request: web.Request, key: str) -> bool:
    given = request.headers.get("Authorization", "")
    return hmac.compare_digest(given.encode("utf-8", "replace"), f"Bearer {key}".encode())


def _host(request: web.Request) -> str:
    host = request.host.rpartition(":")[0] if request.host.rpartition(":")[2].isdigit() else request.host
    return host.strip("[]").lower()


def _json(value: Mapping[str, object]) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


def _file(name: str) -> bytes:
    return importlib.resources.files("rumbleup_async.observe").joinpath("page", name).read_bytes()


@asynccontextmanager
async def serve(page: Page, host: str, port: int) -> AsyncIterator[str]:
    """Serve the page alone while the context is open, and yield its address. Port 0 takes a free port. There is no access log.
    ConfigurationError if the port cannot be used."""
    runner = web.AppRunner(page.application(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise ConfigurationError(f"cannot listen on {host} port {port}: {error.strerror or error}") from None
        shown = f"[{host}]" if ":" in host else host
        yield f"http://{shown}:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


def names_of(host: str) -> tuple[str, ...]:
    """The names by which a page on this address may be called: those of this machine where it is for it alone, else any."""
    return ("localhost", "127.0.0.1", "::1", host) if is_loopback(host) else ()
