"""How many are in flight where the run finds that out: against models of a provider, without a clock."""

import pytest

from rumbleup_async.engine.growing import BOUND, START, Growing
from rumbleup_async.engine.window import Window


def drive(growing: Growing, seconds: float, latency: float, *, capacity: float = 1e9, rate: float = 1e9) -> list[int]:
    """Send to a provider that takes `latency` an answer and does `capacity` texts a second at most, of which no more than `rate`
    are let out by a pace. What `most` was, look by look."""
    seen, now, step, carry = [], 0.0, 0.05, 0.0
    while now < seconds:
        through = min(growing.most / latency, capacity, rate)
        carry += through * step
        for _ in range(int(carry)):
            growing.sent()
        carry -= int(carry)
        now += step
        # Beyond its capacity a provider takes longer to answer, so that whatever may be in flight is.
        in_flight = growing.most if min(growing.most / latency, capacity) <= rate else int(rate * latency)
        growing.look(now, in_flight)
        seen.append(growing.most)
    return seen


def test_it_grows_as_long_as_that_brings_more() -> None:
    """A provider that takes half a second an answer would be used to a quarter."""
    seen = drive(Growing(BOUND), 60.0, 0.5)
    assert seen[0] == START
    assert max(seen) == seen[-1] == BOUND


@pytest.mark.parametrize("bound", [1, 40, 64, 100, 1000])
def test_it_never_goes_beyond_its_bound(bound: int) -> None:
    """A crash would leave more people in doubt than was said."""
    assert max(drive(Growing(bound), 120.0, 0.5)) == bound


def test_it_stays_where_more_brings_nothing() -> None:
    """A provider whose capacity is used up would have ever more texts of ours in flight, and each of them in doubt in a crash."""
    seen = drive(Growing(BOUND), 600.0, 0.1, capacity=600.0)
    assert seen[-1] == START
    assert sum(most > START for most in seen) < 0.15 * len(seen)


def test_it_is_tried_again_later() -> None:
    """A provider that has become larger would never be found to be."""
    growing = Growing(BOUND)
    drive(growing, 60.0, 0.1, capacity=600.0)
    assert growing.most < 150
    seen = drive_on(growing, 60.0, 400.0)
    assert seen[-1] == BOUND


def drive_on(growing: Growing, start: float, end: float) -> list[int]:
    seen, now = [], start
    while now < end:
        for _ in range(int(growing.most / 0.1 * 0.05)):
            growing.sent()
        now += 0.05
        growing.look(now, growing.most)
        seen.append(growing.most)
    return seen


def test_where_a_rate_binds_nothing_is_tried() -> None:
    """Room that nobody uses says nothing; with `--rate 50` there is nothing to be found out."""
    assert set(drive(Growing(BOUND), 120.0, 0.5, rate=50.0)) == {START}


def test_a_window_that_was_not_too_large_yet_grows_fast_into_more_room() -> None:
    """A step up would take minutes at a provider of half a second."""
    window = Window(4)
    while window.grow():
        pass
    window.widen(8)
    assert [window.grow() for _ in range(5)] == [True] * 4 + [False]
    assert window.size == 8
    window.widen(4)
    assert (window.size, window.most) == (4, 4)


def test_a_window_that_was_too_large_grows_slowly_into_more_room() -> None:
    """What the provider has refused would be tried again at once."""
    window = Window(8)
    while window.grow():
        pass
    window.shrink()
    window.widen(16)
    assert not window.grow()
