"""Contacts that are drawn, in a ledger on the disk: whoever is new is taken in and opened by one statement."""

from pathlib import Path

import pytest

from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import SqliteLedger
from rumbleup_async.messaging import Closed, State, Text
from tests.books import claim, open_ledger, owner_of

from .crashing import PLAN, rows


async def test_drawn_contacts_are_taken_in_at_once_whoever_is_among_them(tmp_path: Path) -> None:
    """One whom the ledger knows would be texted twice, or take the others of the draw with them."""
    ledger = SqliteLedger(tmp_path / "run.ledger")
    await open_ledger(ledger, PLAN)
    first, second, third, fourth = rows(1, 4)
    assert [type(answer) for answer in await claim(ledger, [], [first, second])] == [Text, Text]
    again = type(first)(5, first.phone, "Hi again. STOP", "Bob")
    answers = await claim(ledger, [Closed(1, State.QUEUED, 1), Closed(2, State.SENT, 1)], [third, again, fourth])
    assert [(type(answer), answer.row) for answer in answers] == [(Text, 3), (Text, 1), (Text, 4)]
    answers = await claim(
        ledger, [Closed(3, State.SENT, 1)], [type(first)(6, third.phone, "Hi. STOP"), type(first)(7, "2025550107", "X\0")]
    )
    assert [(type(answer).__name__, answer.row) for answer in answers] == [("Result", 6), ("Text", 7)]
    assert ledger.counts[State.SENT] == 2
    assert ledger.counts[State.SKIPPED] == 1
    assert ledger.counts[State.INTENT] == 3
    with pytest.raises(LedgerError):  # by its number it would take the place of whoever was texted, and be texted again
        await claim(ledger, [], [second])
    await ledger.expire(await owner_of(ledger))
    await ledger.aclose()
