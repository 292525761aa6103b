"""What is learned of a limit, by tables and against limiters of every kind: a minute of sending in some milliseconds."""

from collections.abc import Callable

import pytest

from rumbleup_async.engine.cycles import Cycle
from rumbleup_async.engine.learning import Learning
from tests.engine.limiters import AtOnce, Bucket, Limiter, Played, Share, Windows, plain, play


def bucket(rate: float, after: float) -> Callable[[], Limiter]:
    burst = {20: 5.0, 100: 10.0, 1000: 50.0}[int(rate)]
    return lambda: Bucket(rate, burst, after)


def half_taken() -> Limiter:
    return Bucket(100, 10, rate_at=lambda now: 50.0 if now < 30 else 100.0)


def up_and_down() -> Limiter:
    return Bucket(100, 10, rate_at=lambda now: 100.0 if int(now / 20) % 2 == 0 else 50.0)


ROWS = [
    *[pytest.param(bucket(rate, 0.0), 0.95, 0.05, id=f"bucket {rate}/s, bare 429") for rate in (20, 100, 1000)],
    *[pytest.param(bucket(rate, 1.0), 0.95, 0.02, id=f"bucket {rate}/s, Retry-After: 1") for rate in (20, 100, 1000)],
    *[pytest.param(bucket(rate, 5.0), 0.85, 0.02, id=f"bucket {rate}/s, Retry-After: 5") for rate in (20, 100, 1000)],
    *[pytest.param(lambda p=p: Share(p, 640), 0.95, 1.2 * p, id=f"{p:.0%} at random") for p in (0.01, 0.03, 0.1)],
    pytest.param(lambda: Windows(600, 10), 0.95, 0.05, id="600 in 10 s"),
    pytest.param(lambda: Windows(600, 10, names_end=False), 0.80, 0.25, id="600 in 10 s, bare 429"),
    pytest.param(lambda: Bucket(100, 1, 1.0), 0.75, 0.05, id="no burst, Retry-After: 1"),
    pytest.param(lambda: Bucket(2, 2, 1.0), 0.90, 0.10, id="bucket 2/s, Retry-After: 1"),
    pytest.param(lambda: Bucket(5, 5, 1.0), 0.90, 0.06, id="a burst of a second, Retry-After: 1"),
    pytest.param(lambda: Bucket(100, 400, 1.0), 0.90, 0.02, id="a burst of 400, Retry-After: 1"),
    pytest.param(lambda: Share(0.03, 90, after=1.0), 0.65, 0.05, id="3 % at random, Retry-After: 1"),
    pytest.param(lambda: AtOnce(10, 0.1), 0.90, 0.05, id="10 at a time"),
    pytest.param(lambda: AtOnce(50, 0.1), 0.90, 0.05, id="50 at a time"),
]


def played(make: Callable[[], Limiter], *, seconds: float = 60.0) -> Played:
    allowed = make().allows(0.0, 1.0)
    return play(make(), seconds=seconds, concurrency=256 if allowed >= 1000 else 64)


@pytest.mark.parametrize(("make", "least", "refused"), ROWS)
def test_it_gets_what_the_limiter_lets_through(make: Callable[[], Limiter], least: float, refused: float) -> None:
    """A campaign of a million texts would take days at a tenth of what the provider allows, or hammer it with requests."""
    ours, theirs = played(make), plain(make(), concurrency=256 if make().allows(0.0, 1.0) >= 1000 else 64)
    allowed = make().allows(10.0, 60.0)
    assert ours.between(10.0, 60.0) >= least * allowed
    assert ours.share <= refused
    assert ours.share <= 1.2 * theirs.share
    assert ours.broken == 0, "texts left within a hold"


@pytest.mark.parametrize("shift", [0.0, 43.0])
def test_every_window_of_a_minute_is_used(shift: float) -> None:
    """The first minute would be used up at once and the second hardly begun."""
    ours = played(lambda: Windows(1000, 60, shift), seconds=240.0)
    assert ours.between(60.0 - shift + 60.0 * (shift > 0), 180.0 - shift + 60.0 * (shift > 0)) >= 0.95 * 2000
    assert ours.broken == 0


def test_a_limit_that_others_use_is_taken_back_when_they_let_go() -> None:
    """A run would go on at half the pace for the rest of the day because somebody else sent for half a minute."""
    ours = played(half_taken)
    assert ours.between(10.0, 30.0) >= 0.95 * 50 * 20
    assert ours.between(30.0, 60.0) >= 0.90 * 100 * 30
    assert ours.share <= 0.04


def test_a_limit_that_changes_is_followed() -> None:
    """Half of all requests would be refused for as long as the limit is low, or half of it be left when it is high again."""
    ours = played(up_and_down, seconds=80.0)
    assert ours.between(10.0, 80.0) >= 0.85 * up_and_down().allows(10.0, 80.0)
    assert ours.share <= 0.05


@pytest.mark.parametrize("rate", [20, 100, 1000])
@pytest.mark.parametrize("after", [0.0, 1.0, 5.0])
def test_the_limit_is_reached_soon(rate: float, after: float) -> None:
    """A short campaign would be over before the limit was found."""
    start = 3.0 + after
    ours = played(bucket(rate, after), seconds=start + 3.0)
    assert ours.between(start, start + 3.0) >= (0.75 if rate == 20 and after > 1 else 0.9) * 3.0 * rate


@pytest.mark.parametrize("latency", [0.02, 0.1, 0.4])
@pytest.mark.parametrize("bounce", [None, 0.005])
@pytest.mark.parametrize("after", [0.0, 1.0])
def test_answers_may_come_quickly_or_slowly(latency: float, bounce: float | None, after: float) -> None:
    """A gateway that refuses within milliseconds would be asked ten thousand times a second."""
    ours = play(Bucket(100, 10, after), latency=latency, spread=0.2, bounce=bounce, seed=3)
    assert ours.between(10.0, 60.0) >= 0.85 * 100 * 50
    assert ours.share <= 0.05
    assert ours.broken == 0


@pytest.mark.parametrize("seed", [4, 5])
@pytest.mark.parametrize(
    ("make", "least"),
    [
        pytest.param(bucket(100, 0.0), 0.95, id="bare"),
        pytest.param(bucket(100, 1.0), 0.90, id="Retry-After: 1"),
        pytest.param(bucket(1000, 1.0), 0.90, id="1,000/s, Retry-After: 1"),
        pytest.param(bucket(100, 5.0), 0.80, id="Retry-After: 5"),
        pytest.param(lambda: Share(0.01, 600), 0.90, id="1 % at random"),
    ],
)
def test_texts_may_arrive_unevenly(make: Callable[[], Limiter], least: float, seed: int) -> None:
    """On a busy machine, or far from the provider, the limit would be taken for a higher one, and each wait be followed by the
    next."""
    concurrency = 256 if make().allows(0.0, 1.0) >= 1000 else 64
    ours = play(make(), blur=0.01, spread=0.1, seed=seed, concurrency=concurrency)
    assert ours.between(10.0, 60.0) >= least * make().allows(10.0, 60.0)
    assert ours.share <= 0.05
    assert ours.broken == 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_busy_machine_follows_a_limit_that_rises(seed: int) -> None:
    """It would go on at half the pace for ever: less leaves than the rate allows, so that the rate never seems to be borne."""
    ours = play(half_taken(), stall=0.08, blur=0.005, back=0.005, spread=0.05, seed=seed)
    assert ours.between(45.0, 60.0) >= 0.85 * 100 * 15
    assert ours.share <= 0.05


@pytest.mark.parametrize(("asked", "allowed"), [(1.0, 0.5), (5.0, 2.0), (20.0, 10.0), (30.0, 10.0), (100.0, 90.0)])
def test_an_asked_rate_above_the_limit_is_not_insisted_on(asked: float, allowed: float) -> None:
    """Half of all requests of `--rate 20` would be refused for the rest of the day, for so few never were enough to judge by."""
    ours = play(Bucket(allowed, 5), asked=asked, seconds=120.0)
    assert ours.between(40.0, 120.0) >= 0.95 * allowed * 80
    assert sum(time >= 40.0 for time in ours.throttled) <= 0.06 * allowed * 80


def test_a_provider_that_takes_nothing_is_left_alone() -> None:
    """Somebody who is blocked would hammer on, and be blocked for longer."""
    learning = Learning()
    ours = play(Bucket(0.0, 0.0), learning, seconds=600.0)
    assert ours.accepted == []
    assert len(ours.throttled) <= 64
    assert learning.pauses >= 10


def test_it_opens_again_after_a_time_in_which_nothing_was_taken() -> None:
    """A run would crawl for the rest of the day after the provider was away for a minute."""
    ours = play(Bucket(100, 10, rate_at=lambda now: 0.0 if 20 < now < 40 else 100.0), seconds=90.0)
    assert ours.between(75.0, 90.0) >= 0.9 * 100 * 15


# ---- by tables ----


@pytest.mark.parametrize("volley", [1, 2, 50])
def test_a_volley_is_one_event(volley: int) -> None:
    """Twenty answers of one moment would slow the run down twenty times."""
    learning = Learning()
    for number in range(100):
        learning.accepted(number * 0.01, number * 0.01 + 0.1)
    for number in range(volley):
        learning.throttled(1.0 + number * 1e-4, 1.1, 2.0)
    assert learning.until == 1.1 + 2.0
    assert learning.rate is not None
    assert 50 <= learning.rate <= 100


def test_a_hold_is_the_longest_that_was_asked_for() -> None:
    """The second answer of a volley would let the texts out that the first one holds."""
    learning = Learning()
    learning.throttled(0.0, 0.1, 5.0)
    learning.throttled(0.05, 0.2, 1.0)
    assert learning.until == 5.1
    learning.throttled(0.05, 0.3, 9.0)
    assert learning.until == 9.3


def test_without_a_429_there_is_no_limit() -> None:
    """A provider that never says no would be sent to slowly."""
    learning = Learning()
    for number in range(10_000):
        learning.accepted(number * 0.001, number * 0.001 + 0.1)
    assert learning.rate is None
    assert learning.limit is None


@pytest.mark.parametrize("latency", [0.001, 0.1])
def test_a_first_answer_that_is_a_429_by_chance_is_no_limit(latency: float) -> None:
    """One run in thirty would creep at six texts a second, because of its very first answer."""
    limiter = Share(0.03, 640, seed=31)
    assert play(limiter, seconds=4.0, latency=latency).between(2.0, 4.0) >= 0.9 * limiter.allows(2.0, 4.0)


def test_one_429_without_a_time_changes_nothing_for_the_others() -> None:
    """One answer in a thousand would hold the whole run."""
    learning = Learning()
    for number in range(2000):
        if number % 1000 == 500:
            learning.throttled(number * 0.002, number * 0.002 + 0.1)
        else:
            learning.accepted(number * 0.002, number * 0.002 + 0.1)
        assert learning.until <= number * 0.002 + 0.1
    assert learning.rate is None or learning.rate >= 400


@pytest.mark.parametrize(
    ("rate", "taken", "since", "refused", "low", "high"),
    [
        pytest.param(0.0, 60, 1, 20, 36.0, 0.0, id="by leaps"),
        pytest.param(0.0, 60, 10, 20, 89.4, 97.1, id="by leaps, but the volley tells"),
        pytest.param(120.0, 120, 10, 3, 90.1, 101.9, id="the volley tells"),
        pytest.param(25.0, 25, 1, 1, 18.75, 25.0, id="a small volley does not"),
        pytest.param(300.0, 300, 0, 30, 55.0, 100.0, id="a window"),
    ],
)
def test_what_one_event_tells(rate: float, taken: int, since: int, refused: int, low: float, high: float) -> None:
    """The rate after a wait would be a guess."""
    cycle = Cycle(0.0)
    for _ in range(taken):
        cycle.take(0.5)
    for _ in range(refused):
        cycle.refuse(1.0, 1.1, 4.9, rate, 0.0)
    for number in range(since):
        cycle.take(1.001 + 0.098 * number / max(1, since - 1))
    estimate = cycle.estimate()
    assert estimate.low == pytest.approx(low, rel=0.01)
    assert estimate.high == pytest.approx(high, rel=0.01)
