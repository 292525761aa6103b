"""A server with a limit and the truth about it: `python -m benchmarks.limiter KEY --seconds S` prints its port, and S seconds
after the first request what it saw, as JSON. Then it goes on answering until it is killed.

It parses only as much HTTP as the clients of these benchmarks send.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
from collections import deque
from typing import cast

from benchmarks.limiters import BY_KEY, Answer, Kind, Provider
from benchmarks.results import HALF
from benchmarks.senders.job import allow_files
from benchmarks.server import BODY

_FLYING = 0.05
"""Seconds after a 429 has left in which a text may still arrive that left before the 429 was read."""

_HEAD = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%b\r\n"
_ACCEPTED = _HEAD % (b"200 OK", len(BODY), b"") + BODY
_NO = b'{"status":429,"message":"Too many requests"}'
_BROKEN = _HEAD % (b"502 Bad Gateway", 0, b"")


class Truth:
    """What the provider saw, counted by half seconds since the first request."""

    def __init__(self, provider: Provider, seconds: float) -> None:
        self.provider = provider
        self.limiter = provider.limiter()
        self.began: float | None = None
        self._ticks = round(seconds / HALF)
        self._seen = {kind: [0] * self._ticks for kind in Kind}
        self._holds: deque[tuple[float, float]] = deque()
        self._in_hold = 0

    def arrives(self, now: float) -> Answer:
        """A request is here."""
        if self.began is None:
            self.began = now
            asyncio.get_running_loop().call_later(self._ticks * HALF, self.tell)
        since = now - self.began
        if any(start + _FLYING < now < end for start, end in self._holds):
            self._in_hold += 1
        answer = self.limiter.ask(since)
        tick = int(since / HALF)
        if tick < self._ticks:
            self._seen[answer.kind][tick] += 1
        return answer

    def leaves(self, now: float, answer: Answer) -> None:
        """Its answer is on its way."""
        if answer.kind is Kind.ACCEPTED:
            self.limiter.answered()
        elif answer.after is not None:
            while self._holds and self._holds[0][1] <= now:
                self._holds.popleft()
            self._holds.append((now, now + answer.after))

    def tell(self) -> None:
        """Print it."""
        print(
            json.dumps({**{kind: " ".join(map(str, counts)) for kind, counts in self._seen.items()}, "in_hold": self._in_hold}),
            flush=True,
        )


class _Connection(asyncio.Protocol):
    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self._transport: asyncio.Transport | None = None
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._data += data
        while True:
            head = self._data.find(b"\r\n\r\n")
            if head < 0:
                return
            at = self._data.lower().find(b"content-length:", 0, head)
            length = int(self._data[at + 15 : self._data.find(b"\r", at)]) if at >= 0 else 0
            if len(self._data) < head + 4 + length:
                return
            self._data = self._data[head + 4 + length :]
            loop = asyncio.get_running_loop()
            answer = self._truth.arrives(loop.time())
            loop.call_later(self._truth.provider.latency, self._answer, answer)

    def _answer(self, answer: Answer) -> None:
        self._truth.leaves(asyncio.get_running_loop().time(), answer)
        if self._transport is None or self._transport.is_closing():
            return
        if answer.kind is Kind.LOST:
            self._transport.abort()
        elif answer.kind is Kind.THROTTLED:
            wish = b"" if answer.after is None else b"Retry-After: %d\r\n" % answer.after
            self._transport.write(_HEAD % (b"429 Too Many Requests", len(_NO), wish) + _NO)
        else:
            self._transport.write(_ACCEPTED if answer.kind is Kind.ACCEPTED else _BROKEN)


async def _serve(truth: Truth) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(truth), "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("key", choices=BY_KEY)
    parser.add_argument("--seconds", type=float, required=True)
    chosen = parser.parse_args()
    allow_files(2_000)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(Truth(BY_KEY[chosen.key], chosen.seconds)))


if __name__ == "__main__":
    main()
