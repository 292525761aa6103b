"""Ledgers whose steps are noted beside them, in a small file from the first on; and what a process that dies leaves."""

import asyncio
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from rumbleup_async.ledger import Consent, SqliteLedger, journal, steps_file
from rumbleup_async.ledger.files import beside
from rumbleup_async.messaging import Closed, Plan, Planned, State, Step
from tests.books import open_ledger, owner_of

PLAN = Plan(run="0123456789ab", provider="rumbleup", action="125", text="Hi {name}. STOP")
NOW = 1_700_000_000.0
ENDINGS = ("", "-wal", steps_file.ENDING)


def at_once(monkeypatch: pytest.MonkeyPatch, *, many: int = 1000, blocks: int = 64) -> None:
    """Steps are noted from the first on; `many` closed entries are carried over together, and a lap has so many blocks."""
    monkeypatch.setattr(journal, "LARGE", 0)
    monkeypatch.setattr(journal, "WARM", 0)
    monkeypatch.setattr(journal, "MANY", many)
    monkeypatch.setattr(steps_file, "BLOCKS", blocks)


def people(last: int) -> list[Planned]:
    return [Planned(row, f"202234{row:04d}", f"Hi {row}. STOP") for row in range(1, last + 1)]


def close(row: int, state: State = State.SENT) -> Closed:
    return Closed(row, state, 1, logid=f"id{row}" if state is State.SENT else "", time=int(NOW * 1000) + row)


async def begun(path: Path, number: int) -> SqliteLedger:
    """A ledger with so many contacts, open."""
    ledger = SqliteLedger(path, journal=True)
    await open_ledger(ledger, PLAN)
    await ledger.load([people(number)])
    return ledger


async def step(ledger: SqliteLedger, done: Iterable[Closed], want: int) -> Step:
    return await ledger.step(await owner_of(ledger), list(done), want, NOW)


Q, IN, S, R, U = State.QUEUED, State.INTENT, State.SENT, State.REFUSED, State.UNKNOWN
MIDDLE = [S, S, R, U, U, U, Q, Q, Q, Q]
"""What the next process makes of a ledger in its middle."""


async def to_its_middle(path: Path) -> SqliteLedger:
    """Of ten contacts 1 and 2 are sent, 3 is refused, 4 to 6 are in flight."""
    ledger = await begun(path, 10)
    await step(ledger, [], 3)
    await step(ledger, [close(1), close(3, R)], 2)
    await step(ledger, [close(2)], 1)
    return ledger


def dead_in_its_middle(folder: Path) -> Path:
    """What a process that dies in the middle leaves."""
    (folder / "begun").mkdir()

    async def main() -> Path:
        ledger = await to_its_middle(folder / "begun" / "run.ledger")
        assert ledger._run.journal.is_behind, "nothing was noted beside the ledger"
        found = copy(ledger.path, folder / "dead")
        await ledger.aclose()
        return found

    found = asyncio.run(main())
    shutil.rmtree(folder / "begun")
    return found


def copy(path: Path, to: Path) -> Path:
    """What a process that died at this moment has left: its files, but for the lock and what SQLite keeps in memory."""
    to.mkdir()
    for ending in ENDINGS:
        if beside(path, ending).exists():
            shutil.copyfile(beside(path, ending), to / (path.name + ending))
    return to / path.name


async def states(path: Path, *, may_stay: bool = False) -> dict[int, State]:
    """What the next process makes of a ledger, by row. `may_stay`: the file beside it may be another's."""
    ledger = SqliteLedger(path, consent=Consent(original=True))
    await open_ledger(ledger, None)
    found = {result.row: result.state for result in await ledger.rows(0, 10_000)}
    assert dict(ledger.counts) == {state: list(found.values()).count(state) for state in State}
    await ledger.aclose()
    assert may_stay or not steps_file.path_of(path).exists()
    return found


def states_of(path: Path, *, may_stay: bool = False) -> dict[int, State]:
    return asyncio.run(states(path, may_stay=may_stay))
