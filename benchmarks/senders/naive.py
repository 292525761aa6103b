"""The loop anybody would write first: semaphore, gather, `session.post(json=...)`, `await response.json()`. Promises nothing."""

from __future__ import annotations

import asyncio
import time

import aiohttp

from benchmarks.senders import job as jobs


async def send(job: jobs.Job) -> None:
    """With `--wide`, aiohttp's default limit of 100 connections is lifted to the concurrency."""
    limit = asyncio.Semaphore(job.concurrency)
    context = job.context()
    connector = aiohttp.TCPConnector(limit=job.concurrency if job.options.wide else 100, ssl=True if context is None else context)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def one(number: int) -> None:
            async with limit, session.post(f"{job.url}/message/send", json=job.body(number)) as response:
                await response.json()
            job.times.append(time.perf_counter())

        await asyncio.gather(*(one(number) for number in range(job.texts)))


if __name__ == "__main__":
    arguments = jobs.parser()
    arguments.add_argument("--wide", action="store_true")
    jobs.measure(jobs.read(arguments), send)
