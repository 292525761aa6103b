"""pyreqwest, a client written in Rust: a pool of workers over one client."""

from __future__ import annotations

import asyncio
import time

from pyreqwest.client import ClientBuilder  # type: ignore[import-not-found, unused-ignore]  # in the peers' environment

from benchmarks.senders import job as jobs


async def send(job: jobs.Job) -> None:
    """Workers over one iterator."""
    numbers = iter(range(job.texts))
    url = f"{job.url}/message/send"
    async with ClientBuilder().max_connections(job.concurrency).no_proxy().error_for_status(True).build() as client:

        async def worker() -> None:
            for number in numbers:
                response = await client.post(url).body_json(job.body(number)).build().send()
                await response.json()
                job.times.append(time.perf_counter())

        await asyncio.gather(*(worker() for _ in range(job.concurrency)))


if __name__ == "__main__":
    jobs.measure(jobs.read(), send)
