"""The ledger's queue as a source of texts: fast mode.

Lives here: asking the ledger for the next texts, and the rules for each of them, in one durable step.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec.structs import force_setattr

from rumbleup_async.admission import GO, Verdict, Wait
from rumbleup_async.engine.allowance import Allowance, ExhaustedError
from rumbleup_async.engine.canary import Canary
from rumbleup_async.engine.claiming import Claiming
from rumbleup_async.engine.entries import Entry
from rumbleup_async.engine.lease import Lease, boot_time
from rumbleup_async.engine.ports import Claims, Gates, Ledger
from rumbleup_async.engine.sharing import Sharing
from rumbleup_async.errors import LedgerFenced
from rumbleup_async.events import Event, PutOff
from rumbleup_async.messaging import NONE_SHUT, Closed, Second, State, Step, Text
from rumbleup_async.reasons import Code
from rumbleup_async.rules.carrier_day import carrier_day
from rumbleup_async.rules.door import Door

_PATIENCE = 3600.0
"""Seconds that a run waits, unasked, for a text that was put off: whoever throttles asks for less, a cap a day for more."""


def bind(texts: Sequence[Text], shut: Mapping[int, float], now: float, end: float = 0.0) -> None:
    """Have each of these texts, whose places are open at `now`, know until when it may leave. Nobody else has seen them yet.
    `end`: of the day for which they are counted; 0 where nobody counts."""
    for text in texts:
        closes = shut.get(text.place, 0.0) if text.place else 0.0
        if closes or end:
            force_setattr(text, "until", min(closes or end, end or closes))
            force_setattr(text, "since", now)


class _Stopped(Exception):
    """The run was stopped while the rules were asked."""


class Queue:
    """Fits `Source`. `is_dry`: the last look into it found nobody more. `due`: when the first text that was put off comes due."""

    is_lease = False
    is_asking = False
    has_news = False
    is_cut = False

    def __init__(
        self,
        ledger: Ledger,
        door: Door,
        wall_clock: Callable[[], float],
        boot_clock: Callable[[], float] = boot_time,
        note: Callable[[Event], None] | None = None,
        gates: Gates | None = None,
        claims: Claims | None = None,
        longest_rest: float = 60.0,
        allowance: Allowance | None = None,
        until: float = 0.0,
    ) -> None:
        self._allowance = allowance or Allowance()
        self._until = until
        """Up to when the run was told to go on, over several days if need be; 0 if it was not."""
        self.sharing = Sharing()
        self._ledger = ledger
        self._door = door
        self._wall_clock = wall_clock
        self._note = note
        self._gates = gates
        self._may_wait = gates is not None and gates.may_wait
        """Whoever opens later is waited for."""
        self._is_free = door.is_open_to_all and gates is None and claims is None
        """Nobody is put off by a rule or by their place."""
        self._claiming = Claiming(claims)
        self._owner = 0
        self.lease = Lease(ledger.lease, boot_clock)
        self.longest_rest = longest_rest
        self._refills = 0
        self._is_stopping = False
        self._asking: asyncio.Future[list[Verdict]] | None = None
        self.is_dry = False
        self.due: float | None = None

    @property
    def _canary(self) -> Canary | None:
        return self._allowance.canary

    @property
    def wants_whole(self) -> bool:
        """A canary is drawn from the whole list."""
        return self._canary is not None and not self._canary.is_over

    async def begin(self) -> None:
        """Take up the books under an owner of our own."""
        self._owner = (await self._ledger.enlist("bookkeeper")).id

    async def step(self, done: Sequence[Closed], want: int, second: Second | None = None) -> Step:
        """Close these, open up to `want` more, keep `second`."""
        refills, began = self._refills, self.lease.now()
        door = self._door
        admit = None if door.is_open_to_all and not self._claiming.is_asked else self._admit
        now, allowance = self._wall_clock(), self._allowance
        shut = NONE_SHUT if self._gates is None else self._gates.shut(now)
        waits_until, wanted = allowance.waits_until(now), want
        if waits_until is not None:
            want = 0
        elif self._canary is not None:
            want = await self._canary.open(want, now, shut)
        is_held_back = wanted > want == 0
        self.is_cut = self.is_cut and not want
        if not want:
            pass
        elif allowance.is_bounded:
            room = allowance.room(want, now)
            self.is_cut = room < want
            # Towards the end of the money, or of the day's cap, one text is looked at at a time.
            want, admit = (room, admit) if room else (1, self._admit_last)
        self.sharing.before()
        try:
            step = await self._ledger.step(self._owner, done, want, now, shut, admit=admit, second=second)
        except ExhaustedError:
            want = 0
            step = await self._ledger.step(self._owner, done, 0, self._wall_clock(), shut, second=second)
            waits_until = allowance.exhausted(now, self._elsewhere)
        except _Stopped:
            step = await self._ledger.step(self._owner, done, 0, self._wall_clock(), shut, second=second)
        if step.is_fenced:
            raise LedgerFenced("another process has taken over this run")
        self.lease.renewed(began)
        self.sharing.heard(step.senders)
        waits_until = self._heard(step, now, waits_until)
        await self._claiming.release(done, is_shared=self.sharing.was_shared or self.lease.has_ended)
        if step.texts and (shut or allowance.bounds):
            self._may_wait = self._may_wait or bool(shut)
            bind(step.texts, shut, now, allowance.day_ends(now))
            allowance.opened(step.texts, now)
        if self._canary is not None and waits_until is None:
            waits_until = await self._canary.advance(now)
            may_open = is_held_back and (self._canary.is_over or self._canary.room) and self._canary.failed is None
            if may_open or (len(step.texts) < want and self._canary.draws_again):
                step = msgspec.structs.replace(step, is_more=True)
        if waits_until is not None:
            self.due, self.is_dry = waits_until, True
            return step
        self._look_on(step, done, want=want, refills=refills, now=now)
        return step

    @property
    def _elsewhere(self) -> int:
        """How many texts other machines have open."""
        return 0 if self.lease.is_endless or self._allowance.cap is None else self._allowance.cap.others(self._ledger.counts)

    def _heard(self, step: Step, now: float, waits_until: float | None) -> float | None:
        """Heed what the ledger counts for all machines. Until when nobody is opened."""
        soon = self._allowance.heard(step.bounds, now)
        self.is_cut = self.is_cut or (step.bounds is not None and bool(step.bounds.cut))
        return soon if waits_until is None else max(waits_until, soon or 0.0)

    def _look_on(self, step: Step, done: Sequence[Closed], *, want: int, refills: int, now: float) -> None:
        """What this step says of those who are still queued."""
        if len(step.texts) < want:
            self.due = self._waited_for(step.due, now)
            if self._gates is not None and step.shut and self._may_wait:
                opens = self._gates.opens(step.shut, now)
                self.due = opens if self.due is None or (opens is not None and opens < self.due) else self.due
            self.is_dry = refills == self._refills and not step.is_more
        if put_off := [close.due for close in done if close.due and self._waited_for(close.due, now)]:
            # Nobody may have asked for more, so the step has not told of these.
            self.due = min(put_off) if self.due is None else min(self.due, *put_off)

    def _waited_for(self, due: float | None, now: float) -> float | None:
        """When the first text comes due that was put off, if the run waits for that: it does not wait for another day unasked."""
        return None if due is not None and due > max(now + _PATIENCE, self._until) else due

    async def _admit_last(self, texts: Sequence[Text]) -> Sequence[Verdict]:
        self._allowance.check(texts, self._wall_clock())
        verdicts = await self._admit(texts)
        self._allowance.check_claimed(verdicts)
        return verdicts

    async def _admit(self, texts: Sequence[Text]) -> Sequence[Verdict]:
        verdicts = await self._ask(texts)
        if self._claiming.is_asked:
            verdicts = await self._claiming.claimed(texts, verdicts, self._wall_clock())
        if self._note is not None:
            for text, verdict in zip(texts, verdicts, strict=True):
                if isinstance(verdict, Wait):
                    self._note(PutOff(text.row, verdict.until, verdict.why.code))
        return verdicts

    async def _ask(self, texts: Sequence[Text]) -> Sequence[Verdict]:
        """What the rules say of these. A stop does not wait for the answer, which may come late or never."""
        if self._is_stopping:
            raise _Stopped
        if self._door.is_open_to_all:
            return [GO] * len(texts)
        if not self._door.looks_up:
            return await self._door.admit_all(texts)
        asking = self._asking = asyncio.ensure_future(self._door.admit_all(texts))
        try:
            await asyncio.wait([asking])
            if asking.cancelled():
                raise _Stopped
            return asking.result()
        finally:
            asking.cancel()

    async def renew(self, second: Second | None = None) -> None:
        """A step renews the lease."""
        await self.step((), 0, second)

    def refill(self) -> None:
        """The queue may have become longer."""
        self._refills += 1
        self.is_dry = False
        self.due = None  # the next look tells it anew

    async def begin_anew(self) -> bool:
        """Begin the queue once more, for those who were queued again; False if nobody is queued."""
        self.refill()
        return await self._ledger.again()

    def noted(self, done: Sequence[Closed], entries: Mapping[int, Entry]) -> Sequence[Closed]:
        """What workers say of a text; one that has met a cap of its own is put off until that is reset."""
        self._claiming.note(done, entries)
        self._allowance.closed(done, entries)
        if self._canary is not None and (died := sum(close.why.code is Code.INTERRUPTED for close in done)):
            self._canary.interrupted(died)
        if self._is_stopping or not any(close.why.code is Code.DAILY_CAP and not close.due for close in done):
            return done
        due = float(carrier_day(self._wall_clock()).resumes)
        return [
            msgspec.structs.replace(close, due=due)
            if close.state is State.QUEUED and close.why.code is Code.DAILY_CAP and not close.due
            else close
            for close in done
        ]

    def given_back(self, close: Closed, text: Text, *, is_held: bool) -> None: ...

    def waits_for(self, due: float) -> bool:
        """Whether this run waits for a text that is due then."""
        return self._waited_for(due, self._wall_clock()) is not None

    def put_aside(self, number: int) -> int:
        """Of those queued again in this round, so many were not sent after all."""
        return number

    def has_more(self, put_aside: int) -> bool:
        """Whether somebody is queued whom this round has not come to."""
        return self._ledger.counts[State.QUEUED] > put_aside

    def stop(self) -> None:
        self._is_stopping = True
        if self._asking is not None:
            self._asking.cancel()

    def forget(self) -> None: ...
