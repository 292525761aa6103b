"""The client against the simulator over real TCP, and its set-up."""

import asyncio
import datetime as dt
from typing import Any

import msgspec
import pytest

from rumbleup_async import ConfigurationError, KeyRefused, MaybeSentError, NotFound, Request, Response, Sendblue, Timeouts
from rumbleup_async.session import ScriptedExchange
from rumbleup_async.simulator import Server

LINE = "+12025550199"


async def test_a_message_and_what_became_of_it(sendblue: Sendblue, server: Server) -> None:
    """The four calls of the API would not fit together."""
    server.simulator.change(receipt_delay=0.0)
    sent = await sendblue.messages.send(number="(202) 555-0101", from_number=LINE, content="Hi", send_style="confetti")
    assert sent.message_handle is not None
    assert [(text.phone, text.text) for text in server.simulator.truth] == [("+12025550101", "Hi")]
    found = await sendblue.messages.get(sent.message_handle)
    assert (found.content, found.line, found.contact) == ("Hi", LINE, "+12025550101")
    assert (await sendblue.messages.status(handle=sent.message_handle)).status == "DELIVERED"
    assert [one.message_handle for one in await sendblue.messages.list(number="+12025550101").all()] == [sent.message_handle]
    with pytest.raises(NotFound):
        await sendblue.messages.get("00000000-0000-0000-0000-000000000000")


async def test_the_list_comes_whole_and_in_order(sendblue: Sendblue) -> None:
    """Rows beyond the first page would be missing, or those at its edge come twice."""
    for n in range(7):
        await sendblue.messages.send(number=f"202555010{n}", from_number=LINE, content=f"text {n}")
    pages = sendblue.messages.list(limit=3)
    assert [one.content async for one in pages] == [f"text {n}" for n in range(7)]
    assert pages.total == 7
    assert [one.content for one in await sendblue.messages.list(limit=2, offset=5).all()] == ["text 5", "text 6"]
    future = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    assert await sendblue.messages.list(created_at_gte=future).all() == []


async def test_a_row_that_comes_twice_is_given_once() -> None:
    """A growing list shifts under the offset: a message would be counted twice."""
    pages = iter([(["A", "B"], True), (["B", "C"], True), (["C"], False)])

    def script(_: Request) -> Response:
        handles, more = next(pages)
        rows = ",".join(f'{{"message_handle": "{handle}"}}' for handle in handles)
        return Response(200, {}, f'{{"data": [{rows}], "pagination": {{"hasMore": {str(more).lower()}}}}}'.encode())

    exchange = ScriptedExchange(script)
    async with Sendblue("KEY", "SECRET", exchange=exchange) as client:
        assert [one.message_handle async for one in client.messages.list()] == ["A", "B", "C"]
    assert ["offset=2" in request.query for request in exchange.requests] == [False, True, False]
    assert "offset=4" in exchange.requests[2].query
    assert "order_by=createdAt&order_direction=asc" in exchange.requests[0].query


async def test_an_offset_is_gone_on_from() -> None:
    """The rows before it would be read after all, where the server does not say where its page begins."""

    def script(request: Request) -> Response:
        return Response(200, {}, b'{"data": [{"number": "+12025550101"}]}' if "offset=100" in request.query else b'{"data": []}')

    exchange = ScriptedExchange(script)
    async with Sendblue("KEY", "SECRET", exchange=exchange) as client:
        assert len(await client.messages.list(offset=100).all()) == 1
    assert [request.query.rpartition("offset=")[2] for request in exchange.requests] == ["100", "101"]


async def test_a_status_without_a_handle_is_a_status() -> None:
    """Every field of the answer may be missing: a message that is there would not be found."""
    told = {"status": "DELIVERED", "content": "Hi", "is_outbound": True}
    for body, missing in ((told, False), ({"status": "ERROR", "message": "no such message"}, True)):
        answer = Response(200, {}, msgspec.json.encode(body))
        async with Sendblue("KEY", "SECRET", exchange=ScriptedExchange(lambda _, answer=answer: answer)) as client:  # type: ignore[misc]
            if missing:
                with pytest.raises(NotFound):
                    await client.messages.status(handle="H-1")
            else:
                assert (await client.messages.status(handle="H-1")).status == "DELIVERED"


async def test_no_text_is_longer_than_sendblue_takes() -> None:
    """Each would be refused, one after the other."""
    async with Sendblue("KEY", "SECRET") as client:
        with pytest.raises(ConfigurationError, match="18,996 characters"):
            client.fast_mode(from_numbers=[LINE], text="Hi. STOP", max_segments=125)


@pytest.mark.parametrize("fault", ["hang-after", "close-after", "reset-after"])
async def test_a_send_leaves_once_whatever_happens(server: Server, fault: str) -> None:
    """A person would be texted three times, as the usual clients do it."""
    server.simulator.fault("2025550101", fault)
    async with Sendblue("KEY", "SECRET", base_url=server.origin, timeouts=Timeouts(read=0.2)) as client:
        with pytest.raises(MaybeSentError):
            await client.messages.send(number="2025550101", from_number=LINE, content="Hi")
    await asyncio.sleep(0.05)
    assert len(server.simulator.truth) == 1


async def test_the_transport_can_be_chosen(server: Server) -> None:
    """The page says that the options are those of the other client."""
    async with Sendblue("KEY", "SECRET", base_url=server.origin, transport="aiohttp") as client:
        assert await client.messages.list().all() == []
    with pytest.raises(ConfigurationError, match="transport"):
        Sendblue("KEY", "SECRET", base_url=server.origin, transport="pigeon")


async def test_a_wrong_key_says_so(server: Server) -> None:
    """The caller would look for the mistake elsewhere."""
    async with Sendblue("KEY", "WRONG", base_url=server.origin) as client:
        with pytest.raises(KeyRefused):
            await client.messages.list().all()


@pytest.mark.parametrize(
    "arguments",
    [{}, {"content": " "}, {"content": "Hi", "send_style": "konfetti"}, {"media_url": "file:///etc/passwd"},
     {"content": "Hi", "number": "911"}, {"content": "Hi", "from_number": ""}, {"content": "Hi", "status_callback": "x"}],
)  # fmt: skip
async def test_what_cannot_be_meant_never_leaves(arguments: dict[str, Any]) -> None:
    """Nonsense would reach the provider, and perhaps a person."""
    exchange = ScriptedExchange(lambda _: Response(200, {}, b"{}"))
    async with Sendblue("KEY", "SECRET", exchange=exchange) as client:
        with pytest.raises(ConfigurationError):
            await client.messages.send(**{"number": "2025550101", "from_number": LINE, **arguments})
    assert exchange.requests == []


def test_the_environment_sets_a_client_up() -> None:
    """A test run would text real people, because the simulator's address got lost on the way."""
    both = {"SENDBLUE_API_KEY": " KEY ", "SENDBLUE_API_SECRET": "SECRET\n"}
    client = Sendblue.from_env({**both, "SENDBLUE_BASE_URL": "http://127.0.0.1:1"})
    assert "127.0.0.1:1" in repr(client)
    assert "SECRET" not in repr(client)
    for environ, words in (
        ({}, "SENDBLUE_API_KEY"),
        ({"SENDBLUE_API_KEY": "KEY"}, "SENDBLUE_API_SECRET"),
        ({**both, "SENDBLUE_BASE_URL": " "}, "empty"),
        ({**both, "SENDBLUE_BASE_URL": "http://example.com"}, "plain http"),
    ):
        with pytest.raises(ConfigurationError, match=words):
            Sendblue.from_env(environ)
