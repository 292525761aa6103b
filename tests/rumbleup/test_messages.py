"""Single calls of the Message API: how often they are made, and what they make of the answer."""

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest

from rumbleup_async import (
    ApiError,
    ConfigurationError,
    KeyRefused,
    MaybeSentError,
    NotFound,
    NotSentError,
    RateLimited,
    Request,
    Response,
    RumbleUp,
    ScriptedExchange,
    ServerFailed,
    UnreadableReply,
)
from rumbleup_async.rumbleup import requests
from tests import virtual_time

Step = Response | Exception


def reply(body: object, status: int = 200, **headers: str) -> Response:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, data)


def steps(*given: Step) -> ScriptedExchange:
    """Answers in turn; the last one for ever."""
    left = list(given)

    def script(request: Request) -> Response:
        step = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(step, Exception):
            raise step
        return step

    return ScriptedExchange(script)


async def send(client: RumbleUp) -> Any:
    return await client.messages.send(phone="2025550101", action=125, text="Hi. STOP")


async def draw(client: RumbleUp) -> Any:
    return await client.messages.next(action=125)


async def log(client: RumbleUp) -> Any:
    return [message.logid async for message in client.messages.log(phone="2025550101")]


CALLS: dict[str, Callable[[RumbleUp], Any]] = {"send": send, "next": draw, "log": log}
GOOD = reply({"logid": "rl_1", "phone": "2025550101", "data": [{"logid": "rl_1"}]})
BUSY = reply({"status": 429}, 429)
GONE = NotSentError("the connection was refused")
MAYBE = MaybeSentError("no answer in time")


@pytest.mark.parametrize(
    ("call", "given", "times", "raised"),
    [
        # A text: again only where nothing left.
        ("send", [GOOD], 1, None),
        ("send", [GONE, GONE, GOOD], 3, None),
        ("send", [GONE], 3, NotSentError),
        ("send", [MAYBE, GOOD], 1, MaybeSentError),
        ("send", [GONE, MAYBE, GOOD], 2, MaybeSentError),
        ("send", [reply({}, 500), GOOD], 1, ServerFailed),
        ("send", [reply(b"", 503, Retry_After="1"), GOOD], 1, ServerFailed),
        ("send", [BUSY, GOOD], 1, RateLimited),
        ("send", [reply({}, 401), GOOD], 1, KeyRefused),
        ("send", [reply(b"<html>"), GOOD], 1, UnreadableReply),
        ("send", [reply({}), GOOD], 1, UnreadableReply),
        ("send", [reply([]), GOOD], 1, UnreadableReply),
        ("send", [reply(b"", 307), GOOD], 1, ApiError),
        # A draw locks somebody: the same.
        ("next", [GOOD], 1, None),
        ("next", [GONE, GOOD], 2, None),
        ("next", [MAYBE, GOOD], 1, MaybeSentError),
        ("next", [reply({}, 502), GOOD], 1, ServerFailed),
        ("next", [reply({"status": 440}, 440), GOOD], 1, RateLimited),
        ("next", [reply({"status": 441}, 441), GOOD], 1, ApiError),
        ("next", [reply({"first_name": "Ada"}), GOOD], 1, UnreadableReply),
        ("next", [reply(b'{"phone": "2025550101", "phone": "2025550102"}'), GOOD], 1, UnreadableReply),
        ("next", [reply(b"<html>not here</html>", 404, Content_Type="text/html"), GOOD], 1, NotFound),
        # A look into the log harms nobody: again.
        ("log", [GOOD], 1, None),
        ("log", [MAYBE, GONE, GOOD], 3, None),
        ("log", [reply({}, 500), BUSY, reply(b"", 502), GOOD], 4, None),
        ("log", [reply({}, 500)], 4, ServerFailed),
        ("log", [MAYBE], 4, MaybeSentError),
        ("log", [reply({}, 401), GOOD], 1, KeyRefused),
        ("log", [reply({}, 400), GOOD], 1, ApiError),
        ("log", [reply(b"<html>")], 1, UnreadableReply),
    ],
)
def test_how_often_a_call_is_made(call: str, given: list[Step], times: int, raised: type[Exception] | None) -> None:
    """A text would leave twice, a contact be drawn twice, or a look into the log give up at the first cough."""
    exchange = steps(*given)

    async def main() -> None:
        async with RumbleUp("KEY:SECRET", exchange=exchange) as client:
            if raised is None:
                await CALLS[call](client)
            else:
                with pytest.raises(raised):
                    await CALLS[call](client)

    virtual_time.run(main())
    assert len(exchange.requests) == times
    assert {request.method for request in exchange.requests} == {"GET" if call == "log" else "POST"}


async def test_404_means_that_no_contact_is_left() -> None:
    """The normal end of the work would be an exception."""
    exchange = steps(reply({"status": 404, "message": "No more contacts"}, 404))
    async with RumbleUp("KEY:SECRET", exchange=exchange) as client:
        assert await client.messages.next(action=125) is None


@pytest.mark.parametrize("after", [5.0, 600.0, 3600.0])
def test_a_wait_asked_for_holds_the_whole_client(after: float) -> None:
    """One call was told to wait and the next one would leave at once."""
    exchange = steps(reply({"status": 429}, 429, Retry_After=f"{after:.0f}"), GOOD)

    async def main() -> float:
        async with RumbleUp("KEY:SECRET", exchange=exchange) as client:
            with pytest.raises(RateLimited) as raised:
                await send(client)
            assert raised.value.after == after
            began = virtual_time.now()
            try:
                await send(client)
            except RateLimited as too_early:
                # Better than a call that waits for an hour: it says how long.
                return (too_early.after or 0.0) + virtual_time.now() - began
            return virtual_time.now() - began

    assert virtual_time.run(main()) >= after - 0.1


@pytest.mark.parametrize(
    "arguments",
    [
        {"phone": "555-0101"},
        {"phone": "+4722334455"},
        {"text": "  "},
        {"text": ""},
        {"action": ""},
        {"flags": "spring"},
        {"action": True},
    ],
)
async def test_a_text_in_doubt_never_leaves(arguments: dict[str, Any]) -> None:
    """A stranger would be texted, or somebody get an empty text, or a tag be taken apart into letters."""
    exchange = steps(GOOD)
    async with RumbleUp("KEY:SECRET", exchange=exchange) as client:
        with pytest.raises(ConfigurationError):
            await client.messages.send(**{"phone": "2025550101", "action": 125, "text": "Hi. STOP", **arguments})
    assert exchange.requests == []


async def test_what_a_send_carries() -> None:
    """The provider would text into another project, or tag the wrong message."""
    exchange = steps(GOOD)
    async with RumbleUp("KEY:SECRET", exchange=exchange) as client:
        message = await client.messages.send(
            phone="+1 (202) 555-0101", action=125, text="Hi Zoë 👋. STOP", flags=["a", "b"], name="Zoë", group=26
        )
    (request,) = exchange.requests
    assert (request.method, request.path, request.content_type) == ("POST", "/message/send", "application/json")
    assert json.loads(request.body) == {
        "phone": "2025550101",
        "action": "125",
        "text": "Hi Zoë 👋. STOP",
        "flags": ["a", "b"],
        "name": "Zoë",
        "group": 26,
    }
    assert message.logid == "rl_1"


async def test_an_answer_that_names_another_person_says_nothing_of_this_one() -> None:
    """A late answer to somebody else would have a text taken for sent that nobody took."""
    exchange = steps(reply({"logid": "rl_1", "phone": "5550100009", "price": "-0.05", "flags": None, "sent_time": "soon"}))
    async with RumbleUp("KEY:SECRET", exchange=exchange) as client:
        with pytest.raises(UnreadableReply, match="may have been sent"):
            await send(client)
    assert len(exchange.requests) == 1


@pytest.mark.parametrize("nothing", [{"phone": []}, {"logid": []}, {"flags": ()}])
async def test_a_filter_of_nothing_is_not_everything(nothing: dict[str, Any]) -> None:
    """Asked for the messages of nobody, the log of the whole account would be read and taken for theirs."""
    exchange = steps(GOOD)
    async with RumbleUp("KEY:SECRET", exchange=exchange) as client:
        try:
            found = [message async for message in client.messages.log(**nothing)]
        except ConfigurationError:
            found = []
    assert found == []
    assert exchange.requests == []


async def test_the_filters_of_the_log() -> None:
    """The log would be searched for other messages than asked for."""
    exchange = steps(reply({"data": []}))
    async with RumbleUp("KEY:SECRET", exchange=exchange) as client:
        since = dt.datetime(2025, 3, 5, 14, 10, tzinfo=dt.UTC)
        async for _ in client.messages.log(phone=["+12025550101", "2025550102"], flags="run-1", since=since, page_size=100):
            pass
    (request,) = exchange.requests
    assert request.read
    assert request.path == requests.LOG
    assert request.query == "phone=2025550101%2C2025550102&flags=run-1&since=1741183800000&_count=100"
