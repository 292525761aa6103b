"""The receiver over real TCP."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web

from rumbleup_async.errors import ConfigurationError, WebhookRefused
from rumbleup_async.rumbleup.webhooks import DeliveryReceipt, Event, MessageReceived
from rumbleup_async.webhooks import Receiver, checks, serve

from .posting import BASIC, PRIVATE, Provider, all_of, new_receiver, provider, receipt, sample, until


async def test_an_event_reaches_its_handlers() -> None:
    """A reply would be acknowledged and go nowhere."""
    receiver = new_receiver()
    replies: list[MessageReceived] = []
    everything: list[Event] = []

    @receiver.on(MessageReceived)
    async def reply(event: MessageReceived) -> None:
        replies.append(event)

    receiver.on(Event)(everything.append)
    async with provider(receiver) as caller:
        assert await caller.post(sample("message_received_stop")) == 200
        assert await caller.post(sample("proxy_provisioned")) == 200
        await until(lambda: receiver.statistics.handled == 3)
    assert [event.opted_out for event in replies] == [True]
    assert sorted(event.type for event in everything) == ["MESSAGE_RECEIVED", "PROXY_PROVISIONED"]


async def test_repeats_are_answered_and_forgotten() -> None:
    """The provider sends again what it believes lost; a handler would run twice, or a 4xx would make it send for a day."""
    receiver = new_receiver()
    seen: list[str] = []
    receiver.on(DeliveryReceipt)(lambda event: seen.append(event.status))
    async with provider(receiver) as caller:
        for body in (receipt(1), receipt(1, new="field"), receipt(1, "undelivered"), receipt(2), receipt(1)):
            assert await caller.post(body) == 200
    assert sorted(seen) == ["delivered", "delivered", "undelivered"]
    assert (receiver.statistics.received, receiver.statistics.repeated) == (3, 2)


async def test_the_window_is_bounded() -> None:
    """The memory of a receiver would grow with every event for as long as it runs."""
    receiver = new_receiver(window=10)
    async with provider(receiver) as caller:
        for number in range(20):
            await caller.post(receipt(number))
        assert await caller.post(receipt(19)) == 200
        assert receiver.statistics.repeated == 1
        assert await caller.post(receipt(0)) == 200
        assert receiver.statistics.repeated == 1


async def test_strangers(caplog: pytest.LogCaptureFixture) -> None:
    """Anybody could make up an opt-out."""
    receiver = new_receiver()
    async with provider(receiver) as caller:
        assert await caller.post(receipt(1), Authorization="Basic dXNlcjp3cm9uZw==") == 401
        async with caller.session.post(caller.url, data=receipt(1)) as answer:
            assert answer.status == 401
            assert "WWW-Authenticate" in answer.headers
        assert await caller.post(b"x" * 1_000_000, Authorization="") == 401
    assert receiver.statistics.received == 0
    assert receiver.statistics.refused == {"unauthorized": 3}
    assert not caplog.records


def test_a_check_is_a_decision() -> None:
    """A receiver would stand open because nobody thought of it."""
    with pytest.raises(ConfigurationError, match="allow_unauthenticated"):
        new_receiver(check=None)
    with pytest.raises(ConfigurationError, match="not both"):
        Receiver(lambda headers, body: None, check=checks.bearer("x"), allow_unauthenticated=True)  # type: ignore[arg-type, return-value]
    assert new_receiver(allow_unauthenticated=True).waiting == 0
    with pytest.raises(ConfigurationError, match="at least 1"):
        new_receiver(queue=0)


async def test_open_to_all_if_asked() -> None:
    """Trying it out would need credentials."""
    async with provider(new_receiver(allow_unauthenticated=True)) as caller:
        assert await caller.post(receipt(1), Authorization="") == 200


async def test_what_is_no_event(caplog: pytest.LogCaptureFixture) -> None:
    """The provider, or whoever looks at the log, would not learn that something else came."""
    receiver = new_receiver()
    async with provider(receiver, path="/hooks") as caller:
        assert await caller.post(b"") == 400
        assert await caller.post(b"Ada 5550100001") == 400
        assert await caller.post(b"[]") == 400
        assert await caller.post(b"not gzip", **{"Content-Encoding": "gzip"}) == 400
        async with caller.session.get(caller.url) as answer:
            assert answer.status == 405
            assert answer.headers["Allow"] == "POST"
        async with caller.session.post(caller.url + "/other", data=receipt(1), headers={"Authorization": BASIC}) as answer:
            assert answer.status == 404
        assert await caller.post(receipt(1)) == 200
    assert receiver.statistics.refused == {"unreadable": 3, "broken": 1}
    assert not any(word in caplog.text for word in PRIVATE)


async def test_full() -> None:
    """What cannot be kept would be acknowledged, or would fill the memory; the provider comes again for 24 hours."""
    receiver = new_receiver(queue=3, at_once=1)
    go_on = asyncio.Event()

    @receiver.on(Event)
    async def wait(event: Event) -> None:
        await go_on.wait()

    async with provider(receiver) as caller:
        assert [await caller.post(receipt(number)) for number in range(5)] == [200, 200, 200, 503, 503]
        async with caller.session.post(caller.url, data=receipt(3), headers={"Authorization": BASIC}) as answer:
            assert answer.status == 503
            assert int(answer.headers["Retry-After"]) > 0
        assert await caller.post(receipt(0)) == 200  # a repeat needs no place
        go_on.set()
        await until(lambda: receiver.waiting == 0)
        assert [await caller.post(receipt(number)) for number in range(5)] == [200] * 5
    assert receiver.statistics.received == 5
    assert receiver.statistics.repeated == 4
    assert receiver.statistics.refused == {"full": 3}


async def test_a_burst() -> None:
    """Receipts come in large bursts; those of a fast campaign would be lost or counted twice."""
    receiver = new_receiver()
    seen: list[str] = []

    @receiver.on(DeliveryReceipt)
    async def count(event: DeliveryReceipt) -> None:
        seen.append(event.key)

    async with (
        serve(receiver) as url,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
    ):
        caller = Provider(session, url)
        statuses = await all_of([caller.post(receipt(number % 1800)) for number in range(2000)])
    assert statuses == [200] * 2000
    assert len(seen) == len(set(seen)) == 1800
    assert (receiver.statistics.received, receiver.statistics.repeated) == (1800, 200)


@pytest.mark.parametrize("way", ["mounted", "routed"])
async def test_within_an_application_of_ones_own(way: str) -> None:
    """Who has a service already would need a second port."""
    receiver = new_receiver()
    seen: list[Event] = []
    receiver.on(Event)(seen.append)
    app = web.Application(client_max_size=10)
    if way == "mounted":
        app.add_subapp("/hooks", receiver.application("/rumbleup"))
    else:
        app.router.add_post("/hooks/rumbleup", receiver.answer)
        app.cleanup_ctx.append(receiver.running)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession() as session:
        caller = Provider(session, f"http://127.0.0.1:{runner.addresses[0][1]}/hooks/rumbleup")
        assert await caller.post(sample("message_received")) == 200
    await runner.cleanup()
    assert len(seen) == 1


async def test_it_can_be_started_again() -> None:
    """A receiver would be good for one run only, and a repeat in the next one would be new."""
    receiver = new_receiver()
    seen: list[Event] = []
    receiver.on(Event)(seen.append)
    for _ in range(2):
        async with provider(receiver) as caller:
            assert await caller.post(receipt(1)) == 200
    assert len(seen) == 1


async def test_a_port_that_is_taken() -> None:
    """The user would meet a traceback."""
    async with provider(new_receiver()) as caller:
        port = int(caller.url.split(":")[2].strip("/"))
        with pytest.raises(ConfigurationError, match="cannot listen"):
            async with serve(new_receiver(), port=port):
                pass


async def test_logs_hold_nothing_private(caplog: pytest.LogCaptureFixture) -> None:
    """Phones and texts would spread to wherever logs go."""
    caplog.set_level(logging.DEBUG)
    receiver = new_receiver()

    @receiver.on(MessageReceived)
    def fail(event: MessageReceived) -> None:
        raise ValueError(f"{event.message.phone} {event.message.text}")

    async with provider(receiver) as caller:
        await caller.post(sample("message_received_stop"))
    assert receiver.statistics.failed == 1
    assert "fail failed: ValueError at test_receiver.py:" in caplog.text
    assert not any(word in caplog.text for word in PRIVATE)


class Callback(msgspec.Struct, frozen=True):
    """An event of a provider that posts the bare message."""

    type: str
    key: str
    raw: bytes


def read_callback(headers: Mapping[str, str], body: bytes) -> Callback:
    try:
        found = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.MsgspecError:
        raise WebhookRefused("not a message") from None
    return Callback("outbound" if found["is_outbound"] else "receive", f"{found['message_handle']} {found['status']}", body)


async def test_another_provider() -> None:
    """The receiver would have to be changed for a provider without an envelope and with a secret of another kind."""
    check = checks.any_of(checks.header("sb-signing-secret", "s"), checks.query("key", "k"))
    receiver = new_receiver(parse=read_callback, check=check)
    seen: list[str] = []
    receiver.on(Callback)(lambda event: seen.append(event.type))
    sent = b'{"message_handle":"H-1","status":"SENT","is_outbound":true}'
    async with provider(receiver) as caller:
        assert await caller.post(sent, **{"sb-signing-secret": "s"}) == 200
        assert await caller.post(b"[]", **{"sb-signing-secret": "s"}) == 400
        assert await caller.post(sent) == 401
        caller.url += "?key=k"
        assert await caller.post(sent) == 200
        assert await caller.post(sent.replace(b"SENT", b"DELIVERED")) == 200
    assert seen == ["outbound", "outbound"]
    assert receiver.statistics.repeated == 1
