"""So many texts a second, each at its time.

Lives here: the timetable of a rate, and the queue of those who wait for it. The running event loop is the clock. Knows no
text, no hold and no provider.

The times are absolute: a sleep that takes too long makes one text late and none of the later ones. What was missed is made
up for, but no more of it than `spare(rate)`, and never beyond that in any second, wherever the second begins.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque

_SLICE = 0.010
"""Seconds between two wake-ups where texts leave oftener than that: to wake for each text of 5,000 a second would cost more
CPU than the text. It has to be well below the 20 ms that may be made up for."""

_TICK = 0.001
"""uvloop counts in milliseconds, and does not wait at all for less than one."""


def spare(rate: float) -> float:
    """By how many texts a second may exceed the rate, and how many of those missed are made up for: one, or 2 %."""
    return max(1.0, 0.02 * rate)


class Schedule:
    """Leave for `rate` texts a second (None: no limit). Whoever waits longest has the next one.

    On average the rate is met within 1 % as long as the loop is not held up for longer than 20 ms at a time.
    No second has more than `rate + spare(rate)` in it. There is no burst at the start.
    """

    def __init__(self, rate: float | None = None) -> None:
        self._due: float | None = None
        """When the next text may leave; None before the first."""
        self._given: deque[float] = deque()
        """When the last ones left, as many as may leave in a second."""
        self._called = 0
        """Those who have leave and do not know it yet: they leave when the loop comes to them, which may take a while."""
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._interval = self._late = 0.0
        self._most = 0
        self._set(rate)

    def _set(self, rate: float | None) -> None:
        self._rate = rate
        if rate is None:
            return
        self._interval = 1.0 / rate
        self._late = spare(rate) / rate
        self._most = int(rate + spare(rate) + 1e-9)
        self._given.clear()

    @property
    def rate(self) -> float | None:
        """Texts a second; None for no limit."""
        return self._rate

    def limit(self, rate: float | None) -> None:
        """Another rate from now on. The change itself lets nobody out; a second that spans it obeys the greater of the two."""
        if rate == self._rate:
            return
        was_free = self._rate is None
        self._set(rate)
        if rate is not None:
            now = asyncio.get_running_loop().time()
            self._due = now + self._interval if was_free or self._due is None else min(self._due, now + self._interval)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._wake()

    def skip(self, now: float) -> None:
        """What was missed until now, because nothing might leave, is not made up for."""
        if self._due is not None:
            self._due = max(self._due, now)

    def try_take(self) -> bool:
        """Leave for one text right now, if it is due and nobody waits for it."""
        if self._rate is None:
            return True
        now = asyncio.get_running_loop().time()
        if self._waiting or not self._take(now):
            return False
        self._given.append(now)
        return True

    async def take(self) -> float:
        """Wait for leave for one text. When it was given, on the loop's clock."""
        loop = asyncio.get_running_loop()
        if not self._waiting and self.try_take():
            return loop.time()
        turn = loop.create_future()
        self._waiting.append(turn)
        if self._timer is None:
            self._arm()
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self._called -= 1
                self._put_back()
            else:
                self._forget(turn)
            raise
        self._called -= 1
        now = loop.time()
        if self._rate is not None:
            self._given.append(now)
        return now

    def give_back(self) -> None:
        """A text that was just given leave did not leave: the next one has it, within what may be made up for."""
        if self._given:
            self._given.pop()
        self._put_back()

    def _put_back(self) -> None:
        if self._rate is not None and self._due is not None:
            self._due -= self._interval

    def _take(self, now: float) -> bool:
        """Whether one may leave now. The caller notes when it left."""
        due = now if self._due is None else self._due
        if due > now:
            return False
        given = self._given
        if len(given) + self._called >= self._most:
            if not given or now < given[0] + 1.0:
                return False
            given.popleft()
        earliest = now - self._late
        self._due = max(due, earliest) + self._interval
        return True

    def _wake(self) -> None:
        """Give leave to those whose time has come, and have the others woken."""
        self._timer = None
        waiting = self._waiting
        now = asyncio.get_running_loop().time()
        while waiting:
            turn = waiting[0]
            if not turn.done():
                if self._rate is not None and not self._take(now):
                    self._arm()
                    return
                self._called += 1
                turn.set_result(None)
            waiting.popleft()

    def _arm(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        at = now if self._due is None else self._due
        if self._given and len(self._given) + self._called >= self._most:
            at = max(at, self._given[0] + 1.0)
        ticks = math.ceil(max(at - now, _SLICE if self._interval < _SLICE else _TICK) / _TICK)
        self._timer = loop.call_later(ticks * _TICK, self._wake)

    def _forget(self, turn: asyncio.Future[None]) -> None:
        """Somebody no longer waits. The timer goes with the last one: the next one may run on another loop."""
        if turn in self._waiting:
            self._waiting.remove(turn)
        if not self._waiting and self._timer is not None:
            self._timer.cancel()
            self._timer = None
