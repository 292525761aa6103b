"""Steps that are noted beside a ledger before they are carried over: whoever dies, and whatever fails, nothing is forgotten."""

import asyncio
import errno
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import Reader, steps_file
from rumbleup_async.ledger.files import beside
from tests.ledger import noted
from tests.ledger.noted import IN, MIDDLE, Q, R, S, U, begun, close, copy, states_of, step, to_its_middle


@pytest.fixture
def dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger whose process has died in its middle."""
    noted.at_once(monkeypatch)
    return noted.dead_in_its_middle(tmp_path)


def test_the_next_process_knows_all_that_was_noted(dead: Path) -> None:
    """Somebody whose text left in the last moments of a dead process would be texted again."""
    assert list(states_of(dead).values()) == MIDDLE


def test_whoever_looks_at_a_dead_run_sees_all_that_was_noted(dead: Path) -> None:
    """status and the report of a dead run would call people queued who have the text."""
    reader = Reader(dead)
    assert [row.state for row in reader.rows()] == [S, S, R, IN, IN, IN, Q, Q, Q, Q]
    assert (reader.counts()[S], reader.counts()[IN], reader.counts()[Q]) == (2, 3, 4)
    assert [row.logid for row in reader.rows()][:3] == ["id1", "id2", ""]
    assert reader.texted([f"202234{row:04d}" for row in range(1, 8)]) == 6
    assert not reader.is_log_lost
    assert reader.stop is not None, "a run that died does not say so"
    states_of(dead)
    assert [row.state for row in reader.rows()][:7] == [*MIDDLE[:6], Q], "what it had seen hides what came after"
    reader.close()


def test_whoever_looks_at_a_living_run_sees_all_that_was_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The live page and status would lag behind a run whose steps are noted beside its ledger."""
    noted.at_once(monkeypatch)

    async def main() -> None:
        ledger = await to_its_middle(tmp_path / "run.ledger")
        reader = Reader(ledger.path)
        assert [row.state for row in reader.rows()] == [S, S, R, IN, IN, IN, Q, Q, Q, Q]
        await step(ledger, [close(row) for row in (4, 5, 6)], 4)
        # Where no step follows, the ledger itself says it soon.
        while [row.state for row in reader.rows()] != [S, S, R, S, S, S, IN, IN, IN, IN]:
            await asyncio.sleep(0.02)
        await ledger.aclose()
        reader.close()

    asyncio.run(main())


def test_steps_taken_away_under_a_run_are_no_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody tidies up beside a ledger while it is written, and the last steps are gone with the file."""
    noted.at_once(monkeypatch)

    async def main() -> None:
        ledger = await to_its_middle(tmp_path / "run.ledger")
        steps_file.remove(ledger.path)
        await step(ledger, [close(4)], 1)
        found = copy(ledger.path, tmp_path / "dead")
        assert list((await noted.states(found)).values()) == [S, S, R, S, U, U, U, Q, Q, Q]
        await step(ledger, [close(5)], 1)
        assert not steps_file.path_of(ledger.path).exists()
        await ledger.aclose()

    asyncio.run(main())


@pytest.mark.parametrize("is_written", [False, True])
def test_a_write_that_fails_costs_no_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_written: bool) -> None:
    """On a full or failing disk a step would be half in the file: believed later, though it was answered as not done."""
    noted.at_once(monkeypatch)

    async def main() -> None:
        ledger = await to_its_middle(tmp_path / "run.ledger")
        write = steps_file._write

        def fail(descriptor: int, data: bytes, at: int) -> None:
            if is_written:
                write(descriptor, data, at)
            raise OSError(errno.EIO if is_written else errno.ENOSPC, "no")

        monkeypatch.setattr(steps_file, "_write", fail)
        made = await step(ledger, [close(4)], 1)
        assert [text.row for text in made.texts] == [7]
        found = copy(ledger.path, tmp_path / "dead")
        assert list((await noted.states(found)).values()) == [S, S, R, S, U, U, U, Q, Q, Q]
        await step(ledger, [close(7)], 1)
        assert not steps_file.path_of(ledger.path).exists()
        await ledger.aclose()

    asyncio.run(main())


def test_an_end_that_fails_is_made_up_for_durably(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails at the file of steps and then at the ledger: the file would be taken away by a commit that a power cut
    undoes, and the steps with it."""
    noted.at_once(monkeypatch)

    async def main() -> None:
        ledger = await to_its_middle(tmp_path / "run.ledger")

        def fail(*_: object) -> None:
            raise OSError(errno.EIO, "no")

        monkeypatch.setattr(steps_file, "_write", fail)
        deny = sqlite3.SQLITE_DENY
        ledger._file.db.set_authorizer(lambda code, *_: deny if code == sqlite3.SQLITE_UPDATE else sqlite3.SQLITE_OK)
        with pytest.raises(LedgerError):
            await step(ledger, [close(4)], 1)
        assert list((await noted.states(copy(ledger.path, tmp_path / "dead"))).values()) == MIDDLE
        ledger._file.db.set_authorizer(None)
        said: list[str] = []
        ledger._file.db.set_trace_callback(said.append)
        assert len(await ledger.rows(0, 100)) == 10
        assert not steps_file.path_of(ledger.path).exists()
        assert "COMMIT" in said
        assert not [words for words in said[: said.index("COMMIT")] if words.endswith("NORMAL")]
        await ledger.aclose()

    asyncio.run(main())


def test_a_full_ledger_still_closes_what_is_in_flight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no room left for SQLite, texts that were answered would be unknown, though their blocks are there."""
    noted.at_once(monkeypatch, many=2)

    async def main() -> None:
        ledger = await begun(tmp_path / "run.ledger", 10)
        await step(ledger, [], 4)
        await step(ledger, [close(1), close(2)], 2)
        ledger._file.db.execute(f"PRAGMA max_page_count = {ledger._file.db.execute('PRAGMA page_count').fetchone()[0]}")
        ledger._file.db.set_authorizer(
            lambda code, *_: sqlite3.SQLITE_DENY if code == sqlite3.SQLITE_UPDATE else sqlite3.SQLITE_OK
        )
        with pytest.raises(LedgerError):
            await step(ledger, [close(3)], 2)
        await step(ledger, [close(3), close(4)], 0)
        found = copy(ledger.path, tmp_path / "dead")
        ledger._file.db.set_authorizer(None)
        await ledger.aclose()
        assert list((await noted.states(found)).values()) == [S, S, S, S, U, U, Q, Q, Q, Q]

    asyncio.run(main())


def test_nobody_is_opened_twice_between_two_looks_at_the_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of the queue would text somebody twice: the database, which would refuse it, is not asked at each step."""
    noted.at_once(monkeypatch)

    async def main() -> None:
        ledger = await begun(tmp_path / "run.ledger", 10)
        texts = (await step(ledger, [], 3)).texts
        await step(ledger, [close(1)], 0)
        for row in (1, 2):
            ledger._run.queue.give_back([texts[row - 1]])
            with pytest.raises(LedgerError, match="opened twice"):
                await step(ledger, [], 1)
            ledger._run.queue.take(1, noted.NOW, {})
        with pytest.raises(LedgerError, match="not open"):
            await step(ledger, [close(1)], 0)
        await ledger.aclose()

    asyncio.run(main())


CRASH = """
import asyncio, os, signal, sys
from pathlib import Path
import pytest
from rumbleup_async.ledger import steps_file
from tests.ledger import noted

async def main(path, number, moment):
    noted.at_once(pytest.MonkeyPatch(), many=4, blocks=6)
    ledger = await noted.begun(Path(path), 30)
    write, left = steps_file._write, int(number)
    def dying(descriptor, data, at):
        nonlocal left
        left -= 1
        if left == 0 and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        write(descriptor, data, at)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    steps_file._write = dying
    texts = (await noted.step(ledger, [], 3)).texts
    while texts:
        print("open", *[text.row for text in texts], flush=True)
        rows = [text.row for text in texts]
        texts = (await noted.step(ledger, map(noted.close, rows), 3)).texts
        print("sent", *rows, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize(("number", "moment"), [(1, "after"), (4, "before"), (8, "after")])
def test_a_process_that_is_killed_at_a_write(tmp_path: Path, number: int, moment: str) -> None:
    """kill -9 right before or behind a write, and what was told to the engine is not what the next process finds."""
    path = tmp_path / "run.ledger"
    env = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    died = subprocess.run([sys.executable, "-c", CRASH, path, str(number), moment], env=env, capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    told: dict[str, set[int]] = {"open": set(), "sent": set()}
    for word, *rows in map(str.split, died.stdout.decode().splitlines()):
        told[word] |= set(map(int, rows))
    found = states_of(path)
    closed = {row for row, state in found.items() if state is S}
    unknown = {row for row, state in found.items() if state is U}
    assert told["sent"] <= closed
    assert told["open"] <= closed | unknown
    assert len(closed | unknown) <= len(told["open"]) + 3
    assert len(unknown) <= 3
    assert beside(path, "-lock").exists()
