"""The live page over HTTP: an application to mount in a service of one's own, or to serve alone.

Lives here: the fit between aiohttp and what the page answers (`answering`), and serving it alone.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.loopback import is_loopback
from rumbleup_async.observe.answering import HEADERS, MOST_BYTES, Answer, Desk, Keys, Request, new_key
from rumbleup_async.observe.gallery import Where

if TYPE_CHECKING:
    from rumbleup_async.observe.asgi import AsgiApplication

__all__ = ["Keys", "Page", "Where", "names_of", "new_key", "serve"]


class Page:
    """The live page over some runs.

    `ledgers`: files, folders of ledgers, `postgresql://USER@HOST/DB?run=NAME`, or a whole database. `keys`: what one has to
    bring to look and to steer; without them everybody may look and nobody may steer. `hosts`: the names by which the page may be
    called; none: any. Raises ConfigurationError for what cannot be a ledger.

    It looks only while somebody reads it. All of its applications share what was seen.
    """

    def __init__(self, ledgers: Iterable[Where], keys: Keys | None = None, hosts: Iterable[str] = ()) -> None:
        self._desk = Desk(ledgers, keys, hosts)

    def application(self) -> web.Application:
        """An application of aiohttp, to serve or to mount: `app.add_subapp("/texts", page.application())`."""
        app = web.Application(client_max_size=MOST_BYTES, middlewares=[_guard])
        app.router.add_route("*", "/{path:.*}", self._answer)
        app.on_cleanup.append(self._close)
        return app

    def asgi(self) -> AsgiApplication:
        """An ASGI application, to serve or to mount: `app.mount("/texts", page.asgi())` in Starlette and FastAPI. A service that
        tells what it mounts nothing of its own end calls `aclose` there."""
        from rumbleup_async.observe.asgi import AsgiApplication

        return AsgiApplication(self._desk)

    async def aclose(self) -> None:
        """End all reading, and let go of all ledgers."""
        await self._desk.close()

    async def _close(self, _: web.Application) -> None:
        await self.aclose()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        path = f"/{request.match_info['path']}"
        body = await request.read()
        answer = await self._desk.answer(Request(request.method, path, request.query.get("run", ""), headers, body))
        if answer.events is None:
            return web.Response(status=answer.status, body=answer.body, headers=answer.headers)
        return await _stream(answer, request)


async def _stream(answer: Answer, request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers=answer.headers)
    assert answer.events is not None  # noqa: S101 - whoever calls has looked
    async with answer.events as messages:
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            async for message in messages:
                await response.write(message)
    return response


@web.middleware
async def _guard(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as answer:
        answer.headers.update(HEADERS)
        raise


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
