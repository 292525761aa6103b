"""Readers of the live page over a folder of ledgers, for whoever measures what they cost a run.

Lives here: `rumbleup watch` in a process of its own, and readers of its event stream: `python -m benchmarks.readers FOLDER N`. It
says how many updates came in all once its standard input is closed.
"""

from __future__ import annotations

import asyncio
import re
import sys
from contextlib import suppress

import aiohttp


async def main(folder: str, readers: int) -> None:
    """Say `ready` once the page is served, and read until nobody wants it any more."""
    command = [sys.executable, "-m", "rumbleup_async", "watch", folder, "--port", "0", "--read-only"]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    found = re.match(r"to look: (\S+)", (await process.stderr.readline()).decode())
    assert found is not None
    updates = [0] * readers
    async with aiohttp.ClientSession(found[1], timeout=aiohttp.ClientTimeout(total=None)) as session:
        reading = [asyncio.create_task(_read(session, updates, number)) for number in range(readers)]
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
    print(sum(updates), flush=True)
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()


async def _read(session: aiohttp.ClientSession, updates: list[int], number: int) -> None:
    while True:
        async with session.get("/events") as answer:
            if answer.status == 200:
                async for line in answer.content:
                    updates[number] += line.startswith(b"event: run\n")
        await asyncio.sleep(0.02)  # there is no ledger yet


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
