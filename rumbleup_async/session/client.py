"""The exchange over aiohttp: one connection pool, strict about what left and what did not.

Lives here: connector, deadlines, TLS, and the translation of aiohttp's errors into `NotSentError` and `MaybeSentError`.
Knows no provider.
"""

from __future__ import annotations

import asyncio
import ssl as ssl_module
import time
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from typing import Any

import aiohttp
from yarl import URL

from rumbleup_async.errors import MaybeSentError, NotSentError
from rumbleup_async.session import aiohttp_errors, bodies, reasons
from rumbleup_async.session import proxy as proxies
from rumbleup_async.session.connector import (
    CLOSED,
    SPOKE,
    Connector,
    HeldResponse,
    UnconnectedError,
    close_spoiled,
    has_connections,
    has_more,
    head_sizes,
    withdraw,
)
from rumbleup_async.session.deadlines import Deadlines
from rumbleup_async.session.exchange import Fit, Request, Response, fit_of, rejects_side_effects_by_get
from rumbleup_async.session.limits import Timeouts, check_base_url
from rumbleup_async.session.multipart import Multipart
from rumbleup_async.session.silence import Pauses, when_silent
from rumbleup_async.session.uploads import WatchedChunks


class AiohttpExchange:
    """An `Exchange` over one aiohttp session.

    `headers` (credentials among them) go with every request. `connections` bounds the pool. With `session` the caller's
    own aiohttp session is used and left open; its redirects, middlewares and raise_for_status are switched off for our
    calls, because any of them could send a text twice or hide what happened.
    """

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        *,
        connections: int = 100,
        timeouts: Timeouts | None = None,
        session: aiohttp.ClientSession | None = None,
        ssl: ssl_module.SSLContext | None = None,
        trace_configs: Sequence[aiohttp.TraceConfig] = (),
        proxy: str | None = None,
        proxy_auth: str | None = None,
    ) -> None:
        self._base_url = check_base_url(base_url)
        self._proxied: dict[str, Any] = {}
        if proxy is not None:
            self._proxied["proxy"] = proxies.check(proxy, self._base_url)
            if proxy_auth is not None:
                # aiohttp moves the second to where the first is, into the request itself, where there is no tunnel.
                name = "Proxy-Authorization" if self._base_url.startswith("https:") else "Authorization"
                self._proxied["proxy_headers"] = {name: proxies.credentials(proxy_auth)}
        self._headers = dict(headers)
        self._connections = connections
        self._timeouts = timeouts or Timeouts()
        self._session = session
        self._owns_session = session is None
        self._ssl: ssl_module.SSLContext | bool = True if ssl is None else ssl
        self._trace_configs = list(trace_configs)
        self._urls: dict[str, URL] = {}
        self._by_type: dict[str, dict[str, str]] = {}
        self._closed = False
        self._pauses = Pauses()
        self._timeout = aiohttp.ClientTimeout(
            total=None,
            connect=self._timeouts.connect,
            sock_connect=self._timeouts.sock_connect,
            sock_read=self._timeouts.read,
        )
        self._deadlines = Deadlines(self._timeouts.answer)

    def _open(self) -> aiohttp.ClientSession:
        # Opened at the first request, because aiohttp wants its loop to be running.
        self._session = aiohttp.ClientSession(
            connector=Connector(limit=self._connections, ssl=self._ssl, keepalive_timeout=self._timeouts.idle),
            response_class=HeldResponse,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._timeout,
            trace_configs=self._trace_configs,
        )
        return self._session

    def _url(self, request: Request) -> URL:
        if request.query:
            return URL(f"{self._base_url}{request.path}?{request.query}", encoded=True)
        url = self._urls.get(request.path)
        if url is None:
            url = URL(self._base_url + request.path, encoded=True)
            if len(self._urls) < 64:
                self._urls[request.path] = url
        return url

    def _headers_for(self, request: Request) -> dict[str, str]:
        if not request.body:
            return self._headers
        headers = self._by_type.get(request.content_type)
        if headers is None:
            headers = self._by_type[request.content_type] = {**self._headers, "Content-Type": request.content_type}
        return headers

    def __call__(self, request: Request) -> Coroutine[Any, Any, Response]:
        rejects_side_effects_by_get(request)
        if request.parts:
            return self._upload(request)
        return self._in_time(request)

    async def _in_time(self, request: Request) -> Response:
        """One exchange, given up when it takes longer than all its parts may.

        This ends what the other timeouts do not see, such as informational answers (1xx) without end. aiohttp's own
        total timeout costs 30 us a request, a seventh of all.
        """
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine that runs on a loop is in a task
        read = request.timeout or self._timeouts.read
        self._deadlines.begin(task, loop, self._timeouts.connect + read + max(self._timeouts.answer, read))
        try:
            return await self._exchange(request, request.body or None, self._headers_for(request))
        except asyncio.CancelledError:
            if not self._deadlines.has_passed(task):
                raise
            if task.uncancel():
                raise
            # Far longer than connecting may take, so the request may have left.
            raise MaybeSentError(reasons.NOT_WHOLE, endpoint=request.path) from None
        finally:
            self._deadlines.end(task)

    async def _upload(self, request: Request) -> Response:
        """One request whose body is read while it is sent."""
        body = Multipart(request.parts)
        headers = {**self._headers, "Content-Type": body.content_type, "Content-Length": str(body.length)}
        patience = request.timeout or self._timeouts.read
        watched = WatchedChunks(body.chunks(), patience, patience + max(self._timeouts.answer, patience))
        try:
            # aiohttp has no timeout for writing: without this a server that stops
            # reading would hold the upload for ever.
            async with asyncio.timeout(None) as watched.stalled:
                return await self._exchange(request, aiter(watched), headers)
        except TimeoutError:
            why = reasons.NOT_WHOLE if watched.is_out else reasons.UPLOAD_NOT_TAKEN
            raise MaybeSentError(why, endpoint=request.path) from None

    def _usable(self, request: Request) -> aiohttp.ClientSession:
        """The session, or NotSentError if nothing can be sent over it."""
        if self._closed:
            raise NotSentError(reasons.SESSION_CLOSED, endpoint=request.path)
        session = self._session or self._open()
        if session.closed:
            raise NotSentError(reasons.SESSION_CLOSED, endpoint=request.path)
        if not self._owns_session:
            close_spoiled(session)
        if not self._owns_session and session.auth is not None:
            # aiohttp refuses to send two sets of credentials, in the same way as it reports other mistakes.
            raise NotSentError(reasons.OWN_CREDENTIALS, endpoint=request.path)
        if not session.auto_decompress:
            raise NotSentError(reasons.UNPACKS_NOTHING, endpoint=request.path)
        return session

    async def _exchange(self, request: Request, data: bytes | AsyncIterator[bytes] | None, headers: dict[str, str]) -> Response:
        session = self._usable(request)
        began = time.monotonic()
        timeout = self._timeout
        if request.timeout is not None:
            timeout = aiohttp.ClientTimeout(
                total=None, connect=timeout.connect, sock_connect=timeout.sock_connect, sock_read=request.timeout
            )
        try:
            response = await session.request(
                request.method,
                self._url(request),
                data=data,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
                raise_for_status=False,
                middlewares=(),
                **self._proxied,
                **head_sizes(),
            )
        except (
            aiohttp.ClientConnectorError,
            aiohttp.ConnectionTimeoutError,
            aiohttp.ServerFingerprintMismatch,
        ) as error:
            crowded = any(map(reasons.is_short_of_files, aiohttp_errors.causes(error))) and has_connections(session)
            raise NotSentError(aiohttp_errors.why(error), endpoint=request.path, crowded=crowded) from None
        except UnconnectedError as error:
            raise NotSentError(error.why, endpoint=request.path) from None
        except aiohttp.InvalidURL:
            raise NotSentError(reasons.NO_ADDRESS, endpoint=request.path) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if type(error) is aiohttp.ClientConnectionError and str(error) in {CLOSED, SPOKE}:
                why = reasons.SESSION_CLOSED if str(error) == CLOSED else reasons.SPOKE
                raise NotSentError(why, endpoint=request.path) from None
            raise MaybeSentError(aiohttp_errors.why(error), endpoint=request.path) from None
        if response.status < 200:
            # 101 among them. aiohttp may have put the connection back already,
            # and the true answer may still come on it.
            response.close()
            response._protocol.close()  # type: ignore[union-attr]  # noqa: SLF001
            raise MaybeSentError(reasons.broke_off(reasons.NOT_THE_END), endpoint=request.path)
        try:
            if request.sink is not None and 200 <= response.status < 300:
                task = asyncio.current_task()
                assert task is not None  # noqa: S101
                self._deadlines.lift(task)  # it may take as long as it comes at all
                body = await bodies.pour(response, request.sink)
            else:
                body = await bodies.whole(response, max(self._timeouts.answer, request.timeout or 0.0))
        except (aiohttp.ClientError, OSError, ValueError, EOFError) as error:
            response.close()
            raise MaybeSentError(reasons.broke_off(aiohttp_errors.why(error)), endpoint=request.path) from None
        except BaseException:
            response.close()
            raise
        answer = Response(response.status, response.headers, body)
        if request.sink is not None:
            response.release()
            return answer
        self._pauses.took(time.monotonic() - began)
        return self._judged(request, response, answer, session)

    def _judged(
        self, request: Request, response: aiohttp.ClientResponse, answer: Response, session: aiohttp.ClientSession
    ) -> Response:
        """The answer, and what becomes of the connection that it came over."""
        protocol = getattr(response, "_protocol", None)  # a test double that stands for aiohttp has none
        fit = fit_of(request, answer)
        if protocol is not None and has_more(protocol) and fit is not Fit.PROVEN:
            response.close()
            protocol.close()
            raise MaybeSentError(reasons.SEVERAL, endpoint=request.path)
        if fit is Fit.UNFIT:
            response.close()
            if protocol is not None:
                # Of a session that was handed in it is back in the pool. Who has got
                # it meanwhile would get a wrong answer.
                protocol.close()
        elif fit is Fit.DENIED and protocol is not None:
            return self._listen(response, protocol, answer, session)
        else:
            response.release()
        return answer

    def _listen(
        self, response: aiohttp.ClientResponse, protocol: Any, answer: Response, session: aiohttp.ClientSession
    ) -> Response:
        """Keep the connection of an answer that says no until it is certain that no other answer comes."""
        loop = asyncio.get_running_loop()
        heard: asyncio.Future[bool] = loop.create_future()
        is_held = isinstance(response, HeldResponse)
        if is_held:
            protocol.is_idle = True
        else:
            withdraw(session, protocol)

        def over() -> None:
            more = has_more(protocol)
            if more or not is_held:
                response.close()
                protocol.close()
            else:
                response.release()
            if not heard.done():
                heard.set_result(not more and not self._closed)

        when_silent(loop, self._pauses.pause, over)
        return Response(answer.status, answer.headers, answer.body, lambda: heard)

    async def aclose(self) -> None:
        self._closed = True
        self._deadlines.close()
        if self._session is not None and self._owns_session:
            await self._session.close()
