"""Receipts, replies and webhooks, posted to a receiver in the test."""

import asyncio
from base64 import b64decode
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from .callers import TEXT, Caller, Clock, Start

FAST = {"receipt_delay": 0, "webhook_retry": 0.01}


class Receiver:
    """Remembers what is posted and answers with the statuses in `answers`, then 200."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: list[int] = []
        self.seconds = 0.0
        self.events: list[dict[str, Any]] = []
        self.refused = 0
        self.headers: list[Any] = []
        self.together = 0
        self.most_together = 0

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        self.together += 1
        self.most_together = max(self.together, self.most_together)
        await asyncio.sleep(self.seconds)
        self.together -= 1
        status = self.answers.pop(0) if self.answers else 200
        if status == 0:
            assert request.transport is not None
            request.transport.abort()
        elif status == 200:
            self.events.append(await request.json())
            self.headers.append(request.headers)
        self.refused += status != 200
        return web.Response(status=status or 500)

    async def has(self, count: int, type_: str = "") -> list[dict[str, Any]]:
        """The data of these events, once so many have come."""
        async with asyncio.timeout(10):
            while len(found := [event for event in self.events if type_ in event["type"]]) < count:
                await asyncio.sleep(0.005)
        return [event["data"] for event in found]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    runner = web.ServerRunner(web.Server(receiver))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield receiver
    await runner.cleanup()


async def test_a_receipt(start: Start, receiver: Receiver) -> None:
    """A receiver could not know a receipt's shape, or when it comes."""
    clock = Clock()
    async with start(clock=clock, receipt_delay=30) as caller:
        await caller.send("2025550100")
        clock.now += 60
        caller.simulator.webhook(receiver.url, user="ada", password="secret", events=["DELIVERY_RECEIPT"])
        caller.simulator.receipt("2025550102", "landline")
        logids = [(await caller.send(f"202555010{n}", name="Ada", flags=["run-1"]))[1]["logid"] for n in (1, 2)]
        await asyncio.sleep(0.1)
        assert receiver.events == []
        clock.now += 30
        one, two = await receiver.has(2)
        assert [one["logid"], two["logid"]] == logids
        assert (one["status"], one["phone"], one["name"], one["action"]) == ("delivered", "2025550101", "Ada", "125")
        assert one["flags"] == ["sent", "run-1"]
        assert one["sent_time"].endswith("AM EST")
        assert one["update_time"] == one["sent_time"]
        assert "sender" not in one
        assert (two["status"], two["error_code"], two["status_code"]) == ("undelivered", "landline", "40001")
        assert receiver.events[0]["type"] == "DELIVERY_RECEIPT"
        assert receiver.events[0]["ctime"] == int(clock.now * 1000)
        scheme, credentials = receiver.headers[0]["Authorization"].split()
        assert (scheme, b64decode(credentials)) == ("Basic", b"ada:secret")
        assert receiver.headers[0]["Content-Type"] == "application/json"


async def test_a_reply(caller: Caller, receiver: Receiver) -> None:
    """An opt-out would not be seen, or not hold."""
    await caller.admin("webhooks", {"url": receiver.url, "user": "ada", "events": ["MESSAGE_RECEIVED", "CONTACT_UPDATED"]})
    await caller.call("contact/sync", {"phone": "2025550101", "first_name": "Ada", "source": "crm-77"})
    await caller.send()
    reply = await caller.admin("replies", {"phone": "2025550101", "text": "Stop."})
    await caller.admin("replies", {"phone": "2025550101", "text": "wrong number, damn"})
    one, two = await receiver.has(2, "MESSAGE_RECEIVED")
    assert (one["logid"], one["text"], one["flags"]) == (reply["logid"], "Stop.", ["dnd"])
    assert (one["contact_flags"], one["contact_source"], one["name"]) == (["replied", "dnd"], "crm-77", "Ada")
    assert not {"sender", "status"} & one.keys()
    assert two["flags"] == ["bad", "rude"]
    contacts = await receiver.has(3, "CONTACT_UPDATED")
    assert [contact["flags"] for contact in contacts] == [[], ["replied", "dnd"], ["replied", "dnd", "bad", "rude"]]
    assert receiver.headers[0]["Authorization"] == "Bearer ada"
    assert (await caller.send())[1]["code"] == "DND"
    project = await caller.project()
    assert (project["received"], project["dnd"], project["bad"], project["replies"]) == (2, 1, 1, 1)


async def test_replies_by_rate(start: Start) -> None:
    """A campaign in which people answer could not be played."""
    clock = Clock()
    async with start(clock=clock, reply_rate=0.2, stop_rate=0.1, seed=4) as caller:
        for n in range(100):
            await caller.send(f"20255501{n:02}")
        assert (await caller.project())["received"] == 0
        clock.now += 2
        project = await caller.project()
        assert 15 < project["received"] < 50
        assert 3 < project["dnd"] < 20
        opted_out = [phone for phone, tags in caller.simulator.world.tags.items() if "dnd" in tags]
        assert len(opted_out) == project["dnd"]
        assert (await caller.send(opted_out[0]))[0] == 400


async def test_a_report_is_announced(start: Start, receiver: Receiver) -> None:
    """A client that waits for the event would wait for ever."""
    async with start(report_delay=0.01) as caller:
        caller.simulator.webhook(receiver.url)
        _, report = await caller.call("report/create", {"title": "Conversations"})
        (told,) = await receiver.has(1, "REPORT_CREATED")
        assert (told["rpid"], told["status"]) == (report["rpid"], "done")


async def test_retries(start: Start, receiver: Receiver) -> None:
    """A receiver that was away would lose events."""
    async with start(**FAST) as caller:
        receiver.answers = [503, 0, 404, 302, 200]
        caller.simulator.webhook(receiver.url)
        await caller.send()
        (row,) = await receiver.has(1)
        assert (receiver.refused, caller.simulator.webhooks.failed_attempts) == (4, 4)
        assert row["phone"] == "2025550101"
        async with asyncio.timeout(5):
            while (state := await caller.admin("webhooks"))["pending"]:
                await asyncio.sleep(0.01)
        assert state["delivered"] == {"DELIVERY_RECEIPT": 1}


async def test_a_receiver_that_comes_later(start: Start, receiver: Receiver) -> None:
    """Nothing would be tried again while nobody listens."""
    async with start(**FAST, webhook_timeout=0.1) as caller:
        receiver.seconds = 0.2
        caller.simulator.webhook(receiver.url)
        await caller.send()
        async with asyncio.timeout(5):
            while caller.simulator.webhooks.failed_attempts < 2:
                await asyncio.sleep(0.01)
        assert caller.simulator.webhooks.pending == 1
        receiver.seconds = 0
        await receiver.has(1)


async def test_giving_up(start: Start, receiver: Receiver) -> None:
    """A dead receiver would be called for ever."""
    async with start(**FAST, webhook_give_up=0.05) as caller:
        receiver.answers = [500] * 100
        caller.simulator.webhook(receiver.url)
        await caller.send()
        async with asyncio.timeout(5):
            while not caller.simulator.webhooks.given_up:
                await asyncio.sleep(0.01)
        assert (caller.simulator.webhooks.pending, receiver.events) == (0, [])


async def test_bursts(start: Start, receiver: Receiver) -> None:
    """A receiver that takes one event at a time would not be found out."""
    async with start(**FAST, webhook_burst=20, webhook_gather=1) as caller:
        receiver.seconds = 0.05
        caller.simulator.webhook(receiver.url)
        for n in range(40):
            await caller.send(f"20255501{n:02}")
        await receiver.has(40)
        assert receiver.most_together >= 15


async def test_repeats_and_disorder(start: Start, receiver: Receiver) -> None:
    """A receiver that trusts order and number would not be found out."""
    async with start(**FAST, webhook_repeat_rate=0.3, webhook_disorder=0.3, seed=5) as caller:
        caller.simulator.webhook(receiver.url)
        sent = [(await caller.send(f"20255501{n:02}"))[1]["logid"] for n in range(60)]
        async with asyncio.timeout(10):
            while caller.simulator.webhooks.pending or len({event["data"]["logid"] for event in receiver.events}) < 60:
                await asyncio.sleep(0.01)
        told = [event["data"]["logid"] for event in receiver.events]
        assert set(told) == set(sent)
        assert 5 < sum(n - 1 for n in Counter(told).values()) < 40
        assert list(dict.fromkeys(told)) != sent


async def test_without_disorder_the_order_holds(start: Start, receiver: Receiver) -> None:
    """The disorder would be there without being asked for."""
    async with start(**FAST) as caller:
        caller.simulator.webhook(receiver.url)
        sent = [(await caller.send(f"20255501{n:02}"))[1]["logid"] for n in range(30)]
        assert [row["logid"] for row in await receiver.has(30)] == sent


@pytest.mark.parametrize(
    "body",
    [{"url": "http://example.com/"}, {"url": "file:///etc/hosts"}, {"url": "http://127.0.0.1/", "events": ["X"]}, {}],
)
async def test_mistakes_are_named(caller: Caller, body: dict[str, Any]) -> None:
    """The simulator would post to a stranger, or stay silent for a misspelled event."""
    assert (await caller.call("/_simulator/webhooks", body, key=None))[0] == 400


async def test_reset_forgets_the_hooks(caller: Caller, receiver: Receiver) -> None:
    """One test's events would reach the next one's receiver."""
    caller.simulator.webhook(receiver.url)
    caller.simulator.reset()
    caller.simulator.change(receipt_delay=0)
    await caller.send(text=TEXT)
    await asyncio.sleep(0.15)
    assert receiver.events == []


async def test_bad_receipts_are_named(caller: Caller) -> None:
    """A misspelled outcome would look like a delivery."""
    assert (await caller.call("/_simulator/receipts", {"phone": "2025550101", "outcome": "lost"}, key=None))[0] == 400
    await caller.admin("receipts", {"phone": "2025550101", "outcome": "none"})
    caller.simulator.change(receipt_delay=0)
    await caller.send()
    await caller.send("2025550102")
    _, page = await caller.log()
    assert [row.get("status") for row in page["data"]] == [None, "delivered"]
    await caller.admin("receipts", {"phone": "2025550101", "outcome": None})
    await caller.send()
    assert (await caller.log(phone="2025550101"))[1]["data"][1]["status"] == "delivered"


async def test_an_event_of_another_type(caller: Caller, receiver: Receiver) -> None:
    """A receiver that fails on a type it does not know would not be found out."""
    caller.simulator.webhook(receiver.url, events=["MESSAGE_RECEIVED"])
    await caller.admin("events", {"type": "PROXY_PROVISIONED", "data": {"proxy": "2025550197"}})
    assert await receiver.has(1, "PROXY_PROVISIONED") == [{"proxy": "2025550197"}]
