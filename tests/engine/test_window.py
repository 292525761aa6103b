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


def grown(window: Window, rounds: int) -> Window:
    for _ in range(rounds):
        for _ in range(window.size):
            window.grow()
    return window


@pytest.mark.parametrize(("in_flight", "size"), [(51, 50), (44, 50), (20, 19)])
def test_what_has_just_been_answered_counts_as_under_way(in_flight: int, size: int) -> None:
    """Of fifty at a time six would stay unused for seconds, because of one refusal that came when many had just been answered."""
    window = grown(Window(51), 6)
    window.crowd(9.9, 10.0, in_flight)
    assert window.size == size


def test_a_refusal_alone_keeps_the_room_small_for_a_moment_only() -> None:
    """One text too many when the count begins, and the whole trial would be made with less room than there is."""
    window = grown(Window(64), 7)
    window.fit(46)
    window.crowd(9.9, 10.0, 46)
    assert grown(window, 20).size >= 48
    for number in range(4):
        window.crowd(12.0 + number, 12.1 + number, window.size)
    before = window.size
    assert grown(window, 30).size == before, "where it is met again and again one more is tried rarely"
