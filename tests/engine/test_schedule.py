"""The asked rate is got: on average, in every sliding second, after sleeps that take too long, after stalls."""

import asyncio
from bisect import bisect_left

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumbleup_async.engine.schedule import Schedule, spare
from tests import virtual_time

RATES = [0.2, 1.0, 2.5, 33.3, 49.99, 50.0, 51.0, 99.9, 240.0, 1000.0, 5000.0]


def worst_second(times: list[float]) -> int:
    """The most texts in any second that begins with a text."""
    return max((bisect_left(times, time + 1.0) - number for number, time in enumerate(times)), default=0)


def late_timers(by: list[float]) -> None:
    """Have each timer of the running loop come too late, by these times in turn."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, virtual_time.VirtualLoop)
    call_later, turns = loop.call_later, iter(range(1 << 60))
    loop.call_later = lambda delay, *rest, **more: call_later(delay + by[next(turns) % len(by)], *rest, **more)  # type: ignore[method-assign]


def stall(seconds: float) -> None:
    """Nothing runs for so long: the machine was busy otherwise."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, virtual_time.VirtualLoop)
    loop._virtual.now += seconds


async def drawn(schedule: Schedule, seconds: float, workers: int) -> list[float]:
    """When those who always want more were given leave."""
    times: list[float] = []
    end = virtual_time.now() + seconds

    async def worker() -> None:
        while True:
            await schedule.take()
            if virtual_time.now() >= end:
                return
            times.append(virtual_time.now())

    await asyncio.gather(*(worker() for _ in range(workers)))
    return times


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("late", [[0.0], [0.0012], [0.0, 0.0005, 0.003]])
def test_the_rate_is_met_although_sleeps_take_too_long(rate: float, late: list[float]) -> None:
    """`--rate 200` would send 184 texts a second: each sleep that took too long would be lost."""
    seconds = max(200.0 / rate, 2.0)

    async def main() -> list[float]:
        late_timers(late)
        return await drawn(Schedule(rate), seconds, 64 if rate > 50 else 3)

    times = virtual_time.run(main())
    assert worst_second(times) <= rate + spare(rate)
    assert len(times) == pytest.approx(rate * seconds, rel=0.01, abs=1.0)


@settings(max_examples=60, deadline=None)
@given(
    rate=st.sampled_from(RATES) | st.floats(0.5, 2000.0),
    happenings=st.lists(
        st.tuples(st.sampled_from(["take", "stall", "sleep", "give back", "try"]), st.floats(0.0, 1.3), st.integers(1, 70)),
        max_size=25,
    ),
)
def test_no_second_has_more_than_was_asked_for(rate: float, happenings: list[tuple[str, float, int]]) -> None:
    """The provider counts in any second it likes; after a stall, a pause, or a handful of texts put off it would see a burst."""

    async def main() -> list[float]:
        schedule = Schedule(rate)
        times: list[float] = []

        async def one(keep: bool) -> None:
            await schedule.take()
            if keep:
                times.append(virtual_time.now())
            else:
                schedule.give_back()

        tasks = [asyncio.create_task(one(keep=True)) for _ in range(40)]
        for what, seconds, number in happenings:
            match what:
                case "take" | "give back":
                    tasks += [asyncio.create_task(one(keep=what == "take")) for _ in range(number)]
                    await asyncio.sleep(0)
                case "stall":
                    stall(seconds)
                case "try":
                    times += [virtual_time.now() for _ in range(number) if schedule.try_take()]
                case _:
                    await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return times

    assert worst_second(virtual_time.run(main())) <= rate + spare(rate)


@pytest.mark.parametrize(("rate", "most"), [(10.0, 1), (100.0, 2), (5000.0, 100)])
def test_what_a_stall_has_missed_is_made_up_for_within_bounds(rate: float, most: int) -> None:
    """A machine that slept for a minute would send the minute's texts at once; one that was busy for a moment would lose them."""

    async def main() -> int:
        schedule = Schedule(rate)
        await schedule.take()
        stall(60.0)
        return sum(schedule.try_take() for _ in range(10_000))

    assert virtual_time.run(main()) == most + 1


def test_whoever_waits_longest_is_next() -> None:
    """A text could wait for its turn while each new one overtakes it."""

    async def main() -> list[int]:
        schedule, order = Schedule(100.0), list[int]()

        async def one(number: int) -> None:
            await schedule.take()
            order.append(number)

        tasks = [asyncio.create_task(one(number)) for number in range(20)]
        await asyncio.sleep(0.055)
        assert not schedule.try_take()
        await asyncio.gather(*tasks)
        return order

    assert virtual_time.run(main()) == list(range(20))


@pytest.mark.parametrize("after", [None, 1000.0])
def test_another_rate_holds_at_once_for_those_who_wait(after: float | None) -> None:
    """A limit that was lifted would still hold up those who waited when it was."""

    async def main() -> float:
        schedule = Schedule(0.01)
        await schedule.take()
        began = virtual_time.now()
        tasks = [asyncio.create_task(schedule.take()) for _ in range(10)]
        await asyncio.sleep(1.0)
        schedule.limit(after)
        assert schedule.rate == after
        await asyncio.gather(*tasks)
        return virtual_time.now() - began

    assert virtual_time.run(main()) < 1.1


def test_rates_that_change_all_the_time_let_nobody_out() -> None:
    """A rate that is learned changes many times a minute; with a new bucket each time, each change would be a burst."""

    async def main() -> list[float]:
        schedule = Schedule(100.0)
        drawing = asyncio.create_task(drawn(schedule, 10.0, 64))
        for step in range(95):
            await asyncio.sleep(0.1)
            schedule.limit(100.0 + step % 2)
        return await drawing

    times = virtual_time.run(main())
    assert worst_second(times) <= 104
    assert 990 <= len(times) <= 1020


def test_leave_that_a_cancelled_task_was_given_goes_to_the_next() -> None:
    """A worker that is cancelled in the moment of its turn would take a text's time with it."""

    async def main() -> list[float]:
        schedule, times = Schedule(1.0), list[float]()
        await schedule.take()
        began = virtual_time.now()

        async def one() -> None:
            await schedule.take()
            times.append(virtual_time.now() - began)

        first, second = asyncio.create_task(one()), asyncio.create_task(one())
        await asyncio.sleep(0.5)
        stall(0.6)
        asyncio.get_running_loop().call_soon(first.cancel)  # runs in the turn of the loop in which the first has its leave
        await asyncio.gather(first, second, return_exceptions=True)
        return times

    times = virtual_time.run(main())
    assert len(times) in (1, 2)
    assert times[-1] < 1.2 if len(times) == 1 else times[-1] < 2.2


def test_a_wait_that_was_given_up_leaves_nothing_to_the_next_loop() -> None:
    """A service that runs one loop after the other would hang: a timer of the loop that is gone wakes nobody."""
    schedule = Schedule(20.0)

    async def given_up() -> None:
        await schedule.take()
        waiting = asyncio.create_task(schedule.take())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(given_up())
    asyncio.run(asyncio.wait_for(schedule.take(), 5.0))
