"""Answers on a kept connection that come late, twice, or for somebody else: runs over real sockets against a server that owns
the truth, whichever way the requests are carried and whoever the provider is."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from rumbleup_async import RumbleUp, Sendblue
from rumbleup_async.errors import MaybeSentError, RateLimited
from rumbleup_async.messaging import State
from rumbleup_async.retry import Policy
from rumbleup_async.runs.run import Run
from rumbleup_async.sendblue.limits import LineLimits
from rumbleup_async.session import Timeouts

from .servers import Line, RawServer, serving

PHONES = [f"202555{number:04d}" for number in range(100, 160)]
TEXT = "Hi. STOP to opt out"
PATIENT = Policy(throttle_backoff=0.01, max_errors=10_000, first_errors=10_000, trouble_ceiling=0.01)


def http(status: int, body: bytes, kind: str = "application/json") -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (status, kind.encode(), len(body), body)


def as_json(code: int, /, **fields: Any) -> bytes:
    return http(code, json.dumps(fields).encode())


STRAYS: dict[str, Callable[["Hostile", bytes], bytes]] = {
    "an empty 200": lambda hostile, before: http(200, b""),
    "a 204": lambda hostile, before: b"HTTP/1.1 204 No Content\r\n\r\n",
    "an object of nothing": lambda hostile, before: as_json(200),
    "a page": lambda hostile, before: http(200, b"<html>ok</html>", "text/html"),
    "the last answer again": lambda hostile, before: before,
    "somebody else's": lambda hostile, before: hostile.takes("2125550199"),
    "a 429": lambda hostile, before: as_json(429, status=429, message="slow down"),
    "a refusal": lambda hostile, before: as_json(400, status=400, message="no", code="BAD"),
    "a page of a 404": lambda hostile, before: http(404, b"<html>no</html>", "text/html"),
    "a 500": lambda hostile, before: as_json(500, status=500, message="no"),
    "a 408": lambda hostile, before: b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n",
}


class Hostile:
    """Takes texts, says "not now" to some, and puts an answer too many on some connections: just before the true one, as one that
    was late would come, or right behind it."""

    def __init__(self, stray: str, names: str) -> None:
        self.stray = STRAYS[stray]
        self.names = names
        """The fields in which an answer names its person and words."""
        self.taken: Counter[str] = Counter()
        self.logids: dict[str, str] = {}
        self.random = random.Random(7)
        self.strays = 0

    def takes(self, phone: str) -> bytes:
        logid = f"rl_{len(self.logids)}"
        self.logids[logid] = phone
        fields = dict.fromkeys(self.names.split(), phone)
        return as_json(200, logid=logid, message_handle=logid, status="QUEUED", **fields)

    async def __call__(self, line: Line) -> None:
        before = b""
        while request := await line.request():
            body = json.loads(request.partition(b"\r\n\r\n")[2])
            phone = body.get("phone") or body["number"]
            if self.random.random() < 0.1:
                answer = as_json(429, status=429, message="slow down")
            else:
                self.taken[phone] += 1
                answer = self.takes(phone)
            moment = self.random.random()
            if moment < 0.1 and before:
                self.strays += 1
                await line.write(self.stray(self, before))
                await asyncio.sleep(0.005)
                await line.write(answer)
            elif moment < 0.15:
                self.strays += 1
                await line.write(answer + self.stray(self, answer))
            elif moment < 0.2:
                self.strays += 1
                await line.write(answer)
                await line.write(self.stray(self, answer))
            else:
                await line.write(answer)
            before = answer


def rumbleup(server: RawServer, **options: Any) -> RumbleUp:
    return RumbleUp("KEY:SECRET", base_url=server.url, timeouts=Timeouts(read=5, answer=5, idle=60), **options)


def sendblue(server: RawServer, **options: Any) -> Sendblue:
    base = server.url.removesuffix("/api")
    return Sendblue("KEY", "SECRET", base_url=base, timeouts=Timeouts(read=5, answer=5, idle=60), **options)


def begin(client: RumbleUp | Sendblue) -> Run:
    if isinstance(client, RumbleUp):
        return client.fast_mode(action=125, text=TEXT, concurrency=8, policy=PATIENT)
    # No pace of ours: what is shown here does not depend on it.
    limits = LineLimits(per_second=None, new_per_hour=None, new_per_day=None, rest=0.01, refusals=10_000)
    return client.fast_mode(from_numbers=["+12025550199"], text=TEXT, concurrency=8, policy=PATIENT, limits=limits)


# Without a name in it nothing tells somebody else's answer from one to this text.
@pytest.mark.parametrize(
    ("stray", "names"),
    [
        pytest.param(stray, names, id=f"{stray}-answers name {'people' if names else 'nobody'}")
        for names in ("phone number", "")
        for stray in STRAYS
        if names or stray != "somebody else's"
    ],
)
@pytest.mark.parametrize("transport", ["pool", "aiohttp", "session"])
@pytest.mark.parametrize("client", [rumbleup, sendblue])
async def test_answers_too_many_cost_doubt_and_nothing_else(
    client: Callable[..., RumbleUp | Sendblue], transport: str, stray: str, names: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 400 texts twenty were booked as sent that nobody took, and four people got two."""
    monkeypatch.setattr("rumbleup_async.sendblue.line._LONGEST", 0.01)
    hostile = Hostile(stray, names)
    async with serving(hostile) as server:
        own = aiohttp.ClientSession() if transport == "session" else None
        options: dict[str, Any] = {"session": own} if own is not None else {"transport": transport}
        async with client(server, **options) as made, begin(made) as run:
            results = [result async for result in run.send(PHONES)]
        if own is not None:
            await own.close()
    assert hostile.strays > 5
    assert max(hostile.taken.values()) == 1
    for result in results:
        if result.state is State.SENT:
            assert hostile.taken[result.phone] == 1
            assert not names or hostile.logids[result.logid] == result.phone
        elif result.state is not State.UNKNOWN:
            assert not hostile.taken[result.phone]
    assert sum(result.state is State.SENT for result in results) > len(PHONES) // 2


@pytest.mark.parametrize("transport", ["pool", "aiohttp", "session"])
@pytest.mark.parametrize("late", [False, True])
async def test_a_no_to_a_single_send_is_believed_when_nothing_comes_behind_it(transport: str, late: bool) -> None:
    """A program that sends again after a 429 would text somebody twice whose text was taken."""

    async def behaviour(line: Line) -> None:
        await line.request()
        await line.write(as_json(429, status=429, message="slow down"))
        if late:
            await asyncio.sleep(0.01)
            await line.write(as_json(200, logid="rl_1", phone=PHONES[0]))
        await line.request()

    async with serving(behaviour) as server, aiohttp.ClientSession() as own:
        options: dict[str, Any] = {"session": own} if transport == "session" else {"transport": transport}
        async with rumbleup(server, **options) as client:
            with pytest.raises(MaybeSentError if late else RateLimited):
                await client.messages.send(phone=PHONES[0], action=125, text=TEXT)
    assert server.posts == 1


@pytest.mark.parametrize("transport", ["pool", "aiohttp", "session"])
async def test_the_end_of_a_list_is_believed_when_nothing_comes_behind_it(transport: str) -> None:
    """The page of another search, answered twice, would say that somebody is absent from the log who was texted."""
    row = {"logid": "rl_1", "phone": PHONES[0], "text": TEXT}

    async def behaviour(line: Line) -> None:
        await line.request()
        if server.connections == 1:
            await line.write(as_json(200, count=0, data=[]))
            await asyncio.sleep(0.01)
        await line.write(as_json(200, count=1, data=[row]))
        await line.gone()

    async with serving(behaviour) as server, aiohttp.ClientSession() as own:
        options: dict[str, Any] = {"session": own} if transport == "session" else {"transport": transport}
        async with rumbleup(server, **options) as client:
            assert [message.logid for message in await client.messages.log(phone=PHONES[0]).all()] == ["rl_1"]
