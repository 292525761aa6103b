"""What all resources share: pages of a list, the answers behind the results, a timeout of one's own."""

import asyncio
import json
from typing import Any

import pytest

from rumbleup_async import ConfigurationError, KeyRefused, NotFound, RumbleUp, UnreadableReply
from rumbleup_async.session.exchange import Request, Response
from rumbleup_async.session.scripted import ScriptedExchange


def paged(*pages: dict[str, Any]) -> ScriptedExchange:
    """An exchange that answers with these pages, in order, again and again."""
    asked = 0

    def answer(_: Request) -> Response:
        nonlocal asked
        asked += 1
        return Response(200, {"X-Page": str(asked)}, json.dumps(pages[(asked - 1) % len(pages)]).encode())

    return ScriptedExchange(answer)


THREE = (
    {"count": 2, "total": 5, "data": [{"proxy": "1"}, {"proxy": "2"}], "next_token": "a b&c"},
    {"count": 2, "data": [], "next_token": 7},
    {"count": 2, "total": 4, "data": {"proxy": "3"}, "next_token": None},
)


async def test_pages_follow_the_token_alone() -> None:
    """Rows would be missed after an empty page, or asked for for ever."""
    exchange = paged(*THREE)
    async with RumbleUp("KEY:SECRET", exchange=exchange) as client:
        pages = client.proxies.select(page_size=2)
        assert (pages.total, exchange.requests) == (None, [])
        seen = [(proxy.proxy, pages.total, len(exchange.requests)) async for proxy in pages]
        assert seen == [("1", 5, 1), ("2", 5, 1), ("3", 4, 3)]
        assert [proxy.proxy for proxy in await pages.all()] == ["1", "2", "3"]
    assert [request.query for request in exchange.requests[:3]] == ["_count=2", "_count=2&_start=a+b%26c", "_count=2&_start=7"]


async def test_a_token_that_comes_back_is_an_error() -> None:
    """A list would be read in a circle."""
    exchange = paged({"data": [], "next_token": "a"}, {"data": [], "next_token": "b"})
    async with RumbleUp("KEY:SECRET", exchange=exchange) as client:
        with pytest.raises(UnreadableReply, match="repeats a page token"):
            await client.tcr.campaigns().all()
    assert len(exchange.requests) == 3


@pytest.mark.parametrize("size", [0, -1, 1000])
def test_an_impossible_page_size_is_refused(size: int) -> None:
    """The server would choose for itself, or refuse."""
    client = RumbleUp("KEY:SECRET", exchange=paged({}))
    with pytest.raises(ConfigurationError, match="page_size"):
        client.account.select(page_size=size)


async def test_raw_shows_the_answers_behind_the_results() -> None:
    """Whoever needs a header, or the body of an answer that could not be read, would need another client."""
    exchange = paged(*THREE)
    async with RumbleUp("KEY:SECRET", exchange=exchange) as client:
        with client.raw() as answers:
            await client.proxies.select().all()
            with client.raw() as inner:
                await asyncio.create_task(client.proxies.select().all())
        await client.proxies.select().all()
    assert [answer.headers["X-Page"] for answer in answers] == ["1", "2", "3", "4", "5", "6"]
    assert inner == answers[3:]
    assert json.loads(answers[2].body) == THREE[2]


async def test_raw_shows_the_answers_of_errors_and_not_those_of_others() -> None:
    """The one answer that must be looked at would be lost, or another client's shown."""
    refuse = ScriptedExchange(lambda _: Response(404, {}, b"gone"))
    async with RumbleUp("KEY:SECRET", exchange=refuse) as client, RumbleUp("KEY:SECRET", exchange=paged({})) as other:
        with client.raw() as answers:
            with pytest.raises(NotFound):
                await client.projects.get(1)
            await other.account.get()
    assert [(answer.status, answer.body) for answer in answers] == [(404, b"gone")]


async def test_every_call_takes_a_timeout_of_its_own() -> None:
    """A slow report could only be fetched by a client that waits as long for everything."""
    exchange = paged({"action": 1, "phone": "2025550101", "logid": "rl_1", "data": [], "cid": "c"})
    async with RumbleUp("KEY:SECRET", exchange=exchange) as client:
        await client.messages.send(phone="2025550101", action=1, text="STOP", timeout=7)
        await client.messages.next(action=1, timeout=7)
        await client.messages.log(timeout=7).all()
        await client.projects.get(1, timeout=7)
        await client.projects.update(1, media=b"x", timeout=7)
        await client.projects.stats(timeout=7)
        await client.tcr.brands(timeout=7).all()
        await client.account.get(timeout=7)
        await client.contacts.sync(phone="2025550101", timeout=7)
        await client.contacts.import_(b"phone\n", timeout=7)
        await client.proxies.send(phone="2025550101", text="STOP", timeout=7)
        await client.account_reports.download("r", timeout=7)
        await client.account_reports.delete("r", timeout=7)
    assert {request.timeout for request in exchange.requests} == {7}


async def test_an_error_knows_the_id_of_its_request() -> None:
    """Support could not find the request that failed."""
    exchange = ScriptedExchange(lambda _: Response(401, {"X-Request-Id": "req-7"}, b""))
    async with RumbleUp("KEY:SECRET", exchange=exchange) as client:
        with pytest.raises(KeyRefused) as caught:
            await client.account.get()
    assert caught.value.request_id == "req-7"
