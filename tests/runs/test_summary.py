"""What a report shows: five states, in which every contact ends."""

import pytest

from rumbleup_async.messaging import Result, State
from rumbleup_async.reasons import from_words as because
from rumbleup_async.runs.summary import reported, summarise
from rumbleup_async.stops import from_words


@pytest.mark.parametrize(
    ("result", "running", "stopped", "state", "reason"),
    [
        (Result(1, "2025550101", State.SENT, because(""), "rl_1", 1, 5), False, None, State.SENT, ""),
        (Result(1, "2025550101", State.QUEUED), False, None, State.NOT_SENT, "not reached"),
        (Result(1, "2025550101", State.QUEUED), False, "daily cap: x", State.NOT_SENT, "not reached; daily cap: x"),
        (Result(1, "2025550101", State.QUEUED, because("refused")), False, "x", State.NOT_SENT, "refused"),
        (Result(1, "2025550101", State.INTENT), True, None, State.UNKNOWN, "being sent"),
        (Result(1, "2025550101", State.INTENT), False, None, State.UNKNOWN, "interrupted before its result was known"),
        (Result(1, "2025550101", State.UNKNOWN, because("reset")), False, None, State.UNKNOWN, "reset"),
        (Result(1, "bad", State.SKIPPED, because("invalid phone")), False, None, State.SKIPPED, "invalid phone"),
    ],
)
def test_a_contact_in_the_report(result: Result, running: bool, stopped: str | None, state: State, reason: str) -> None:
    """Somebody would be in no state at all, or "sent" without having been."""
    shown = reported(result, running=running, stop=None if stopped is None else from_words(stopped))
    assert (shown.state, shown.reason) == (state, reason)
    assert (shown.row, shown.phone, shown.logid) == (result.row, result.phone, result.logid)


def test_the_summary_counts_everybody_once() -> None:
    """The five figures would not add up to the list."""
    counts = {state: 10**number for number, state in enumerate(State)}
    summary = summarise(counts, run="r", action="1", elapsed=2.0, sent_now=7, stop=None)
    assert summary.total == 1_111_111
    assert summary.sent + summary.refused + summary.skipped + summary.not_sent + summary.unknown == summary.total
    assert (summary.not_sent, summary.unknown, summary.resumable) == (100_001, 1_000_010, 1)
    assert summary.texts_per_second == 3.5
    assert summarise(counts, run="r", action="1", elapsed=0.0, sent_now=7, stop=None).texts_per_second == 0.0
