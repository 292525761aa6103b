"""A plain aiohttp caller of the simulator, and a clock that stands still."""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Self

import aiohttp

from rumbleup_async.simulator import Server

KEY = "Bearer KEY:SECRET"
TEXT = "Hi Ada. STOP to opt out"


class Clock:
    """Unix seconds that move only when told to."""

    def __init__(self, now: float = 1_741_184_400.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Caller:
    """Calls one server, each request over its own connection unless `keep_alive`."""

    def __init__(self, server: Server, *, keep_alive: bool = False) -> None:
        self.server = server
        self.simulator = server.simulator
        self._keep_alive = keep_alive

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(force_close=not self._keep_alive)
        self.session = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=20))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        await self.session.close()

    async def call(
        self, path: str, fields: Mapping[str, Any] | None = None, *, method: str = "POST", key: str | None = KEY, **options: Any
    ) -> tuple[int, Any]:
        """Status and decoded JSON (the bare text where it is no JSON)."""
        status, text, _ = await self.raw(path, fields, method=method, key=key, **options)
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text

    async def raw(
        self, path: str, fields: Mapping[str, Any] | None = None, *, method: str = "POST", key: str | None = KEY, **options: Any
    ) -> tuple[int, str, Mapping[str, str]]:
        """Status, text and headers."""
        headers = dict(options.pop("headers", {}))
        if key is not None:
            headers["Authorization"] = key
        options.setdefault("allow_redirects", False)
        if fields is not None:
            options["params" if method == "GET" else "json"] = fields
        url = self.server.origin + path if path.startswith("/_") else f"{self.server.url}/{path}"
        async with self.session.request(method, url, headers=headers, **options) as response:
            return response.status, await response.text(), response.headers

    async def send(self, phone: str = "2025550101", **fields: Any) -> tuple[int, Any]:
        """A text that leaves unless something is in its way."""
        return await self.call("message/send", {"phone": phone, "action": "125", "text": TEXT, **fields})

    async def log(self, **fields: Any) -> tuple[int, Any]:
        """One page of the log."""
        return await self.call("message/log/select", fields, method="GET")

    async def next(self, action: str = "125") -> tuple[int, Any]:
        """The next contact of a project."""
        return await self.call("message/next", {"action": action})

    async def project(self, action: int | str = 125) -> Any:
        """A project as `project/get` shows it."""
        status, project = await self.call(f"project/get/{action}", method="GET")
        assert status == 200
        return project

    async def new_project(self, **fields: Any) -> str:
        """The id of a new project, tested and live."""
        _, project = await self.call("project/create", {"name": "GOTV", "message": TEXT, **fields})
        action = str(project["action"])
        await self.call(f"project/test/{action}", {"test_phone": "2025550100"})
        status, project = await self.call(f"project/send/{action}")
        assert (status, project["status"]) == (200, "Live")
        return action

    async def admin(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The admin API: POST with a body, GET without."""
        status, reply = await self.call(f"/_simulator/{path}", body, method="GET" if body is None else "POST", key=None)
        assert status == 200, reply
        return reply

    async def gives_up(self, path: str, fields: Mapping[str, Any]) -> bool:
        """Call, leave once the server has worked on it (or, if it is stalled, after a moment); whether no answer came."""
        requests = self.simulator.requests
        before = requests.count()
        calling = asyncio.create_task(self.call(path, fields))
        while requests.count() == before and not self.simulator.stalled:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.02)
        unanswered = not calling.done()
        calling.cancel()
        await asyncio.wait([calling])
        return unanswered


Start = Callable[..., AbstractAsyncContextManager[Caller]]
"""`async with start(latency=0.1) as caller:` serves a simulator made with these options."""


async def exchange(
    server: Server, *requests: tuple[str, Mapping[str, Any]], end: str = "open", silent: bool = False
) -> tuple[bytes, str]:
    """Requests on one connection, byte by byte: what arrived, and whether it was then `open`, `closed` or `reset`.

    `end` is what the caller expects and only decides how long to wait; a `silent` server is given a moment and no more.
    """
    reader, writer = await asyncio.open_connection(server.host, server.port)
    arrived, seen = b"", "open"
    try:
        for place, (path, fields) in enumerate(requests):
            body = json.dumps(fields).encode()
            head = f"POST /api/{path} HTTP/1.1\r\nHost: x\r\nAuthorization: {KEY}\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            reply = b""
            lasts = end == "open" or place < len(requests) - 1
            while seen == "open":
                patience = 0.03 if silent or (lasts and _is_whole(reply)) else 10.0
                try:
                    async with asyncio.timeout(patience):
                        data = await reader.read(65_536)
                except TimeoutError:
                    break
                except ConnectionResetError:
                    seen = "reset"
                else:
                    reply, seen = reply + data, "open" if data else "closed"
            arrived += reply
    finally:
        writer.close()
    return arrived, seen


def _is_whole(reply: bytes) -> bool:
    head, found, body = reply.partition(b"\r\n\r\n")
    return bool(found) and len(body) >= int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
