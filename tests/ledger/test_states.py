"""The states of a contact, as ledgers store them."""

import sqlite3
from contextlib import closing

from rumbleup_async.ledger import states
from rumbleup_async.messaging import State


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
