"""A reply of the simulated server as a value: status, headers, body, and how it reaches the caller. Pure.

`serving.writing` writes a `Reply` on the socket.
"""

from enum import Enum
from http import HTTPStatus
from typing import Any

import msgspec

__all__ = ["HTML", "JSON", "Refusal", "Reply", "Wire", "error", "field", "ok"]

JSON = b"application/json; charset=utf-8"
HTML = b"text/html; charset=utf-8"

# 440 and 441 are this provider's own statuses of message/next (Messaging pages).
_REASONS = {status.value: status.phrase for status in HTTPStatus} | {440: "Too Many Requests", 441: "Try Again"}

_encode = msgspec.json.Encoder().encode


class Wire(Enum):
    """How a finished reply reaches the caller."""

    WHOLE = "whole"
    HANG = "hang"  # not written; the connection stays open
    CLOSE = "close"  # not written; the connection is closed
    RESET = "reset"  # not written; the connection is reset (RST)
    CUT_STATUS = "cut-status"  # the connection is closed within the status line
    CUT_HEAD = "cut-head"  # the connection is closed within the headers
    HALF_BODY = "half-body"  # the connection is closed after half of the announced body
    SHORT_LENGTH = "short-length"  # Content-Length is too small; the rest of the body follows all the same
    SLOW = "slow"  # written after a pause
    DRIP = "drip"  # written byte by byte
    THEN_CLOSE = "then-close"  # written; then the kept-alive connection is closed without `Connection: close`
    CLOSE_NEXT = "close-next"  # written; the connection is closed when its next request arrives


_UNANSWERED = frozenset({Wire.HANG, Wire.CLOSE, Wire.RESET, Wire.CUT_STATUS})


class Reply(msgspec.Struct, frozen=True, gc=False):
    """Status, headers and body, and how they reach the caller. `headers` are whole lines, each of which ends with CRLF."""

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: bytes = b""
    wire: Wire = Wire.WHOLE
    holds_next: bool = False
    """Whether this reply counts as a `message/next` in progress until it is written."""

    @property
    def seen_status(self) -> int:
        """The status that reaches the caller; 0 if no status does."""
        return 0 if self.wire in _UNANSWERED else self.status

    def head(self, *, keep_alive: bool, length: int) -> bytes:
        """The status line, the headers and the empty line after them."""
        if self.status == 200 and keep_alive and not self.headers and self.content_type is JSON:
            return b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n\r\n" % length
        return b"HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s%s\r\n" % (
            self.status,
            _REASONS.get(self.status, "Unknown").encode(),
            self.content_type,
            length,
            self.headers,
            b"" if keep_alive else b"Connection: close\r\n",
        )


def ok(value: Any) -> Reply:
    """200 with a JSON body."""
    return Reply(200, _encode(value))


def error(status: int, message: str, code: str | None = None, *, line: int | None = None, headers: bytes = b"") -> Reply:
    """An error with the body of the API overview page. `line` is the HTTP status if it differs from the body's status."""
    body: dict[str, Any] = {"status": status, "message": message}
    if code is not None:
        body["code"] = code
    return Reply(status if line is None else line, _encode(body), headers=headers)


class Refusal(Exception):
    """An error reply, raised where the mistake in the request is found."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.body.decode())
        self.reply = reply


def field(message: str) -> Refusal:
    """400 with the code FIELD, for a wrong parameter. The message begins with the parameter's name."""
    return Refusal(error(400, message, "FIELD"))
