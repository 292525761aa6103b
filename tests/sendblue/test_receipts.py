"""What Sendblue's message list says of a delivery, and of replies."""

from typing import Any

import pytest

from rumbleup_async.receipts.told import Told, What
from rumbleup_async.sendblue.models import Message
from rumbleup_async.sendblue.receipts import receipt_in, replies_in

ADA = "2025550101"
OUT = {"is_outbound": True, "number": "+1" + ADA, "from_number": "+12025550190", "message_handle": "H1"}
IN = {"is_outbound": False, "from_number": "+1" + ADA, "number": "+1" + ADA, "sendblue_number": "+12025550190"}


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({"status": "DELIVERED"}, Told(ADA, What.DELIVERED, "H1")),
        ({"status": "read"}, Told(ADA, What.DELIVERED, "H1")),
        ({"status": "ERROR", "error_code": 4002, "error_message": "blacklisted"},
         Told(ADA, What.UNDELIVERED, "H1", "4002", "blacklisted")),
        ({"status": "DECLINED"}, Told(ADA, What.UNDELIVERED, "H1", "declined", "")),
        ({"status": "SENT"}, None),
        ({"status": "QUEUED", "error_code": 0}, None),
        ({"status": "DELIVERED", "message_handle": None}, None),
        ({"status": "DELIVERED", "is_outbound": False}, None),
    ],
)  # fmt: skip
def test_what_a_message_says_of_its_delivery(row: dict[str, Any], found: Told | None) -> None:
    """SENT is the last word of an SMS in practice, and says nothing of the delivery."""
    assert receipt_in(Message.read({**OUT, **row})) == found


@pytest.mark.parametrize(
    ("row", "whats"),
    [
        ({**IN, "content": "yes"}, ["replied"]),
        ({**IN, "content": "STOP"}, ["replied", "opted_out"]),
        ({**IN, "content": "hm", "opted_out": True}, ["replied", "opted_out"]),
        ({**OUT, "content": "Hi. Reply STOP", "status": "SENT"}, []),
    ],
)
def test_what_a_message_says_of_a_reply(row: dict[str, Any], whats: list[str]) -> None:
    """Our own text says STOP, too."""
    assert [told.what for told in replies_in(Message.read(row))] == whats
