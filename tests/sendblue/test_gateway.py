"""The Sendblue gateway: each text leaves from the line of its permit, and what an answer says of a line reaches that line."""

import json

import pytest

from rumbleup_async import LineLimits
from rumbleup_async.engine.ports import Permit
from rumbleup_async.errors import MaybeSentError, NotSentError
from rumbleup_async.messaging import Text
from rumbleup_async.outcomes import Accepted, Bar, Barred, NotSent, Outcome, Throttled, Unknown
from rumbleup_async.sendblue.gateway import SendblueGateway
from rumbleup_async.sendblue.lines import Lines
from rumbleup_async.session import Request, Response, ScriptedExchange
from tests import virtual_time
from tests.sendblue.test_lines import NUMBERS, lines_of

TEXT = Text(1, "+12025550101", "Hi. STOP to opt out")
LIMITS = LineLimits(per_second=None, new_per_hour=5, new_per_day=None)
NO_LINE = Response(400, {}, b'{"status": "ERROR", "error_message": "Invalid from_number"}')
NOT_NOW = Response(429, {"Retry-After": "50"}, b'{"status": "ERROR", "error_message": "rate limit"}')


def accepted(request: Request) -> Response:
    sent = json.loads(request.body)
    return Response(202, {}, json.dumps({"status": "QUEUED", "message_handle": f"h-{sent['from_number']}"}).encode())


def gateway(answer: Response | Exception | None, lines: Lines) -> tuple[SendblueGateway, ScriptedExchange]:
    """A gateway over the lines, to a provider that gives this answer, or accepts."""

    def script(request: Request) -> Response:
        if isinstance(answer, Exception):
            raise answer
        return answer or accepted(request)

    exchange = ScriptedExchange(script)
    return SendblueGateway(exchange, lines), exchange


def test_a_text_leaves_from_the_line_of_its_permit() -> None:
    """Two workers whose permits are used in another order would text over each other's line."""

    async def main() -> None:
        lines, _ = lines_of(LIMITS)
        sender, exchange = gateway(None, lines)
        first, second, third = [await lines.permit(TEXT) for _ in range(3)]
        for permit in (third, first, second):
            outcome = await sender.deliver(TEXT, permit)
            assert isinstance(outcome, Accepted)
            assert permit.line == outcome.why.line
        assert [json.loads(request.body)["from_number"] for request in exchange.requests] == [NUMBERS[2], NUMBERS[0], NUMBERS[1]]

    virtual_time.run(main())


@pytest.mark.parametrize(
    ("answer", "kind", "counted", "rests"),
    [
        (None, Accepted, 1, False),
        (NotSentError("the connection was refused", endpoint="/x"), NotSent, 0, False),
        (MaybeSentError("no answer in time", endpoint="/x"), Unknown, 1, False),
        (NOT_NOW, Throttled, 0, True),
        (NO_LINE, Throttled, 0, True),
    ],
)
def test_what_became_of_a_text_reaches_the_line_of_its_permit(
    answer: Response | Exception | None, kind: type[Outcome], counted: int, rests: bool
) -> None:
    """The line that was used last would rest, or lose a new contact, for what another one was told."""

    async def main() -> None:
        lines, _ = lines_of(LIMITS, number=2)
        sender, _ = gateway(answer, lines)
        permit = await lines.permit(TEXT)
        await lines.permit(TEXT)  # another worker has had the second line since
        outcome = await sender.deliver(TEXT, permit)
        assert isinstance(outcome, kind)
        first, second = lines.lines
        assert len(first.uses) == counted
        assert len(second.uses) == 1
        assert rests is (first.pace.held_until > virtual_time.now())
        assert second.pace.held_until == 0.0
        if isinstance(outcome, Throttled):
            assert outcome.after is None  # the other line goes on

    virtual_time.run(main())


def test_the_only_line_refused_stops_the_run() -> None:
    """A run without a line would try its whole list."""

    async def main() -> None:
        lines, _ = lines_of(LIMITS, number=1)
        sender, _ = gateway(NO_LINE, lines)
        outcome = await sender.deliver(TEXT, await lines.permit(TEXT))
        assert isinstance(outcome, Barred)
        assert outcome.kind is Bar.NO_LINE

    virtual_time.run(main())


def test_a_permit_shows_no_number() -> None:
    """A line's number in an error or a log is a phone number."""

    async def main() -> None:
        lines, _ = lines_of(LIMITS)
        permit = await lines.permit(TEXT)
        assert isinstance(permit, Permit)
        assert not any(number.removeprefix("+") in repr(permit) for number in NUMBERS)

    virtual_time.run(main())
