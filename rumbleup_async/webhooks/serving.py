"""A receiver on a port of its own.

Lives here: the server around the application.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.webhooks.receiver import Receiver

_BACKLOG = 4096
"""Connections that may wait to be accepted. Receipts come in bursts."""

_IDLE = 30.0
"""Seconds for a request's headers to arrive, and for a kept-alive connection to be silent."""


class _NoTraceback(logging.Filter):
    """Removes tracebacks. aiohttp logs a malformed request with a traceback that quotes it, perhaps with a credential."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = None
        return True


_log = logging.getLogger("rumbleup_async.webhooks.http")
_log.addFilter(_NoTraceback())


@asynccontextmanager
async def serve(
    receiver: Receiver, host: str = "127.0.0.1", port: int = 0, *, path: str = "/", tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """Listen while the context is open, and yield the address. Port 0 takes a free port.

    Without `tls` the secret travels unencrypted: listen on loopback, and put a proxy with a certificate in front.
    There is no access log, because a URL may contain a secret. ConfigurationError if the port cannot be used.
    """
    runner = web.AppRunner(
        receiver.application(path),
        access_log=None,
        logger=_log,
        keepalive_timeout=_IDLE,
        lingering_time=2.0,
        shutdown_timeout=10.0,
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port, backlog=_BACKLOG, ssl_context=tls).start()
        except OSError as error:
            raise ConfigurationError(f"cannot listen on {host} port {port}: {error.strerror}") from None
        taken = runner.addresses[0][1]
        shown = f"[{host}]" if ":" in host else host
        yield f"{'http' if tls is None else 'https'}://{shown}:{taken}{path}"
    finally:
        await runner.cleanup()
