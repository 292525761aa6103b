"""How an answer is read: its head, its body, and whether anything came behind it.

Lives here: what httptools tells, and the bounds of an answer. Opens no connection and waits for nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping

import httptools

from rumbleup_async.reasons import NO_REASON, Code, Reason
from rumbleup_async.session import limits, reasons
from rumbleup_async.session.exchange import Response

MAX_HEAD = limits.MAX_HEAD
"""Bytes of an answer before its body, and of what a chunked body has besides its content."""
MAX_INFORMATIONS = 16
"""Informational answers (1xx) that are passed over before the real one."""
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
    """The headers of an answer: names in any case, of several with one name
    the first. Made of bytes when it is asked."""

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


class Reading:
    """Reads the answers of one connection, one after the other; `begin` comes before each.

    `fault` says why what came is no answer that can be used, `NO_REASON` while all is well. `has_head`: the head of the
    answer is complete. `framed`: the head says where the body ends. `surplus`: more than one answer came. `keep`: the
    connection may carry another request. `headers`: of the answer that came last.
    """

    __slots__ = (
        "_answer", "_body", "_chunked", "_encoding", "_informations", "_last", "_parser", "_seen", "_status", "_tail",
        "fault", "framed", "has_head", "headers", "keep", "surplus",
    )  # fmt: skip

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.begin()

    def begin(self) -> None:
        """Nothing of an answer has come yet."""
        self._status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.has_head = self.framed = self._chunked = self.keep = self.surplus = False
        self._encoding = b""
        self._body: bytes | bytearray = b""
        self._last = b""
        self._answer: Response | None = None
        self.fault = NO_REASON
        self._informations = 0
        self._seen = 0
        self._tail = b""

    def feed(self, data: bytes) -> Response | None:
        """The answer, once `data` completes it; None with a `fault` if it never will be, without if more is to come."""
        self._seen += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.keep = self.surplus = False
            self.fault = self.fault or reasons.NOT_HTTP
        if self._answer is not None:
            self.keep = self.keep and self._ends_with_answer(data)
        elif not self.fault:
            self._tail = (self._tail + data[-5:])[-5:]
            size = len(self._body)
            if size > limits.MAX_BODY:
                self.fault = reasons.too_long(limits.MAX_BODY)
            elif self._seen - size > MAX_HEAD + (16 * size if self._chunked else 0):
                self.fault = reasons.LONG_HEAD
        return self._answer

    def end(self) -> Response | None:
        """The answer, if it was one that ends with its connection; None with a `fault` if it cannot be used."""
        self.keep = False
        self._complete()
        return self._answer

    def idle_limit(self, longest: float) -> float:
        """Seconds for which the connection can be idle: `longest`, or less
        where the server said so in its last answer."""
        limit = longest
        for name, value in self.headers:
            if name.lower() == b"keep-alive":
                # The server says how long it waits; an answer takes its way too, so a second less.
                timeout = value.lower().partition(b"timeout=")[2].partition(b",")[0].strip()
                if timeout.isdigit():
                    limit = min(limit, int(timeout[:9]) - 1)
        return limit

    # ---- what the parser says ----

    def on_message_begin(self) -> None:
        self.headers = []
        if self._answer is not None:
            self.keep = False
            self.surplus = True  # more than was asked for

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._answer is not None:
            return
        self._status = status = self._parser.get_status_code()
        if status < 200:
            if status < 100 or status == 101:
                self.fault = Reason(Code.ODD_ANSWER, "it is no answer to what was asked")
            return
        self.has_head = True
        if self._seen > MAX_HEAD and sum(len(name) + len(value) + 4 for name, value in self.headers) > MAX_HEAD:
            self.fault = reasons.LONG_HEAD
        for name, value in self.headers:
            match name.lower():
                case b"content-length":
                    self.framed = True
                case b"transfer-encoding":
                    self.framed = self._chunked = True
                    if value.strip(b" \t").lower() != b"chunked":
                        self.fault = Reason(Code.ODD_ANSWER, "it is framed in an unknown way")
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
                self.fault = Reason(Code.ODD_ANSWER, "too many informational answers")
            return
        self.keep = self._parser.should_keep_alive()
        self._complete()

    def _complete(self) -> None:
        if self.fault:
            return
        body: bytes | None = bytes(self._body)
        if self._encoding and body:
            body = _decoded(body, self._encoding)
        if body is None:
            self.fault = reasons.ODD_ENCODING
        elif len(body) > limits.MAX_BODY:
            self.fault = reasons.too_long(limits.MAX_BODY)
        else:
            self._answer = Response(self._status, Headers(self.headers), body)

    def _ends_with_answer(self, data: bytes) -> bool:
        """Whether nothing came behind the answer: the parser passes over empty lines."""
        if self._last and not self._chunked:
            return data.endswith(self._last)
        tail = (self._tail + data[-5:])[-5:]
        return tail.endswith(b"\r\n\r\n") and not tail.startswith(b"\n")
