"""Whether a silence was listened for."""

import asyncio
import time

import pytest

from rumbleup_async.session.silence import Pauses, when_silent


async def test_a_silence_that_nobody_listened_for_does_not_count() -> None:
    """A process that was stopped or busy would believe a "slow down" whose text was taken: the true answer lay unread in the
    socket, for timers run before it is looked at."""
    loop = asyncio.get_running_loop()
    rounds = 0
    over = loop.create_future()

    def heard() -> None:
        over.set_result(rounds)

    def count() -> None:
        nonlocal rounds
        rounds += 1
        if not over.done():
            loop.call_later(0.005, count)

    when_silent(loop, 0.03, heard)
    time.sleep(0.2)
    count()
    assert await over > 1


async def test_a_loop_that_is_always_late_ends_the_wait_all_the_same() -> None:
    """A text would wait for ever on a machine with too much to do."""
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    when_silent(loop, 0.01, lambda: over.set_result(None))
    while not over.done():
        time.sleep(0.05)
        await asyncio.sleep(0)


@pytest.mark.parametrize(("took", "pause"), [(0.0, 0.05), (0.1, 0.25), (60.0, 2.0)])
def test_a_slow_server_is_waited_for_longer(took: float, pause: float) -> None:
    """Its true answer would come after the wait is over."""
    pauses = Pauses()
    pauses.took(took)
    assert pauses.pause == pytest.approx(pause)
