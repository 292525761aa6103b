"""What a worker does with one text whose intent is durable: wait for its turn, deliver it, and decide what that came to.

Lives here: pace, retry and trouble. Knows no ledger, no provider, no HTTP.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVarTuple

from rumbleup_async import events
from rumbleup_async.admission import Go, Never, Verdict, Wait
from rumbleup_async.engine.contract import Books
from rumbleup_async.engine.ports import Gateway, Pace, Permit
from rumbleup_async.engine.seconds import Tally
from rumbleup_async.engine.throttles import Throttles
from rumbleup_async.engine.trouble import Trouble
from rumbleup_async.engine.window import Window
from rumbleup_async.messaging import Closed, State, Text
from rumbleup_async.outcomes import Accepted, Bar, Barred, NotSent, Outcome, Refused, Throttled, Unknown
from rumbleup_async.reasons import INTERRUPTED, NO_REASON, OUTSIDE_HOURS, Code, Reason
from rumbleup_async.retry import Again, CircuitBreaker, Decision, Done, Park, Policy, StopRun, decide
from rumbleup_async.stops import Cause, Stop

Ts = TypeVarTuple("Ts")

LATE = Reason(Code.LATE)
TWO_ANSWERS = Reason(Code.TWO_ANSWERS)

_TOO_MANY_AT_ONCE = 440

_SAMPLE = 16
"""Every so manieth row is timed: to time each of them costs a twentieth of what the engine does for a text."""


class Asked(Protocol):
    """The rules, as a worker asks them just before the wire: those of this process, or of another over a channel."""

    @property
    def is_open_to_all(self) -> bool:
        """There is no rule that would have to be asked once more."""

    async def admit(self, text: Text) -> Verdict:
        """What the rules say of this text now."""


class Sender:
    """Sends texts one at a time for each worker that calls it. `lasts(text)`: whether the right to text this contact, a lease of
    the provider's or of the ledger's, surely lasts."""

    def __init__(
        self,
        books: Books,
        gateway: Gateway,
        pace: Pace,
        window: Window,
        *,
        policy: Policy,
        door: Asked,
        lasts: Callable[[Text], bool],
        is_plain: bool,
        is_detailed: bool,
        puts_off: bool,
        wall_clock: Callable[[], float],
        jitter: Callable[[], float],
    ) -> None:
        self._books = books
        self._gateway = gateway
        self._pace = pace
        self._window = window
        self._breaker = CircuitBreaker(policy, window.most)
        self._trouble = Trouble()
        self._throttles = Throttles(policy, jitter, puts_off=puts_off)
        self._door = door
        self._lasts = lasts
        self._is_plain = is_plain
        """There are neither rules nor leases to be asked: a permit is all that is needed."""
        self._is_detailed = is_detailed
        """Somebody wants to hear of each attempt."""
        self.tally = Tally()
        self.left: Callable[[], None] = _nobody_hears
        """Is told where there is a pace and a text is on its way, and when a text gives its room to another for a while."""
        self._wall_clock = wall_clock
        self._is_stopping = False
        self.is_paused = False
        """Nothing leaves for the time being; texts go back to the queue."""
        self._waiting: set[asyncio.Task[None]] = set()
        self._recalled: set[asyncio.Task[None]] = set()
        """Those that a pause has called back from their waiting."""
        self.delivering: set[asyncio.Task[None]] = set()
        """The tasks that have a text in flight."""
        self._listening: set[asyncio.Task[None]] = set()
        """Those whose text was answered with a no, and that wait whether it is its own. Another text has their room meanwhile."""

    @property
    def is_hopeless(self) -> bool:
        """Whether the last round helps nobody."""
        return self._breaker.is_hopeless

    def begin_last_round(self) -> None:
        """What comes now was put aside before."""
        self._breaker.begin_last_round()

    def proved(self) -> None:
        """Another worker has shown that key, address and project work."""
        self._breaker.proven = True

    def pause(self) -> None:
        """Let nothing leave: whoever waits for a turn gives the text back."""
        self.is_paused = True
        for task in self._waiting - self._recalled:
            self._recalled.add(task)
            task.cancel()

    def given_back(self, text: Text, attempt: int = 0) -> Closed:
        """The end of a text that did not leave. Unless the run ends, it comes once more in the same round: after a pause."""
        due = 0.0 if self._is_stopping or self.is_hopeless else self._wall_clock()
        return Closed(text.row, State.QUEUED, text.attempts + attempt, text.why, due=due)

    def stop(self) -> None:
        """Let nothing more leave: whoever waits for a turn gives the text back."""
        self._is_stopping = True
        for task in tuple(self._waiting):
            task.cancel()

    def abandon(self) -> None:
        """Do not even wait for what is in flight: it comes out as unknown."""
        self.stop()
        for task in (*self.delivering, *self._listening):
            task.cancel()

    def tread_softly(self) -> None:
        """Half as many in flight from now; it grows again by one a round."""
        self._window.shrink()

    def hold(self, seconds: float, reason: str, code: Code = Code.NONE) -> None:
        """Let nothing leave for so long, and a little longer."""
        self._hold(self._throttles.drawn_out(seconds), reason, code)

    def _hold(self, seconds: float, reason: str, code: Code) -> None:
        self._pace.hold.hold(seconds)
        self._books.held(seconds, reason, code)

    async def send(self, text: Text, task: asyncio.Task[None]) -> Closed:
        """Try until the text is done, parked, or the run stops. `task` is the worker's own."""
        attempt = 0
        before = self._throttles.before(text.row) if self._throttles else 0
        while True:
            permit = self._permit_now(text) if self._is_plain else None
            if permit is None:
                turn = await self._turn(text, attempt, task)
                if isinstance(turn, Closed):
                    return turn
                permit = turn
            if text.until and not text.since <= (now := self._wall_clock()) < text.until:
                self._pace.release(permit)
                # Its place is shut by now, or by a clock that was set back. It is due at once, and comes when the place opens.
                return Closed(text.row, State.QUEUED, text.attempts + attempt, OUTSIDE_HOURS, due=min(now, text.until))
            attempt += 1
            # Nothing is awaited between the permit and the delivery: a hold that begins now is seen by the next permit.
            if text.row % _SAMPLE and not self._is_detailed:
                outcome = await self._deliver(text, permit, task)
                outcome, decision = await self._decided(outcome, text, before + attempt, permit, task)
            else:
                outcome, decision = await self._timed(text, before + attempt, permit, task)
            if before and not isinstance(decision, Again):
                self._throttles.done(text.row)
            match decision:
                case Done():
                    self._see(outcome)
                    return self._done_with(text, attempt, outcome, decision)
                case Again():
                    # Of several lines the one that was throttled waits for itself; the text goes by the next that is free.
                    is_own = isinstance(outcome, Throttled) and decision.after > 0 and not permit.line
                    if is_own and (due := await self._waits(text, before + attempt)) is not None:
                        return Closed(text.row, State.QUEUED, text.attempts + attempt, decision.why, due=due)
                case Park():
                    self._see(outcome)
                    return Closed(text.row, State.QUEUED, text.attempts + attempt, decision.why)
                case StopRun():
                    return Closed(text.row, State.QUEUED, text.attempts + attempt, decision.stop.why_queued)

    async def _waits(self, text: Text, attempts: int) -> float | None:
        """A text waits for itself, for it was throttled. None once it may be tried again here; else it is given back until then,
        in Unix seconds, or until whenever."""
        seconds = self._throttles.met(text.row, attempts)
        if self._is_stopping:
            return 0.0
        if self._throttles.puts_off:
            return self._wall_clock() + seconds
        return None if await self.patiently(asyncio.sleep, seconds) else 0.0

    async def _timed(self, text: Text, attempt: int, permit: Permit, task: asyncio.Task[None]) -> tuple[Outcome, Decision]:
        """An attempt of which it is told how long it took."""
        began = time.monotonic()
        outcome = await self._deliver(text, permit, task)
        seconds = time.monotonic() - began
        self.tally.see(outcome, seconds)
        outcome, decision = await self._decided(outcome, text, attempt, permit, task)
        if self._is_detailed:
            self._books.note(events.delivered(text.row, outcome, attempt, seconds, permit.line))
        return outcome, decision

    def _done_with(self, text: Text, attempt: int, outcome: Outcome, decision: Done) -> Closed:
        return Closed(
            text.row,
            decision.state,
            text.attempts + attempt,
            decision.why,
            decision.logid,
            int(self._wall_clock() * 1000),
            is_general=isinstance(outcome, Refused) and not outcome.about_recipient,
            price=outcome.price if isinstance(outcome, Accepted) else 0,
        )

    # ---- its turn ----

    async def _turn(self, text: Text, attempt: int, task: asyncio.Task[None]) -> Permit | Closed:
        """The permit for one attempt, once everything allows it; or why there is none."""
        while True:
            permit = self._permit_now(text)
            if permit is None:
                if not self._lasts(text):
                    return Closed(text.row, State.QUEUED, text.attempts + attempt, LATE)
                permit = await self._permit_later(text)
                if permit is None:
                    return self.given_back(text, attempt)
            if not self._door.is_open_to_all:
                turned_away = await self._ask(text, attempt, permit, task)
                if turned_away is not None:
                    return turned_away
                if not self._may_leave(permit):
                    self._pace.release(permit)  # the question took its time, and something has happened meanwhile
                    continue
            if self._lasts(text):
                return permit
            self._pace.release(permit)
            return Closed(text.row, State.QUEUED, text.attempts + attempt, LATE)

    def _permit_now(self, text: Text) -> Permit | None:
        """A permit where there is room in flight and the pace lets the text out at once, as it does nearly always."""
        if self._is_stopping or self.is_paused or len(self.delivering) >= self._window.size:
            return None
        return self._pace.try_permit(text)

    async def _permit_later(self, text: Text) -> Permit | None:
        """Wait for the pace and for room in flight; None if the run stops first."""
        if self._stopped() or self._is_held_too_long():
            return None
        permits: list[Permit] = []
        if await self.patiently(self._permit, text, permits):
            return permits[0]
        for permit in permits:
            self._pace.release(permit)
        return None

    def _is_held_too_long(self) -> bool:
        """Whether somebody, perhaps another call of the same client, was told to wait longer than a run waits: then it stops."""
        remaining = self._pace.hold.remaining
        if remaining <= 1.3 * self._throttles.policy.wait_ceiling:  # a hold is drawn out a little, see hold()
            return False
        self._books.stop(Stop(Cause.THROTTLED, number=round(remaining)))
        return True

    async def _permit(self, text: Text, permits: list[Permit]) -> None:
        while True:
            while len(self.delivering) >= self._window.size:  # noqa: ASYNC110 - only while it has shrunk under texts held
                await asyncio.sleep(0.02)
            permit = await self._pace.permit(text)
            # Those let go together see what the first of them met: nothing is awaited from here to the delivery.
            if len(self.delivering) < self._window.size and self._pace.hold.remaining <= 0:
                permits.append(permit)
                return
            self._pace.release(permit)

    async def _ask(self, text: Text, attempt: int, permit: Permit, task: asyncio.Task[None]) -> Closed | None:
        """Ask the rules once more, for an opt-out may have come since the claim; None if the text may leave."""
        self._waiting.add(task)
        try:
            verdict = await self._door.admit(text)
            if task.cancelling():
                # A rule that fails stops the run, and so whoever asks it: the cancellation strikes here, and not later.
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            task.uncancel()
            self._cancelled(task)
            self._pace.release(permit)
            return self.given_back(text, attempt)
        finally:
            self._waiting.discard(task)
        match verdict:
            case Go():
                return None
            case Wait(until=until, why=why):
                closed = Closed(text.row, State.QUEUED, text.attempts + attempt, why, due=until)
            case Never(why=why):
                closed = Closed(text.row, State.NOT_SENT, text.attempts + attempt, why)
        self._pace.release(permit)
        return closed

    def _may_leave(self, permit: Permit) -> bool:
        is_free = not self._stopped() and len(self.delivering) < self._window.size and self._pace.hold.remaining <= 0
        return is_free and self._pace.stands(permit)

    async def unheld(self) -> bool:
        """Wait until nothing holds; False if the run stops first."""
        if self._is_held_too_long():
            return False
        return await self.patiently(self._pace.hold.wait)

    async def patiently(self, wait: Callable[[*Ts], Awaitable[None]], *arguments: *Ts) -> bool:
        """Wait, but not beyond a stop; False if the run stops first."""
        if self._stopped():
            return False
        task = this_task()
        self._waiting.add(task)
        try:
            await wait(*arguments)
            if task.cancelling():
                # What was waited for has stopped the run itself: the cancellation strikes here, and not later.
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            task.uncancel()
            self._cancelled(task)
            return False  # whoever keeps the books of another process hears of the stop only later
        finally:
            self._waiting.discard(task)
        return not self._stopped()

    def _cancelled(self, task: asyncio.Task[None]) -> None:
        # Not always our doing: a service that ends cancels every task it finds. The text has not left; it is given back.
        self._waiting.discard(task)  # or the stop would cancel it once more
        if task in self._recalled:
            self._recalled.discard(task)
            if not task.cancelling():
                return
        self._books.stop(Stop(Cause.CANCELLED, "the task that ran it was cancelled"))

    def _stopped(self) -> bool:
        return self._is_stopping or self.is_paused

    # ---- on the way ----

    async def _deliver(self, text: Text, permit: Permit, task: asyncio.Task[None]) -> Outcome:
        self.delivering.add(task)
        if self._pace.rate is not None:
            self.left()
        try:
            return await self._gateway.deliver(text, permit)
        except asyncio.CancelledError:
            task.uncancel()
            return Unknown(INTERRUPTED)
        except Exception as error:  # noqa: BLE001 - a mistake in a gateway must not leave an entry open: the text may have left
            return Unknown(_mistake(error))
        finally:
            self.delivering.discard(task)

    async def _decided(
        self, outcome: Outcome, text: Text, attempt: int, permit: Permit, task: asyncio.Task[None]
    ) -> tuple[Outcome, Decision]:
        """What an outcome means, once it is certain that it is this text's."""
        decision = decide(outcome, attempt, self._throttles.policy, proven=self._breaker.proven)
        if isinstance(decision, StopRun) and isinstance(outcome, Throttled) and self._throttles.is_alone(text.row):
            decision = Park(outcome.why)  # the provider has something against this text alone
        decision = self._adapt(outcome, decision, text, permit)
        # What concerns the others does not wait: they would run into the same.
        if isinstance(outcome, NotSent) and isinstance(decision, Again) and decision.after:
            self.hold(decision.after, decision.reason, decision.why.code)
        elif isinstance(outcome, Unknown) and outcome.after:
            self._leave_alone(outcome.after, outcome.why)
        elif isinstance(decision, StopRun):
            self._books.stop(decision.stop)
        if isinstance(outcome, (Refused, Throttled, Barred)) and (doubt := await self._doubt(outcome, task)):
            outcome = Unknown(doubt, outcome.status)
            decision = decide(outcome, attempt, self._throttles.policy, proven=self._breaker.proven)
        return outcome, decision

    async def _doubt(self, outcome: Refused | Throttled | Barred, task: asyncio.Task[None]) -> Reason:
        """Why this may not be the answer to this text; `NO_REASON` once it is known that no other came behind it."""
        if outcome.alone is None:
            return NO_REASON
        self._listening.add(task)
        # Of a "not now" it is known what follows. Another no may be one to all texts, and the breaker has not seen it yet.
        gives_room = isinstance(outcome, Throttled)
        if gives_room:
            self._window.give()
            self.left()
        try:
            return NO_REASON if await outcome.alone() else TWO_ANSWERS
        except asyncio.CancelledError:
            task.uncancel()
            return INTERRUPTED
        except Exception as error:  # noqa: BLE001 - as in _deliver
            return _mistake(error)
        finally:
            self._listening.discard(task)
            if gives_room:
                self._window.take_again()

    # ---- what it means for the others ----

    def _see(self, outcome: Outcome) -> None:
        stop = self._breaker.see(outcome)
        if isinstance(outcome, (Accepted, Unknown)):
            self._trouble.see(is_doubt=isinstance(outcome, Unknown))
        if stop is not None:
            self._books.stop(stop)
        elif self._breaker.in_a_row >= self._trouble.row and isinstance(outcome, Unknown):
            # A server in trouble is given time instead of more texts to lose.
            wait = min(
                self._throttles.policy.wait(self._breaker.in_a_row - self._trouble.row + 1),
                self._throttles.policy.trouble_ceiling,
            )
            self.hold(wait, "several texts in a row failed", outcome.why.code)

    def _adapt(self, outcome: Outcome, decision: Decision, text: Text, permit: Permit) -> Decision:
        """What it means for the others; and what it means for the text then."""
        if isinstance(outcome, Accepted):
            self._window.grow()
            self._throttles.accepted += 1
            self._pace.accepted(permit)
            return decision
        size, rate = self._window.size, self._pace.rate
        if isinstance(outcome, Throttled):
            decision = self._throttle(outcome, decision, text, permit)
        elif isinstance(outcome, NotSent) and outcome.crowded:
            self._window.fit(len(self.delivering))
        elif isinstance(outcome, Refused) or (isinstance(outcome, Barred) and outcome.kind is not Bar.GATEWAY):
            self._pace.accepted(permit)  # the provider has done its work
        if not isinstance(outcome, (Refused, Throttled)) and self._breaker.in_a_row >= self._trouble.row:
            self._window.shrink()
        if self._window.size < size or _is_slower(self._pace.rate, rate):
            self._books.note(events.Slowed(self._window.size, self._pace.rate))
        return decision

    def _leave_alone(self, seconds: float, why: Reason) -> None:
        """A provider in trouble says for how long it wishes to be left alone. What becomes of the text is another matter."""
        if seconds > self._throttles.policy.wait_ceiling:
            self._books.stop(Stop(Cause.THROTTLED, number=round(seconds)))
        else:
            self._hold(self._throttles.beyond(seconds), str(why), why.code)

    def _throttle(self, outcome: Throttled, decision: Decision, text: Text, permit: Permit) -> Decision:
        """What a "not now" means for the others. Where it names a time, everybody keeps it, and the text need not wait longer."""
        self.tally.throttled += 1
        self._books.note(events.Throttled(text.row, outcome.status, outcome.after, permit.line))
        after = None
        if outcome.after and isinstance(decision, Again):
            after = self._throttles.beyond(decision.after)
            self._hold(after, decision.reason, decision.why.code)
            decision = Again(0.0, decision.why)
        if outcome.status == _TOO_MANY_AT_ONCE and self._window.size > 1:
            self._window.crowd(permit.at, asyncio.get_running_loop().time(), len(self.delivering) + 1)
            return decision
        pauses = self._pace.throttled(permit, after, len(self.delivering))
        if pauses >= self._throttles.policy.throttle_attempts and not self._throttles.is_alone(text.row):
            self._books.stop(Stop(Cause.THROTTLED, why=Reason(Code.THROTTLED, str(outcome.status)), number=pauses))
        elif pauses and isinstance(decision, Again):
            # The provider takes nothing: this very text is tried again after the pause, and no other.
            self.hold(self._throttles.policy.throttle_wait(pauses), decision.reason, decision.why.code)
            decision = Again(0.0, decision.why)
        return decision


def _is_slower(rate: float | None, before: float | None) -> bool:
    return rate is not None and (before is None or rate < before)


def _nobody_hears() -> None: ...


def _mistake(error: Exception) -> Reason:
    return Reason(Code.MISTAKE, type(error).__name__)


def this_task() -> asyncio.Task[None]:
    """The worker's own task."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - workers are tasks
    return task
