"""The states of a contact, as ledgers store them."""

import sqlite3
from contextlib import closing

import pytest

from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import states
from rumbleup_async.lookups import Resolution
from rumbleup_async.messaging import Closed, State
from rumbleup_async.reasons import Code


def test_the_stored_numbers_stay_what_they_are() -> None:
    """A ledger of last week would tell of other states than it was written with."""
    assert {str(state): states.NUMBERS[state] for state in State} == {
        "queued": 0,
        "intent": 1,
        "sent": 2,
        "refused": 3,
        "skipped": 4,
        "not_sent": 5,
        "unknown": 6,
    }
    assert {state: states.BY_NUMBER[number] for state, number in states.NUMBERS.items()} == {state: state for state in State}
    with closing(sqlite3.connect(":memory:")) as db:
        said = db.execute(f"SELECT {states.number_in_sql('?1')}", ["not_sent"]).fetchone()
        odd = db.execute(f"SELECT {states.number_in_sql('?1')}", ["unheard of"]).fetchone()
    assert (said, odd) == ((5,), (None,))


def test_only_who_is_in_doubt_or_absent_is_settled() -> None:
    """A look into the log would change what is known for sure, or call somebody texted whom no logid proves."""

    def settles(before: State, code: Code, after: State, logid: str) -> bool:
        try:
            states.check_settled(Resolution(1, after, logid=logid), before, code)
        except LedgerError:
            return False
        return True

    every = [
        (before, code, after, logid)
        for before in State
        for code in (Code.NONE, Code.ABSENT, Code.SUPPRESSED)
        for after in State
        for logid in ("", "a1")
    ]
    absent = {(State.NOT_SENT, Code.ABSENT, State.SENT, "a1"), (State.NOT_SENT, Code.ABSENT, State.QUEUED, "")}
    doubt = {
        (State.UNKNOWN, code, after, logid)
        for code in (Code.NONE, Code.ABSENT, Code.SUPPRESSED)
        for after, logid in ((State.SENT, "a1"), (State.NOT_SENT, ""))
    }
    assert {one for one in every if settles(*one)} == absent | doubt


def test_only_a_logid_proves_that_who_was_in_doubt_was_texted() -> None:
    """The word of a process that was taken for dead would make somebody texted who was not, or be thrown away."""
    every = [
        (after, logid, before, code, is_again)
        for after in (State.SENT, State.REFUSED, State.UNKNOWN)
        for logid in ("", "a1")
        for before in State
        for code in (Code.NONE, Code.ABSENT)
        for is_again in (False, True)
    ]
    proven = {
        (after, logid, before, code, is_again)
        for after, logid, before, code, is_again in every
        if states.is_proven(Closed(1, after, 1, logid=logid), before, code, is_again=is_again)
    }
    assert {(after, logid) for after, logid, *_ in proven} == {(State.SENT, "a1")}
    assert {rest for _, _, *found in proven if (rest := tuple(found))} == {
        *((State.UNKNOWN, code, is_again) for code in (Code.NONE, Code.ABSENT) for is_again in (False, True)),
        *((State.NOT_SENT, Code.ABSENT, is_again) for is_again in (False, True)),
        *((State.QUEUED, code, True) for code in (Code.NONE, Code.ABSENT)),
    }


def test_a_rule_turns_nobody_into_somebody_texted() -> None:
    """A rule with a mistake would report a text that never left."""
    for state in State:
        if state in {State.NOT_SENT, State.SKIPPED, State.QUEUED}:
            states.check_turned_away(state)
        else:
            with pytest.raises(LedgerError):
                states.check_turned_away(state)


def test_all_but_queued_and_open_ones_are_final() -> None:
    """A report would leave contacts out, or show some that are still under way."""
    assert {*State} - {State.QUEUED, State.INTENT} == states.FINAL
