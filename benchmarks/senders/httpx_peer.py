"""httpx, the usual way: one client, its pool as large as the concurrency, semaphore and gather."""

from __future__ import annotations

import asyncio

import httpx  # type: ignore[import-not-found, unused-ignore]  # in the peers' environment

from benchmarks.senders import job as jobs


async def send(job: jobs.Job) -> None:
    """`await client.post(json=...)`, `.json()`."""
    limit = asyncio.Semaphore(job.concurrency)
    limits = httpx.Limits(max_connections=job.concurrency, max_keepalive_connections=job.concurrency)
    async with httpx.AsyncClient(limits=limits, trust_env=False) as client:

        async def one(number: int) -> None:
            async with limit:
                response = await client.post(f"{job.url}/message/send", json=job.body(number))
                response.raise_for_status().json()

        await asyncio.gather(*(one(number) for number in range(job.texts)))


if __name__ == "__main__":
    jobs.measure(jobs.read(), send)
