"""Ours, as a user calls it: `RumbleUp(...).fast_mode(...)`, the promise on. Within the clock: opening ledger and connections,
taking in the list, sending, closing everything.

`--source rows` hands the contacts over from memory, as the other senders have theirs; `csv` reads a file, `loaded` goes on with a
ledger that has its list already: one made before the clock starts, or that of `--resume`, of which `--texts` are sent.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.senders import job as jobs
from rumbleup_async import Result, RumbleUp
from rumbleup_async.session.transport import has_pool


def import_all(provider: str) -> None:
    """What a client imports once it is needed: before the clock starts, as others' libraries are. `startup` measures imports."""
    exchange = "session.pool" if has_pool() else "session.client"
    for name in ("runs.run", "fleet.supervisor", "ledger", f"{provider}.gateway", exchange):
        importlib.import_module(f"rumbleup_async.{name}")


_CARE: dict[str, Any] = {"budget": 1_000_000, "price": "0.03", "day_cap": 1_000_000_000, "canary": (200, 0)}
"""Bounds that let everybody through, and are asked for each text."""


class _Clock:
    """Notes when texts were accepted and written down."""

    def __init__(self, times: list[float]) -> None:
        self._times = times

    def results(self, results: Sequence[Result]) -> None:
        self._times += [time.perf_counter()] * len(results)

    def held(self, seconds: float, reason: str) -> None:
        raise RuntimeError(f"held for {seconds} s: {reason}")


def _client(job: jobs.Job) -> RumbleUp:
    return RumbleUp("KEY:SECRET", base_url=job.url, transport=job.options.transport, ssl=job.context())


def _list(job: jobs.Job) -> Path:
    return Path(job.options.folder) / "list.csv"


def _ledger(job: jobs.Job) -> Path | str | None:
    if job.options.database is not None:
        return f"{job.options.database}&run=bench-{time.time_ns()}"
    if job.options.resume is not None:
        return Path(job.options.resume)
    return Path(job.options.folder) / "list.ledger" if job.options.ledger == "disk" else None


def _book(job: jobs.Job) -> Path:
    return Path(job.options.folder) / "people.book"


def write_list(job: jobs.Job) -> None:
    """The contacts as a CSV."""
    with _list(job).open("w", encoding="utf-8") as file:
        file.write("phone,first_name\n")
        file.writelines(f"{job.phone(number)},Ada\n" for number in range(job.texts))


async def load(job: jobs.Job) -> None:
    """The contacts in a ledger, nothing sent."""
    async with _client(job) as rumbleup, rumbleup.fast_mode(action=125, text=jobs.TEMPLATE, ledger=_ledger(job)) as run:
        await run.load(_list(job))


async def send(job: jobs.Job) -> None:
    """One run to its end; everybody must have been texted."""
    options = job.options
    observer = _Clock(job.times) if options.steady else None
    ledger = _ledger(job)
    async with _client(job) as rumbleup:
        if options.source == "loaded":
            assert ledger is not None
            begun = rumbleup.resume(
                ledger,
                concurrency=job.concurrency,
                processes=options.processes,
                rate=options.rate,
                limit=job.texts,
                observer=observer,
                journal=options.journal,
            )
            contacts = None
        else:
            begun = rumbleup.fast_mode(
                action=125,
                text=jobs.TEMPLATE,
                ledger=ledger,
                concurrency=job.concurrency,
                processes=options.processes,
                rate=options.rate,
                observer=observer,
                journal=options.journal,
                book=_book(job) if options.book else None,
                **(_CARE if options.care else {}),
            )
            rows = ({"phone": job.phone(number), "first_name": "Ada"} for number in range(job.texts))
            contacts = _list(job) if options.source == "csv" else rows
        async with begun as run:
            summary = await run.send(contacts)
    if summary.sent < job.texts:
        raise SystemExit(f"{summary.sent} of {job.texts} were sent: {summary}")


@contextmanager
def _read_by(readers: int, folder: str) -> Iterator[None]:
    """Have so many readers look at the live page meanwhile. They are waited for after the clock, so their work is not ours."""
    if not readers:
        yield
        return
    command = [sys.executable, "-m", "benchmarks.readers", folder, str(readers)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reading:
        assert reading.stdout is not None
        assert reading.stdin is not None
        reading.stdout.readline()
        yield
        reading.stdin.close()
        if int(reading.stdout.readline() or 0) < readers:
            raise SystemExit("the readers were told nothing")


def main() -> None:
    """Prepare what is not measured, then send."""
    arguments = jobs.parser()
    arguments.add_argument("--ledger", choices=("disk", "memory"), default="disk")
    arguments.add_argument("--transport", choices=("auto", "pool", "aiohttp"), default="auto")
    arguments.add_argument("--processes", type=int, default=1)
    arguments.add_argument("--source", choices=("rows", "csv", "loaded"), default="rows")
    arguments.add_argument("--resume", help="a ledger to go on with")
    arguments.add_argument("--rate", type=float)
    arguments.add_argument("--folder", required=True, help="where list and ledger go")
    arguments.add_argument("--database", help="the address of a PostgreSQL database that holds the ledger, with a query")
    arguments.add_argument("--book", action="store_true", help="claim everybody in a book of people in the folder")
    arguments.add_argument("--care", action="store_true", help="a budget, a cap a day and the rest, all wide enough")
    arguments.add_argument("--journal", action="store_true", help="note large steps beside the ledger first")
    arguments.add_argument("--readers", type=int, default=0, help="so many readers of the live page meanwhile")
    arguments.add_argument("--steady", action="store_true", help="note when each text was done")
    arguments.add_argument("--plain-tls", action="store_true", help="TLS of the event loop, without aiofastnet")
    job = jobs.read(arguments)
    import_all("rumbleup")
    if job.options.plain_tls:
        sys.modules["aiofastnet"] = None  # type: ignore[assignment]  # what keeps a module from being imported
    elif job.ca is not None and job.options.transport != "aiohttp" and importlib.util.find_spec("aiofastnet") is None:
        raise SystemExit("aiofastnet is not installed")
    if job.options.resume is not None:
        job.options.source = "loaded"
    elif job.options.source != "rows":
        write_list(job)
        if job.options.source == "loaded":
            asyncio.run(load(job))
    if job.options.book:
        from rumbleup_async.people import Book

        book = Book(_book(job))
        book.open_now()
        book.close_now()
    with _read_by(job.options.readers, job.options.folder):
        jobs.measure(job, send, children=job.options.processes if job.options.processes > 1 else 0)


if __name__ == "__main__":
    main()
