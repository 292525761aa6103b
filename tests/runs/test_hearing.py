"""A run hears what others ask of it for as long as it sends."""

import itertools
from pathlib import Path

import pytest

from rumbleup_async import RumbleUp
from rumbleup_async.ledger.pausing import Pauses
from rumbleup_async.pauses import Request
from rumbleup_async.simulator import Simulator
from rumbleup_async.stops import Cause


async def test_a_run_that_can_hear_nobody_ends(
    rumbleup: RumbleUp, simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would go on sending, and nobody could pause or stop it any more."""
    asked, calls = Pauses.asked, itertools.count()

    async def fails_later(self: Pauses) -> list[Request]:
        if next(calls) > 2:
            raise ZeroDivisionError("2025550101")
        return await asked(self)

    monkeypatch.setattr(Pauses, "asked", fails_later)
    people = [{"phone": f"2025550{row}"} for row in range(100, 300)]
    async with rumbleup.fast_mode(action=125, text="Hi. STOP to opt out", ledger=tmp_path / "a.ledger", rate=20) as run:
        summary = await run.send(people)
    assert summary.stop is not None
    assert summary.stop.cause is Cause.LEDGER_FAILED
    assert "ZeroDivisionError" in str(summary.stopped)
    assert "2025550101" not in str(summary.stopped)
    assert len(simulator.truth) == summary.sent < 200
    assert summary.unknown == 0
