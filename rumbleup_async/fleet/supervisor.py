"""The keeper of the books of many sending processes: has the face of an engine, and sends nothing itself.

Lives here: starting the senders, one durable step for all that they ask at a time, one rate, one stop. Knows no
provider, no HTTP, no database.

- Each sender is an engine that asks to close and open entries. What several ask while the disk is busy becomes one step.
- A sender that dies leaves its open entries, at most 2 x concurrency, `unknown`; the others go on.
- The first sender begins alone: a wrong key or a dead server is met by one text. The others follow its first accepted text.
- A hold that one sender is told of holds all.
- Whoever finds the queue empty waits until all are through; then those who were put aside are dealt out once more.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Container, Sequence

from rumbleup_async import child
from rumbleup_async.engine.engine import Guarded, result_of
from rumbleup_async.engine.options import Options
from rumbleup_async.engine.ports import HeldByFiles, Ledger, Observer, Pace
from rumbleup_async.errors import ConfigurationError, LedgerError, LedgerFenced, LedgerMismatch, ListError, RumbleUpError
from rumbleup_async.fleet.channel import (
    Abandon,
    Channel,
    Done,
    Halt,
    Held,
    Holding,
    Opened,
    Recipe,
    Room,
    RoundOver,
    Setup,
    Share,
    Step,
    read_word,
)
from rumbleup_async.messaging import Closed, Plan, Planned, Result, Skipped, State, Text
from rumbleup_async.reasons import INTERRUPTED, SUPPRESSED
from rumbleup_async.shielding import run_shielded
from rumbleup_async.stops import Cause, Stop

_PATIENCE = 5.0
"""Seconds that a sender told to abandon its texts may take to say so."""


class _Sender:
    """One sending process, as the keeper knows it."""

    def __init__(self, process: asyncio.subprocess.Process, channel: Channel) -> None:
        self.process = process
        self.channel = channel
        self.has_begun = False
        self.is_done = False
        self.is_killed = False
        self.is_full = False
        self.is_waiting = False
        """It has found the queue empty, and waits for the end of the round."""
        self.open: dict[int, Text] = {}
        """Its entries that are open on the disk, by row."""
        self.in_flight = 0
        self.window = 0


class Fleet:
    """Fits where an `Engine` fits. One fleet, one `run()`.

    `options.concurrency` is that of each sender. `rate` is shared by all. `pace` only shows what holds.
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
        observer: Observer,
        sink: Callable[[Sequence[Result]], None],
        full: Callable[[], bool],
        never: Container[str],
    ) -> None:
        self._ledger = ledger
        self._plan = plan
        self._recipe = recipe
        self._options = options
        self._rate = rate
        self._pace = pace
        self._observer = Guarded(observer, self._observer_failed)
        self._sink = sink
        self._full = full
        self._never = never
        self._left = sys.maxsize if options.limit is None else options.limit
        self._senders: list[_Sender] = []
        self._asked: list[tuple[_Sender, Step]] = []
        self._orphans: list[Closed] = []
        """Closes that no sender waits for: of those who died, and of the suppressed."""
        self._spare: list[Text] = []
        """Open on the disk, and told to nobody: who they were for has died."""
        self._open: dict[int, Text] = {}
        self._owner = 0
        self._bell = asyncio.Event()
        self._room = asyncio.Event()
        self._taking_in: asyncio.Task[None] | None = None
        self._has_accepted = False
        self._parked = 0
        """Texts queued again, in this round."""
        self._was_cut = False
        """The limit had ended the run before its list when the last round began."""
        self._turning: list[_Sender] = []
        """All are through the queue; who of these has not asked yet in the last round still closes what it has held."""
        self._is_last_round = False
        self._giving_up: asyncio.TimerHandle | None = None
        self._is_over = False
        self._is_abandoned = False
        self._is_cancelled = False
        self._failure: Exception | None = None
        self.stopped: Stop | None = None

    # ---- what the outside calls ----

    async def run(self, feed: AsyncIterator[Sequence[Planned | Skipped]] | None = None) -> Stop | None:
        """As `Engine.run`. The whole feed is taken in before anything is sent."""
        try:
            await run_shielded(self._run(feed), self._on_cancel)
        finally:
            self._is_over = True
            if self._giving_up is not None:
                self._giving_up.cancel()
        return self.stopped

    def _on_cancel(self) -> None:
        if self._is_cancelled:
            self.abandon()
        self._is_cancelled = True
        self.stop(Stop(Cause.CANCELLED, "the task that ran it was cancelled"))

    def stop(self, why: Stop) -> None:
        """Let nothing more leave. The first reason given stands."""
        if self.stopped is None:
            self.stopped = why
        self._tell_all(Halt(why))
        if self._giving_up is None and not self._is_over:
            self._giving_up = asyncio.get_running_loop().call_later(self._recipe.longest + _PATIENCE, self._kill_all)
        if self._taking_in is not None:
            self._taking_in.cancel()  # the list may be waiting for a contact that comes tomorrow
        self._bell.set()
        self._room.set()

    def abandon(self) -> None:
        """Do not even wait for what is in flight: it is closed as unknown."""
        if not self._is_abandoned:
            self._is_abandoned = True
            self._tell_all(Abandon())
            asyncio.get_running_loop().call_later(_PATIENCE, self._kill_all)
        self._bell.set()

    def _observer_failed(self, error: Exception) -> None:
        self._failure = self._failure or error
        self.stop(Stop(Cause.OBSERVER_FAILED, f"what watches the run failed: {type(error).__name__}"))

    def ring(self) -> None:
        """Somebody took results: there may be room again."""
        self._room.set()
        if not self._full():
            for sender in self._senders:
                if sender.is_full:
                    sender.is_full = False
                    sender.channel.say(Room())

    @property
    def in_flight(self) -> int:
        """Texts being delivered, as the senders last said."""
        return sum(sender.in_flight for sender in self._senders if not sender.is_done)

    @property
    def window(self) -> int:
        """Texts that may be in flight, as the senders last said."""
        return sum(sender.window for sender in self._senders if not sender.is_done)

    @property
    def is_cut_by_limit(self) -> bool:
        """Whether the limit ended the run before its list."""
        return self._was_cut or (self._left <= 0 and self._ledger.counts[State.QUEUED] > self._parked)

    @property
    def put_aside(self) -> int:
        """Texts that this run has tried and queued again, and not sent after all."""
        return self._parked

    # ---- the senders ----

    async def _run(self, feed: AsyncIterator[Sequence[Planned | Skipped]] | None) -> None:
        if feed is not None:
            self._taking_in = asyncio.create_task(self._take_in(feed))
            try:
                await self._taking_in
            except asyncio.CancelledError:
                if not self._is_stopped():
                    raise ListError("the list was cancelled while it was read") from None
        if not self._is_stopped():
            await self._send()
        if self._failure is not None:
            raise self._failure

    async def _send(self) -> None:
        listening: list[asyncio.Task[None]] = []
        self._owner = (await self._ledger.enlist("fleet")).id
        try:
            while not self._is_stopped() and len(self._senders) < self._options.processes:
                sender = await _start(self._ledger)
                self._senders.append(sender)
                listening.append(asyncio.create_task(self._listen(sender)))
            if not self._is_stopped():
                self._begin(self._senders[0])
            else:
                self._kill_all()  # one that came up after the stop was not told of it, and would be waited for
            while self._senders_left() or self._orphans or self._asked:
                await self._bell.wait()
                self._bell.clear()
                await self._step()
            await self._give_back()
        finally:
            for sender in self._senders:
                await _see_out(sender)
            await asyncio.gather(*listening, return_exceptions=True)

    async def _give_back(self) -> None:
        """What was opened for one who died, and nobody else came to."""
        if not self._spare:
            return
        self._orphans = [Closed(text.row, State.QUEUED, text.attempts, text.why) for text in self._spare]
        self._spare = []
        await self._step()
        if not self._is_stopped():
            self.stop(Stop(Cause.WORKERS_DIED, "a sending process died before its texts left; resume the run"))

    def _is_stopped(self) -> bool:
        return self.stopped is not None

    def _begin(self, sender: _Sender) -> None:
        if sender.has_begun or sender.is_done or self.stopped is not None:
            return
        sender.has_begun = True
        sender.channel.say(Setup(self._recipe, self._plan, self._options.concurrency, self._options.policy, self._share()))
        if (remaining := self._pace.hold.remaining) > 0:
            sender.channel.say(Holding(remaining))

    def _share(self) -> float | None:
        at_work = sum(1 for sender in self._senders if not sender.is_done)
        return self._rate / max(1, at_work) if self._rate else None

    def _begin_others(self) -> None:
        for sender in self._senders:
            self._begin(sender)

    async def _listen(self, sender: _Sender) -> None:
        """Hear a sender out."""
        done: Done | None = None
        try:
            while (message := await sender.channel.hear()) is not None:
                match read_word(message):
                    case Step() as step:
                        sender.in_flight, sender.window = step.in_flight, step.window
                        for close in step.closed:
                            sender.open.pop(close.row, None)
                        self._asked.append((sender, step))
                        self._bell.set()
                    case Held(seconds=seconds, reason=reason):
                        self._pace.hold.hold(seconds)
                        self._observer.held(seconds, reason)
                        for other in self._senders:
                            if other is not sender and other.has_begun:
                                other.channel.say(Holding(seconds))
                    case Done() as last:
                        done = last
                        break
        finally:  # whatever ends the listening, nobody hears of this sender any more
            self._ended(sender, done)

    def _ended(self, sender: _Sender, done: Done | None) -> None:
        sender.is_done = True
        if done is None:
            _kill(sender)  # without a last word it has died, or is about to
        # What it had open then may have left.
        now = int(time.time() * 1000)
        self._orphans += [
            Closed(text.row, State.UNKNOWN, text.attempts + 1, INTERRUPTED, time=now) for text in sender.open.values()
        ]
        if done is not None and done.error:
            self._failure = self._failure or RumbleUpError(f"a sending process failed: {done.error}")
            self.stop(Stop(Cause.WORKER_FAILED, done.error))
        elif done is not None and done.stop is not None:
            self.stop(done.stop)
        if self.stopped is None:
            # Whether or not it had a text accepted, the others do not wait for it any longer.
            self._begin_others()
        if self._senders_left():
            for other in self._senders:
                if other.has_begun:
                    other.channel.say(Share(self._share()))
        elif done is None and self._ledger.counts[State.QUEUED]:
            self.stop(Stop(Cause.WORKERS_DIED, "every sending process died; resume the run"))
        self._bell.set()

    def _senders_left(self) -> bool:
        return any(not sender.is_done for sender in self._senders)

    def _tell_all(self, order: Halt | Abandon) -> None:
        for sender in self._senders:
            if sender.has_begun:
                sender.channel.say(order)
            else:
                _kill(sender)  # it has been given nothing yet

    def _kill_all(self) -> None:
        for sender in self._senders:
            _kill(sender)

    # ---- the books ----

    async def _step(self) -> None:
        """Close and open all that was asked for meanwhile: one durable step, more only where contacts are suppressed."""
        asked, self._asked = await self._asked_now()
        closed, self._orphans = self._orphans, []
        if not (asked or closed):
            self._end_round()
            return
        closed += [close for _, step in asked for close in step.closed]
        is_full = self._full()
        wants = [0 if is_full or self.stopped is not None or sender.is_done else step.want for sender, step in asked]
        want = min(sum(wants), self._left + len(self._spare))
        refused = [result for _, step in asked for result in step.refused]
        opened, self._spare = self._spare[:want], self._spare[want:]
        self._left += len(opened)
        try:
            if refused:
                await self._ledger.refuse(refused)
                self._parked -= len(refused)
                self._tell(refused)
            while closed or len(opened) < want:
                made = await self._ledger.step(self._owner, closed, want - len(opened), time.time())
                if made.is_fenced:
                    raise LedgerFenced("another process has taken over this run")
                some = made.texts
                self._open.update((text.row, text) for text in some)
                self._publish(closed)
                closed = [
                    Closed(text.row, State.NOT_SENT, text.attempts, SUPPRESSED) for text in some if text.phone in self._never
                ]
                opened += [text for text in some if text.phone not in self._never]
                if not closed:
                    break
        except LedgerError as error:
            self._spare = opened + self._spare
            self._fail(error, asked)
            return
        self._left -= len(opened)
        # Others may still put texts aside, which then come once more.
        is_waiting = (len(opened) < want or self._left <= 0) and not (self._is_last_round or self._is_stopped())
        for (sender, step), texts in zip(asked, _dealt(opened, wants), strict=True):
            if sender.is_done:
                # It died while this step was made: it was never told of these.
                self._spare += texts
                continue
            sender.open.update((text.row, text) for text in texts)
            sender.is_full = is_full and step.want > 0
            sender.is_waiting = is_waiting and len(texts) < step.want
            sender.channel.say(Opened(texts, full=sender.is_full or sender.is_waiting))
        self._end_round()
        if is_full:
            self.ring()  # results may have been taken while the disk was busy, before anybody here waited for that

    async def _asked_now(self) -> tuple[list[tuple[_Sender, Step]], list[tuple[_Sender, Step]]]:
        """What is asked for now, and what must wait: nobody is dealt out once more before all have closed what they have held."""
        if not self._turning:
            return self._asked, []
        now = [(sender, step) for sender, step in self._asked if not step.last]
        last = [(sender, step) for sender, step in self._asked if step.last]
        back = [sender for sender, _ in last]
        if any(sender not in back and not sender.is_done for sender in self._turning):
            return now, last
        self._turning = []
        if not self._is_stopped():
            # They were counted when they were opened first; whoever is queued before the last that was opened is one of them.
            self._was_cut, self._left, self._parked = self.is_cut_by_limit, self._parked, 0
            await self._ledger.again()
        return now + last, []

    def _end_round(self) -> None:
        """Once all are through the queue: whoever waits is told, and those who were put aside come once more."""
        if self._is_last_round or self._is_stopped() or self._open or self._asked or self._spare or self._orphans:
            return
        waiting = [sender for sender in self._senders if sender.has_begun and not sender.is_done]
        if not waiting or not all(sender.is_waiting for sender in waiting):
            return
        self._is_last_round = True
        if self._parked:
            self._turning = waiting
        for sender in waiting:
            sender.is_waiting = False
            sender.channel.say(RoundOver() if self._turning else Room())

    def _tell(self, results: Sequence[Result]) -> None:
        self._sink(results)
        self._observer.results(results)

    def _publish(self, closed: Sequence[Closed]) -> None:
        results = []
        for close in closed:
            text = self._open.pop(close.row)
            if close.state is State.QUEUED:
                self._parked += 1
                if not self._is_last_round and (self.stopped is None or close.attempts == text.attempts):
                    continue  # it comes once more, or was never tried
            result = result_of(close, text.phone)
            if result is not None:
                results.append(result)
                self._has_accepted = self._has_accepted or result.state is State.SENT
        if results:
            self._tell(results)
        if self._has_accepted:
            self._begin_others()

    def _fail(self, error: LedgerError, asked: Sequence[tuple[_Sender, Step]]) -> None:
        """The books cannot be kept, so nothing more may leave. What is in flight is waited for, and closed if the disk lets
        us."""
        is_first = self._failure is None
        self._failure = self._failure or error
        if is_first:
            self.stop(Stop(Cause.LEDGER_FAILED, str(error)))
        for sender, step in asked:
            if is_first and step.closed:
                self._asked.append((sender, step))  # once more, and then no more
            else:
                sender.channel.say(Opened([]))
        self._bell.set()

    async def _take_in(self, feed: AsyncIterator[Sequence[Planned | Skipped]]) -> None:
        known, last = self._ledger.last_row, 0
        async for rows in feed:
            if self.stopped is not None:
                return
            while self._full() and self.stopped is None:
                self._room.clear()
                await self._room.wait()
            skipped = await self._ledger.add(rows)
            last = rows[-1].row if rows else last
            if skipped:
                self._sink(skipped)
                self._observer.results(skipped)
        if last < known:
            raise LedgerMismatch("the list is shorter than the one the ledger was begun with; use a new ledger for a new list")
        await self._ledger.complete("")


async def _see_out(sender: _Sender) -> None:
    """Wait for the end of its process, which comes by itself after its last word."""
    if not sender.is_done:
        _kill(sender)
    try:
        async with asyncio.timeout(_PATIENCE):
            await sender.process.wait()
    except TimeoutError:
        _kill(sender)
        await sender.process.wait()
    await sender.channel.aclose()


def _kill(sender: _Sender) -> None:
    # Once: a second signal would take the end of a process from under whoever waits for it, who then warns of an unknown child.
    if sender.process.returncode is None and not sender.is_killed:
        sender.is_killed = True
        with contextlib.suppress(ProcessLookupError):
            sender.process.kill()


def _dealt(texts: Sequence[Text], wants: Sequence[int]) -> list[list[Text]]:
    """The texts, to each in proportion to what it wants, and no more than that."""
    hands: list[list[Text]] = []
    start, wanted = 0, sum(wants)
    for want in wants:
        share = -(-(len(texts) - start) * want // wanted) if wanted else 0
        hands.append(list(texts[start : start + share]))
        start += len(hands[-1])
        wanted -= want
    return hands


async def _start(ledger: Ledger) -> _Sender:
    """A sending process, told nothing yet.

    It holds the ledger, too: nobody expires what is in its hands while it lives, stopped perhaps, and we do not.
    """
    ours, theirs = socket.socketpair()
    sharing = ledger.shared_with_children() if isinstance(ledger, HeldByFiles) else contextlib.nullcontext(())
    try:
        with sharing as held:
            process = await asyncio.create_subprocess_exec(
                *child.command("rumbleup_async.fleet.worker_process", str(theirs.fileno())),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=[theirs.fileno(), *held],
                env=child.environment(),
                # Ctrl-C reaches all of a terminal's session, and one that still imports would end with a traceback.
                start_new_session=True,
            )
    except OSError as error:
        ours.close()
        raise ConfigurationError(f"no further process can be started: {error.strerror or error}") from None
    finally:
        theirs.close()
    return _Sender(process, Channel(*await asyncio.open_unix_connection(sock=ours)))
