"""A run: one list, one text, one project, one ledger, from opening the books to the summary.

Lives here: how list, screening, ledger and engine are put together, and the face a run shows to the caller. Knows no
provider and no database: both are handed in.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import os
import secrets
import sys
import time
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import anyio

from rumbleup_async.engine.engine import Engine
from rumbleup_async.engine.options import Options
from rumbleup_async.engine.ports import Drawer, Gateway, Ledger, Log, Observer, Pace, Sends, SilentObserver
from rumbleup_async.engine.texters import Texters
from rumbleup_async.errors import ConfigurationError, LedgerError, LedgerMismatch, ListError
from rumbleup_async.lists import contacts as lists
from rumbleup_async.lists.batches import BATCH, Contacts, screened
from rumbleup_async.lists.lines import Writable
from rumbleup_async.messaging import Kept, Plan, Planned, Result, Skipped, State
from rumbleup_async.retry import Stop, left_over
from rumbleup_async.runs import care, planning
from rumbleup_async.runs.planning import CONCURRENT, PREFIX, WRITTEN, Settings, keep_of, watch_of
from rumbleup_async.runs.reconcile import SETTLE, Reconciled, Requeued, check_settle, count_absent, reconcile, requeue_absent
from rumbleup_async.runs.summary import Summary, summarise
from rumbleup_async.screening.notes import notes_of
from rumbleup_async.screening.screen import Screen, in_form
from rumbleup_async.screening.suppression import suppression
from rumbleup_async.shielding import run_shielded

__all__ = ["CONCURRENT", "PREFIX", "WRITTEN", "Run", "Sending", "Settings"]

T = TypeVar("T")

_LETTERS = "bcdfghjkmnpqrstvwxz"
"""Of which the ids of runs are made: no digits, so that none looks like a phone, and no vowels, so that none spells a word."""

_BUFFER = 4096
"""Results that may wait for the caller before no new texts are sent."""


_STOPPED_LOOKING = "stopped before the log was read to its end"


class Run:
    """A run of fast mode or of concurrent mode. Use it as an async context manager; send once with it.

        async with rumbleup.fast_mode(...) as run:
            async for result in run.send(contacts): ...
            print(run.summary)

    Leaving the context early, by `break` and exit, an exception or a cancellation, stops the run as `stop()` does: nothing
    more leaves, what is in flight is waited for and closed, the rest stays queued in the ledger.
    """

    def __init__(
        self,
        settings: Settings | None,
        options: Options,
        *,
        gateway: Callable[[Plan], Gateway],
        ledger: Ledger,
        pace: Pace,
        elsewhere: Callable[..., Sends] | None = None,
        log: Callable[[Plan], Log] | None = None,
        given: Mapping[str, Any] | None = None,
        adapt: Callable[[Mapping[str, Any]], tuple[Options, Callable[..., Sends] | None]] | None = None,
    ) -> None:
        """`given`: the options of pace and of rules that were given, to be kept in the ledger. `adapt` makes of those that hold
        once the ledger is open how the run goes about its work, and what sends from other processes."""
        self._settings = settings
        self._options = options
        self._given = given or {}
        self._care: dict[str, Any] = dict(self._given)
        self._adapt = adapt
        self._make_log = log
        self._settle = options.settle
        self._make_gateway = gateway
        self._ledger = ledger
        self._pace = pace
        self._elsewhere = elsewhere
        """Makes what sends from other processes, of the arguments that an engine takes."""
        self._never = suppression(options.suppress)
        self._suppressed = self._never if isinstance(self._never, frozenset) else frozenset()
        """Those of this call, as far as they can be kept."""
        self._is_handed_in = self._suppressed is not self._never
        """There is a container of suppressed phones that can only be asked."""
        self._goes_on_with = ""
        self._texters: Texters | None = None
        self.observer: Observer = options.observer or SilentObserver()
        self._plan: Plan | None = None
        self._screen: Screen | None = None
        self._gateway: Gateway | None = None
        self._engine: Sends | None = None
        self._stopped: Stop | None = None
        self._is_cut_short = False
        """A list was being read when it was stopped."""
        self._looking: anyio.CancelScope | None = None
        """Around a look into the provider's log."""
        self._task: asyncio.Task[None] | None = None
        self._results: deque[Result] = deque()
        self._collect = True
        self._held_for = ""
        self._used = False
        self.list_notes: tuple[str, ...] = ()
        """What is to be said of how a list file was read, such as its encoding."""
        self._columns: Sequence[str] = ()
        self.absent_fields: tuple[str, ...] = ()
        """Merge fields that the list has no column for: their fallback is used for everybody."""
        self._is_left = False
        self._is_told = False
        """The caller has met the end of the run, be it a failure."""
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._sent_now = 0
        self._began: float | None = None
        self._ended: float | None = None

    def __repr__(self) -> str:
        return f"Run({self._plan!r})"

    async def __aenter__(self) -> Self:
        planned = None if self._settings is None else self._prepare(self._settings)
        try:
            self._plan = await self._ledger.open(planned)
            self._take_care(self._ledger.kept)
            if self._screen is None and self.is_concurrent:
                self._screen = planning.screen_again(self._plan, self._never)
            self._gateway = self._make_gateway(self._plan)
            if planned is None:
                self._check_begun()
        except BaseException:
            await run_shielded(self._ledger.aclose())
            raise
        return self

    def _take_care(self, kept: Kept) -> None:
        """Go by what the run was told before, as far as it is not told otherwise now."""
        care.require_handed_in(kept, is_handed_in=self._is_handed_in)
        self._goes_on_with = care.told(kept, self._given)
        self._care = care.merged(kept.options, self._given)
        if self._adapt is not None:
            self._options, self._elsewhere = self._adapt(self._care)
        self._never = care.both(kept.suppressed, self._never)
        if self._screen is not None:
            self._screen.suppress(self._never)

    async def _keep(self) -> None:
        """Before anything of it is heeded, so that a later part of the run is as careful."""
        kept = self._ledger.kept
        await self._ledger.keep(Kept(self._care, kept.suppressed | self._suppressed, kept.is_handed_in or self._is_handed_in))

    def _check_begun(self) -> None:
        """A process that died between its plan and the first row leaves a run that would end at once, as if all were done."""
        if not (self.is_concurrent or self.has_whole_list or any(self.counts.values())):
            raise LedgerError("the ledger holds no contact, for its list was never read; send the same list again")

    def _prepare(self, settings: Settings) -> Plan:
        """Check the text before anything is opened, and plan the run."""
        settings = self._settings = planning.checked(settings)
        self._screen = planning.screen_of(settings, self._never)
        return planning.plan_of(settings, self._screen, "".join(secrets.choice(_LETTERS) for _ in range(10)))

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._is_left = True
        try:
            # A cancellation in the meantime no longer waits for what is in flight, but the books are closed all the same.
            await run_shielded(self._leave(), on_cancel=self._abandon)
        except Exception as failure:
            if error is None:
                raise
            error.add_note(f"while the run was left: {failure}")

    async def _leave(self) -> None:
        """Stop what is still running, wait for what is in flight, close the books."""
        try:
            if self._task is not None:
                await self._wind_up(self._task)
        finally:
            try:
                if self._began is not None or self._is_cut_short:
                    with contextlib.suppress(LedgerError):  # a ledger that failed has said so already
                        await self._ledger.finish(None if self._stopped is None else str(self._stopped), self.elapsed)
            finally:
                try:
                    await self._ledger.aclose()
                finally:
                    if self._gateway is not None:
                        await self._gateway.aclose()

    async def _wind_up(self, task: asyncio.Task[None]) -> None:
        if not task.done():
            self.stop(Stop("left", "the run was left before its list was worked through"))
            self._discard()
            await asyncio.wait([task])
        if not self._is_told and not task.cancelled() and (failure := task.exception()) is not None:
            # The caller left before the failure could be raised where the results came from.
            raise failure

    def _abandon(self) -> None:
        if self._engine is not None:
            self._engine.abandon()

    # ---- what the caller calls ----

    @property
    def plan(self) -> Plan:
        """What this run is about, its id and tag among it."""
        if self._plan is None:
            raise RuntimeError("enter the run first: async with ... as run")
        return self._plan

    @property
    def is_concurrent(self) -> bool:
        """Whether contacts are drawn from the provider instead of a list."""
        return self.plan.details.get("mode") == CONCURRENT

    @property
    def has_whole_list(self) -> bool:
        """Whether the list is in the ledger to its end; without it a resume sends only what has come in."""
        return self._ledger.fingerprint is not None

    @property
    def notes(self) -> Sequence[str]:
        """What is to be known of the ledger before anything is sent: that it seems to be a copy, or did not say whose it is."""
        return (*self._ledger.notes, *filter(None, [self._options.note]))

    @property
    def is_used(self) -> bool:
        """Whether a text of this run may have left, now or before."""
        return self._ledger.is_used

    @property
    def goes_on_with(self) -> str:
        """In words, what holds because an earlier part of the run was given it: options, suppressed phones; "" for nothing."""
        return self._goes_on_with

    @property
    def window(self) -> int:
        """Requests that may be in flight at this moment; in concurrent mode, the texters in use."""
        return 0 if self._engine is None else self._engine.window

    @property
    def lost_draws(self) -> int:
        """Answers to message/next that were lost: each may have locked a contact for nobody."""
        return 0 if self._texters is None else self._texters.lost

    @property
    def lost_until(self) -> dt.datetime | None:
        """When the last contact locked by a lost draw comes back; None without one."""
        return None if self._texters is None else self._texters.lost_until

    @property
    def counts(self) -> Mapping[State, int]:
        """Contacts by state, now."""
        return self._ledger.counts

    @property
    def elapsed(self) -> float:
        """Seconds spent sending so far."""
        if self._began is None:
            return 0.0
        return (self._ended or time.monotonic()) - self._began

    @property
    def summary(self) -> Summary:
        """Counts, seconds and texts per second; of a run under way, as they stand now."""
        return summarise(
            self._ledger.counts,
            run=self.plan.run,
            action=self.plan.action,
            elapsed=self.elapsed,
            sent_now=self._sent_now,
            stopped=None if self._stopped is None else str(self._stopped),
        )

    @property
    def text_notes(self) -> list[str]:
        """What is worth knowing of the text before it is sent: what makes it expensive, what goes out as it stands."""
        return [] if self._screen is None else notes_of(self._screen, self._columns)

    @property
    def in_flight(self) -> int:
        """Texts being delivered at this moment."""
        return 0 if self._engine is None else self._engine.in_flight

    @property
    def held_for(self) -> str:
        """Why texts were last held back."""
        return self._held_for

    def tell_held(self, seconds: float, reason: str) -> None:
        """Pass on that nothing leaves for so long, and why."""
        _Noting(self).held(seconds, reason)

    @property
    def held(self) -> float:
        """Seconds until texts may leave again, after the provider said "not now"; 0 if nothing holds."""
        return max(0.0, self._pace.hold.remaining)

    def stop(self, why: Stop | str = "stopped") -> None:
        """Let nothing more leave. What is in flight is waited for and closed; the rest stays queued."""
        stop = why if isinstance(why, Stop) else Stop(why, "")
        if self._stopped is None:
            self._stopped = (self._engine.stopped if self._engine is not None else None) or stop
        if self._engine is not None:
            self._engine.stop(stop)
        if self._looking is not None:
            self._looking.cancel()

    async def load(
        self,
        path: str | os.PathLike[str],
        progress: Callable[[int], None] | None = None,
        *,
        copy: Writable | None = None,
    ) -> bool:
        """Read a whole list file into the ledger without sending anything; `send()` then texts what is queued.

        True if it was read, False if this very list is in the ledger already. `progress` is told, in a thread, how many rows
        are in. `copy` takes the bytes of the list as they are read.

        Raises ListError for a list that cannot be used, LedgerMismatch if the ledger was begun with another one.
        """
        screen, settings = self._screen, self._settings
        if self.is_concurrent:
            raise ConfigurationError("in concurrent mode the provider hands out the contacts; there is no list to read")
        if screen is None or settings is None:
            raise ConfigurationError("a resumed run has its list already")
        source = os.fspath(path)
        if self._ledger.fingerprint is not None and await self._is_same_list(source):
            return False
        watch, keep = watch_of(settings), keep_of(settings)
        opened = await anyio.to_thread.run_sync(
            lambda: lists.open_list(
                source,
                phone_field=settings.phone_field,
                fields=screen.needed_fields,
                encoding=settings.encoding,
                watch=watch,
                keep=keep,
                copy=copy,
            )
        )

        def batches() -> Iterator[Sequence[Planned | Skipped]]:
            done = 0
            for batch in opened.batches(BATCH):
                if self._stopped is not None:
                    raise _LoadStopped
                planned = screen.batch(batch)
                yield planned if keep is None else keep.with_cells(batch, planned)
                done += len(batch)
                if progress is not None:
                    progress(done)

        try:
            opened.require(screen.template.required_fields)
            self.absent_fields = _absent(opened.columns, screen.template.fields)
            self._columns = opened.names
            screen.learn(opened.names)
            if self._ledger.is_used:
                await self._ledger.load(())  # it refuses another list, and what was given with that is not kept
            await self._keep()
            # Whom one row leaves out is left out in every other: that is known only once all have been read.
            await self._ledger.load(batches(), **({"left_out": watch.barred} if settings.skip_if else {}))
            await self._ledger.complete(opened.fingerprint or "")
            self.list_notes = tuple(opened.notes)
        except _LoadStopped:
            self._is_cut_short = True
            return False
        finally:
            opened.close()
        return True

    async def _is_same_list(self, source: str) -> bool:
        """Whether this is the list that is in the ledger already. Where it is another, the ledger says if it may be replaced."""
        is_file = await anyio.to_thread.run_sync(lambda: Path(source).is_file())
        if not is_file:
            if not self._ledger.is_used:
                return False  # as good as new, and what can be read only once is read now
            if source == "-" and (sys.stdin is None or sys.stdin.closed):
                raise ListError("standard input is closed; pipe the list into it or name a file")
        try:
            found = await anyio.to_thread.run_sync(lists.fingerprint, source)
        except OSError as error:
            raise ListError(f"{source}: cannot be read: {error.strerror or type(error).__name__}") from None
        is_same = found == self._ledger.fingerprint
        if not is_same and not is_file:
            await self._ledger.load(())  # it refuses another list, and says what to do
            raise LedgerMismatch("the ledger was begun with another list; use a new one")
        return is_same

    def send(self, contacts: Contacts | None = None) -> Sending:
        """Text the contacts; iterate over what becomes of them, or await it for the summary. Once per run.

        `contacts`: a path (CSV, JSON lines, or one number a line), or any iterable or async iterable of mappings with a phone
        field, or of plain numbers. None sends what the ledger still has queued.

            async for result in run.send("voters.csv"): ...
            summary = await run.send(contacts)

        Every contact yields one result once it is durable; those that the run does not get to stay queued and yield none.
        Raises ListError, LedgerMismatch, LedgerError, or whatever the iterable raises; texts that left before that are in
        the ledger.
        """
        lists.refuse_table(contacts)
        if isinstance(contacts, (bytes, bytearray, memoryview, Mapping)) or not isinstance(
            contacts, (str, os.PathLike, Iterable, AsyncIterable, type(None))
        ):
            raise ListError(f"a list is a path or an iterable of contacts, not one {type(contacts).__name__}")
        if self._used:
            raise RuntimeError("a run sends one list; open another run for another list")
        self._used = True
        return Sending(self, contacts)

    async def reconcile(self, *, settle: float = SETTLE) -> Reconciled:
        """Look what is `unknown` up in the provider's log: `sent` if it is there, `not_sent` if it is absent. Sends nothing.

        `settle`: seconds from a text's intent until its absence counts. What cannot be read stays `unknown`, and `problem` says
        why. Before or after sending, not meanwhile. Raises LedgerError.
        """
        check_settle(settle)
        log = self._look_into_log()
        self._settle = None  # done; sending need not do it again
        return await self._reconcile(log, settle)

    async def count_absent(self) -> int:
        """Contacts that are `not_sent` because they were absent from the provider's log."""
        return await count_absent(self._ledger)

    async def resend_absent(self) -> Requeued:
        """Queue those again that are absent from the provider's log; `send()` then texts them.

        They are looked up once more: one that has turned up since becomes `sent`. Who is suppressed by now stays absent. If the
        log cannot be read, none is queued. The look holds for this run and a quarter of an hour: who is not texted by then is
        absent as before.
        """
        before = dict(self._ledger.counts)
        never = in_form(self._never, self.plan.details.get(PREFIX, ""))
        done = await self._stoppably(requeue_absent(self._ledger, self._look_into_log(), never))
        if done is not None:
            return done
        after = self._ledger.counts
        return Requeued(
            queued=after[State.QUEUED] - before[State.QUEUED],
            found=after[State.SENT] - before[State.SENT],
            left=await count_absent(self._ledger),
            problem=_STOPPED_LOOKING,
        )

    async def _reconcile(self, log: Log, settle: float) -> Reconciled:
        before = dict(self._ledger.counts)
        done = await self._stoppably(reconcile(self._ledger, log, self.plan, settle=settle))
        if done is not None:
            return done
        after = self._ledger.counts
        return Reconciled(
            run=self.plan.run,
            action=self.plan.action,
            found=after[State.SENT] - before[State.SENT],
            absent=after[State.NOT_SENT] - before[State.NOT_SENT],
            undecided=after[State.UNKNOWN],
            unknown=after[State.UNKNOWN],
            problem=_STOPPED_LOOKING,
        )

    async def _stoppably(self, look: Awaitable[T]) -> T | None:
        """A look into the log, which changes nothing by being broken off; None if `stop()` has done that."""
        with anyio.CancelScope() as self._looking:
            if self._stopped is not None and not (self._task is not None and self._task.done()):
                self._looking.cancel()  # else it was the sending that was stopped, by a limit perhaps, and it is over
            return await look
        return None

    def _look_into_log(self) -> Log:
        plan = self.plan
        if self._is_left or (self._task is not None and not self._task.done()):
            raise RuntimeError("a run looks into the log within its context, before or after sending")
        if self._make_log is None:
            raise ConfigurationError("this provider has no log to look into")
        return self._make_log(plan)

    # ---- behind the scenes ----

    def _start(self, contacts: Contacts | None) -> asyncio.Task[None]:
        if self._task is None:
            if self._plan is None or self._is_left:
                raise RuntimeError("a run sends only within its context: async with ... as run")
            self._task = asyncio.create_task(self._drive(contacts), name=f"run {self._plan.run}")
            self._task.add_done_callback(lambda _: self._news.set())
        return self._task

    async def _drive(self, contacts: Contacts | None) -> None:
        self._began = time.monotonic()
        feed = None
        try:
            feed = await self._take(contacts)
            if self._stopped is None and self._settle is not None and self._make_log is not None:
                await self._reconcile(self._make_log(self.plan), self._settle)
                self._began = time.monotonic()
            if self._stopped is None:
                await self._run_engine(feed)
        finally:
            self._ended = time.monotonic()
            if feed is not None:
                # Now, and not when the last error that remembers it is forgotten: it may hold a cursor or a file of the caller's.
                await run_shielded(feed.aclose())

    async def _run_engine(self, feed: AsyncIterator[Sequence[Planned | Skipped]] | None) -> None:
        assert self._gateway is not None  # noqa: S101 - set on entering
        await self._keep()
        if self.is_concurrent and self._screen is not None:
            if not isinstance(self._gateway, Drawer):
                raise ConfigurationError(f"{self.plan.provider} hands out no contacts; text a list of your own")
            self._texters = Texters(
                self._gateway,
                self._screen,
                writer=None if self._settings is None else self._settings.writer,
                first_row=self._ledger.last_row,
                concurrency=self._options.concurrency,
                policy=self._options.policy,
                locks=self._options.locks,
            )
            await self._remember_skipped(self._texters)
        never = in_form(self._never, self.plan.details.get(PREFIX, ""))
        if self._elsewhere is not None:
            if self._texters is not None:
                raise ConfigurationError("in concurrent mode a run is one process; start it several times, each with a ledger")
            self._engine = self._elsewhere(
                self._ledger,
                self.plan,
                self._pace,
                self._options,
                never=never,
                sink=self._receive,
                full=self._is_full,
                observer=_Noting(self),
            )
        else:
            self._engine = Engine(
                self._ledger,
                self._gateway,
                self._pace,
                self._options,
                drawing=self._texters,
                never=never,
                sink=self._receive,
                full=self._is_full,
                observer=_Noting(self),
            )
        try:
            await self._engine.run(feed)
        finally:
            self._stopped = self._stopped or self._engine.stopped
        if self._stopped is None:
            self._stopped = await self._why_not_all(self._engine)

    async def _why_not_all(self, engine: Sends) -> Stop | None:
        """Why contacts are left at the end of the list, if some are: a limit, or what nothing could be done about."""
        is_cut = engine.is_cut_by_limit
        if self._ledger.counts[State.QUEUED] and (engine.put_aside or not is_cut):
            # Behind a limit those are not told of that were never tried, as asked for.
            reasons = [(reason, number) for reason, number in await self._ledger.left() if reason or not is_cut]
            if reasons:
                return left_over(reasons)
        return Stop("limit", f"{self._options.limit} at most, as asked for") if is_cut else None

    async def _take(self, contacts: Contacts | None) -> AsyncGenerator[Sequence[Planned | Skipped], None] | None:
        if contacts is None:
            return None
        if self.is_concurrent:
            raise ConfigurationError("in concurrent mode the provider hands out the contacts; call send() without any")
        if isinstance(contacts, (str, os.PathLike)):
            if await self.load(contacts):
                await self._hand_out_skipped()
            return None
        if self._screen is None or self._settings is None:
            raise ConfigurationError("a resumed run has its list already")
        watch = watch_of(self._settings) if self._settings.skip_if else None
        return screened(contacts, self._screen, self._settings.phone_field, watch, keep_of(self._settings))

    async def _remember_skipped(self, texters: Texters) -> None:
        after = -1
        while skipped := await self._ledger.rows(after, BATCH, skipped_only=True):
            for result in skipped:
                if not result.reason.startswith("duplicate of"):
                    texters.remember(result.phone)
            after = skipped[-1].row

    async def _hand_out_skipped(self) -> None:
        after = -1
        while skipped := await self._ledger.rows(after, BATCH, skipped_only=True):
            while self._is_full() and self._stopped is None:
                self._room.clear()
                await self._room.wait()
            self._receive(skipped)
            self.observer.results(skipped)
            after = skipped[-1].row

    def _is_full(self) -> bool:
        return self._collect and len(self._results) >= _BUFFER

    def _receive(self, results: Sequence[Result]) -> None:
        self._sent_now += sum(1 for result in results if result.state is State.SENT)
        if self._collect:
            self._results.extend(results)
            self._news.set()

    def _discard(self) -> None:
        """Nobody wants the results one by one."""
        self._collect = False
        self._results.clear()
        self._ring()

    def _ring(self) -> None:
        self._room.set()
        if self._engine is not None:
            self._engine.ring()


class Sending:
    """What `run.send()` gives: iterate over it for the results, or await it for the summary. Nothing is sent before either."""

    def __init__(self, run: Run, contacts: Contacts | None) -> None:
        self._run = run
        self._contacts = contacts

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Result:
        run = self._run
        results = run._results  # noqa: SLF001 - two halves of one thing
        if not results:
            await self._more()
        result = results.popleft()
        if len(results) == _BUFFER // 2:
            run._ring()  # noqa: SLF001
        return result

    async def _more(self) -> None:
        run = self._run
        task = run._start(self._contacts)  # noqa: SLF001
        while not run._results:  # noqa: SLF001
            if task.done():
                run._is_told = True  # noqa: SLF001
                task.result()
                raise StopAsyncIteration
            run._news.clear()  # noqa: SLF001
            await run._news.wait()  # noqa: SLF001

    def __await__(self) -> Generator[Any, None, Summary]:
        return self._finish().__await__()

    async def _finish(self) -> Summary:
        run = self._run
        run._discard()  # noqa: SLF001
        task = run._start(self._contacts)  # noqa: SLF001
        await asyncio.wait([task])
        run._is_told = True  # noqa: SLF001
        task.result()
        return run.summary


def _absent(columns: Sequence[str] | None, fields: Sequence[str]) -> tuple[str, ...]:
    return () if columns is None else tuple(field for field in fields if field not in columns)


class _Noting:
    """Passes on to the caller's observer what happens, and notes why texts are held."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def results(self, results: Sequence[Result]) -> None:
        self._run.observer.results(results)

    def held(self, seconds: float, reason: str) -> None:
        self._run._held_for = reason  # noqa: SLF001 - a part of it
        self._run.observer.held(seconds, reason)


class _LoadStopped(Exception):
    """The run was stopped while its list was read."""
