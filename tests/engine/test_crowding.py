"""So many at a time: told from so many a second, and followed."""

from collections.abc import Callable

import pytest

from rumbleup_async.engine.crowding import Crowding
from rumbleup_async.engine.learning import Learning
from tests.engine.limiters import AtOnce, Bucket, Limiter, Share, play


@pytest.mark.parametrize("most", [10, 50])
@pytest.mark.parametrize("seed", [1, 2])
def test_all_the_room_is_used_though_answers_differ(most: int, seed: int) -> None:
    """By a rate alone a tenth of the room would stay empty: a text that comes a moment too early is refused."""
    crowding = Crowding()
    ours = play(AtOnce(most, 0.1), crowding=crowding, seed=seed, blur=0.002, back=0.002, spread=0.02, seconds=90.0)
    assert ours.between(20.0, 90.0) >= 0.96 * most * 10 * 70
    assert ours.share <= 0.02
    assert most == 50 or crowding.most in (9, 10)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: Bucket(100, 10), id="bucket 100/s"),
        pytest.param(lambda: Bucket(20, 5), id="bucket 20/s"),
        pytest.param(lambda: Bucket(100, 1), id="bucket 100/s without burst"),
        pytest.param(lambda: Share(0.03, 640), id="3 % at random"),
        pytest.param(lambda: Bucket(100, 10, rate_at=lambda now: 50.0 if now < 27.0 else 100.0), id="a limit that rises"),
    ],
)
def test_a_limit_by_the_second_is_not_taken_for_one(make: Callable[[], Limiter]) -> None:
    """A provider that takes longer to answer would be sent to slowly, and one that lets more through as slowly as before."""
    crowding = Crowding()
    without = Crowding()
    without.taken = without.refused = lambda left, now: False  # type: ignore[method-assign]
    ours = play(make(), crowding=crowding, blur=0.002, back=0.002, spread=0.02, seed=3)
    others = play(make(), crowding=without, blur=0.002, back=0.002, spread=0.02, seed=3)
    assert ours.between(10.0, 60.0) >= 0.97 * others.between(10.0, 60.0)


@pytest.mark.parametrize(("before", "after"), [(10, 20), (20, 10), (50, 10), (10, 50)])
def test_the_number_is_followed(before: int, after: int) -> None:
    """Half of the room would stay empty for the rest of the day, or half of all texts be refused."""
    limiter = AtOnce(before, 0.1, most_at=lambda now: before if now < 40.0 else after)
    ours = play(limiter, seconds=90.0, blur=0.002, back=0.002, spread=0.02)
    assert ours.between(20.0, 40.0) >= 0.9 * before * 10 * 20
    assert ours.between(55.0, 90.0) >= 0.9 * after * 10 * 35
    assert ours.share <= 0.05


def test_a_provider_that_takes_nothing_any_more_is_left_alone() -> None:
    """Somebody who is blocked would hammer on, for the window alone never stands still."""
    learning = Learning()
    limiter = AtOnce(50, 0.1, most_at=lambda now: 50 if now < 40.0 else 0)
    ours = play(limiter, learning, seconds=600.0, blur=0.002, back=0.002, spread=0.02, bounce=0.01)
    assert sum(moment >= 40.0 for moment in ours.throttled) <= 300
    assert learning.pauses >= 8


def test_a_wait_that_is_asked_for_is_about_something_else() -> None:
    """Nothing would be learned of a limit by the second."""
    crowding = Crowding()
    for number in range(900):  # every twentieth is one too many, and as many get through each second
        left = number * 0.01
        (crowding.refused if number % 20 == 0 else crowding.taken)(left, left + 0.1)
    tried = crowding.most
    assert tried == 10
    assert crowding.start(9.0)
    assert crowding.most is None


@pytest.mark.parametrize(("got", "is_kept"), [(425, False), (445, True), (500, True), (700, False)])
def test_more_room_than_the_rate_has_used_is_no_limit_that_has_risen(got: int, is_kept: bool) -> None:
    """Of fifty at a time a rate uses 43. The other seven would be taken for a limit that rises, and stay unused."""
    crowding = Crowding()
    now = 0.0
    while crowding.most is None:  # of 430 a second every hundredth is one too many
        now += 1 / 430
        (crowding.refused if int(now * 430) % 100 == 50 else crowding.taken)(now, now + 0.1)
    assert crowding.most in (42, 43)
    began = now = now + 0.2
    while now < began + 6.0 and crowding.most is not None:
        now += 1 / got
        crowding.taken(now, now + 0.1)
    assert (crowding.most is not None) == is_kept
    assert not is_kept or abs((crowding.most or 0) - got / 10) <= 1.0
