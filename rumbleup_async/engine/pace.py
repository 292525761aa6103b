"""When the next text may leave: the rate limit, the hold after "not now", and the slow-down that follows.

Lives here: waiting, nothing else. The running event loop is the clock. Knows no provider.
A provider that sends from several lines brings a pace of its own, which names the line in the permit.
"""

from __future__ import annotations

import asyncio
import math

from aiolimiter import AsyncLimiter

from rumbleup_async.engine.ports import Permit
from rumbleup_async.messaging import Text

_PERMIT = Permit()
"""Every permit of a pace without lines says the same, so none is made for each text."""

_SLICE = 0.02
"""Seconds of traffic drawn from the limiter at once.

aiolimiter costs about 200 us a message when 64 tasks really wait on it, and with its usual one-second bucket it lets twice
the rate through in the first second. A bucket of 20 ms, drawn as one slice, costs little and keeps the worst second within 4 %.
"""

_TICK = 0.001
"""Seconds by which a sleep may be too long: uvloop counts in milliseconds. It does not wait at all for less than one, and the
limiter, which waits for exactly what is missing, would ask again and again."""

_WINDOW = 1.0
_FLOOR = 0.2
_GROWTH = 1.05


class Hold:
    """A shared "nobody sends until then", set by whoever was told 429 or 440 or met a server in trouble."""

    def __init__(self) -> None:
        self._until = 0.0

    def hold(self, seconds: float) -> None:
        """Let nothing leave for so many seconds from now. A longer hold already in force stays."""
        self._until = max(self._until, asyncio.get_running_loop().time() + seconds)

    @property
    def remaining(self) -> float:
        """Seconds until texts may leave again; 0 or less means now."""
        if not self._until:
            return 0.0
        remaining = self._until - asyncio.get_running_loop().time()
        if remaining <= 0:
            self._until = 0.0
        return remaining

    async def wait(self) -> None:
        """Return when nothing holds any more."""
        while (remaining := self.remaining) > 0:  # noqa: ASYNC110 - the end may be put off while it waits
            await asyncio.sleep(remaining)


class Pace:
    """Lets texts through at no more than `rate` a second (None or 0: no limit of ours), and slower after `throttled`.

    Once a second the share of texts that were throttled is looked at. If there were any, the rate becomes what got through,
    less 5 %, but no less than half; else it grows by 5 % a second, back to the rate that was asked for. Without one, the
    limit is lifted again once it has grown to twice what was measured when the trouble began.
    """

    def __init__(self, rate: float | None = None, hold: Hold | None = None) -> None:
        if rate is not None and not rate >= 0:
            raise ValueError("rate must be a number of texts per second, 0 for no limit")
        self._asked = rate or None
        self.hold = hold or Hold()
        self._reduced: float | None = None
        self._lift_at = 0.0
        self._permits = 0
        self._drawing = asyncio.Lock()
        self._limiter: AsyncLimiter | None = None
        self._slice = 1
        self._due = 0.0
        """When the limiter will let the next slice out."""
        self._since: float | None = None
        self._passed = 0
        self._throttled = 0
        self._limit_to(self._asked)

    @property
    def rate(self) -> float | None:
        """Texts a second let through now; None for no limit."""
        return self._reduced if self._reduced is not None else self._asked

    def limit(self, rate: float | None) -> None:
        """Another rate from now on. A slow-down that is in force stays."""
        self._asked = rate or None
        if self._reduced is None or (self._asked is not None and self._reduced >= self._asked):
            self._reduced = None
            self._limit_to(self._asked)
        self._lift_at = self._asked or self._lift_at

    def _limit_to(self, rate: float | None) -> None:
        self._permits = 0
        if rate is None:
            self._limiter = None
            return
        bucket = max(1.0, rate * _SLICE)
        self._slice = int(bucket)
        if self._slice > 1:
            bucket += rate * _TICK  # or what a sleep takes too long would be lost
        self._limiter = AsyncLimiter(bucket, bucket / rate)
        self._due = 0.0

    def try_permit(self, text: Text, /) -> Permit | None:  # noqa: ARG002 - all texts are alike to this pace
        """A permit if one text may leave right now, else None. The permit is counted."""
        if self.hold.remaining > 0:
            return None
        if self._limiter is not None:
            if self._permits <= 0:
                return None
            self._permits -= 1
        if self._since is None:
            self._since = asyncio.get_running_loop().time()
        self._passed += 1
        if not self._passed & 31:
            self._look()
        return _PERMIT

    async def permit(self, text: Text, /) -> Permit:
        """Wait until one text may leave. The permit is counted."""
        while (permit := self.try_permit(text)) is None:
            await self.hold.wait()
            self._look()
            limiter = self._limiter
            if limiter is None:
                continue
            async with self._drawing:
                if self._permits <= 0 and limiter is self._limiter:
                    await self._draw(limiter, self._slice)
        return permit

    def release(self, permit: Permit, /) -> None:  # noqa: ARG002 - its permits are all alike
        """Take back a permit that was not used: the next text has it.

        No more than one slice is kept: permits that come back late, many at a time, would let a burst out.
        """
        self._passed = max(0, self._passed - 1)
        if self._permits < self._slice:
            self._permits += 1

    async def _draw(self, limiter: AsyncLimiter, number: int) -> None:
        """Take so many permits out of the limiter, which has none before `_due`."""
        loop = asyncio.get_running_loop()
        early = self._due - loop.time()
        if early > 0 and number > 1:
            await asyncio.sleep(math.ceil(early / _TICK) * _TICK)
        await limiter.acquire(number)
        if limiter is self._limiter:
            self._permits += number
            self._due = loop.time() + number * limiter.time_period / limiter.max_rate

    def throttled(self, permit: Permit, /) -> None:  # noqa: ARG002 - one limit for all
        """The text of this permit was answered "not now"."""
        self._throttled += 1
        self._look()

    def _look(self) -> None:
        """Once a second of sending: slow down or recover."""
        if self._since is None:
            return
        elapsed = asyncio.get_running_loop().time() - self._since
        if elapsed < _WINDOW:
            return
        passed, throttled = self._passed, self._throttled
        self._since, self._passed, self._throttled = None, 0, 0
        if throttled:
            share = min(1.0, throttled / max(passed, 1))
            before = self.rate or max(passed / elapsed, 1.0)
            if self._reduced is None:
                self._lift_at = self._asked or 2 * before
            self._reduced = max(min(_FLOOR, before), before * max(0.5, 0.95 * (1 - share)))
        elif self._reduced is not None:
            self._reduced *= _GROWTH ** min(elapsed, 60.0)
            if self._reduced >= self._lift_at:
                self._reduced = None
        else:
            return
        self._limit_to(self.rate)
