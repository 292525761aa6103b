"""A run over several processes in a Python program: results, observers, early ends, and what cannot be had."""

import asyncio
import math
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import msgspec
import pytest

from rumbleup_async import ConfigurationError, Policy, RumbleUp, Summary, Timeouts, events
from rumbleup_async.admission import Never
from rumbleup_async.engine.bookkeeper import Bookkeeper
from rumbleup_async.engine.lease import Lease
from rumbleup_async.engine.options import Options
from rumbleup_async.engine.outlet import Outlet
from rumbleup_async.engine.pace import Pace
from rumbleup_async.engine.ports import SilentObserver
from rumbleup_async.engine.queue import Queue
from rumbleup_async.engine.workers import Ahead, assembled
from rumbleup_async.events import Event
from rumbleup_async.fleet import remote, supervisor, worker_process
from rumbleup_async.fleet.channel import (
    Admitted,
    Ask,
    Channel,
    End,
    Halt,
    Holding,
    LastRound,
    Opened,
    Recipe,
    Setup,
    Step,
    Wake,
    read_word,
)
from rumbleup_async.fleet.remote import RemoteWorker
from rumbleup_async.fleet.shared_limit import RemoteLimit
from rumbleup_async.fleet.supervisor import Fleet
from rumbleup_async.ledger import MemoryLedger
from rumbleup_async.ledger.reader import Reader
from rumbleup_async.messaging import Closed, Plan, Planned, Result, State, Text
from rumbleup_async.outcomes import Outcome
from rumbleup_async.reasons import SUPPRESSED
from rumbleup_async.rules.door import OPEN
from rumbleup_async.runs.run import Run
from rumbleup_async.simulator import Simulator, serve
from rumbleup_async.stops import Cause

TEXT = "Hi {first_name}. STOP to opt out"
CONTACTS = [{"phone": f"20223{40000 + n}", "first_name": "Ada"} for n in range(400)]


@asynccontextmanager
async def sending(simulator: Simulator, ledger: Path | None, **options: object) -> AsyncIterator[Run]:
    async with serve(simulator) as server, RumbleUp("KEY:SECRET", base_url=server.url) as rumbleup:
        options = {"concurrency": 4, "processes": 2, **options}
        async with rumbleup.fast_mode(action=125, text=TEXT, ledger=ledger, **options) as run:  # type: ignore[arg-type]
            yield run


def crew_of(run: Run) -> Fleet:
    """The processes of a run that sends."""
    assert run._execution.engine is not None
    crew = run._execution.engine.crew
    assert isinstance(crew, Fleet)
    return crew


def in_hand(run: Run, worker: RemoteWorker) -> int:
    """Texts that this process has, as far as the books know."""
    assert run._execution.engine is not None
    return sum(entry.worker is worker for entry in run._execution.engine.books._entries.values())


def texted_once(simulator: Simulator) -> int:
    """How many were texted; nobody twice."""
    counts = Counter(text.phone for text in simulator.truth)
    assert set(counts.values()) <= {1}
    return len(counts)


@pytest.mark.parametrize("on_disk", [True, False])
async def test_every_contact_is_told_once(tmp_path: Path, on_disk: bool) -> None:
    """A contact that one process had in hand would be missing from the results, or told twice."""
    simulator = Simulator()
    async with sending(simulator, tmp_path / "run.ledger" if on_disk else None) as run:
        results = [result async for result in run.send(CONTACTS)]
        assert sorted(result.row for result in results) == list(range(1, 401))
        assert {result.state for result in results} == {State.SENT}
        assert run.summary.sent == 400
        assert (run.in_flight, run.window) == (0, 0)
    assert texted_once(simulator) == 400


async def test_a_caller_who_leaves_early_stops_them_all(tmp_path: Path) -> None:
    """`break` would leave processes behind that go on texting."""
    simulator = Simulator(latency=0.02)
    async with sending(simulator, tmp_path / "run.ledger") as run:
        async for _ in run.send(CONTACTS):
            if texted_once(simulator) > 50:
                break
        fleet = crew_of(run)
    left = texted_once(simulator)
    assert left < 350
    assert run.counts[State.SENT] == left
    assert run.counts[State.UNKNOWN] == run.counts[State.INTENT] == 0
    assert all(sender.process.returncode is not None for sender in fleet.workers)


async def test_a_cancelled_task_stops_them_all(tmp_path: Path) -> None:
    """A service that shuts down would leave processes behind that go on texting."""
    simulator = Simulator(latency=0.02)

    async def work() -> None:
        async with sending(simulator, tmp_path / "run.ledger") as run:
            await run.send(CONTACTS)

    task = asyncio.create_task(work())
    while texted_once(simulator) < 50:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    left = texted_once(simulator)
    await asyncio.sleep(0.1)
    assert texted_once(simulator) == left < 350


async def test_a_consumer_who_takes_his_time_holds_them_back(tmp_path: Path) -> None:
    """Results would pile up in memory while somebody writes each of them to a slow place."""
    simulator = Simulator()
    contacts = [{"phone": f"2{2 + n // 40000}{n // 40000 + 1}23{40000 + n % 40000}", "first_name": "Ada"} for n in range(6000)]
    async with sending(simulator, tmp_path / "run.ledger", concurrency=64) as run:
        taking = run.send(contacts)
        told = [await anext(taking)]
        await asyncio.sleep(3.0)
        assert texted_once(simulator) < 6000, "nobody held them back"
        told += [result async for result in taking]
    assert len(told) == 6000
    assert texted_once(simulator) == 6000


async def test_an_observer_that_fails_ends_the_run(tmp_path: Path) -> None:
    """A mistake in the caller's own code would be lost, or leave processes behind."""

    class Failing:
        def results(self, results: Sequence[Result]) -> None:
            raise ZeroDivisionError

        def held(self, seconds: float, reason: str) -> None: ...

    simulator = Simulator(latency=0.01)
    with pytest.raises(ZeroDivisionError):
        async with sending(simulator, tmp_path / "run.ledger", observer=Failing()) as run:
            await run.send(CONTACTS)
    assert texted_once(simulator) < 400
    assert run.counts[State.INTENT] == 0


class Watching:
    def __init__(self) -> None:
        self.seen: list[Event] = []

    def events(self, happened: Sequence[Event]) -> None:
        self.seen.extend(happened)


async def test_what_worker_processes_see_is_told_here() -> None:
    """An observer would hear of no text, and of no trouble, as soon as there is more than one process."""
    simulator = Simulator(latency=0.02)  # the second process comes up while there is something to do
    simulator.fault(CONTACTS[50]["phone"], ["429"])
    watching = Watching()
    async with sending(simulator, None, observer=watching) as run:
        await run.send(CONTACTS)
    delivered = [event for event in watching.seen if isinstance(event, events.Delivered)]
    assert {event.row for event in delivered} == set(range(1, 401))
    assert all(event.seconds > 0 for event in delivered)
    assert [event.row for event in watching.seen if isinstance(event, events.Throttled)] == [51]
    assert [event.worker for event in watching.seen if isinstance(event, events.WorkerBegan)] == [1, 2]
    assert not [event for event in watching.seen if isinstance(event, events.WorkerLost)]
    assert sum(event.sent for event in watching.seen if isinstance(event, events.Stepped)) == 400


async def test_their_seconds_are_kept(tmp_path: Path) -> None:
    """Whoever looks at a run of several processes would see its texts, and not how fast they are answered."""
    async with sending(Simulator(), tmp_path / "run.ledger", rate=160) as run:
        await run.send(CONTACTS)
    reader = Reader(tmp_path / "run.ledger")
    seconds = reader.seconds()
    reader.close()
    assert 100 < sum(second.sent for second in seconds) <= 400
    assert 5 < sum(sum(second.latencies) for second in seconds) <= 30
    rates = {second.rate for second in seconds} - {None}
    assert rates, "nobody told what rate it keeps"
    assert rates <= {80, 160}, "one process has half of the rate, and the second may begin when the first is nearly through"


async def test_a_process_that_dies_is_told() -> None:
    """The log of a run that slows down would not say that half of its processes are gone."""
    simulator = Simulator(latency=0.02)
    watching = Watching()
    async with sending(simulator, None, observer=watching) as run:
        is_killed = False
        async for _ in run.send(CONTACTS):
            if not is_killed and texted_once(simulator) > 50 and len(crew_of(run).workers) == 2:
                is_killed = True
                os.kill(crew_of(run).workers[1].process.pid, signal.SIGKILL)
    assert [event.worker for event in watching.seen if isinstance(event, events.WorkerLost)] == [2]


async def test_a_list_that_breaks_off_sends_nothing(tmp_path: Path) -> None:
    """Half a list would be texted before it is known to be the right one."""

    async def broken() -> AsyncIterator[object]:
        for contact in CONTACTS[:100]:
            yield contact
        raise ConnectionError("the database went away")

    simulator = Simulator()
    with pytest.raises(ConnectionError):
        async with sending(simulator, tmp_path / "run.ledger") as run:
            await run.send(broken())
    assert texted_once(simulator) == 0


async def test_a_process_that_is_stopped_and_killed_leaves_its_texts_unknown(tmp_path: Path) -> None:
    """What a frozen process had in hand would be taken for not sent."""
    simulator = Simulator(latency=0.4)  # the other is not done before this one has come up
    async with sending(simulator, tmp_path / "run.ledger") as run:

        async def whole() -> Summary:
            return await run.send(CONTACTS)

        task = asyncio.create_task(whole())
        while not texted_once(simulator) or len(crew_of(run).workers) < 2:
            await asyncio.sleep(0.01)
        victim = crew_of(run).workers[1]
        while not task.done():
            os.kill(victim.process.pid, signal.SIGSTOP)
            await asyncio.sleep(0.2)  # what it has told before is heard
            if in_hand(run, victim):
                break
            os.kill(victim.process.pid, signal.SIGCONT)
            await asyncio.sleep(0.1)
        simulator.change(latency=0.01)
        os.kill(victim.process.pid, signal.SIGKILL)
        summary = await task
    assert 0 < summary.unknown <= 8
    assert summary.sent + summary.unknown == 400
    assert texted_once(simulator) >= summary.sent


async def test_a_stop_does_not_wait_for_the_list(tmp_path: Path) -> None:
    """A list that waits for its next contact, from a queue perhaps, would hold a stopped run for ever."""

    async def stalled() -> AsyncIterator[object]:
        yield CONTACTS[0]
        await asyncio.Event().wait()

    simulator = Simulator()
    async with sending(simulator, tmp_path / "run.ledger") as run, asyncio.timeout(20):
        task = asyncio.ensure_future(run.send(stalled()))
        while not run.counts[State.QUEUED]:
            await asyncio.sleep(0.01)
        run.stop("enough")
        assert (await task).stopped == "enough"
    assert texted_once(simulator) == 0


async def test_an_observer_that_fails_while_the_list_comes_in_is_heard(tmp_path: Path) -> None:
    """The caller's mistake would be lost, and the run look like one that somebody stopped."""

    class Failing:
        def results(self, results: Sequence[Result]) -> None:
            raise ZeroDivisionError

        def held(self, seconds: float, reason: str) -> None: ...

    with pytest.raises(ZeroDivisionError):
        async with sending(Simulator(), tmp_path / "run.ledger", observer=Failing()) as run:
            await run.send([{"phone": "no phone"}, *CONTACTS])


async def test_a_stop_while_they_are_started_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that came up after the stop would be waited for, and wait itself, for ever."""
    simulator = Simulator()
    start = remote.start
    started: list[RemoteWorker] = []

    async def start_and_stop(inherited: Sequence[int], longest: float) -> RemoteWorker:
        started.append(await start(inherited, longest))
        run.stop("enough")
        return started[-1]

    monkeypatch.setattr(supervisor, "start", start_and_stop)
    async with sending(simulator, tmp_path / "run.ledger", processes=3) as run, asyncio.timeout(20):
        summary = await run.send(CONTACTS)
    assert (summary.stopped, summary.sent) == ("enough", 0)
    assert [one.process.returncode for one in started] == [-signal.SIGKILL]
    assert texted_once(simulator) == 0


async def test_one_that_does_not_run_holds_nobody_up(tmp_path: Path) -> None:
    """A process that is stopped, or swapped out, would keep the run and Ctrl-C waiting for ever."""
    simulator = Simulator(latency=0.02)
    timeouts = Timeouts(connect=0.5, read=0.5, answer=0.5)
    async with serve(simulator) as server, RumbleUp("KEY:SECRET", base_url=server.url, timeouts=timeouts) as rumbleup:
        mode = rumbleup.fast_mode(action=125, text=TEXT, ledger=tmp_path / "run.ledger", concurrency=4, processes=2)
        async with asyncio.timeout(60), mode as run:
            async for _ in run.send(CONTACTS):
                if texted_once(simulator) > 50:
                    break
            frozen = crew_of(run).workers[0].process
            frozen.send_signal(signal.SIGSTOP)
    if frozen.returncode is None:
        frozen.kill()
    assert frozen.returncode == -signal.SIGKILL
    assert run.counts[State.SENT] + run.counts[State.UNKNOWN] >= texted_once(simulator)
    assert run.counts[State.UNKNOWN] <= 2 * 4
    assert run.counts[State.INTENT] == 0


async def test_the_terminal_does_not_reach_them() -> None:
    """Ctrl-C in the first moments would fill the screen with the tracebacks of processes that have not begun."""
    one = await remote.start((), 1.0)
    try:
        assert os.getsid(one.process.pid) != os.getsid(0)
    finally:
        one.process.kill()
        await one.process.wait()
        await one.channel.aclose()


class Ear:
    """In the place of a channel: what was said to a worker process."""

    def __init__(self, *words: bytes) -> None:
        self.said: list[Any] = []
        self._words = list(words)

    def say(self, message: object) -> None:
        self.said.append(message)

    async def hear(self) -> bytes | None:
        return self._words.pop(0) if self._words else None


def a_fleet(*ears: Ear) -> Fleet:
    """A fleet whose processes are ears."""
    ledger, pace, options = MemoryLedger(), Pace(), Options(processes=2)
    plan = Plan(run="bcdfghjkmn", provider="rumbleup", action="125", text=TEXT)
    fleet = Fleet(ledger, plan, pace, options, recipe=Recipe("none:none", {}, 60.0), rate=None)
    outlet = Outlet(SilentObserver(), lambda _: None, lambda: False, lambda _: None)
    fleet._outlet = outlet
    fleet._books = Bookkeeper(ledger, Queue(ledger, OPEN, time.time), outlet, limit=None, wall_clock=time.time)
    for ear in ears:
        fleet.workers.append(RemoteWorker(SimpleNamespace(returncode=None, kill=lambda: None), ear, 60.0))  # type: ignore[arg-type]
    return fleet


async def test_a_process_that_cannot_be_understood_counts_as_dead() -> None:
    """The run would wait for its last word for ever."""
    fleet = a_fleet(Ear(b"mumble"))
    one = fleet.workers[0]
    killed: list[bool] = []
    one.process = SimpleNamespace(returncode=None, kill=lambda: killed.append(True))  # type: ignore[assignment]
    with pytest.raises(msgspec.MsgspecError):
        await fleet._listen(one)
    assert one.is_done
    assert killed == [True]


async def test_who_begins_later_is_told_of_the_hold() -> None:
    """The processes that follow the first accepted text would send into a pause that the provider has asked the first one for."""
    ear = Ear()
    fleet = a_fleet(ear)
    fleet._pace.hold.hold(30.0)
    fleet._begin(fleet.workers[0])
    assert [type(message) for message in ear.said] == [Setup, Holding]
    assert 29.0 < ear.said[1].seconds <= 30.0


async def test_what_a_process_says_with_its_last_breath_is_heard() -> None:
    """A text that was accepted would be looked up in vain, for the process died right behind telling it."""
    fleet = a_fleet(Ear())
    one = fleet.workers[0]
    await fleet._ledger.open(fleet._setup.plan)
    await fleet._ledger.load([[Planned(1, "2025550101", TEXT), Planned(2, "2025550102", TEXT)]])
    keeping = asyncio.create_task(fleet._books.keep())
    fleet._books.workers.append(one)
    assert len((await fleet._books.step(one, [], 3)).texts) == 2
    last = Step([Closed(1, State.SENT, 1, logid="rl_1", time=1)], 5, 1, 1)
    one.channel = Ear(msgspec.msgpack.encode(last))  # type: ignore[assignment]
    await fleet._listen(one)
    async with asyncio.timeout(5):
        await keeping
    rows = await fleet._ledger.rows(0, 9)
    assert [row.state for row in rows] == [State.SENT, State.UNKNOWN]


async def test_who_begins_in_the_last_round_is_told_of_it() -> None:
    """It would take the trouble of texts that were put aside for a reason to stop the run."""
    fleet = a_fleet(Ear())
    fleet._books.rounds.begin_last(more=False)
    fleet._begin(fleet.workers[0])
    assert [type(message) for message in fleet.workers[0].channel.said] == [Setup, LastRound]  # type: ignore[attr-defined]


async def test_a_list_that_still_comes_in_does_not_keep_a_run_alive_without_processes(tmp_path: Path) -> None:
    """The run would wait for ever for somebody to text whom the list brings."""
    more = asyncio.Event()

    async def slow() -> AsyncIterator[object]:
        yield CONTACTS[0]
        await more.wait()
        yield CONTACTS[1]
        await asyncio.Event().wait()

    simulator = Simulator()
    async with sending(simulator, tmp_path / "run.ledger") as run, asyncio.timeout(30):
        task = asyncio.ensure_future(run.send(slow()))
        while not run.counts[State.SENT]:
            await asyncio.sleep(0.01)
        for worker in run._execution.engine.crew.workers:  # type: ignore[union-attr]
            worker.process.kill()
        more.set()
        summary = await task
    assert summary.stop is not None
    assert summary.stop.cause is Cause.WORKERS_DIED
    assert texted_once(simulator) == 1


async def test_a_question_about_a_text_is_answered_by_the_rules() -> None:
    """Somebody who opted out after the claim would be texted by whichever process has them in hand."""
    ours, theirs = socket.socketpair()
    asked, answering = [Channel(*await asyncio.open_unix_connection(sock=end)) for end in (ours, theirs)]
    door = worker_process.RemoteDoor(asked, is_open_to_all=False)
    question = asyncio.create_task(door.admit(Text(7, "2025550101", "Hi")))
    ask = read_word(await answering.hear() or b"")
    assert isinstance(ask, Ask)
    assert ask.text.row == 7
    door.answered(Admitted(ask.number, Never(SUPPRESSED)))
    assert await question == Never(SUPPRESSED)
    await answering.aclose()
    await asked.aclose()


async def test_the_news_of_room_is_not_lost_behind_an_answer() -> None:
    """A process would take "no texts now" for "no texts left", and the run would wait for ever for who was not texted."""
    ours, theirs = socket.socketpair()
    keeping, listening = [Channel(*await asyncio.open_unix_connection(sock=end)) for end in (ours, theirs)]
    pace, limit = Pace(), RemoteLimit(listening)
    books = worker_process.RemoteBooks(listening, limit)
    workers = assembled(
        books,
        Nobody(),
        pace,
        concurrency=2,
        policy=Policy(),
        door=OPEN,
        lease=Lease(math.inf),
        ahead=Ahead(),
        wall_clock=time.time,
        jitter=lambda: 0.5,
    )
    door = worker_process.RemoteDoor(listening, is_open_to_all=True)
    ears = asyncio.create_task(worker_process._listen(listening, workers, books, door, pace, limit))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(workers.run(lambda work: tasks.create_task(work())))
        assert isinstance(read_word(await keeping.hear() or b""), Step)
        keeping.say(Opened([], more=False))
        keeping.say(Wake())
        again = read_word(await keeping.hear() or b"")
        assert isinstance(again, Step)
        assert again.want > 0
        keeping.say(Opened([], more=False))
        keeping.say(End())
    await keeping.aclose()
    await ears
    await listening.aclose()


@pytest.mark.parametrize("is_stopped", [False, True])
async def test_a_process_with_nothing_to_do_ends_when_the_supervisor_dies(is_stopped: bool) -> None:
    """It would live on for ever and hold the ledger, so that nobody could resume the run."""
    ours, theirs = socket.socketpair()
    keeping, listening = [Channel(*await asyncio.open_unix_connection(sock=end)) for end in (ours, theirs)]
    pace, limit = Pace(), RemoteLimit(listening)
    books = worker_process.RemoteBooks(listening, limit)
    workers = assembled(
        books,
        Nobody(),
        pace,
        concurrency=2,
        policy=Policy(),
        door=OPEN,
        lease=Lease(math.inf),
        ahead=Ahead(),
        wall_clock=time.time,
        jitter=lambda: 0.5,
    )
    door = worker_process.RemoteDoor(listening, is_open_to_all=True)
    ears = asyncio.create_task(worker_process._listen(listening, workers, books, door, pace, limit))
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(workers.run(lambda work: tasks.create_task(work())))
        assert isinstance(read_word(await keeping.hear() or b""), Step)
        keeping.say(Opened([], more=False))
        if is_stopped:
            keeping.say(Halt())
        await asyncio.sleep(0.05)
        await keeping.aclose()
    await ears
    await listening.aclose()


class Nobody:
    """A gateway to which nothing is handed."""

    async def deliver(self, text: Text, permit: object) -> Outcome:
        raise AssertionError

    async def aclose(self) -> None: ...


async def test_what_another_process_cannot_have_is_refused(tmp_path: Path) -> None:
    """A session, or a TLS context, would be left out without a word."""
    async with (
        aiohttp.ClientSession() as session,
        RumbleUp("KEY:SECRET", base_url="http://127.0.0.1:1", session=session) as client,
    ):
        with pytest.raises(ConfigurationError, match="one process"):
            client.fast_mode(action=125, text=TEXT, processes=2)
    async with RumbleUp("KEY:SECRET", base_url="http://127.0.0.1:1") as client:
        with pytest.raises(ConfigurationError, match="processes"):
            client.fast_mode(action=125, text=TEXT, processes=0)
