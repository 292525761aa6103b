"""The body of an answer over aiohttp: whole and bounded, or into a sink as it comes.

Lives here: how it is read. A long one never goes into memory as a whole.
"""

from __future__ import annotations

from collections.abc import Callable

import aiohttp
import anyio.to_thread

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.session import limits
from rumbleup_async.session.aiohttp_errors import TooLong
from rumbleup_async.session.exchange import Sink


async def whole(response: aiohttp.ClientResponse, patience: float) -> bytes:
    """The whole body, bounded in size and time whatever the server does."""
    body = await response.content.readany()
    if response.content.at_eof():
        return body
    clock = response.content._loop.time  # noqa: SLF001 - the running loop without a lookup a message
    deadline = clock() + patience
    chunks, size = [body], len(body)
    while not response.content.at_eof():
        chunk = await response.content.readany()
        size += len(chunk)
        if size > limits.MAX_BODY:
            raise TooLong
        if clock() > deadline and not response.content.at_eof():
            raise TimeoutError(f"not complete after {patience:.0f} s")
        chunks.append(chunk)
    return b"".join(chunks)


async def pour(response: aiohttp.ClientResponse, sink: Sink) -> bytes:
    """The body into its sink. It may be long, so it has no deadline as a whole and no largest size."""
    await _on_disk(sink.begin)
    while chunk := await response.content.readany():
        await _on_disk(sink.write, chunk)
    return b""


async def _on_disk(step: Callable[..., None], *arguments: object) -> None:
    try:
        await anyio.to_thread.run_sync(step, *arguments)
    except OSError as error:
        # No trouble of the network's: to ask again would not help.
        raise ConfigurationError(f"what was to be downloaded cannot be written: {error.strerror or error}") from None
