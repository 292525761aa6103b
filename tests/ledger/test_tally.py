"""What a ledger on the disk leaves for the next process, so that a long list need not be counted again."""

import shutil
import sqlite3
from pathlib import Path
from typing import NoReturn

import pytest

from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import Reader, SqliteLedger, tally
from rumbleup_async.ledger.held_file import HeldFile
from rumbleup_async.ledger.purging import purge
from rumbleup_async.lookups import Resolution
from rumbleup_async.messaging import Closed, State
from rumbleup_async.reasons import Code, Reason
from tests.books import exchange, open_ledger

from .crashing import PLAN, connection, rows


@pytest.fixture
def uncounted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever counts fails."""

    def never(*_: object) -> NoReturn:
        raise AssertionError("the contacts are counted")

    monkeypatch.setattr(tally, "count", never)


async def begun(path: Path) -> SqliteLedger:
    """A ledger with ten contacts, of whom two were sent and one is unknown."""
    ledger = SqliteLedger(path)
    await open_ledger(ledger, PLAN)
    await ledger.load([rows(1, 10)])
    await exchange(ledger, [], 3)
    await exchange(ledger, [Closed(1, State.SENT, 1), Closed(2, State.SENT, 1), Closed(3, State.UNKNOWN, 1)], 0)
    return ledger


async def counts_of(path: Path) -> dict[State, int]:
    """As the ledger has them that is opened here, and closed."""
    ledger = SqliteLedger(path)
    await open_ledger(ledger, None)
    found = {state: number for state, number in ledger.counts.items() if number}
    await ledger.aclose()
    return found


BEGUN = {State.QUEUED: 7, State.SENT: 2, State.UNKNOWN: 1}


async def test_what_was_closed_well_is_opened_without_counting(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A run of ten million would begin a second later each time, and seconds where the disk is slow."""
    path = tmp_path / "run.ledger"
    await (await begun(path)).aclose()
    request.getfixturevalue("uncounted")
    assert await counts_of(path) == BEGUN
    assert {state: number for state, number in Reader(path).counts().items() if number} == BEGUN
    ledger = SqliteLedger(path)
    await open_ledger(ledger, None)
    assert ledger.last_row == 10
    assert [text.row for text in await exchange(ledger, [], 2)] == [4, 5]
    await exchange(ledger, [Closed(4, State.SENT, 1), Closed(5, State.SENT, 1)], 0)
    await ledger.aclose()
    assert await counts_of(path) == {State.QUEUED: 5, State.SENT: 4, State.UNKNOWN: 1}


async def test_who_was_queued_again_is_not_passed_over(tmp_path: Path) -> None:
    """Somebody before the place where the queue began would never be texted."""
    path = tmp_path / "run.ledger"
    await (await begun(path)).aclose()
    ledger = SqliteLedger(path)
    await open_ledger(ledger, None)
    await ledger.settle([Resolution(3, State.NOT_SENT, Reason(Code.ABSENT))])
    await ledger.settle([Resolution(3, State.QUEUED, Reason(Code.ABSENT))])
    assert [text.row for text in await exchange(ledger, [], 2)] == [3, 4]
    await exchange(ledger, [Closed(3, State.SENT, 1), Closed(4, State.QUEUED, 1)], 0)
    await ledger.aclose()
    ledger = SqliteLedger(path)
    await open_ledger(ledger, None)
    assert [text.row for text in await exchange(ledger, [], 2)] == [4, 5]
    await exchange(ledger, [Closed(4, State.SENT, 1), Closed(5, State.SENT, 1)], 0)
    await ledger.aclose()


@pytest.mark.parametrize("how", ["died", "older version"])
async def test_a_note_that_is_old_is_not_believed(tmp_path: Path, how: str) -> None:
    """Counts of yesterday would be shown, and whoever was queued since be passed over."""
    path, other = tmp_path / "run.ledger", tmp_path / "other.ledger"
    await (await begun(path)).aclose()
    ledger = SqliteLedger(path)
    await open_ledger(ledger, None)
    if how == "died":
        assert tally.read(connection(ledger)) is None
        await exchange(ledger, [], 1)
        await exchange(ledger, [Closed(4, State.REFUSED, 1)], 0)
        for ending in ("", "-wal"):  # as the files stand there when the process is gone
            shutil.copy(f"{path}{ending}", f"{other}{ending}")
        await ledger.aclose()
        path.unlink()  # of a copy the original would be asked for
        assert await counts_of(other) == {State.QUEUED: 6, State.SENT: 2, State.REFUSED: 1, State.UNKNOWN: 1}
        return
    await ledger.aclose()
    ledger = SqliteLedger(path)
    await open_ledger(ledger, None)
    # It leaves what it finds and changes the contacts, but it counts how often the file was opened.
    connection(ledger).execute("UPDATE contact SET state = 3 WHERE row = 4")
    ledger._run.is_begun = False
    tally.leave(connection(ledger), tally.Tally(ledger._file.opened - 1, dict.fromkeys(State, 0), 99, 50))
    await ledger.aclose()
    assert {state: number for state, number in Reader(path).counts().items() if number}[State.REFUSED] == 1
    assert await counts_of(path) == {State.QUEUED: 6, State.SENT: 2, State.REFUSED: 1, State.UNKNOWN: 1}


async def test_an_open_entry_leaves_no_note(tmp_path: Path) -> None:
    """What a process had in flight as it was closed would be counted as if it were known."""
    path = tmp_path / "run.ledger"
    ledger = await begun(path)
    await exchange(ledger, [], 1)
    await ledger.aclose()
    ledger = SqliteLedger(path)
    await ledger.open(None)
    assert ledger.counts[State.INTENT] == 1
    await ledger.aclose()


async def test_whoever_was_given_up_by_a_purge_is_not_still_queued(tmp_path: Path) -> None:
    """A purged ledger would say for good that people are still to be texted, of whom nobody is."""
    path = tmp_path / "run.ledger"
    ledger = SqliteLedger(path)
    await open_ledger(ledger, PLAN)
    await ledger.load([rows(1, 10)])
    await exchange(ledger, [], 2)
    await exchange(ledger, [Closed(1, State.SENT, 1), Closed(2, State.SENT, 1)], 0)
    await ledger.aclose()
    purge(path, unsent=True)
    reader = Reader(path)
    assert {state: number for state, number in reader.counts().items() if number} == {State.SENT: 2, State.NOT_SENT: 8}
    reader.close()


async def test_a_step_that_fails_behind_its_commit_leaves_no_tally(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever it opened would be believed to be queued, and be neither texted nor accounted for by any later run."""
    path = tmp_path / "run.ledger"
    ledger = SqliteLedger(path)
    await open_ledger(ledger, PLAN)
    await ledger.load([rows(1, 10)])

    def full(_: HeldFile) -> NoReturn:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(HeldFile, "check_place", full)
        with pytest.raises(LedgerError, match="full"):
            await exchange(ledger, [], 3)
    await ledger.aclose()
    ledger = SqliteLedger(path)
    await open_ledger(ledger, None)
    for owner in await ledger.owners():
        await ledger.expire(owner.id)
    assert {state: number for state, number in ledger.counts.items() if number} == {State.QUEUED: 7, State.UNKNOWN: 3}
    await ledger.aclose()
