"""Text a list over Sendblue, from one line or several. Called again after a stop or a crash, it goes on where it was.

SENDBLUE_API_KEY=... SENDBLUE_API_SECRET=... python examples/sendblue_list.py voters.csv voters.ledger +12025550198 +12025550199
"""

from __future__ import annotations

import asyncio
import sys

from rumbleup_async import LineLimits, Sendblue, State

TEXT = "Hi {first_name|friend}, the polls are open until 8 pm today. STOP to opt out"


async def main(source: str, ledger: str, lines: list[str]) -> int:
    limits = LineLimits(per_second=1.0, new_per_hour=15, new_per_day=50)
    async with (
        Sendblue.from_env() as sendblue,
        sendblue.fast_mode(from_numbers=lines, text=TEXT, ledger=ledger, limits=limits) as run,
    ):
        async for result in run.send(source):
            if result.state is not State.SENT:
                print(f"row {result.row}: {result.state}: {result.reason}")
        summary = run.summary
    # When every line has used up its new contacts, the run stops and `stopped` says when to go on.
    print(f"{summary.sent} of {summary.total} sent, {summary.unknown} unknown; {summary.stopped or 'done'}")
    return 1 if summary.unknown or summary.stopped else 0


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    sys.exit(asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:])))
