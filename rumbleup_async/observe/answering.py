"""What the live page answers, whatever serves it.

Lives here: the routes, and who may use them. It knows no server: one of aiohttp is in `serving`, ASGI is in `asgi`.

- Reading tells counts and never a phone or a text. Where the page is served to other machines it needs a key, too.
- Steering is by POST alone, with a key in a header of its own: no other site can make a browser send that. Keys come behind the
  `#` of a link, so that neither a log nor a referrer has them.
- Where a page is served on loopback alone a request must name this machine: a foreign name that points here is no reader of ours.
"""

from __future__ import annotations

import asyncio
import hmac
import importlib.resources
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Final, NamedTuple

import msgspec

from rumbleup_async.errors import LedgerError
from rumbleup_async.observe.gallery import Gallery, Where
from rumbleup_async.observe.streams import Streams
from rumbleup_async.pauses import Wish, oneself

MOST_BYTES: Final = 4096
"""Bytes of a request's body; more is refused by whoever serves."""
HEADERS: Final = {
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
"""Of every answer."""
_FILES: Final = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml; charset=utf-8"),
}
_SILENCE: Final = 15.0
"""Seconds after which a reader is told that there is nothing new, so that what lies between does not take it for dead."""
_GETS: Final = ("GET", "HEAD")


class Keys(msgspec.Struct, frozen=True):
    """What a reader and a steersman have to bring. "": nobody needs it to read; nobody can steer."""

    read: str = ""
    steer: str = ""

    def __repr__(self) -> str:
        return "Keys(...)"


class Request(NamedTuple):
    """What was asked. `path`: behind the place at which the page is mounted, from its `/` on. `run`: of the query. `headers`: by
    their names in small letters."""

    method: str
    path: str
    run: str
    headers: Mapping[str, str]
    body: bytes = b""


Events = AbstractAsyncContextManager[AsyncIterator[bytes]]


class Answer(NamedTuple):
    """What is answered. `events`: parts of the body that come one by one for as long as the reader stays, in place of `body`."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    events: Events | None = None


class _Steering(msgspec.Struct, frozen=True):
    """What a request asks of a run. `run`: the id of the ledger, as the page knows it."""

    run: str
    what: Wish


def new_key() -> str:
    """A key that nobody guesses."""
    return secrets.token_urlsafe(18)


class Desk:
    """Answers over these ledgers, folders of ledgers, and databases. `hosts`: the names by which it may be called; none: any."""

    def __init__(self, ledgers: Iterable[Where], keys: Keys | None = None, hosts: Iterable[str] = ()) -> None:
        self._streams = Streams(Gallery(ledgers))
        self._keys = keys or Keys()
        self._hosts = frozenset(hosts)
        self._files = {path: (_file(name), kind) for path, (name, kind) in _FILES.items()}

    async def close(self) -> None:
        """End all reading, and let go of all ledgers. Asked again it answers anew."""
        await self._streams.close()

    async def answer(self, request: Request) -> Answer:
        """Answer it. Whoever serves hands in no body of more than `MOST_BYTES`."""
        if self._hosts and _host(request) not in self._hosts:
            return _words(421, "this page is for this machine alone; call it by localhost")
        if request.path in self._files:
            if request.method not in _GETS:
                return _not_allowed("GET, HEAD")
            body, kind = self._files[request.path]
            return Answer(200, body, {**HEADERS, "Content-Type": kind})
        match request.path:
            case "/runs":
                return await self._runs(request) if request.method in _GETS else _not_allowed("GET, HEAD")
            case "/events":
                return await self._events(request) if request.method == "GET" else _not_allowed("GET")
            case "/steer":
                return await self._steer(request) if request.method == "POST" else _not_allowed("POST")
        return _words(404, "there is nothing here")

    async def _runs(self, request: Request) -> Answer:
        if not self._may_read(request):
            return _no_key()
        return _json({"runs": await self._streams.briefs(), "steers": self._may_steer(request)})

    async def _events(self, request: Request) -> Answer:
        if not self._may_read(request):
            return _no_key()
        watched = await self._streams.find(request.run)
        if watched is None:
            return _words(404, "there is no such ledger (any more)")

        @asynccontextmanager
        async def told() -> AsyncIterator[AsyncIterator[bytes]]:
            async with self._streams.reading(watched) as queue:
                yield _messages(queue)

        headers = {**HEADERS, "Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}
        return Answer(200, b"", headers, told())

    async def _steer(self, request: Request) -> Answer:
        if not self._may_steer(request):
            return _words(403, "steering needs the link with its key")
        if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return _words(403, "steering is for the page itself")
        try:
            wanted = msgspec.json.decode(request.body, type=_Steering)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return _words(400, "want: a run and one of pause, continue, stop")
        watched = await self._streams.find(wanted.run) if wanted.run else None
        if watched is None:
            return _words(404, "there is no such ledger (any more)")
        try:
            asked = await asyncio.to_thread(partial(watched.ledger.ask, wanted.what, f"{oneself()} (page)"))
        except (LedgerError, OSError) as error:
            return _words(409, watched.ledger.told(error))
        return _json({"heeded": asked.is_heeded, "running": asked.is_running, "paused": asked.after is not None})

    def _may_read(self, request: Request) -> bool:
        return not self._keys.read or _brings(request, self._keys.read) or self._may_steer(request)

    def _may_steer(self, request: Request) -> bool:
        return bool(self._keys.steer) and _brings(request, self._keys.steer)


async def _messages(queue: asyncio.Queue[bytes]) -> AsyncIterator[bytes]:
    while True:
        try:
            yield await asyncio.wait_for(queue.get(), _SILENCE)
        except TimeoutError:
            yield b": nothing new\n\n"


def _brings(request: Request, key: str) -> bool:
    given = request.headers.get("authorization", "")
    return hmac.compare_digest(given.encode("utf-8", "replace"), f"Bearer {key}".encode())


def _host(request: Request) -> str:
    given = request.headers.get("host", "")
    host = given.rpartition(":")[0] if given.rpartition(":")[2].isdigit() else given
    return host.strip("[]").lower()


def _json(value: Mapping[str, object]) -> Answer:
    return Answer(200, msgspec.json.encode(value), {**HEADERS, "Content-Type": "application/json"})


def _words(status: int, words: str, **more: str) -> Answer:
    return Answer(status, f"{words}\n".encode(), {**HEADERS, "Content-Type": "text/plain; charset=utf-8", **more})


def _no_key() -> Answer:
    return _words(401, "this page needs the link with its key", **{"WWW-Authenticate": "Bearer"})


def _not_allowed(methods: str) -> Answer:
    return _words(405, f"only {methods} will do here", Allow=methods)


def _file(name: str) -> bytes:
    return importlib.resources.files("rumbleup_async.observe").joinpath("page", name).read_bytes()
