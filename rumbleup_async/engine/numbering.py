"""The numbers of contacts that a provider hands out, where several machines draw for one run.

Lives here: what is asked of a ledger that several machines share. Where there is one machine its own counting is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import msgspec

from rumbleup_async.messaging import Planned, Skipped


@runtime_checkable
class Numbers(Protocol):
    """What a ledger can do, besides, for which several processes draw."""

    async def numbers(self, count: int) -> Sequence[int]:
        """So many numbers of rows, ascending, that no other process is given."""


async def numbered(ledger: object, drawn: Sequence[Planned | Skipped]) -> list[Planned | Skipped]:
    """Those who were drawn, by numbers that nobody else has."""
    if not isinstance(ledger, Numbers):
        return list(drawn)
    numbers = await ledger.numbers(len(drawn))
    return [msgspec.structs.replace(row, row=number) for row, number in zip(drawn, numbers, strict=True)]
