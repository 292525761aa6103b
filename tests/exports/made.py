"""A run with everything in it that a report may meet, in a file or in a database."""

import json
import time
from collections.abc import Sequence
from typing import Any

from rumbleup_async.engine.ports import Ledger
from rumbleup_async.messaging import Closed, Plan, Planned, Second, Skipped, State
from rumbleup_async.reasons import Code, Reason
from rumbleup_async.receipts.told import Fact, Told, What
from tests.books import exchange, open_ledger, owner_of

HOSTILE = (
    "=cmd|'/c calc'!A1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\uff1d1+1",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\u202egnp.exe\u2066",
    "a\x00b\x07c",
    "\n=1+1",
    "x" * 40_000,
    "https://example.org/?q=1",
    "call 202-555-0177 or +1 (312) 555-0188",
    'Ada, "Countess"; of\nLovelace',
)  # fmt: skip
"""What stands in the column `name` of its contacts."""

PLAN = Plan(run="qrtxntzqqb", provider="rumbleup", action="125", text="Hi. STOP", same_text="Hi. STOP")
NOON = 1_780_500_000
"""Unix seconds: 2026-06-03 15:20 UTC, 11:20 in New York."""


def phone(row: int) -> str:
    return f"202555{row:04d}"


async def make(ledger: Ledger, names: Sequence[str] = HOSTILE, *, ends: bool = True, plan: Plan = PLAN) -> None:
    """The contacts of these names. Four are sent, one is refused, one in doubt, the rest stays queued; two are skipped."""
    await open_ledger(ledger, plan)
    planned = [
        Planned(row, phone(row), "Hi. STOP", segments=2, kept=json.dumps({"name": name, "phone": phone(row), "Ward": f"{row}"}))
        for row, name in enumerate(names, 1)
    ]
    last = len(names)
    skipped = [
        Skipped(last + 1, "call 2025550199 =1", Reason(Code.INVALID_PHONE, "12 digits")),
        Skipped(last + 2, phone(1), Reason(Code.DUPLICATE, "1234567")),
    ]
    await ledger.add([*planned, *skipped])
    await ledger.complete("list")
    if len(names) >= 6:
        await exchange(ledger, [], 6)
        done = [Closed(row, State.SENT, 1, Reason(), f"rl_{row:032x}", (NOON + row) * 1000) for row in range(1, 5)]
        done.append(Closed(5, State.REFUSED, 1, Reason(Code.OTHER, "=no <b>202-555-0105</b> \u202e"), "", (NOON + 5) * 1000))
        done.append(Closed(6, State.UNKNOWN, 1, Reason(Code.OTHER, "no answer"), "", (NOON + 6) * 1000))
        second = Second(NOON + 1, sent=4, refused=1, unknown=1, throttled=2, held=1.5, latencies=(0, 6), rate=40.0)
        await ledger.step(await owner_of(ledger), done, 0, time.time(), second=second)
    if ends:
        await ledger.finish(None, 12.0)
        await ledger.aclose()


def told() -> list[Fact]:
    """What became of the texts that were sent."""
    one: list[tuple[int, What, dict[str, Any]]] = [
        (1, What.DELIVERED, {}),
        (2, What.UNDELIVERED, {"code": "landline", "words": "=The <b>landline</b> 202-555-0102"}),
        (1, What.REPLIED, {"at": 5}),
        (3, What.REPLIED, {"at": 5}),
        (3, What.OPTED_OUT, {"at": 5}),
    ]
    return [Fact(row, Told(phone(row), what, f"rl_{row:032x}", **more)) for row, what, more in one]
