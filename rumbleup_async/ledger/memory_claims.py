"""Contacts that a provider hands out one by one, in a ledger in memory: who is new, who comes again, who is texted already.

Lives here: no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from rumbleup_async.ledger.contacts import Contacts
from rumbleup_async.ledger.memory_queue import text_of
from rumbleup_async.messaging import Planned, Result, Skipped, State, Text
from rumbleup_async.reasons import NO_REASON, Reason


def take_up(
    contacts: Contacts,
    one: Planned | Skipped,
    waits: Mapping[int, Reason],
    *,
    add: Callable[[Sequence[Planned | Skipped]], list[Result]],
    is_stale: Callable[[int], bool],
) -> Text | Result:
    """Take one contact in: the text to be opened, or what became of the contact instead. `add` takes in who is new;
    `is_stale`: whether a contact that was absent from the log was looked up too long ago, by its row."""
    first = contacts.first_row.get(one.phone) if isinstance(one, Planned) else None
    planned = one
    # Known already, and may be opened again: nothing of it can have left.
    if isinstance(one, Planned) and first is not None and contacts.entries[first].state is State.QUEUED and not is_stale(first):
        # Whatever was planned for them before, the text is written for the contact that was drawn now.
        planned = msgspec.structs.replace(one, row=first)
        contacts.entries[first].planned, contacts.entries[first].why = planned, NO_REASON
    elif skipped := add([one]):
        return skipped[0]
    assert isinstance(planned, Planned)  # noqa: S101 - all others were skipped
    entry = contacts.entries[planned.row]
    if why := waits.get(one.row):
        entry.why = why
        return Result(planned.row, planned.phone, State.NOT_SENT, why, "", entry.attempts)
    # It stays in its queue, which passes over contacts that are not queued any more.
    return text_of(planned, entry)
