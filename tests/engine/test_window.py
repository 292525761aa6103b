"""Room in flight: never more than there is, and never lost."""

import random

import pytest

from rumbleup_async.engine.window import Window


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


@pytest.mark.parametrize("seed", range(20))
def test_never_more_in_hand_than_there_is_room(seed: int) -> None:
    """More would be in flight than the server takes, or room would get lost until nobody works any more."""
    chance = random.Random(seed)
    window = Window(12)
    for _ in range(2000):
        happens = chance.random()
        if happens < 0.5:
            room = window.size - window.taken
            assert window.take() is (room > 0)
        elif window.taken:
            window.give()
        if happens < 0.02:
            window.shrink()
        elif happens > 0.6:
            window.grow()
        assert 0 <= window.taken <= 12
        assert 1 <= window.size <= 12
    while window.taken:
        window.give()
    assert window.take()


def test_a_shrunk_window_lets_nobody_in_until_enough_have_left() -> None:
    """After a 440 as many as before would go on asking."""
    window = Window(8)
    for _ in range(16):
        window.grow()
    for _ in range(8):
        assert window.take()
    window.shrink()
    for left in (7, 6, 5, 4):
        window.give()
        assert not window.take(), f"{left} in hand, 4 may be"
    window.give()
    assert window.take()
    assert window.taken == 4
