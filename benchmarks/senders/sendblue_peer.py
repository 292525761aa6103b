"""Sendblue's official SDK, over httpx as it comes, or with its aiohttp extra. It speaks its own API: other body, other path."""

from __future__ import annotations

import asyncio

from sendblue_api import (  # type: ignore[import-not-found, unused-ignore]  # in the peers' environment
    AsyncSendblueAPI,
    DefaultAioHttpClient,
)

from benchmarks.senders import job as jobs


async def send(job: jobs.Job) -> None:
    """`await client.messages.send(...)`, without its retries: nothing is to be retried here."""
    limit = asyncio.Semaphore(job.concurrency)
    # The address is given here and nowhere else: the SDK's own is the real one.
    client = AsyncSendblueAPI(
        api_key="KEY",
        api_secret="SECRET",
        base_url=job.url.removesuffix("/api"),
        max_retries=0,
        http_client=DefaultAioHttpClient() if job.options.aiohttp else None,
    )
    if client.base_url.host not in {"127.0.0.1", "localhost"}:
        raise SystemExit("benchmarks send to this machine alone")
    async with client:

        async def one(number: int) -> None:
            async with limit:
                await client.messages.send(number=f"+1{job.phone(number)}", from_number="+12025550199", content=job.text())

        await asyncio.gather(*(one(number) for number in range(job.texts)))


if __name__ == "__main__":
    arguments = jobs.parser()
    arguments.add_argument("--aiohttp", action="store_true")
    jobs.measure(jobs.read(arguments), send)
