"""The work of a run, from the first row of its list to the last text: one task, which can be stopped.

Lives here: the order of the work, the engine that does it, and why it ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from rumbleup_async import event_log
from rumbleup_async.engine.bookkeeper import Bookkeeper
from rumbleup_async.engine.engine import Engine
from rumbleup_async.engine.fan_out import FanOut
from rumbleup_async.engine.ports import Drawer, WatchesClock
from rumbleup_async.engine.seconds import Flow
from rumbleup_async.engine.texters import Texters
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.events import Event, LookedUp, RunBegan, RunEnded, SendingBegan, stopped
from rumbleup_async.lists.batches import BATCH, Contacts
from rumbleup_async.lists.frames import is_frame
from rumbleup_async.messaging import Planned, Skipped, State
from rumbleup_async.reasons import STATE_LEFT_OUT, Code
from rumbleup_async.retry import left_over
from rumbleup_async.runs.holding import Holding
from rumbleup_async.runs.list_loading import ListLoading
from rumbleup_async.runs.looks import Looks
from rumbleup_async.runs.results import Results
from rumbleup_async.runs.setup import Setup
from rumbleup_async.runs.steering import Wheel
from rumbleup_async.runs.summary import Summary, summarise
from rumbleup_async.shielding import run_shielded
from rumbleup_async.stops import Cause, Stop


class Execution:
    """Sends the list of one run. `start()` begins, `stop()` ends it early, `wind_up()` waits until nothing is in flight."""

    def __init__(self, setup: Setup, looks: Looks) -> None:
        self._setup = setup
        self._looks = looks
        self.list = ListLoading(setup, self._is_stopped)
        self.results = Results()
        self.holding = Holding(setup)
        self.observers = FanOut([self.holding, event_log.Observer(), *setup.observers])
        self.wheel = Wheel(setup, self)
        self.engine: Engine | None = None
        self.texters: Texters | None = None
        self.stopped: Stop | None = None
        self.task: asyncio.Task[None] | None = None
        self.is_told = False
        """The caller has seen how the run ended, by a failure too."""
        self.began: float | None = None
        self._ended: float | None = None

    # ---- seen from outside ----

    @property
    def is_under_way(self) -> bool:
        """Whether it sends at this moment."""
        return self.task is not None and not self.task.done()

    @property
    def elapsed(self) -> float:
        """Seconds spent sending so far."""
        if self.began is None:
            return 0.0
        return (self._ended or time.monotonic()) - self.began

    @property
    def summary(self) -> Summary:
        """How the run stands now."""
        plan = self._setup.plan
        return summarise(
            self._setup.ledger.counts,
            run=plan.run,
            action=plan.action,
            elapsed=self.elapsed,
            sent_now=self.results.sent,
            stop=self.stopped,
            flow=self.flow,
        )

    @property
    def flow(self) -> Flow:
        """What the provider lets through, and what it has said about it."""
        return Flow() if self.engine is None else self.engine.books.flow

    def may_not_look(self) -> bool:
        """Whether it was stopped before it could look into the log; RuntimeError where that is not for now."""
        if not self._setup.is_open or self.is_under_way:
            raise RuntimeError("a run looks into the log within its context, before or after sending")
        # After sending it was the sending that was stopped, by a limit perhaps, and that is over.
        return self.stopped is not None and self.task is None

    def start(self, contacts: Contacts | None) -> asyncio.Task[None]:
        """Begin to send, once; the task ends when the run does. Raises RuntimeError outside the run's context."""
        if self.task is None:
            if not self._setup.is_open:
                raise RuntimeError("a run sends only within its context: async with ... as run")
            self.task = asyncio.create_task(self._drive(contacts), name=f"run {self._setup.plan.run}")
            self.task.add_done_callback(lambda _: self.results.news.set())
        return self.task

    def stop(self, why: Stop) -> None:
        """Let nothing more leave. What is in flight is waited for and closed; the rest stays queued."""
        if self.stopped is None:
            self.stopped = (self.engine.books.stopped if self.engine is not None else None) or why
        if self.engine is not None:
            self.engine.stop(why)
        self._looks.cancel()

    def abandon(self) -> None:
        """Do not even wait for what is in flight."""
        if self.engine is not None:
            self.engine.abandon()

    async def wind_up(self, task: asyncio.Task[None]) -> None:
        """Stop what is still running and wait for what is in flight. Raises the failure that the caller has not seen yet."""
        if not task.done():
            self.stop(Stop(Cause.LEFT, "the run was left before its list was worked through"))
            self.discard()
            await asyncio.wait([task])
        if not self.is_told and not task.cancelled() and (failure := task.exception()) is not None:
            # The caller left before the failure could be raised where the results came from.
            raise failure

    def discard(self) -> None:
        """Nobody wants the results one by one."""
        self.results.discard()
        self.ring()

    def ring(self) -> None:
        """Somebody took results: there may be room again."""
        self.results.room.set()
        if self.engine is not None:
            self.engine.books.ring()

    # ---- the work ----

    def _is_stopped(self) -> bool:
        return self.stopped is not None

    async def _drive(self, contacts: Contacts | None) -> None:
        """The whole work. Observers hear how it began and how it ended."""
        setup = self._setup
        self.began = time.monotonic()
        try:
            queued = setup.ledger.counts[State.QUEUED]
            self.tell(RunBegan(setup.plan.run, setup.plan.provider, queued, setup.is_concurrent))
            await self._work(contacts)
        except BaseException as failure:
            with contextlib.suppress(Exception):  # what is raised already counts
                self._tell_end(type(failure).__name__)
            raise
        self._tell_end()

    def tell(self, *events: Event) -> None:
        """Let observers hear of what has happened. Raises what one of them raises, and the run has stopped for it."""
        try:
            self.observers.events(events)
        except Exception as error:
            self.stopped = self.stopped or Stop(Cause.OBSERVER_FAILED, f"what watches the run failed: {type(error).__name__}")
            raise

    def _tell_end(self, error: str = "") -> None:
        summary = self.summary
        stop = self.stopped
        ended = RunEnded(
            run=summary.run,
            sent=summary.sent,
            refused=summary.refused,
            skipped=summary.skipped,
            not_sent=summary.not_sent,
            unknown=summary.unknown,
            resumable=summary.resumable,
            seconds=summary.elapsed_seconds,
            cause=None if stop is None else stop.cause,
            error=error,
        )
        has_told = self.engine is not None and self.engine.books.stopped is not None
        self.tell(*([] if stop is None or has_told else [stopped(stop)]), ended)

    async def _work(self, contacts: Contacts | None) -> None:
        feed = None
        try:
            feed = await self._take(contacts)
            forbidden = await self.wheel.may_not_begin()  # what is asked from outside may stop the run meanwhile
            self.stopped = self.stopped or forbidden
            if self.stopped is None and (looked := await self._looks.reconcile_before_sending()) is not None:
                self.tell(LookedUp(looked.found, looked.absent, looked.unknown))
                self.began = time.monotonic()
            if self.stopped is None:
                await self._run_engine(feed)
        finally:
            self._ended = time.monotonic()
            if feed is not None:
                # Close it now: it may hold a cursor or a file of the caller's, and an error that refers to it may live long.
                await run_shielded(feed.aclose())

    async def _take(self, contacts: Contacts | None) -> AsyncGenerator[Sequence[Planned | Skipped], None] | None:
        if contacts is None:
            self.list.check_begun()
            return None
        if self._setup.is_concurrent:
            raise ConfigurationError("in concurrent mode the provider hands out the contacts; call send() without any")
        if not (isinstance(contacts, (str, os.PathLike)) or is_frame(contacts)):
            return self.list.screened(contacts)
        if await self.list.load(contacts):
            await self._hand_out_skipped()
        return None

    async def _run_engine(self, feed: AsyncIterator[Sequence[Planned | Skipped]] | None) -> None:
        setup = self._setup
        assert setup.gateway is not None  # noqa: S101 - set on entering
        await setup.begin()
        if (stop := await setup.forbids(is_fed=feed is not None)) is not None:
            self.stopped = stop
            return
        if setup.is_concurrent and setup.screen is not None:
            if not isinstance(setup.gateway, Drawer):
                raise ConfigurationError(f"{setup.plan.provider} hands out no contacts; text a list of your own")
            self.texters = Texters(
                setup.gateway,
                setup.screen,
                writer=None if setup.settings is None else setup.settings.writer,
                first_row=setup.ledger.last_row,
                concurrency=setup.options.concurrency,
                policy=setup.options.policy,
                locks=setup.options.locks,
            )
            await self._remember_skipped(self.texters)
        if setup.make_crew is not None and self.texters is not None:
            raise ConfigurationError("in concurrent mode a run is one process; start it several times, each with a ledger")
        self.engine = Engine(
            setup.ledger,
            setup.gateway,
            setup.pace,
            setup.options,
            texters=self.texters,
            rules=setup.rules,
            claims=setup.book,
            gates=setup.hours,
            allowance=await setup.open_allowance(),
            until=setup.until,
            crew=None if setup.make_crew is None else setup.make_crew(setup.ledger, setup.plan, setup.pace, setup.options),
            sink=self.results.receive,
            full=self.results.is_full,
            observer=self.observers,
            wall_clock=setup.clock,
            longest_rest=60.0 if setup.hours is None else setup.hours.longest_rest,
        )
        books = self.holding.books = self.engine.books
        if setup.hours is not None and setup.hours.is_of_machine and isinstance(setup.gateway, WatchesClock):
            setup.gateway.watch_clock(time.time, books.stop)
        self.tell(SendingBegan(setup.ledger.counts[State.QUEUED], setup.options.processes))
        try:
            async with self.wheel.heard():
                await self.engine.run(feed)
        finally:
            self.stopped = self.stopped or books.stopped
        # Of a stop for our own hours the leases know no more than that; the provider's tells of a number of texts.
        if (stop := self.stopped) is None or (stop.cause is Cause.OUTSIDE_HOURS and not stop.number):
            self.stopped = await self._why_not_all(books) or stop

    async def _why_not_all(self, books: Bookkeeper) -> Stop | None:
        """Why contacts are left at the end of the list, if some are: a limit, hours, or what nothing could be done about."""
        is_cut = books.is_cut_by_limit
        hours = self._setup.hours
        if hours is not None and (self.stopped or not is_cut) and (stop := await hours.ends(self._setup.ledger)):
            return stop
        if self._setup.ledger.counts[State.QUEUED] and (books.put_aside or not is_cut):
            # A run with a limit does not tell of contacts that were never tried: that was asked for.
            reasons = [(reason, number) for reason, number in await self._setup.ledger.left() if reason or not is_cut]
            if hours is not None:
                reasons = [(reason, number) for reason, number in reasons if reason != STATE_LEFT_OUT]  # that was asked for
            if reasons:
                return left_over(reasons)
        return Stop(Cause.LIMIT, number=self._setup.options.limit or 0) if is_cut else None

    async def _remember_skipped(self, texters: Texters) -> None:
        after = -1
        while skipped := await self._setup.ledger.rows(after, BATCH, skipped_only=True):
            for result in skipped:
                if result.code is not Code.DUPLICATE:
                    texters.remember(result.phone)
            after = skipped[-1].row

    async def _hand_out_skipped(self) -> None:
        after = -1
        while skipped := await self._setup.ledger.rows(after, BATCH, skipped_only=True):
            while self.results.is_full() and self.stopped is None:
                self.results.room.clear()
                await self.results.room.wait()
            self.results.receive(skipped)
            self.observers.results(skipped)
            after = skipped[-1].row
