"""Text a list in fast mode. Called again after a stop or a crash, it goes on where it was.

RUMBLEUP_API_KEY=KEY:SECRET python examples/send_list.py voters.csv 125 voters.ledger
"""

from __future__ import annotations

import asyncio
import sys

from rumbleup_async import RumbleUp, State

TEXT = "Hi {first_name|friend}, the polls are open until 8 pm today. STOP to opt out"


async def main(source: str, action: str, ledger: str) -> int:
    async with (
        RumbleUp.from_env() as rumbleup,
        rumbleup.fast_mode(action=action, text=TEXT, ledger=ledger, rate=200, concurrency=64) as run,
    ):
        async for result in run.send(source):
            # A result is handed out once it is durable. Most of a list is sent; the rest is worth a line.
            if result.state is not State.SENT:
                print(f"row {result.row}: {result.state}: {result.reason}")
        summary = run.summary
    print(f"{summary.sent} of {summary.total} sent, {summary.unknown} unknown")
    return 1 if summary.unknown or summary.stopped else 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(asyncio.run(main(*sys.argv[1:])))
