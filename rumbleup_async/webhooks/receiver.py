"""The receiver: an aiohttp.web application that checks, parses, answers fast and has the handlers called afterwards.

Lives here: HTTP in, statuses out.

    200  the event is taken (and safe in the sink, if there is one), or it is a repeat
    400  the body is no event, or it broke off          401  the check said no
    404  405  413  as usual                              408  the body did not come in time
    503  too many events wait, or the sink could not keep it: with Retry-After; the provider comes again for 24 hours
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from aiohttp import web

from rumbleup_async.errors import ConfigurationError, WebhookRefused
from rumbleup_async.webhooks.dispatch import Dispatcher
from rumbleup_async.webhooks.intake import Intake, Taken
from rumbleup_async.webhooks.ports import Check, Failure, Parser, Sink, Statistics

_log = logging.getLogger("rumbleup_async.webhooks")

_JSON = {"Content-Type": "application/json"}

E = TypeVar("E")
R = TypeVar("R")


class Receiver:
    """Takes events and has your handlers called.

        receiver = Receiver(rumbleup.webhooks.parse, check=checks.basic((user, password)), sink=SQLite("events.db"))

        @receiver.on(MessageReceived)
        async def answer(event: MessageReceived) -> None: ...

    Run `application()` alone (`serve` does), mount it in your own, or route to `answer` and append `running` to your
    application's `cleanup_ctx`. Runs in one event loop.

    `check`: see `checks`; to leave it out takes `allow_unauthenticated=True`, and then whoever finds the address can make up
    opt-outs and replies.
    `window`: keys remembered in memory, by which repeats are known. `queue`: events that may wait for their handlers.
    `at_once`: events whose handlers run at a time. `handler_timeout`: seconds for a handler. `body_limit`: bytes.
    `body_timeout`: seconds for a body to arrive. `drain_timeout`: seconds that handlers get when the application ends.
    `on_failure`: called with a `Failure` for each failed handler.
    """

    def __init__(
        self,
        parse: Parser,
        *,
        check: Check | None = None,
        allow_unauthenticated: bool = False,
        sink: Sink | None = None,
        window: int = 100_000,
        queue: int = 10_000,
        at_once: int = 16,
        handler_timeout: float = 30.0,
        body_limit: int = 1 << 20,
        body_timeout: float = 10.0,
        drain_timeout: float = 30.0,
        retry_after: int = 5,
        on_failure: Callable[[Failure], object] | None = None,
    ) -> None:
        if check is None and not allow_unauthenticated:
            raise ConfigurationError("a receiver needs a check; without one, anybody can post: say allow_unauthenticated=True")
        if check is not None and allow_unauthenticated:
            raise ConfigurationError("give either a check or allow_unauthenticated=True, not both")
        if min(window, queue, at_once, body_limit) < 1:
            raise ConfigurationError("window, queue, at_once and body_limit must be at least 1")
        self.statistics = Statistics()
        self._parse = parse
        self._check = check
        self._body_limit = body_limit
        self._body_timeout = body_timeout
        self._drain_timeout = drain_timeout
        self._retry_after = {"Retry-After": str(retry_after)}
        self._dispatcher = Dispatcher(
            at_once=at_once, patience=handler_timeout, on_failure=on_failure, statistics=self.statistics
        )
        self._intake = Intake(self._dispatcher, sink, window=window, limit=queue)

    @property
    def waiting(self) -> int:
        """Events that are being kept or whose handlers have not ended."""
        return self._intake.waiting

    def on(self, kind: type[E]) -> Callable[[Callable[[E], R]], Callable[[E], R]]:
        """Register the decorated function for events of this class and of those derived from it.

        A coroutine function runs in the event loop, a plain one in a thread. An event's handlers run side by side.
        """

        def register(handler: Callable[[E], R]) -> Callable[[E], R]:
            self._dispatcher.on(kind, handler)
            return handler

        return register

    def application(self, path: str = "/") -> web.Application:
        """An application that takes POST at `path`, to be run or to be mounted with `add_subapp`."""
        app = web.Application(client_max_size=self._body_limit)
        app.router.add_post(path, self.answer)
        app.cleanup_ctx.append(self.running)
        return app

    async def running(self, _: web.Application) -> AsyncIterator[None]:
        """For an application's `cleanup_ctx`: within it events are taken; at its end the handlers finish what was taken."""
        await self._intake.start()
        try:
            yield
        finally:
            await self._intake.stop(self._drain_timeout)

    async def answer(self, request: web.Request) -> web.Response:
        """The handler of the route."""
        if self._check is not None and not self._check(request.headers, request.query):
            return self._refuse("unauthorized", 401, {"WWW-Authenticate": 'Basic realm="webhooks"'})
        try:
            body = await self._body(request)
        except TimeoutError:
            return self._refuse("slow", 408)
        except (web.RequestPayloadError, ConnectionError):
            return self._refuse("broken", 400)
        if body is None:
            return self._refuse("too_large", 413)
        try:
            event = self._parse(request.headers, body)
        except WebhookRefused as refusal:
            _log.warning("refused a request: %s", refusal)
            return self._refuse("unreadable", 400)
        taken = await self._intake.take(event)
        if taken is Taken.NEW:
            self.statistics.received += 1
        elif taken is Taken.REPEATED:
            self.statistics.repeated += 1
        else:
            return self._refuse(taken.value, 503, self._retry_after)
        return web.Response(body=b'{"ok":true}', headers=_JSON)

    async def _body(self, request: web.Request) -> bytes | None:
        """None if it is too large; then not more than the limit has been read."""
        content = request.content
        if content.is_eof() and content.exception() is None:
            # It came with the headers, as nearly all do: no wait, no timer.
            body = content.read_nowait()
            return body if len(body) <= self._body_limit else None
        if (request.content_length or 0) > self._body_limit:
            return None
        parts: list[bytes] = []
        size = 0
        async with asyncio.timeout(self._body_timeout):
            while part := await content.readany():
                size += len(part)
                if size > self._body_limit:
                    return None
                parts.append(part)
        return b"".join(parts)

    def _refuse(self, reason: str, status: int, headers: dict[str, str] | None = None) -> web.Response:
        self.statistics.refuse(reason)
        body = b'{"ok":false,"reason":"%s"}' % reason.encode()
        response = web.Response(status=status, body=body, headers={**_JSON, **(headers or {})})
        if status in {401, 408, 413}:
            response.force_close()
        return response
