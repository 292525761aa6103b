"""The states of a contact and the moves between them: the table that every ledger obeys.

Lives here: pure data. May import: messaging. The picture in docs/architecture.md is drawn from this table.

    queued ──► intent ──► sent | refused | not_sent | unknown
       ▲          │
       └──────────┘  only where nothing can have left
    unknown ──► sent | not_sent   by reconciling with the provider's log only
    skipped                       from screening; never leaves
"""

from __future__ import annotations

from rumbleup_async.errors import LedgerError
from rumbleup_async.messaging import State

BORN = frozenset({State.QUEUED, State.SKIPPED})
"""What a contact can be when it enters the ledger."""

MOVES: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.INTENT}),
    State.INTENT: frozenset({State.QUEUED, State.SENT, State.REFUSED, State.NOT_SENT, State.UNKNOWN}),
    State.UNKNOWN: frozenset({State.SENT, State.NOT_SENT}),
    State.SENT: frozenset(),
    State.REFUSED: frozenset(),
    State.SKIPPED: frozenset(),
    State.NOT_SENT: frozenset(),
}

CLOSES = MOVES[State.INTENT]
"""Where an open entry may go."""

FINAL = frozenset(state for state in State if state not in {State.QUEUED, State.INTENT})
"""States in which a contact is accounted for."""


def check(before: State, after: State) -> None:
    """Raise LedgerError if the table has no such move."""
    if after not in MOVES[before]:
        raise LedgerError(f"a contact cannot go from {before.word} to {after.word}")
