"""The workers of one process: they take texts whose intents are durable, deliver them, and tell the books what became of each.

Lives here: who does what when, within one process. Knows no ledger, no provider, no HTTP.

- The number of texts in flight starts at one and grows by one with each text accepted: a wrong key, a wrong project or a dead
  server is met by the first text, not by the first hundred.
- At most 2 x concurrency texts are in hand at any time, so that is what a crash can leave unknown.
- Once stopped, what is in flight is waited for, and what has not left goes back to the books at once.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from rumbleup_async.engine.contract import Books
from rumbleup_async.engine.growing import Growing
from rumbleup_async.engine.lease import Lease, for_ever
from rumbleup_async.engine.ports import Fitting, Gateway, Pace
from rumbleup_async.engine.seconds import Tally
from rumbleup_async.engine.sender import Asked, Sender, this_task
from rumbleup_async.engine.window import Window
from rumbleup_async.messaging import Closed, State, Text
from rumbleup_async.retry import Policy


class Ahead(msgspec.Struct, frozen=True):
    """How far texts are opened ahead of their turn.

    `seconds`: of paced traffic. `most`: texts beyond those that have room in flight, where there is no pace; how many of them is
    learned.
    """

    seconds: float = 0.05
    """Enough for the disk, and little to be left unknown by a crash."""
    most: int = 0


class Workers:
    """Fits `Worker`. `run()` ends after `end()`."""

    def __init__(
        self,
        books: Books,
        sender: Sender,
        pace: Pace,
        window: Window,
        lease: Lease,
        ahead: Ahead,
        growing: Growing | None = None,
    ) -> None:
        self._books = books
        self.sender = sender
        sender.left = self.left
        self._pace = pace
        self._window = window
        self._lease = lease
        self._most = ahead
        self._growing = growing
        """Finds out how many are to be in flight; None where that was said."""
        self._ahead = 0
        self._in_hand = 0
        """Texts that were dealt and whose end is not on the disk."""
        self._ready: deque[Text] = deque()
        self._idle: deque[asyncio.Future[Text | None]] = deque()
        self._done: list[Closed] = []
        self._bell = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        """The loop is kept: asking for it costs a system call, and most texts wait for a step."""
        self._wakes = 0
        self._may_ask = True
        """The books have not said that there is nothing for the time being."""
        self._is_short = False
        """The last answer brought fewer texts than were wanted: asking again at once would bring no more."""
        self._is_stopping = self._is_ended = False

    # ---- what the books call ----

    @property
    def in_flight(self) -> int:
        return len(self.sender.delivering)

    @property
    def window(self) -> int:
        return self._window.size

    @property
    def is_hopeless(self) -> bool:
        return self.sender.is_hopeless

    def take_tally(self) -> Tally:
        tally = self.sender.tally
        tally.rate, tally.allowed = self._pace.rate, self._pace.learned
        self.sender.tally = Tally()
        return tally

    def wake(self) -> None:
        self._wakes += 1
        self._may_ask, self._is_short = True, False
        self._bell.set()

    def begin_last_round(self) -> None:
        self.sender.begin_last_round()

    def pause(self) -> None:
        self.sender.pause()
        self._bell.set()

    def go_on(self) -> None:
        self.sender.is_paused = False
        self.wake()

    def stop(self) -> None:
        if not self._is_stopping:
            self._is_stopping = True
            self.sender.stop()
            self._bell.set()

    def abandon(self) -> None:
        self.stop()
        self.sender.abandon()

    def end(self) -> None:
        self._is_ended = True
        self._bell.set()

    def left(self) -> None:
        """A text is on its way, or gives its room to another for a while: where there is a pace, the next one may be opened."""
        if self._ready:
            self._dispatch()
        self._bell.set()

    # ---- asking ----

    async def run(self, start: Callable[[Callable[[], Coroutine[Any, Any, None]]], object]) -> None:
        """Work until the books say that nothing comes any more. `start` makes a task of each worker."""
        self._loop = asyncio.get_running_loop()
        most = self._window.most if self._growing is None else self._growing.bound
        for _ in range(most + most // 2):  # some listen whether a no is the answer to their text, and others send meanwhile
            start(self._work)
        while await self._turn():
            pass
        for waiting in self._idle:
            if not waiting.done():
                waiting.set_result(None)

    async def _turn(self) -> bool:
        """One call of the books, or a rest; False once it is over."""
        self._bell.clear()
        if self._is_stopping or self.sender.is_paused or self.sender.is_hopeless:
            self._give_back()  # at once, so that dying while the last answers are waited for leaves none of them unknown
        want = self._wanted()
        if self._done or (want and not self._is_short):
            await self._step(want)
            return True
        if self._is_ended:
            return False
        await self._bell.wait()
        self._is_short = False
        return True

    async def _step(self, want: int) -> None:
        done, self._done = self._done, []
        wakes = self._wakes
        dealt = await self._books.step(self, done, want)
        texts = dealt.texts
        self._in_hand += len(texts) - len(done)
        if want:
            self._is_short = len(texts) < want and wakes == self._wakes
        if not dealt.more and wakes == self._wakes:
            self._may_ask = False
        if dealt.proven:
            self.sender.proved()
        self._lease.until = dealt.until
        self._look_ahead()
        if texts:
            self._ready.extend(texts)
            self._dispatch()
        if self._growing is not None:
            self._grow(self._growing)

    def _grow(self, growing: Growing) -> None:
        assert self._loop is not None  # noqa: S101 - run() has begun
        if growing.look(self._loop.time(), len(self.sender.delivering)):
            self._window.widen(growing.most)

    def _wanted(self) -> int:
        """How many texts to ask for now.

        No more wait for their turn than the pace will let out shortly, or without a limit than will leave while the next step
        is made: an intent that waits long is one more unknown if we die, and workers without one wait for the disk.
        """
        if not self._may_ask or self._is_stopping or self._is_ended or self.sender.is_paused or self.sender.is_hopeless:
            return 0
        rate = self._pace.rate
        size, ready, taken = self._window.size, len(self._ready), self._window.taken
        if rate is None:
            want = size - taken + min(size, self._ahead) - ready
        else:
            waiting = ready + taken - len(self.sender.delivering)
            want = min(size, math.ceil(rate * self._most.seconds)) - waiting
        # What is done is closed by the very step that opens these.
        return max(0, min(want, 2 * size - self._in_hand + len(self._done)))

    def _look_ahead(self) -> None:
        """Learn from a step how many texts to open ahead: more if workers had none at its end, fewer if some were left."""
        if self._ready:
            self._ahead = max(0, self._ahead - 1)
        elif self._idle and self._window.taken < self._window.size:
            self._ahead = min(self._most.most, 2 * self._ahead + 1)

    def _give_back(self) -> None:
        """What was dealt and has not left goes back to the queue."""
        self._done += [self.sender.given_back(text) for text in self._ready]
        self._ready.clear()

    # ---- working ----

    def _dispatch(self) -> None:
        """Hand texts to idle workers while there is room for them."""
        while self._ready and self._idle and not self.sender.is_paused and self._window.take():
            waiting = self._idle.popleft()
            if waiting.done():
                self._window.give()
            else:
                waiting.set_result(self._ready.popleft())

    async def _work(self) -> None:
        task = this_task()
        while (text := await self._next()) is not None:
            closed = await self.sender.send(text, task)
            if self._growing is not None and closed.state is State.SENT:
                self._growing.sent()
            self._done.append(closed)  # after the await: the list is swapped meanwhile
            self._window.give()
            self._bell.set()

    async def _next(self) -> Text | None:
        """The next text that was dealt, when there is room in flight; None at the end."""
        if self._ready and not self.sender.is_paused and self._window.take():
            return self._ready.popleft()
        if self._is_ended:
            return None
        assert self._loop is not None  # noqa: S101 - run() has begun
        waiting: asyncio.Future[Text | None] = self._loop.create_future()
        self._idle.append(waiting)
        return await waiting


def assembled(
    books: Books,
    gateway: Gateway,
    pace: Pace,
    *,
    concurrency: int,
    starts_at: int | None = None,
    policy: Policy,
    door: Asked,
    lease: Lease,
    ahead: Ahead,
    lasts: Callable[[Text], bool] = for_ever,
    is_detailed: bool = False,
    puts_off: bool = True,
    wall_clock: Callable[[], float],
    jitter: Callable[[], float],
) -> Workers:
    """Workers with all that they need to send. `lasts(text)`: whether the provider's lease of this contact surely lasts.
    `starts_at`: with so many in flight at most, and more up to `concurrency` as long as that helps; None for all at once.
    `is_detailed`: observers want to hear of each attempt. `puts_off`: the books take a text back that must wait for itself;
    not where a limit is set, for somebody else would have its place."""

    def both_last(text: Text) -> bool:
        return lease.lasts(text) and lasts(text)

    growing = None if starts_at is None or starts_at >= concurrency else Growing(concurrency, starts_at)
    window = Window(concurrency if growing is None else growing.most)
    if isinstance(pace, Fitting):
        pace.fits(window)
    is_plain = lasts is for_ever and lease.is_endless and door.is_open_to_all
    sender = Sender(
        books,
        gateway,
        pace,
        window,
        policy=policy,
        door=door,
        lasts=lasts if lease.is_endless else both_last,
        is_plain=is_plain,
        is_detailed=is_detailed,
        puts_off=puts_off,
        wall_clock=wall_clock,
        jitter=jitter,
    )
    return Workers(books, sender, pace, window, lease, ahead, growing)
