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

    async def gives_up(self, path: str, fields: Mapping[str, Any], seconds: float = 0.1) -> bool:
        """Whether no answer came in time."""
        try:
            async with asyncio.timeout(seconds):
                await self.call(path, fields)
        except TimeoutError:
            return True
        return False


Start = Callable[..., AbstractAsyncContextManager[Caller]]
"""`async with start(latency=0.1) as caller:` serves a simulator made with these options."""
