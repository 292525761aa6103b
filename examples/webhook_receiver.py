"""Take replies and delivery receipts, keep each of them once, and keep a list of people who are not to be texted again.

RUMBLEUP_WEBHOOK_USER=me RUMBLEUP_WEBHOOK_PASSWORD=... python examples/webhook_receiver.py events.db optouts.txt
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from rumbleup_async.rumbleup.webhooks import DeliveryReceipt, MessageReceived, parse
from rumbleup_async.webhooks import Failure, Receiver, SQLite, checks, serve


async def main(events: str, opt_outs: str, port: int = 8026) -> None:
    receiver = Receiver(
        parse,
        check=checks.basic((os.environ["RUMBLEUP_WEBHOOK_USER"], os.environ["RUMBLEUP_WEBHOOK_PASSWORD"])),
        sink=SQLite(events),
        on_failure=alert,
    )

    @receiver.on(MessageReceived)
    def keep_opt_outs(event: MessageReceived) -> None:
        # A plain function runs in a thread, so it may wait for a disk.
        if event.opted_out or event.wrong_number:
            with Path(opt_outs).open("a") as file:
                file.write(f"{event.phone}\n")

    @receiver.on(DeliveryReceipt)
    async def look_at_landlines(event: DeliveryReceipt) -> None:
        if event.undelivered:
            print("not delivered:", event.message.error_code)

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serve(receiver, port=port) as url:
        print("listening on", url, flush=True)
        await stop.wait()
    print(f"{receiver.statistics.received} events, {receiver.statistics.repeated} repeats")


def alert(failure: Failure) -> None:
    """Tell somebody. The event is in the file; what the handler should have done is not."""
    print("a handler failed:", failure, file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(os.environ.get("PORT", "8026"))))
