"""A ledger that an earlier version has written: read as it is, and brought to today's tables when a run goes on with it."""

import os
import signal
import sqlite3
from pathlib import Path

import pytest

from rumbleup_async.errors import LedgerError, LedgerMismatch
from rumbleup_async.ledger import Reader, SqliteLedger, schema
from rumbleup_async.ledger.held_file import HeldFile
from rumbleup_async.messaging import Closed, Plan, State
from rumbleup_async.reasons import NO_REASON, Code, Reason
from tests import virtual_time
from tests.books import exchange, open_ledger

PLAN = Plan(run="bcdfghjkmn", provider="rumbleup", action="125", text="Hi {name}. STOP")


def earlier(path: Path) -> Path:
    """A ledger of schema 1, from the dump of one whose process died with two texts in flight."""
    db = sqlite3.connect(path)
    db.executescript(Path(__file__).with_name("schema1.sql").read_text(encoding="utf-8"))
    db.close()
    return path


def version(path: Path) -> int:
    db = sqlite3.connect(path)
    found = schema.version_of(db)
    db.close()
    return found


COUNTS = {
    State.QUEUED: 3,
    State.INTENT: 2,
    State.SENT: 1,
    State.REFUSED: 1,
    State.SKIPPED: 2,
    State.NOT_SENT: 2,
    State.UNKNOWN: 1,
}


def test_a_look_changes_nothing_in_it(tmp_path: Path) -> None:
    """`status` of last week's run would make a file that last week's version cannot read any more."""
    path = earlier(tmp_path / "run.ledger")
    before = path.read_bytes()
    reader = Reader(path)
    assert reader.counts() == COUNTS
    assert (State.REFUSED, Reason(Code.OTHER, "400 no"), 1) in reader.reasons()
    assert [row.reason for row in reader.rows()][2:5] == ["timed out", "absent from the log", "suppressed"]
    assert {str(why): rows for why, rows in reader.first_rows(3).items()} == {"duplicate": [12], "invalid phone: empty": [11]}
    assert reader.seconds() == []
    assert [sample.row for sample in reader.samples(5)] == [6, 9, 10]
    reader.close()
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["run.ledger"]


def test_a_run_goes_on_with_it(tmp_path: Path) -> None:
    """A campaign would be lost with the update, or people texted again whose texts were in flight."""
    path = earlier(tmp_path / "run.ledger")

    async def main() -> None:
        ledger = SqliteLedger(path)
        assert await ledger.open(PLAN) == PLAN
        assert dict(ledger.counts) == COUNTS
        (owner,) = await ledger.owners()
        assert (owner.is_dead, owner.name) == (True, schema.OLDER)
        assert [(one.row, one.state) for one in await ledger.expire(owner.id)] == [(7, State.UNKNOWN), (8, State.UNKNOWN)]
        assert ledger.kept.options == {"rate": 20}
        assert ledger.kept.suppressed == {"2025550199"}
        texts = await exchange(ledger, [], 10)
        assert [(text.row, str(text.why), text.segments) for text in texts] == [(6, "429 later", 1), (9, "", 1), (10, "", 1)]
        await exchange(ledger, [Closed(text.row, State.SENT, 1, NO_REASON, f"rl_{text.row}", 5) for text in texts], 0)
        await ledger.aclose()

    virtual_time.run(main())
    assert version(path) == schema.SCHEMA
    reader = Reader(path)
    assert reader.counts() == {**COUNTS, State.QUEUED: 0, State.INTENT: 0, State.SENT: 4, State.UNKNOWN: 3}
    assert reader.kept(1, 2) == {1: {"id": "1"}, 2: {"id": "2"}}
    reader.close()


def test_one_that_is_refused_stays_as_it_was(tmp_path: Path) -> None:
    """Whoever gave the wrong list could not go back to the version they had."""
    path = earlier(tmp_path / "run.ledger")
    with pytest.raises(LedgerMismatch):
        virtual_time.run(SqliteLedger(path).open(Plan(run="x" * 10, provider="rumbleup", action="126", text="Hi {name}. STOP")))
    assert version(path) == 1


def _dies_at(path: Path, number: int) -> bool:
    """Whether a process that upgrades the ledger gets to its statement of this number, at which it is killed."""
    child = os.fork()
    if child == 0:
        seen = 0

        def trace(statement: str) -> None:
            nonlocal seen
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)

        open_file = HeldFile.open

        def traced(self: HeldFile, **given: bool) -> Plan | None:
            plan = open_file(self, **given)
            self.db.set_trace_callback(trace)
            return plan

        HeldFile.open = traced  # type: ignore[method-assign]
        try:
            virtual_time.run(SqliteLedger(path).open(None))
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_killed_while_it_is_upgraded(tmp_path: Path) -> None:
    """A power cut in that second would leave a file that neither version can read."""
    number = 0
    died = True
    while died:
        number += 1
        path = earlier(tmp_path / f"{number}.ledger")
        died = _dies_at(path, number)
        reader = Reader(path)
        assert reader.counts() == COUNTS
        reader.close()

        async def main(path: Path = path) -> None:
            ledger = SqliteLedger(path)
            await open_ledger(ledger, None)
            assert dict(ledger.counts) == {**COUNTS, State.INTENT: 0, State.UNKNOWN: 3}
            assert [text.row for text in await exchange(ledger, [], 10)] == [6, 9, 10]
            await ledger.aclose()

        virtual_time.run(main())
        assert version(path) == schema.SCHEMA
    assert number > 15


def test_a_newer_one_is_refused(tmp_path: Path) -> None:
    """A later version's ledger would be read by rules that it does not follow."""
    path = earlier(tmp_path / "run.ledger")
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version = {schema.WITH_STEPS + 1}")
    db.close()
    for use in (lambda: virtual_time.run(SqliteLedger(path).open(PLAN)), lambda: Reader(path)):
        with pytest.raises(LedgerError, match="newer version"):
            use()
