"""A ledger and the steps that were noted beside it, one without the other: it is refused, or whole."""

import asyncio
import shutil
import sqlite3
from pathlib import Path

import pytest

from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import Consent, Reader, SqliteLedger, steps_file
from rumbleup_async.ledger.files import beside
from rumbleup_async.ledger.purging import purge
from rumbleup_async.messaging import State
from tests.books import open_ledger
from tests.ledger import noted
from tests.ledger.noted import MIDDLE, Q, S, U, begun, close, copy, states_of, step


@pytest.fixture
def dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger whose process has died in its middle."""
    noted.at_once(monkeypatch)
    return noted.dead_in_its_middle(tmp_path)


def test_a_ledger_moved_without_its_steps_is_refused(dead: Path) -> None:
    """People who have the text are queued in the file alone: the run would text them again."""
    steps = steps_file.path_of(dead)
    aside = steps.rename(steps.with_name("aside"))
    with pytest.raises(LedgerError, match=r"run\.ledger-steps, and that file is missing"):
        states_of(dead)
    with pytest.raises(LedgerError, match="not whole"):
        purge(dead, unsent=True)
    reader = Reader(dead)
    assert reader.is_log_lost
    assert reader.counts()[Q] == 0
    reader.close()
    aside.rename(steps)
    assert list(states_of(dead).values()) == MIDDLE


def test_a_ledger_without_its_log_and_its_steps_is_refused(dead: Path) -> None:
    """Whoever moves a ledger by its name alone, or tidies up all that looks temporary, would have people texted again."""
    for ending in ("-wal", steps_file.ENDING):
        beside(dead, ending).unlink()
    with pytest.raises(LedgerError, match="not whole"):
        states_of(dead)


def test_steps_that_are_lost_for_good_leave_nobody_queued(dead: Path) -> None:
    """Without a way out a list whose file of steps is gone could never be settled; the wrong one would text people again."""
    steps_file.remove(dead)

    async def main() -> list[State]:
        ledger = SqliteLedger(dead, consent=Consent(log_lost=True))
        await open_ledger(ledger, None)
        found = [result.state for result in await ledger.rows(0, 100)]
        await ledger.aclose()
        return found

    assert asyncio.run(main()) == [U] * 10
    assert list(states_of(dead).values()) == [U] * 10


@pytest.mark.parametrize("what", ["empty", "cut off", "of another ledger", "its heads damaged"])
def test_another_file_is_not_taken_for_the_steps(dead: Path, what: str) -> None:
    """Whatever stands there in place of the last steps would be believed, or passed over as if there had been none."""
    steps = steps_file.path_of(dead)
    whole = steps.read_bytes()
    ident = bytes.fromhex(sqlite3.connect(dead).execute("SELECT value FROM run WHERE key = 'steps'").fetchone()[0][:16])
    steps.write_bytes(
        {
            "empty": b"",
            "cut off": whole[:100],
            "of another ledger": whole.replace(ident, bytes(8)),
            "its heads damaged": bytes(2 * steps_file.BLOCK) + whole[2 * steps_file.BLOCK :],
        }[what]
    )
    with pytest.raises(LedgerError, match="not whole"):
        states_of(dead)


def test_files_of_different_moments_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backup made while a run wrote, or files put back one by one, would forget what lies between the two moments."""
    noted.at_once(monkeypatch, many=2, blocks=6)

    async def main() -> list[Path]:
        ledger = await begun(tmp_path / "run.ledger", 24)
        found = [copy(ledger.path, tmp_path / "0")]
        open_now = (await step(ledger, [], 2)).texts
        for number in range(1, 10):
            open_now = (await step(ledger, [close(text.row) for text in open_now], 2)).texts
            found.append(copy(ledger.path, tmp_path / str(number)))
        await ledger.aclose()
        return found

    moments = asyncio.run(main())
    refused = 0
    for one, path in enumerate(moments):
        for other, from_ in enumerate(moments):
            mixed = copy(path, tmp_path / f"{one}-{other}")
            steps = steps_file.path_of(mixed)
            steps.unlink(missing_ok=True)
            if steps_file.path_of(from_).exists():
                shutil.copyfile(steps_file.path_of(from_), steps)
            try:
                found = states_of(mixed, may_stay=not one)
            except LedgerError:
                assert one != other
                refused += 1
                continue
            # What is taken is the moment of the steps; before the first of them the ledger knows of no such file.
            assert [row for row, state in found.items() if state is S] == list(range(1, (2 * other if one else 0) + 1))
    assert refused > len(moments)


def test_an_earlier_version_does_not_take_half_a_ledger(dead: Path) -> None:
    """A version that knows of no such file would read the ledger as whole, and text people again."""

    def version() -> int:
        db = sqlite3.connect(dead)
        found = int(db.execute("PRAGMA user_version").fetchone()[0])
        db.close()
        return found

    assert version() == 3
    states_of(dead)
    assert version() == 2


def test_the_steps_of_a_ledger_that_was_moved_away_stay(dead: Path) -> None:
    """A new run under the name of one that was moved without its steps would take away what alone tells who has the text."""
    moved = dead.with_name("moved.ledger")
    for ending in ("", "-wal"):
        beside(dead, ending).rename(beside(moved, ending))

    async def main() -> None:
        ledger = await begun(dead, 10)
        await step(ledger, [close(text.row) for text in (await step(ledger, [], 3)).texts], 0)
        await ledger.aclose()

    asyncio.run(main())
    steps_file.path_of(dead).rename(steps_file.path_of(moved))
    assert list(states_of(moved).values()) == MIDDLE


def test_steps_that_are_all_in_the_ledger_are_taken_away(dead: Path) -> None:
    """Who dies right behind the commit that ends the notes would leave a file that nobody dares to remove."""
    aside = shutil.copy(steps_file.path_of(dead), dead.with_name("aside"))
    states_of(dead)
    shutil.move(aside, steps_file.path_of(dead))
    assert list(states_of(dead).values()) == MIDDLE


async def test_another_ledger_that_is_called_like_its_steps_is_left_alone(tmp_path: Path) -> None:
    """Opening the one would take the other away, and all whom that has texted would be texted again."""
    path = tmp_path / "run"
    for one in (steps_file.path_of(path), path):
        await (await begun(one, 3)).aclose()
    for one in (path, steps_file.path_of(path)):
        assert list((await noted.states(one, may_stay=True)).values()) == [Q, Q, Q]
