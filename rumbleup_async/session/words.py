"""What went wrong with an exchange, in words that name no address, header or body: the same whichever way it went.

Lives here: words. May import: nothing of ours.
"""

from __future__ import annotations

import os
import socket
import ssl

NO_NAME = "the host name was not found"
NO_CERTIFICATE = "the server's certificate was not accepted"
NO_TLS = "no TLS connection"
NO_CONNECTION = "no connection in time"
REFUSED = "the connection was refused"
RESET = "the connection was reset"
NO_ADDRESS = "the address is not a URL"
SPOKE = "the server spoke before it was asked"
SESSION_CLOSED = "the session is closed"
NO_ANSWER = "no answer in time"
NOT_WHOLE = "no complete answer in time"
HUNG_UP = "the server closed the connection without an answer"
CUT_SHORT = "the answer was cut short"
SEVERAL = "more than one answer came, and nobody knows which belongs to this request"


def too_long(most: int) -> str:
    """`most`: bytes of an answer that are read."""
    return f"it is longer than {most // 2**20} MiB"


def broke_off(words: str) -> str:
    """The same, after the answer had begun."""
    return f"the answer broke off: {words}"


_ERRORS: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, NO_NAME),
    (UnicodeError, NO_NAME),
    (ssl.SSLCertVerificationError, NO_CERTIFICATE),
    (ssl.SSLError, NO_TLS),
    (ConnectionRefusedError, REFUSED),
    (ConnectionResetError, RESET),
    (BrokenPipeError, RESET),
    (TimeoutError, NO_CONNECTION),
)


def of_connecting(error: BaseException) -> str:
    """Why there is no connection. The error's own message may name an address."""
    for kind, words in _ERRORS:
        if isinstance(error, kind):
            return words
    if isinstance(error, OSError) and error.errno:
        return f"{type(error).__name__}: {os.strerror(error.errno)}"
    return type(error).__name__
