"""The supervisor of many worker processes: they send, and the bookkeeper of this process keeps the books of all.

Lives here: starting processes, hearing what they say, one rate, one hold, one stop. Knows no provider, no HTTP, no database, and
keeps no books.

- A process that dies leaves what it had in hand, at most 2 x concurrency texts, `unknown`; the others go on.
- The first process begins alone: a wrong key or a dead server is met by one text. The others follow its first accepted text.
- A hold that one process is told of holds all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from rumbleup_async.engine.bookkeeper import Bookkeeper
from rumbleup_async.engine.contract import Dealt
from rumbleup_async.engine.options import Options
from rumbleup_async.engine.outlet import Outlet
from rumbleup_async.engine.ports import HeldByFiles, Ledger, Pace
from rumbleup_async.errors import RumbleUpError
from rumbleup_async.events import Slowed, WorkerBegan, WorkerLost
from rumbleup_async.fleet.channel import Admitted, Ask, Done, Held, NotNow, Recipe, Setup, Share, Step, Stopping, read_word
from rumbleup_async.fleet.remote import PATIENCE, RemoteWorker, start
from rumbleup_async.fleet.shared_limit import SharedLimit
from rumbleup_async.messaging import Plan
from rumbleup_async.reasons import Code, Reason
from rumbleup_async.rules.door import OPEN, Door
from rumbleup_async.stops import Cause, Stop


class Fleet:
    """Fits `engine.crew.Crew`: worker processes.

    `options.concurrency` is that of each process. `rate` is shared by all. `pace` only shows what holds.
    """

    def __init__(self, ledger: Ledger, plan: Plan, pace: Pace, options: Options, *, recipe: Recipe, rate: float | None) -> None:
        self._ledger = ledger
        self._setup = Setup(
            recipe,
            plan,
            options.concurrency,
            options.policy,
            rate,
            options.starts_at,
            lease=ledger.lease,
            puts_off=options.limit is None,
            watches=options.has_hours,
        )
        self._processes = options.processes
        self._pace = pace
        self._limit = SharedLimit(pace.hold, self._share_out, self._shut)
        self._learned: float | None = None
        self._door = OPEN
        self.workers: list[RemoteWorker] = []
        self._is_over = False

    @property
    def in_flight(self) -> int:
        return sum(worker.in_flight for worker in self.workers)

    @property
    def window(self) -> int:
        return sum(worker.window for worker in self.workers)

    @asynccontextmanager
    async def at_work(self, books: Bookkeeper, door: Door, outlet: Outlet) -> AsyncIterator[None]:
        self._books, self._door, self._outlet = books, door, outlet
        listening: list[asyncio.Task[None]] = []
        try:
            await self._start_all(listening)
            alive = [worker for worker in self.workers if not worker.is_done]
            if alive and books.stopped is None:
                self._begin(alive[0])
            yield
        finally:
            self._is_over = True
            self._limit.close()
            for worker in self.workers:
                if worker.has_begun and not worker.is_done:
                    worker.end()
            for worker, task in zip(self.workers, listening, strict=True):
                if worker.has_begun:
                    await asyncio.wait([task], timeout=PATIENCE)
                await worker.see_out()
            await asyncio.gather(*listening, return_exceptions=True)

    def proved(self) -> None:
        for worker in self.workers:
            self._begin(worker)

    def abandon(self) -> None:
        for worker in self.workers:
            if worker.has_begun:
                worker.abandon()

    # ---- the processes ----

    async def _start_all(self, listening: list[asyncio.Task[None]]) -> None:
        ledger = self._ledger
        inherited: Sequence[int] = ()
        if isinstance(ledger, HeldByFiles):
            with ledger.shared_with_children() as inherited:
                await self._start(inherited, listening)
        else:
            await self._start(inherited, listening)

    async def _start(self, inherited: Sequence[int], listening: list[asyncio.Task[None]]) -> None:
        while self._books.stopped is None and len(self.workers) < self._processes:
            worker = await start(inherited, self._setup.recipe.longest)
            self.workers.append(worker)
            listening.append(asyncio.create_task(self._listen(worker)))

    def _begin(self, worker: RemoteWorker) -> None:
        if worker.has_begun or worker.is_done or self._is_over or self._books.stopped is not None:
            return
        setup = msgspec.structs.replace(
            self._setup, rate=self._share().rate, asks=self._door.is_live, tells=self._outlet.is_detailed
        )
        worker.begin(setup, self._pace.hold.remaining)
        self._limit.follow()
        if self._limit.rate is not None:
            worker.share(self._share())
        self._books.employ(worker)  # after the setup, which must be the first word: in a pause it is told of that at once
        if self._books.rounds.is_last:
            worker.begin_last_round()
        self._outlet.tell(WorkerBegan(self._number(worker)))

    def _number(self, worker: RemoteWorker) -> int:
        return self.workers.index(worker) + 1

    def _share(self) -> Share:
        rate = self._setup.rate
        at_work = max(1, sum(1 for worker in self.workers if not worker.is_done))
        return self._limit.share(rate / at_work if rate else None, at_work)

    def _share_out(self) -> None:
        """Tell each process its share of the rate, which has changed."""
        for worker in self.workers:
            if worker.has_begun and not worker.is_done:
                worker.share(self._share())
        before, self._learned = self._learned, self._limit.rate
        if self._learned is not None and (before is None or self._learned < before):
            self._outlet.note(Slowed(self.window, self._learned))

    async def _listen(self, worker: RemoteWorker) -> None:
        """Hear a process out."""
        is_told = False
        asking: set[asyncio.Task[None]] = set()
        try:
            while (message := await worker.channel.hear()) is not None:
                match read_word(message):
                    case Step() as step:
                        worker.heard(step)
                        self._limit.taken(step.taken)
                        self._outlet.note(*step.events)
                        # Asked here and not in the task: what a process says with its last breath is heard.
                        _keep(asking, _answer(worker, self._books.ask(worker, step.done, step.want)))
                    case Ask() as ask:
                        _keep(asking, self._admit(worker, ask))
                    case Held() as held:
                        self._outlet.note(*held.events)
                        self._hold(held, by=worker)
                    case NotNow() as word:
                        others = sum(other.in_flight for other in self.workers if other is not worker)
                        self._limit.refused(word, word.in_flight + others)
                    case Stopping(stop=stop):
                        self._books.stop(stop)
                    case Done(error=error):
                        is_told = True
                        if error:
                            failure = RumbleUpError(f"a sending process failed: {error}")
                            self._books.fail(failure, Stop(Cause.WORKER_FAILED, error))
                        break
        finally:  # whatever ends the listening, nobody hears of this process any more
            for task in asking:
                task.cancel()
            self._ended(worker, is_told=is_told)

    async def _admit(self, worker: RemoteWorker, ask: Ask) -> None:
        worker.channel.say(Admitted(ask.number, await self._door.admit(ask.text)))

    def _hold(self, held: Held, by: RemoteWorker | None = None) -> None:
        self._pace.hold.hold(held.seconds)
        self._books.held(held.seconds, held.reason, held.code)
        for worker in self.workers:
            if worker is not by and worker.has_begun:
                worker.hold(held.seconds)
        self._limit.follow()

    def heed_hold(self, seconds: float) -> None:
        """As `Crew.heed_hold`."""
        for worker in self.workers:
            if worker.has_begun:
                worker.hold(seconds)
        self._limit.follow()

    def _shut(self, pauses: int) -> None:
        """The provider takes nothing from any process."""
        policy, why = self._setup.policy, Reason(Code.THROTTLED, "429 or 440")
        if pauses >= policy.throttle_attempts:
            self._books.stop(Stop(Cause.THROTTLED, why=why, number=pauses))
            return
        self._hold(Held(policy.throttle_wait(pauses), str(why), why.code))

    def _ended(self, worker: RemoteWorker, *, is_told: bool) -> None:
        lost = WorkerLost(self._number(worker), worker.in_flight)
        worker.ended()
        if not is_told:
            worker.kill()
            if worker.has_begun:
                self._outlet.tell(lost)
        if worker in self._books.workers:
            self._books.lost(worker)
        # Whether or not it had a text accepted, the others do not wait for it any longer.
        self.proved()
        self._share_out()
        at_work = [other for other in self.workers if not other.is_done]
        if not at_work and not self._is_over and len(self.workers) == self._processes:
            self._books.all_lost()


async def _answer(worker: RemoteWorker, answer: Awaitable[Dealt]) -> None:
    worker.answer(await answer)


def _keep(tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> None:
    """Start it, and keep it until it is done."""
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
