"""Opt-outs in what the webhook receiver has written."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.webhooks import Record, SQLite
from rumbleup_async.webhooks.opt_outs import ReceiverFile, opt_out_in

ADA = "2025550101"


@pytest.mark.parametrize(
    ("event", "found"),
    [
        ({"type": "MESSAGE_RECEIVED", "data": {"phone": ADA, "flags": ["dnd"], "text": "x"}}, (ADA, "dnd", True)),
        ({"type": "MESSAGE_RECEIVED", "data": {"phone": ADA, "contact_flags": ["dnd"], "text": "hm"}}, (ADA, "dnd", True)),
        ({"type": "MESSAGE_RECEIVED", "data": {"phone": ADA, "flags": ["bad"], "text": "wrong person"}}, (ADA, "bad", False)),
        ({"type": "MESSAGE_RECEIVED", "data": {"phone": "1" + ADA, "flags": [], "text": "Stop."}}, (ADA, "stop", True)),
        ({"type": "MESSAGE_RECEIVED", "data": {"phone": ADA, "text": "take me off this list"}}, (ADA, "take me", False)),
        ({"type": "MESSAGE_RECEIVED", "data": {"phone": ADA, "text": "yes"}}, None),
        ({"type": "MESSAGE_SENT", "data": {"phone": ADA, "text": "Hi. STOP to opt out", "flags": ["sent"]}}, None),
        ({"type": "CONTACT_UPDATED", "data": {"phone": ADA, "flags": ["dnd"]}}, (ADA, "dnd", True)),
        ({"type": "MESSAGE_RECEIVED", "data": {"text": "stop"}}, None),
        ({"number": "+1" + ADA, "is_outbound": False, "content": "STOP"}, (ADA, "stop", True)),
        ({"number": "+1" + ADA, "is_outbound": True, "content": "Hi. Reply STOP"}, None),
        ({"number": "+1" + ADA, "is_outbound": True, "opted_out": True}, (ADA, "opted_out", True)),
        ({"data": "x"}, None),
        ({}, None),
    ],
)
def test_what_an_event_says(event: dict[str, Any], found: object) -> None:
    """A text of ours says STOP, too: everybody who was texted would have opted out."""
    assert opt_out_in(event) == found


async def test_the_file_is_read_from_where_it_was_left(tmp_path: Path) -> None:
    """Each look would go through all events, or miss those of the last minute."""
    sink = SQLite(tmp_path / "events")
    sink.open()

    def come(number: int, text: str) -> None:
        event = {"type": "MESSAGE_RECEIVED", "data": {"phone": f"20255501{number:02d}", "text": text}}
        sink.write([Record(str(number), "MESSAGE_RECEIVED", 1_700_000_000_000, msgspec.Raw(json.dumps(event).encode()))])

    file = ReceiverFile(tmp_path / "events", "here")
    assert await file.look() == []
    come(1, "stop")
    come(2, "yes")
    (one,) = await file.look()
    assert (one.phone, one.since, one.source, one.word, one.world) == (ADA, 1_700_000_000, "webhooks", "stop", "here")
    assert await file.look() == []
    come(3, "no mas")
    assert [one.phone for one in await file.look()] == ["2025550103"]
    sink.close()


async def test_a_file_that_begins_anew_is_read_from_its_beginning(tmp_path: Path) -> None:
    """Who opts out after the receiver's file was rotated would be texted until its events outnumber those of the old one."""

    def written(number: int, *phones: str) -> None:
        sink = SQLite(tmp_path / f"events-{number}")
        sink.open()
        events = [{"type": "MESSAGE_RECEIVED", "data": {"phone": phone, "text": "stop"}} for phone in phones]
        raw = [msgspec.Raw(json.dumps(event).encode()) for event in events]
        sink.write([Record(str(at), "MESSAGE_RECEIVED", 1_700_000_000_000, event) for at, event in enumerate(raw)])
        sink.close()
        (tmp_path / f"events-{number}").replace(tmp_path / "events")

    file = ReceiverFile(tmp_path / "events")
    written(1, ADA, "2025550102")
    assert len(await file.look()) == 2
    written(2, "2025550103", "2025550104", "2025550105")
    assert [one.phone for one in await file.look()] == ["2025550103", "2025550104", "2025550105"]
    written(3, "2025550106")
    assert [one.phone for one in await file.look()] == ["2025550106"]
    assert await file.look() == []


async def test_what_is_no_file_of_the_receiver_is_said(tmp_path: Path) -> None:
    """A mistyped path would mean that nobody has opted out."""
    (tmp_path / "junk").write_bytes(b"junk" * 1000)
    (tmp_path / "empty").touch()
    for name in ("none", "junk", "empty"):
        with pytest.raises(ConfigurationError, match=name):
            await ReceiverFile(tmp_path / name).look()
