"""Read the message log: what a contact got, or everything that carries a tag, such as the tag of a run.

RUMBLEUP_API_KEY=KEY:SECRET python examples/read_log.py phone 2025550101
RUMBLEUP_API_KEY=KEY:SECRET python examples/read_log.py flag run-qrtxntzqqb
"""

from __future__ import annotations

import asyncio
import datetime as dt
import sys

from rumbleup_async import RumbleUp


async def main(by: str, value: str) -> None:
    since = dt.datetime.now(dt.UTC) - dt.timedelta(days=7)
    async with RumbleUp.from_env() as rumbleup:
        if by == "phone":
            log = rumbleup.messages.log(phone=value, since=since)
        else:
            log = rumbleup.messages.log(flags=value, since=since)
        number = 0
        # Pages are fetched as they are needed, so a log of any length takes no memory.
        async for message in log:
            number += 1
            print(
                message.logid,
                message.phone,
                message.status or "no receipt yet",
                message.sent_time.raw if message.sent_time else "",
            )
    print(f"{number} messages")


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in {"phone", "flag"}:
        sys.exit(__doc__)
    asyncio.run(main(*sys.argv[1:]))
