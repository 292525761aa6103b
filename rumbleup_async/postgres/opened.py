"""What a process knows of the run that it has open in a database, without asking.

Lives here: a value that the neighbours share, and no I/O.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from rumbleup_async.errors import LedgerError
from rumbleup_async.messaging import Kept, State
from rumbleup_async.postgres import values
from rumbleup_async.postgres.address import Address
from rumbleup_async.postgres.queue import Cursors


class Opened:
    """A run that is open."""

    def __init__(self) -> None:
        self.id = 0
        self.same_text = ""
        self.counts = dict.fromkeys(State, 0)
        """As the last answer of the database had them; others may have changed them since."""
        self.cursors = Cursors()
        self.last_row = 0
        self.fingerprint: str | None = None
        self.kept = Kept()
        self.is_used = False
        self.is_loading = False
        """A list is being read, or was not read to its end."""
        self.steps: dict[int, int] = {}
        """The number of the last step of each owner of ours."""
        self.unsure: set[int] = set()
        """Owners of ours of whose last step it is not known whether it was done."""
        self.numbers: deque[int] = deque()
        """Of rows that this process may still give to contacts that it draws."""
        self.is_chosen = False
        """A function has chosen the text of each contact."""
        self.notes: list[str] = []
        self.standing = ""
        """What whoever joins has read of the run, as one word; empty for whoever is in charge of it."""
        self.ended_before: str | None = None
        """How the process before this one ended; noted again if this one sends nothing."""
        self.senders = 1
        """Processes that send it, as far as the last step told."""
        self.looked = 0.0
        """When it was last looked for owners that are dead (monotonic seconds)."""

    def count(self, counts: Sequence[int]) -> None:
        """The contacts by state, as the database has just said."""
        self.counts.update(values.counts_of(counts))

    def check_loaded(self, address: Address) -> None:
        """LedgerError while not all of the list is there: somebody could be texted twice."""
        if self.is_loading:
            raise LedgerError(f"{address}: its list was not read to its end; send the same list again")
