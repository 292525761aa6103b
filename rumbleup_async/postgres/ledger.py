"""The ledger on PostgreSQL: one run in a database, which several machines may send.

Lives here: the port of a ledger (`engine/ports.py`), one call after the other. What a call does stands with the neighbours:
`opening`, `intake`, `stepping`, `settling`, and `functions`, which are in the database.

At most one text a phone is a UNIQUE index, not a promise: the database refuses what a mistake of ours would let through.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rumbleup_async.admission import Admit
from rumbleup_async.errors import LedgerError, LedgerFenced
from rumbleup_async.ledger.identity import Consent
from rumbleup_async.ledger.loading import NOBODY
from rumbleup_async.lookups import Known, Resolution, UnknownText
from rumbleup_async.messaging import (
    NO_REASONS,
    NONE_SHUT,
    Closed,
    Identity,
    Kept,
    Owner,
    Plan,
    Planned,
    Result,
    Second,
    Skipped,
    State,
    Step,
    Text,
)
from rumbleup_async.postgres import claiming, intake, opening, owning, reads, settling
from rumbleup_async.postgres.address import Address, parse
from rumbleup_async.postgres.bounding import Bounds
from rumbleup_async.postgres.connections import PATIENCE, Connections
from rumbleup_async.postgres.lines import SharedLines
from rumbleup_async.postgres.opened import Opened
from rumbleup_async.postgres.pausing import Pauses
from rumbleup_async.postgres.spending import Prices
from rumbleup_async.postgres.stepping import Stepping
from rumbleup_async.postgres.together import Together
from rumbleup_async.postgres.trial import Trial
from rumbleup_async.reasons import Reason
from rumbleup_async.stops import Stop

Rows = Sequence[Planned | Skipped]


class PostgresLedger:
    """The ledger of one run in a PostgreSQL database.

    `address`: `postgresql://user@host/db?run=NAME`. `identity`: the server and account of whoever opens it; `consent`: what was
    said of it. `joins`: it helps to send a run that another process is in charge of. `patience`: seconds for which the database
    may be away.
    """

    def __init__(
        self,
        address: str | Address,
        *,
        identity: Identity | None = None,
        consent: Consent | None = None,
        joins: bool = False,
        patience: float = PATIENCE,
    ) -> None:
        self.address = parse(address) if isinstance(address, str) else address
        self._identity = identity
        self._consent = consent or Consent()
        self._joins = joins
        self._is_alone = False
        self._to = Connections(self.address, patience)
        self._run = Opened()
        self.notes: list[str] = []
        self.pauses = Pauses(self._to, self._run)
        self.prices = Prices(self._to, self._run)
        self.bounds = Bounds(self._to, self._run, joins=joins)
        self.trial = Trial(self._to, self._run)
        self.lines = SharedLines(self._to, self._run, joins=joins)
        self._steps = Stepping(self._to, self._run, self.prices, self.trial)

    def __repr__(self) -> str:
        return f"PostgresLedger({str(self.address)!r})"

    @property
    def counts(self) -> Mapping[State, int]:
        return self._run.counts

    @property
    def last_row(self) -> int:
        return self._run.last_row

    @property
    def fingerprint(self) -> str | None:
        return self._run.fingerprint

    @property
    def kept(self) -> Kept:
        return self._run.kept

    @property
    def is_used(self) -> bool:
        return self._run.is_used

    @property
    def lease(self) -> float:
        return self.address.lease

    @property
    def away(self) -> float:
        """Since when the database cannot be reached, on the monotonic clock; 0 if it can."""
        return self._to.away

    # ---- opening and closing ----

    async def open(self, plan: Plan | None) -> Plan:
        if self._to.is_open:
            raise LedgerError(f"{self.address}: the ledger is open already")
        try:
            found = await opening.open_run(self._to, self._run, plan, self._identity, self._consent, joins=self._joins)
        except BaseException:
            await self._to.aclose()
            raise
        self.notes += self._run.notes
        await self.pauses.begin()
        return found

    async def aclose(self) -> None:
        if self._to.is_open:
            try:
                await self.lines.told()
                await opening.leave(self._to, self._run)
            finally:
                await self._to.aclose()

    async def keep(self, kept: Kept) -> None:
        if self._joins:
            return  # how careful the run is, whoever is in charge of it says
        await opening.keep(self._to, self._run, kept)

    async def finish(self, stop: Stop | None, elapsed: float) -> None:
        await opening.finish(self._to, self._run, stop, elapsed)

    # ---- the list comes in ----

    async def load(self, batches: Iterable[Rows], *, left_out: Mapping[str, Reason] = NOBODY) -> None:
        await intake.load(self._to, self._run, batches, left_out)

    async def add(self, rows: Rows) -> list[Result]:
        return await intake.add(self._to, self._run, rows)

    async def complete(self, fingerprint: str) -> None:
        await intake.complete(self._to, self._run, fingerprint)

    # ---- owners and their steps ----

    async def enlist(self, name: str) -> Owner:
        # Whoever shares a rate is to know of it, and whoever gives claims in a book back.
        waits = any(self.kept.options.get(option) for option in ("rate", "book"))
        return await owning.enlist(self._to, self._run, name, waits=waits, is_alone=self._is_alone)

    @property
    def common(self) -> Together:
        """What this process tells others that send the run, and hears of them."""
        return self._steps.together

    def send_alone(self) -> None:
        """Nobody may join while this process sends: it alone counts what may leave."""
        self._is_alone = True

    async def owners(self) -> list[Owner]:
        return await owning.owners(self._to, self._run)

    async def expire(self, owner: int) -> list[Result]:
        return await owning.expire(self._to, self._run, owner)

    async def step(
        self,
        owner: int,
        done: Sequence[Closed],
        want: int,
        now: float,
        shut: Mapping[int, float] = NONE_SHUT,
        *,
        admit: Admit | None = None,
        second: Second | None = None,
    ) -> Step:
        return await self._steps.step(owner, done, want, now, shut, admit=admit, second=second)

    async def refuse(self, refused: Sequence[Result]) -> Sequence[Result]:
        return await settling.refuse(self._to, self._run, refused)

    async def again(self) -> bool:
        self._run.cursors.reset()
        self._run.count(await reads.counts(self._to, self._run))
        return self.counts[State.QUEUED] > 0

    async def claim(
        self, owner: int, done: Sequence[Closed], drawn: Rows, now: float, *, waits: Mapping[int, Reason] = NO_REASONS
    ) -> list[Text | Result]:
        steps = self._steps
        doing = steps.doing(owner, await steps.closing(owner, done), 0, now, NONE_SHUT, None)
        answer, answers = await claiming.claim(self._to, self._run, doing, drawn, waits, steps.looks.is_stale)
        steps.note(doing, answer, [])
        self.bounds.told = answer.bounds
        await owning.look_after(self._to, self._run)
        if answer.fenced:
            raise LedgerFenced(f"{self.address}: another process has taken over what this one had open")
        return answers

    async def numbers(self, count: int) -> Sequence[int]:
        """As `engine.numbering.Numbers`."""
        return await claiming.numbers(self._to, self._run, count)

    # ---- what is read ----

    async def left(self) -> list[tuple[Reason, int]]:
        return await reads.left(self._to, self._run)

    async def reasons(self) -> list[tuple[State, Reason, int]]:
        return await reads.reasons(self._to, self._run)

    async def places(self, why: Mapping[int, Reason] = NO_REASONS) -> dict[int, int]:
        return await reads.places(self._to, self._run, why)

    async def rows(self, after: int, limit: int, *, skipped_only: bool = False) -> list[Result]:
        return await reads.rows(self._to, self._run, after, limit, skipped_only=skipped_only)

    async def doubts(self, after: int, limit: int, *, absent: bool = False) -> list[UnknownText]:
        return await reads.doubts(self._to, self._run, after, limit, absent=absent)

    async def witnesses(self, after: int, limit: int) -> list[Known]:
        return await reads.witnesses(self._to, self._run, after, limit)

    async def known(self, phones: Sequence[str]) -> list[Known]:
        return await reads.known(self._to, self._run, phones)

    async def settle(self, settled: Sequence[Resolution]) -> Sequence[Resolution]:
        noted = await settling.settle(self._to, self._run, settled)
        if again := [one.row for one in noted if one.state is State.QUEUED]:
            self._steps.queued_again(again)
        return noted

    async def first_looks(self, doubts: Sequence[UnknownText], now: float) -> dict[int, float]:
        return await settling.first_looks(self._to, self._run, doubts, now)
