"""Ours over Sendblue: fast mode with the ledger on disk, or single sends of the client, which keep no books."""

from __future__ import annotations

import asyncio
from pathlib import Path

from benchmarks.senders import job as jobs
from benchmarks.senders.ours import import_all
from rumbleup_async import LineLimits, Sendblue

_LINE = "+12025550199"
_FREE = LineLimits(per_second=None, new_per_hour=None, new_per_day=None)


async def send(job: jobs.Job) -> None:
    """One run to its end, or as many single sends."""
    async with Sendblue("KEY", "SECRET", base_url=job.url.removesuffix("/api")) as sendblue:
        if job.options.single:
            await _single(job, sendblue)
            return
        contacts = ({"phone": job.phone(number), "first_name": "Ada"} for number in range(job.texts))
        ledger = Path(job.options.folder) / "run.ledger"
        async with sendblue.fast_mode(
            from_numbers=[_LINE], text=jobs.TEMPLATE, ledger=ledger, limits=_FREE, concurrency=job.concurrency
        ) as run:
            summary = await run.send(contacts)
    if summary.sent != job.texts:
        raise SystemExit(f"{summary.sent} of {job.texts} were sent: {summary}")


async def _single(job: jobs.Job, sendblue: Sendblue) -> None:
    limit = asyncio.Semaphore(job.concurrency)

    async def one(number: int) -> None:
        async with limit:
            await sendblue.messages.send(number=job.phone(number), from_number=_LINE, content=job.text())

    await asyncio.gather(*(one(number) for number in range(job.texts)))


if __name__ == "__main__":
    arguments = jobs.parser()
    arguments.add_argument("--folder", required=True, help="where the ledger goes")
    arguments.add_argument("--single", action="store_true")
    import_all("sendblue")
    jobs.measure(jobs.read(arguments), send)
