"""Sends by a client that users would pick instead of ours; run by the interpreter of `.bench`, which has them installed.

    python others.py CLIENT URL        prints {"told": ..., "version": ...}

It stands alone: nothing of ours is imported. Nothing can leave this machine: the address must be loopback, and so must every
address that is resolved or connected to.
"""

from __future__ import annotations

import asyncio
import importlib
import ipaddress
import json
import os
import socket
import sys
import warnings
from collections.abc import Awaitable, Callable
from importlib import metadata
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 1.0
"""Seconds until a client gives an answer up: their defaults are up to a minute, which changes nothing but the time this takes."""

NUMBER, LINE, TEXT = "+12025550101", "+12025550199", "Hi Ada. STOP to opt out"


def is_loopback(host: object) -> bool:
    """Whether a name or an address stays on this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


def stay_here() -> None:
    """Let no socket of this process leave the machine, whatever a client does."""
    connect, resolve = socket.socket.connect, socket.getaddrinfo

    def watched(self: socket.socket, address: Any) -> None:
        assert isinstance(address, (str, bytes)) or is_loopback(address[0]), "loopback only"
        connect(self, address)

    def resolving(host: Any, *arguments: Any, **options: Any) -> Any:
        assert is_loopback(host), "loopback only"
        return resolve(host, *arguments, **options)

    socket.socket.connect = watched  # type: ignore[method-assign,assignment]
    socket.getaddrinfo = resolving
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            del os.environ[name]


def load(name: str) -> Any:
    """A library that only `.bench` has."""
    return importlib.import_module(name)


async def official_sdk(url: str) -> object:
    """`AsyncSendblueAPI` at its defaults but for the patience."""
    sdk = load("sendblue_api")
    async with sdk.AsyncSendblueAPI(api_key="KEY", api_secret="SECRET", base_url=url, timeout=PATIENCE) as client:
        assert is_loopback(client.base_url.host)
        return await client.messages.send(number=NUMBER, from_number=LINE, content=TEXT)


async def twilio(url: str) -> object:
    """twilio-python's asyncio client with `max_retries=3`, its requests turned to loopback before they leave it."""
    http = load("twilio.http.async_http_client")

    class Local(http.AsyncTwilioHttpClient):  # type: ignore[misc,name-defined]
        async def request(self, method: str, target: str, *arguments: Any, **options: Any) -> Any:
            local = url + urlsplit(target).path
            assert is_loopback(urlsplit(local).hostname)
            options["timeout"] = PATIENCE
            return await super().request(method, local, *arguments, **options)

    async with Local(max_retries=3) as client:
        rest = load("twilio.rest").Client("AC" + "0" * 32, "SECRET", http_client=client)
        return await rest.messages.create_async(to=NUMBER, from_=LINE, body=TEXT)


async def with_tenacity(url: str) -> object:
    """aiohttp in a tenacity loop of three attempts, as tutorials have it."""
    aiohttp, tenacity = load("aiohttp"), load("tenacity")
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as session:

        @tenacity.retry(stop=tenacity.stop_after_attempt(3), wait=tenacity.wait_fixed(0.1), reraise=True)  # type: ignore[untyped-decorator,unused-ignore]
        async def send() -> object:
            assert is_loopback(urlsplit(url).hostname)
            body = {"number": NUMBER, "from_number": LINE, "content": TEXT}
            async with session.post(f"{url}/api/send-message", json=body, raise_for_status=True) as response:
                return await response.json()

        return await send()


CLIENTS: dict[str, tuple[Callable[[str], Awaitable[object]], str]] = {
    "sendblue SDK": (official_sdk, "sendblue"),
    "twilio-python, async": (twilio, "twilio"),
    "aiohttp in tenacity": (with_tenacity, "tenacity"),
}
"""Name in the table -> who sends, and the package whose version is told."""


async def told(send: Callable[[str], Awaitable[object]], url: str) -> str:
    """What the caller is told of one send."""
    try:
        await send(url)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what the caller is told
        return type(error).__name__
    return "success"


def main() -> None:
    """Make the one call that was asked for."""
    name, url = sys.argv[1:]
    assert is_loopback(urlsplit(url).hostname), "loopback only"
    stay_here()
    warnings.simplefilter("ignore")
    send, package = CLIENTS[name]
    json.dump({"told": asyncio.run(told(send, url)), "version": metadata.version(package)}, sys.stdout)


if __name__ == "__main__":
    main()
