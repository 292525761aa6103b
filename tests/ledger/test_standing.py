"""Where a ledger stands, and whether its log is with it: copies, moves, backups, and those who tidy up."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import Consent, Reader, SqliteLedger, marks
from rumbleup_async.messaging import Closed, Plan, State
from rumbleup_async.reasons import from_words as because
from tests.books import exchange, open_ledger

from .crashing import PLAN, rows

FILES = ("", "-wal", "-shm", "-lock")


def died(path: Path, moment: str = "after-result") -> None:
    """A run whose process was killed: ten sent, ten open, the rest queued."""
    done = subprocess.run([sys.executable, "-m", "tests.ledger.crashing", str(path), moment], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL


async def opened(path: Path, plan: Plan | None = None, **said: bool) -> tuple[dict[State, int], list[str]]:
    """The counts and the notes of a ledger that is opened and let go."""
    ledger = SqliteLedger(path, consent=Consent(**said))
    await open_ledger(ledger, plan)
    found = {state: number for state, number in ledger.counts.items() if number}, list(ledger.notes)
    await ledger.aclose()
    return found


def move(path: Path, to: Path, *endings: str) -> None:
    to.parent.mkdir(exist_ok=True)
    for ending in endings:
        if (file := Path(f"{path}{ending}")).exists():
            file.rename(f"{to}{ending}")


LEFT = {State.QUEUED: 80, State.SENT: 10, State.UNKNOWN: 10}


@pytest.mark.parametrize("plan", [PLAN, None], ids=["send", "resume"])
@pytest.mark.parametrize(
    "how",
    [
        "only the main file is moved",
        "tidied up",
        "emptied",
        "replaced by an older one",
        "damaged at its beginning",
        "full of zeros",
        "cut after its first page",
    ],
)
async def test_without_its_log_a_ledger_is_refused(tmp_path: Path, how: str, plan: Plan | None) -> None:
    """After a death the last steps are in the log alone: those who were texted since would be texted again, silently."""
    path = tmp_path / "run.ledger"
    died(path)
    aside = tmp_path / "aside"
    aside.mkdir()
    for ending in FILES:
        shutil.copy(f"{path}{ending}", aside)
    if how == "only the main file is moved":
        path = tmp_path / "elsewhere" / "run.ledger"
        move(tmp_path / "run.ledger", path, "")
    elif how == "tidied up":
        for ending in ("-wal", "-shm", "-lock"):
            Path(f"{path}{ending}").unlink()
    elif how == "emptied":
        os.truncate(f"{path}-wal", 0)
    elif how != "replaced by an older one":
        log = bytearray(Path(f"{path}-wal").read_bytes())
        log[20] ^= 0xFF if how == "damaged at its beginning" else 0
        cut = 32 + 24 + 4096 // 2 if how == "cut after its first page" else len(log)
        Path(f"{path}-wal").write_bytes(bytes(len(log)) if how == "full of zeros" else log[:cut])
        Path(f"{path}-shm").unlink()
    else:
        old = tmp_path / "old" / "run.ledger"
        old.parent.mkdir()
        died(old, "after-intent")
        shutil.copy(f"{old}-wal", f"{path}-wal")
        Path(f"{path}-shm").unlink()
        os.truncate(f"{path}-wal", 32)
    with pytest.raises(LedgerError, match="log-lost"):
        await opened(path, plan)
    reader = Reader(path)
    assert reader.is_log_lost
    assert reader.counts()[State.QUEUED] == 0, "whoever seems to be queued may have been texted"
    assert {row.state for row in reader.rows()} <= {State.UNKNOWN, State.SENT, State.INTENT}
    reader.close()
    for ending in ("-wal", "-shm"):
        shutil.copy(f"{aside / 'run.ledger'}{ending}", f"{path}{ending}")
    assert await opened(path) == (LEFT, []), "with its log it is whole again"


async def test_a_lost_log_is_made_up_for_by_the_provider_s(tmp_path: Path) -> None:
    """Nobody could ever say what became of those people; or the ledger would take up new ones, who were texted already."""
    path = tmp_path / "run.ledger"
    died(path)
    Path(f"{path}-wal").unlink()
    counts, _ = await opened(path, log_lost=True)
    assert counts == {State.UNKNOWN: 100}
    ledger = SqliteLedger(path)
    await open_ledger(ledger, None)
    assert await exchange(ledger, [], 5) == []
    with pytest.raises(LedgerError, match="nobody can be added"):
        await ledger.add(rows(101, 102))
    await ledger.aclose()


@pytest.mark.parametrize("again", [False, True])
async def test_whoever_carries_the_log_over_takes_nothing_away(tmp_path: Path, again: bool) -> None:
    """A ledger would be refused for good because somebody has looked into it with the tool that SQLite comes with."""
    path = tmp_path / "run.ledger"
    died(path)
    for _ in range(2 if again else 1):
        db = sqlite3.connect(path)
        db.execute("SELECT count(*) FROM contact").fetchone()
        db.close()
    assert not Path(f"{path}-wal").exists()
    assert await opened(path) == (LEFT, [])


async def test_a_death_while_the_mark_is_made_is_none_without_a_log(tmp_path: Path) -> None:
    """Who is killed at that very moment could never go on."""
    for statement in range(1, 12):
        path = tmp_path / f"{statement}.ledger"
        ledger = SqliteLedger(path)
        await open_ledger(ledger, PLAN)
        await ledger.add(rows(1, 100))
        await ledger.aclose()
        kill = f"""
import asyncio, os, signal
from rumbleup_async.ledger import SqliteLedger
from tests.books import exchange, open_ledger
async def main():
    ledger = SqliteLedger({str(path)!r})
    await open_ledger(ledger, None)
    seen = 0
    def trace(statement):
        nonlocal seen
        seen += 1
        if seen == {statement}:
            os.kill(os.getpid(), signal.SIGKILL)
    ledger._file.db.set_trace_callback(trace)
    await exchange(ledger, [], 5)
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
        assert subprocess.run([sys.executable, "-c", kill], check=False, timeout=60).returncode == -signal.SIGKILL
        if statement % 2:
            db = sqlite3.connect(path)  # another program, which carries over whatever is in the log
            db.execute("SELECT count(*) FROM contact").fetchone()
            db.close()
        counts, notes = await opened(path)
        assert counts in ({State.QUEUED: 100}, {State.QUEUED: 95, State.UNKNOWN: 5})
        assert notes == []


async def test_the_log_is_carried_over_now_and_then_and_stays_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long run would fill the disk with its log; or what comes after such a moment would be lost with it."""
    monkeypatch.setattr("rumbleup_async.ledger.held_file._LOG_PAGES", 100)
    path = tmp_path / "run.ledger"
    ledger = SqliteLedger(path)
    await open_ledger(ledger, PLAN)
    await ledger.load([list(rows(1, 1400))])
    await ledger.complete("f")
    closed: list[Closed] = []
    for number in range(1, 700):
        texts = await exchange(ledger, closed, 2)
        closed = [Closed(text.row, State.SENT, 1, because(""), f"rl_{text.row}", 5) for text in texts]
        if number in {99, 350, 699}:
            copy = tmp_path / str(number)
            copy.mkdir()
            shutil.copy(path, copy)
            with pytest.raises(LedgerError, match="log-lost"):
                await opened(copy / "run.ledger")
    # Copied while it was written: the one file early, the other late. What was between the two is in neither.
    torn = tmp_path / "torn" / "run.ledger"
    torn.parent.mkdir()
    shutil.copy(tmp_path / "350" / "run.ledger", torn)
    shutil.copy(f"{path}-wal", f"{torn}-wal")
    with pytest.raises(LedgerError, match="log-lost"):
        await opened(torn)
    assert Path(f"{path}-wal").stat().st_size < 2_000_000
    assert marks.number_of(marks.of_main_file(path)) > 3
    await ledger.aclose()
    assert (
        marks.of_main_file(
            path,
        )
        is not None
    )
    move(path, tmp_path / "moved" / "run.ledger", "")
    counts, _ = await opened(tmp_path / "moved" / "run.ledger")
    assert counts[State.SENT] == 1396


async def sent_on(ledger: SqliteLedger, steps: int, closed: list[Closed]) -> list[Closed]:
    """So many further steps of two texts each; the closes of the last."""
    for _ in range(steps):
        texts = await exchange(ledger, closed, 2)
        closed = [Closed(text.row, State.SENT, 1, because(""), f"rl_{text.row}", 5) for text in texts]
    return closed


async def refused_without_its_log(path: Path, aside: Path) -> None:
    """Its main file alone is no ledger."""
    aside.mkdir()
    shutil.copy(path, aside)
    with pytest.raises(LedgerError, match="log-lost"):
        await opened(aside / "run.ledger")


async def test_somebody_carries_the_log_over_while_a_run_is_under_way(tmp_path: Path) -> None:
    """What is sent after that is in a log that nobody would miss, were it tidied away: all of them would be texted again."""
    path = tmp_path / "run.ledger"
    ledger = SqliteLedger(path)
    await open_ledger(ledger, PLAN)
    await ledger.add(rows(1, 100))
    closed = await sent_on(ledger, 5, [])
    for number in range(2):
        other = sqlite3.connect(path)
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        other.close()
        closed = await sent_on(ledger, 1, closed)
        await refused_without_its_log(path, tmp_path / str(number))
    await exchange(ledger, closed, 0)
    await ledger.aclose()
    assert await opened(path) == ({State.QUEUED: 86, State.SENT: 14}, [])


async def test_somebody_who_reads_keeps_the_mark_out_for_a_moment_only(tmp_path: Path) -> None:
    """A long look at the ledger as a run begins would leave it without a mark for thousands of texts."""
    path = tmp_path / "run.ledger"
    ledger = SqliteLedger(path)
    await open_ledger(ledger, PLAN)
    await ledger.add(rows(1, 100))
    reading = sqlite3.connect(path, isolation_level=None)
    reading.execute("BEGIN")
    reading.execute("SELECT count(*) FROM contact").fetchone()
    closed = await sent_on(ledger, 12, [])
    assert marks.of_main_file(path) is None
    reading.close()
    closed = await sent_on(ledger, 10, closed)
    await refused_without_its_log(path, tmp_path / "aside")
    await exchange(ledger, closed, 0)
    await ledger.aclose()
    assert await opened(path) == ({State.QUEUED: 56, State.SENT: 44}, [])


async def test_a_copy_is_refused_while_the_original_stands(tmp_path: Path) -> None:
    """Two people go on with the same run, each with a file of their own, and everybody is texted twice."""
    path = tmp_path / "run.ledger"
    died(path)
    await opened(path)
    copy = tmp_path / "copy.ledger"
    shutil.copy(path, copy)
    with pytest.raises(LedgerError, match="is a copy of"):
        await opened(copy)
    assert await opened(path) == (LEFT, [])
    assert (await opened(copy, original=True))[1] == []
    assert await opened(copy) == (LEFT, [])


@pytest.mark.parametrize("how", ["renamed", "to another folder"])
async def test_a_moved_ledger_is_itself(tmp_path: Path, how: str) -> None:
    """Whoever tidies up their folders would be warned of copies that there are not."""
    path = tmp_path / "run.ledger"
    died(path)
    to = tmp_path / "other.ledger" if how == "renamed" else tmp_path / "folder" / "run.ledger"
    move(path, to, *FILES)
    assert await opened(to) == (LEFT, [])


@pytest.mark.parametrize("how", ["copied over", "removed and copied back"])
async def test_a_ledger_from_a_backup_is_warned_of(tmp_path: Path, how: str) -> None:
    """What was sent since the backup is not in it, and nobody would be told before those people are texted again."""
    path, backup = tmp_path / "run.ledger", tmp_path / "backup"
    died(path)
    await opened(path)
    shutil.copy(path, backup)
    await opened(path)
    if how == "removed and copied back":
        (tmp_path / "keeps-the-inode").hardlink_to(path)
        path.unlink()
    shutil.copyfile(backup, path)
    _, notes = await opened(path)
    assert "restored from a copy" in notes[0]
    assert (await opened(path))[1] == []


async def test_a_copy_whose_original_is_gone_is_warned_of(tmp_path: Path) -> None:
    """Whoever has copied it from another machine may go on there as well."""
    path, copy = tmp_path / "run.ledger", tmp_path / "copy.ledger"
    died(path)
    await opened(path)
    shutil.copy(path, copy)
    path.write_bytes(b"")  # its place is taken by something else
    _, notes = await opened(copy)
    assert str(path) in notes[0]


async def test_nobody_is_texted_by_a_copy_of_what_never_sent(tmp_path: Path) -> None:
    """A list that was read in and is to be sent from another folder would need options that nobody knows."""
    path, copy = tmp_path / "run.ledger", tmp_path / "copy.ledger"
    ledger = SqliteLedger(path)
    await open_ledger(ledger, PLAN)
    await ledger.add(rows(1, 3))
    await ledger.aclose()
    shutil.copy(path, copy)
    assert await opened(copy) == ({State.QUEUED: 3}, [])


@pytest.mark.parametrize("address", ["postgresql://ada:hunter2@db/x", "file:///tmp/x.ledger", "sqlite://x"])
@pytest.mark.parametrize("as_path", [False, True])
def test_an_address_is_no_ledger(address: str, as_path: bool) -> None:
    """A folder `postgresql:` would be asked for, or the password be shown."""
    for kind in (SqliteLedger, Reader):
        with pytest.raises(LedgerError, match="is a file on this machine") as error:
            kind(Path(address) if as_path else address)
        assert "hunter2" not in str(error.value)
