"""What is said of the provider's limit, of the time that is left, and of the window."""

import pytest

from rumbleup_async.engine.seconds import Counts, Flow, Tally
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.messaging import Second, State
from rumbleup_async.runs.option_checks import in_flight
from rumbleup_async.runs.summary import flow_of, summarise
from rumbleup_async.runs.throughput import per_second, rate_ahead, seconds_left, span, window_note


@pytest.mark.parametrize(
    ("asked", "allowed", "measured", "ahead"),
    [
        (None, None, 40.0, 40.0),
        (None, 98.0, 12.0, 98.0),
        (50.0, 98.0, 12.0, 50.0),
        (200.0, 98.0, 12.0, 98.0),
        (50.0, None, 48.0, 48.0),
        (50.0, None, 70.0, 50.0),
    ],
)
def test_the_rate_ahead_is_what_the_provider_lets_through(
    asked: float | None, allowed: float | None, measured: float, ahead: float
) -> None:
    """After a minute's hold the end of a run would seem to be days away."""
    assert rate_ahead(asked, allowed, measured) == ahead


def test_nothing_is_said_of_an_end_that_nobody_knows() -> None:
    """A run that has not begun would end at once, or never."""
    assert seconds_left(100, 0.0) is None
    assert seconds_left(0, 50.0) is None
    assert seconds_left(100, 50.0) == 2.0


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (89.0, "89 s"), (90.0, "2 min"), (3600.0, "60 min"), (12_000.0, "3 h 20 min")]
)
def test_a_length_of_time_is_said_as_people_say_it(seconds: float, words: str) -> None:
    """12,000 seconds say nothing to anybody."""
    assert span(seconds) == words


def test_a_slow_rate_keeps_its_first_digit() -> None:
    """1.5 texts a second would be shown as 2."""
    assert [per_second(rate) for rate in (1.5, 97.6, 1234.0)] == ["1.5/s", "98/s", "1,234/s"]


@pytest.mark.parametrize(
    ("latency", "limit", "note"),
    [
        (0.48, None, "64 in flight at 480 ms is 133/s; --concurrency 256 would allow 533/s"),
        (0.48, 200.0, "64 in flight at 480 ms is 133/s; --concurrency 128 would allow 200/s"),
        (0.48, 140.0, ""),
        (0.006, None, ""),
        (0.0, None, ""),
    ],
)
def test_more_in_flight_is_proposed_where_it_would_bring_more(latency: float, limit: float | None, note: str) -> None:
    """Where the provider or the processor binds, a larger window would leave more people in doubt for nothing."""
    assert window_note(64, 64, 1, latency, limit) == note


def test_holds_are_counted_once_and_end_when_they_end() -> None:
    """A volley of 429s would count as so many holds, and seconds that are still to come as passed."""
    now = [100.0]
    counts = Counts(lambda: now[0], lambda: dict.fromkeys(State, 0))
    for _ in range(3):
        counts.held(2.0)
    counts.held(3.0)
    now[0] = 101.0
    assert (counts.flow(list).holds, counts.flow(list).held) == (1, 1.0)
    now[0] = 104.0
    counts.held(1.0)
    now[0] = 110.0
    assert (counts.flow(list).holds, counts.flow(list).held) == (2, 4.0)


def test_what_workers_saw_between_two_looks_is_in_the_second_too() -> None:
    """Whoever looks at the progress would take the 429s out of the ledger's row."""
    now = [100.0]
    counts = Counts(lambda: now[0], lambda: dict.fromkeys(State, 0))
    counts.passed(list)
    assert counts.flow(lambda: [Tally(2, rate=90.0, allowed=90.0)]).throttled == 2
    now[0] = 101.0
    second = counts.passed(lambda: [Tally(1, rate=97.0, allowed=98.0)])
    assert second is not None
    assert (second.throttled, second.rate, counts.flow(list).allowed) == (3, 97.0, 98.0)


def test_latency_is_that_of_late() -> None:
    """A provider that became slow an hour ago would still look quick."""
    now = [100.0]
    counts = Counts(lambda: now[0], lambda: dict.fromkeys(State, 0))
    counts.passed(list)
    for _ in range(40):
        now[0] += 1
        counts.passed(lambda: [Tally(answers=10, waited=1.0)])
    assert counts.flow(list).latency == pytest.approx(0.1)
    for _ in range(40):
        now[0] += 1
        counts.passed(lambda: [Tally(answers=10, waited=5.0)])
    assert counts.flow(list).latency == pytest.approx(0.5, rel=0.01)


def test_a_rate_that_moves_a_little_is_no_news() -> None:
    """A learned rate moves all the time; observers would hear of nothing else."""
    counts = Counts(lambda: 0.0, lambda: dict.fromkeys(State, 0))
    heard = []
    for rate in (None, 100.0, 105.0, 95.0, 111.0, 105.0, None, None):
        counts.flow(lambda rate=rate: [Tally(allowed=rate)])  # type: ignore[misc]
        if counts.has_news():
            heard.append(counts.told)
    assert heard == [100.0, 111.0, None]


def test_a_summary_has_what_the_provider_let_through() -> None:
    """A script could not tell a slow provider from a slow run."""
    summary = summarise(
        dict.fromkeys(State, 0), run="r", action="1", elapsed=1.0, sent_now=1, stop=None, flow=Flow(97.66, 12, 3, 4.04)
    )
    found = summary.as_dict()
    assert list(found.items())[-4:] == [("allowed_per_second", 97.7), ("throttled", 12), ("holds", 3), ("held_seconds", 4.0)]


def test_what_a_ledger_keeps_of_its_seconds_is_told_of_another_process() -> None:
    """`status` would show nothing of the limit at which the run lives."""
    assert flow_of([], None) is None
    seconds = [Second(1, throttled=2, held=0.5), Second(2, throttled=1, held=1.0, rate=98.0)]
    assert flow_of(seconds, None) == flow_of(seconds, 200.0) == Flow(98.0, 3, None, 1.5)
    assert flow_of(seconds, 98.0) == Flow(None, 3, None, 1.5), "the rate was asked for"


@pytest.mark.parametrize(
    ("given", "read"),
    [(None, None), (8, (8, None)), ("auto", (256, 64)), ("auto:512", (512, 64)), ("auto:10", (10, 10))],
)
def test_how_many_may_be_in_flight_is_a_number_or_found_out(given: int | str | None, read: tuple[int, int | None] | None) -> None:
    """`auto` would begin with as many as it may grow to."""
    assert in_flight(given) == read


@pytest.mark.parametrize("given", [0, -1, True, 1.5, "", "many", "auto:", "auto:0", "auto:-1", "auto:99999", "auto:1:2", "8"])
def test_what_is_no_number_in_flight_is_refused(given: object) -> None:
    """A mistyped option would be taken for another."""
    with pytest.raises(ConfigurationError, match="concurrency"):
        in_flight(given)
