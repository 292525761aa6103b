"""Lines from which several machines send one run: each text draws its line in the ledger that they share.

Lives here: `Lines` whose counts and pace are kept by a ledger for all machines, and what is asked of such a ledger.

What a line may send a second, an hour and a day is the ledger's to say. What it was answered concerns all as far as it has to
rest. How fast it takes texts beyond that each machine learns by itself, for its own part, as with a shared rate.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, runtime_checkable

from rumbleup_async.engine.ports import Permit
from rumbleup_async.errors import LedgerError
from rumbleup_async.messaging import Text
from rumbleup_async.sendblue.limits import LineLimits
from rumbleup_async.sendblue.line import Line
from rumbleup_async.sendblue.lines import Lines


class Turn(Protocol):
    """What a draw has come to."""

    @property
    def line(self) -> int:
        """The line, counted from 1; 0 for none."""

    @property
    def at(self) -> float:
        """When it was given, on the ledger's clock."""

    @property
    def waits(self) -> Sequence[float]:
        """For how many seconds each line may not send, by what it has sent."""

    @property
    def rests(self) -> Sequence[float]:
        """For how many seconds each rests."""


class Keeper(Protocol):
    """Keeps the lines of a run for all machines that send it."""

    async def begin(self, number: int, uses: Callable[[], Awaitable[Sequence[Sequence[float]]]]) -> None:
        """There are so many lines. `uses` tells when each has sent before, Unix seconds, where it is not known yet."""

    async def draw(self, ready: Sequence[int], gap: float, hour: int | None, day: int | None, reset: int) -> Turn:
        """The next line in turn of those that are `ready`, if one may send now: it counts as used, and is free again after the
        gap. `hour`, `day`: new contacts; None for no bound."""

    def give_back(self, line: int, at: float, *, is_unused: bool) -> None:
        """The text that was given this line at this moment has not left. `is_unused`: the next one may at once."""

    def rest(self, line: int, seconds: float) -> None:
        """Nothing leaves from this line for so long, from whatever machine."""


@runtime_checkable
class HasLines(Protocol):
    """A ledger that several machines send from, and that keeps the lines for them."""

    @property
    def lines(self) -> Keeper: ...


class SharedLines(Lines):
    """As `Lines`, whose truth is with a `keeper`."""

    def __init__(self, keeper: Keeper, limits: LineLimits, **given: Any) -> None:
        self._keeper = keeper
        self._free: dict[int, float] = {}
        """When each line may send by what all have sent, as of the last draw; on the loop's clock."""
        self._given: dict[Permit, float] = {}
        """When the ledger gave the line of a permit that is under way, on its own clock."""
        self._first = asyncio.Lock()
        """Of those who wait for a line one asks, and the others wait in line."""
        super().__init__(limits, **given)

    def heed(self, limits: LineLimits, wait_ceiling: float) -> None:
        super().heed(limits, wait_ceiling)
        self._knows = False  # the ledger is to know the lines, whatever bounds them

    def try_permit(self, text: Text, /) -> Permit | None:  # noqa: ARG002 - as the port
        """None: a line is drawn from the ledger, which has to be waited for."""
        return None

    async def permit(self, text: Text, /) -> Permit:  # noqa: ARG002 - every line reaches everybody
        """Wait until a line may send. The line counts as used."""
        async with self._first:
            try:
                await self._recall()
                while (permit := await self._draw()) is None:
                    await self._wait()
            except LedgerError as error:
                await self._fail(error)
                raise
            return permit

    def release(self, permit: Permit, /) -> None:
        """Take back a permit that was not used: its line may send at once."""
        self._line(permit).pace.take_back(permit.at - self._beyond_loop())
        self._give_back(permit, is_unused=True)

    def did_not_leave(self, permit: Permit) -> None:
        self._give_back(permit, is_unused=False)

    def answered(self, permit: Permit) -> None:
        super().answered(permit)
        self._given.pop(permit, None)

    def not_now(self, permit: Permit, after: float | None) -> bool:
        others = super().not_now(permit, after)
        self._tell_rest(permit)
        return others

    def rest(self, permit: Permit, seconds: float) -> None:
        super().rest(permit, seconds)
        self._tell_rest(permit)

    # ---- behind the scenes ----

    async def _read(self) -> None:
        async def uses() -> list[list[float]]:
            await self._count_rows()
            return [line.uses for line in self.lines]

        await self._keeper.begin(len(self.lines), uses)
        self._knows = True

    async def _draw(self) -> Permit | None:
        """A permit, if a line may send now."""
        at, limits = self._now(), self.limits
        now = at - self._beyond_loop()
        ready = [line.index for line in self.lines if line.pace.free_at <= now]
        if not ready or self.hold.remaining > 0:
            return None
        asking = self._keeper.draw(ready, limits.gap, limits.new_per_hour, limits.new_per_day, limits.reset_hour)
        drawing = asyncio.ensure_future(asking)
        try:
            turn = await asyncio.shield(drawing)
        except asyncio.CancelledError:
            drawing.add_done_callback(self._not_wanted)
            raise
        self._see(turn)
        if not turn.line:
            return None
        permit = Permit(turn.line, at)
        if not self.stands(permit):  # it was told to wait while the ledger was asked
            self._keeper.give_back(turn.line, turn.at, is_unused=True)
            return None
        self._line(permit).pace.give(at - self._beyond_loop(), limits.gap)
        self._given[permit] = turn.at
        return permit

    def _see(self, turn: Turn) -> None:
        if len(turn.waits) != len(self.lines):
            raise LedgerError("the ledger does not know the lines of this run any more; resume it")
        now = asyncio.get_running_loop().time()
        for line, wait, rest in zip(self.lines, turn.waits, turn.rests, strict=True):
            self._free[line.index] = now + wait
            if rest > 0:
                line.pace.rests_until = max(line.pace.rests_until, now + rest)

    def _not_wanted(self, drawing: asyncio.Future[Turn]) -> None:
        if not drawing.cancelled() and drawing.exception() is None and (turn := drawing.result()).line:
            self._keeper.give_back(turn.line, turn.at, is_unused=True)

    def _give_back(self, permit: Permit, *, is_unused: bool) -> None:
        if (at := self._given.pop(permit, None)) is not None:
            self._keeper.give_back(permit.line, at, is_unused=is_unused)

    def _tell_rest(self, permit: Permit) -> None:
        seconds = self._line(permit).pace.held_until - asyncio.get_running_loop().time()
        if seconds > 0:
            self._keeper.rest(permit.line, seconds)

    def _free_at(self, line: Line, now: float) -> float:  # noqa: ARG002 - as `Lines`
        return max(line.pace.free_at, self._free.get(line.index, 0.0)) + self._beyond_loop()
