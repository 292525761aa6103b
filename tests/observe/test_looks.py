"""What a page says of a run, worked out from the seconds of its ledger."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumbleup_async.messaging import LATENCIES, Second, State
from rumbleup_async.observe import looks, over_time
from rumbleup_async.observe.looks import Waits
from rumbleup_async.reasons import Code, Reason


def second(at: int, **more: object) -> Second:
    return Second(at, **more)  # type: ignore[arg-type]


def test_speed_is_that_of_the_last_ten_whole_seconds() -> None:
    """The second that is going on is not over, and counts for nothing yet."""
    seen = [second(at, sent=50) for at in range(80, 100)] + [second(100, sent=3)]
    assert over_time.speed(seen, 100.5) == 50.0
    assert over_time.speed(seen, 200.0) == 0.0
    assert over_time.speed([], 5.0) == 0.0


def test_a_run_that_has_just_begun_is_not_made_fast() -> None:
    """One second of 100 texts is no run of 100 a second yet."""
    assert over_time.speed([second(99, sent=100)], 100.0) == 10.0


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
    assert over_time.within([second(1, latencies=counts)], share) == found


def test_a_rate_that_was_asked_for_is_no_limit_of_the_provider() -> None:
    """Otherwise the page would say that the provider allows what the run was told to send."""
    assert over_time.limit_of(second(1, rate=100.0), 100.0) is None
    assert over_time.limit_of(second(1, rate=60.0), 100.0) == 60.0
    assert over_time.limit_of(second(1, rate=60.0), None) == 60.0
    assert over_time.limit_of(second(1), None) is None


@given(
    st.lists(st.integers(0, 200_000), min_size=1, max_size=300, unique=True).map(sorted),
    st.integers(0, 50),
)
def test_a_picture_has_few_points_and_forgets_nothing(moments: list[int], sent: int) -> None:
    """However long a run is, its picture can be drawn, and the area under it is what was sent."""
    seen = [second(at, sent=sent) for at in moments]
    step = over_time.step_for(seen, moments[-1])
    points = over_time.points(seen, None, step)
    assert len(points) <= over_time.MOST_POINTS + 1
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


def test_a_hold_lasts_up_to_the_next_second_that_is_there() -> None:
    """While nothing leaves nothing is noted: a hold of a minute would look like one of a second. A night between two sendings is
    no hold."""
    seen = [
        second(10, sent=5),
        second(11, held=0.5, throttled=3),
        second(71, sent=5),
        second(80, held=1.0),
        second(81, held=0.25, unknown=2),
        second(82, sent=1),
        second(90, held=1.0),
        second(90_000, sent=1),
    ]
    found = over_time.holds(seen)
    assert [(hold.at, hold.seconds) for hold in found] == [(11, 59.5), (80, 1.25), (90, 1.0)]
    assert ["not now" in hold.why for hold in found] == [True, False, False]
    assert "answers" in found[1].why
    assert over_time.holds([]) == []


@pytest.mark.parametrize(
    ("queued", "speed", "limit", "asked", "waits", "left"),
    [
        (100, 10.0, None, None, [], 10.0),
        (100, 10.0, 5.0, None, [], 20.0),
        (100, 0.0, None, 50.0, [], None),
        (0, 10.0, None, None, [], None),
        (100, 10.0, None, None, [Waits(40, None, "never")], 6.0),
        (100, 10.0, None, None, [Waits(40, 1000.0 + 3600, "later")], 3604.0),
        (100, 0.0, None, 20.0, [Waits(100, 1000.0 + 60, "later")], 65.0),
        (100, 0.0, None, None, [Waits(100, 1000.0 + 60, "later")], None),
    ],
)
def test_the_end_is_estimated(
    queued: int, speed: float, limit: float | None, asked: float | None, waits: list[Waits], left: float | None
) -> None:
    """Whoever waits for an hour comes after it; who never leaves is not waited for; and where nobody can say nothing is said."""
    assert over_time.seconds_left(queued, speed, limit, asked, waits, 1000.0) == left


def test_the_last_problems_are_those_of_texts_that_were_tried() -> None:
    """The newest first; a row that was skipped is none, and one whose time nobody knows is not the last."""
    found = {
        (State.REFUSED, Reason(Code.REFUSED_PERSON, "400 landline")): 3,
        (State.UNKNOWN, Reason(Code.NO_ANSWER)): 1,
        (State.SKIPPED, Reason(Code.NO_CONSENT)): 9,
        (State.QUEUED, Reason(Code.GAP, "24 h")): 7,
    }
    moments = dict(zip(found, (5_000, 9_000, 99_000, 0), strict=True))
    told = looks.reasons(found, moments)
    assert [(one.code, one.last) for one in looks.problems(told)] == [("no_answer", 9.0), ("refused_person", 5.0)]
