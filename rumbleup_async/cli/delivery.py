"""What is known of the delivery of a run's texts, in words and as JSON.

Lives here: what `follow` and `status` have in common.
"""

from __future__ import annotations

import time
from typing import Any

from rumbleup_async.cli.console import plural
from rumbleup_async.people.run_book import span
from rumbleup_async.receipts import Counts


def words(counts: Counts, sent: int) -> str:
    """How it stands, on a line. `sent`: texts that the ledger knows as sent."""
    return (
        f"{plural(sent, 'text')} sent: {counts.delivered:,} delivered, {counts.undelivered:,} undelivered, "
        f"{waiting(counts, sent):,} without a receipt; {counts.replied:,} replied, {counts.opted_out:,} opted out"
    )


def waiting(counts: Counts, sent: int) -> int:
    """Texts without a receipt."""
    return max(0, sent - counts.delivered - counts.undelivered)


def ago(counts: Counts) -> str:
    """When that was read."""
    return f"read {span(max(0.0, time.time() - counts.asked))} ago"


def as_dict(counts: Counts, sent: int) -> dict[str, Any]:
    """The same for `--json`."""
    return {
        "delivered": counts.delivered,
        "undelivered": counts.undelivered,
        "waiting": waiting(counts, sent),
        "replied": counts.replied,
        "opted_out": counts.opted_out,
        "why": [{"code": one.code, "words": one.words, "number": one.number} for one in counts.why],
        "asked": counts.asked,
    }
