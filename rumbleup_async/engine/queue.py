"""The ledger's queue as a source of texts: fast mode.

Lives here: asking the ledger for the next texts, and the rules for each of them, in one durable step.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import force_setattr

from rumbleup_async.admission import GO, Verdict, Wait
from rumbleup_async.engine.budget import Budget
from rumbleup_async.engine.claiming import Claiming
from rumbleup_async.engine.entries import Entry
from rumbleup_async.engine.lease import Lease, boot_time
from rumbleup_async.engine.ports import Claims, Gates, Ledger
from rumbleup_async.errors import LedgerFenced
from rumbleup_async.events import Event, PutOff
from rumbleup_async.messaging import NONE_SHUT, Closed, Second, State, Step, Text
from rumbleup_async.rules.door import Door


def bind(texts: Sequence[Text], shut: Mapping[int, float], now: float) -> None:
    """Have each of these texts, whose places are open at `now`, know until when it may leave. Nobody else has seen them yet."""
    for text in texts:
        if text.place:
            force_setattr(text, "until", shut.get(text.place, 0.0))
            force_setattr(text, "since", now)


class _UnaffordableError(Exception):
    """There is no money for the next text."""


class _Stopped(Exception):
    """The run was stopped while the rules were asked."""


class Queue:
    """Fits `Source`. `is_dry`: the last look into it found nobody more. `due`: when the first text that was put off comes due."""

    is_lease = False
    is_asking = False
    has_news = False

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
        budget: Budget | None = None,
    ) -> None:
        self._budget = budget
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

    async def begin(self) -> None:
        """Take up the books under an owner of our own."""
        self._owner = (await self._ledger.enlist("bookkeeper")).id

    async def step(self, done: Sequence[Closed], want: int, second: Second | None = None) -> Step:
        """Close these, open up to `want` more, keep `second`."""
        refills, began = self._refills, self.lease.now()
        door = self._door
        admit = None if door.is_open_to_all and not self._claiming.is_asked else self._admit
        if self._budget is not None and want:
            room = self._budget.room(want)
            # Towards the end of the money one text is looked at at a time.
            want, admit = (room, admit) if room else (1, self._admit_affordable)
        now = self._wall_clock()
        shut = NONE_SHUT if self._gates is None else self._gates.shut(now)
        try:
            step = await self._ledger.step(self._owner, done, want, now, shut, admit=admit, second=second)
        except _UnaffordableError:
            want = 0
            step = await self._ledger.step(self._owner, done, 0, self._wall_clock(), shut, second=second)
            if self._budget is not None and not self._budget.open:
                self._budget.spent(self._budget.stop)
        except _Stopped:
            step = await self._ledger.step(self._owner, done, 0, self._wall_clock(), shut, second=second)
        if step.is_fenced:
            raise LedgerFenced("another process has taken over this run")
        self.lease.renewed(began)
        await self._claiming.release(done)
        if self._budget is not None:
            self._budget.opened(step.texts)
        if shut and step.texts:
            self._may_wait = True
            bind(step.texts, shut, now)
        if len(step.texts) < want:
            self.due = step.due
            if self._gates is not None and step.shut and self._may_wait:
                opens = self._gates.opens(step.shut, now)
                self.due = opens if self.due is None or (opens is not None and opens < self.due) else self.due
            self.is_dry = refills == self._refills and not step.is_more
        if put_off := [close.due for close in done if close.due]:
            # Nobody may have asked for more, so the step has not told of these.
            self.due = min(put_off) if self.due is None else min(self.due, *put_off)
        return step

    async def _admit_affordable(self, texts: Sequence[Text]) -> Sequence[Verdict]:
        if self._budget is not None and not all(map(self._budget.fits, texts)):
            raise _UnaffordableError
        return await self._admit(texts)

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

    async def renew(self) -> None:
        """A step renews the lease."""
        await self.step((), 0)

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
        """Nothing is to be added to what workers say of a text."""
        self._claiming.note(done, entries)
        if self._budget is not None:
            self._budget.closed(done, entries)
        return done

    def given_back(self, close: Closed, text: Text, *, is_held: bool) -> None: ...

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
