"""The pace on virtual time: the rate in every sliding second, the hold for everybody, slow-down and recovery."""

import asyncio
import itertools
from bisect import bisect_left

import pytest

from rumbleup_async.engine.pace import Hold, Pace
from rumbleup_async.messaging import Text
from tests import virtual_time

TEXT = Text(1, "2025550101", "Hi. STOP to opt out")


def worst_second(times: list[float]) -> int:
    """The most texts in any second that begins with a text."""
    return max(bisect_left(times, time + 1.0) - number for number, time in enumerate(times))


async def leave(pace: Pace, seconds: float, workers: int, *, work: float = 0.0, every: float = 0.0) -> list[float]:
    """Let workers draw permits for so long; the moments at which something left."""
    times: list[float] = []
    end = virtual_time.now() + seconds

    async def worker() -> None:
        while True:
            pace.try_permit(TEXT) or await pace.permit(TEXT)
            if virtual_time.now() >= end:
                return
            times.append(virtual_time.now())
            await asyncio.sleep(work)
            if every and times[-1] % (2 * every) < every:
                await asyncio.sleep(every)

    await asyncio.gather(*(worker() for _ in range(workers)))
    return times


@pytest.mark.parametrize("rate", [1.0, 10.0, 33.3, 50.0, 99.0, 240.0, 1000.0])
@pytest.mark.parametrize("workers", [1, 64])
def test_the_rate_holds_in_every_second(rate: float, workers: int) -> None:
    """The provider would see twice the rate in the first second and block the account."""
    seconds = 8.0 if rate > 5 else 20.0
    times = virtual_time.run(leave(Pace(rate), seconds, workers))
    assert worst_second(times) <= max(rate * 1.05, rate + 1)
    assert len(times) >= rate * seconds * 0.95 - 1


@pytest.mark.parametrize("rate", [50.0, 1000.0])
def test_a_pause_does_not_save_up_a_burst(rate: float) -> None:
    """After a quiet minute everything saved up would leave at once."""
    times = virtual_time.run(leave(Pace(rate), 12.0, 64, every=1.5))
    assert worst_second(times) <= rate * 1.05


@pytest.mark.parametrize("rate", [None, 0, 0.0])
def test_without_a_rate_nothing_waits(rate: float | None) -> None:
    """`--rate 0` means no limit of ours; it would mean that nothing ever leaves."""

    async def main() -> float:
        pace = Pace(rate)
        assert pace.rate is None
        began = virtual_time.now()
        for _ in range(5000):
            pace.try_permit(TEXT) or await pace.permit(TEXT)
        return virtual_time.now() - began

    assert virtual_time.run(main()) < 0.01


@pytest.mark.parametrize("rate", [-1.0, float("nan")])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    """A rate that compares as nothing would be no limit at all."""
    with pytest.raises(ValueError, match="rate"):
        Pace(rate)


@pytest.mark.parametrize("rate", [None, 5.0, 200.0])
def test_a_hold_is_kept_by_everybody(rate: float | None) -> None:
    """One worker was told to wait and the others would go on."""

    async def main() -> tuple[list[float], float]:
        pace = Pace(rate)
        held = 0.0

        async def tells() -> None:
            nonlocal held
            await asyncio.sleep(2.0)
            pace.hold.hold(30.0)
            held = virtual_time.now()
            await asyncio.sleep(1.0)
            pace.hold.hold(5.0)  # a shorter one does not shorten it

        telling = asyncio.create_task(tells())
        times = await leave(pace, 40.0, 16, work=0.05)
        await telling
        return times, held

    times, held = virtual_time.run(main())
    assert [time for time in times if held < time < held + 30.0] == []
    assert any(time >= held + 30.0 for time in times)


def test_a_hold_may_be_put_off_while_it_is_waited_for() -> None:
    """The second 429 would be overheard by those who wait for the end of the first."""

    async def main() -> float:
        hold = Hold()
        began = virtual_time.now()
        hold.hold(10.0)
        waiting = asyncio.create_task(hold.wait())
        await asyncio.sleep(9.0)
        hold.hold(20.0)
        await waiting
        assert hold.remaining == 0.0
        return virtual_time.now() - began

    assert virtual_time.run(main()) >= 29.0


def test_a_hold_is_shared_between_paces() -> None:
    """Two runs of one account: one is told to wait, the other would go on."""

    async def main() -> float:
        hold = Hold()
        one, other = Pace(100.0, hold), Pace(None, hold)
        one.hold.hold(5.0)
        began = virtual_time.now()
        assert not other.try_permit(TEXT)
        await other.permit(TEXT)
        return virtual_time.now() - began

    assert virtual_time.run(main()) >= 5.0


@pytest.mark.parametrize("rate", [None, 400.0])
def test_it_slows_down_to_what_gets_through_and_recovers(rate: float | None) -> None:
    """Hammering on at full speed after 429, or crawling for the rest of the day."""
    capacity = 100

    async def main() -> tuple[list[float], list[float], float | None]:
        pace = Pace(rate)
        tried: list[float] = []
        passed: list[float] = []
        end = virtual_time.now() + 110.0
        relaxed = virtual_time.now() + 30.0

        async def worker() -> None:
            while virtual_time.now() < end:
                permit = pace.try_permit(TEXT) or await pace.permit(TEXT)
                now = virtual_time.now()
                tried.append(now)
                recent = len(passed) - bisect_left(passed, now - 1.0)
                if now < relaxed and recent >= capacity:
                    await asyncio.sleep(0.05)
                    pace.throttled(permit)
                else:
                    passed.append(now)
                    await asyncio.sleep(0.05)
                    pace.accepted(permit)

        await asyncio.gather(*(worker() for _ in range(20)))
        return tried, passed, pace.rate

    tried, passed, rate_after = virtual_time.run(main())
    start = tried[0]
    busy = [time for time in tried if start + 10 < time < start + 30]
    through = [time for time in passed if start + 10 < time < start + 30]
    # In the steady state most of what is tried gets through, and most of what could get through does.
    assert len(busy) < 1.35 * len(through)
    assert len(through) > 0.6 * capacity * 20
    assert rate_after == (rate or None)
    if rate:
        assert worst_second(tried) <= rate * 1.05


def test_a_cancelled_wait_lets_the_others_on() -> None:
    """A worker that is cancelled in the queue would take the others with it."""

    async def main() -> int:
        pace = Pace(20.0)
        waiting = [asyncio.create_task(pace.permit(TEXT)) for _ in range(40)]
        await asyncio.sleep(0.5)
        for task in waiting[::2]:
            task.cancel()
        done, _ = await asyncio.wait(waiting)
        return sum(not task.cancelled() for task in done)

    assert virtual_time.run(main()) >= 20


def test_a_longer_hold_is_not_shortened_by_a_later_one() -> None:
    """One worker is told "30 seconds", another one "5": after five everything would leave."""

    async def main() -> float:
        hold = Hold()
        hold.hold(30.0)
        hold.hold(5.0)
        return hold.remaining

    assert virtual_time.run(main()) > 29.0


@pytest.mark.parametrize("rate", [1.0, 10.0, 240.0])
def test_a_permit_that_is_not_used_is_not_counted(rate: float) -> None:
    """Texts whose recipients must wait would use up the rate of those who need not."""

    async def main() -> list[float]:
        pace = Pace(rate)
        times: list[float] = []
        end = virtual_time.now() + 20.0
        numbers = itertools.count()

        async def worker() -> None:
            while virtual_time.now() < end:
                permit = pace.try_permit(TEXT) or await pace.permit(TEXT)
                if next(numbers) % 4 == 0:
                    pace.release(permit)
                    await asyncio.sleep(0.05)
                else:
                    times.append(virtual_time.now())

        await asyncio.gather(*(worker() for _ in range(16)))
        return times

    times = virtual_time.run(main())
    assert len(times) >= rate * 20.0 * 0.95 - 1
    assert worst_second(times) <= max(rate * 1.05, rate + 1)


@pytest.mark.parametrize("rate", [1.0, 100.0, 1000.0])
def test_permits_that_come_back_together_make_no_burst(rate: float) -> None:
    """Sixty texts put off in the same moment would let sixty others leave at once."""

    async def main() -> list[float]:
        pace = Pace(rate)
        permits = [await pace.permit(TEXT) for _ in range(60)]
        await asyncio.sleep(5.0)
        for permit in permits:
            pace.release(permit)
        return await leave(pace, 4.0, 64)

    times = virtual_time.run(main())
    assert worst_second(times) <= max(rate * 1.05, rate + 1)


def test_a_permit_that_comes_back_without_a_limit_leaves_none() -> None:
    """A later limit would begin with leave that nobody has given."""

    async def main() -> None:
        pace = Pace(None)
        permit = pace.try_permit(TEXT)
        assert permit is not None
        pace.release(permit)
        pace.limit(1.0)
        assert pace.try_permit(TEXT) is None

    virtual_time.run(main())
