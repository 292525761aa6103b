"""Callbacks of Sendblue: read, told apart, let in by a secret, and each taken once by the same receiver."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from rumbleup_async import Sendblue, WebhookRefused
from rumbleup_async.sendblue import webhooks
from rumbleup_async.sendblue.webhooks import Event, MessageReceived, MessageStatus, OtherEvent
from rumbleup_async.simulator import Server
from rumbleup_async.webhooks import Receiver, checks, serve

RECEIVED = {
    "accountEmail": "a@example.com", "content": "yes", "is_outbound": False, "status": "RECEIVED", "message_handle": "H-2",
    "from_number": "+15550100001", "number": "+15550100001", "to_number": "+15550199999", "sendblue_number": "+15550199999",
    "service": "iMessage", "date_sent": "2026-01-02T03:04:05.678Z", "media_url": "", "group_id": "", "participants": [],
}  # fmt: skip
STATUS = {"message_handle": "H-1", "status": "DELIVERED", "is_outbound": True, "number": "+15550100001", "error_code": 0}
CHECK = checks.any_of(checks.header("sb-signing-secret", "s3cret"), checks.query("secret", "s3cret"))


def read(body: dict[str, Any]) -> Event:
    return webhooks.parse({}, json.dumps(body).encode())


def test_what_came_is_told_apart() -> None:
    """A reply would be taken for a receipt, and an opt-out be overlooked."""
    reply = read(RECEIVED)
    assert isinstance(reply, MessageReceived)
    assert (reply.phone, reply.message.line, reply.opted_out) == ("+15550100001", "+15550199999", False)
    assert read({**RECEIVED, "opted_out": True}).opted_out  # type: ignore[attr-defined]
    status = read(STATUS)
    assert isinstance(status, MessageStatus)
    assert (status.status, status.failed, status.type) == ("DELIVERED", False, "outbound")
    assert isinstance(read({**STATUS, "status": "ERROR", "error_code": 10001}), MessageStatus)
    typing = read({"is_typing": True, "number": "+15550100001", "from_number": "+15550199999", "timestamp": "x"})
    assert isinstance(typing, OtherEvent)
    assert typing.type == "typing_indicator"
    assert read({"event_type": "call_ended"}).type == "call_ended"
    assert "5550100001" not in repr(reply) + repr(typing)


def test_a_repeat_is_known_by_handle_and_status() -> None:
    """A receipt that is posted twice would be counted twice, or DELIVERED be dropped as a repeat of SENT."""
    again = {**STATUS, "date_updated": "2026-01-02T03:04:06Z"}
    assert read(STATUS).key == read(again).key
    assert read(STATUS).key != read({**STATUS, "status": "SENT"}).key
    assert read(STATUS).key != read({**STATUS, "message_handle": "H-3"}).key


@pytest.mark.parametrize("body", [b"", b"[]", b'"x"', b"{", b"\xff"])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    """The receiver would fail instead of answering."""
    with pytest.raises(WebhookRefused):
        webhooks.parse({}, body)


async def test_the_receiver_takes_each_once_and_only_with_the_secret() -> None:
    """Anybody could post opt-outs and receipts, or a repeat would be handled twice."""
    receiver = Receiver(webhooks.parse, check=CHECK)
    seen: list[Event] = []
    receiver.on(Event)(seen.append)
    async with serve(receiver) as url, aiohttp.ClientSession() as session:

        async def post(address: str, **headers: str) -> int:
            async with session.post(address, json=STATUS, headers=headers) as answer:
                return answer.status

        assert await post(url) == 401
        assert await post(url, **{"sb-signing-secret": "other"}) == 401
        assert await post(url, **{"sb-signing-secret": "s3cret"}) == 200
        assert await post(f"{url}?secret=s3cret") == 200
    assert len(seen) == 1
    assert receiver.statistics.repeated == 1


@pytest.mark.parametrize("secret", ["s3cret", ""])
async def test_the_simulator_calls_back(sendblue: Sendblue, server: Server, secret: str) -> None:
    """Nobody could try a receiver out, with the header or, as an integrator saw it, without."""
    server.simulator.change(receipt_delay=0.0, signing_secret=secret)
    receiver = Receiver(webhooks.parse, check=CHECK)
    came: asyncio.Queue[MessageStatus] = asyncio.Queue()

    @receiver.on(MessageStatus)
    async def note(event: MessageStatus) -> None:
        came.put_nowait(event)

    async with serve(receiver) as url:
        address = url if secret else f"{url}?secret=s3cret"
        sent = await sendblue.messages.send(
            number="2025550101", from_number="+12025550199", content="Hi", status_callback=address
        )
        event = await asyncio.wait_for(came.get(), 10)
    assert (event.message.message_handle, event.status) == (sent.message_handle, "DELIVERED")


@pytest.mark.parametrize("odd", [b"NaN", b"1e999", b'"\xe9"', b'"a\nb"'])
def test_an_odd_value_hides_no_opt_out(odd: bytes) -> None:
    """A STOP would be refused until the provider gives up, because of a number that nobody reads."""
    body = b'\xef\xbb\xbf{"message_handle":"H-1","is_outbound":false,"status":"RECEIVED","opted_out":true,"x":' + odd + b"}"
    event = webhooks.parse({}, body)
    assert isinstance(event, MessageReceived)
    assert event.opted_out
