"""No key and no whole phone in anything that may end up in a log: reprs, errors, log records, warnings."""

import asyncio
import logging
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rumbleup_async import Response, RumbleUp, RumbleUpError, ScriptedExchange, Timeouts
from rumbleup_async.ledger import MemoryLedger, SqliteLedger
from rumbleup_async.messaging import Closed, Contact, Plan, Planned, Result, Skipped, State, Text, mask
from rumbleup_async.reasons import from_words as because
from rumbleup_async.rumbleup import answers, failures, models, requests
from rumbleup_async.simulator import Simulator, serve

PHONE = "2025550101"
SECRET = "VerySecret"
KEY = f"KEY:{SECRET}"
WORDS = "Hi Lovelace. STOP"
HIDDEN = (PHONE, SECRET, "S0VZOlZlcnlTZWNyZXQ", "Lovelace")


def secrets(shown: str) -> list[str]:
    return [hidden for hidden in HIDDEN if hidden in shown]


def values() -> Iterable[object]:
    """One of everything that holds somebody's data or a key."""
    yield Contact(1, PHONE, {"first_name": "Lovelace"})
    yield Skipped(1, PHONE, because("suppressed"))
    yield Planned(1, PHONE, WORDS, "Lovelace")
    yield Text(1, PHONE, WORDS, "Lovelace")
    yield Result(1, PHONE, State.SENT, because(""), "rl_1")
    yield Closed(1, State.SENT, 1)
    yield Plan(run="0" * 12, provider="rumbleup", action="1", text=WORDS, same_text=WORDS)
    yield requests.SendBody(PHONE, "1", WORDS, (), "Lovelace")
    yield answers.read_page(Response(200, {}, b'{"data": [{"phone": "%s"}]}' % PHONE.encode()), "/x")
    yield failures.read_failure(Response(400, {}, b'{"message": "%s"}' % PHONE.encode()))
    yield models.Message.read({"phone": PHONE, "text": WORDS, "name": "Lovelace", "proxy": PHONE, "sender": PHONE})
    yield models.ContactRecord.read({"phone": PHONE, "first_name": "Lovelace", "rupid": PHONE})
    yield RumbleUp(KEY)
    yield RumbleUp(KEY)._exchange
    yield RumbleUp(KEY).messages
    yield RumbleUp(KEY).fast_mode(action=1, text=WORDS, suppress=[PHONE])
    yield MemoryLedger()
    yield SqliteLedger("run.ledger")


@pytest.mark.parametrize("value", list(values()), ids=lambda value: type(value).__name__)
def test_no_value_shows_a_secret(value: object) -> None:
    """Somebody logs the object at hand, and the log has a phone, a text or the key of the account."""
    for shown in (repr(value), str(value), f"{value}", f"{[value]!r}", f"{(value,)!s}"):
        assert secrets(shown) == []


@pytest.mark.parametrize(("phone", "shown"), [(PHONE, "********01"), ("12345", "***45"), ("1234", "****"), ("", ""), ("1", "*")])
def test_a_masked_phone(phone: str, shown: str) -> None:
    """Enough would be left of the number to call it."""
    assert mask(phone) == shown


async def test_nothing_that_is_logged_or_raised_shows_a_secret(
    caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder, tmp_path: Path
) -> None:
    """Debug logging is switched on in production, and the log is mailed to support."""
    caplog.set_level(logging.DEBUG)
    asyncio.get_running_loop().set_debug(True)
    raised: list[str] = []
    faults = [
        "hang-after",
        "reset-after",
        "close-after",
        "half-body",
        "502-html-after",
        "html",
        "400",
        "403",
        "429",
        "dnd",
        "landline",
    ]
    simulator = Simulator(api_key=KEY)
    people = [f"20255501{number:02d}" for number in range(len(faults))]
    async with serve(simulator) as server:
        timeouts = Timeouts(connect=1, read=0.1)
        async with RumbleUp(KEY, base_url=server.url, timeouts=timeouts) as client:
            for phone, fault in zip(people, faults, strict=True):
                simulator.fault(phone, fault)
                raised += await shown_by(client.messages.send(phone=phone, action=125, text=WORDS))
                simulator.fault(phone, fault)
            async with client.fast_mode(action=125, text=WORDS, ledger=tmp_path / "run.ledger", rate=500) as run:
                results = [repr(result) async for result in run.send(people[:5])]
                results += [repr(run), repr(run.summary), repr(run.counts)]
        for wrong in ({"api_key": f"{KEY} "}, {"api_key": SECRET}, {"api_key": KEY, "base_url": f"http://{SECRET}@x.example"}):
            raised += await shown_by(make(wrong))
    everything = "\n".join(
        [
            *raised,
            *results,
            *(record.getMessage() + repr(vars(record)) for record in caplog.records),
            *(str(warning.message) for warning in recwarn),
        ]
    )
    assert len(raised) > len(faults)
    assert {"RunBegan", "Delivered", "Stepped"} <= {getattr(record, "event_name", "") for record in caplog.records}
    found = [hidden for hidden in (*HIDDEN, *people) if hidden in everything]
    assert found == []


async def make(options: dict[str, Any]) -> None:
    RumbleUp(**options)


async def shown_by(call: Any) -> list[str]:
    """What an error shows of itself, its traceback included."""
    try:
        await call
    except RumbleUpError as error:
        # Lines of source are not data: only the words of the errors count.
        words = [str(error), repr(error), *traceback.format_exception_only(error)]
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return [*words, *([str(cause), repr(cause)] if cause else [])]
    return []


async def test_the_key_as_it_travels_is_not_quoted() -> None:
    """A gateway that takes offence at the header repeats it, and base64 hides nothing."""
    headers: list[str] = []
    for auth in ("basic", "bearer"):
        headers.append(requests.auth_header(KEY, auth))
        quoted = f"'{headers[-1]}' is not a valid key=value pair in Authorization header"
        exchange = ScriptedExchange(lambda _, quoted=quoted: Response(403, {}, msgspec.json.encode({"message": quoted})))  # type: ignore[misc]
        async with RumbleUp(KEY, exchange=exchange, auth=auth) as client:
            shown = "".join(await shown_by(client.messages.send(phone=PHONE, action=1, text=WORDS)))
            async with client.fast_mode(action=1, text=WORDS) as run:
                shown += "".join([f"{result} {result.reason}" async for result in run.send([PHONE])]) + str(run.summary.stopped)
        assert "quote" in shown
        assert not [header for header in headers if header.partition(" ")[2] in shown]


async def test_the_exchange_in_a_users_test_shows_nothing_either() -> None:
    """A failing test prints the requests it compared."""
    exchange = ScriptedExchange(lambda request: Response(200, {}, b'{"logid": "rl_1"}'))
    async with RumbleUp(KEY, exchange=exchange) as client:
        await client.messages.send(phone=PHONE, action=1, text=WORDS)
    assert secrets(repr(exchange.requests)) == []
