"""One connection that carries one request at a time, and knows whether bytes of it were handed to the socket.

Lives here: what is written and how an answer is read. Anything out of the ordinary closes the lane: a lane that went on
after it would give somebody the answer to another's text. Knows no provider and opens no connection.
"""

from __future__ import annotations

import asyncio
import sys
import time
import zlib
from collections.abc import Awaitable, Iterator, Mapping
from typing import Protocol, cast

import httptools

from rumbleup_async.errors import MaybeSentError
from rumbleup_async.session import limits, reasons
from rumbleup_async.session.exchange import Fit, Request, Response, fit_of
from rumbleup_async.session.silence import Pauses, when_silent

MAX_HEAD = limits.MAX_HEAD
"""Bytes of an answer before its body, and of what a chunked body has besides its content."""
MAX_INFORMATIONS = 16
"""Informational answers (1xx) that are passed over before the real one."""
_SHORT_REST = 0.05
"""Seconds that no server takes for a rest, whatever it says of its patience."""
_LONG_REQUEST = 64 * 1024
"""Bytes of a request beyond which the server may take its time to read it."""
_WINDOWS = {b"gzip": (31,), b"x-gzip": (31,), b"deflate": (15, -15)}
"""What zlib calls the encodings; some servers leave the frame of deflate out."""


def _decoded(body: bytes, encoding: bytes) -> bytes | None:
    """The content of a body that was encoded although we ask for none; at most one byte more than is allowed."""
    if encoding == b"identity":
        return body
    for window in _WINDOWS.get(encoding, ()):
        decoder = zlib.decompressobj(window)
        try:
            content = decoder.decompress(body, limits.MAX_BODY + 1)
        except zlib.error:
            continue
        if len(content) > limits.MAX_BODY or (decoder.eof and not decoder.unused_data):
            return content
    return None


class Headers(Mapping[str, str]):
    """The headers of an answer: names in any case, of several with one name the first. Made of bytes when it is asked."""

    __slots__ = ("_raw", "_read")

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        self._raw = raw
        self._read: dict[str, str] | None = None

    def _all(self) -> dict[str, str]:
        if self._read is None:
            self._read = {}
            for name, value in self._raw:
                self._read.setdefault(name.decode("latin-1").lower(), value.decode("utf-8", "surrogateescape").strip(" \t"))
        return self._read

    def __getitem__(self, name: str) -> str:
        return self._all()[name.lower()]

    def getall(self, name: str, default: list[str]) -> list[str]:
        """Every value of a header that came more than once, as aiohttp's headers have it."""
        wanted = name.lower().encode("latin-1")
        found = [value for raw, value in self._raw if raw.lower() == wanted]
        return [value.decode("utf-8", "surrogateescape").strip(" \t") for value in found] or default

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._all()

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


class Pool(Protocol):
    """What a lane tells of itself."""

    tick: int
    """Counts the looks for lanes that take too long; deadlines are such counts, so that no message needs a timer."""
    pauses: Pauses

    def free(self, lane: Connection) -> None:
        """The answer is complete and the lane can carry another request."""

    def unfit(self, lane: Connection) -> None:
        """The lane carries nothing any more."""

    def gone(self, lane: Connection) -> None:
        """Its connection has ended."""


class Connection(asyncio.Protocol):
    """Made for one connection. `due` and `end` say at which tick to give up the wait for the next bytes, and for all of them."""

    __slots__ = (
        "_answer", "_body", "_chunked", "_encoding", "_fault", "_framed", "_has_head", "_headers",
        "_informations", "_keep", "_last", "_listening", "_loop", "_parser", "_patience", "_pool", "_request", "_seen", "_sent",
        "_status", "_surplus", "_tail", "_transport", "_unwritten", "_waiter", "_whole", "due", "end", "is_open", "since",
    )  # fmt: skip

    def __init__(self, pool: Pool, loop: asyncio.AbstractEventLoop) -> None:
        self._pool = pool
        self._loop = loop
        self._parser = httptools.HttpResponseParser(self)
        self._transport = cast("asyncio.Transport", None)
        self._waiter: asyncio.Future[Response] | None = None
        self._request: Request | None = None
        self._listening: asyncio.Future[bool] | None = None
        """While the lane waits whether anything comes behind an answer that says no."""
        self._sent = 0.0
        self._patience = self._whole = self.due = self.end = 0
        self.is_open = False
        self.since = 0.0
        """When it became idle, on the monotonic clock."""
        self._forget()

    def _forget(self) -> None:
        """Nothing of an answer has come yet."""
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._has_head = self._framed = self._chunked = self._keep = self._surplus = False
        self._encoding = b""
        self._body: bytes | bytearray = b""
        self._last = b""
        self._answer: Response | None = None
        self._fault = ""
        self._informations = 0
        self._seen = 0
        self._tail = b""
        self._unwritten = 0

    # ---- what the pool does with it ----

    @property
    def is_busy(self) -> bool:
        """Whether a request is under way, or its end is not certain."""
        return self._waiter is not None or self._listening is not None

    def fit(self, idle: float) -> bool:
        """Whether an idle lane can be used, as far as the loop knows: still open, and not idle for longer than `idle` seconds."""
        if not self.is_open or self._transport.is_closing():
            return False
        rested = time.monotonic() - self.since
        if rested < _SHORT_REST:
            return True
        limit = idle
        for name, value in self._headers:
            if name.lower() == b"keep-alive":
                # The server says how long it waits; an answer takes its way too, so a second less.
                timeout = value.lower().partition(b"timeout=")[2].partition(b",")[0].strip()
                if timeout.isdigit():
                    limit = min(limit, int(timeout[:9]) - 1)
        return rested <= limit

    @property
    def fd(self) -> int:
        """Its socket, below 0 once that is closed."""
        return int(self._transport.get_extra_info("socket").fileno())

    def send(self, data: bytes, request: Request, patience: int, whole: int) -> asyncio.Future[Response]:
        """Hand a request to the socket: from here on it may have been sent. The future has the answer or MaybeSentError.

        `patience` and `whole`: ticks to wait for the next bytes, and for the whole answer.
        """
        self._forget()
        self._waiter = waiter = self._loop.create_future()
        self._request = request
        self._sent = time.monotonic()
        self._patience, self._whole = patience, whole
        self.due = self._pool.tick + patience
        self.end = self._pool.tick + whole
        if len(data) > _LONG_REQUEST:
            self._unwritten = len(data)
        try:
            self._transport.write(data)
        except Exception as error:  # noqa: BLE001 - whatever it was, some of it may be on its way
            self._fail(reasons.of_system(error))
        return waiter

    def abandon(self, waiter: asyncio.Future[Response]) -> None:
        """Nobody waits for this answer any more. If it is still to come, no one else may get it."""
        if self._waiter is waiter:
            self._waiter = None
            self.close()

    def overdue(self) -> None:
        """Called by the sweep once `due` or `end` has passed."""
        tick = self._pool.tick
        unwritten = self._transport.get_write_buffer_size()
        if unwritten < self._unwritten:
            # The server has taken some of it since the last look: a long request has its time.
            self._unwritten = unwritten
            self.due, self.end = tick + self._patience, tick + self._whole
        elif unwritten:
            self._fail("the server stopped taking the request")
        elif tick > self.end:
            self._fail(reasons.NOT_WHOLE)
        else:
            self._fail(reasons.broke_off(reasons.NO_ANSWER) if self._has_head else reasons.NO_ANSWER)

    def hang_up(self) -> None:
        """Close it even under a request."""
        self._fail(reasons.SESSION_CLOSED)

    def close(self) -> None:
        """End the connection at once; what still comes in is not looked at."""
        if self.is_open:
            self.is_open = False
            self._pool.unfit(self)
            self._transport.abort()
        self._heard(False)

    def _fail(self, reason: str) -> None:
        waiter, self._waiter = self._waiter, None
        self.close()
        if waiter is not None and not waiter.done():
            waiter.set_exception(MaybeSentError(reason, endpoint=self._request.path if self._request is not None else ""))

    # ---- what the transport says ----

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.is_open = True
        self.since = time.monotonic()

    def data_received(self, data: bytes) -> None:
        if self._waiter is None:
            self.close()  # nobody asked
            return
        self.due = self._pool.tick + self._patience
        self._seen += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._keep = self._surplus = False
            self._fault = self._fault or reasons.NOT_HTTP
        if self._answer is not None:
            self._finish(data)
        elif self._fault:
            self._fail(reasons.broke_off(self._fault))
        else:
            self._tail = (self._tail + data[-5:])[-5:]
            size = len(self._body)
            if size > limits.MAX_BODY:
                self._fail(reasons.broke_off(reasons.too_long(limits.MAX_BODY)))
            elif self._seen - size > MAX_HEAD + (16 * size if self._chunked else 0):
                self._fail(reasons.broke_off(reasons.LONG_HEAD))

    def eof_received(self) -> None:
        self._hush()
        self._ended(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._hush()
        self._ended(error)
        self._pool.gone(self)

    def _ended(self, error: Exception | None) -> None:
        """The server sends nothing more."""
        if self._waiter is None:
            self.close()
        elif self._has_head and not self._framed and error is None:
            self._keep = False
            self._complete()
            if self._answer is None:
                self._fail(reasons.broke_off(self._fault))
            else:
                self._finish(b"")
        elif self._has_head:
            self._fail(reasons.broke_off(reasons.CUT_SHORT if error is None else reasons.RESET))
        else:
            self._fail(reasons.HUNG_UP if error is None else reasons.RESET)

    # ---- what the parser says ----

    def on_message_begin(self) -> None:
        self._headers = []
        if self._answer is not None:
            self._keep = False
            self._surplus = True  # more than was asked for

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._answer is not None:
            return
        self._status = status = self._parser.get_status_code()
        if status < 200:
            if status < 100 or status == 101:
                self._fault = "it is no answer to what was asked"
            return
        self._has_head = True
        if self._seen > MAX_HEAD and sum(len(name) + len(value) + 4 for name, value in self._headers) > MAX_HEAD:
            self._fault = reasons.LONG_HEAD
        for name, value in self._headers:
            match name.lower():
                case b"content-length":
                    self._framed = True
                case b"transfer-encoding":
                    self._framed = self._chunked = True
                    if value.strip(b" \t").lower() != b"chunked":
                        self._fault = "it is framed in an unknown way"
                case b"content-encoding":
                    self._encoding = value.strip(b" \t").lower()
                case _:
                    pass

    def on_body(self, body: bytes) -> None:
        if not self._body:
            self._body = body
        elif self._answer is None:
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += body
        self._last = body

    def on_message_complete(self) -> None:
        if self._answer is not None:
            return
        if self._status < 200:
            self._informations += 1
            if self._informations > MAX_INFORMATIONS:
                self._fault = "too many informational answers"
            return
        self._keep = self._parser.should_keep_alive()
        self._complete()

    def _complete(self) -> None:
        if self._fault:
            return
        body: bytes | None = bytes(self._body)
        if self._encoding and body:
            body = _decoded(body, self._encoding)
        if body is None:
            self._fault = reasons.ODD_ENCODING
        elif len(body) > limits.MAX_BODY:
            self._fault = reasons.too_long(limits.MAX_BODY)
        else:
            self._answer = Response(self._status, Headers(self._headers), body)

    def _finish(self, data: bytes) -> None:
        """Hand the answer over; `data` are the bytes that ended it."""
        waiter, answer = self._waiter, self._answer
        self._waiter = None
        if waiter is None or waiter.done():  # cancelled at this moment
            self.close()
            return
        request, response = cast("Request", self._request), cast("Response", answer)
        self.since = now = time.monotonic()
        self._pool.pauses.took(now - self._sent)
        self._keep = self._keep and self._ends_with_answer(data) and not self._transport.get_write_buffer_size()
        fit = fit_of(request, response)
        if self._surplus and fit is not Fit.PROVEN:
            self.close()
            waiter.set_exception(MaybeSentError(reasons.SEVERAL, endpoint=request.path))
            return
        if fit is Fit.DENIED:
            response = self._listen(response)
        elif self._keep and fit is not Fit.UNFIT:
            self._pool.free(self)
        else:
            self.close()
        waiter.set_result(response)

    # ---- behind an answer that says no ----

    def _listen(self, response: Response) -> Response:
        """Carry nothing until it is certain that no other answer comes."""
        self._listening = heard = self._loop.create_future()
        self.due = self.end = sys.maxsize
        when_silent(self._loop, self._pool.pauses.pause, lambda: self._heard(True, heard))

        def alone() -> Awaitable[bool]:
            return heard

        return Response(response.status, response.headers, response.body, alone)

    def _hush(self) -> None:
        """Nothing more can come."""
        if self._listening is not None:
            self._keep = False
            self._heard(True)

    def _heard(self, alone: bool, which: asyncio.Future[bool] | None = None) -> None:
        """`alone`: nothing has come. `which`: of the wait that is over; None for the one there is."""
        heard = self._listening
        if heard is None or which not in {None, heard}:
            return
        self._listening = None
        if not heard.done():
            heard.set_result(alone)
        if not self.is_open:
            return
        if self._keep and alone:
            self.since = time.monotonic()
            self._pool.free(self)
        else:
            self.close()

    def _ends_with_answer(self, data: bytes) -> bool:
        """Whether nothing came behind the answer: the parser passes over empty lines."""
        if self._last and not self._chunked:
            return data.endswith(self._last)
        tail = (self._tail + data[-5:])[-5:]
        return tail.endswith(b"\r\n\r\n") and not tail.startswith(b"\n")
