"""A task of arq that sends a campaign; one client for all tasks of a worker, and a clean end when the worker is stopped.

RUMBLEUP_API_KEY=KEY:SECRET LEDGERS=ledgers arq arq_task.WorkerSettings     (in the folder of examples/arq_task.py)

    await pool.enqueue_job("send_campaign", "friday", 125, "Hi {name}. STOP to opt out", "/lists/friday.csv", _job_id="friday")

The list is named, not handed over: what a task is given stands in Redis, and arq writes the beginning of it into its log.
A worker that is stopped cancels its tasks: nothing more leaves, what is in flight is waited for, and the task is tried again
by the next worker, which goes on with the ledger. The ledger must lie where that worker finds it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from rumbleup_async import RumbleUp


async def startup(context: dict[str, Any]) -> None:
    context["rumbleup"] = await RumbleUp.from_env().__aenter__()


async def shutdown(context: dict[str, Any]) -> None:
    await context["rumbleup"].__aexit__(None, None, None)


async def send_campaign(context: dict[str, Any], name: str, action: int, text: str, contacts: str) -> dict[str, Any]:
    """The counts by state, as the summary has them."""
    rumbleup: RumbleUp = context["rumbleup"]
    ledger = Path(os.environ.get("LEDGERS", ".")) / f"{name}.ledger"
    async with rumbleup.fast_mode(action=action, text=text, ledger=ledger, rate=50) as run:
        summary = await run.send(Path(contacts))
    return summary.as_dict()


class WorkerSettings:
    """What arq looks for."""

    functions = (send_campaign,)
    on_startup = startup
    on_shutdown = shutdown
    job_timeout = 24 * 3600
    """A campaign that waits for people's hours takes a day; arq would end it after five minutes."""
    max_tries = 100
