"""Concurrent mode: contacts that the provider hands out one at a time, each locked for a few minutes for whoever drew it.

Lives here: what to make of each answer to "next contact, please". Knows no provider.

A texter is a worker of the engine that draws its own contacts from here. Nothing here repeats a draw by itself: a draw whose
answer was lost has locked a contact for nobody, and that contact comes back when its lock ends.
"""

from __future__ import annotations

import datetime as dt
import math
import random
import time
from collections.abc import Callable

import msgspec

from rumbleup_async.engine.locks import MARGIN, HeldLocks, Locks, loop_time
from rumbleup_async.engine.ports import Drawer
from rumbleup_async.messaging import Contact, Planned, Result, Skipped, Text
from rumbleup_async.outcomes import Bar, Barred, Drawn, NoneLeft, NoneNow, NotSent, Refused, Throttled, Unknown
from rumbleup_async.reasons import APART, Code, Reason
from rumbleup_async.retry import Again, CircuitBreaker, Policy, StopRun, barring, decide
from rumbleup_async.screening.cells import clean
from rumbleup_async.screening.chosen import Writer, chosen
from rumbleup_async.screening.phones import normalise, shown
from rumbleup_async.screening.screen import Screen
from rumbleup_async.stops import Cause, Stop

__all__ = ["Claimed", "Pause", "Texters", "Writer"]


class Pause(msgspec.Struct, frozen=True):
    """No contact this time; ask again after so many seconds.

    `hold`: seconds for which nothing at all may leave, and `reason` why. `is_crowded`: too many ask at once, so half as many
    from now.
    """

    seconds: float
    hold: float = 0.0
    reason: str = ""
    is_crowded: bool = False


Claimed = Planned | Skipped | Pause | Stop | None
"""A contact, screened; a pause; why nothing more shall be asked and sent; or None at the end of the work."""


class Texters:
    """The contacts of one project as its texters draw them. `first_row` numbers them."""

    def __init__(
        self,
        drawer: Drawer,
        screen: Screen,
        *,
        writer: Writer | None,
        first_row: int,
        concurrency: int,
        policy: Policy | None = None,
        locks: Locks | None = None,
        jitter: Callable[[], float] = random.random,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._drawer = drawer
        self._screen = screen
        self._writer = writer
        self._row = first_row
        self._policy = policy or Policy()
        self._held = HeldLocks(locks or Locks(), wall_clock)
        self._breaker = CircuitBreaker(self._policy, concurrency)
        self._jitter = jitter
        self._skipped: set[str] = set()
        """Whoever is in the books as skipped; looked at again when drawn again, but put down once."""
        self._done: set[str] = set()
        """Phones of which the ledger has said that they are not texted again."""
        self._aside: dict[str, Planned] = {}
        """Whoever was put aside for a cause not of their own, oldest first."""
        self._tried_again: set[str] = set()
        self._met: set[str] = set()
        """Whoever of these two was drawn again since the last news."""
        self._repeated: set[str] = set()
        """Phones that were drawn again and of which the ledger has not said yet whether they may be texted."""
        self._news_at: float | None = None
        """When a contact was last drawn that could be texted."""
        self._throttles = 0
        self._throttled_until = -math.inf
        self._shrunk_at = -math.inf

    @property
    def lost(self) -> int:
        """Draws whose answers were lost: each may have locked a contact for nobody."""
        return self._held.lost

    @property
    def lost_until(self) -> dt.datetime | None:
        """When the last of the contacts locked for nobody comes back; None if there is none."""
        return self._held.lost_until

    @property
    def lock(self) -> float:
        """Seconds after which a contact that was drawn is surely handed out again."""
        return self._held.locks.held + MARGIN

    def remember(self, phone: str) -> None:
        """Somebody whom an earlier part of this run has skipped, by the phone in its books: not to be put down again."""
        if phone:
            self._skipped.add(phone)

    def opened(self, answer: Text | Result) -> None:
        """What the books made of a contact that was drawn: an open entry, or somebody who is not texted (again)."""
        self._repeated.discard(answer.phone)
        if isinstance(answer, Text):
            self._news()
        elif answer.code is Code.DUPLICATE:
            self._done.add(answer.phone)

    def release(self, text: Text, *, tried: bool) -> None:
        """An entry went back to the queue: nothing left, so whoever is drawn again may be texted after all.

        Who was put aside is tried once more when the provider has nobody else, as long as the lock is surely ours.
        """
        self._done.discard(text.phone)
        if tried and text.phone not in self._tried_again:
            self._aside[text.phone] = Planned(text.row, text.phone, text.text, text.name, text.segments, None, text.place)
            self._forget_aside()

    def _forget_aside(self) -> None:
        """Whoever's lock has ended comes back at the provider."""
        while self._aside and self._held.is_late(oldest := next(iter(self._aside))):
            del self._aside[oldest]

    def _once_more(self) -> Planned | None:
        """Somebody who was put aside, if there is one whose lock is ours."""
        while self._aside:
            phone = next(iter(self._aside))
            planned = self._aside.pop(phone)
            if not self._held.is_late(phone):
                self._tried_again.add(phone)
                self._row += 1
                return msgspec.structs.replace(planned, row=self._row)
        return None

    def _news(self) -> None:
        self._news_at = loop_time()
        self._met.clear()

    async def claim(self) -> Claimed:
        """Ask the provider once for its next contact. A contact that is claimed again is ours for as long again."""
        at = self._held.now()
        began = at[0]
        if self._news_at is None:
            self._news_at = began
        if began < self._throttled_until:
            # Somebody was told "too many at once": those who have a contact go on, nobody else asks.
            return Pause(self._throttled_until - began)
        try:
            answer = await self._drawer.draw()
            if isinstance(answer, Drawn):
                return await self._drawn(answer, at)
        except BaseException:
            # Cancelled, or the caller's text function failed: a contact may be locked that nobody texts.
            self._held.lose()
            raise
        if isinstance(answer, NoneLeft):
            return self._once_more() or self._while_locks_end()
        if isinstance(answer, NoneNow):
            self._works()
            return self._once_more() or self._none_now()
        return self._trouble(answer, began)

    def _works(self) -> None:
        """The provider answers as it should: trouble before this was not trouble in a row."""
        self._breaker.proven = True
        self._breaker.in_a_row = 0
        self._throttles = 0

    async def _drawn(self, drawn: Drawn, at: tuple[float, float]) -> Planned | Skipped | Pause | None:
        self._works()
        fields = {name: clean(value.strip()) for name, value in drawn.fields.items()}
        contact = Contact(self._row + 1, drawn.phone, fields)
        phone, unreadable = normalise(drawn.phone)
        who = phone or f"{shown(drawn.phone)} {_identity(drawn)}".strip()
        if phone in self._done or phone in self._repeated:
            return self._again(who)
        if drawn.barred or unreadable:
            why = drawn.barred or Reason(Code.INVALID_PHONE, unreadable)
            planned: Planned | Skipped = Skipped(contact.row, who, why)
        else:
            planned = await self._written(contact, phone)
        if isinstance(planned, Skipped):
            if who in self._skipped:
                return self._again(who)
            self._skipped.add(who)
        else:
            if self._held.begin(planned.phone, at):
                # Handed out twice: the ledger decides, and until it has, once is enough to ask it.
                self._repeated.add(planned.phone)
            self._aside.pop(planned.phone, None)
        # Numbered last: while a function chose this text, another contact may have got the number.
        self._row += 1
        return msgspec.structs.replace(planned, row=self._row)

    def _again(self, who: str) -> Pause | None:
        """Somebody who is not texted came again: nothing is documented that would tell the provider to leave a contact out.

        Others may wait behind them, so each is passed by once without a pause, and once more only after somebody else was texted.
        """
        if who in self._met:
            return self._none_now()
        self._met.add(who)
        return Pause(0.0)

    async def _written(self, contact: Contact, phone: str) -> Planned | Skipped:
        if self._writer is None:
            return self._screen(contact)
        return await chosen(self._screen, self._writer, contact, phone)

    def _while_locks_end(self) -> Pause | None:
        """Nobody is left, except contacts that may come back."""
        if self._held.locks.wait and self._held.lost:
            remaining = self._held.lost_at + self._held.locks.held + MARGIN - loop_time()
            if remaining > 0:
                return Pause(min(remaining, 10.0))
        return None

    def _none_now(self) -> Pause | None:
        """Contacts remain, locked by others or lost in a race: ask again in 1 to 3 seconds (message/next's reference page)."""
        assert self._news_at is not None  # noqa: S101 - set by the first draw
        end = self._news_at + self._held.locks.patience
        if self._held.locks.wait:
            # Long enough for the lock of whoever else died to end, and for those of our own lost draws.
            end = max(end, self._news_at + self._held.locks.held + MARGIN, self._held.lost_at + self._held.locks.held + MARGIN)
        return None if loop_time() > end else Pause(1.0 + 2.0 * self._jitter())

    def _trouble(self, answer: Refused | Throttled | Barred | NotSent | Unknown, began: float) -> Pause | Stop:
        now = loop_time()
        if isinstance(answer, Unknown) or (isinstance(answer, Barred) and answer.kind is Bar.GATEWAY):
            # A page of what stands before the API has locked nobody; one sick node shall not end the work.
            if isinstance(answer, Unknown):
                self._held.lose()
            stop = self._breaker.see(answer)
            if stop is not None:
                return msgspec.structs.replace(stop, detail="draws")
            return Pause(
                0.0, hold=min(self._policy.wait(self._breaker.in_a_row), self._policy.trouble_ceiling), reason=answer.reason
            )
        if isinstance(answer, Barred) and answer.kind is Bar.DAILY_CAP:
            return barring(answer)
        if now >= self._throttled_until:
            # Texters that are told "not now" in the same moment have been told once.
            self._throttles += 1
        decision = decide(answer, self._throttles, self._policy, proven=self._breaker.proven)
        if isinstance(decision, StopRun):
            return decision.stop
        if not isinstance(decision, Again):
            return Stop(Cause.NO_CONTACTS, why=answer.why)
        self._throttled_until = now + decision.after
        pause = Pause(decision.after * (1.0 + self._jitter()))
        if not (isinstance(answer, Throttled) and answer.status == 440):
            return msgspec.structs.replace(pause, hold=decision.after, reason=decision.reason)
        if began < self._shrunk_at:
            return pause
        # Too many texters at once: half of them, while those that have a contact go on.
        self._shrunk_at = now
        return msgspec.structs.replace(pause, is_crowded=True)

    def lasts(self, text: Text) -> bool:
        """Whether the lock surely lasts: else the contact may be somebody else's by now."""
        return not self._held.is_late(text.phone)

    def comes_back(self, text: Text) -> Reason:
        """When a contact that was drawn but is not sent comes back."""
        ends = self._held.ends_at(text.phone)
        return Reason(Code.DRAWN) if ends is None else Reason(Code.DRAWN, f"{APART}; its lock ends at {ends:%H:%M:%S} UTC")


def _identity(drawn: Drawn) -> str:
    """Who a contact without a readable phone is, in the words of the provider; `cid` alone is the account, the same for all."""
    return " ".join(drawn.fields[name] for name in ("rupid", "first_name", "last_name", "cid") if name in drawn.fields)[:40]
