"""A server that is not the limit: answers a send with a valid reply of about 400 bytes, and message/next with a contact.

A project whose id ends in the nine digits of N has N contacts; after those next answers 404. It parses only as much HTTP as the
clients of these benchmarks send. `python -m benchmarks.server` prints its port.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import re
import ssl
from collections import Counter
from typing import cast

from benchmarks.senders.job import allow_files

# One answer for all, so it names nobody: one that names somebody else is no answer to a text, and leaves it unknown.
BODY = (
    b'{"cid":"c_bench","logid":"rl_00000000000000000000000000000001","action":"125","proxy":"2025550199","sender":"u_x",'
    b'"group":"26","flags":["sent","newsms"],"note":"This server of the benchmarks answers everybody in the same words, and '
    b'these words fill the place of a text and a phone.","sent_time":"03/05/2025 9:10am EST","price":-0.05,"tcr_cid":"CBENCH1"}'
)
_HEAD = b"HTTP/1.1 %b\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\nConnection: keep-alive\r\n\r\n"
_REPLY = _HEAD % (b"200 OK", len(BODY)) + BODY
_CONTACT = b'{"cid":"c_bench","phone":"%d","first_name":"Ada","last_name":"Byron","custom1":"x"}'
_NONE_LEFT = b'{"status":404,"message":"No more contacts"}'
SENDBLUE_BODY = (
    b'{"account_email":"owner@example.com","note":"These words fill the place of a text and of a number to send to.",'
    b'"error_code":null,"error_message":null,"date_created":"2026-01-02T03:04:05.678Z","date_updated":"2026-01-02T03:04:05.678Z",'
    b'"is_outbound":true,"from_number":"+12025550199","media_url":"","message_handle":"00000000-0000-0000-0000-000000000001",'
    b'"send_style":"","status":"QUEUED"}'
)
_SENDBLUE_REPLY = _HEAD % (b"200 OK", len(SENDBLUE_BODY)) + SENDBLUE_BODY
_NEXT = b"/message/next "
_SENDBLUE = b"/api/send-message "
_ACTION = re.compile(rb'"action":\s*"([^"]*)"')

_drawn: Counter[bytes] = Counter()
"""Contacts handed out by project."""


def _next(body: bytes) -> bytes:
    found = _ACTION.search(body)
    project = found[1] if found else b"0"
    if _drawn[project] >= int(project[-9:]):
        return _HEAD % (b"404 Not Found", len(_NONE_LEFT)) + _NONE_LEFT
    contact = _CONTACT % (2_012_000_000 + _drawn[project] % 8_000_000)
    _drawn[project] += 1
    return _HEAD % (b"200 OK", len(contact)) + contact


class _Connection(asyncio.Protocol):
    def __init__(self, latency: float) -> None:
        self._latency = latency
        self._transport: asyncio.Transport | None = None
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._data = self._data + data if self._data else data
        while True:
            head = self._data.find(b"\r\n\r\n")
            if head < 0:
                return
            at = self._data.lower().find(b"content-length:", 0, head)
            length = int(self._data[at + 15 : self._data.find(b"\r", at)]) if at >= 0 else 0
            if len(self._data) < head + 4 + length:
                return
            line = self._data.find(b"\r")
            if self._data.find(_NEXT, 0, line) >= 0:
                reply = _next(self._data[head + 4 : head + 4 + length])
            else:
                reply = _SENDBLUE_REPLY if self._data.find(_SENDBLUE, 0, line) >= 0 else _REPLY
            self._data = self._data[head + 4 + length :]
            if self._latency:
                asyncio.get_running_loop().call_later(self._latency, self._answer, reply)
            else:
                self._answer(reply)

    def _answer(self, reply: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(reply)


async def _serve(latency: float, certificate: str | None) -> None:
    loop = asyncio.get_running_loop()
    tls = None
    if certificate is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate)
    server = await loop.create_server(lambda: _Connection(latency), "127.0.0.1", 0, backlog=8192, ssl=tls)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency", type=float, default=0.0, help="milliseconds before each answer")
    parser.add_argument("--certificate", help="a PEM file with a certificate and its key: answer over TLS")
    chosen = parser.parse_args()
    allow_files(10_000)
    try:
        import uvloop
    except ImportError:
        run = asyncio.run
    else:
        run = uvloop.run
    with contextlib.suppress(KeyboardInterrupt):
        run(_serve(chosen.latency / 1000, chosen.certificate))


if __name__ == "__main__":
    main()
