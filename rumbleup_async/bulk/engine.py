"""The engine: workers that take texts whose intent is durable, deliver them, and hand the outcome to the one who keeps the books.

Lives here: who does what when. May import: anyio, errors, messaging, retry, bulk.ports. Knows no provider, no HTTP, no database.

How it goes round:

    bookkeeper:  close what is done + open what comes next ─► one durable step ─► results to whoever asked, texts to the workers
    worker:      take an open text ─► pace ─► deliver ─► retry.decide ─► hand the outcome to the bookkeeper

- A text is delivered only while its entry is open on the disk, and counts as done only when it is closed there.
- At most 2 x concurrency entries are open at any time, so that is what a crash can leave unknown.
- The number of texts in flight starts at one and grows by one with each text accepted: a wrong key, a wrong project or a dead
  server is met by the first text, not by the first hundred.
- In concurrent mode (`drawing`) a worker is a texter: it draws its next contact from the provider itself, and the bookkeeper
  takes it in and opens it in one step. Everything else is the same.
- `stop()` lets nothing more leave; what is in flight is waited for and closed; what was open but had not left is queued again.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVarTuple

import anyio

from rumbleup_async.bulk.ports import Drawing, Gateway, Ledger, Observer, Pace, Pause
from rumbleup_async.errors import LedgerError, ListError
from rumbleup_async.messaging import Accepted, Closed, Outcome, Planned, Refused, Result, Skipped, State, Text, Throttled, Unknown
from rumbleup_async.retry import Again, Park, Policy, Settle, Stop, StopRun, Watch, decide

ABANDONED = "interrupted before its result was known"

Ts = TypeVarTuple("Ts")

_LOOK_AHEAD = 0.05
"""Seconds of paced traffic whose intents are opened before their turn: enough for the disk, little to be left unknown by a
crash."""

_TROUBLE = 3
"""Texts in a row that fail for reasons not of their recipient before the run treads more softly."""

_FEED_AHEAD = 20_000
"""Contacts that a feed may be ahead of the sending."""


class Engine:
    """Sends what a ledger has queued. One engine, one `run()`.

    `sink` is handed every result once it is durable. `full()` says that nobody has taken the last results yet: then no new texts
    are opened.
    """

    def __init__(
        self,
        ledger: Ledger,
        gateway: Gateway,
        pace: Pace,
        *,
        concurrency: int,
        observer: Observer,
        sink: Callable[[Sequence[Result]], None],
        full: Callable[[], bool] = lambda: False,
        drawing: Drawing | None = None,
        limit: int | None = None,
        policy: Policy | None = None,
        wall_clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._ledger = ledger
        self._gateway = gateway
        self._pace = pace
        self._concurrency = concurrency
        self._observer = observer
        self._sink = sink
        self._full = full
        self._drawing = drawing
        self._left = math.inf if limit is None else limit
        self._policy = policy or Policy()
        self._watch = Watch(self._policy, concurrency)
        self._wall_clock = wall_clock
        self._jitter = jitter

        self._open: dict[int, Text] = {}
        """Entries open on the disk, by row: waiting, being delivered, or done and not yet closed."""
        self._ready: deque[Text] = deque()
        self._idle: deque[asyncio.Future[Text | None]] = deque()
        self._busy = 0
        """Texts that a worker has in hand, waiting for their turn or being delivered."""
        self._window = 1
        self._growth = 0.0
        self._gently_from = concurrency
        """From this window on it grows by one a round, not by one a text: it was too large once."""
        self._slots: deque[asyncio.Future[bool]] = deque()
        self._texting = 0
        """Texters that have not ended."""
        self._drawn: list[tuple[Planned | Skipped, asyncio.Future[Text | None]]] = []
        self._is_done = False
        self._broken = False
        """The books cannot be kept any more."""
        self._pacing: set[asyncio.Task[None]] = set()
        self._delivering: set[asyncio.Task[None]] = set()
        self._asking: set[asyncio.Task[None]] = set()
        """Texters that wait for the provider's next contact."""
        self._done: list[Closed] = []
        self._bell = asyncio.Event()
        self._room = asyncio.Event()
        self._dry = False
        """The last look into the queue found it empty."""
        self._added = 0
        """Additions to the queue by a feed."""
        self._fed = True
        self._is_whole = True
        self._stopping = False
        self._failure: BaseException | None = None
        self.stopped: Stop | None = None

    # ---- what the outside calls ----

    async def run(self, feed: AsyncIterator[Sequence[Planned | Skipped]] | None = None) -> Stop | None:
        """Send everything that is queued, and everything that `feed` still brings. Returns why it stopped early, if it did.

        When cancelled it stops as `stop()` does, waits for what is in flight, and then lets the cancellation go on.
        Cancelled again it no longer waits: what is in flight is closed as unknown.
        """
        running = asyncio.ensure_future(self._run(feed))
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            self.stop(Stop("cancelled", "the task that ran it was cancelled"))
            try:
                await asyncio.shield(running)
            except asyncio.CancelledError:
                self.abandon()
                await _ended(running)
            raise
        return self.stopped

    def stop(self, why: Stop) -> None:
        """Let nothing more leave; `run()` returns once what is in flight is closed. The first reason given stands."""
        if self.stopped is None:
            self.stopped = why
        self._go_home()

    def abandon(self) -> None:
        """Do not even wait for what is in flight: it is closed as unknown."""
        self._go_home()
        for task in (*self._delivering, *self._asking):
            task.cancel()

    def hold(self, seconds: float, reason: str) -> None:
        """Let nothing leave for so long, and a little longer: never shorter than what the provider asked for."""
        seconds *= 1.0 + 0.25 * self._jitter()
        self._pace.hold.hold(seconds)
        self._observer.held(seconds, reason)

    def shrink(self) -> None:
        """Half as many in flight from now; it grows again by one a round."""
        self._window = self._gently_from = max(1, self._window // 2)
        self._growth = 0.0

    def ring(self) -> None:
        """Somebody took results: there may be room again."""
        self._bell.set()
        self._room.set()

    @property
    def in_flight(self) -> int:
        """Texts being delivered at this moment."""
        return len(self._delivering)

    @property
    def is_cut_by_limit(self) -> bool:
        """Whether the limit ended the run before its list, or its provider, had no more contacts."""
        more = self._drawing is not None or not self._is_whole or self._ledger.counts[State.QUEUED] > 0
        return self._left <= 0 and more

    @property
    def window(self) -> int:
        """Texts that may be in flight at this moment."""
        return self._window

    # ---- the bookkeeper ----

    async def _run(self, feed: AsyncIterator[Sequence[Planned | Skipped]] | None) -> None:
        self._fed = self._is_whole = feed is None
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
        if self._failure is not None:
            raise self._failure

    async def _keep_books(self) -> None:
        try:
            while await self._turn():
                pass
        except BaseException:
            # The books cannot be kept, so nothing more may leave. What is in flight is waited for, and closed if the disk
            # lets us.
            self._broken = True
            self._go_home()
            while self._busy:
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
        if self._stopping and not self._busy:
            self._give_back()
        want = self._wanted()
        if self._drawn:
            await self._close_and_draw()
            return True
        if self._done or want:
            await self._close_and_open(want)
            return True
        if not self._open and self._is_over():
            return False
        await self._bell.wait()
        return True

    def _is_over(self) -> bool:
        if self._drawing is not None:
            return self._texting == 0
        return self._stopping or self._left <= 0 or (self._dry and self._fed)

    def _wanted(self) -> int:
        """How many entries to open now.

        No more wait for their turn than the pace will let out shortly: an intent that waits long is one more unknown if we die.
        """
        if self._stopping or self._dry or self._full() or self._drawing is not None:
            return 0
        rate = self._pace.rate
        ahead = self._window if rate is None else min(self._window, math.ceil(rate * _LOOK_AHEAD))
        waiting = len(self._ready) + self._busy - len(self._delivering)
        return max(0, int(min(ahead - waiting, 2 * self._window - len(self._open), self._left)))

    async def _close_and_open(self, want: int) -> None:
        done, self._done = self._done, []
        added = self._added
        try:
            opened = await self._ledger.exchange(done, want)
        except BaseException:
            self._done = done + self._done
            raise
        if want:
            self._dry = len(opened) < want and added == self._added
            self._left -= len(opened)
        self._publish(done)
        for text in opened:
            self._open[text.row] = text
        self._ready.extend(opened)
        self._room.set()
        self._dispatch()

    async def _close_and_draw(self) -> None:
        """Close what is done, take in what the texters have drawn, and open it: one durable step."""
        (done, self._done), (drawn, self._drawn) = (self._done, []), (self._drawn, [])
        try:
            answers = await self._ledger.draw(done, [row for row, _ in drawn])
        except BaseException:
            self._done, self._drawn = done + self._done, drawn + self._drawn
            raise
        self._publish(done)
        for answer, (_, opening) in zip(answers, drawn, strict=True):
            if isinstance(answer, Text):
                self._open[answer.row] = answer
                opening.set_result(answer)
            else:
                opening.set_result(None)
                self._tell([answer])
        self._dispatch()

    def _publish(self, done: Sequence[Closed]) -> None:
        results = []
        for close in done:
            text = self._open.pop(close.row)
            if close.state is State.QUEUED:
                if not close.reason:
                    continue
                state = State.NOT_SENT
            else:
                state = close.state
            results.append(Result(close.row, text.phone, state, close.reason, close.logid, close.attempts, close.time))
        if results:
            self._tell(results)

    def _tell(self, results: Sequence[Result]) -> None:
        self._sink(results)
        self._observer.results(results)

    def _give_back(self) -> None:
        """What was open and has not left is queued again."""
        while self._ready:
            text = self._ready.popleft()
            self._done.append(Closed(text.row, State.QUEUED, text.attempts))

    def _go_home(self) -> None:
        if self._stopping:
            return
        self._stopping = True
        for task in tuple(self._pacing):
            task.cancel()
        for slot in self._slots:
            if not slot.done():
                slot.set_result(False)
        self._bell.set()
        self._room.set()

    async def _take_in(self, feed: AsyncIterator[Sequence[Planned | Skipped]]) -> None:
        """Bring the contacts of a feed into the ledger, not too far ahead of the sending."""
        try:
            async for rows in feed:
                while self._full() or self._ledger.counts[State.QUEUED] > _FEED_AHEAD:
                    self._room.clear()
                    await self._room.wait()
                skipped = await self._ledger.add(rows)
                self._added += 1
                self._dry = False
                self._bell.set()
                if skipped:
                    self._tell(skipped)
            await self._ledger.complete("")
            self._is_whole = True
        except asyncio.CancelledError:
            if self._is_done:
                raise
            # Not our doing: whatever the list comes from was cancelled, and the list is not whole.
            self._failure = ListError("the list was cancelled while it was read")
            self.stop(Stop("list failed", "the list was cancelled while it was read"))
        except Exception as error:  # noqa: BLE001 - whatever the caller's iterable raises is raised again by run()
            self._failure = error
            self.stop(Stop("list failed", f"the list could not be read to its end: {type(error).__name__}"))
        self._fed = True
        self._bell.set()

    # ---- the workers ----

    def _dispatch(self) -> None:
        while self._ready and self._idle and self._busy < self._window:
            waiting = self._idle.popleft()
            if not waiting.done():
                self._busy += 1
                waiting.set_result(self._ready.popleft())
        while self._slots and self._busy < self._window:
            slot = self._slots.popleft()
            if not slot.done():
                self._busy += 1
                slot.set_result(True)

    async def _work(self) -> None:
        try:
            while (text := await (self._next() if self._drawing is None else self._draw_next(self._drawing))) is not None:
                closed = await self._send(text)
                self._busy -= 1
                self._done.append(closed)
                self._bell.set()
                if self._slots:
                    self._dispatch()
        finally:
            self._texting -= 1
            self._bell.set()

    async def _next(self) -> Text | None:
        """The next text of the queue, when there is room in flight."""
        if self._ready and self._busy < self._window and not self._stopping:
            self._busy += 1
            return self._ready.popleft()
        waiting: asyncio.Future[Text | None] = asyncio.get_running_loop().create_future()
        self._idle.append(waiting)
        return await waiting

    async def _draw_next(self, drawing: Drawing) -> Text | None:
        """The next contact that the provider hands out to this texter, its intent on the disk; None when there is none left."""
        while self._left > 0 and await self._patiently(self._pace.hold.wait) and await self._slot():
            self._left -= 1
            drawn = await self._ask(drawing)
            if isinstance(drawn, (Planned, Skipped)) and not self._broken:
                opening: asyncio.Future[Text | None] = asyncio.get_running_loop().create_future()
                self._drawn.append((drawn, opening))
                self._bell.set()
                text = await opening
                if text is not None:
                    return text
            self._busy -= 1
            self._left += 1
            self._bell.set()
            self._dispatch()
            if drawn is None or self._broken:
                return None
            if isinstance(drawn, Pause) and not await self._patiently(asyncio.sleep, drawn.seconds):
                return None
        return None

    async def _slot(self) -> bool:
        """Wait for room in flight; False if the run stops first."""
        if self._stopping:
            return False
        if self._busy < self._window:
            self._busy += 1
            return True
        slot: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._slots.append(slot)
        return await slot

    async def _ask(self, drawing: Drawing) -> Planned | Skipped | Pause | None:
        task = _this_task()
        self._asking.add(task)
        try:
            return await drawing.draw(self)
        except asyncio.CancelledError:
            task.uncancel()
            return None
        except Exception as error:  # noqa: BLE001 - the caller's own text function may fail; run() raises it again
            self._failure = self._failure or error
            self.stop(Stop("text failed", f"the text could not be chosen: {type(error).__name__}"))
            return None
        finally:
            self._asking.discard(task)

    async def _send(self, text: Text) -> Closed:
        """Try until the text is settled, parked, or the run stops."""
        attempt = 0
        while True:
            if not await self._may_leave():
                return self._given_back(text, attempt)
            if self._drawing is not None and self._drawing.too_late(text):
                return Closed(text.row, State.QUEUED, text.attempts + attempt, "lock expired")
            attempt += 1
            outcome = await self._deliver(text)
            decision = decide(outcome, attempt, self._policy, proven=self._watch.proven)
            self._adapt(outcome)
            match decision:
                case Settle():
                    self._see(outcome)
                    now = int(self._wall_clock() * 1000)
                    return Closed(text.row, decision.state, text.attempts + attempt, decision.reason, decision.logid, now)
                case Again():
                    self.hold(decision.after, decision.reason)
                case Park():
                    self._see(outcome)
                    return Closed(text.row, State.QUEUED, text.attempts + attempt, decision.reason)
                case StopRun():
                    self.stop(decision.stop)
                    return Closed(text.row, State.QUEUED, text.attempts + attempt, str(decision.stop))

    def _given_back(self, text: Text, attempt: int) -> Closed:
        reason = "" if self._drawing is None else self._drawing.given_back(text)
        return Closed(text.row, State.QUEUED, text.attempts + attempt, reason)

    async def _may_leave(self) -> bool:
        """Wait for the pace and for room in flight; False if the run stops first."""
        if self._is_stopping():
            return False
        if len(self._delivering) < self._window and self._pace.try_permit():
            return True
        return await self._patiently(self._permit)

    async def _permit(self) -> None:
        while True:
            while len(self._delivering) >= self._window:  # noqa: ASYNC110 - only while the window has shrunk under texts held
                await asyncio.sleep(0.02)
            await self._pace.permit()
            # Those let go together see what the first of them met: nothing is awaited from here to the delivery.
            if len(self._delivering) < self._window and self._pace.hold.remaining <= 0:
                return

    async def _patiently(self, wait: Callable[[*Ts], Awaitable[None]], *arguments: *Ts) -> bool:
        """Wait, but not beyond a stop; False if the run stops first."""
        if self._is_stopping():
            return False
        task = _this_task()
        self._pacing.add(task)
        try:
            await wait(*arguments)
        except asyncio.CancelledError:
            if not self._is_stopping():
                raise
            task.uncancel()
        finally:
            self._pacing.discard(task)
        return not self._is_stopping()

    def _is_stopping(self) -> bool:
        return self._stopping

    async def _deliver(self, text: Text) -> Outcome:
        task = _this_task()
        self._delivering.add(task)
        try:
            return await self._gateway.deliver(text)
        except asyncio.CancelledError:
            task.uncancel()
            return Unknown(ABANDONED)
        except Exception as error:  # noqa: BLE001 - a mistake in a gateway must not leave an entry open: the text may have left
            return Unknown(f"unexpected {type(error).__name__}")
        finally:
            self._delivering.discard(task)

    def _see(self, outcome: Outcome) -> None:
        stop = self._watch.see(outcome)
        if stop is not None:
            self.stop(stop)
        elif isinstance(outcome, Unknown) and self._watch.in_a_row >= _TROUBLE:
            # A server in trouble is given time instead of more texts to lose.
            wait = min(self._policy.wait(self._watch.in_a_row - _TROUBLE + 1), self._policy.trouble_ceiling)
            self.hold(wait, "several texts in a row failed")

    def _adapt(self, outcome: Outcome) -> None:
        if isinstance(outcome, Accepted):
            if self._window < self._concurrency:
                self._growth += 1.0 if self._window < self._gently_from else 1.0 / self._window
                if self._growth >= 1.0:
                    self._growth -= 1.0
                    self._window += 1
                    self._bell.set()
                    self._dispatch()
            return
        if isinstance(outcome, Throttled):
            self._pace.throttled()
        elif isinstance(outcome, Refused) or self._watch.in_a_row < _TROUBLE:
            return
        self.shrink()


def _this_task() -> asyncio.Task[None]:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - workers are tasks
    return task


async def _ended(task: asyncio.Future[None]) -> None:
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            continue
