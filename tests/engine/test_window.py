"""Room in flight: never more than there is, never lost, and nobody is left waiting for it."""

import asyncio
import random

import pytest

from rumbleup_async.engine.window import Window
from tests import virtual_time


def test_it_doubles_a_round_until_it_was_too_large() -> None:
    """A dead server would be met by the first hundred texts, or a healthy one kept waiting."""
    window = Window(64)
    sizes = [window.size]
    for _ in range(6):
        for _ in range(window.size):
            window.grow()
        sizes.append(window.size)
    assert sizes == [1, 2, 4, 8, 16, 32, 64]
    assert not window.grow()
    window.shrink()
    assert window.size == 32
    for _ in range(window.size):
        window.grow()
    assert window.size in (32, 33)
    before = window.size
    for _ in range(10 * before):
        window.grow()
    assert before + 5 <= window.size <= before + 11


def test_it_never_shrinks_to_nothing() -> None:
    """A run would stand still for ever."""
    window = Window(3)
    for _ in range(10):
        window.shrink()
    assert window.size == 1
    assert window.take()
    assert not window.take()


def test_whoever_waits_is_let_in_in_order() -> None:
    """A texter could be passed over for ever."""

    async def main() -> list[int]:
        window = Window(2)
        came: list[int] = []

        async def enter(number: int) -> None:
            assert await window.wait()
            came.append(number)
            await asyncio.sleep(1)
            window.give()

        async with asyncio.TaskGroup() as tasks:
            for number in range(6):
                tasks.create_task(enter(number))
        assert window.taken == 0
        return came

    assert virtual_time.run(main()) == list(range(6))


def test_nobody_is_let_in_once_it_is_closed() -> None:
    """Something would still leave after a stop, or the run would never end."""

    async def main() -> None:
        window = Window(4)
        assert window.take()
        waiting = [asyncio.create_task(window.wait()) for _ in range(3)]
        await asyncio.sleep(0)
        window.close()
        assert await asyncio.gather(*waiting) == [False] * 3
        assert not await window.wait()
        assert not window.take()
        window.give()
        window.grow()
        assert window.taken == 0
        window.close()

    virtual_time.run(main())


@pytest.mark.parametrize("seed", range(20))
def test_never_more_in_hand_than_there_is_room(seed: int) -> None:
    """More would be in flight than the server takes, or room would get lost until nobody works any more."""
    chance = random.Random(seed)

    async def main() -> None:
        window = Window(12)
        done = 0

        async def work() -> None:
            nonlocal done
            while done < 400:
                before = window.size
                if not await window.wait():
                    return
                assert window.taken <= max(window.size, before, largest[-1])
                await asyncio.sleep(chance.random())
                done += 1
                if chance.random() < 0.1:
                    window.shrink()
                elif chance.random() < 0.9:
                    window.grow()
                largest.append(max(window.taken, window.size))
                window.give()

        largest = [1]
        async with asyncio.TaskGroup() as tasks:
            for _ in range(16):
                tasks.create_task(work())
        assert window.taken == 0
        assert done >= 400

    virtual_time.run(main())


def test_a_shrunk_window_lets_nobody_in_until_enough_have_left() -> None:
    """After a 440 as many as before would go on asking."""

    async def main() -> None:
        window = Window(8)
        for _ in range(16):
            window.grow()
        for _ in range(8):
            assert window.take()
        window.shrink()
        waiting = asyncio.create_task(window.wait())
        for left in (7, 6, 5, 4):
            window.give()
            await asyncio.sleep(0)
            assert not waiting.done(), f"{left} in hand, 4 may be"
        window.give()
        await asyncio.sleep(0)
        assert waiting.done()
        assert window.taken == 4

    virtual_time.run(main())
