"""Delivery receipts while a canary is watched: which texts of the run were not delivered, read from the message log.

Lives here: reading them. Those that the receiver of webhooks has come from its file, see `webhooks.opt_outs`.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from rumbleup_async.errors import UnreadableReply
from rumbleup_async.rumbleup import requests
from rumbleup_async.rumbleup.client import RumbleUp
from rumbleup_async.runs.run import Run

FAILED = frozenset({"undelivered", "failed"})
"""Statuses of a text that its recipient has not got."""

_EARLY = 600.0
"""Seconds before the canary from which on the log is read: its clock is not ours."""


@runtime_checkable
class Receipts(Protocol):
    """Whoever tells of texts that were not delivered."""

    async def undelivered(self) -> list[tuple[str, str]]:
        """Their phones and logids; some may have been told before."""


class LogReceipts:
    """Fits `Receipts`: of the message log of RumbleUp, as long as the canary goes on. The log of a whole run is long."""

    def __init__(self, client: RumbleUp, run: Run) -> None:
        self._client = client
        self._run = run

    async def undelivered(self) -> list[tuple[str, str]]:
        """As `Receipts`. Raises what a look into the log raises."""
        canary = self._run.watched_canary
        if canary is None or canary.is_over:
            return []
        since = int((canary.standing.began - _EARLY) * 1000)
        pages = self._client.messages.log(flags=self._run.plan.tag, since=since, page_size=200)
        rows = [(row.phone or "", row.logid or "") async for row in pages if (row.status or "").lower() in FAILED]
        if pages.cut:
            raise UnreadableReply(f"the message log could not be read to its end: {pages.cut}", endpoint=requests.LOG)
        return rows
