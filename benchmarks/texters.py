"""Concurrent mode against the loop of the API's page (next, send, next, send), one coroutine for each texter.

All run interleaved against one server process that takes 50 ms for every answer, on loopback. What counts are the ratios: to
the plain loop, and to the ideal of texters / (2 x latency). Both are of the steady part of a run, between a quarter and
nineteen twentieths of its texts, because our texters begin with one and double with every round; `whole` is the ratio of the
time from the start of a run to its end.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import aiohttp

from benchmarks.throughput import loops, server
from rumbleup_async import Result, RumbleUp

LATENCY = 0.05
"""Seconds the server takes for an answer."""
TEXT = "Hi {first_name}, the polls are open until 8 pm. Reply STOP to opt out"

Texting = Callable[[str, str, int, Path, list[float]], Awaitable[None]]
"""Texts a project with so many texters, and notes the time of each text that was accepted."""

LoopFactory = Callable[[], asyncio.AbstractEventLoop] | None

_projects = itertools.count(1)


async def plain(url: str, project: str, texters: int, _: Path, times: list[float]) -> None:
    """The loop of the page in each coroutine: `session.post(json=...)`, `await response.json()`; promises nothing."""
    connector = aiohttp.TCPConnector(limit=texters)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def texter() -> None:
            while True:
                async with session.post(f"{url}/message/next", json={"action": project}) as response:
                    if response.status == 404:
                        return
                    contact = await response.json()
                text = TEXT.replace("{first_name}", contact["first_name"])
                body = {"phone": contact["phone"], "action": project, "text": text}
                async with session.post(f"{url}/message/send", json=body) as response:
                    await response.json()
                times.append(time.perf_counter())

        await asyncio.gather(*(texter() for _ in range(texters)))


class _Clock:
    """Notes when texts were accepted and written down."""

    def __init__(self, times: list[float]) -> None:
        self._times = times

    def results(self, results: Sequence[Result]) -> None:
        self._times += [time.perf_counter()] * len(results)

    def held(self, seconds: float, reason: str) -> None:
        raise RuntimeError(f"held for {seconds} s: {reason}")


async def _concurrent(url: str, project: str, texters: int, ledger: Path | None, times: list[float]) -> None:
    async with (
        RumbleUp("KEY:SECRET", base_url=url) as rumbleup,
        rumbleup.concurrent_mode(action=project, text=TEXT, texters=texters, ledger=ledger, observer=_Clock(times)) as run,
    ):
        summary = await run.send()
    if summary.sent != summary.total or summary.stopped:
        raise RuntimeError(f"not everybody was texted: {summary}")


async def in_memory(url: str, project: str, texters: int, _: Path, times: list[float]) -> None:
    """Concurrent mode, everything on, the ledger in memory."""
    await _concurrent(url, project, texters, None, times)


async def on_disk(url: str, project: str, texters: int, folder: Path, times: list[float]) -> None:
    """Concurrent mode, everything on, intent and result of every text on the disk."""
    await _concurrent(url, project, texters, folder / f"{project}.ledger", times)


WAYS: dict[str, Texting] = {"plain loop": plain, "ledger in memory": in_memory, "ledger on disk": on_disk}


class Taken(NamedTuple):
    """One run: texts a second in its steady part and over all of it, and its cost."""

    steady: float
    whole: float
    microseconds: float


def take(way: Texting, url: str, texters: int, contacts: int, folder: Path, factory: LoopFactory) -> Taken:
    """One run over a project of its own."""
    times: list[float] = []
    project = f"{next(_projects)}-{contacts}"
    began, used = time.perf_counter(), time.process_time()
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_as_coroutine(way(url, project, texters, folder, times)))
    took, cost = time.perf_counter() - began, time.process_time() - used
    if len(times) != contacts:
        raise RuntimeError(f"{len(times)} of {contacts} were texted")
    first, last = contacts // 4, contacts * 19 // 20
    return Taken((last - first) / (times[last] - times[first]), contacts / took, cost / contacts * 1e6)


def measure(rounds: int, numbers: Sequence[int], seconds: float) -> None:
    """Print the medians over interleaved rounds; each run would take so many seconds in the ideal."""
    with server(LATENCY * 1000) as url, tempfile.TemporaryDirectory(prefix="bench-", dir=Path.cwd()) as folder:
        for (loop, factory), texters in itertools.product(loops().items(), numbers):
            ideal = texters / (2 * LATENCY)
            contacts = max(8, int(ideal * seconds))
            taken: dict[str, list[Taken]] = {name: [] for name in WAYS}
            for _ in range(rounds):
                for name, way in WAYS.items():
                    taken[name].append(take(way, url, texters, contacts, Path(folder), factory))
            print(
                f"{loop}, {texters} texters, ideal {ideal:,.0f} texts/s, medians of {rounds} interleaved rounds of {contacts:,} "
                f"texts, load {os.getloadavg()[0]:.1f}"
            )
            for name, runs in taken.items():
                to_ideal = [run.steady / ideal for run in runs]
                to_plain = [run.steady / other.steady for run, other in zip(runs, taken["plain loop"], strict=True)]
                whole = [run.whole / other.whole for run, other in zip(runs, taken["plain loop"], strict=True)]
                print(
                    f"  {name:<18}{statistics.median(run.steady for run in runs):>8,.1f} texts/s"
                    f"{statistics.median(run.microseconds for run in runs):>7,.0f} us CPU  {_span(to_ideal)} x ideal"
                    f"  {_span(to_plain)} x plain  whole {statistics.median(whole):.3f}"
                )


def _span(ratios: Sequence[float]) -> str:
    return f"{statistics.median(ratios):.3f} ({min(ratios):.3f}-{max(ratios):.3f})"


async def _as_coroutine(work: Awaitable[None]) -> None:
    await work


def main(*, quick: bool = False) -> None:
    """The comparison."""
    measure(1, [1, 16], 0.8) if quick else measure(3, [1, 16, 256], 5.0)
