"""When the next text may leave: at the rate that was asked for or was learned, and not while anything holds.

Lives here: waiting, nothing else. The running event loop is the clock. Knows no provider.
A provider that sends from several lines brings a pace of its own, which names the line in the permit.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Protocol

from rumbleup_async.engine.client_limit import ClientLimit
from rumbleup_async.engine.crowding import Crowding
from rumbleup_async.engine.ports import Permit
from rumbleup_async.engine.ramp import Ramp
from rumbleup_async.engine.schedule import Schedule
from rumbleup_async.engine.shares import Part
from rumbleup_async.engine.window import Window
from rumbleup_async.messaging import Text

_PULSE = 1.0
"""Seconds after which a run tells the others of its client that it still sends."""
_LONG = 10.0
"""Seconds in which nothing left, after which what was counted before says nothing any more."""


class Hold:
    """A shared "nobody sends until then", set by whoever was told 429 or 440 or met a server in trouble."""

    def __init__(self) -> None:
        self._until = 0.0
        self.is_set = False
        """Somebody has set it, and nobody has seen its end."""

    def hold(self, seconds: float) -> None:
        """Let nothing leave for so many seconds from now. A longer hold already in force stays."""
        self._until = max(self._until, asyncio.get_running_loop().time() + seconds)
        self.is_set = True

    @property
    def remaining(self) -> float:
        """Seconds until texts may leave again; 0 or less means now."""
        if not self._until:
            return 0.0
        remaining = self._until - asyncio.get_running_loop().time()
        if remaining <= 0:
            self._until, self.is_set = 0.0, False
        return remaining

    async def wait(self) -> None:
        """Return when nothing holds any more."""
        while (remaining := self.remaining) > 0:  # noqa: ASYNC110 - the end may be put off while it waits
            await asyncio.sleep(remaining)


class Learner(Protocol):
    """Knows how fast the provider takes texts: `Learning`, or the far end of one that several processes share."""

    rate: float | None
    limit: float | None
    until: float
    pauses: int

    def accepted(self, left: float, now: float) -> None:
        """As `Learning.accepted`."""

    def throttled(self, left: float, now: float, after: float | None = None, in_flight: int = 0) -> None:
        """As `Learning.throttled`."""

    def resumed(self, now: float) -> None:
        """As `Learning.resumed`."""


class Pace:
    """Lets texts through at no more than `rate` a second (None or 0: no limit of ours), and no faster than the provider takes
    them.

    `learning` knows what the provider takes; this waits for it. A hold is kept whoever began it: another run of the same client,
    or another process. `limit`: what all runs of the client know.
    """

    def __init__(self, rate: float | None = None, hold: Hold | None = None, limit: ClientLimit | None = None) -> None:
        if rate is not None and not rate >= 0:
            raise ValueError("rate must be a number of texts per second, 0 for no limit")
        self._whole = self._asked = self._rate = rate or None
        self._sharers = 1
        self.hold = hold or Hold()
        self._limit = limit or ClientLimit()
        self.learning: Learner = self._limit.learning
        self._seen = -math.inf
        """When the other runs of the client have heard of this one."""
        self._crowding = Crowding()
        self._window: Window | None = None
        self._ramp = Ramp()
        self._schedule = Schedule(self._asked)
        self._was_held = True
        """Nothing has left before, or for a while."""
        self._time: Callable[[], float] | None = None
        """The clock of the loop in which it is used. It is kept: to ask for the loop costs a system call before Python 3.12."""

    def _now(self) -> float:
        if self._time is None:
            self._time = asyncio.get_running_loop().time
        return self._time()

    @property
    def rate(self) -> float | None:
        """Texts a second let through now, apart from the spacing of the first ones; None for no limit."""
        return self._rate

    @property
    def learned(self) -> float | None:
        """Texts a second that the provider was last seen to allow; None where it has not shown a limit."""
        if self._crowding.most is not None:
            return self._crowding.rate
        limit = self.learning.limit
        return limit if limit is None or self._limit.number == 1 else self._limit.part(limit, self)

    @property
    def asked(self) -> float | None:
        """Texts a second that this process was asked to send at most."""
        return self._asked

    def fits(self, window: Window) -> None:
        """What is under way has room in this window: it is made to fit where so many at a time are the limit."""
        if isinstance(self.learning, Part):
            self._window = window

    def learns_from(self, learning: Learner) -> None:
        """Somebody else learns, from what several processes send. How many are under way altogether is not known here."""
        self.learning, self._window = learning, None

    def limit(self, rate: float | None) -> None:
        """Another rate is asked for from now on. What was learned stays."""
        self._whole = rate or None
        self.share(self._sharers)

    def share(self, sharers: int) -> None:
        """The rate that is asked for is shared among so many, of whom this is one."""
        if sharers != self._sharers and self.learning.limit is not None and self._limit.number == 1:
            self._go_by(self.learning.limit * self._sharers / sharers)
        self._sharers = sharers
        self._asked = None if self._whole is None else self._whole / sharers
        self._follow()

    def adopt(self, limit: float) -> None:
        """Others have learned that the provider takes so many texts a second from each."""
        if self.learning.limit is None and self.learning.rate is None:
            self._go_by(limit)
            self._follow()

    def _go_by(self, limit: float) -> None:
        if isinstance(self.learning, Part):
            self.learning.go_by(limit, asyncio.get_running_loop().time())

    def _follow(self) -> None:
        self.follow()
        if self._limit.number > 1:
            self._limit.tell()

    def follow(self) -> None:
        """As `client_limit.Sharer.follow`."""
        learned = self.learning.rate if self._crowding.most is None else None
        if learned is not None and self._limit.number > 1:
            learned = self._limit.part(learned, self)
        self._rate = _least(self._asked, learned)
        rate = _least(self._rate, self._ramp.rate)
        if rate != self._schedule.rate:
            self._schedule.limit(rate)

    def shares(self, now: float) -> None:
        """As `client_limit.Sharer.shares`: how many are under way altogether is not known any more."""
        if self._window is not None and self._crowding.start(now):
            self._fit(self._window, now)

    def _sends(self, now: float) -> None:
        """Let the other runs of the client know."""
        if now - self._seen > _LONG:
            self._was_held = True
        self._seen = now
        if isinstance(self.learning, Part):
            self._limit.sees(self, now)
            self.learning = self._limit.learning

    def _rest(self, now: float) -> float:
        """Seconds until texts may leave again, as far as answers say so; 0 or less means now."""
        if not (self._was_held or self.hold.is_set or self.learning.until > now):
            return 0.0
        rest = max(self.hold.remaining, self.learning.until - now)
        if rest > 0:
            self._was_held = True
        elif self._was_held:
            # Nothing has left for a while: what is counted from here on is not to be divided by that time.
            self._was_held = False
            self.learning.resumed(now)
            self._follow()
            self._schedule.skip(now)
            rest = self.learning.until - now
        return rest

    def try_permit(self, text: Text, /) -> Permit | None:  # noqa: ARG002 - all texts are alike to this pace
        """A permit if one text may leave right now, else None."""
        now = self._now()
        if now - self._seen > _PULSE:
            self._sends(now)
        if self._rest(now) > 0 or not self._schedule.try_take():
            return None
        return Permit(0, now)

    async def permit(self, text: Text, /) -> Permit:  # noqa: ARG002 - as above
        """Wait until one text may leave."""
        loop = asyncio.get_running_loop()
        while True:
            while (rest := self._rest(loop.time())) > 0:  # noqa: ASYNC110 - the end may be put off while it waits
                await asyncio.sleep(rest)
            now = await self._schedule.take()
            if now - self._seen > _PULSE:
                self._sends(now)
            if self._rest(now) <= 0:
                return Permit(0, now)
            self._schedule.give_back()

    def release(self, permit: Permit, /) -> None:  # noqa: ARG002 - its permits are all alike
        """Take back a permit that was not used: the next text has it."""
        self._schedule.give_back()

    def stands(self, permit: Permit, /) -> bool:  # noqa: ARG002 - as above
        """Always: a wait that the provider asks for is in the hold."""
        return True

    def accepted(self, permit: Permit, /) -> None:
        """The provider has done its work for the text of this permit, if only to refuse it."""
        now = self._now()
        if not self._ramp.is_over:
            self._ramp.accepted(now - permit.at)
        learning, window, crowding = self.learning, self._window if self._limit.number == 1 else None, self._crowding
        if window is not None and learning.rate is not None and crowding.taken(permit.at, now):
            self._fit(window, now)
        if crowding.most is None:
            learning.accepted(permit.at, now)
        self._follow()

    def throttled(self, permit: Permit, after: float | None = None, in_flight: int = 0, /) -> int:
        """As `Pace.throttled` of the ports."""
        self._ramp.end()
        learning, crowding, runs = self.learning, self._crowding, self._limit.number
        window = self._window if runs == 1 else None
        now = asyncio.get_running_loop().time()
        if window is not None and learning.rate is not None:
            if crowding.start(now) if after else crowding.refused(permit.at, now):
                self._fit(window, now)
            if crowding.most is not None:
                if permit.at >= crowding.begun:
                    window.crowd(permit.at, now, in_flight + 1)
                return 0
        pauses = learning.pauses
        learning.throttled(permit.at, now, after, in_flight * runs)
        self._follow()
        return learning.pauses if learning.pauses > pauses else 0

    def _fit(self, window: Window, now: float) -> None:
        """So many at a time are the limit, or not after all."""
        if self._crowding.most is None:
            window.open()
            self.learning.resumed(now)
        else:
            window.fit(self._crowding.most)
        self._follow()


def _least(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return one if other is None else other
    return min(one, other)
