"""aiohttp as fast as its public interface goes: one session, as many workers as connections, no cookies, whole headers, bytes in
and out through msgspec, no timer a request. Promises nothing."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import msgspec
from yarl import URL

from benchmarks.senders import job as jobs

_HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "tuned",
}


class _Reply(msgspec.Struct):
    logid: str


async def send(job: jobs.Job) -> None:
    """Workers over one iterator."""
    context = job.context()
    encode, decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(_Reply).decode
    url = URL(f"{job.url}/message/send")
    numbers = iter(range(job.texts))
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=job.concurrency, ssl=True if context is None else context),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=_HEADERS,
        timeout=aiohttp.ClientTimeout(),
    ) as session:

        async def worker() -> None:
            for number in numbers:
                async with session.post(url, data=encode(job.body(number)), allow_redirects=False) as response:
                    decode(await response.read())
                job.times.append(time.perf_counter())

        await asyncio.gather(*(worker() for _ in range(job.concurrency)))


if __name__ == "__main__":
    jobs.measure(jobs.read(), send)
