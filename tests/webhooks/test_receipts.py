"""Receipts and replies in what the webhook receiver has written."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.receipts.told import Told
from rumbleup_async.webhooks import JsonLines, Record, SQLite
from rumbleup_async.webhooks.receipts import FileReceipts, told_in

ADA = "2025550101"
RECEIPT = {"phone": ADA, "logid": "L1", "action": "125"}


@pytest.mark.parametrize(
    ("event", "found"),
    [
        ({"type": "DELIVERY_RECEIPT", "ctime": 5, "data": {**RECEIPT, "status": "delivered"}}, [("delivered", "L1", "", 5)]),
        ({"type": "DELIVERY_RECEIPT", "data": {**RECEIPT, "status": "Undelivered", "error_code": "landline"}},
         [("undelivered", "L1", "landline", 9)]),
        ({"type": "DELIVERY_RECEIPT", "data": {**RECEIPT, "status": "failed", "status_code": 30007}},
         [("undelivered", "L1", "30007", 9)]),
        ({"type": "DELIVERY_RECEIPT", "data": {**RECEIPT, "status": "on its way"}}, []),
        ({"type": "MESSAGE_RECEIVED", "data": {"phone": "1" + ADA, "action": 125, "text": "yes"}}, [("replied", "", "", 9)]),
        ({"type": "MESSAGE_RECEIVED", "data": {"phone": ADA, "text": "STOP", "flags": ["dnd"]}},
         [("replied", "", "", 9), ("opted_out", "", "", 9)]),
        ({"type": "MESSAGE_RECEIVED", "data": {"phone": ADA, "action": "126", "text": "STOP"}}, []),
        ({"type": "CONTACT_UPDATED", "data": {"phone": ADA, "flags": ["dnd"]}}, [("opted_out", "", "", 9)]),
        ({"type": "CONTACT_UPDATED", "data": {"phone": ADA, "flags": []}}, []),
        ({"number": "+1" + ADA, "is_outbound": True, "status": "DELIVERED", "message_handle": "L1"},
         [("delivered", "L1", "", 9)]),
        ({"number": "+1" + ADA, "is_outbound": True, "status": "ERROR", "error_code": 4002, "message_handle": "L1"},
         [("undelivered", "L1", "4002", 9)]),
        ({"number": "+1" + ADA, "is_outbound": True, "status": "SENT", "message_handle": "L1"}, []),
        ({"number": "+1" + ADA, "is_outbound": False, "content": "yes"}, [("replied", "", "", 9)]),
        ({"data": "x", "ctime": "y"}, []),
        ([1], []),
        (None, []),
    ],
)  # fmt: skip
def test_what_an_event_says(event: object, found: list[Any]) -> None:
    """Of what is no receipt and no reply nothing is made up."""
    assert [(str(told.what), told.logid, told.code, told.at) for told in told_in(event, 9, "125")] == found


class Notes:
    """What a source may ask."""

    since = 0.0

    def __init__(self) -> None:
        self.notes: dict[str, str] = {}

    def note(self, key: str) -> str | None:
        return self.notes.get(key)

    def waiting(self, most: int) -> list[str] | None:
        return None

    async def look(self, path: Path) -> list[Told]:
        found: list[Told] = []
        async for batch in FileReceipts(path, "125").look(self):
            found += batch.told
            self.notes.update(batch.notes)
        return found


def record(number: int) -> Record:
    event = {"type": "DELIVERY_RECEIPT", "data": {**RECEIPT, "logid": f"L{number}", "status": "delivered"}}
    return Record(str(number), "DELIVERY_RECEIPT", 9, msgspec.Raw(json.dumps(event).encode()))


@pytest.mark.parametrize("kind", [SQLite, JsonLines])
async def test_the_file_is_read_from_where_it_was_left(kind: Any, tmp_path: Path) -> None:
    """By another process, too: how far it was read stands with the receipts. A file that was rotated is read anew."""
    sink, asked = kind(tmp_path / "events"), Notes()
    sink.open()
    assert await asked.look(tmp_path / "events") == []
    sink.write([record(1), record(2)])
    assert [told.logid for told in await asked.look(tmp_path / "events")] == ["L1", "L2"]
    assert await asked.look(tmp_path / "events") == []
    sink.write([record(3)])
    assert [told.logid for told in await asked.look(tmp_path / "events")] == ["L3"]
    sink.close()
    (tmp_path / "events").rename(tmp_path / "old")
    sink = kind(tmp_path / "events")
    sink.open()
    sink.write([record(4), record(5), record(6), record(7)])
    sink.close()
    assert [told.logid for told in await asked.look(tmp_path / "events")] == ["L4", "L5", "L6", "L7"]


async def test_a_line_that_is_being_written_is_left_for_the_next_look(tmp_path: Path) -> None:
    """Half a line would end the command, or be lost."""
    sink, asked = JsonLines(tmp_path / "events"), Notes()
    sink.open()
    sink.write([record(1), record(2)])
    sink.close()
    whole = (tmp_path / "events").read_bytes()
    with (tmp_path / "events").open("r+b") as file:
        file.truncate(len(whole) - 5)
        assert [told.logid for told in await asked.look(tmp_path / "events")] == ["L1"]
        file.seek(0)
        file.write(whole)
    assert [told.logid for told in await asked.look(tmp_path / "events")] == ["L2"]


async def test_what_is_no_such_file_is_said(tmp_path: Path) -> None:
    """All texts would seem to have no receipt."""
    (tmp_path / "list.csv").write_text("phone\n2025550101\n")
    (tmp_path / "latin").write_bytes('{"key": "1", "type": "é"}\n'.encode("latin-1"))
    for name in ("nothing", "list.csv", "latin", "."):
        with pytest.raises(ConfigurationError):
            await Notes().look(tmp_path / name)
