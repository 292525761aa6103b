"""What the message log says of a delivery, and of replies."""

from typing import Any

import pytest

from rumbleup_async import RumbleUp
from rumbleup_async.messaging import Plan
from rumbleup_async.receipts.told import Told, What
from rumbleup_async.rumbleup.models import Message
from rumbleup_async.rumbleup.receipts import LogReceipts, receipt_in, replies_in
from rumbleup_async.simulator import Simulator

ADA = "2025550101"


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({"status": "delivered"}, Told(ADA, What.DELIVERED, "L1")),
        ({"status": "Delivered", "phone": "1" + ADA, "status_code": "0"}, Told(ADA, What.DELIVERED, "L1")),
        ({"status": "undelivered", "error_code": "landline", "error_text": "A landline", "status_code": "4"},
         Told(ADA, What.UNDELIVERED, "L1", "landline", "A landline")),
        ({"status": "failed", "status_code": "30007"}, Told(ADA, What.UNDELIVERED, "L1", "30007", "")),
        ({"status": "undelivered", "errcode": "spam"}, Told(ADA, What.UNDELIVERED, "L1", "spam", "")),
        ({}, None),
        ({"status": "sent"}, None),
        ({"status": "a newer word"}, None),
        ({"status": "received"}, None),
        ({"status": "delivered", "logid": None}, None),
        ({"status": "delivered", "phone": "someone"}, None),
    ],
)  # fmt: skip
def test_what_a_row_says_of_a_delivery(row: dict[str, Any], found: Told | None) -> None:
    """A word that nobody has explained is no delivery, and no failure."""
    assert receipt_in(Message.read({"phone": ADA, "logid": "L1", **row})) == found


@pytest.mark.parametrize(
    ("row", "whats"),
    [
        ({"status": "received", "text": "yes"}, ["replied"]),
        ({"status": "received", "text": "STOP"}, ["replied", "opted_out"]),
        ({"status": "received", "text": "hm", "flags": ["dnd"]}, ["replied", "opted_out"]),
        ({"sender": "1" + ADA, "text": "who is this?"}, ["replied"]),
        ({"status": "received", "text": "yes", "action": "126"}, []),
        ({"status": "received", "text": "yes", "action": 125}, ["replied"]),
        ({"status": "received", "text": "wrong person", "flags": ["bad"]}, ["replied"]),
        ({"status": "delivered", "text": "Hi. STOP to opt out", "flags": ["dnd"]}, []),
    ],
)
def test_what_a_row_says_of_a_reply(row: dict[str, Any], whats: list[str]) -> None:
    """Our own text says STOP, too: everybody who was texted would have opted out."""
    assert [told.what for told in replies_in(Message.read({"phone": ADA, **row}), "125")] == whats


class Asked:
    """What a source may ask, and what it has noted."""

    def __init__(self, waiting: list[str] | None = None) -> None:
        self.since = 0.0
        self.notes: dict[str, str] = {}
        self.left = waiting

    def note(self, key: str) -> str | None:
        return self.notes.get(key)

    def waiting(self, most: int) -> list[str] | None:
        return self.left

    async def all(self, source: LogReceipts) -> list[Told]:
        found: list[Told] = []
        async for batch in source.look(self):
            found += batch.told
            self.notes.update(batch.notes)
        return found


async def test_the_log_of_the_simulator(simulator: Simulator, rumbleup: RumbleUp) -> None:
    """All pages of the run's texts and the replies to them, at first; later only what has none, and replies that are new."""
    simulator.change(receipt_delay=0)
    phones = [f"20255501{number:02d}" for number in range(5)]
    simulator.receipt(phones[1], "landline")
    simulator.receipt(phones[2], "none")
    logids = [
        str((await rumbleup.messages.send(phone=phone, action=125, text="Hi. STOP to opt out", flags=["run-qrtxntzqqb"])).logid)
        for phone in phones
    ]
    await rumbleup.messages.send(phone="2025550150", action=125, text="Hi. STOP to opt out")
    simulator.reply(phones[3], "STOP")
    plan = Plan(run="qrtxntzqqb", provider="rumbleup", action="125", text="Hi. STOP to opt out")
    source = LogReceipts(rumbleup.messages, plan)
    source._page = 2
    asked = Asked()
    found = await asked.all(source)
    assert {(told.phone, str(told.what)) for told in found} == {
        (phones[0], "delivered"),
        (phones[1], "undelivered"),
        (phones[3], "delivered"),
        (phones[4], "delivered"),
        (phones[3], "replied"),
        (phones[3], "opted_out"),
    }
    assert (source.cut, len(asked.notes)) == ("", 1)
    simulator.receipt(phones[2], "delivered")
    asked.left = [logids[2]]
    assert [(told.phone, told.logid) for told in await asked.all(source) if told.what is not What.REPLIED] != []
