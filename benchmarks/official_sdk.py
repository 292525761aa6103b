"""Texts a second over Sendblue: fast mode with the ledger on disk, against the official SDK, which promises nothing.

All run interleaved against one server process that is not the limit, on loopback, on asyncio's own loop, each in a process of its
own. What counts are the ratios. The SDK lives in `.bench`; see `double_send`.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import double_send
from benchmarks.others import LINE, SDKS, is_loopback
from benchmarks.throughput import CONCURRENCY, TEXT, phone, server
from rumbleup_async import LineLimits, Sendblue

OURS = ("rumbleup_async, ledger on disk", "rumbleup_async, single sends")
_FREE = LineLimits(per_second=None, new_per_hour=None, new_per_day=None)


async def _fast(url: str, texts: int, ledger: Path) -> float:
    contacts = ({"phone": phone(number), "first_name": "Ada"} for number in range(texts))
    async with (
        Sendblue("KEY", "SECRET", base_url=url) as sendblue,
        sendblue.fast_mode(from_numbers=[LINE], text=TEXT, ledger=ledger, limits=_FREE, concurrency=CONCURRENCY) as run,
    ):
        began = time.perf_counter()
        summary = await run.send(contacts)
        seconds = time.perf_counter() - began
    if summary.sent != texts:
        raise RuntimeError(f"{summary.sent} of {texts} were sent: {summary}")
    return seconds


async def _single(url: str, texts: int) -> float:
    limit = asyncio.Semaphore(CONCURRENCY)
    async with Sendblue("KEY", "SECRET", base_url=url) as sendblue:

        async def send(number: int) -> None:
            async with limit:
                await sendblue.messages.send(number=phone(number), from_number=LINE, content=TEXT)

        began = time.perf_counter()
        await asyncio.gather(*(send(number) for number in range(texts)))
        return time.perf_counter() - began


def own(name: str, url: str, texts: int) -> None:
    """One measurement of ours, in the process that this module was started in; prints the seconds."""
    assert is_loopback(url.split("/")[2].partition(":")[0])
    with tempfile.TemporaryDirectory(prefix="bench-", dir=Path.cwd()) as folder:
        work = _fast(url, texts, Path(folder) / "run.ledger") if name == OURS[0] else _single(url, texts)
        json.dump({"seconds": asyncio.run(work)}, sys.stdout)


def _seconds(command: list[str]) -> float:
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    return float(json.loads(done.stdout)["seconds"])


def main(*, quick: bool) -> None:
    """The comparison. `quick`: ours alone, which needs no package index."""
    rounds, texts = (1, 300) if quick else (3, 1_000)
    python = None if quick else double_send.prepare()
    others = str(Path(__file__).with_name("others.py"))
    speeds: dict[str, list[float]] = {name: [] for name in [*OURS, *(() if quick else SDKS)]}
    with server() as base:
        url = base.removesuffix("/api")
        for _ in range(rounds):
            for name, values in speeds.items():
                command = [sys.executable, "-m", "benchmarks.official_sdk", name, url, str(texts)]
                if name in SDKS:
                    command = [str(python), others, name, url, str(texts), str(CONCURRENCY)]
                values.append(texts / _seconds(command))
    print(f"Sendblue, {CONCURRENCY} in flight, medians of {rounds} interleaved rounds of {texts:,} texts")
    for name, values in speeds.items():
        print(f"  {name:<30} {statistics.median(values):>8,.0f} texts/s")
    for sdk in () if quick else SDKS:
        ratios = [ours / theirs for ours, theirs in zip(speeds[OURS[0]], speeds[sdk], strict=True)]
        print(f"  ledger on disk / {sdk}: {statistics.median(ratios):.1f} ({min(ratios):.1f}-{max(ratios):.1f})")


if __name__ == "__main__":
    own(sys.argv[1], sys.argv[2], int(sys.argv[3]))
