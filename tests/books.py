"""Books to hold a provider's log against: a ledger in memory that knows some texts as sent."""

from collections.abc import Iterable

from rumbleup_async.ledger import MemoryLedger
from rumbleup_async.lookups import Known, Resolution, UnknownText
from rumbleup_async.messaging import FOUND, Closed, Plan, Planned, State

PLAN = Plan(run="qrtxntzqqb", provider="rumbleup", action="125", text="Hi {name}. STOP")


async def books_of(doubts: Iterable[UnknownText], sent: Iterable[Known] = ()) -> MemoryLedger:
    """A ledger in which these are unknown and those sent, some perhaps only because the log said so."""
    ledger = MemoryLedger()
    await ledger.open(PLAN)
    unknown, witnesses = list(doubts), list(sent)
    rows = [*((one.row, one.phone) for one in unknown), *((one.row, one.phone) for one in witnesses)]
    await ledger.add([Planned(row, phone, f"Hi {row}. STOP") for row, phone in sorted(rows)])
    await ledger.exchange([], len(rows))
    closed = [Closed(one.row, State.UNKNOWN, 1, "timed out", "", one.time) for one in unknown]
    for one in witnesses:
        state = State.UNKNOWN if one.is_found else State.SENT
        closed.append(Closed(one.row, state, 1, "", "" if one.is_found else one.logid, one.time))
    await ledger.exchange(closed, 0)
    await ledger.settle([Resolution(one.row, State.SENT, FOUND, one.logid) for one in witnesses if one.is_found])
    return ledger
