"""What every sender is told, and how it is measured: wall time, CPU of its whole process tree, peak memory.

May import: the standard library alone, since it also runs in the peers' environment.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import gc
import json
import resource
import ssl
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

TEMPLATE = "Hi {first_name}, the polls are open until 8 pm. Reply STOP to opt out"


@dataclasses.dataclass
class Job:
    """`url`: of the API, always this machine. `times`: when each text was answered, for those who note it."""

    url: str
    texts: int
    concurrency: int
    ca: str | None
    loop: str
    options: argparse.Namespace
    times: list[float] = dataclasses.field(default_factory=list)

    def phone(self, number: int) -> str:
        """A valid number for each text: none of these exchanges is 311 or 411, none of the numbers one digit seven times."""
        area, rest = divmod(number, 700_000)
        return str((201 + area % 10) * 10_000_000 + 3_400_000 + rest)

    def text(self) -> str:
        """The text, merged as anybody would."""
        return TEMPLATE.replace("{first_name}", "Ada")

    def body(self, number: int) -> dict[str, str]:
        """What is posted for one text."""
        return {"phone": self.phone(number), "action": "125", "text": self.text()}

    def context(self) -> ssl.SSLContext | None:
        """For https: the run's own certificate, verified."""
        return None if self.ca is None else ssl.create_default_context(cafile=self.ca)


def parser() -> argparse.ArgumentParser:
    """The arguments of every sender."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--texts", type=int, required=True)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--ca", help="file of the certificate to trust")
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio")
    return parser


def read(arguments: argparse.ArgumentParser | None = None) -> Job:
    """The job; ends the process if the address is not this machine's."""
    options = (arguments or parser()).parse_args()
    if urlsplit(options.url).hostname not in {"127.0.0.1", "localhost"}:
        raise SystemExit("benchmarks send to this machine alone")
    allow_files(options.concurrency + 100)
    return Job(options.url, options.texts, options.concurrency, options.ca, options.loop, options)


def allow_files(wanted: int) -> None:
    """Raise the limit of open files, as far as the system lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


def measure(job: Job, send: Callable[[Job], Awaitable[None]], *, children: int = 0) -> None:
    """Run an asynchronous sender to its end and print what it cost. `children`: processes that it sent with beside its own."""
    factory = None
    if job.loop == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop

        # As our command does in a process of its own (`rumbleup_async.collector`, not to be had in the peers' environment);
        # everybody who runs on uvloop gets it.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)

    def run() -> None:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(_as_coroutine(send(job)))

    measure_blocking(job, run, children=children)


def measure_blocking(job: Job, send: Callable[[], None], *, children: int = 0) -> None:
    """Run a sender to its end and print what it cost."""
    began, used = time.perf_counter(), _cpu()
    send()
    seconds, cost = time.perf_counter() - began, _cpu() - used
    if job.times and len(job.times) != job.texts:
        raise SystemExit(f"{len(job.times)} of {job.texts} texts were answered")
    measured = {"texts": job.texts, "seconds": seconds, "cpu_seconds": cost, "peak_mib": _peak_mib(children)}
    print(json.dumps({**measured, "steady": _steady(job.times)}))


async def _as_coroutine(work: Awaitable[None]) -> None:
    await work


def _steady(times: list[float]) -> float | None:
    """Texts a second between a quarter and nineteen twentieths of them: without the start, which some make slowly on purpose."""
    first, last = len(times) // 4, len(times) * 19 // 20
    return None if last <= first or times[last] <= times[first] else (last - first) / (times[last] - times[first])


def _cpu() -> float:
    """Seconds of this process and of those it has waited for, in user and system."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _peak_mib(children: int) -> float:
    """The most memory this process ever held, and as many times the most that any of its children held."""
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss if children else 0
    try:
        # Our own ru_maxrss would do, but takes over the peak of whoever started the process.
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        own = int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
    except (OSError, StopIteration):
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (own + children * largest) / 1024
