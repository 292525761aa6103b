"""The lines on virtual time: each at its own pace, in turn, rested when refused, and with a memory that survives a crash."""

import asyncio
import datetime as dt
import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from rumbleup_async import ConfigurationError, LedgerError, LineLimits, Result, State, Stop
from rumbleup_async.engine.pace import Hold
from rumbleup_async.engine.ports import Permit
from rumbleup_async.messaging import Text
from rumbleup_async.reasons import from_words as because
from rumbleup_async.sendblue.lines import Lines
from rumbleup_async.stops import Cause
from tests import virtual_time

NOON = dt.datetime(2026, 3, 4, 17, 0, tzinfo=dt.UTC).timestamp()
"""Noon in the east."""
NUMBERS = ["+12025550191", "+12025550192", "+12025550193"]


TEXT = Text(1, "2025550101", "Hi. STOP to opt out")


def lines_of(
    limits: LineLimits, *, rows: Sequence[Result] = (), number: int = 3, ceiling: float = 900.0
) -> tuple[Lines, list[Stop]]:
    async def read(after: int, limit: int) -> Sequence[Result]:
        return [row for row in rows if row.row > after][:limit]

    lines = Lines(limits, hold=Hold(), rows=read, wait_ceiling=ceiling, wall_clock=lambda: NOON)
    lines.begin(NUMBERS[:number])
    stops: list[Stop] = []
    lines.attach(stops.append, lambda *_: None)
    return lines, stops


async def send(lines: Lines, stops: list[Stop], most: int) -> list[tuple[int, float]]:
    """Let so many texts leave, or fewer if a stop comes; the line of each and when."""
    left: list[tuple[int, float]] = []

    async def work() -> None:
        while len(left) < most:
            permit = lines.try_permit(TEXT) or await lines.permit(TEXT)
            left.append((permit.line, virtual_time.now()))

    task = asyncio.ensure_future(work())
    while not task.done() and not stops:
        await asyncio.sleep(0.5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return left


def test_lines_are_used_in_turn_and_each_at_its_pace() -> None:
    """One line would carry everything and be blocked for it."""

    async def main() -> None:
        lines, stops = lines_of(LineLimits(per_second=2.0, new_per_hour=None, new_per_day=None))
        left = await send(lines, stops, 60)
        assert Counter(line for line, _ in left) == {1: 20, 2: 20, 3: 20}
        for index in (1, 2, 3):
            times = [at for line, at in left if line == index]
            assert min(b - a for a, b in itertools.pairwise(times)) >= 0.499
        assert lines.rate == 6.0

    virtual_time.run(main())


@pytest.mark.parametrize(("hour", "day", "sent"), [(5, 50, 15), (None, 7, 21), (20, 7, 21)])
def test_what_is_used_up_stops_the_run_and_says_until_when(hour: int | None, day: int, sent: int) -> None:
    """A line that texts more new people than allowed is blocked for days; a run that waits in silence looks hung."""

    async def main() -> None:
        lines, stops = lines_of(LineLimits(per_second=100.0, new_per_hour=hour, new_per_day=day))
        left = await send(lines, stops, 100)
        assert len(left) == sent
        assert stops[0].cause.words == "lines used up"
        # the hour after noon, or three in the night, eastern time
        assert ("18:00 UTC on 04 Mar" if hour == 5 else "08:00 UTC on 05 Mar") in stops[0].message.replace(
            "18:01", "18:00"
        ).replace("08:01", "08:00")

    virtual_time.run(main())


def test_a_short_wait_is_waited_for() -> None:
    """The run would stop, and somebody would have to resume it by hand every few minutes."""

    async def main() -> None:
        lines, stops = lines_of(LineLimits(per_second=100.0, new_per_hour=2, new_per_day=None), ceiling=4000.0)
        left = await send(lines, stops, 12)
        assert not stops
        assert len(left) == 12
        assert left[-1][1] - left[0][1] >= 3600

    virtual_time.run(main())


def row(number: int, state: State, reason: str, ago: float | None) -> Result:
    return Result(number, f"+1202555{number:04d}", state, because(reason), "", 1, 0 if ago is None else int((NOON - ago) * 1000))


def test_a_resume_knows_what_the_lines_have_sent() -> None:
    """Every crash and every resume would give each line another fifteen people an hour."""
    rows = [
        *(row(n, State.SENT, "line 1", 60) for n in range(5)),
        *(row(n, State.SENT, "line 2", 60) for n in range(5, 7)),
        row(7, State.REFUSED, "400 bad; line 2", 30),
        row(8, State.UNKNOWN, "no answer in time; line 3", 30),
        row(9, State.UNKNOWN, "interrupted before its result was known", None),
        row(10, State.SENT, "line 3", 4000),
        row(11, State.QUEUED, "", None),
        row(12, State.SKIPPED, "suppressed", None),
    ]

    async def main() -> None:
        lines, stops = lines_of(LineLimits(per_second=100.0, new_per_hour=5, new_per_day=None), rows=rows)
        left = await send(lines, stops, 100)
        # The one of which nobody knows the line counts for each of them.
        assert Counter(line for line, _ in left) == {2: 1, 3: 3}

    virtual_time.run(main())


def test_the_day_begins_anew_at_three_in_the_night_eastern() -> None:
    """A limit of the day would be that of another day."""
    limits = LineLimits()
    begin, end = limits.day(NOON)
    assert begin == dt.datetime(2026, 3, 4, 8, tzinfo=dt.UTC).timestamp()
    assert end == dt.datetime(2026, 3, 5, 8, tzinfo=dt.UTC).timestamp()
    night = dt.datetime(2026, 7, 4, 6, 30, tzinfo=dt.UTC).timestamp()
    assert limits.day(night)[1] == dt.datetime(2026, 7, 4, 7, tzinfo=dt.UTC).timestamp()
    short = dt.datetime(2026, 3, 8, 6, 0, tzinfo=dt.UTC).timestamp()  # an hour before the clocks go forward
    assert limits.day(short)[1] == dt.datetime(2026, 3, 8, 7, tzinfo=dt.UTC).timestamp()


def test_a_line_that_is_told_not_now_rests_and_the_others_go_on() -> None:
    """One line in trouble would hold up all of them."""

    async def main() -> None:
        lines, stops = lines_of(LineLimits(per_second=10.0, new_per_hour=None, new_per_day=None))
        first = await lines.permit(TEXT)
        lines.did_not_leave(first)
        assert lines.not_now(first, 50.0)
        left = await send(lines, stops, 20)
        assert first.line not in {line for line, _ in left}
        only, _ = lines_of(LineLimits(new_per_hour=None, new_per_day=None), number=1)
        assert not only.not_now(await only.permit(TEXT), 2000.0)

    virtual_time.run(main())


def test_refusals_in_a_row_rest_a_line() -> None:
    """A line that the provider has quietly blocked would use up the whole list as refused."""

    async def main() -> None:
        lines, _ = lines_of(LineLimits(per_second=None, new_per_hour=None, new_per_day=None), number=2)
        permit = await lines.permit(TEXT)
        for _ in range(3):
            lines.refused(permit)
        for _ in range(5):
            assert (await lines.permit(TEXT)).line != permit.line

    virtual_time.run(main())


def test_what_did_not_leave_is_not_counted() -> None:
    """A lost network would use up the day's contacts without anybody being texted."""

    async def main() -> None:
        lines, stops = lines_of(LineLimits(per_second=None, new_per_hour=1, new_per_day=None), number=1)
        for _ in range(5):
            lines.did_not_leave(await lines.permit(TEXT))
        assert not stops

    virtual_time.run(main())


def test_one_line_waits_while_another_goes() -> None:
    """A line that must rest would hold up a text that another line can carry."""

    async def main() -> None:
        lines, _ = lines_of(LineLimits(per_second=1.0, new_per_hour=None, new_per_day=None), number=2)
        first = lines.try_permit(TEXT)
        assert first is not None
        assert first.line == 1
        lines.rest(first, 30.0)
        began = virtual_time.now()
        for _ in range(5):
            assert (await lines.permit(TEXT)).line == 2
        assert virtual_time.now() - began == pytest.approx(4.0, abs=0.05)

    virtual_time.run(main())


def test_a_permit_that_is_not_used_costs_its_line_nothing() -> None:
    """Texts that are put off would use up the new contacts of the day, and each of them the turn of its line."""

    async def main() -> None:
        lines, stops = lines_of(LineLimits(per_second=0.1, new_per_hour=1, new_per_day=None), number=2)
        for _ in range(5):
            permit = await lines.permit(TEXT)
            assert permit.line == 1
            lines.release(permit)
        left = await send(lines, stops, 3)
        assert [line for line, _ in left] == [1, 2]
        assert stops[0].cause is Cause.LINES_USED_UP

    virtual_time.run(main())


def test_a_permit_that_comes_back_late_takes_nothing_from_the_next() -> None:
    """The line would send twice within its gap, or its newest text be forgotten instead of the one that did not leave."""

    async def main() -> None:
        lines, _ = lines_of(LineLimits(per_second=1.0, new_per_hour=15, new_per_day=None), number=1)
        early = await lines.permit(TEXT)
        late = await lines.permit(TEXT)
        lines.release(early)
        assert lines.lines[0].uses == [late.at]
        assert lines.try_permit(TEXT) is None
        assert (await lines.permit(TEXT)).at - late.at == pytest.approx(1.0, abs=0.01)

    virtual_time.run(main())


def test_permits_of_another_pace_deliver_nothing() -> None:
    """A mistake in a run of one's own would send from whatever line comes first."""

    async def main() -> None:
        lines, _ = lines_of(LineLimits())
        with pytest.raises(RuntimeError, match="permit"):
            lines.number(Permit())

    virtual_time.run(main())


def test_without_limits_of_the_hour_and_the_day_nothing_is_counted() -> None:
    """Millions of moments would be kept for nobody, and a long ledger be read from end to end before the first text."""

    async def main() -> None:
        async def never(after: int, limit: int) -> Sequence[Result]:
            raise AssertionError((after, limit))

        lines = Lines(LineLimits(per_second=2, new_per_hour=None, new_per_day=None), hold=Hold(), rows=never, wait_ceiling=900.0)
        lines.begin(["+12025550199"])
        began = virtual_time.now()
        for number in range(3):
            permit = await lines.permit(TEXT)
            assert virtual_time.now() - began == pytest.approx(number / 2, abs=0.01)
            assert lines.lines[0].uses == []
            lines.did_not_leave(permit)

    virtual_time.run(main())


def test_a_ledger_that_cannot_be_read_stops_the_run() -> None:
    """The lines would send as if they had sent nothing today."""

    async def main() -> None:
        async def broken(after: int, limit: int) -> Sequence[Result]:
            raise LedgerError("disk I/O error")

        lines = Lines(LineLimits(), hold=Hold(), rows=broken, wait_ceiling=900.0)
        lines.begin(NUMBERS)
        stops: list[Stop] = []
        lines.attach(stops.append, lambda *_: None)
        assert await send(lines, stops, 1) == []
        assert stops[0].cause.words == "ledger failed"

    virtual_time.run(main())


@pytest.mark.parametrize(
    "options",
    [
        {"per_second": 0},
        {"per_second": float("inf")},
        {"new_per_hour": 0},
        {"new_per_day": True},
        {"reset_hour": 24},
        {"rest": -1},
    ],
)
def test_limits_that_cannot_be_meant_are_refused(options: dict[str, Any]) -> None:
    """A limit of 0 would be taken for none, or for a run that never sends."""
    with pytest.raises(ConfigurationError):
        LineLimits(**options).checked()
