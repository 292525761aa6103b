"""The receiver: an aiohttp.web application that checks and parses events, answers fast, and then calls handlers.

Lives here: HTTP in, statuses out.

    200  the event is taken, and is safe in the sink if there is one; or it is a repeat
    400  the body is no event, or is incomplete          401  the check did not accept the request
    404  405  413  as usual                              408  the body did not come in time
    503  too many events wait, or the sink could not keep this one; with Retry-After, so that the provider tries again
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from aiohttp import web

from rumbleup_async.errors import ConfigurationError, WebhookRefused
from rumbleup_async.webhooks.dispatch import Dispatcher
from rumbleup_async.webhooks.group_writer import Taken
from rumbleup_async.webhooks.intake import Intake
from rumbleup_async.webhooks.ports import Check, Failure, Parser, Sink, Statistics

_log = logging.getLogger("rumbleup_async.webhooks")

_JSON = {"Content-Type": "application/json"}

E = TypeVar("E")
R = TypeVar("R")


class Receiver:
    """Takes events and calls your handlers.

        receiver = Receiver(rumbleup.webhooks.parse, check=checks.basic((user, password)), sink=SQLite("events.db"))

        @receiver.on(MessageReceived)
        async def answer(event: MessageReceived) -> None: ...

    Run `application()` alone (`serve` does so), mount it in your application, or route to `answer` and append `running` to
    your application's `cleanup_ctx`. A receiver runs in one event loop.

    `check`: see `checks`. Without a check `allow_unauthenticated=True` is needed, and then whoever finds the address can
    invent opt-outs and replies.
    `sink`: where events are kept before they are acknowledged. Without one, a crash loses the events that wait.
    `window`: how many keys are remembered in memory, by which repeats are known.
    `queue`: how many events may wait for their handlers. Further ones are answered 503.
    `at_once`: how many events are handled at a time.
    `handler_timeout`: seconds for a handler.
    `body_limit`: bytes of a body.
    `body_timeout`: seconds for a body to arrive.
    `drain_timeout`: seconds that handlers get when the application ends.
    `retry_after`: seconds in the Retry-After header of a 503.
    `on_failure`: called with a `Failure` for each handler that failed.

    ConfigurationError for values that do not fit.
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
        self._dispatcher = Dispatcher(at_once=at_once, timeout=handler_timeout, on_failure=on_failure, statistics=self.statistics)
        self._intake = Intake(self._dispatcher, sink, window=window, limit=queue)

    @property
    def waiting(self) -> int:
        """How many events are being kept, or wait for their handlers to end."""
        return self._intake.waiting

    def on(self, kind: type[E]) -> Callable[[Callable[[E], R]], Callable[[E], R]]:
        """Register the decorated function for events of this class and of its subclasses.

        A coroutine function runs in the event loop, a plain function in a thread. An event's handlers run side by side.
        """

        def register(handler: Callable[[E], R]) -> Callable[[E], R]:
            self._dispatcher.on(kind, handler)
            return handler

        return register

    def application(self, path: str = "/") -> web.Application:
        """An application that takes POST at `path`. Run it, or mount it with `add_subapp`."""
        app = web.Application(client_max_size=self._body_limit)
        app.router.add_post(path, self.answer)
        app.cleanup_ctx.append(self.running)
        return app

    async def running(self, _: web.Application) -> AsyncIterator[None]:
        """For an application's `cleanup_ctx`: starts the receiver, and at the end waits for the handlers."""
        await self._intake.start()
        try:
            yield
        finally:
            await self._intake.stop(self._drain_timeout)

    async def answer(self, request: web.Request) -> web.Response:
        """Answer a request; the handler of the route."""
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
        """The request's body; None if it is too large, of which at most the limit is read."""
        content = request.content
        if content.is_eof() and content.exception() is None:
            # Nearly all bodies come with the headers. They need no wait and no timer.
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
