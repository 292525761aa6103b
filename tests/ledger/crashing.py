"""A process that dies at a chosen moment of its work on a ledger: `python -m tests.ledger.crashing PATH MOMENT`.

Moments: `before-intent`, `after-intent`, `before-result`, `after-result`, `loading`, `holding` (keeps the ledger open until its
standard input ends).
"""

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator

from rumbleup_async.ledger import SqliteLedger
from rumbleup_async.messaging import Closed, Plan, Planned, State
from tests.books import exchange, open_ledger

PLAN = Plan(run="0123456789ab", provider="rumbleup", action="125", text="Hi. STOP", details={})


def rows(first: int, last: int) -> list[Planned]:
    return [Planned(row, f"202234{row % 1500:04d}", f"Hi {row}. STOP") for row in range(first, last + 1)]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def at_statement(word: str, number: int) -> Callable[[str], None]:
    """A trace that dies as SQLite is about to run the `number`-th statement with this word."""
    seen = 0

    def trace(statement: str) -> None:
        nonlocal seen
        if word in statement:
            seen += 1
            if seen == number:
                die()

    return trace


def half_a_list() -> Iterator[list[Planned]]:
    for first in range(1, 3000, 1000):
        yield rows(first, first + 999)
    die()


def connection(ledger: SqliteLedger) -> sqlite3.Connection:
    return ledger._file.db


async def main(path: str, moment: str) -> None:
    ledger = SqliteLedger(path)
    await open_ledger(ledger, PLAN)
    if moment == "loading":
        await ledger.load(half_a_list())
        return
    await ledger.add(rows(1, 100))
    if moment == "holding":
        await exchange(ledger, [], 3)
        print("open", flush=True)
        sys.stdin.read()
        await ledger.aclose()
        return
    first = await exchange(ledger, [], 10)
    if moment == "before-intent":
        connection(ledger).set_trace_callback(at_statement("UPDATE contact", 1))
        await exchange(ledger, [], 10)
    if moment == "after-intent":
        await exchange(ledger, [], 10)
        die()
    if moment == "before-result":
        connection(ledger).set_trace_callback(at_statement("UPDATE contact", 1))
        await exchange(ledger, [Closed(text.row, State.SENT, 1) for text in first], 10)
    if moment == "after-result":
        await exchange(ledger, [Closed(text.row, State.SENT, 1) for text in first], 10)
        die()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
