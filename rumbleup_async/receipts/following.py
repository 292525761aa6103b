"""Following a run after the send: looks into what the provider tells, until all receipts are in.

Lives here: the course, and whose text a receipt is about. Knows no provider: a source tells.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from rumbleup_async.errors import KeyRefused, LedgerError, NotAllowed, RumbleUpError
from rumbleup_async.ledger.whole_reader import Texted
from rumbleup_async.messaging import State
from rumbleup_async.postgres.address import Address
from rumbleup_async.receipts.opening import open_store, open_whole
from rumbleup_async.receipts.store import Store
from rumbleup_async.receipts.told import Counts, Fact, Told, What

if TYPE_CHECKING:
    from rumbleup_async.receipts.opening import AnyWholeReader

T = TypeVar("T")

SOONEST, LATEST = 5.0, 600.0
"""Seconds between two looks into a log: at first, and once nothing new has come for long."""
SHARE = 10
"""A look may take one part in so many of the time: a long log is asked for seldomer."""

_HOUR = 3_600_000
_LEAST = 100
"""Facts of a log that is read page by page are taken in at least so many at a time."""


class Batch(msgspec.Struct, frozen=True):
    """A part of what was told. `notes`: how far a source has read with it, for its next look."""

    told: Sequence[Told]
    notes: Mapping[str, str] = {}


class Wanted(Protocol):
    """What a source may ask."""

    @property
    def since(self) -> float:
        """The Unix second at which the first text was sent."""

    def note(self, key: str) -> str | None:
        """What an earlier look has noted under this name."""

    def waiting(self, most: int) -> list[str] | None:
        """The logids of texts without a receipt; None if there are more than `most`."""


class Source(Protocol):
    """Whoever tells what became of texts. `cut`: why its last look may lack some; "" if it was whole."""

    cut: str

    def look(self, wanted: Wanted) -> AsyncIterator[Batch]:
        """Everything that is told now. What was told before may come again."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands after a look. `sent`: texts that the ledger knows as sent, `waiting`: those without a receipt. `unsettled`:
    texts that are unknown in the ledger, and have a receipt. `changed`: contacts of which the look has told something new."""

    counts: Counts
    sent: int
    is_running: bool
    unsettled: int = 0
    changed: int = 0
    cut: str = ""

    @property
    def waiting(self) -> int:
        """Texts that have no receipt yet; some carriers never give one."""
        return max(0, self.sent - self.counts.delivered - self.counts.undelivered)

    @property
    def is_complete(self) -> bool:
        """Whether the run is over and every text of it has its receipt."""
        return not self.is_running and not self.waiting


class Follower:
    """Follows the run of one ledger. The ledger is read and never written. Raises LedgerError."""

    def __init__(self, place: Path | Address) -> None:
        self._place = place
        self._reader: AnyWholeReader = open_whole(place)
        if self._reader.is_purged:
            self._reader.close()
            raise LedgerError(f"{place}: its phones were taken out of it, and without them no receipt finds its contact")
        try:
            store = open_store(place, self._reader.plan.run, makes=True)
        except BaseException:
            self._reader.close()
            raise
        assert store is not None  # noqa: S101 - it was to be made
        self._store: Store = store
        self._since: float | None = None

    def close(self) -> None:
        """Let go of the ledger and its receipts."""
        self._store.close()
        self._reader.close()

    @property
    def since(self) -> float:
        """As `Wanted`."""
        if not self._since:
            self._since = self._reader.first_sent() / 1000
        return self._since or time.time()

    def note(self, key: str) -> str | None:
        """As `Wanted`."""
        return self._store.note(key)

    def waiting(self, most: int) -> list[str] | None:
        """As `Wanted`. Goes through all contacts where few are waiting."""
        if self.standing().waiting > most:
            return None
        found: list[str] = []
        for some in self._reader.contacts():
            known = self._store.between(some[0].result.row, some[-1].result.row)
            for one in some:
                has_one = (receipt := known.get(one.result.row)) is not None and receipt.delivery
                if one.result.state is State.SENT and one.result.logid and not has_one:
                    found.append(one.result.logid)
            if len(found) > most:
                return None
        return found

    async def look(self, source: Source) -> Standing:
        """Take in all that a source tells now."""
        changed = self._settle()
        gathered: list[Told] = []
        notes: dict[str, str] = {}
        async for batch in source.look(self):
            gathered += batch.told
            notes.update(batch.notes)
            if len(gathered) >= _LEAST or (notes and gathered):
                changed += self._take(gathered, notes)
                gathered, notes = [], {}
        changed += self._take(gathered, notes)
        changed += self._settle()
        self._store.looked()
        return self.standing(changed, source.cut)

    def _take(self, told: Sequence[Told], notes: Mapping[str, str]) -> int:
        known = self._reader.find(list({one.phone for one in told})) if told else {}
        facts = [fact for one in told if (fact := fact_of(one, known.get(one.phone))) is not None]
        return self._store.take(facts, notes) if facts or notes else 0

    def _settle(self) -> int:
        """Look whether the ledger has come to know texts that it did not know when their receipts came."""
        number = 0
        for some in self._store.open_rows():
            now = self._reader.find_rows([one.row for one in some])
            number += self._store.settle({one.row: one.logid for one in now if one.logid})
        return number

    def standing(self, changed: int = 0, cut: str = "") -> Standing:
        """How it stands."""
        counts = self._reader.counts()
        return Standing(
            counts=self._store.counts(),
            sent=counts[State.SENT],
            is_running=self._reader.running,
            unsettled=sum(len(some) for some in self._store.open_rows()),
            changed=changed,
            cut=cut,
        )


def fact_of(told: Told, contact: Texted | None) -> Fact | None:
    """Of which contact something was told; None if it is about another text than that of this run, or a reply to an earlier one.
    Pure."""
    if contact is None:
        return None
    if told.what in {What.REPLIED, What.OPTED_OUT}:
        # Times of a log are cut to minutes, and their zones may be an hour off.
        is_earlier = told.at and contact.time and told.at < contact.time - _HOUR
        return None if is_earlier else Fact(contact.row, told)
    if not told.logid:
        return None
    if contact.logid:
        return Fact(contact.row, told) if contact.logid == told.logid else None
    return Fact(contact.row, told, is_open=True)


async def follow(
    follower: Follower,
    source: Source,
    *,
    seconds: float,
    every: float | None,
    heard: Callable[[Standing], None],
    failed: Callable[[str], None],
    stop: asyncio.Event,
) -> Standing:
    """Look again and again until all receipts are in, so many seconds are over, or `stop` is set.

    `every`: seconds between two looks; None: seldomer where nothing new comes. `heard` is told of each look, `failed` of each
    that failed. Raises what the first look raises, and whatever no later look can mend.
    """
    until = time.monotonic() + seconds
    wait = every or SOONEST
    standing = None
    while True:
        began = time.monotonic()
        try:
            now = await _unless(stop, follower.look(source))
            if now is None:
                break
            standing = now
            heard(standing)
            least = max(SOONEST, SHARE * (time.monotonic() - began))
            wait = every or (least if standing.changed else min(LATEST, max(least, wait * 2)))
        except (LedgerError, KeyRefused, NotAllowed):
            raise
        except RumbleUpError as error:
            if standing is None:
                raise
            failed(str(error))
            wait = every or min(LATEST, wait * 2)
        left = until - time.monotonic()
        if standing.is_complete or left <= 0:
            break
        await _unless(stop, asyncio.sleep(min(wait, left)))
        if stop.is_set():
            break
    return standing or follower.standing()


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """What the work comes to; None if it was broken off because of `stop`."""
    doing, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait([doing, stopping], return_when=asyncio.FIRST_COMPLETED)
        return doing.result() if doing.done() else None
    finally:
        for task in (doing, stopping):
            task.cancel()
        await asyncio.gather(doing, stopping, return_exceptions=True)
