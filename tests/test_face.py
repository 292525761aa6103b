"""What people who write Python against the library meet first, and what it tells them when they slip."""

from rumbleup_async import State


def test_n11_a_state_is_written_as_its_word() -> None:
    """`print(result.state)` would say "2", and a CSV of results hold numbers that nobody knows."""
    assert [str(state) for state in State] == ["queued", "intent", "sent", "refused", "skipped", "not_sent", "unknown"]
    assert f"{State.NOT_SENT}" == State.NOT_SENT.word == "not_sent"
    assert State("sent") is State.SENT
