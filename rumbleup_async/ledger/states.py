"""The states of a contact and the moves between them: the table that every ledger obeys.

Lives here: pure data. The picture in docs/architecture.md is drawn from this table.

    queued ──► intent ──► sent | refused | not_sent | unknown
       ▲          │
       └──────────┘  only where nothing can have left
    queued ──► refused   where the refusal was held back until it was sure
    unknown ──► sent | not_sent   by reconciling with the provider's log only
    not_sent ─► queued | sent     only where it was absent from the log: sent again as asked for, or found there after all;
                                  queued again, it goes back through not_sent where its first owner proves that it was sent
    queued ───► not_sent          where a rule turns the contact away before its intent; and where it was absent and queued
                                  again, and the look into the log has grown old
    queued ───► skipped           where a rule turns the contact away before its intent
    skipped                       from screening; never leaves
"""

from __future__ import annotations

from rumbleup_async.errors import LedgerError
from rumbleup_async.lookups import Resolution
from rumbleup_async.messaging import Closed, State
from rumbleup_async.reasons import Code

NUMBERS: dict[State, int] = {
    State.QUEUED: 0,
    State.INTENT: 1,
    State.SENT: 2,
    State.REFUSED: 3,
    State.SKIPPED: 4,
    State.NOT_SENT: 5,
    State.UNKNOWN: 6,
}
"""The number that a ledger stores for each state. Ledgers of others hold these numbers: never renumber them."""

BY_NUMBER: dict[int, State] = {number: state for state, number in NUMBERS.items()}
"""The state that a stored number stands for."""

BORN = frozenset({State.QUEUED, State.SKIPPED})
"""What a contact can be when it enters the ledger."""

MOVES: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.INTENT, State.REFUSED, State.NOT_SENT, State.SKIPPED}),
    State.INTENT: frozenset({State.QUEUED, State.SENT, State.REFUSED, State.NOT_SENT, State.UNKNOWN}),
    State.UNKNOWN: frozenset({State.SENT, State.NOT_SENT}),
    State.SENT: frozenset(),
    State.REFUSED: frozenset(),
    State.SKIPPED: frozenset(),
    State.NOT_SENT: frozenset({State.QUEUED, State.SENT}),
}

CLOSES = MOVES[State.INTENT]
"""Where an open entry may go."""

FINAL = frozenset(state for state in State if state not in {State.QUEUED, State.INTENT})
"""States in which a contact is accounted for."""


def number_in_sql(word: str) -> str:
    """An SQL expression for the number of a state whose word this SQL expression gives; NULL for a word that is no state's."""
    cases = " ".join(f"WHEN '{state}' THEN {number}" for state, number in NUMBERS.items())
    return f"CASE {word} {cases} END"


def check(before: State, after: State) -> None:
    """Raise LedgerError if the table has no such move."""
    if after not in MOVES[before]:
        raise LedgerError(f"a contact cannot go from {before} to {after}")


def check_turned_away(state: State) -> None:
    """Raise LedgerError unless a rule may turn a queued contact away to there. It stays queued where another part of the run is
    to ask again."""
    if state not in {State.NOT_SENT, State.SKIPPED, State.QUEUED}:
        raise LedgerError(f"a contact that a rule turns away cannot become {state}")


def check_settled(settled: Resolution, before: State, code: Code) -> None:
    """Raise LedgerError unless a contact that is `before` for this reason may be settled so."""
    if before is State.NOT_SENT and code is not Code.ABSENT:
        raise LedgerError("a contact to be settled was not absent from the log")
    if before not in {State.UNKNOWN, State.NOT_SENT}:
        raise LedgerError(f"a contact to be settled was {before}")
    check(before, settled.state)
    if (settled.state is State.SENT) is not bool(settled.logid):
        raise LedgerError("a contact is settled as sent with its logid, and has none otherwise")


def is_proven(close: Closed, before: State, code: Code, *, is_again: bool) -> bool:
    """Whether what an owner brings that was fenced meanwhile proves that a contact in doubt was texted after all.

    One that was absent from the log is in doubt as well: the log did not show it yet. It stays so when it is queued again.
    `is_again`: it was absent, and is to be texted again.
    """
    is_absent = (before is State.NOT_SENT and code is Code.ABSENT) or (before is State.QUEUED and is_again)
    is_in_doubt = before is State.UNKNOWN or is_absent
    return close.state is State.SENT and bool(close.logid) and is_in_doubt
