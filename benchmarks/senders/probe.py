"""The least that Python can do: a protocol that writes the same request again as soon as the answer's bytes are in. Where there
is no wrk, it says what the server can do."""

from __future__ import annotations

import asyncio
import functools
from typing import cast
from urllib.parse import urlsplit

from benchmarks.senders import job as jobs


class _Asker(asyncio.Protocol):
    def __init__(self, request: bytes, left: list[int], ended: asyncio.Future[None]) -> None:
        self._request = request
        self._left = left
        self._ended = ended
        self._data = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        self._data += data
        head = self._data.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self._data.lower().find(b"content-length:", 0, head)
        if len(self._data) >= head + 4 + int(self._data[at + 15 : self._data.find(b"\r", at)]):
            self._data = b""
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._ended.done():
            self._ended.set_exception(exc or ConnectionResetError())

    def _next(self) -> None:
        assert self._transport is not None
        if self._left[0] > 0:
            self._left[0] -= 1
            self._transport.write(self._request)
        elif not self._ended.done():
            self._ended.set_result(None)


async def send(job: jobs.Job) -> None:
    """So many requests over as many connections as the concurrency."""
    url = urlsplit(job.url)
    body = b'{"phone":"2012000000","action":"125","text":"Hi Ada, the polls are open until 8 pm. Reply STOP to opt out"}'
    request = (
        f"POST {url.path}/message/send HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    loop = asyncio.get_running_loop()
    left: list[int] = [job.texts]
    ends: list[asyncio.Future[None]] = []
    for _ in range(job.concurrency):
        ends.append(loop.create_future())
        make = functools.partial(_Asker, request, left, ends[-1])
        await loop.create_connection(make, url.hostname or "", url.port or 0, ssl=job.context())
    await asyncio.gather(*ends)


if __name__ == "__main__":
    jobs.measure(jobs.read(), send)
