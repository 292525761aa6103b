"""What a provider does to a receiver: requests over real TCP."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from rumbleup_async.rumbleup import webhooks
from rumbleup_async.webhooks import Receiver, checks, serve

SAMPLES = Path(__file__).parents[1] / "samples" / "rumbleup" / "webhooks"
BASIC = "Basic " + base64.b64encode(b"user:pass").decode()
PRIVATE = ("5550100001", "Ada", "Byron", "STOP")
"""What no log and no printed line may hold."""


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.json").read_bytes()


def receipt(number: int, status: str = "delivered", **more: Any) -> bytes:
    """The receipt of message `number`."""
    data = {"cid": "c_demo1", "phone": "5550100001", "name": "Ada Byron", "logid": f"rl_{number:032x}", "status": status, **more}
    return json.dumps({"type": "DELIVERY_RECEIPT", "ctime": 1700000000000 + number, "data": data}).encode()


def new_receiver(**options: Any) -> Receiver:
    if not options.get("allow_unauthenticated"):
        options.setdefault("check", checks.basic(("user", "pass")))
    return Receiver(options.pop("parse", webhooks.parse), **options)


class Provider:
    """Posts to an address."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    async def post(self, body: bytes, **headers: str) -> int:
        """The status of the answer."""
        sent = {"Authorization": BASIC, "Content-Type": "application/json", **headers}
        async with self.session.post(self.url, data=body, headers=sent) as answer:
            await answer.read()
            return answer.status

    async def raw(self, request: bytes, *, seconds: float = 5) -> bytes:
        """All that is answered to these bytes until the connection is closed."""
        host, port = self.url.split("/")[2].split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(request)
            async with asyncio.timeout(seconds):
                return await reader.read()
        finally:
            writer.close()


@asynccontextmanager
async def provider(receiver: Receiver, **options: Any) -> AsyncIterator[Provider]:
    """A receiver that listens, and someone to post to it."""
    async with serve(receiver, **options) as url, aiohttp.ClientSession() as session:
        yield Provider(session, url)


async def until(true: Callable[[], object], seconds: float = 10) -> None:
    """Wait for something to be so."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.005)


async def all_of(calls: list[Awaitable[int]]) -> list[int]:
    return list(await asyncio.gather(*calls))
