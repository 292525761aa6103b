"""What aiohttp's errors mean, in words that name no address, header or body.

Lives here: a table from their types to reasons. Knows no exchange.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import aiohttp
from aiohttp import http_exceptions

from rumbleup_async.reasons import Reason
from rumbleup_async.session import limits, reasons


class TooLong(ValueError):
    """An answer of more than MAX_BODY bytes."""


_PLAIN: tuple[tuple[type[BaseException], Reason], ...] = (
    (TooLong, reasons.too_long(limits.MAX_BODY)),
    (aiohttp.ClientProxyConnectionError, reasons.NO_PROXY),
    (aiohttp.ClientConnectorDNSError, reasons.NO_NAME),
    (aiohttp.ClientConnectorCertificateError, reasons.NO_CERTIFICATE),
    (aiohttp.ClientSSLError, reasons.NO_TLS),
    (aiohttp.ConnectionTimeoutError, reasons.NO_CONNECTION),
    (aiohttp.SocketTimeoutError, reasons.NO_ANSWER),
    (aiohttp.ServerDisconnectedError, reasons.HUNG_UP),
    (aiohttp.ServerTimeoutError, reasons.NOT_WHOLE),
    (ConnectionRefusedError, reasons.REFUSED),
    (ConnectionResetError, reasons.RESET),
    (BrokenPipeError, reasons.RESET),
    (TimeoutError, reasons.NOT_WHOLE),
    (http_exceptions.LineTooLong, reasons.LONG_HEAD),
    (http_exceptions.InvalidHeader, reasons.ODD_HEADER),
    (http_exceptions.ContentEncodingError, reasons.ODD_ENCODING),
    (http_exceptions.TransferEncodingError, reasons.ODD_CHUNKS),
    (http_exceptions.ContentLengthError, reasons.CUT_SHORT),
    (aiohttp.ClientPayloadError, reasons.CUT_SHORT),
    (zlib.error, reasons.ODD_ENCODING),
    (http_exceptions.BadStatusLine, reasons.NOT_HTTP),
    (http_exceptions.HttpProcessingError, reasons.NOT_HTTP),
    (aiohttp.ClientResponseError, reasons.NOT_HTTP),
    (aiohttp.ClientConnectionError, reasons.BROKEN_OFF),
)


def why(error: BaseException) -> Reason:
    """What happened, as a reason that names no address, header or body.

    aiohttp's own messages may quote what the server sent, which may hold a phone number or a text.
    """
    chain = list(causes(error))
    if any(isinstance(one, http_exceptions.BadHttpMessage) and "Too many headers" in str(one) for one in chain):
        return reasons.MANY_HEADERS
    for kind, plain in _PLAIN:
        if any(isinstance(one, kind) for one in chain):
            return plain
    return reasons.of_system(next((one for one in chain if isinstance(one, OSError) and one.errno), error))


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it comes from: aiohttp wraps what its parser says."""
    seen: list[BaseException] = []
    found: Any = error
    while found is not None and found not in seen:
        seen.append(found)
        yield found
        inner = getattr(found, "os_error", None)
        if isinstance(inner, OSError) and inner not in seen:
            seen.append(inner)
            yield inner
        found = found.__cause__
