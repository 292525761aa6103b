"""What went wrong with an exchange: reasons that name no address, header or body, the same whichever way it went.

Lives here: what a system's error means.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl

from rumbleup_async.reasons import Code, Reason

NO_NAME = Reason(Code.NO_NAME)
NO_CERTIFICATE = Reason(Code.NO_CERTIFICATE)
NO_TLS = Reason(Code.NO_TLS)
NO_CONNECTION = Reason(Code.NO_CONNECTION)
REFUSED = Reason(Code.CONNECTION_REFUSED)
RESET = Reason(Code.CONNECTION_RESET)
NO_ADDRESS = Reason(Code.NO_ADDRESS)
SPOKE = Reason(Code.SPOKE_FIRST)
SESSION_CLOSED = Reason(Code.SESSION_CLOSED)
NO_ANSWER = Reason(Code.NO_ANSWER)
NOT_WHOLE = Reason(Code.NOT_WHOLE)
HUNG_UP = Reason(Code.HUNG_UP)
CUT_SHORT = Reason(Code.CUT_SHORT)
NOT_HTTP = Reason(Code.ODD_ANSWER, "what came is not HTTP/1.1")
LONG_HEAD = Reason(Code.ODD_ANSWER, "its head is too long")
MANY_HEADERS = Reason(Code.ODD_ANSWER, "it has too many headers")
ODD_HEADER = Reason(Code.ODD_ANSWER, "one of its headers cannot be read")
ODD_CHUNKS = Reason(Code.ODD_ANSWER, "its pieces (chunks) cannot be read")
ODD_ENCODING = Reason(Code.ODD_ANSWER, "it is encoded in an unknown way")
BROKEN_OFF = Reason(Code.BROKEN_OFF)
NO_FILES = Reason(Code.NO_FILES)
SEVERAL = Reason(Code.SEVERAL_ANSWERS)
NO_HTTP = Reason(Code.NO_HTTP)
NOT_TAKEN = Reason(Code.UPLOAD_STALLED, "request")
UPLOAD_NOT_TAKEN = Reason(Code.UPLOAD_STALLED, "upload")
NOT_THE_END = Reason(Code.ODD_ANSWER, "what came is not the end of it")
NO_PROXY = Reason(Code.PROXY, "the proxy cannot be reached")
OWN_CREDENTIALS = Reason(Code.SESSION_UNFIT, "has credentials of its own (auth=)")
UNPACKS_NOTHING = Reason(Code.SESSION_UNFIT, "unpacks no answer (auto_decompress=False)")


def too_long(most: int) -> Reason:
    """`most`: bytes of an answer that are read."""
    return Reason(Code.ODD_ANSWER, f"it is longer than {most // 2**20} MiB")


def broke_off(why: Reason) -> Reason:
    """The same, after the answer had begun."""
    return Reason(Code.BROKE_OFF, str(why))


_ERRORS: tuple[tuple[type[BaseException], Reason], ...] = (
    (socket.gaierror, NO_NAME),
    (UnicodeError, NO_NAME),
    (ssl.SSLCertVerificationError, NO_CERTIFICATE),
    (ssl.SSLError, NO_TLS),
    (ConnectionRefusedError, REFUSED),
    (ConnectionResetError, RESET),
    (BrokenPipeError, RESET),
    (TimeoutError, NO_CONNECTION),
)


def of_connecting(error: BaseException) -> Reason:
    """Why there is no connection. The error's own message may name an address."""
    for kind, why in _ERRORS:
        if isinstance(error, kind):
            return why
    return of_system(error)


def is_short_of_files(error: BaseException) -> bool:
    """Whether this process, or the whole machine, may open no more files."""
    return isinstance(error, OSError) and error.errno in {errno.EMFILE, errno.ENFILE}


def of_system(error: BaseException) -> Reason:
    """What the system says; of any other error that something went wrong which nobody has thought of."""
    if is_short_of_files(error):
        return NO_FILES
    if isinstance(error, OSError) and error.errno:
        # Its own words may name the address.
        return Reason(Code.SYSTEM, os.strerror(error.errno))
    return Reason(Code.UNEXPECTED, type(error).__name__)
