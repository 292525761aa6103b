"""What went wrong with an exchange, in words that name no address, header or body: the same whichever way it went.

Lives here: words.
"""

from __future__ import annotations

import errno
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
NOT_HTTP = "what came is not HTTP/1.1"
LONG_HEAD = "its head is too long"
MANY_HEADERS = "it has too many headers"
ODD_HEADER = "one of its headers cannot be read"
ODD_CHUNKS = "its pieces (chunks) cannot be read"
ODD_ENCODING = "it is encoded in an unknown way"
BROKEN_OFF = "the connection broke off"
NO_FILES = "too many files are open (see ulimit -n)"
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
    return of_system(error)


def is_short_of_files(error: BaseException) -> bool:
    """Whether this process, or the whole machine, may open no more files."""
    return isinstance(error, OSError) and error.errno in {errno.EMFILE, errno.ENFILE}


def of_system(error: BaseException) -> str:
    """What the system says; of any other error that something went wrong which nobody has thought of."""
    if is_short_of_files(error):
        return NO_FILES
    if isinstance(error, OSError) and error.errno:
        # Its own words may name the address.
        return f"the system says: {os.strerror(error.errno)}"
    return f"something unexpected went wrong ({type(error).__name__})"
