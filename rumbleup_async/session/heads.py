"""What a request looks like on the wire.

Lives here: the bytes of HTTP/1.1, and the refusal of what would break out of a header line. Does no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from rumbleup_async.errors import ConfigurationError, NotSentError
from rumbleup_async.session import reasons
from rumbleup_async.session.exchange import Request

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_TARGET = re.compile(r"/[!-~]*")
_OURS = {"host", "connection", "content-length", "content-type", "transfer-encoding", "accept-encoding"}
_KEPT = 64
"""Heads that are kept: those of a run are the same for every text."""


class Heads:
    """Request lines and headers of one server. `prefix`: what stands before
    every path. `headers` go with every request."""

    def __init__(self, prefix: str, host: str, headers: Mapping[str, str]) -> None:
        """ConfigurationError for a header that would break out of its line."""
        self._prefix = prefix
        own = {name: value for name, value in headers.items() if name.lower() not in _OURS}
        self._lines = _lines({"Host": host}) + _lines(own)
        self._made: dict[tuple[str, str, str | None], bytes] = {}

    def data(self, request: Request) -> bytes:
        """The whole request; NotSentError for an address that cannot be written."""
        body = request.body
        head = self._made.get((request.method, request.path, request.content_type if body else None))
        if head is None or request.query:
            head = self._head(request)
        return b"%b%d\r\n\r\n%b" % (head, len(body), body) if body else head

    def _head(self, request: Request) -> bytes:
        """All up to the length of the body; without a body, all."""
        target = f"{self._prefix}{request.path}" + (f"?{request.query}" if request.query else "")
        if not _TARGET.fullmatch(target) or not _TOKEN.fullmatch(request.method) or request.method in {"HEAD", "CONNECT"}:
            raise NotSentError(reasons.NO_ADDRESS, endpoint=request.path)
        head = f"{request.method} {target} HTTP/1.1\r\n".encode() + self._lines + b"Accept-Encoding: identity\r\n"
        content_type = None
        if request.body:
            content_type = request.content_type
            head += _lines({"Content-Type": content_type}) + b"Content-Length: "
        else:
            head += b"\r\n" if request.method == "GET" else b"Content-Length: 0\r\n\r\n"
        if not request.query and len(self._made) < _KEPT:
            self._made[request.method, request.path, content_type] = head
        return head


def _lines(headers: Mapping[str, str]) -> bytes:
    """Header lines; ConfigurationError for what would break out of one."""
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name) or not value.replace("\t", " ").isprintable():
            raise ConfigurationError(f"the header {name!r} holds a character that no header may have")
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
