"""When the next text may leave: the rate limit, the hold after "not now", and the slow-down that follows.

Lives here: waiting, nothing else. The running event loop is the clock. Knows no provider.
A provider that sends from several lines brings a pace of its own, which names the line in the permit.
"""

from __future__ import annotations

import asyncio

from rumbleup_async.engine.ports import Permit
from rumbleup_async.engine.schedule import Schedule
from rumbleup_async.messaging import Text

_PERMIT = Permit()
"""Every permit of a pace without lines says the same, so none is made for each text."""

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
        self._schedule = Schedule(self._asked)
        self._since: float | None = None
        self._passed = 0
        self._throttled = 0

    @property
    def rate(self) -> float | None:
        """Texts a second let through now; None for no limit."""
        return self._reduced if self._reduced is not None else self._asked

    @property
    def learned(self) -> float | None:
        """Texts a second that the provider was last seen to allow; None where it has not shown a limit."""
        return self._reduced

    def limit(self, rate: float | None) -> None:
        """Another rate from now on. A slow-down that is in force stays."""
        self._asked = rate or None
        if self._reduced is None or (self._asked is not None and self._reduced >= self._asked):
            self._reduced = None
            self._schedule.limit(self._asked)
        self._lift_at = self._asked or self._lift_at

    def try_permit(self, text: Text, /) -> Permit | None:  # noqa: ARG002 - all texts are alike to this pace
        """A permit if one text may leave right now, else None. The permit is counted."""
        if self.hold.remaining > 0 or not self._schedule.try_take():
            return None
        return self._counted()

    def _counted(self) -> Permit:
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
            await self._schedule.take()
            if self.hold.remaining <= 0:
                return self._counted()
            self._schedule.give_back()
        return permit

    def release(self, permit: Permit, /) -> None:  # noqa: ARG002 - its permits are all alike
        """Take back a permit that was not used: the next text has it."""
        self._passed = max(0, self._passed - 1)
        self._schedule.give_back()

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
        self._schedule.limit(self.rate)
