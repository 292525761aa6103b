"""What a page says of a run, worked out from the seconds of its ledger."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumbleup_async.messaging import LATENCIES, Second, State
from rumbleup_async.observe import looks
from rumbleup_async.reasons import Code, Reason


def second(at: int, **more: object) -> Second:
    return Second(at, **more)  # type: ignore[arg-type]


def test_speed_is_that_of_the_last_ten_whole_seconds() -> None:
    """The second that is going on is not over, and counts for nothing yet."""
    seen = [second(at, sent=50) for at in range(80, 100)] + [second(100, sent=3)]
    assert looks.speed(seen, 100.5) == 50.0
    assert looks.speed(seen, 200.0) == 0.0
    assert looks.speed([], 5.0) == 0.0


def test_a_run_that_has_just_begun_is_not_made_fast() -> None:
    """One second of 100 texts is no run of 100 a second yet."""
    assert looks.speed([second(99, sent=100)], 100.0) == 10.0


@pytest.mark.parametrize(
    ("buckets", "share", "found"),
    [
        ({}, 0.5, None),
        ({3: 10}, 0.5, LATENCIES[3]),
        ({0: 95, 5: 5}, 0.95, LATENCIES[0]),
        ({0: 94, 5: 6}, 0.95, LATENCIES[5]),
        ({11: 1}, 0.5, 60.0),
    ],
)
def test_within_which_time_answers_came(buckets: dict[int, int], share: float, found: float | None) -> None:
    """The upper bound of the bucket in which the share is reached; beyond the last one a number that is no end."""
    counts = tuple(buckets.get(index, 0) for index in range(len(LATENCIES) + 1))
    assert looks.within([second(1, latencies=counts)], share) == found


def test_a_rate_that_was_asked_for_is_no_limit_of_the_provider() -> None:
    """Otherwise the page would say that the provider allows what the run was told to send."""
    assert looks.limit_of(second(1, rate=100.0), 100.0) is None
    assert looks.limit_of(second(1, rate=60.0), 100.0) == 60.0
    assert looks.limit_of(second(1, rate=60.0), None) == 60.0
    assert looks.limit_of(second(1), None) is None


@given(
    st.lists(st.integers(0, 200_000), min_size=1, max_size=300, unique=True).map(sorted),
    st.integers(0, 50),
)
def test_a_picture_has_few_points_and_forgets_nothing(moments: list[int], sent: int) -> None:
    """However long a run is, its picture can be drawn, and the area under it is what was sent."""
    seen = [second(at, sent=sent) for at in moments]
    step = looks.step_for(seen, moments[-1])
    points = looks.points(seen, None, step)
    assert len(points) <= looks.MOST_POINTS + 1
    assert sum(point.sent * step for point in points) == pytest.approx(
        sent * len(moments), rel=0.02, abs=0.02 * step * len(points)
    )
    assert all(point.at % step == 0 for point in points)


def test_reasons_are_told_with_what_to_do_and_without_phones() -> None:
    """A provider's words may quote the number that they are about."""
    found = {
        (State.REFUSED, Reason(Code.REFUSED_PERSON, "400 the phone (202) 555-0101 is a landline")): 3,
        (State.SENT, Reason()): 900,
        (State.QUEUED, Reason(Code.GAP, "24 h")): 7,
    }
    told = looks.reasons(found)
    assert [(one.state, one.code, one.number) for one in told] == [("not_sent", "gap", 7), ("refused", "refused_person", 3)]
    assert "555" not in told[1].words
    assert "01 is a landline" in told[1].words
    assert told[0].remedy


@pytest.mark.parametrize("words", ["+1 202-555-0101", "12025550101", "(202) 555.0101"])
def test_digits_of_a_phone_are_masked_however_they_are_written(words: str) -> None:
    """Two digits stay, as everywhere."""
    assert looks.masked(f"to {words}!") in {"to \u202601!", "to (\u202601!"}
    assert looks.masked("429 twice, 2026") == "429 twice, 2026"
