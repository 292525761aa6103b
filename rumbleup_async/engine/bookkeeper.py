"""The bookkeeper: the only one who writes in the ledger while a run sends, and who knows what is open.

Lives here: one durable step for all that workers ask for at a time, results to whoever asked, rounds, limit, stop. Knows no
provider, no HTTP, no database, and no difference between workers of this process and of others.

How it goes round:

    worker:      done + want ─► step ─► texts whose intents are on the disk
    bookkeeper:  what all workers ask for meanwhile ─► one durable step ─► results to the outlet, texts to the workers

- A text is dealt only once its entry is open on the disk, and counts as done only once it is closed there.
- Rules are asked at the claim: whom they turn away is closed in that very step.
- A refusal that does not name its recipient is queued first, and believed later: see `held`.
- After `stop()` nothing more is dealt. `keep()` ends once every entry is closed.
- A worker that dies leaves what it had in hand unknown; the others go on.
- When the ledger fails, nothing more is dealt. What is in flight is waited for, and written down if the disk lets us.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence

import msgspec

from rumbleup_async.engine.contract import Dealt, Worker
from rumbleup_async.engine.day_cap import dated
from rumbleup_async.engine.doubts import DEFAULT
from rumbleup_async.engine.entries import Entry
from rumbleup_async.engine.feed import Feed
from rumbleup_async.engine.held import Held
from rumbleup_async.engine.outlet import Outlet
from rumbleup_async.engine.ports import Ledger, Source
from rumbleup_async.engine.rounds import Rounds
from rumbleup_async.engine.seconds import Counts, Flow, Tally
from rumbleup_async.errors import LedgerError
from rumbleup_async.events import (
    Allowed,
    Continued,
    Event,
    LedgerFailed,
    Paused,
    RoundBegan,
    SecondPassed,
    Stepped,
    Waiting,
    stopped,
)
from rumbleup_async.messaging import Closed, Planned, Result, Second, Skipped, State, Step, Text
from rumbleup_async.reasons import INTERRUPTED, Code
from rumbleup_async.stops import Cause, Stop

Rows = Sequence[Planned | Skipped]

_ENDS = frozenset({State.SENT, State.REFUSED, State.UNKNOWN})
"""What the provider's answer, or the lack of one, has come to."""

_FEW = 5
"""If the last round accepted nothing, fewer refusals than this may still be about their texts."""


class _Request(msgspec.Struct):
    """One call of a worker. `answer` is None if nobody waits for it any more."""

    worker: Worker
    done: Sequence[Closed]
    want: int
    answer: asyncio.Future[Dealt] | None


class Bookkeeper:
    """Fits `Books`. `source` opens entries: from the ledger's queue, or of contacts that a provider leases.

    Workers are `employ`ed by whoever starts them, and `lost` when they die. `proved` is told of the first text that is accepted.
    `unknown_limit`: the share of the last texts that may be unknown; see `Doubts`.
    """

    def __init__(
        self,
        ledger: Ledger,
        source: Source,
        outlet: Outlet,
        *,
        limit: int | None,
        wall_clock: Callable[[], float],
        proved: Callable[[], None] = lambda: None,
        unknown_limit: float = DEFAULT,
    ) -> None:
        self._ledger = ledger
        self._source = source
        self._outlet = outlet
        self._wall_clock = wall_clock
        self._held = Held()
        self._seconds = Counts(wall_clock, lambda: outlet.counts)
        self.rounds = Rounds(limit, unknown_limit)
        self.workers: list[Worker] = []
        self._lost: list[Worker] = []
        """Workers that have died, and whose texts are not closed yet."""
        self._are_all_lost = False
        self._entries: dict[int, Entry] = {}
        """What is open on the disk, by row."""
        self._requests: list[_Request] = []
        self._unwritten: list[Closed] = []
        """What the ledger has failed to close."""
        self._bell = asyncio.Event()
        self._feed: Feed | None = None
        self._proved = proved
        self._told_due = 0.0
        self._is_over = False
        self.failure: BaseException | None = None
        self.stopped: Stop | None = None

    # ---- what workers call ----

    async def step(self, worker: Worker, done: Sequence[Closed], want: int) -> Dealt:
        """As `Books.step`."""
        return await self.ask(worker, done, want)

    def ask(self, worker: Worker, done: Sequence[Closed], want: int) -> asyncio.Future[Dealt]:
        """As `step`, whose answer comes later. The books have heard it even if nobody waits for the answer."""
        answer: asyncio.Future[Dealt] = asyncio.get_running_loop().create_future()
        if self._is_over:
            answer.set_result(Dealt([], more=False))
            return answer
        self._requests.append(_Request(worker, done, want, answer))
        self._bell.set()
        return answer

    def stop(self, why: Stop) -> None:
        """Let nothing more leave; `keep()` ends once what is in hand is closed. The first reason given stands."""
        is_first = self.stopped is None
        why = self.stopped = self.stopped or dated(why, self._wall_clock())
        for worker in tuple(self.workers):
            worker.stop()
        self._source.stop()
        self.ring()
        if is_first:
            self._outlet.tell(stopped(why))

    def pause(self, began: int) -> None:
        """Let nothing leave until `go_on()`: what is in flight is closed, the rest is queued. `began`: Unix milliseconds."""
        if not self.rounds.is_paused:
            self.rounds.is_paused = True
            for worker in tuple(self.workers):
                worker.pause()
            self._outlet.tell(Paused(began))
            self._bell.set()

    def go_on(self) -> None:
        """The pause is over."""
        if self.rounds.is_paused:
            self.rounds.is_paused = False
            self._outlet.tell(Continued())
            if not self._source.is_lease:
                self._source.refill()
            for worker in tuple(self.workers):
                worker.go_on()
            self._bell.set()

    def held(self, seconds: float, reason: str, code: Code = Code.NONE) -> None:
        """As `Books.held`."""
        self._seconds.held(seconds)
        self._outlet.held(seconds, reason, code)
        self._source.sharing.hold(seconds, code)
        if self._source.sharing.has_word:
            self._bell.set()

    def held_elsewhere(self, seconds: float) -> None:
        """Another process of the run was told to wait so long."""
        self._seconds.held(seconds)
        self._outlet.held(seconds, "the provider has told another machine to wait", Code.THROTTLED)

    def note(self, event: Event) -> None:
        """As `Books.note`."""
        self._outlet.note(event)

    # ---- what the outside calls ----

    @property
    def flow(self) -> Flow:
        """What the provider lets through, and what it has said about it."""
        return self._seconds.flow(self._tallies)

    def fail(self, error: BaseException, why: Stop) -> None:
        """Stop the run for an error that is not the provider's. The caller of the run gets the first such error."""
        self.failure = self.failure or error
        self.stop(why)

    def ring(self) -> None:
        """Somebody took results: there may be room again."""
        if self._feed is not None:
            self._feed.ring()
        self.wake()

    def wake(self) -> None:
        """There may be texts again."""
        for worker in self.workers:
            worker.wake()
        self._bell.set()

    def employ(self, worker: Worker) -> None:
        """A further worker; one that comes after the stop, or in a pause, is told of it."""
        self.workers.append(worker)
        if self.rounds.is_paused:
            worker.pause()
        if self.stopped is not None:
            worker.stop()

    def lost(self, worker: Worker) -> None:
        """This worker has died. The texts that it had in hand may have left."""
        self.workers.remove(worker)
        self._lost.append(worker)
        self._bell.set()

    def all_lost(self) -> None:
        """Whoever could work has died: what is queued stays queued."""
        self._are_all_lost = True
        self._bell.set()

    @property
    def refusals_held(self) -> int:
        """Refusals that are queued until they are believed."""
        return len(self._held)

    @property
    def waits_until(self) -> float:
        """The Unix second that is waited for, with nothing open; 0 if nothing is waited for."""
        return 0.0 if self._entries or self.stopped is not None else self._told_due

    @property
    def is_cut_by_limit(self) -> bool:
        """Whether the limit ended the run before its list, or its provider, had no more contacts."""
        return self.rounds.is_cut(more=self._has_more)

    @property
    def put_aside(self) -> int:
        """Texts that this run has tried, queued again, and not sent."""
        return self._source.put_aside(self.rounds.put_aside + self.rounds.put_off)

    @property
    def _has_more(self) -> bool:
        is_whole = self._feed is None or self._feed.is_whole
        return self._source.has_more(self.rounds.put_aside + self.rounds.put_off) or not is_whole

    # ---- the books ----

    async def keep(self, feed: AsyncIterator[Rows] | None = None) -> None:
        """Keep the books until the run is over. Raises what the ledger raises, once everything in flight is closed."""
        try:
            await self._source.begin()
            if feed is None:
                await self._go_round()
            else:
                self._feed = Feed(self, self._source, self._ledger, self._outlet, feed)
                async with self._feed.coming_in():
                    await self._go_round()
            if (second := self._seconds.last(self._tallies)) is not None:
                await self._source.renew(second)
        except GeneratorExit:
            raise  # the loop is gone, and nobody can wait for anything any more
        except BaseException as error:
            self.failure = self.failure or error
            if isinstance(error, LedgerError):
                self._outlet.note(LedgerFailed(type(error).__name__))
            await self._close_what_is_in_hand()
            raise
        finally:
            self._is_over = True
            self._outlet.flush()
            for request in self._requests:
                _reply(request, Dealt([], more=False))

    async def _go_round(self) -> None:
        while await self._turn():
            pass

    async def _turn(self) -> bool:
        """One durable step, or a rest; False once there is nothing left to do."""
        self._bell.clear()
        self._bury()
        if self._requests or ((self.stopped is not None or self.rounds.is_paused) and self._source.has_news):
            requests, self._requests = self._requests, []
            await self._answer(requests)
        elif not self._entries and self._is_worked_through() and not self._has_to_wait():
            return await self._turn_back()
        elif self._source.sharing.has_word:
            await self._source.renew()
        elif self._are_all_lost and not self._entries and self.stopped is None:
            self.stop(Stop(Cause.WORKERS_DIED, "every sending process died; resume the run"))
        else:
            await self._rest()
        return True

    def _has_to_wait(self) -> bool:
        """Whether the run goes on after the pause that it is in."""
        return self.rounds.is_paused and self.stopped is None and not self._are_all_lost and self._has_somebody

    @property
    def _has_somebody(self) -> bool:
        return self._source.is_lease or self._ledger.counts[State.QUEUED] > 0

    async def _rest(self) -> None:
        """Wait until something happens, or until a text that was put off comes due."""
        due = None if self.rounds.is_paused else self._source.due
        pulse = self._source.sharing.pulse(self._source.lease.pulse)
        if due is not None and self.stopped is None:
            patience = min(max(0.0, due - self._wall_clock()), self._source.longest_rest)
            pulse = patience if pulse is None else min(pulse, patience)
            self._tell_waiting(due)
        if pulse is None:
            await self._bell.wait()
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pulse):
                await self._bell.wait()
                return
        if due is not None and due <= self._wall_clock():
            self._source.refill()
            self.wake()
        elif not self._source.lease.is_endless:
            await self._source.renew()

    def _tell_waiting(self, due: float) -> None:
        if not self._entries and due != self._told_due:
            self._told_due = due
            self._outlet.tell(Waiting(due))

    def _is_worked_through(self) -> bool:
        if self._source.is_asking or self._source.has_news:
            return False
        if self.stopped is not None or self.rounds.left <= 0:
            return True
        if self.workers and all(worker.is_hopeless for worker in self.workers):
            return True
        return self._source.is_dry and self._source.due is None and (self._feed is None or self._feed.is_done)

    async def _turn_back(self) -> bool:
        """Begin the queue once more, for the texts that were put aside; False if there are none to try again."""
        if self.stopped is not None:
            return False
        if self.rounds.is_last:
            await self._refuse(is_end=self._is_end_believed())
            self._outlet.results(self._held.given_up())
            return False
        await self._refuse(is_end=True)
        if not self.rounds.put_aside or not await self._source.begin_anew():
            return False
        self.rounds.begin_last(more=self._has_more)
        self._outlet.tell(RoundBegan(int(self.rounds.left)))
        for worker in self.workers:
            worker.begin_last_round()
        self.wake()
        return True

    def _is_end_believed(self) -> bool:
        """Whether the refusals of the last round are about their texts.

        They are not if the round was broken off as hopeless, or if many texts were refused and none was accepted.
        """
        if any(worker.is_hopeless for worker in self.workers):
            return False
        return self.rounds.has_accepted or len(self._held) < _FEW

    async def _answer(self, requests: Sequence[_Request]) -> None:
        """Close and open, in one durable step, all that workers asked for meanwhile."""
        done = [close for request in requests for close in request.done] if len(requests) != 1 else requests[0].done
        is_full = self._outlet.is_full()
        may_open = self._may_open and not is_full and (self._feed is None or not self._feed.holds_back)
        wants = [request.want if may_open and request.worker not in self._lost else 0 for request in requests]
        want = int(min(sum(wants), self.rounds.left))
        # Sifted before anything can fail: what is written down after a failure must not refuse what is not believed yet.
        closed, refusals = self._held.sift(done, self._entries)
        closed = self._source.noted(closed, self._entries)
        began = time.monotonic()
        try:
            await self._refuse()
            step = await self._source.step(closed, want, self._second())
        except BaseException:
            self._unwritten += closed
            for request in requests:
                _reply(request, Dealt([], more=False))
            raise
        self._held.keep(refusals)
        self.rounds.left -= len(step.texts)
        # Who stays queued, for a later part of the run, yields no result.
        self._publish(closed, [result for result in step.results if result.state is not State.QUEUED])
        took = time.monotonic() - began
        self._seconds.stepped(took)
        if self._outlet.is_detailed:
            self._outlet.note(_stepped(closed, step, took))
        self._outlet.flush()
        more = may_open and not self._source.is_dry and self.rounds.left > 0
        hands = dealt(step.texts, wants)
        for request, texts in zip(requests, hands, strict=True):
            self._deal(request, texts, more=more)
        self._give_back(step.texts[sum(map(len, hands)) :])
        if self._feed is not None:
            self._feed.ring()
        is_given_back = self._source.is_cut and any(request.done and not request.want for request in requests)
        if step.is_more or is_given_back or (is_full and not self._outlet.is_full()):
            # One step could not ask the rules about all, or who closed these does not ask for what they leave of the budget, or
            # results were taken while the disk was busy.
            self.wake()

    @property
    def _may_open(self) -> bool:
        return self.stopped is None and not self.rounds.is_paused

    def _second(self) -> Second | None:
        """The second that is over, for the ledger. Observers hear of what the provider lets through where that has changed."""
        second = self._seconds.passed(self._tallies)
        if second is not None:
            self._outlet.note(SecondPassed(second, len(self._entries), *self._seconds.took()))
            if self._seconds.has_news():
                self._outlet.note(Allowed(self._seconds.told))
        return second

    def _tallies(self) -> list[Tally]:
        return [worker.take_tally() for worker in self.workers]

    def _deal(self, request: _Request, texts: list[Text], *, more: bool) -> None:
        if not texts:
            _reply(request, Dealt(texts, more, self.rounds.is_proven, self._source.lease.until))
            return
        self._enter(texts, request.worker)
        if request.worker in self._lost or not _reply(
            request, Dealt(texts, more, self.rounds.is_proven, self._source.lease.until)
        ):
            # The worker died or was cancelled during this step, so it never heard of these texts.
            self._return(texts, request.worker)

    def _give_back(self, texts: Sequence[Text]) -> None:
        """Return the texts that the source has opened beyond what was wanted. Their contacts were leased before the stop."""
        if texts and self.workers:
            self._enter(texts, self.workers[0])
            self._return(texts, self.workers[0])

    def _enter(self, texts: Sequence[Text], worker: Worker) -> None:
        number = self._held.number
        self._entries.update([(text.row, Entry(text, worker, number)) for text in texts])
        if self._held:
            self._held.drop([text.row for text in texts])

    def _return(self, texts: Sequence[Text], worker: Worker) -> None:
        back = [Closed(text.row, State.QUEUED, text.attempts, text.why) for text in texts]
        self._requests.append(_Request(worker, back, 0, None))
        self._bell.set()

    @property
    def _is_there_more(self) -> bool:
        """Whether a stop would keep anybody from being texted."""
        return bool(self._entries) or self._has_somebody or not (self._feed is None or self._feed.is_whole)

    async def _refuse(self, *, is_end: bool = False) -> None:
        """Close those refusals for good that are surely about their text by now."""
        sure = [] if self.stopped is not None else self._held.sure(is_end=is_end)
        if sure:
            refused = await self._ledger.refuse(sure)
            self._held.drop([result.row for result in sure])
            self.rounds.put_aside -= len(sure)
            for _ in refused:
                self.rounds.doubts.see(is_unknown=False)
            self._outlet.results(refused)

    def _publish(self, closed: Sequence[Closed], turned_away: Sequence[Result]) -> None:
        results = list(turned_away)
        doubts = self.rounds.doubts
        for close in closed:
            entry = self._entries.pop(close.row)
            state = close.state
            if state in _ENDS and close.why.code is not Code.INTERRUPTED:
                doubts.see(is_unknown=state is State.UNKNOWN)
            if state is State.SENT:
                self.rounds.has_accepted = True
                self._held.accepted(entry.refusals)
            elif state is State.QUEUED:
                state = State.NOT_SENT
                if not self._is_told(close, entry.text):
                    continue
            results.append(Result(close.row, entry.text.phone, state, close.why, close.logid, close.attempts, close.time))
        self._outlet.results(results)
        if self.rounds.has_accepted and not self.rounds.is_proven:
            self.rounds.is_proven = True
            self._proved()
        if doubts.stop is not None and self.stopped is None and self.failure is None and self._is_there_more:
            self.stop(doubts.stop)

    def _is_told(self, close: Closed, text: Text) -> bool:
        """Take note of an entry that was queued again. Returns whether the caller hears of it as a result now.

        The caller does not while the refusal is held, while the text comes once more in this run, or if it was never tried.
        """
        if close.due and self.stopped is None and not self._source.is_lease:
            if self._source.waits_for(close.due):
                self.rounds.left += 1  # this round comes to it again, and counts it then
                return False
            self.rounds.put_off += 1
            return close.row not in self._held
        is_held = close.row in self._held
        self.rounds.put_aside += 1
        self._source.given_back(close, text, is_held=is_held)
        if not close.why:
            return False
        if self.stopped is not None:
            return self.rounds.is_last or self._source.is_lease or close.attempts > text.attempts
        return not is_held and (self.rounds.is_last or self._source.is_lease)

    # ---- when somebody dies, or the ledger fails ----

    def _bury(self) -> None:
        """Close as unknown what dead workers had in hand: those texts may have left."""
        while self._lost:
            worker = self._lost.pop()
            told = {close.row for close in self._unwritten}
            for request in self._requests:
                if request.worker is worker:
                    told.update(close.row for close in request.done)
                    request.want = 0
            now = int(self._wall_clock() * 1000)
            died = [
                Closed(row, State.UNKNOWN, entry.text.attempts + 1, INTERRUPTED, time=now)
                for row, entry in self._entries.items()
                if entry.worker is worker and row not in told
            ]
            if died:
                self._requests.append(_Request(worker, died, 0, None))

    async def _close_what_is_in_hand(self) -> None:
        """Let nothing more leave, because the ledger has failed. Wait for what is in flight, and close it if the disk lets us."""
        failed = len(self._unwritten)
        for worker in tuple(self.workers):
            worker.stop()
        self._source.stop()
        while True:
            self._bell.clear()
            self._bury()
            for request in self._requests:
                self._unwritten += self._held.sift(request.done, self._entries)[0]
                _reply(request, Dealt([], more=False))
            self._requests.clear()
            if not self._source.is_asking and self._entries.keys() <= {close.row for close in self._unwritten}:
                break
            await self._bell.wait()
        self._source.forget()
        # Apart from each other: the step that failed may be on the disk all the same, and is refused then.
        for closed in filter(None, (self._unwritten[:failed], self._unwritten[failed:])):
            with contextlib.suppress(LedgerError):
                await self._source.step(closed, 0)
                self._publish(closed, ())


def _reply(request: _Request, dealt: Dealt) -> bool:
    """Whether somebody heard it."""
    if request.answer is None or request.answer.done():
        return False
    request.answer.set_result(dealt)
    return True


def _stepped(closed: Sequence[Closed], step: Step, seconds: float) -> Stepped:
    states = Counter(close.state for close in closed)
    return Stepped(
        seconds,
        opened=len(step.texts),
        sent=states[State.SENT],
        refused=states[State.REFUSED],
        not_sent=states[State.NOT_SENT],
        unknown=states[State.UNKNOWN],
        queued=states[State.QUEUED],
        skipped=len(step.results),
    )


def dealt(texts: Sequence[Text], wants: Sequence[int]) -> list[list[Text]]:
    """Share the texts out in proportion to what each worker wants; none gets more than it wants."""
    if len(wants) == 1:
        return [list(texts)]
    hands: list[list[Text]] = []
    start, wanted = 0, sum(wants)
    for want in wants:
        share = -(-(len(texts) - start) * want // wanted) if wanted else 0
        hands.append(list(texts[start : start + share]))
        start += len(hands[-1])
        wanted -= want
    return hands
