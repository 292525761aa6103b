"""The loop that a user would write against a limit: N workers, each of which waits as long as the 429 says and a little more, or
a moment if it says nothing, and then tries the same contact again. It neither keeps nor asks who was texted."""

from __future__ import annotations

import asyncio
import random

import aiohttp

from benchmarks.senders import job as jobs

_MOMENT = 0.25


async def send(job: jobs.Job) -> None:
    """Each worker takes the next contact once the last one was accepted, or lost."""
    numbers = iter(range(job.texts))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=job.concurrency)) as session:

        async def text(number: int) -> None:
            while True:
                async with session.post(f"{job.url}/message/send", json=job.body(number)) as response:
                    await response.read()
                    if response.status != 429:
                        return
                    wait = float(response.headers.get("Retry-After", _MOMENT))
                await asyncio.sleep(wait + _MOMENT * random.random())

        async def worker() -> None:
            for number in numbers:
                try:
                    await text(number)
                except aiohttp.ClientError:
                    continue

        await asyncio.gather(*(worker() for _ in range(job.concurrency)))


if __name__ == "__main__":
    jobs.measure(jobs.read(), send)
