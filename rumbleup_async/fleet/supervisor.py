"""The supervisor of many worker processes: they send, and the bookkeeper of this process keeps the books of all.

Lives here: starting processes, hearing what they say, one rate, one hold, one stop. Knows no provider, no HTTP, no database, and
keeps no books.

- A process that dies leaves what it had in hand, at most 2 x concurrency texts, `unknown`; the others go on.
- The first process begins alone: a wrong key or a dead server is met by one text. The others follow its first accepted text.
- A hold that one process is told of holds all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any

from rumbleup_async.engine.bookkeeper import Bookkeeper
from rumbleup_async.engine.fan_out import FanOut
from rumbleup_async.engine.options import Options
from rumbleup_async.engine.outlet import Outlet
from rumbleup_async.engine.ports import HeldByFiles, Ledger, Observer, Pace
from rumbleup_async.engine.queue import Queue
from rumbleup_async.errors import RumbleUpError
from rumbleup_async.events import WorkerBegan, WorkerLost
from rumbleup_async.fleet.channel import Admitted, Ask, Done, Held, Recipe, Setup, Step, Stopping, read_word
from rumbleup_async.fleet.remote import PATIENCE, RemoteWorker, start
from rumbleup_async.messaging import Plan, Planned, Result, Skipped, State
from rumbleup_async.rules.door import Door, Rule
from rumbleup_async.shielding import run_shielded
from rumbleup_async.stops import Cause, Stop


class Fleet:
    """Fits where an `Engine` fits. One fleet, one `run()`.

    `options.concurrency` is that of each process. `rate` is shared by all. `pace` only shows what holds.
    """

    def __init__(
        self,
        ledger: Ledger,
        plan: Plan,
        pace: Pace,
        options: Options,
        *,
        recipe: Recipe,
        rate: float | None,
        observer: Observer | FanOut,
        sink: Callable[[Sequence[Result]], None],
        full: Callable[[], bool],
        rules: Sequence[Rule] = (),
    ) -> None:
        self._ledger = ledger
        self._setup = Setup(recipe, plan, options.concurrency, options.policy, rate)
        self._processes = options.processes
        self._pace = pace
        self._sink = sink
        self._door = Door(rules, self._rule_failed)
        self._outlet = Outlet(observer, self._receive, full, self._observer_failed)
        self.books = Bookkeeper(
            ledger,
            Queue(ledger, self._door, time.time, note=self._outlet.note if self._outlet.is_detailed else None),
            self._outlet,
            limit=options.limit,
            wall_clock=time.time,
        )
        self.workers: list[RemoteWorker] = []
        self._is_cancelled = False
        self._is_over = False

    # ---- what the outside calls ----

    async def run(self, feed: AsyncIterator[Sequence[Planned | Skipped]] | None = None) -> Stop | None:
        """As `Engine.run`."""
        await run_shielded(self._run(feed), self._on_cancel)
        return self.books.stopped

    def stop(self, why: Stop) -> None:
        """Let nothing more leave. The first reason given stands."""
        self.books.stop(why)

    def abandon(self) -> None:
        """Do not even wait for what is in flight: it is closed as unknown."""
        for worker in self.workers:
            if worker.has_begun:
                worker.abandon()

    def ring(self) -> None:
        """Somebody took results: there may be room again."""
        self.books.ring()

    @property
    def stopped(self) -> Stop | None:
        """Why it stopped early, if it did."""
        return self.books.stopped

    @property
    def in_flight(self) -> int:
        """Texts being delivered, as the processes last said."""
        return sum(worker.in_flight for worker in self.workers)

    @property
    def window(self) -> int:
        """Texts that may be in flight, as the processes last said."""
        return sum(worker.window for worker in self.workers)

    @property
    def is_cut_by_limit(self) -> bool:
        """Whether the limit ended the run before its list."""
        return self.books.is_cut_by_limit

    @property
    def put_aside(self) -> int:
        """Texts that this run has tried and queued again, and not sent after all."""
        return self.books.put_aside

    # ---- the processes ----

    async def _run(self, feed: AsyncIterator[Sequence[Planned | Skipped]] | None) -> None:
        listening: list[asyncio.Task[None]] = []
        try:
            await self._start_all(listening)
            if self.workers and self.books.stopped is None:
                self._begin(self.workers[0])
            await self.books.keep(feed)
        finally:
            self._is_over = True
            for worker in self.workers:
                if worker.has_begun and not worker.is_done:
                    worker.end()
            for worker, task in zip(self.workers, listening, strict=True):
                if worker.has_begun:
                    await asyncio.wait([task], timeout=PATIENCE)
                await worker.see_out()
            await asyncio.gather(*listening, return_exceptions=True)
        if self.books.failure is not None:
            raise self.books.failure

    async def _start_all(self, listening: list[asyncio.Task[None]]) -> None:
        ledger = self._ledger
        inherited: Sequence[int] = ()
        if isinstance(ledger, HeldByFiles):
            with ledger.shared_with_children() as inherited:
                await self._start(inherited, listening)
        else:
            await self._start(inherited, listening)

    async def _start(self, inherited: Sequence[int], listening: list[asyncio.Task[None]]) -> None:
        while self.books.stopped is None and len(self.workers) < self._processes:
            worker = await start(inherited, self._setup.recipe.longest)
            self.workers.append(worker)
            listening.append(asyncio.create_task(self._listen(worker)))

    def _begin(self, worker: RemoteWorker) -> None:
        if worker.has_begun or worker.is_done or self._is_over or self.books.stopped is not None:
            return
        setup = Setup(
            self._setup.recipe,
            self._setup.plan,
            self._setup.concurrency,
            self._setup.policy,
            self._share(),
            asks=self._door.is_live,
            lease=self._ledger.lease,
            tells=self._outlet.is_detailed,
        )
        self.books.workers.append(worker)
        worker.begin(setup, self._pace.hold.remaining)
        self._outlet.tell(WorkerBegan(self._number(worker)))

    def _begin_others(self) -> None:
        for worker in self.workers:
            self._begin(worker)

    def _number(self, worker: RemoteWorker) -> int:
        return self.workers.index(worker) + 1

    def _share(self) -> float | None:
        rate = self._setup.rate
        at_work = sum(1 for worker in self.workers if not worker.is_done)
        return rate / max(1, at_work) if rate else None

    async def _listen(self, worker: RemoteWorker) -> None:
        """Hear a process out."""
        is_told = False
        asking: set[asyncio.Task[None]] = set()
        try:
            while (message := await worker.channel.hear()) is not None:
                match read_word(message):
                    case Step() as step:
                        worker.heard(step)
                        self._outlet.note(*step.events)
                        _keep(asking, self._answer(worker, step))
                    case Ask() as ask:
                        _keep(asking, self._admit(worker, ask))
                    case Held() as held:
                        self._outlet.note(*held.events)
                        self._hold(worker, held)
                    case Stopping(stop=stop):
                        self.books.stop(stop)
                    case Done(error=error):
                        is_told = True
                        if error:
                            failure = RumbleUpError(f"a sending process failed: {error}")
                            self.books.fail(failure, Stop(Cause.WORKER_FAILED, error))
                        break
        finally:  # whatever ends the listening, nobody hears of this process any more
            for task in asking:
                task.cancel()
            self._ended(worker, is_told=is_told)

    async def _answer(self, worker: RemoteWorker, step: Step) -> None:
        worker.answer(await self.books.step(worker, step.done, step.want))

    async def _admit(self, worker: RemoteWorker, ask: Ask) -> None:
        worker.channel.say(Admitted(ask.number, await self._door.admit(ask.text)))

    def _hold(self, by: RemoteWorker, held: Held) -> None:
        self._pace.hold.hold(held.seconds)
        self.books.held(held.seconds, held.reason, held.code)
        for worker in self.workers:
            if worker is not by and worker.has_begun:
                worker.hold(held.seconds)

    def _ended(self, worker: RemoteWorker, *, is_told: bool) -> None:
        lost = WorkerLost(self._number(worker), worker.in_flight)
        worker.ended()
        if not is_told:
            worker.kill()
            if worker.has_begun:
                self._outlet.tell(lost)
        if worker in self.books.workers:
            self.books.lost(worker)
        # Whether or not it had a text accepted, the others do not wait for it any longer.
        self._begin_others()
        at_work = [other for other in self.workers if not other.is_done]
        for other in at_work:
            if other.has_begun:
                other.share(self._share())
        if not at_work and not self._is_over and self._ledger.counts[State.QUEUED]:
            self.books.stop(Stop(Cause.WORKERS_DIED, "every sending process died; resume the run"))

    # ---- what the books say ----

    def _receive(self, results: Sequence[Result]) -> None:
        self._sink(results)
        if any(result.state is State.SENT for result in results):
            self._begin_others()

    def _on_cancel(self) -> None:
        if self._is_cancelled:
            self.abandon()
        self._is_cancelled = True
        self.stop(Stop(Cause.CANCELLED, "the task that ran it was cancelled"))

    def _observer_failed(self, error: Exception) -> None:
        self.books.fail(error, Stop(Cause.OBSERVER_FAILED, f"what watches the run failed: {type(error).__name__}"))

    def _rule_failed(self, error: Exception) -> None:
        self.books.fail(error, Stop(Cause.RULE_FAILED, f"a rule could not be asked: {type(error).__name__}"))


def _keep(tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> None:
    """Start it, and keep it until it is done."""
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
