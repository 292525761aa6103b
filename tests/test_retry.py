"""Again, settle, park or stop: the whole table, and the counter of failures in a row."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumbleup_async.messaging import State
from rumbleup_async.outcomes import Accepted, Bar, Barred, NotSent, Outcome, Refused, Throttled, Unknown
from rumbleup_async.reasons import from_words as because
from rumbleup_async.retry import Again, CircuitBreaker, Decision, Done, Park, Policy, StopRun, decide, left_over
from rumbleup_async.stops import Stop

POLICY = Policy()
ABOUT_RECIPIENT = Refused(because("400 LANDLINE"), 400, "LANDLINE", about_recipient=True)


def kind(decision: Decision) -> str:
    match decision:
        case Again():
            return f"again {decision.after:g}"
        case Done():
            return f"settle {decision.state}"
        case Park():
            return "park"
        case StopRun():
            return f"stop: {decision.stop.cause.words}"


@pytest.mark.parametrize(
    ("outcome", "attempt", "proven", "expected"),
    [
        (Accepted("rl_1"), 1, False, "settle sent"),
        (Accepted("rl_1"), 99, True, "settle sent"),
        (Unknown(because("reset")), 1, False, "settle unknown"),
        (Unknown(because("reset")), 1, True, "settle unknown"),
        (ABOUT_RECIPIENT, 1, False, "settle refused"),
        (ABOUT_RECIPIENT, 1, True, "settle refused"),
        (Refused(because("400"), 400), 1, True, "settle refused"),
        (Refused(because("400"), 400), 1, False, "park"),
        (NotSent(because("refused")), 1, False, "again 0.5"),
        (NotSent(because("refused")), 3, False, "again 2"),
        (NotSent(because("refused")), 4, False, "stop: not reachable"),
        (NotSent(because("refused")), 4, True, "again 4"),
        (NotSent(because("refused")), 7, True, "again 32"),
        (NotSent(because("refused")), 8, True, "park"),
        (NotSent(because("no room"), crowded=True), 99, False, "again 0"),
        (Throttled(because("429"), 429), 1, False, "again 0.1"),
        (Throttled(because("429"), 429), 4, True, "again 0.8"),
        (Throttled(because("429"), 429), 19, True, "again 60"),
        (Throttled(because("429"), 429), 20, True, "stop: throttled"),
        (Throttled(because("440"), 440), 20, False, "stop: throttled"),
        (Throttled(because("429"), 429, 0.0), 1, True, "again 0.1"),
        (Throttled(because("429"), 429, 30.0), 1, True, "again 30"),
        (Throttled(because("429"), 429, 900.0), 1, True, "again 900"),
        (Throttled(because("429"), 429, 900.1), 1, True, "stop: throttled"),
        (Barred(Bar.KEY_REFUSED, because("401")), 1, True, "stop: key refused"),
        (Barred(Bar.OPT_OUT_MISSING, because("403")), 1, True, "stop: opt-out wording missing"),
        (Barred(Bar.DAILY_CAP, because("DAILYCAP")), 1, True, "park"),
        (Barred(Bar.ACCOUNT, because("402")), 1, True, "park"),
        (Barred(Bar.GATEWAY, because("404")), 1, True, "park"),
        (Barred(Bar.OTHER, because("409")), 1, False, "park"),
        (Barred(Bar.NOT_ALLOWED, because("403")), 1, False, "park"),
        (Barred(Bar.OUTSIDE_HOURS, because("TIMERANGE")), 1, True, "park"),
    ],
)
def test_the_table(outcome: Outcome, attempt: int, proven: bool, expected: str) -> None:
    """Somebody would be texted twice, written off for nothing, or a run go on that has no chance."""
    assert kind(decide(outcome, attempt, POLICY, proven=proven)) == expected


_outcomes: st.SearchStrategy[Outcome] = st.one_of(
    st.builds(Accepted, st.text(max_size=5)),
    st.builds(Refused, st.text(max_size=5), st.integers(400, 499), st.just(""), st.booleans()),
    st.builds(Throttled, st.text(max_size=5), st.sampled_from([429, 440]), st.none() | st.floats(0, 1e9)),
    st.builds(Barred, st.sampled_from(Bar), st.text(max_size=5)),
    st.builds(NotSent, st.text(max_size=5)),
    st.builds(Unknown, st.text(max_size=5)),
)


@given(outcome=_outcomes, attempt=st.integers(1, 10_000), proven=st.booleans())
def test_again_only_where_nothing_can_have_left(outcome: Outcome, attempt: int, proven: bool) -> None:
    """The one rule that keeps people from being texted twice."""
    decision = decide(outcome, attempt, POLICY, proven=proven)
    left = isinstance(outcome, Accepted | Unknown)
    assert isinstance(decision, Done) >= left
    if isinstance(decision, Done):
        assert decision.state is {Accepted: State.SENT, Unknown: State.UNKNOWN, Refused: State.REFUSED}[type(outcome)]
    if isinstance(decision, Again):
        assert isinstance(outcome, NotSent | Throttled)
        assert 0 < decision.after < math.inf
        if isinstance(outcome, Throttled):
            assert decision.after >= (outcome.after or 0)
        assert attempt < max(POLICY.throttle_attempts, POLICY.connect_attempts)


@given(attempt=st.integers(1, 10**9))
def test_pauses_are_bounded(attempt: int) -> None:
    """After a long night without network a pause would be longer than the campaign, or overflow."""
    assert 0 < POLICY.wait(attempt) <= POLICY.backoff_ceiling
    assert 0 < POLICY.throttle_wait(attempt) <= POLICY.backoff_ceiling


def test_what_a_pause_is_for_is_said() -> None:
    """A run would stand still, and its log say nothing of why."""
    decision = decide(Throttled(because("429 slow down"), 429), 1, POLICY, proven=True)
    assert isinstance(decision, Again)
    assert decision.reason == "429 slow down"


def test_patience_is_what_it_is_known_for() -> None:
    """While texts in a row are lost the run would pause for longer, or shorter, than is told of it."""
    assert POLICY.trouble_ceiling == 5.0


def watch(*outcomes: Outcome, concurrency: int = 4) -> Stop | None:
    """The stop that the last of these outcomes brings; none may come before it."""
    counting = CircuitBreaker(POLICY, concurrency)
    *first, last = outcomes
    for outcome in first:
        assert counting.see(outcome) is None
    return counting.see(last)


CAPPED = Barred(Bar.DAILY_CAP, because("400 DAILYCAP"), 400, "DAILYCAP")
BAD = Unknown(because("502"))
GOOD = Accepted("rl")


@pytest.mark.parametrize(
    ("outcomes", "cause"),
    [
        pytest.param([BAD] * 4, None, id="four at first"),
        pytest.param([BAD] * 5, "error threshold", id="five at first"),
        pytest.param([Refused(because("400"), 400)] * 5, "error threshold", id="refused at first"),
        pytest.param([NotSent(because("refused"))] * 5, "error threshold", id="not reached at first"),
        pytest.param([Barred(Bar.NOT_ALLOWED, because("403"))] * 5, "not allowed", id="403 on every call"),
        pytest.param([Barred(Bar.OUTSIDE_HOURS, because("TIMERANGE"))] * 5, "outside hours", id="all outside hours"),
        pytest.param([GOOD, *[BAD] * 53], None, id="fifty and those in flight"),
        pytest.param([GOOD, *[BAD] * 54], "error threshold", id="one more"),
        pytest.param([GOOD, *[BAD] * 53, GOOD, *[BAD] * 53], None, id="one that gets through"),
        pytest.param([ABOUT_RECIPIENT] * 500, None, id="a list of landlines"),
        pytest.param([*[BAD] * 4, ABOUT_RECIPIENT, ABOUT_RECIPIENT, BAD], "error threshold", id="landlines prove nothing"),
        pytest.param([Throttled(because("429"), 429)] * 500, None, id="throttled is no failure"),
        pytest.param([Barred(Bar.ACCOUNT, because("402"))] * 5, "account", id="no funds"),
        pytest.param([Barred(Bar.GATEWAY, because("404"))] * 5, "error threshold", id="pages"),
        pytest.param([CAPPED], "daily cap", id="a cap at first"),
        pytest.param([GOOD] * 4 + [CAPPED], "daily cap", id="a cap among the first five"),
        pytest.param([GOOD] * 5 + [CAPPED] * 19, None, id="nineteen caps in a row"),
        pytest.param([GOOD] * 5 + [CAPPED] * 20, "daily cap", id="twenty"),
        pytest.param([GOOD] * 5 + ([CAPPED] * 19 + [GOOD]) * 3, None, id="caps between accepted texts"),
        pytest.param([GOOD] * 5 + [CAPPED] * 19 + [ABOUT_RECIPIENT, CAPPED], "daily cap", id="a landline between"),
    ],
)
def test_failures_in_a_row(outcomes: list[Outcome], cause: str | None) -> None:
    """A dead server would eat the list, or a list of landlines would stop a run that works."""
    stop = watch(*outcomes)
    assert (None if stop is None else stop.cause.words) == cause
    if stop is not None:
        assert "resume" in stop.message or "support" in stop.message


def test_a_stop_is_remembered_and_no_cap_is_counted_before_the_first() -> None:
    """A run that was stopped would try once more what it had put aside; or a first cap count as one too many."""
    counting = CircuitBreaker(Policy(max_capped=2), 4)
    outcomes: list[Outcome] = [*[ABOUT_RECIPIENT] * 5, CAPPED, CAPPED, GOOD, BAD]
    seen = [(counting.has_stopped, counting.see(one) is not None, counting.has_stopped) for one in outcomes]
    assert seen == [*[(False, False, False)] * 6, (False, True, True), (True, False, True), (True, False, True)]


@pytest.mark.parametrize(
    "outcome",
    [
        Barred(Bar.GATEWAY, because("404")),
        NotSent(because("refused")),
        Refused(because("400"), 400),
        Barred(Bar.ACCOUNT, because("402")),
    ],
)
@pytest.mark.parametrize("first", [[], [GOOD]])
def test_the_last_round_ends_quietly_where_it_helps_nobody(outcome: Outcome, first: list[Outcome]) -> None:
    """The end of a run would be called a failure of its own, and hide why texts are left; or every text be tried in vain."""
    counting = CircuitBreaker(POLICY, 4)
    for one in [*first, *[outcome] * 4]:
        assert counting.see(one) is None
    counting.begin_last_round()
    limit = 54 if first else 5
    for number in range(1, limit + 1):
        assert not counting.is_hopeless
        assert counting.see(outcome) is None, number
    assert counting.is_hopeless


def test_the_last_round_stops_where_texts_are_lost() -> None:
    """A server that takes texts and does not say so would eat all that were put aside."""
    counting = CircuitBreaker(POLICY, 4)
    counting.begin_last_round()
    assert [counting.see(BAD) for _ in range(4)] == [None] * 4
    assert (stop := counting.see(BAD)) is not None
    assert stop.cause.words == "error threshold"


@pytest.mark.parametrize(
    ("reasons", "said"),
    [
        ([("403 no", 3)], "3, mostly 403 no"),
        ([("", 2)], "2, mostly not reached"),
        ([("404 an HTML page of 153 bytes", 1)], "1, mostly 404 an HTML page of 153 bytes"),
        ([("403 no", 2), ("404 a page of 153 bytes", 2), ("404 a page of 154 bytes", 1)], "5, mostly 404 a page"),
        ([("a", 2), ("429 x; line 1", 2), ("429 x; line 12", 1)], "5, mostly 429 x"),
        ([("drawn, not sent; its lock ends at 10:00:01 UTC", 1), ("drawn, not sent; its lock ends at 10:00:02 UTC", 1)],
         "2, mostly drawn, not sent"),
    ],
)  # fmt: skip
def test_what_is_left_over_is_said(reasons: list[tuple[str, int]], said: str) -> None:
    """Nobody would know why texts are left, or the commonest cause would hide behind details that differ."""
    assert str(left_over([(because(words), number) for words, number in reasons])) == f"left over: {said}"
