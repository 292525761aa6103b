"""Which exchange carries the requests: the pool of our own connections where it can, aiohttp where it must.

Lives here: the choice, and that aiohttp is imported when it is first used.
"""

from __future__ import annotations

import importlib.util
import ssl as ssl_module
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from rumbleup_async.errors import ConfigurationError, NotSentError
from rumbleup_async.session import reasons
from rumbleup_async.session.exchange import Exchange, Request, Response
from rumbleup_async.session.limits import Timeouts

if TYPE_CHECKING:
    import aiohttp

TRANSPORTS = ("auto", "pool", "aiohttp")
_FORMER = {"lane": "pool"}
"""Names of an earlier version, which are still taken."""


def connect(
    base_url: str,
    headers: Mapping[str, str],
    *,
    connections: int = 100,
    timeouts: Timeouts | None = None,
    transport: str = "auto",
    session: aiohttp.ClientSession | None = None,
    ssl: ssl_module.SSLContext | None = None,
    trace_configs: Sequence[aiohttp.TraceConfig] = (),
    proxy: str | None = None,
    proxy_auth: str | None = None,
) -> Exchange:
    """An exchange with this server; `headers` go with every request.

    `transport`: `pool` for connections of our own, which need httptools; `aiohttp` for aiohttp; `auto` for the pool
    unless httptools is missing, or a session, trace_configs or a proxy ask for aiohttp. `lane` is a former name of
    `pool`. `proxy`: http://host:port, through which https is tunnelled; `proxy_auth`: NAME:PASSWORD for it. Proxies
    named in the environment are used by neither. Raises ConfigurationError for what does not go together.
    """
    transport = _FORMER.get(transport, transport)
    if transport not in TRANSPORTS:
        raise ConfigurationError(f"transport must be one of {', '.join(TRANSPORTS)}")
    needs_aiohttp = session is not None or bool(trace_configs) or proxy is not None
    if proxy is not None and session is not None:
        raise ConfigurationError("proxy= and session= do not go together; give the session its proxy")
    if proxy is not None and transport == "pool":
        raise ConfigurationError("proxy= belongs to aiohttp; leave transport= out")
    if transport == "pool":
        if needs_aiohttp:
            raise ConfigurationError("session= and trace_configs= belong to aiohttp; leave transport= out")
        if not has_pool():
            raise ConfigurationError("transport='pool' needs httptools: pip install httptools")

    def over_aiohttp() -> Exchange:
        # Imported only now: aiohttp takes longer to import than all the rest.
        from rumbleup_async.session.client import AiohttpExchange

        return AiohttpExchange(
            base_url,
            headers,
            connections=connections,
            timeouts=timeouts,
            session=session,
            ssl=ssl,
            trace_configs=trace_configs,
            proxy=proxy,
            proxy_auth=proxy_auth,
        )

    if transport == "aiohttp" or needs_aiohttp or not has_pool():
        return over_aiohttp()
    from rumbleup_async.session.pool import PoolExchange

    return PoolExchange(base_url, headers, others=Later(over_aiohttp), connections=connections, timeouts=timeouts, ssl=ssl)


class Later:
    """An `Exchange` that is begun by the first request that it carries: many a run needs no single call."""

    def __init__(self, begin: Callable[[], Exchange]) -> None:
        self._begin = begin
        self._begun: Exchange | None = None
        self._closed = False

    async def __call__(self, request: Request) -> Response:
        if self._closed:
            raise NotSentError(reasons.SESSION_CLOSED, endpoint=request.path)
        if self._begun is None:
            self._begun = self._begin()
        return await self._begun(request)

    async def aclose(self) -> None:
        self._closed = True
        if self._begun is not None:
            await self._begun.aclose()


def has_pool() -> bool:
    """Whether the packages that the pool needs are installed."""
    return all(importlib.util.find_spec(name) is not None for name in ("httptools", "aiohappyeyeballs"))
