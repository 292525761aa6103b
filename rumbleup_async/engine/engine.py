"""The engine: workers that take texts whose intent is durable, deliver them, and hand the outcome to the one who keeps the books.

Lives here: who does what when. Knows no provider, no HTTP, no database.

How it goes round:

    bookkeeper:  close what is done + open what comes next ─► one durable step ─► results to whoever asked, texts to the workers
    worker:      take an open text ─► pace ─► deliver ─► retry.decide ─► hand the outcome to the bookkeeper

- A text is delivered only while its entry is open on the disk, and counts as done only when it is closed there.
- At most 2 x concurrency entries are open at any time, so that is what a crash can leave unknown.
- The number of texts in flight starts at one and grows by one with each text accepted: a wrong key, a wrong project or a dead
  server is met by the first text, not by the first hundred.
- In concurrent mode (`drawing`) a worker is a texter: it draws its next contact from the provider itself, and the bookkeeper
  takes it in and opens it in one step. Everything else is the same.
- Texts that were put aside (queued again for a cause not of their own) come once more at the end: the last round.
- `stop()` lets nothing more leave; what is in flight is waited for and closed; what was open but had not left is queued again.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Container, Sequence

import anyio

from rumbleup_async.engine.options import Options
from rumbleup_async.engine.ports import Drawing, Gateway, Ledger, Observer, Pace, Pause
from rumbleup_async.engine.sender import Sender, this_task
from rumbleup_async.engine.window import Window
from rumbleup_async.errors import LedgerError, LedgerFenced, LedgerMismatch, ListError
from rumbleup_async.messaging import Closed, Planned, Result, Skipped, State, Text
from rumbleup_async.shielding import run_shielded
from rumbleup_async.stops import Cause, Stop

_LOOK_AHEAD = 0.05
"""Seconds of paced traffic whose intents are opened before their turn: enough for the disk, little to be left unknown by a
crash."""

_DRAW_AHEAD = 2.0
"""Seconds of paced traffic for which texters may have contacts in line."""

_FEED_AHEAD = 20_000
"""Contacts that a feed may be ahead of the sending."""


class Engine:
    """Sends what a ledger has queued. One engine, one `run()`.

    `sink` is handed every result once it is durable. `full()` says that nobody has taken the last results yet: then no new texts
    are opened. `never` holds phones that are not texted whatever the ledger has planned.
    """

    def __init__(
        self,
        ledger: Ledger,
        gateway: Gateway,
        pace: Pace,
        options: Options,
        *,
        observer: Observer,
        sink: Callable[[Sequence[Result]], None],
        full: Callable[[], bool] = lambda: False,
        drawing: Drawing | None = None,
        never: Container[str] = frozenset(),
        wall_clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._ledger = ledger
        self._pace = pace
        self._concurrency = options.concurrency
        self._observer = Guarded(observer, self._observer_failed)
        self._sink = sink
        self._full = full
        self._drawing = drawing
        self._left = math.inf if options.limit is None else options.limit
        self._window = Window(options.concurrency)
        self._bell = asyncio.Event()
        """Something changed that the bookkeeper should look at."""
        self._sender = Sender(
            gateway,
            pace,
            self._window,
            policy=options.policy,
            observer=self._observer,
            drawing=drawing,
            never=never,
            stop=self.stop,
            left=self._bell.set,
            wall_clock=wall_clock,
            jitter=jitter,
        )
        self._open: dict[int, Text] = {}
        """Entries open on the disk, by row: waiting, being delivered, or done and not yet closed."""
        self._ready: deque[Text] = deque()
        self._idle: deque[asyncio.Future[Text | None]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        """Kept, for to ask for it takes a system call, and most texts wait for a step."""
        self._owner = 0
        self._wall_clock = wall_clock
        self._done: list[Closed] = []
        self._ahead = 0
        """Texts to be open beyond those in flight, without a limit: as many as leave while a step is made."""
        self._drawn: list[tuple[Planned | Skipped, asyncio.Future[Text | None]]] = []
        """Contacts drawn by texters that wait for their intent."""
        self._texting = 0
        """Texters that have not ended."""
        self._asking: set[asyncio.Task[None]] = set()
        """Texters that wait for the provider's next contact."""
        self._room = asyncio.Event()
        self._is_dry = False
        """The last look into the queue found it empty."""
        self._is_round_over = False
        """Whoever keeps the books of several engines has said that the queue is worked through."""
        self._parked = 0
        """Texts queued again, for a later resume: this run does not come to them any more."""
        self._was_cut = False
        """The limit had ended the run before its list when the last round began."""
        self._added = 0
        """Additions to the queue by a feed."""
        self._is_fed = True
        """No feed brings more contacts."""
        self._is_whole = True
        """The feed was read to its end."""
        self._rows_to_pass = 0
        """Up to this row the ledger knows the list from before: nothing is sent until the feed has shown that it is the same."""
        self._is_stopping = False
        self._is_cancelled = False
        self._is_abandoned = False
        self._is_broken = False
        """The books cannot be kept any more."""
        self._is_done = False
        self._failure: BaseException | None = None
        self._interruption: BaseException | None = None
        self.stopped: Stop | None = None

    # ---- what the outside calls ----

    async def run(self, feed: AsyncIterator[Sequence[Planned | Skipped]] | None = None) -> Stop | None:
        """Send everything that is queued, and everything that `feed` still brings. Returns why it stopped early, if it did.

        When cancelled it stops as `stop()` does, waits for what is in flight, and then lets the cancellation go on.
        Cancelled again it no longer waits: what is in flight is closed as unknown.
        """
        await run_shielded(self._run(feed), self._on_cancel)
        if self._interruption is not None:
            raise self._interruption
        return self.stopped

    def _on_cancel(self) -> None:
        if self._is_cancelled:
            self.abandon()
        self._is_cancelled = True
        self.stop(Stop(Cause.CANCELLED, "the task that ran it was cancelled"))

    def stop(self, why: Stop) -> None:
        """Let nothing more leave; `run()` returns once what is in flight is closed. The first reason given stands."""
        if self.stopped is None:
            self.stopped = why
        self._go_home()

    def abandon(self) -> None:
        """Do not even wait for what is in flight: it is closed as unknown."""
        self._is_abandoned = True
        self._go_home()
        self._sender.abandon()
        for task in tuple(self._asking):
            task.cancel()

    def hold(self, seconds: float, reason: str) -> None:
        """Let nothing leave for so long."""
        self._sender.hold(seconds, reason)

    def shrink(self) -> None:
        """Half as many in flight from now; it grows again by one a round."""
        self._window.shrink()

    def _observer_failed(self, error: Exception) -> None:
        self._failure = self._failure or error
        self.stop(Stop(Cause.OBSERVER_FAILED, f"what watches the run failed: {type(error).__name__}"))

    def ring(self) -> None:
        """Somebody took results: there may be room again."""
        self._bell.set()
        self._room.set()

    def end_round(self) -> None:
        """The queue is worked through, by this engine and all others of the run: what was put aside comes once more."""
        self._is_round_over = True
        self._bell.set()

    @property
    def is_last_round(self) -> bool:
        """Whether those who were put aside are being tried once more."""
        return self._sender.is_last_round

    @property
    def in_flight(self) -> int:
        """Texts being delivered at this moment."""
        return len(self._sender.delivering)

    @property
    def is_cut_by_limit(self) -> bool:
        """Whether the limit ended the run before its list, or its provider, had no more contacts."""
        if self._sender.is_last_round:
            return self._was_cut
        more = self._drawing is not None or not self._is_whole or self._ledger.counts[State.QUEUED] > self._parked
        return self._left <= 0 and more

    @property
    def put_aside(self) -> int:
        """Texts that this run has tried and queued again, and not sent after all."""
        return self._parked if self._drawing is None else self._ledger.counts[State.QUEUED]

    @property
    def window(self) -> int:
        """Texts that may be in flight at this moment."""
        return self._window.size

    # ---- the bookkeeper ----

    async def _run(self, feed: AsyncIterator[Sequence[Planned | Skipped]] | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._is_fed = self._is_whole = feed is None
        self._rows_to_pass = 0 if feed is None else self._ledger.last_row
        self._owner = (await self._ledger.enlist("engine")).id
        try:
            await self._run_workers(feed)
        except BaseExceptionGroup as group:
            # A KeyboardInterrupt may strike any of them. It has gone through the loop once already, and whoever called knows
            # nothing of groups: run() raises what counts.
            self._interruption = plain(group)
            self.stop(Stop(Cause.CANCELLED, "the program was interrupted"))
        if self._failure is not None:
            raise self._failure

    async def _run_workers(self, feed: AsyncIterator[Sequence[Planned | Skipped]] | None) -> None:
        async with anyio.create_task_group() as tasks:
            self._texting = self._concurrency if self._drawing is not None else 0
            for _ in range(self._concurrency):
                tasks.start_soon(self._work)
            if feed is not None:
                tasks.start_soon(self._take_in, feed)
            try:
                await self._keep_books()
            except Exception as error:  # noqa: BLE001 - raised below, outside of the group that would wrap it
                self._failure = self._failure or error
            self._go_home()
            self._is_done = True
            tasks.cancel_scope.cancel()

    async def _keep_books(self) -> None:
        try:
            while await self._turn():
                pass
        except BaseException:
            # The books cannot be kept, so nothing more may leave. What is in flight is waited for, and closed if the disk
            # lets us.
            self._is_broken = True
            self._go_home()
            while self._window.taken:
                for _, opening in self._drawn:
                    opening.set_result(None)
                self._drawn.clear()
                self._bell.clear()
                await self._bell.wait()
            self._give_back()
            with contextlib.suppress(LedgerError):
                await self._close_and_open(0)
            raise

    async def _turn(self) -> bool:
        """One durable step, or a rest; False once there is nothing left to do."""
        self._bell.clear()
        if self._is_stopping or self._sender.is_hopeless:
            self._give_back()  # at once, so that dying while the last answers are waited for leaves none of them unknown
        if self._is_round_over and not self._open:
            self._is_round_over = False
            await self._refuse(is_end=True)
            self._sender.begin_last_round()
            self._is_dry = False
        want = self._wanted()
        if self._drawn:
            await self._close_and_draw()
            return True
        if self._done or want:
            await self._close_and_open(want)
            return True
        if not self._open and self._is_over():
            return await self._turn_back()
        await self._bell.wait()
        return True

    def _is_over(self) -> bool:
        if self._drawing is not None:
            return self._texting == 0
        is_done = self._is_dry and self._is_fed
        return self._is_stopping or self._left <= 0 or is_done or self._sender.is_hopeless

    async def _turn_back(self) -> bool:
        """The queue is worked through: begin it once more for those who were put aside; False if nobody is to be tried again."""
        if self._is_stopping or self._sender.is_last_round:
            return False
        await self._refuse(is_end=True)
        if not self._parked or self._drawing is not None or not await self._ledger.again():
            return False
        # They were counted when they were opened first; and whoever is queued before the last that was opened is one of them.
        self._was_cut, self._left, self._parked = self.is_cut_by_limit, self._parked, 0
        self._sender.begin_last_round()
        self._is_dry = False
        return True

    def _wanted(self) -> int:
        """How many entries to open now.

        No more wait for their turn than the pace will let out shortly, or without a limit than will leave while the next step
        is made: an intent that waits long is one more unknown if we die, and workers without one wait for the disk.
        """
        if self._is_stopping or self._is_dry or self._full() or self._drawing is not None or self._rows_to_pass:
            return 0
        if self._sender.is_hopeless:
            return 0
        rate = self._pace.rate
        size = self._window.size
        ready, taken = len(self._ready), self._window.taken
        if rate is None:
            want: float = size - taken + min(size, self._ahead) - ready
        else:
            waiting = ready + taken - len(self._sender.delivering)
            want = min(size, math.ceil(rate * _LOOK_AHEAD)) - waiting
        # What is done is closed by the very step that opens these.
        room = 2 * size - len(self._open) + len(self._done)
        return max(0, int(min(want, room, self._left)))

    async def _close_and_open(self, want: int) -> None:
        done, self._done = self._done, []
        added = self._added
        held = self._sender.held
        try:
            await self._refuse()
            done, new = held.sift(done, self._open)
            step = await self._ledger.step(self._owner, done, want, self._wall_clock())
            if step.is_fenced:
                raise LedgerFenced("another process has taken over this run")  # noqa: TRY301
            opened = step.texts
        except BaseException:
            self._done = done + self._done
            raise
        held.keep(done, new)
        self._look_ahead()
        if want:
            self._is_dry = len(opened) < want and added == self._added and not self._full()
            self._left -= len(opened)
        self._publish(done)
        for text in opened:
            self._open[text.row] = text
        self._ready.extend(opened)
        self._room.set()
        self._dispatch()

    def _look_ahead(self) -> None:
        """Learn from a step how many texts to open ahead: more if workers had none at its end, fewer if some were left."""
        if self._ready:
            self._ahead = max(0, self._ahead - 1)
        elif self._idle and self._window.taken < self._window.size:
            self._ahead = min(self._concurrency, 2 * self._ahead + 1)

    async def _close_and_draw(self) -> None:
        """Close what is done, take in what the texters have drawn, and open it: one durable step."""
        (done, self._done), (drawn, self._drawn) = (self._done, []), (self._drawn, [])
        held = self._sender.held
        try:
            await self._refuse()
            done, new = held.sift(done, self._open)
            answers = await self._ledger.claim(self._owner, done, [row for row, _ in drawn], self._wall_clock())
        except BaseException:
            self._done, self._drawn = done + self._done, drawn + self._drawn
            raise
        held.keep(done, new)
        held.drop([answer.row for answer in answers if isinstance(answer, Text)])
        self._publish(done)
        for answer, (_, opening) in zip(answers, drawn, strict=True):
            if self._drawing is not None:
                self._drawing.answered(answer)
            if isinstance(answer, Text):
                self._open[answer.row] = answer
                opening.set_result(answer)
            else:
                opening.set_result(None)
                self._tell([answer])
        self._dispatch()

    async def _refuse(self, *, is_end: bool = False) -> None:
        """Close those refusals for good of which it is sure by now that they are about their text."""
        sure = [] if self._is_stopping else self._sender.held.sure(is_end=is_end)
        if sure:
            await self._ledger.refuse(sure)
            self._sender.held.drop([result.row for result in sure])
            self._parked -= len(sure)
            self._tell(sure)

    def _publish(self, done: Sequence[Closed]) -> None:
        results = []
        for close in done:
            text = self._open.pop(close.row)
            if close.state is State.QUEUED:
                self._parked += 1
                if self._drawing is not None:
                    is_held = close.row in self._sender.held
                    self._drawing.released(text, tried=close.attempts > text.attempts and not is_held)
                if not self._is_told(close, text):
                    continue
            result = result_of(close, text.phone)
            if result is not None:
                results.append(result)
        if results:
            self._tell(results)

    def _is_told(self, close: Closed, text: Text) -> bool:
        """Whether an entry that was queued again is a result by now: not while it is held, or comes once more in this run."""
        if self._is_stopping or self._sender.is_last_round:
            return self._sender.is_last_round or close.attempts > text.attempts or self._drawing is not None
        return self._drawing is not None and close.row not in self._sender.held

    def _tell(self, results: Sequence[Result]) -> None:
        self._sink(results)
        self._observer.results(results)

    def _give_back(self) -> None:
        """What was open and has not left is queued again."""
        while self._ready:
            text = self._ready.popleft()
            self._done.append(Closed(text.row, State.QUEUED, text.attempts, text.why))

    def _go_home(self) -> None:
        if self._is_stopping:
            return
        self._is_stopping = True
        self._sender.go_home()
        self._window.close()
        self._bell.set()
        self._room.set()

    async def _take_in(self, feed: AsyncIterator[Sequence[Planned | Skipped]]) -> None:
        """Bring the contacts of a feed into the ledger, not too far ahead of the sending."""
        try:
            async for rows in feed:
                while self._full() or (self._ledger.counts[State.QUEUED] - self._parked > _FEED_AHEAD and not self._rows_to_pass):
                    self._room.clear()
                    await self._room.wait()
                skipped = await self._ledger.add(rows)
                if rows and rows[-1].row >= self._rows_to_pass:
                    self._rows_to_pass = 0
                self._added += 1
                self._is_dry = False
                self._bell.set()
                if skipped:
                    self._tell(skipped)
            self._check_passed()
            await self._ledger.complete("")
            self._is_whole = True
        except asyncio.CancelledError:
            if self._is_done:
                raise
            # Not our doing: whatever the list comes from was cancelled, and the list is not whole.
            self._failure = ListError("the list was cancelled while it was read")
            self.stop(Stop(Cause.LIST_FAILED, "the list was cancelled while it was read"))
        except Exception as error:  # noqa: BLE001 - whatever the caller's iterable raises is raised again by run()
            self._failure = error
            self.stop(Stop(Cause.LIST_FAILED, f"the list could not be read to its end: {type(error).__name__}"))
        self._is_fed = True
        self._bell.set()

    def _check_passed(self) -> None:
        if self._rows_to_pass:
            raise LedgerMismatch("the list is shorter than the one the ledger was begun with; use a new ledger for a new list")

    # ---- the workers ----

    def _dispatch(self) -> None:
        """Hand texts to idle workers while there is room for them."""
        while self._ready and self._idle and self._window.take():
            waiting = self._idle.popleft()
            if waiting.done():
                self._window.give()
            else:
                waiting.set_result(self._ready.popleft())

    async def _work(self) -> None:
        task = this_task()
        try:
            while (text := await (self._next() if self._drawing is None else self._draw_next(self._drawing))) is not None:
                closed = await self._sender.send(text, task)
                self._done.append(closed)  # not before the await: the list is another by then
                self._window.give()
                self._bell.set()
        finally:
            self._texting -= 1
            self._bell.set()

    async def _next(self) -> Text | None:
        """The next text of the queue, when there is room in flight."""
        if self._ready and self._window.take():
            return self._ready.popleft()
        assert self._loop is not None  # noqa: S101 - _run has begun
        waiting: asyncio.Future[Text | None] = self._loop.create_future()
        self._idle.append(waiting)
        return await waiting

    async def _draw_next(self, drawing: Drawing) -> Text | None:
        """The next contact that the provider hands out to this texter, its intent on the disk; None when there is none left."""
        while self._left > 0:
            self._left -= 1
            outcome = await self._draw_once(drawing)
            if isinstance(outcome, Text):
                return outcome
            self._left += 1
            self._bell.set()
            if not outcome:
                return None
        return None

    async def _draw_once(self, drawing: Drawing) -> Text | bool:
        """A text, its room taken; else whether to try again."""
        if not await self._window.wait():
            return False
        if not await self._may_draw():
            self._window.give()
            return False
        drawn = await self._ask(drawing)
        if isinstance(drawn, (Planned, Skipped)) and not self._is_broken:
            opening: asyncio.Future[Text | None] = asyncio.get_running_loop().create_future()
            self._drawn.append((drawn, opening))
            self._bell.set()
            text = await opening
            if text is not None:
                return text
        # The room is kept while it pauses, or the next texter would ask at once what this one was told to ask later.
        again = await self._sender.patiently(asyncio.sleep, drawn.seconds) if isinstance(drawn, Pause) else drawn is not None
        self._window.give()
        return again and not self._is_broken

    async def _may_draw(self) -> bool:
        """Wait until nothing holds and the pace will soon let a text out: a lock must not run while its contact waits in line."""
        rate = self._pace.rate
        ahead = math.inf if rate is None else max(1.0, rate * _DRAW_AHEAD)
        while self._pace.hold.remaining > 0 or self._in_line() >= ahead or self._full():
            held = self._pace.hold.remaining > 0
            if not await (self._sender.unheld() if held else self._sender.patiently(asyncio.sleep, 0.05)):
                return False
        return not self._is_stopping

    def _in_line(self) -> int:
        """Contacts that are drawn, or being drawn, and not yet on their way."""
        return len(self._open) - len(self._done) - len(self._sender.delivering) + len(self._drawn) + len(self._asking)

    async def _ask(self, drawing: Drawing) -> Planned | Skipped | Pause | None:
        task = this_task()
        self._asking.add(task)
        try:
            return await drawing.draw(self)
        except asyncio.CancelledError as error:
            task.uncancel()
            if not self._is_abandoned:
                self._failure = self._failure or RuntimeError("the function that chooses texts was cancelled")
                self.stop(Stop(Cause.TEXT_FAILED, f"the text could not be chosen: {type(error).__name__}"))
            return None
        except Exception as error:  # noqa: BLE001 - the caller's own text function may fail; run() raises it again
            self._failure = self._failure or error
            self.stop(Stop(Cause.TEXT_FAILED, f"the text could not be chosen: {type(error).__name__}"))
            return None
        finally:
            self._asking.discard(task)


def result_of(close: Closed, phone: str) -> Result | None:
    """What a run hands out for an entry that was closed; None for one that was only given back."""
    state = close.state
    if state is State.QUEUED:
        if not close.why:
            return None
        state = State.NOT_SENT
    return Result(close.row, phone, state, close.why, close.logid, close.attempts, close.time)


def plain(error: BaseException) -> BaseException:
    """Of a group of errors the one that counts: an interruption before any other, else the first."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    leaves = [plain(one) for one in error.exceptions]
    return next((leaf for leaf in leaves if not isinstance(leaf, Exception)), leaves[0])


class Guarded:
    """An observer whose mistakes end the run instead of losing a contact."""

    def __init__(self, observer: Observer, failed: Callable[[Exception], None]) -> None:
        self._observer = observer
        self._failed = failed

    def results(self, results: Sequence[Result]) -> None:
        try:
            self._observer.results(results)
        except Exception as error:  # noqa: BLE001 - it is the caller's code; run() raises it again
            self._failed(error)

    def held(self, seconds: float, reason: str) -> None:
        try:
            self._observer.held(seconds, reason)
        except Exception as error:  # noqa: BLE001
            self._failed(error)
