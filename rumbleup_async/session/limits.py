"""What every exchange keeps to: how long it waits, how much it reads, and where it may go.

Lives here: values and one check; nothing that takes long to import.
"""

from __future__ import annotations

import math
from urllib.parse import urlsplit

import msgspec

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.loopback import is_loopback


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds. There is no total: a total timeout cannot tell whether the request left.

    `connect` covers waiting for a free connection, DNS, TCP and TLS; `sock_connect` one TCP connect; `read` the wait
    for the next bytes of the answer; `answer` the whole body of an answer, so that one that drips in is given up as
    well. `idle`: how long a connection is kept that nobody uses; shorter than the five seconds that common servers keep
    one, because a text that goes out on a connection which the server closes at that moment is unknown.
    """

    connect: float = 15.0
    sock_connect: float = 10.0
    read: float = 30.0
    answer: float = 120.0
    idle: float = 4.0

    @property
    def longest(self) -> float:
        """Seconds that one exchange takes at most, from waiting for a connection to the end of its answer."""
        return self.connect + self.read + max(self.answer, self.read)

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value: object = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
                raise ConfigurationError(f"the timeout {name} must be a number of seconds above 0")


MAX_BODY = 64 * 1024 * 1024
"""Bytes of an answer that are read at most; a longer one is given up."""


MAX_HEAD = 64 * 1024
"""Bytes of an answer before its body."""

MAX_HEADERS = 4096
"""Headers of an answer over aiohttp, where this is counted, too."""


_QUOTES = frozenset("\"'`\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb")


def check_base_url(base_url: str) -> str:
    """The base URL without a trailing slash, or ConfigurationError.

    https is demanded (the API overview page: plain http calls fail, and they would show the key to the network);
    plain http is allowed to loopback hosts only.
    """
    if base_url.strip()[:1] in _QUOTES or base_url.strip()[-1:] in _QUOTES:
        raise ConfigurationError("the base URL must be given without quotes")
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except ValueError as error:
        raise ConfigurationError(f"the base URL is not a URL: {error}") from None
    host = parts.hostname
    if not (base_url.isascii() and base_url.isprintable()) or set(" ?#\\") & set(base_url):
        raise ConfigurationError("the base URL must be plain ASCII, without spaces, a query or a fragment")
    if parts.scheme not in {"https", "http"} or not host or port == 0:
        raise ConfigurationError("the base URL must look like https://host/api")
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError("the base URL must not contain credentials; the API key has a setting of its own")
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigurationError(f"plain http is for loopback hosts only; use https://{host}")
    return base_url.rstrip("/")
