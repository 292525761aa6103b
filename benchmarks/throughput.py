"""Texts a second: fast mode with the ledger on disk and in memory, against the loop anybody would write first.

All run interleaved against one server process that is not the limit, on loopback. What counts are the ratios.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp

from rumbleup_async import RumbleUp

CONCURRENCY = 64
TEXT = "Hi {first_name}, the polls are open until 8 pm. Reply STOP to opt out"

Sender = Callable[[str, int, Path], Awaitable[None]]


def phone(number: int) -> str:
    """A valid number for each contact."""
    return str(2_012_000_000 + number % 8_000_000)


async def naive(url: str, texts: int, _: Path) -> None:
    """Semaphore, gather, `session.post(json=...)`, `await response.json()`: promises nothing."""
    limit = asyncio.Semaphore(CONCURRENCY)
    async with aiohttp.ClientSession() as session:

        async def send(number: int) -> None:
            body = {"phone": phone(number), "action": "125", "text": TEXT.replace("{first_name}", "Ada")}
            async with limit, session.post(f"{url}/message/send", json=body) as response:
                await response.json()

        await asyncio.gather(*(send(number) for number in range(texts)))


async def _fast(url: str, texts: int, ledger: Path | None) -> None:
    contacts = ({"phone": phone(number), "first_name": "Ada"} for number in range(texts))
    async with (
        RumbleUp("KEY:SECRET", base_url=url) as rumbleup,
        rumbleup.fast_mode(action=125, text=TEXT, ledger=ledger, concurrency=CONCURRENCY) as run,
    ):
        summary = await run.send(contacts)
    if summary.sent != texts:
        raise RuntimeError(f"{summary.sent} of {texts} were sent: {summary}")


async def in_memory(url: str, texts: int, _: Path) -> None:
    """Fast mode, everything on, the ledger in memory."""
    await _fast(url, texts, None)


async def on_disk(url: str, texts: int, folder: Path) -> None:
    """Fast mode, everything on, intent and result of every text on the disk."""
    await _fast(url, texts, folder / f"{time.monotonic_ns()}.ledger")


SENDERS: dict[str, Sender] = {"naive aiohttp loop": naive, "ledger in memory": in_memory, "ledger on disk": on_disk}


@contextmanager
def server(latency: float = 0.0, certificate: Path | None = None) -> Iterator[str]:
    """The answering server in a process of its own, over TLS with a certificate (PEM, with its key); its base URL."""
    command = [sys.executable, "-m", "benchmarks.server", "--latency", str(latency)]
    if certificate is not None:
        command += ["--certificate", str(certificate)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            scheme = "http" if certificate is None else "https"
            yield f"{scheme}://127.0.0.1:{process.stdout.readline().strip()}/api"
        finally:
            process.kill()


def loops() -> dict[str, Callable[[], asyncio.AbstractEventLoop] | None]:
    """The event loops to measure on."""
    try:
        import uvloop
    except ImportError:
        return {"asyncio": None}
    return {"asyncio": None, "uvloop": uvloop.new_event_loop}


def measure(rounds: int, texts: int) -> None:
    """Print the medians over interleaved rounds."""
    with server() as url, tempfile.TemporaryDirectory(prefix="bench-", dir=Path.cwd()) as folder:
        for loop, factory in loops().items():
            speeds: dict[str, list[float]] = {name: [] for name in SENDERS}
            costs: dict[str, list[float]] = {name: [] for name in SENDERS}
            for _ in range(rounds):
                for name, sender in SENDERS.items():
                    began, used = time.perf_counter(), time.process_time()
                    with asyncio.Runner(loop_factory=factory) as runner:
                        runner.run(_as_coroutine(sender(url, texts, Path(folder))))
                    speeds[name].append(texts / (time.perf_counter() - began))
                    costs[name].append((time.process_time() - used) / texts * 1e6)
            print(f"{loop}, {CONCURRENCY} in flight, medians of {rounds} interleaved rounds of {texts:,} texts")
            base = speeds["naive aiohttp loop"]
            for name, values in speeds.items():
                ratios = [value / other for value, other in zip(values, base, strict=True)]
                print(
                    f"  {name:<20} {statistics.median(values):>8,.0f} texts/s  {statistics.median(costs[name]):>5.0f} us CPU  "
                    f"{statistics.median(ratios):.2f} x naive ({min(ratios):.2f}-{max(ratios):.2f})"
                )
            kept = [disk / memory for disk, memory in zip(speeds["ledger on disk"], speeds["ledger in memory"], strict=True)]
            print(f"  on disk / in memory: {statistics.median(kept):.2f} ({min(kept):.2f}-{max(kept):.2f})\n")


async def _as_coroutine(work: Awaitable[None]) -> None:
    await work


def main(*, quick: bool = False) -> None:
    """The comparison."""
    measure(1, 300) if quick else measure(7, 20_000)
