"""RumbleUp as the engine sees it: what one attempt sends, and that nothing but an outcome comes back."""

import json

import pytest

from rumbleup_async import MaybeSentError, NotSentError, Request, Response, ScriptedExchange
from rumbleup_async.engine.ports import Permit
from rumbleup_async.messaging import Text
from rumbleup_async.outcomes import Accepted, NotSent, Outcome, Unknown
from rumbleup_async.reasons import from_words as because
from rumbleup_async.rumbleup.gateway import RumbleUpGateway

TEXT = Text(1, "2025550101", "Hi Zoë. STOP", "Zoë")


def gateway(script: Response | Exception, **options: object) -> tuple[RumbleUpGateway, ScriptedExchange]:
    def answer(request: Request) -> Response:
        if isinstance(script, Exception):
            raise script
        return script

    exchange = ScriptedExchange(answer)
    return RumbleUpGateway(exchange, action="125", **options), exchange  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (Response(200, {}, b'{"logid": "rl_1"}'), Accepted("rl_1")),
        (
            NotSentError(because("the connection was refused"), endpoint="/x"),
            NotSent(because("the connection was refused"), "RUMBLEUP_BASE_URL"),
        ),
        (MaybeSentError(because("no answer in time"), endpoint="/x"), Unknown(because("no answer in time"))),
        (Response(502, {}, b"<html>"), Unknown(because("the server answered 502"), 502)),
    ],
)
async def test_one_attempt_is_one_request(script: Response | Exception, expected: Outcome) -> None:
    """A gateway that tries again by itself texts people behind the engine's back."""
    sender, exchange = gateway(script)
    assert await sender.deliver(TEXT, Permit()) == expected
    assert len(exchange.requests) == 1


async def test_what_an_attempt_carries() -> None:
    """The text planned and the text sent would differ, or the run not be found in the log."""
    sender, exchange = gateway(Response(200, {}, b'{"logid": "rl_1"}'), flags=("run-1", "spring"), group=26)
    await sender.deliver(TEXT, Permit())
    await sender.deliver(Text(2, "2025550102", "Hi. STOP"), Permit())
    first, second = (json.loads(request.body) for request in exchange.requests)
    everybody = {"action": "125", "flags": ["run-1", "spring"], "group": 26}
    assert first == {"phone": "2025550101", "text": "Hi Zoë. STOP", "name": "Zoë", **everybody}
    assert second == {"phone": "2025550102", "text": "Hi. STOP", **everybody}
    assert {request.method for request in exchange.requests} == {"POST"}
    assert not any(request.read for request in exchange.requests)


@pytest.mark.parametrize("owns", [True, False])
async def test_only_what_is_its_own_is_closed(owns: bool) -> None:
    """The end of one run would cut the connections of another."""
    sender, exchange = gateway(Response(200, {}, b"{}"), owns_exchange=owns)
    await sender.aclose()
    assert exchange.closed is owns
