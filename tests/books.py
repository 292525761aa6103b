"""Books to hold a provider's log against: a ledger in memory that knows some texts as sent."""

import time
from collections.abc import Iterable, Sequence
from weakref import WeakKeyDictionary

from rumbleup_async.engine.ports import Ledger
from rumbleup_async.ledger import MemoryLedger
from rumbleup_async.lookups import Known, Resolution, UnknownText
from rumbleup_async.messaging import Closed, Plan, Planned, Result, Skipped, State, Text
from rumbleup_async.reasons import Code, Reason
from rumbleup_async.reasons import from_words as because

PLAN = Plan(run="qrtxntzqqb", provider="rumbleup", action="125", text="Hi {name}. STOP")


_owners: WeakKeyDictionary[Ledger, int] = WeakKeyDictionary()


async def open_ledger(ledger: Ledger, plan: Plan | None) -> Plan:
    """Open a ledger as a run does: what dead processes had open becomes unknown."""
    _owners.pop(ledger, None)
    found = await ledger.open(plan)
    for owner in await ledger.owners():
        if owner.is_dead:
            await ledger.expire(owner.id)
    return found


async def owner_of(ledger: Ledger) -> int:
    """The one owner by whom a test has entries opened and closed."""
    if ledger not in _owners:
        _owners[ledger] = (await ledger.enlist("test")).id
    return _owners[ledger]


async def exchange(ledger: Ledger, done: Sequence[Closed], want: int) -> list[Text]:
    """A step of this owner."""
    step = await ledger.step(await owner_of(ledger), done, want, time.time())
    assert not step.is_fenced
    return step.texts


async def claim(ledger: Ledger, done: Sequence[Closed], drawn: Sequence[Planned | Skipped]) -> list[Text | Result]:
    """A claim of this owner."""
    return await ledger.claim(await owner_of(ledger), done, drawn, time.time())


async def books_of(doubts: Iterable[UnknownText], sent: Iterable[Known] = ()) -> MemoryLedger:
    """A ledger in which these are unknown and those sent, some perhaps only because the log said so."""
    ledger = MemoryLedger()
    await ledger.open(PLAN)
    unknown, witnesses = list(doubts), list(sent)
    rows = [*((one.row, one.phone) for one in unknown), *((one.row, one.phone) for one in witnesses)]
    await ledger.add([Planned(row, phone, f"Hi {row}. STOP") for row, phone in sorted(rows)])
    await exchange(ledger, [], len(rows))
    closed = [Closed(one.row, State.UNKNOWN, 1, because("timed out"), "", one.time) for one in unknown]
    for one in witnesses:
        state = State.UNKNOWN if one.is_found else State.SENT
        closed.append(Closed(one.row, state, 1, because(""), "" if one.is_found else one.logid, one.time))
    await exchange(ledger, closed, 0)
    await ledger.settle([Resolution(one.row, State.SENT, Reason(Code.FOUND), one.logid) for one in witnesses if one.is_found])
    return ledger
