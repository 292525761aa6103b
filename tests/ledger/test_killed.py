"""What only a ledger on a disk can show: a death between two steps, a file that refuses, and what others read of it."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rumbleup_async.admission import Never, Verdict, Wait
from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import Reader, SqliteLedger
from rumbleup_async.messaging import Result, Second, State
from rumbleup_async.reasons import NO_REASON
from tests import virtual_time
from tests.books import claim, open_ledger
from tests.ledger.conformance.claims import PLAN, everything, planned
from tests.ledger.conformance.runs import NOW, placed, rows, sent, states_of
from tests.ledger.conformance.waits import rules

CRASH = """
import asyncio, os, signal, sys
from rumbleup_async.ledger import SqliteLedger
from tests.books import claim, open_ledger
from tests.ledger.conformance.claims import PLAN, close, planned

async def main(path, moment):
    ledger = SqliteLedger(path)
    await open_ledger(ledger, PLAN)
    await claim(ledger, [], [planned(row) for row in range(1, 6)])
    if moment == "before":
        def trace(statement):
            if "COMMIT" in statement:
                os.kill(os.getpid(), signal.SIGKILL)
        ledger._file.db.set_trace_callback(trace)
    await claim(ledger, [close(row) for row in range(1, 6)], [planned(row) for row in range(6, 11)])
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("moment", "sent", "unknown"), [("before", set(), set(range(1, 6))), ("after", set(range(1, 6)), set(range(6, 11)))]
)
def test_a_crash(tmp_path: Path, moment: str, sent: set[int], unknown: set[int]) -> None:
    """A power cut would leave a contact that may have been texted as one that was not."""
    path = tmp_path / "run.ledger"
    died = subprocess.run(
        [sys.executable, "-c", CRASH, path, moment], env={**os.environ, "PYTHONPATH": str(Path.cwd())}, check=False
    )
    assert died.returncode == -signal.SIGKILL

    async def main() -> None:
        ledger = SqliteLedger(path)
        await open_ledger(ledger, None)
        rows = await everything(ledger)
        assert {row for row, result in rows.items() if result.state is State.SENT} == sent
        assert {row for row, result in rows.items() if result.state is State.UNKNOWN} == unknown
        assert rows.keys() == sent | unknown
        answers = await claim(ledger, [], [planned(20 + row, row) for row in rows])
        assert all(isinstance(answer, Result) for answer in answers), "somebody unknown would be texted again"
        await ledger.aclose()

    asyncio.run(main())


def test_the_file_itself_refuses_a_second_text(tmp_path: Path) -> None:
    """A mistake of ours, or a second program, could write two texts for one phone."""

    async def main() -> None:
        ledger = SqliteLedger(tmp_path / "run.ledger")
        await open_ledger(ledger, PLAN)
        await claim(ledger, [], [planned(1)])
        with pytest.raises(sqlite3.IntegrityError):
            ledger._file.db.execute("INSERT INTO contact (row, phone, state) VALUES (2, '2022340001', 0)")
        with pytest.raises(LedgerError):
            await claim(ledger, [], [planned(1, 2)])  # a row that is there
        await ledger.aclose()

    virtual_time.run(main())


def test_seconds_are_kept_for_whoever_looks(tmp_path: Path) -> None:
    """A look at a long run would have to count millions of rows, or know nothing of how it went."""

    async def main() -> None:
        ledger = SqliteLedger(tmp_path / "run.ledger")
        await ledger.open(PLAN)
        await ledger.add([placed(row) for row in range(1, 11)])
        one, other = (await ledger.enlist("one")).id, (await ledger.enlist("other")).id
        await ledger.step(one, [], 2, NOW, second=Second(7, sent=3, latencies=(1, 2), rate=20.0))
        await ledger.step(other, [], 2, NOW, second=Second(7, sent=1, refused=1, held=0.5, latencies=(0, 0, 1), rate=5.0))
        await ledger.step(one, [sent(1)], 0, NOW, second=Second(8, sent=1))
        reader = Reader(ledger.path)
        assert reader.seconds() == [Second(7, 4, 1, 0, 0, 0.5, (1, 2, 1), 25.0), Second(8, 1)]
        assert reader.seconds(7) == [Second(8, 1)]
        reader.close()
        await ledger.aclose()

    virtual_time.run(main())


def test_totals_are_believed_of_a_run_that_lives(tmp_path: Path) -> None:
    """A look at a run of millions would count them all, each time; or it would show what was so an hour ago."""

    async def main() -> None:
        ledger = SqliteLedger(tmp_path / "run.ledger")
        await ledger.open(PLAN)
        await ledger.add([placed(row) for row in range(1, 11)])
        owner = (await ledger.enlist("one")).id
        verdicts: dict[int, Verdict] = {3: Never(NO_REASON)}
        await ledger.step(owner, [], 2, NOW)
        at = int(time.time()) - 1
        await ledger.step(owner, [sent(1)], 2, NOW, admit=rules(verdicts, []), second=Second(at, sent=1))
        ledger._file.db.execute("CREATE TABLE aside AS SELECT * FROM contact")
        ledger._file.db.execute("DELETE FROM contact")
        reader = Reader(ledger.path)
        if time.time() < at + 2:
            counts = {State.SENT: 1, State.NOT_SENT: 1, State.INTENT: 3, State.QUEUED: 5}
            assert reader.counts() == ledger.counts == {**dict.fromkeys(State, 0), **counts}
        ledger._file.db.execute("UPDATE second SET at = at - 1")
        assert reader.counts() == dict.fromkeys(State, 0), "old ones are not believed"
        ledger._file.db.execute("UPDATE second SET at = at + 60")
        assert reader.counts() == dict.fromkeys(State, 0), "nor those of a clock that was set"
        reader.close()
        await ledger.aclose()

    virtual_time.run(main())


KILLED_WITH_TOTALS = """
import asyncio, os, signal, sys, time
from rumbleup_async.ledger import SqliteLedger
from rumbleup_async.messaging import Second
from tests.ledger.conformance.claims import PLAN, planned

async def main(path):
    ledger = SqliteLedger(path)
    await ledger.open(PLAN)
    await ledger.add([planned(row) for row in range(1, 6)])
    owner = (await ledger.enlist("one")).id
    await ledger.step(owner, [], 3, 0.0, second=Second(int(time.time()) + 3600))
    await ledger.step(owner, [], 1, 0.0)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main(*sys.argv[1:]))
"""


def test_totals_of_a_killed_process_are_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`status` would show texts as waiting that were under way when the process was killed."""
    path = tmp_path / "run.ledger"
    died = subprocess.run(
        [sys.executable, "-c", KILLED_WITH_TOTALS, path], env={**os.environ, "PYTHONPATH": str(Path.cwd())}, check=False
    )
    assert died.returncode == -signal.SIGKILL
    reader = Reader(path)
    (second,) = reader.seconds()
    monkeypatch.setattr(time, "time", lambda: second.at + 1.5)  # as fresh as can be
    assert reader.counts() == {**dict.fromkeys(State, 0), State.INTENT: 4, State.QUEUED: 1}
    reader.close()

    async def go_on() -> None:
        ledger = SqliteLedger(path)
        await open_ledger(ledger, None)
        reader = Reader(path)
        assert reader.counts() == {**dict.fromkeys(State, 0), State.UNKNOWN: 4, State.QUEUED: 1}
        reader.close()
        await ledger.aclose()

    virtual_time.run(go_on())


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_killed_before_the_commit_a_step_with_rules_has_done_nothing(tmp_path: Path) -> None:
    """Somebody would be turned away without a word, or closed, by a step whose intents are not there."""
    path = tmp_path / "run.ledger"

    async def fill() -> None:
        ledger = SqliteLedger(path)
        await ledger.open(PLAN)
        await ledger.add([placed(row) for row in range(1, 11)])
        await ledger.aclose()

    async def die() -> None:
        ledger = SqliteLedger(path)
        await ledger.open(PLAN)
        owner = (await ledger.enlist("one")).id
        await ledger.step(owner, [], 1, NOW)

        def trace(statement: str) -> None:
            if statement == "COMMIT":
                os.kill(os.getpid(), signal.SIGKILL)

        ledger._file.db.set_trace_callback(trace)
        verdicts: dict[int, Verdict] = {2: Never(NO_REASON), 3: Wait(NOW + 60, NO_REASON)}
        await ledger.step(owner, [sent(1)], 2, NOW, admit=rules(verdicts, []))

    async def look() -> None:
        ledger = SqliteLedger(path)
        await ledger.open(None)
        assert await states_of(ledger) == {1: State.INTENT, **dict.fromkeys(range(2, 11), State.QUEUED)}
        owner = (await ledger.enlist("next")).id
        assert rows((await ledger.step(owner, [], 3, NOW)).texts) == [2, 3, 4]
        await ledger.aclose()

    virtual_time.run(fill())
    child = os.fork()
    if child == 0:
        try:
            virtual_time.run(die())
        finally:
            os._exit(0)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    virtual_time.run(look())


async def test_a_ledger_that_was_being_made_is_read_once_it_is_opened(tmp_path: Path) -> None:
    """SQLite's own words would send somebody looking for a wrong permission."""
    path = tmp_path / "run.ledger"
    made = sqlite3.connect(tmp_path / "made", isolation_level=None)  # as a process leaves it that is killed at this moment
    made.executescript("PRAGMA cache_size = 1; BEGIN; CREATE TABLE made (value)")
    made.executemany("INSERT INTO made VALUES (?)", [("x" * 4000,)] * 20)
    for ending in ("", "-journal"):
        (tmp_path / f"run.ledger{ending}").write_bytes((tmp_path / f"made{ending}").read_bytes())
    made.close()
    with pytest.raises(LedgerError, match=r"run\.ledger: a write to it was interrupted; .* puts it right"):
        Reader(path)
    ledger = SqliteLedger(path)
    await open_ledger(ledger, PLAN)
    await ledger.aclose()
    reader = Reader(path)
    assert reader.plan == PLAN
    reader.close()
