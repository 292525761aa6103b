"""Concurrent mode against the loop of the API's page (next, send, next, send), one coroutine for each texter.

All run interleaved against one server process that takes 50 ms for every answer, on loopback. What counts are the ratios: to
the plain loop, and to the ideal of texters / (2 x latency). Both are of the steady part of a run, between a quarter and
nineteen twentieths of its texts, because our texters begin with one and double with every round; `whole` is the ratio of the
time from the start of a run to its end.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import aiohttp

from benchmarks.results import Figure, Measured
from benchmarks.running import folder, say
from benchmarks.serving import loops, serving
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
    project = f"{next(_projects)}{contacts:09d}"
    began, used = time.perf_counter(), time.process_time()
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_as_coroutine(way(url, project, texters, folder, times)))
    took, cost = time.perf_counter() - began, time.process_time() - used
    if len(times) != contacts:
        raise RuntimeError(f"{len(times)} of {contacts} were texted")
    first, last = contacts // 4, contacts * 19 // 20
    return Taken((last - first) / (times[last] - times[first]), contacts / took, cost / contacts * 1e6)


def measure(rounds: int, numbers: Sequence[int], seconds: float) -> list[Figure]:
    """Ratios round by round; each run would take so many seconds in the ideal."""
    figures = []
    with folder() as work, serving(work, latency=LATENCY, kind="python") as served:
        for (loop, factory), texters in itertools.product(loops().items(), numbers):
            ideal = texters / (2 * LATENCY)
            contacts = max(8, int(ideal * seconds))
            taken: dict[str, list[Taken]] = {name: [] for name in WAYS}
            for _ in range(rounds):
                for name, way in WAYS.items():
                    taken[name].append(take(way, served.url, texters, contacts, work, factory))
            say(f"texters: {loop}, {texters}")
            for name, runs in taken.items():
                title = f"{loop}, {texters} texters, {name}"
                figures.append(Figure(f"{title}: steady", "x the ideal", [run.steady / ideal for run in runs]))
                figures.append(Figure(f"{title}: CPU", "µs a text", [run.microseconds for run in runs]))
                if name == "plain loop":
                    continue
                pairs = list(zip(runs, taken["plain loop"], strict=True))
                figures.append(Figure(f"{title}: steady", "x plain", [run.steady / other.steady for run, other in pairs]))
                figures.append(Figure(f"{title}: start to end", "x plain", [run.whole / other.whole for run, other in pairs]))
    return figures


async def _as_coroutine(work: Awaitable[None]) -> None:
    await work


def main(*, quick: bool = False) -> Measured:
    """The comparison."""
    rounds, numbers, seconds = (1, [1, 16], 0.8) if quick else (3, [1, 16, 256], 2.0)
    return Measured(rounds=rounds, figures=measure(rounds, numbers, seconds))
