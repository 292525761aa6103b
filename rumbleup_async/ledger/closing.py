"""Entries to be closed, as they are handed to SQLite.

Lives here: values made ready in the event loop's thread.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import states
from rumbleup_async.messaging import Closed, State
from rumbleup_async.reasons import Reason

FIELDS = Closed.__struct_fields__
"""The order of the values of an entry, which is a list in the JSON: SQLite reads a list a fifth faster than an object."""


class Closing:
    """Entries to be closed in one step: how many, their rows and these as JSON, how many go to each state, and all of it as
    JSON."""

    __slots__ = ("closed", "due", "is_plain", "json", "number", "row_numbers", "rows", "states")

    def __init__(self, closed: Sequence[Closed]) -> None:
        self.closed = closed
        self.number = len(closed)
        rows = self.row_numbers = [close.row for close in closed]
        self.rows = msgspec.json.encode(rows).decode()
        self.states = Counter([close.state for close in closed])
        self.due = {close.row: close.due for close in closed if close.due} if State.QUEUED in self.states else {}
        self.is_plain = self.states[State.SENT] == self.number and not any(close.why.code for close in closed)
        """All of them were sent, and there is nothing to say of it."""
        self.json = _as_json(closed)
        if len(set(rows)) != self.number:
            raise LedgerError("an entry to be closed was not open, or is there twice")

    @property
    def prices(self) -> dict[int, int]:
        """What the texts of these rows have cost, in micro-dollars, where an answer has named it."""
        return {close.row: close.price for close in self.closed if close.price and close.state is State.SENT}

    def check(self) -> None:
        """LedgerError for a move that the table does not have."""
        for state in self.states:
            states.check(State.INTENT, state)


def _as_json(closed: Sequence[Closed]) -> str:
    try:
        written = msgspec.json.encode(closed).decode()
    except UnicodeEncodeError:
        written = "\\u0000"
    if "\\u0000" not in written:
        return written
    # A provider's words and ids may be anything. Half a character cannot be stored, and SQLite ends a text from JSON at a NUL.
    return msgspec.json.encode(
        [msgspec.structs.replace(close, logid=storable(close.logid), why=storable_reason(close.why)) for close in closed]
    ).decode()


def storable_reason(why: Reason) -> Reason:
    """The reason without what SQLite cannot keep."""
    return Reason(why.code, storable(why.detail))


def storable(text: str) -> str:
    """The text without what SQLite cannot keep."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
