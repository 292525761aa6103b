"""How a client reaches its provider: the options of every client's constructor, and the connections made of them.

Lives here: set-up. Knows no provider.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.session import proxy as proxies
from rumbleup_async.session import transport as transports
from rumbleup_async.session.exchange import Exchange
from rumbleup_async.session.limits import Timeouts, check_base_url

if TYPE_CHECKING:
    import ssl as ssl_module

    import aiohttp


class Connecting(msgspec.Struct, frozen=True, kw_only=True):
    """How a client reaches its provider: the options that every client's constructor takes under these names."""

    base_url: str
    headers: Mapping[str, str]
    timeouts: Timeouts | None = None
    connections: int = 100
    session: aiohttp.ClientSession | None = None
    exchange: Exchange | None = None
    ssl: ssl_module.SSLContext | None = None
    trace_configs: Sequence[aiohttp.TraceConfig] = ()
    transport: str = "auto"
    proxy: str | None = None
    proxy_auth: str | None = None

    def __post_init__(self) -> None:
        if self.timeouts is not None and not isinstance(self.timeouts, Timeouts):
            raise ConfigurationError(f"timeouts is a Timeouts, such as Timeouts(read=30), not {type(self.timeouts).__name__}")
        number: object = self.connections
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise ConfigurationError("connections must be a whole number of at least 1")
        if self.proxy is not None:
            proxies.check(self.proxy, self.base_url)
        if self.proxy_auth is not None:
            proxies.credentials(self.proxy_auth)

    def whence(self, setting: str) -> str:
        """What to look at when the server cannot be reached: the setting of its address, and of the way there."""
        return " and ".join(filter(None, [setting, proxies.hint(self.proxy)]))

    def __repr__(self) -> str:
        return f"Connecting(base_url={self.base_url!r})"

    def connect(self, connections: int) -> Exchange:
        """For a run with so many in flight: a pool of its own, or the session that was handed in.

        Behind a no a connection carries nothing for a while, so there may be half as many again.
        """
        return self._over(self.transport, connections + connections // 2)

    def connect_for_calls(self) -> Exchange:
        """For single calls. They go over aiohttp, which users mock and trace, unless `transport` asks for the pool."""
        if self.transport == "auto" and self.session is None and self.proxy is None and not self.trace_configs:
            check_base_url(self.base_url)  # at once, though it is reached later
            return transports.Later(lambda: self._over("aiohttp", self.connections))
        return self._over("aiohttp" if self.transport == "auto" else self.transport, self.connections)

    def _over(self, transport: str, connections: int) -> Exchange:
        return transports.connect(
            self.base_url,
            self.headers,
            connections=connections,
            timeouts=self.timeouts,
            transport=transport,
            session=self.session,
            ssl=self.ssl,
            trace_configs=self.trace_configs,
            proxy=self.proxy,
            proxy_auth=self.proxy_auth,
        )
