"""The live page as an ASGI application, for services of Starlette, FastAPI, Django, Quart or Litestar, and for any ASGI server.

Lives here: the fit between ASGI and what the page answers.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from rumbleup_async.observe.answering import HEADERS, MOST_BYTES, Answer, Desk, Events, Request

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class AsgiApplication:
    """The page, to mount or to serve alone. What `Page.asgi()` gives."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; or, served alone, the lifespan, at whose end the ledgers are let go of."""
        match scope["type"]:
            case "http":
                await self._http(scope, receive, send)
            case "lifespan":
                await self._lifespan(receive, send)
            case "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1000})
            case _:
                raise NotImplementedError(f"the page serves HTTP, not {scope['type']}")

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self._desk.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = _path(scope)
        if not path:
            # The files of the page lie beside it, so its address has to end with a slash.
            headers = {**HEADERS, "Location": f"{scope.get('root_path', '')}/", "Content-Type": "text/plain"}
            await _send(send, Answer(308, b"", headers), is_head=False)
            return
        body = await _body(receive)
        if body is None:
            await _send(send, Answer(413, b"", HEADERS), is_head=False)
            return
        headers = {name.decode("latin-1").lower(): value.decode("utf-8", "replace") for name, value in scope["headers"]}
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"), max_num_fields=50)
        request = Request(scope["method"], path, query.get("run", [""])[0], headers, body)
        answer = await self._desk.answer(request)
        if answer.events is None:
            await _send(send, answer, is_head=scope["method"] == "HEAD")
            return
        await send(_start(answer.status, answer.headers))
        await _stream(answer.events, receive, send)


async def _stream(events: Events, receive: Receive, send: Send) -> None:
    """Tell for as long as the reader stays."""

    async def tell() -> None:
        async with events as messages:
            async for message in messages:
                await send({"type": "http.response.body", "body": message, "more_body": True})

    telling = asyncio.ensure_future(tell())
    leaving = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait([telling, leaving], return_when=asyncio.FIRST_COMPLETED)
    finally:
        telling.cancel()
        leaving.cancel()
        done = await asyncio.gather(telling, leaving, return_exceptions=True)
    for error in done:
        if isinstance(error, Exception) and not isinstance(error, OSError):
            raise error
    with contextlib.suppress(OSError):
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None where it is too large."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return body
        part: bytes = message.get("body", b"")
        body += part
        if len(body) > MOST_BYTES:
            return None
        if not message.get("more_body", False):
            return body


def _path(scope: Scope) -> str:
    """Behind the place at which it is mounted: servers and frameworks differ in whether `path` has that place in it."""
    path, root = str(scope["path"]), str(scope.get("root_path", "")).rstrip("/")
    return path[len(root) :] if root and (path == root or path.startswith(f"{root}/")) else path


def _start(status: int, headers: Mapping[str, str]) -> Message:
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": encoded}


async def _send(send: Send, answer: Answer, *, is_head: bool) -> None:
    await send(_start(answer.status, {**answer.headers, "Content-Length": str(len(answer.body))}))
    await send({"type": "http.response.body", "body": b"" if is_head else answer.body})
