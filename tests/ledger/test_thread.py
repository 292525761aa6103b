"""The thread that alone touches a database: what it was given is brought to its end, whoever gives up waiting for it."""

import asyncio
import threading
from pathlib import Path

import pytest

from rumbleup_async.ledger import Reader, SqliteLedger
from rumbleup_async.ledger.thread import LedgerThread
from rumbleup_async.messaging import State
from tests.ledger.conformance.claims import PLAN
from tests.ledger.conformance.runs import NOW, placed, rows, sent


async def turns() -> None:
    """Whatever can happen without the thread happens."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.parametrize("is_begun", [True, False])
async def test_a_caller_who_is_cancelled_waits_for_what_the_thread_does(is_begun: bool) -> None:
    """A run that is ended would close its books while a commit is under way, and nobody would know what it said."""
    thread = LedgerThread(Path("run.ledger"))
    begun, ended = threading.Event(), threading.Event()
    done: list[str] = []

    def work(name: str) -> str:
        begun.set()
        assert ended.wait(30)
        done.append(name)
        return name

    tasks = [asyncio.create_task(thread.run(work, name)) for name in ("first", "second")]
    assert await asyncio.to_thread(begun.wait, 30)
    cancelled, other = tasks if is_begun else reversed(tasks)
    for _ in range(2):
        cancelled.cancel()
        await turns()
        assert not cancelled.done()
    ended.set()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert ("first" if is_begun else "second") in done
    assert await other in done
    assert done == ["first", "second"]
    thread.shutdown()


async def test_a_step_that_is_cancelled_is_on_the_disk_once_its_caller_hears_of_it(tmp_path: Path) -> None:
    """Texts would be opened behind the back of a run that has ended, and be missing from what it counts."""
    ledger = SqliteLedger(tmp_path / "run.ledger")
    await ledger.open(PLAN)
    await ledger.add([placed(row) for row in range(1, 11)])
    owner = (await ledger.enlist("one")).id
    assert rows((await ledger.step(owner, [], 2, NOW)).texts) == [1, 2]
    begun, ended = threading.Event(), threading.Event()

    def trace(statement: str) -> None:
        if statement.lstrip().startswith("UPDATE"):
            begun.set()
            assert ended.wait(30)

    ledger._file.db.set_trace_callback(trace)
    step = asyncio.create_task(ledger.step(owner, [sent(1)], 3, NOW))
    assert await asyncio.to_thread(begun.wait, 30)
    step.cancel()
    await turns()
    assert not step.done()
    ended.set()
    with pytest.raises(asyncio.CancelledError):
        await step
    reader = Reader(ledger.path)
    expected = {State.SENT: 1, State.INTENT: 4, State.QUEUED: 5}
    assert reader.counts() == ledger.counts == {**dict.fromkeys(State, 0), **expected}
    reader.close()
    ledger._file.db.set_trace_callback(None)
    await ledger.aclose()
