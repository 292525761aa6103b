"""A task of Celery that sends a campaign. A queue may deliver a task twice; the ledger sees to it that nobody is texted twice.

RUMBLEUP_API_KEY=KEY:SECRET LEDGERS=ledgers celery --app celery_task worker     (in the folder of examples/celery_task.py)

    from celery_task import send_campaign
    send_campaign.delay("friday", 125, "Hi {name}. STOP to opt out", "/lists/friday.csv")

The list is named, not handed over: what a task is given stands in the broker, for whoever reads there.
`acks_late` gives the task back when a worker dies, and the next worker goes on with the ledger. It must find it: the folder is on
a disk that all workers share and that keeps locks (not NFS), or there is one worker. Over many machines use a ledger in
PostgreSQL.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from celery import Celery

from rumbleup_async import LedgerLocked, RumbleUp

app = Celery("texts", broker=os.environ.get("CELERY_BROKER_URL", "redis://localhost"))


@app.task(bind=True, acks_late=True, reject_on_worker_lost=True, max_retries=None)  # type: ignore[untyped-decorator]  # Celery ships no types
def send_campaign(self: Any, name: str, action: int, text: str, contacts: str) -> dict[str, Any]:
    """The counts by state, as the summary has them."""
    ledger = Path(os.environ.get("LEDGERS", ".")) / f"{name}.ledger"
    try:
        return asyncio.run(send(ledger, action, text, contacts))
    except LedgerLocked as busy:
        # Another worker has it. This does not send again: it comes back to tell how the run has ended.
        raise self.retry(exc=busy, countdown=60) from busy


async def send(ledger: Path, action: int, text: str, contacts: str) -> dict[str, Any]:
    async with RumbleUp.from_env() as rumbleup, rumbleup.fast_mode(action=action, text=text, ledger=ledger, rate=50) as run:
        summary = await run.send(Path(contacts))
    return summary.as_dict()
