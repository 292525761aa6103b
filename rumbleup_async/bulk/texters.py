"""Concurrent mode: contacts that the provider hands out one at a time, each locked for a few minutes for whoever drew it.

Lives here: what to make of each answer to "next contact, please". May import: errors, messaging, retry, bulk.*. Knows no
provider.

A texter is a worker of the engine that draws its own contacts from here. Nothing here repeats a draw by itself: a draw whose
answer was lost has locked a contact for nobody, and that contact comes back when its lock ends.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import inspect
import random
import time
from collections.abc import Awaitable, Callable

import msgspec

from rumbleup_async.bulk.ports import Drawer, Pause, Steering
from rumbleup_async.bulk.screening import Screen
from rumbleup_async.bulk.template import says_stop
from rumbleup_async.messaging import (
    Barred,
    Contact,
    Drawn,
    NoneLeft,
    NoneNow,
    NotSent,
    Planned,
    Refused,
    Skipped,
    Text,
    Throttled,
    Unknown,
)
from rumbleup_async.retry import Again, Policy, Stop, StopRun, Watch, decide

Writer = Callable[[Contact], str | Awaitable[str | None] | None]
"""Chooses the text for a contact; None leaves the contact alone."""


class Locks(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds. `held`: how long the provider keeps a contact for whoever drew it (about five minutes: message/next's
    reference page).

    `send_within`: a contact is sent only so long after its draw was begun. `patience`: how long "none this time" is asked again
    without any contact coming before it counts as the end. `wait`: whether to stay until contacts whose draw was lost have
    come back.
    """

    held: float = 300.0
    send_within: float = 240.0
    patience: float = 60.0
    wait: bool = False


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
        self._locks = locks or Locks()
        self._watch = Watch(self._policy, concurrency)
        self._jitter = jitter
        self._wall_clock = wall_clock
        self._begun: dict[str, float] = {}
        """When the draw of a contact was begun, on the loop's clock: its lock is surely ours from then on."""
        self._passed_over: set[str] = set()
        """Phones that are not texted in this run; the provider hands them out again when their locks end."""
        self._lost: list[float] = []
        """When the draws whose answers were lost were begun."""
        self._news_at: float | None = None
        self._throttles = 0
        self._throttled_until = 0.0

    @property
    def lost(self) -> int:
        """Draws whose answers were lost: each may have locked a contact for nobody."""
        return len(self._lost)

    @property
    def lost_until(self) -> dt.datetime | None:
        """When the last of the contacts locked for nobody comes back; None if there is none."""
        if not self._lost:
            return None
        return self._at(self._lost[-1] + self._locks.held)

    async def draw(self, steering: Steering) -> Planned | Skipped | Pause | None:
        """One draw: a contact, screened; a pause; or None at the end of the work."""
        began = asyncio.get_running_loop().time()
        if self._news_at is None:
            self._news_at = began
        answer = await self._answer(began)
        if isinstance(answer, Drawn):
            return await self._drawn(answer, began)
        if isinstance(answer, NoneLeft):
            return self._while_locks_end()
        if isinstance(answer, NoneNow):
            return self._none_now()
        return self._trouble(answer, began, steering)

    async def _answer(self, began: float) -> object:
        try:
            return await self._drawer.draw()
        except asyncio.CancelledError:
            self._lost.append(began)
            raise

    async def _drawn(self, drawn: Drawn, began: float) -> Planned | Skipped | Pause:
        self._watch.proven = True
        self._watch.in_a_row = 0
        self._throttles = 0
        self._row += 1
        contact = Contact(self._row, drawn.phone, drawn.fields)
        planned = Skipped(contact.row, contact.phone, drawn.barred) if drawn.barred else await self._written(contact)
        if isinstance(planned, Skipped):
            if planned.phone in self._passed_over:
                # Nothing is documented that would tell the provider to leave a contact out, so it comes again and again.
                return Pause(1.0 + self._jitter())
            self._passed_over.add(planned.phone)
        else:
            self._begun.pop(planned.phone, None)
            self._begun[planned.phone] = began
            self._forget(began - 2 * self._locks.held)
        self._news_at = asyncio.get_running_loop().time()
        return planned

    def _forget(self, before: float) -> None:
        """Drop what is too old to be of use, so that memory does not grow with the project."""
        while (oldest := next(iter(self._begun))) and self._begun[oldest] < before:
            del self._begun[oldest]

    async def _written(self, contact: Contact) -> Planned | Skipped:
        if self._writer is None:
            return self._screen(contact)
        text = self._writer(contact)
        if inspect.isawaitable(text):
            text = await text
        if text is None:
            return Skipped(contact.row, contact.phone, "no text was chosen")
        if not says_stop(text):
            return Skipped(contact.row, contact.phone, "the text chosen does not say STOP")
        return self._screen.with_text(contact, text)

    def _while_locks_end(self) -> Pause | None:
        """Nobody is left, except contacts that may come back."""
        if self._locks.wait and self._lost:
            remaining = self._lost[-1] + self._locks.held - asyncio.get_running_loop().time()
            if remaining > -10.0:  # a little longer than their locks, for clocks and rounding
                return Pause(max(1.0, min(remaining, 10.0)))
        return None

    def _none_now(self) -> Pause | None:
        """Contacts remain, locked by others or lost in a race: ask again in 1 to 3 seconds (message/next's reference page)."""
        now = asyncio.get_running_loop().time()
        patience = self._locks.patience
        if self._locks.wait:
            patience = max(patience, self._locks.held + 30.0)
        if self._news_at is not None and now - self._news_at > patience:
            return None
        return Pause(1.0 + 2.0 * self._jitter())

    def _trouble(self, answer: object, began: float, steering: Steering) -> Pause | None:
        now = asyncio.get_running_loop().time()
        if isinstance(answer, Unknown):
            self._lost.append(began)
            stop = self._watch.see(answer)
            if stop is not None:
                steering.stop(Stop(stop.cause, stop.message.replace("texts in a row", "draws in a row")))
                return None
            seconds = min(self._policy.wait(self._watch.in_a_row), self._policy.trouble_ceiling)
            steering.hold(seconds, answer.reason)
            return Pause(0.0)
        assert isinstance(answer, (Throttled, NotSent, Barred, Refused))  # noqa: S101 - the rest of the union
        if now >= self._throttled_until:
            # Texters that are told "not now" in the same moment have been told once.
            self._throttles += 1
        decision = decide(answer, self._throttles, self._policy, proven=self._watch.proven)
        if isinstance(decision, StopRun):
            steering.stop(decision.stop)
            return None
        if not isinstance(decision, Again):
            steering.stop(Stop("no contacts", f"the provider does not hand out contacts: {getattr(answer, 'reason', '')}"))
            return None
        self._throttled_until = now + decision.after
        if isinstance(answer, Throttled) and answer.status == 440:
            # Too many texters at once: fewer of them, while those that have a contact go on.
            steering.shrink()
        else:
            steering.hold(decision.after, decision.reason)
        return Pause(decision.after * (1.0 + self._jitter()))

    def too_late(self, text: Text) -> bool:
        """Whether the lock may have ended: then the contact may be somebody else's by now."""
        begun = self._begun.get(text.phone)
        return begun is None or asyncio.get_running_loop().time() - begun > self._locks.send_within

    def given_back(self, text: Text) -> str:
        """When a contact that was drawn but is not sent comes back."""
        begun = self._begun.get(text.phone)
        if begun is None:
            return "drawn, not sent"
        return f"drawn, not sent; its lock ends at {self._at(begun + self._locks.held):%H:%M:%S} UTC"

    def _at(self, loop_time: float) -> dt.datetime:
        seconds = loop_time - asyncio.get_running_loop().time()
        return dt.datetime.fromtimestamp(self._wall_clock() + seconds, dt.UTC)
