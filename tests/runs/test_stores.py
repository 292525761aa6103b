"""A store of suppressed phones that is handed in from Python: asked about each text, and asked for again by a resume."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from rumbleup_async import LedgerMismatch, RumbleUp, State, SuppressionStore
from rumbleup_async.simulator import Server

TEXT = "Hi. STOP to opt out"
PEOPLE = [f"20255501{number:02d}" for number in range(6)]


class Store(SuppressionStore):
    """Looks phones up, as a database would."""

    def __init__(self, *phones: str) -> None:
        self.phones = set(phones)
        self.asked: list[str] = []

    async def is_suppressed(self, phone: str) -> bool:
        self.asked.append(phone)
        await asyncio.sleep(0)
        return phone in self.phones


async def test_a_store_holds_for_the_resume_too(server: Server, rumbleup: RumbleUp, tmp_path: Path) -> None:
    """The resume is given no store, or an empty list, and texts whom the store would have barred."""
    ledger = tmp_path / "a.ledger"
    store = Store(PEOPLE[0])
    async with rumbleup.fast_mode(action=125, text=TEXT, ledger=ledger, suppress=store, limit=2) as run:
        await run.send(PEOPLE)
    for suppress in ((), ["2025550199"]):
        with pytest.raises(LedgerMismatch, match="hand the container in again"):
            async with rumbleup.resume(ledger, suppress=suppress) as run:
                await run.send()
    store.phones.add(PEOPLE[5])
    async with rumbleup.resume(ledger, suppress=store) as run:
        results = {result.phone: result async for result in run.send()}
    assert results[PEOPLE[5]].state is State.NOT_SENT
    assert results[PEOPLE[5]].reason == "suppressed"
    assert sorted(text.phone for text in server.simulator.truth) == PEOPLE[1:5]
    assert set(store.asked) == set(PEOPLE)


async def test_a_store_that_fails_texts_nobody(server: Server, rumbleup: RumbleUp, tmp_path: Path) -> None:
    """Its database is down, and everybody counts as not suppressed."""

    class Down(Store):
        async def is_suppressed(self, phone: str) -> bool:
            raise ConnectionError("no database")

    with pytest.raises(ConnectionError):
        async with rumbleup.fast_mode(action=125, text=TEXT, ledger=tmp_path / "a.ledger", suppress=Down()) as run:
            await run.send(PEOPLE)
    assert not server.simulator.truth
    async with rumbleup.resume(tmp_path / "a.ledger", suppress=Store()) as run:
        summary = await run.send()
    assert summary.sent == len(PEOPLE)
