"""Contacts that a provider leases one at a time, as a source of texts: concurrent mode.

Lives here: how many are asked for at a time, and their way into the books. What to make of each answer of the provider's is in
`texters`.

A texter is one place: it asks for a contact, has it in hand until its text is done, and asks again. So there are never more
contacts leased than texters. A texter that is told that there is nobody left has ended; the run is over when all have.

A contact that may not be texted now is queued in the books with the reason and not held: it comes back at the provider when its
lease ends. As every contact that is drawn is locked for a while, many such in a row pause the asking until one of them may be
texted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from rumbleup_async.engine.allowance import Allowance
from rumbleup_async.engine.claiming import Claiming
from rumbleup_async.engine.doorstep import Doorstep
from rumbleup_async.engine.entries import Entry
from rumbleup_async.engine.lease import Lease, boot_time
from rumbleup_async.engine.numbering import numbered
from rumbleup_async.engine.ports import Claims, Gates, Ledger
from rumbleup_async.engine.sender import Sender, this_task
from rumbleup_async.engine.sharing import Sharing
from rumbleup_async.engine.texters import Pause, Texters
from rumbleup_async.errors import LedgerFenced
from rumbleup_async.messaging import Closed, Planned, Result, Second, Skipped, State, Step, Text
from rumbleup_async.money import Bounded
from rumbleup_async.rules.door import Door
from rumbleup_async.stops import Cause, Stop


class LeaseBooks(Protocol):
    """What leases ask of the books."""

    def wake(self) -> None: ...

    def stop(self, why: Stop) -> None: ...

    def fail(self, error: BaseException, why: Stop) -> None: ...


class Leases:
    """Fits `Source`. `attach` before it is used."""

    is_lease = True
    is_cut = False
    wants_whole = False

    def __init__(
        self,
        ledger: Ledger,
        texters: Texters,
        door: Door,
        *,
        concurrency: int,
        wall_clock: Callable[[], float],
        boot_clock: Callable[[], float] = boot_time,
        gates: Gates | None = None,
        claims: Claims | None = None,
        longest_rest: float = 60.0,
        allowance: Allowance | None = None,
    ) -> None:
        self._ledger = ledger
        self._allowance = allowance or Allowance()
        self._texters = texters
        self._wall_clock = wall_clock
        self._claiming = Claiming(claims)
        self._owner = 0
        self.lease = Lease(ledger.lease, boot_clock)
        self.longest_rest = longest_rest
        self._left = concurrency
        """Texters that have not ended."""
        self._in_hand = 0
        self._drawn: list[Planned | Skipped] = []
        self._asking: set[asyncio.Task[None]] = set()
        """Texters that wait for the provider's next contact."""
        self._active = 0
        self._second: Second | None = None
        """Still to be written down."""
        self._is_abandoned = False
        self.sharing = Sharing()
        self._doorstep = Doorstep(door, gates, texters.lock)

    def attach(self, books: LeaseBooks, sender: Sender, spawn: Callable[..., object]) -> None:
        """Who is told what happens, and who starts a texter's task."""
        self._books = books
        self._sender = sender
        self._spawn = spawn

    @property
    def due(self) -> float | None:
        """Until when nobody is drawn."""
        return self._doorstep.paused_until

    @property
    def is_dry(self) -> bool:
        return self._left == 0 and self._elsewhere <= 0

    @property
    def _elsewhere(self) -> int:
        """How many texts other machines have open: the run is not at its end before these are closed."""
        return 0 if self.lease.is_endless else self._ledger.counts[State.INTENT] - self._in_hand

    @property
    def is_asking(self) -> bool:
        return self._active > 0

    @property
    def has_news(self) -> bool:
        return bool(self._drawn)

    async def begin(self) -> None:
        self._owner = (await self._ledger.enlist("bookkeeper")).id

    async def step(self, done: Sequence[Closed], want: int, second: Second | None = None) -> Step:
        """Close these, and open those who were leased meanwhile. More are asked for as far as they are wanted."""
        self._second = second or self._second
        drawn, self._drawn = self._drawn, []
        texts: list[Text] = []
        results: list[Result] = []
        counted = self._allowance.counted
        bounds: Bounded | None = None
        now, began = self._wall_clock(), self.lease.now()
        self.sharing.before()
        if drawn:
            try:
                drawn = await numbered(self._ledger, drawn)
                let_in, waits = await self._doorstep.let_in(drawn, now)
                # An answer may have named a higher price since they were drawn.
                waits |= self._allowance.beyond([row for row in let_in if isinstance(row, Planned) and row.row not in waits])
                let_in = await self._claiming.let_in(let_in, waits, now)
                answers = await self._ledger.claim(self._owner, done, let_in, now, waits=waits)
            except BaseException:
                self._drawn = drawn + self._drawn
                raise
            bounds = None if counted is None else counted.bounds.told
            for answer in answers:
                self._texters.opened(answer)
                if isinstance(answer, Text):
                    texts.append(answer)
                else:
                    results.append(answer)
        elif done or not self.lease.is_endless:
            second, self._second = self._second, None  # a claim keeps none
            step = await self._ledger.step(self._owner, done, 0, now, second=second)
            if step.is_fenced:
                raise LedgerFenced("another process has taken over this run")
            bounds = step.bounds
        self.lease.renewed(began)
        self.sharing.heard(self.sharing.senders)
        if (soon := self._allowance.heard(bounds, now)) is not None:
            self._doorstep.paused_until = soon
        is_shared = self.sharing.was_shared or self.lease.has_ended
        await self._claiming.not_opened([*texts, *results], is_shared=is_shared)
        await self._claiming.release(done, is_shared=is_shared)
        self._doorstep.bind(texts, now, self._allowance.day_ends(now))
        self._allowance.opened(texts, now)
        self._in_hand += len(texts) - len(done)
        if self._doorstep.is_hopeless:
            self._books.stop(Stop(Cause.OUTSIDE_HOURS))
        elif self._doorstep.paused_until is None:
            self._ask_for(want - len(texts))
        return Step(texts, results)

    async def renew(self, second: Second | None = None) -> None:
        # By itself: nobody is there to be dealt those who were drawn meanwhile.
        now, began = self._wall_clock(), self.lease.now()
        self.sharing.before()
        if (await self._ledger.step(self._owner, (), 0, now, second=second)).is_fenced:
            raise LedgerFenced("another process has taken over this run")
        self.lease.renewed(began)
        self.sharing.heard(self.sharing.senders)

    def noted(self, done: Sequence[Closed], entries: Mapping[int, Entry]) -> Sequence[Closed]:
        """Who is given back without a reason comes back at the provider when the lease ends."""
        self._claiming.note(done, entries)
        self._allowance.closed(done, entries)
        if not any(close.state is State.QUEUED and not close.why for close in done):
            return done
        return [
            msgspec.structs.replace(close, why=self._texters.comes_back(entries[close.row].text))
            if close.state is State.QUEUED and not close.why
            else close
            for close in done
        ]

    def given_back(self, close: Closed, text: Text, *, is_held: bool) -> None:
        self._texters.release(text, tried=close.attempts > text.attempts and not is_held)

    def waits_for(self, due: float) -> bool:  # noqa: ARG002 - whoever is given back comes when the lease ends
        return False

    def put_aside(self, number: int) -> int:  # noqa: ARG002 - whoever is queued was given back
        return self._ledger.counts[State.QUEUED]

    def has_more(self, put_aside: int) -> bool:  # noqa: ARG002
        return True

    def refill(self) -> None:
        self._doorstep.go_on()

    async def begin_anew(self) -> bool:
        return False

    def stop(self) -> None: ...

    def abandon(self) -> None:
        """Do not even wait for the answers of those who ask."""
        self._is_abandoned = True
        for task in tuple(self._asking):
            task.cancel()

    def forget(self) -> None:
        self._drawn.clear()

    # ---- asking ----

    def _ask_for(self, number: int) -> None:
        free = self._left - self._in_hand - self._active - len(self._drawn)
        if (self._allowance.is_bounded or self._allowance.counted is not None) and number > 0:
            now = self._wall_clock()
            # Nobody is drawn whose text could not be paid, or would not fit into the day, however long it becomes.
            until = self._allowance.waits_until(now)
            number = 0 if until is not None else self._allowance.room_of_all(number, now)
            if not number and not (self._in_hand or self._active or self._drawn):
                self._doorstep.paused_until = self._allowance.exhausted(now, self._elsewhere) if until is None else until
        for _ in range(min(number - self._active - len(self._drawn), free)):
            self._active += 1
            self._spawn(self._ask)

    async def _ask(self) -> None:
        """Ask until there is a contact, or none is left."""
        try:
            while await self._sender.unheld():
                drawn = await self._claim()
                if isinstance(drawn, Pause):
                    if drawn.hold:
                        self._sender.hold(drawn.hold, drawn.reason)
                    if drawn.is_crowded:
                        self._sender.tread_softly()
                    # A texter that pauses keeps its place. Else the next one would ask at once what this one is to ask later.
                    await self._sender.patiently(asyncio.sleep, drawn.seconds)
                elif isinstance(drawn, Stop):
                    self._books.stop(drawn)
                    return
                else:
                    if drawn is None:
                        self._left -= 0 if self._doorstep.rest(self._wall_clock()) else 1
                    else:
                        self._drawn.append(drawn)
                    return
        finally:
            self._active -= 1
            self._books.wake()

    async def _claim(self) -> Planned | Skipped | Pause | Stop | None:
        task = this_task()
        self._asking.add(task)
        try:
            return await self._texters.claim()
        except asyncio.CancelledError as error:
            task.uncancel()
            why = Stop(Cause.TEXT_FAILED, f"the text could not be chosen: {type(error).__name__}")
            if not self._is_abandoned:
                self._books.fail(RuntimeError("the function that chooses texts was cancelled"), why)
            return why
        except Exception as error:  # noqa: BLE001 - the caller's own text function may fail; run() raises it again
            why = Stop(Cause.TEXT_FAILED, f"the text could not be chosen: {type(error).__name__}")
            self._books.fail(error, why)
            return why
        finally:
            self._asking.discard(task)
