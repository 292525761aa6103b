"""The engine: a bookkeeper, a crew of workers, and a source of texts, put together for one run.

Lives here: who is started when, and how all of them end.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress

from rumbleup_async.engine.allowance import Allowance
from rumbleup_async.engine.bookkeeper import Bookkeeper
from rumbleup_async.engine.crew import Crew, LocalCrew
from rumbleup_async.engine.fan_out import FanOut
from rumbleup_async.engine.lease import boot_time, for_ever
from rumbleup_async.engine.leases import Leases
from rumbleup_async.engine.options import Options
from rumbleup_async.engine.outlet import Outlet
from rumbleup_async.engine.ports import Claims, Gates, Gateway, Ledger, Observer, Pace, Shareable, Shared
from rumbleup_async.engine.queue import Queue
from rumbleup_async.engine.sharing import HasCommon, Sharing
from rumbleup_async.engine.texters import Texters
from rumbleup_async.engine.workers import Ahead, Workers, assembled
from rumbleup_async.errors import BookError
from rumbleup_async.messaging import Planned, Result, Skipped
from rumbleup_async.rules.door import Door, Rule
from rumbleup_async.shielding import run_shielded
from rumbleup_async.stops import Cause, Stop

_LEASE_AHEAD = 2.0
"""Contacts are leased for so many seconds of paced traffic: a lock must not run out while its contact waits in line."""


class Engine:
    """Sends what a ledger has queued, or whom `texters` lease. One engine, one `run()`.

    `sink` is handed every result once it is durable. `full()` says that nobody has taken the last results yet: then no new texts
    are opened. `rules` are asked at the claim and just before the wire; `gates` say when places may be texted. `claims`: the book
    of people, where there is one. `allowance`: what all texts may cost, and how many segments may leave a day. `until`: the Unix
    second up to which the run was told to go on, 0 if it was not. `crew`: who sends; None for workers of this process, which
    deliver by `gateway`.
    """

    def __init__(
        self,
        ledger: Ledger,
        gateway: Gateway,
        pace: Pace,
        options: Options,
        *,
        observer: Observer | FanOut,
        sink: Callable[[Sequence[Result]], None],
        full: Callable[[], bool] = lambda: False,
        texters: Texters | None = None,
        rules: Sequence[Rule] = (),
        gates: Gates | None = None,
        claims: Claims | None = None,
        crew: Crew | None = None,
        allowance: Allowance | None = None,
        until: float = 0.0,
        wall_clock: Callable[[], float] = time.time,
        boot_clock: Callable[[], float] = boot_time,
        jitter: Callable[[], float] = random.random,
        longest_rest: float = 60.0,
    ) -> None:
        self._door = Door(rules, self._rule_failed, wall_clock)
        # The book is asked by the claim itself, and once more by whoever is about to send.
        self._last_door = self._door if claims is None else Door([*rules, claims], self._rule_failed, wall_clock)
        outlet = Outlet(observer, sink, full, self._observer_failed)
        source: Queue | Leases
        is_counted = allowance is not None and allowance.counted is not None
        is_bounded = (options.limit is not None and not is_counted) or (allowance is not None and allowance.is_counted_here)
        if is_bounded and isinstance(ledger, Shareable):
            ledger.send_alone()
        if texters is None:
            note = outlet.note if outlet.is_detailed else None
            source = Queue(
                ledger,
                self._door,
                wall_clock,
                boot_clock,
                note=note,
                gates=gates,
                claims=claims,
                longest_rest=longest_rest,
                allowance=allowance,
                until=until,
            )
            lasts, ahead = for_ever, Ahead(most=options.concurrency)
        else:
            source = Leases(
                ledger,
                texters,
                self._door,
                concurrency=options.concurrency,
                wall_clock=wall_clock,
                boot_clock=boot_clock,
                gates=gates,
                claims=claims,
                longest_rest=longest_rest,
                allowance=allowance,
            )
            lasts, ahead = texters.lasts, Ahead(_LEASE_AHEAD)

        def make(books: Bookkeeper, door: Door) -> Workers:
            return assembled(
                books,
                gateway,
                pace,
                concurrency=options.concurrency,
                starts_at=options.starts_at,
                policy=options.policy,
                door=door,
                lease=source.lease,
                ahead=ahead,
                lasts=lasts,
                is_detailed=outlet.is_detailed,
                puts_off=texters is None and options.limit is None,
                wall_clock=wall_clock,
                jitter=jitter,
            )

        self._outlet = outlet
        self.crew = crew or LocalCrew(make, source if isinstance(source, Leases) else None)
        self.books = Bookkeeper(
            ledger,
            source,
            outlet,
            limit=options.limit,
            unknown_limit=options.unknown_limit,
            wall_clock=wall_clock,
            proved=self.crew.proved,
        )
        if allowance is not None and allowance.canary is not None:
            allowance.canary.held = lambda: self.books.refusals_held
        for bound in () if allowance is None else (*allowance.bounds, allowance.canary):
            if bound is not None:
                bound.spent = self._spent
        self._share(source.sharing, ledger, pace)
        self._is_cancelled = False
        self._interruption: BaseException | None = None

    async def run(self, feed: AsyncIterator[Sequence[Planned | Skipped]] | None = None) -> Stop | None:
        """Send everything that is queued, and everything that `feed` still brings. Returns why it stopped early, if it did.

        When cancelled it stops as `stop()` does, waits for what is in flight, and then lets the cancellation go on.
        Cancelled again it no longer waits: what is in flight is closed as unknown.
        """
        await run_shielded(self._run(feed), self._on_cancel)
        if self._interruption is not None:
            raise self._interruption
        return self.books.stopped

    def stop(self, why: Stop) -> None:
        """Let nothing more leave; `run()` returns once what is in flight is closed. The first reason given stands."""
        self.books.stop(why)

    def abandon(self) -> None:
        """Do not even wait for what is in flight: it is closed as unknown."""
        self.crew.abandon()

    # ---- behind the scenes ----

    async def _run(self, feed: AsyncIterator[Sequence[Planned | Skipped]] | None) -> None:
        try:
            async with self.crew.at_work(self.books, self._last_door, self._outlet):
                with suppress(Exception):  # `failure` holds it; it is raised outside of the group, which would wrap it
                    await self.books.keep(feed)
        except BaseExceptionGroup as group:
            # A KeyboardInterrupt may strike any of them. It has gone through the loop once already, and whoever called knows
            # nothing of groups: run() raises what counts.
            self._interruption = plain(group)
            self.stop(Stop(Cause.CANCELLED, "the program was interrupted"))
        if self.books.failure is not None and self._interruption is None:
            raise self.books.failure

    def _share(self, sharing: Sharing, ledger: Ledger, pace: Pace) -> None:
        """Have the pace heed what other processes of the run have learned, and tell them what this one has."""
        if isinstance(pace, Shared):
            sharing.told = pace.share
        if isinstance(ledger, HasCommon):
            sharing.common = ledger.common
            if isinstance(pace, Shared):
                sharing.learned, sharing.adopt = (lambda: pace.learned), pace.adopt

            def held(seconds: float) -> None:
                if seconds > pace.hold.remaining + 0.1:
                    pace.hold.hold(seconds)
                    self.crew.heed_hold(seconds)
                    self.books.held_elsewhere(seconds)

            sharing.held = held

    def _spent(self, why: Stop) -> None:
        # It is said in the midst of a step of the books, which ends as if nothing had been said.
        asyncio.get_running_loop().call_soon(self.stop, why)

    def _on_cancel(self) -> None:
        if self._is_cancelled:
            self.abandon()
        self._is_cancelled = True
        self.stop(Stop(Cause.CANCELLED, "the task that ran it was cancelled"))

    def _observer_failed(self, error: Exception) -> None:
        self.books.fail(error, Stop(Cause.OBSERVER_FAILED, f"what watches the run failed: {type(error).__name__}"))

    def _rule_failed(self, error: Exception) -> None:
        if isinstance(error, BookError):
            self.books.fail(error, Stop(Cause.BOOK_FAILED, f"{error}; nobody is texted without it"))
            return
        self.books.fail(error, Stop(Cause.RULE_FAILED, f"a rule could not be asked: {type(error).__name__}"))


def plain(error: BaseException) -> BaseException:
    """Of a group of errors the one that counts: an interruption before any other, else the first."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    leaves = [plain(one) for one in error.exceptions]
    return next((leaf for leaf in leaves if not isinstance(leaf, Exception)), leaves[0])
