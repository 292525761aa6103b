"""What the bulk engine asks of others. They fit these protocols by shape; none of them is imported here.

Lives here: protocols. May import: messaging.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from rumbleup_async.messaging import Closed, Outcome, Plan, Planned, Result, Skipped, State, Text


class Gateway(Protocol):
    """A provider: takes one text, says what became of it. Never raises for what network or provider do."""

    async def deliver(self, text: Text) -> Outcome: ...

    async def aclose(self) -> None: ...


class Ledger(Protocol):
    """The durable record of one run: the only place where its truth lives.

    Whatever a method has returned is durable. One run writes at a time.
    """

    @property
    def counts(self) -> Mapping[State, int]:
        """Contacts by state, now."""

    async def open(self, plan: Plan | None) -> Plan:
        """Begin a run, or continue the one that is there; None: continue whatever is there.

        What an earlier process left in `intent` becomes `unknown`. Raises LedgerMismatch, LedgerLocked, LedgerError.
        """

    @property
    def fingerprint(self) -> str | None:
        """The fingerprint of the list once it is in the ledger to its end, else None. "" for a list without one."""

    async def load(self, batches: Iterable[Sequence[Planned | Skipped]]) -> None:
        """Take in a whole list in one go, beginning anew if an earlier load was cut off. Iterates in a thread of its own."""

    async def add(self, rows: Sequence[Planned | Skipped]) -> list[Result]:
        """Take in some rows while the run is under way; returns those that are not to be texted, duplicates among them.

        Rows that are there already are compared and passed over: LedgerMismatch if they differ.
        """

    async def complete(self, fingerprint: str) -> None:
        """The list is in to its end."""

    async def exchange(self, closed: Sequence[Closed], want: int) -> list[Text]:
        """In one durable step: close these entries, and open up to `want` queued ones (their intent)."""

    async def finish(self, stopped: str | None, elapsed: float) -> None:
        """Note how this process ended its part of the run."""

    async def rows(self, after: int, limit: int, *, skipped_only: bool = False) -> list[Result]:
        """Contacts in the order of their rows, those with a row above `after`."""

    async def aclose(self) -> None: ...


class Hold(Protocol):
    """The shared "nobody sends until then"."""

    def hold(self, seconds: float) -> None: ...

    @property
    def remaining(self) -> float:
        """Seconds until texts may leave again; 0 or less means now."""


class Pace(Protocol):
    """When the next text may leave."""

    @property
    def rate(self) -> float | None:
        """Texts a second let through now; None for no limit."""

    @property
    def hold(self) -> Hold: ...

    def try_permit(self) -> bool:
        """Whether one text may leave right now; if so, it is counted."""

    async def permit(self) -> None:
        """Return when one text may leave; it is counted."""

    def throttled(self) -> None:
        """A text was answered "not now"."""


class Observer(Protocol):
    """Is told what happens in a run; silence is `SilentObserver`."""

    def results(self, results: Sequence[Result]) -> None:
        """These contacts are accounted for, durably."""

    def held(self, seconds: float, reason: str) -> None:
        """Nothing leaves for so long."""


class SilentObserver:
    """Tells nobody."""

    def results(self, results: Sequence[Result]) -> None: ...

    def held(self, seconds: float, reason: str) -> None: ...
