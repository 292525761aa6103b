"""The numbers a run sends from, each with a pace of its own: which one may send the next text, and when.

Lives here: the engine's `Pace` over several lines.

How a line comes to its text: a permit names the line, and the gateway sends from the line that the permit names. What an answer
says of its line comes back with the same permit. A permit counts as soon as it is given; one that is not used is given back, and
then costs nothing.

What the hour and the day have seen must survive a crash. The ledger knows it: every text that left, or may have, has a time and
the line in its reason. Texts without a line (the process died while they were under way) count for every line.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import math
import time
from bisect import bisect_left, insort
from collections.abc import Awaitable, Callable, MutableMapping, Sequence

from rumbleup_async.engine.pace import Hold
from rumbleup_async.engine.ports import Permit
from rumbleup_async.errors import LedgerError
from rumbleup_async.messaging import Result, State, Text
from rumbleup_async.sendblue.limits import LineLimits
from rumbleup_async.sendblue.line import Line, LinePace
from rumbleup_async.stops import Cause, Stop

_HOUR = 3600.0
_PAGE = 1000
_SHOWN = 1.0
"""Seconds of waiting from which it is told why nothing moves."""

Rows = Callable[[int, int], Awaitable[Sequence[Result]]]
"""The ledger's rows after a row, so many at most."""


class Lines:
    """Paces texts over lines used in turn. Fits the engine's `Pace`.

    `rows` gives what the ledger holds. `wait_ceiling`: a longer wait for the next line to be free stops the run. `attach` says
    whom to tell of that. `paces`: what the client knows of the pace of each number; its other runs go by it, too.
    """

    def __init__(
        self,
        limits: LineLimits,
        *,
        hold: Hold,
        rows: Rows,
        wait_ceiling: float,
        paces: MutableMapping[str, LinePace] | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.hold = hold
        self._rows = rows
        self._wall_clock = wall_clock
        self._paces = {} if paces is None else paces
        self._ahead: float | None = None
        """Seconds that Unix time is ahead of the loop's, on which the lines are paced."""
        self.lines: list[Line] = []
        self._turn = 0
        self._recalled: asyncio.Task[None] | None = None
        self.heed(limits, wait_ceiling)
        self._told_until = 0.0
        self._stop: Callable[[Stop], object] = lambda _: None
        self._held: Callable[[float, str], object] = lambda *_: None

    def heed(self, limits: LineLimits, wait_ceiling: float) -> None:
        """Go by these limits; before the lines are there."""
        self.limits = limits
        self._wait_ceiling = wait_ceiling
        self._is_counting = limits.new_per_hour is not None or limits.new_per_day is not None
        """Whether it matters what the hour and the day have seen."""
        self._knows = not self._is_counting

    def begin(self, numbers: Sequence[str]) -> None:
        """The lines of the run, once its plan is known."""
        paces = [self._paces.setdefault(number, LinePace()) for number in numbers]
        self.lines = [Line(index, number, pace) for index, (number, pace) in enumerate(zip(numbers, paces, strict=True), 1)]

    def attach(self, stop: Callable[[Stop], object], held: Callable[[float, str], object]) -> None:
        """Whom to tell that no line will be free for long, and why nothing moves."""
        self._stop, self._held = stop, held

    # ---- the engine's port ----

    @property
    def rate(self) -> float | None:
        """Texts a second of all lines together; None where one has no limit."""
        gaps = [line.pace.gap(self.limits.gap) for line in self.lines]
        return sum(1 / gap for gap in gaps) if all(gaps) else None

    @property
    def learned(self) -> float | None:
        """Texts a second that the provider takes from all lines together; those that have not met a limit count with the pace
        that was asked for. None where no line has met one, or where nothing is known of another."""
        limits = [line.pace.learning.limit for line in self.lines]
        asked = self.limits.per_second
        if not any(limits) or (asked is None and not all(limits)):
            return None
        return sum(min(limit or math.inf, asked or math.inf) for limit in limits)

    def try_permit(self, text: Text, /) -> Permit | None:  # noqa: ARG002 - every line reaches everybody
        """A permit for the next line in turn that may send right now, or None. The line counts as used."""
        if not self._knows or self.hold.remaining > 0:
            return None
        now = self._now()
        for step in range(len(self.lines)):
            line = self.lines[(self._turn + step) % len(self.lines)]
            if self._free_at(line, now) <= now:
                return self._give(line, now)
        return None

    def _give(self, line: Line, now: float) -> Permit:
        self._turn = line.index % len(self.lines)
        line.pace.give(now - self._beyond_loop(), self.limits.gap)
        if self._is_counting:
            line.uses.append(now)
        return Permit(line.index, now)

    async def permit(self, text: Text, /) -> Permit:
        """Wait until a line may send. The line counts as used."""
        try:
            await self._recall()
        except LedgerError as error:
            await self._fail(error)
        while (permit := self.try_permit(text)) is None:
            await self._wait()
        return permit

    async def _fail(self, error: LedgerError) -> None:
        """Stop the run; whoever waits for a line is called back from here."""
        self._stop(Stop(Cause.LEDGER_FAILED, f"{error}; what the lines have sent before is not known"))
        await asyncio.sleep(_HOUR)

    async def _wait(self) -> None:
        """Wait until a line may be free, or some of that. The run stops if that will not be for long."""
        await self.hold.wait()
        now = self._now()
        wait = min(self._free_at(line, now) for line in self.lines) - now
        if wait > self._wait_ceiling:
            self._stop(Stop(Cause.LINES_USED_UP, f"{self._why(now)}; resume after {_moment(now + wait)}"))
        elif wait > _SHOWN and now >= self._told_until:
            self._told_until = now + wait
            self._held(wait, self._why(now))
        await asyncio.sleep(min(max(wait, 0.001), 30.0))

    def release(self, permit: Permit, /) -> None:
        """Take back a permit that was not used: its line may send at once, and is the next in turn."""
        line = self._line(permit)
        self.did_not_leave(permit)
        self._turn = line.index - 1
        line.pace.take_back(permit.at - self._beyond_loop())

    def stands(self, permit: Permit, /) -> bool:
        """Whether the permit's line has not been told to wait since."""
        return self._line(permit).pace.held_until <= asyncio.get_running_loop().time()

    def accepted(self, permit: Permit, /) -> None:
        """The provider has done its work for the text of this permit, if only to refuse it."""
        self._line(permit).pace.accepted(permit.at - self._beyond_loop(), asyncio.get_running_loop().time())

    def throttled(self, permit: Permit, after: float | None = None, in_flight: int = 0, /) -> int:  # noqa: ARG002
        """The text of this permit was answered "not now"; the gateway has told its line so."""
        return 0

    # ---- the gateway's side ----

    def number(self, permit: Permit) -> str:
        """The number that the permit's text is sent from."""
        return self._line(permit).number

    def did_not_leave(self, permit: Permit) -> None:
        """The permit's text did not leave after all: it does not count as a new contact."""
        uses = self._line(permit).uses
        place = bisect_left(uses, permit.at)
        if place < len(uses) and uses[place] == permit.at:
            del uses[place]

    def went_well(self, permit: Permit) -> None:
        """The permit's text was accepted."""
        self._line(permit).refusals = 0

    def answered(self, permit: Permit) -> None:
        """The permit's text is not under way any more, whatever became of it."""
        self._line(permit).pace.answered()

    def not_now(self, permit: Permit, after: float | None) -> bool:
        """The permit's line was told "not now". Returns whether another line can go on meanwhile."""
        now = asyncio.get_running_loop().time()
        self._line(permit).pace.not_now(permit.at - self._beyond_loop(), now, after, self.limits.gap)
        return self.others(permit)

    def refused(self, permit: Permit) -> None:
        """A refusal that is not about its recipient. After a few in a row it is probably about the line, which then rests."""
        line = self._line(permit)
        line.refusals += 1
        if line.refusals >= self.limits.refusals and len(self.lines) > 1:
            line.refusals = 0
            self.rest(permit, self.limits.rest)

    def rest(self, permit: Permit, seconds: float) -> None:
        """Let nothing leave from the permit's line for so long."""
        pace = self._line(permit).pace
        pace.rests_until = max(pace.rests_until, asyncio.get_running_loop().time() + seconds)

    def others(self, permit: Permit) -> bool:
        """Whether another line than the permit's can be used before a run would stop waiting."""
        line, now = self._line(permit), self._now()
        return any(self._free_at(other, now) - now <= self._wait_ceiling for other in self.lines if other is not line)

    def _line(self, permit: Permit) -> Line:
        if not 0 < permit.line <= len(self.lines):
            raise RuntimeError("a text was delivered with a permit of another pace")
        return self.lines[permit.line - 1]

    # ---- when ----

    def _now(self) -> float:
        """Unix seconds that do not jump when somebody sets the clock."""
        return asyncio.get_running_loop().time() + self._beyond_loop()

    def _beyond_loop(self) -> float:
        if self._ahead is None:
            self._ahead = self._wall_clock() - asyncio.get_running_loop().time()
        return self._ahead

    def _free_at(self, line: Line, now: float) -> float:
        limits = self.limits
        at = line.pace.free_at + self._beyond_loop()
        if limits.new_per_hour is not None and len(line.uses) >= limits.new_per_hour:
            at = max(at, line.uses[-limits.new_per_hour] + _HOUR)
        if limits.new_per_day is not None and len(line.uses) >= limits.new_per_day:
            since, until = limits.day(now)
            if line.uses[-limits.new_per_day] >= since:
                at = max(at, until)
        return at

    def _why(self, now: float) -> str:
        resting = sum(line.pace.held_until + self._beyond_loop() > now for line in self.lines)
        if resting == len(self.lines):
            return "every line was told to wait" if resting > 1 else "the line was told to wait"
        many = "every line has" if len(self.lines) > 1 else "the line has"
        return f"{many} used up its new contacts of the hour or the day" + (f", {resting} of them refused" if resting else "")

    async def _recall(self) -> None:
        """Find out, once, what the lines have sent before."""
        if self._knows:
            return
        if self._recalled is None:
            self._recalled = asyncio.ensure_future(self._read())
        await asyncio.shield(self._recalled)

    async def _read(self) -> None:
        await self._count_rows()
        self._knows = True

    async def _count_rows(self) -> None:
        """From the ledger."""
        now = self._now()
        since = min(self.limits.day(now)[0], now - _HOUR)
        after = -1
        while rows := await self._rows(after, _PAGE):
            for row in rows:
                self._count(row, since, now)
            after = rows[-1].row

    def _count(self, row: Result, since: float, now: float) -> None:
        if row.state not in {State.SENT, State.REFUSED, State.UNKNOWN}:
            return
        at = row.time / 1000 if row.time else now
        if at < since:
            return
        noted = row.why.line
        for line in self.lines:
            if noted is None or noted == line.index:
                insort(line.uses, min(at, now))


def _moment(at: float) -> str:
    return dt.datetime.fromtimestamp(at + 59, dt.UTC).strftime("%H:%M UTC on %d %b %Y")
