"""A ledger that keeps the lines answers late: what happens meanwhile is heeded, and nobody draws before it knows the lines."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from rumbleup_async import LineLimits
from rumbleup_async.engine.pace import Hold
from rumbleup_async.messaging import Result, Text
from rumbleup_async.postgres.lines import Turn
from rumbleup_async.sendblue.shared_lines import SharedLines

TEXT = Text(1, "2025550101", "Hi. STOP to opt out")


class SlowKeeper:
    """Gives the lines in turn. Each call waits for `answers`."""

    def __init__(self) -> None:
        self.answers = asyncio.Event()
        self.asked = asyncio.Event()
        self.is_begun = False
        self.given: list[int] = []
        self.back: list[int] = []

    async def begin(self, number: int, uses: Callable[[], Awaitable[Sequence[Sequence[float]]]]) -> None:
        await uses()
        self.asked.set()
        await self.answers.wait()
        self.is_begun = number == 2

    async def draw(self, ready: Sequence[int], gap: float, hour: int | None, day: int | None, reset: int) -> Turn:
        assert self.is_begun, "nobody draws before the lines are known"
        self.asked.set()
        await self.answers.wait()
        self.given.append(ready[len(self.given) % len(ready)])
        return Turn(self.given[-1], float(len(self.given)), [0.0, 0.0], [0.0, 0.0])

    def give_back(self, line: int, at: float, *, is_unused: bool) -> None:
        assert is_unused
        self.back.append(line)

    def rest(self, line: int, seconds: float) -> None: ...


async def nobody(after: int, limit: int) -> list[Result]:
    return []


def lines_of(keeper: SlowKeeper) -> SharedLines:
    limits = LineLimits(per_second=None, new_per_hour=None, new_per_day=None)
    lines = SharedLines(keeper, limits, hold=Hold(), rows=nobody, wait_ceiling=900.0)
    lines.begin(["+12025550191", "+12025550192"])
    return lines


async def test_a_line_that_is_told_to_wait_while_it_is_drawn_rests() -> None:
    """A text would leave from a line at once after the provider has said not to."""
    keeper = SlowKeeper()
    keeper.answers.set()
    lines = lines_of(keeper)
    first = await lines.permit(TEXT)
    keeper.given.clear()
    keeper.answers.clear()
    keeper.asked.clear()
    drawing = asyncio.ensure_future(lines.permit(TEXT))
    await keeper.asked.wait()
    assert lines.not_now(first, 60.0), "the other can go on"
    keeper.answers.set()
    assert (await drawing).line == 3 - first.line
    assert keeper.back == [first.line]


async def test_nobody_draws_before_the_lines_are_known() -> None:
    """A text that was called back just then would end the run of all others in an error of ours."""
    keeper = SlowKeeper()
    lines = lines_of(keeper)
    called_back = asyncio.ensure_future(lines.permit(TEXT))
    await keeper.asked.wait()
    called_back.cancel()
    next_one = asyncio.ensure_future(lines.permit(TEXT))
    await asyncio.wait([called_back, next_one], return_when=asyncio.FIRST_COMPLETED)
    await asyncio.sleep(0)
    keeper.answers.set()
    assert (await next_one).line == 1
