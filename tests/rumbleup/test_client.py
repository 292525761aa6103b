"""The client: set-up, environment, and fast mode from the front door to the simulator's truth."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from rumbleup_async import ConfigurationError, LedgerMismatch, Request, Response, RumbleUp, ScriptedExchange, State
from rumbleup_async.ledger import SqliteLedger
from rumbleup_async.messaging import Plan
from rumbleup_async.simulator import Server, Simulator, serve
from tests import virtual_time
from tests.books import open_ledger

TEXT = "Hi {first_name|there}. STOP to opt out"


def people(count: int) -> list[dict[str, str]]:
    return [{"phone": f"202234{number:04d}", "first_name": f"Ada {number}"} for number in range(count)]


def accepting(request: Request) -> Response:
    return Response(200, {}, json.dumps({"logid": "rl_" + json.loads(request.body)["phone"]}).encode())


# ---- set-up ----


def test_from_the_environment() -> None:
    """A service would text with no key, or against another address than it was given."""
    client = RumbleUp.from_env({"RUMBLEUP_API_KEY": " KEY:SECRET\n", "RUMBLEUP_BASE_URL": "http://127.0.0.1:1/api"})
    assert repr(client) == "RumbleUp(base_url='http://127.0.0.1:1/api')"
    assert "app.rumbleup.com/api" in repr(RumbleUp.from_env({"RUMBLEUP_API_KEY": "KEY:SECRET"}))
    with pytest.raises(ConfigurationError, match="set but empty"):  # a lost address of a simulator, perhaps
        RumbleUp.from_env({"RUMBLEUP_API_KEY": "KEY:SECRET", "RUMBLEUP_BASE_URL": " "})
    assert "other" in repr(RumbleUp.from_env({"RUMBLEUP_API_KEY": "KEY:SECRET"}, base_url="https://other.example"))
    for environ in ({}, {"RUMBLEUP_API_KEY": ""}, {"RUMBLEUP_API_KEY": "  "}):
        with pytest.raises(ConfigurationError, match="RUMBLEUP_API_KEY"):
            RumbleUp.from_env(environ)


def test_the_environment_of_these_tests_holds_no_key() -> None:
    """A test could text real people with the key of whoever runs it."""
    with pytest.raises(ConfigurationError):
        RumbleUp.from_env()


@pytest.mark.parametrize("key", ["SECRETKEY", "SECRET: KEY", "SECRET:K\n"])
def test_a_wrong_key_or_address_is_said_at_once(key: str) -> None:
    """It would be said by the first of a million texts instead; or the key be shown in the error."""
    with pytest.raises(ConfigurationError) as raised:
        RumbleUp(key)
    assert key.strip() not in str(raised.value)
    with pytest.raises(ConfigurationError):
        RumbleUp("KEY:SECRET", base_url="http://app.rumbleup.com/api")
    with pytest.raises(ConfigurationError):
        RumbleUp("KEY:SECRET", auth="digest")


@pytest.mark.parametrize(
    "wrong",
    [
        {"action": ""},
        {"action": "  "},
        {"concurrency": 0},
        {"concurrency": -1},
        {"concurrency": 1.5},
        {"concurrency": True},
        {"limit": 0},
        {"limit": -3},
        {"rate": -1},
        {"rate": float("nan")},
        {"rate": float("inf")},
        {"max_segments": 0},
        {"text": ""},
        {"text": "Hi there"},
        {"text": "Hi {first_name"},
        {"suppress": ["555"]},
        {"suppress": "2025550101"},
        {"flags": "spring"},
        {"flags": ["a,b"]},
    ],
)
async def test_a_wrong_option_is_refused_before_anything_leaves(wrong: dict[str, Any], tmp_path: Path) -> None:
    """A typing mistake would cost money, or leave a ledger behind that stands in the way of the right run."""
    exchange = ScriptedExchange(accepting)
    options: dict[str, Any] = {"action": 125, "text": TEXT, "ledger": tmp_path / "run.ledger", **wrong}
    async with RumbleUp("KEY:SECRET", exchange=exchange) as client:
        with pytest.raises(ConfigurationError):
            async with client.fast_mode(**options) as run:
                await run.send(people(1))
    assert exchange.requests == []
    assert list(tmp_path.iterdir()) == []


async def test_a_given_exchange_or_session_stays_open(server: Server) -> None:
    """A service would lose its own session to the first run that ends."""
    exchange = ScriptedExchange(accepting)
    async with RumbleUp("KEY:SECRET", exchange=exchange) as client, client.fast_mode(action=125, text=TEXT) as run:
        await run.send(people(3))
    assert not exchange.closed
    async with aiohttp.ClientSession() as session:
        async with RumbleUp("KEY:SECRET", base_url=server.url, session=session) as client:
            async with client.fast_mode(action=125, text=TEXT) as run:
                assert (await run.send(people(3))).sent == 3
            await client.messages.send(phone="2025550101", action=125, text="Hi. STOP")
        assert not session.closed
    assert len(server.simulator.truth) == 4


async def test_a_ledger_of_another_provider_is_refused(tmp_path: Path) -> None:
    """Phones in another form, and texts meant for another account, would go to this one."""
    ledger = SqliteLedger(tmp_path / "run.ledger")
    await ledger.open(Plan(run="0" * 12, provider="sendblue", action="1", text="Hi. STOP"))
    await ledger.aclose()
    async with RumbleUp("KEY:SECRET", exchange=ScriptedExchange(accepting)) as client:
        with pytest.raises(LedgerMismatch, match="sendblue"):
            async with client.resume(tmp_path / "run.ledger"):
                pass
    # And it is not left locked.
    await ledger_opens(tmp_path / "run.ledger")


async def ledger_opens(path: Path) -> None:
    ledger = SqliteLedger(path)
    await open_ledger(ledger, None)
    await ledger.aclose()


def test_every_message_carries_the_runs_tag() -> None:
    """After a crash the log could not be searched for the texts of this run."""
    exchange = ScriptedExchange(accepting)

    async def main() -> str:
        async with (
            RumbleUp("KEY:SECRET", exchange=exchange) as client,
            client.fast_mode(action=125, text=TEXT, flags=["spring", "7"], group=26) as run,
        ):
            await run.send(people(2))
            return run.plan.tag

    tag = virtual_time.run(main())
    bodies = [json.loads(request.body) for request in exchange.requests]
    assert [tag, "spring", "7"] == bodies[0]["flags"]
    assert {key: value for key, value in bodies[1].items() if key != "flags"} == {
        "phone": "2022340001",
        "action": "125",
        "text": "Hi Ada 1. STOP to opt out",
        "group": "26",
        "name": "Ada 1",
    }


def test_a_wait_asked_for_binds_the_other_runs_of_the_client() -> None:
    """Two campaigns at once: one is told to wait, and the texts of the other would leave within the hold."""
    told: list[float] = []
    left: list[float] = []

    def script(request: Request) -> Response:
        now = virtual_time.now()
        left.append(now)
        if len(left) == 40:
            told.append(now)
            return Response(429, {"Retry-After": "20"}, b'{"status":429,"message":"Too many requests"}')
        return accepting(request)

    async def main() -> list[int]:
        async with RumbleUp("KEY:SECRET", exchange=ScriptedExchange(script)) as client:

            async def campaign(action: int, number: int) -> int:
                async with client.fast_mode(action=action, text=TEXT, rate=10) as run:
                    await run.send(people(number))
                    return run.summary.sent

            return list(await asyncio.gather(campaign(125, 60), campaign(126, 60)))

    assert virtual_time.run(main(), calendar=True) == [60, 60]
    assert [moment for moment in left if told[0] < moment < told[0] + 20.0] == []
    assert sum(moment >= told[0] + 20.0 for moment in left) == 121 - 40


# ---- against the simulator ----


@pytest.mark.parametrize("kept", ["memory", "disk"])
async def test_a_list_end_to_end(rumbleup: RumbleUp, simulator: Simulator, tmp_path: Path, kept: str) -> None:
    """What the books say and what the provider really sent would differ."""
    simulator.tag("2022340005", "dnd")
    contacts = [*people(200), {"phone": "2022340003"}, {"phone": "nobody"}]
    ledger = tmp_path / "run.ledger" if kept == "disk" else None
    async with rumbleup.fast_mode(action=125, text=TEXT, ledger=ledger, concurrency=16) as run:
        results = [result async for result in run.send(contacts)]
        summary = run.summary
    left = Counter(text.phone for text in simulator.truth)
    assert max(left.values()) == 1
    assert set(left) == {result.phone for result in results if result.state is State.SENT}
    assert (summary.total, summary.sent, summary.refused, summary.skipped, summary.unknown) == (202, 199, 1, 2, 0)
    assert {text.logid for text in simulator.truth} == {result.logid for result in results if result.logid}
    assert {text.text for text in simulator.truth} == {
        f"Hi Ada {number}. STOP to opt out" for number in range(200) if number != 5
    }


FAULTS = {
    "hang-before": 0.01,
    "hang-after": 0.01,
    "reset-before": 0.01,
    "reset-after": 0.02,
    "close-after": 0.02,
    "keepalive-close": 0.02,
    "keepalive-close-next": 0.02,
    "half-body": 0.02,
    "cut-head": 0.01,
    "500-after": 0.01,
    "502-html-after": 0.01,
    "503-before": 0.01,
    "html-after": 0.01,
    "empty": 0.01,
    "429": 0.03,
    "440-in-body": 0.02,
    "redirect": 0.01,
    "redirect-after": 0.01,
    "400": 0.01,
}


async def test_a_stormy_provider_texts_nobody_twice(tmp_path: Path) -> None:
    """Any of these faults could make a text leave twice, or hide one that left."""
    from rumbleup_async import Policy, Timeouts

    simulator = Simulator(seed=7, faults=FAULTS)
    policy = Policy(max_errors=10_000, first_errors=10_000, backoff=0.01, throttle_backoff=0.01, trouble_ceiling=0.02)
    async with (
        serve(simulator) as server,
        RumbleUp("KEY:SECRET", base_url=server.url, timeouts=Timeouts(read=0.4)) as client,
        client.fast_mode(action=125, text=TEXT, ledger=tmp_path / "run.ledger", concurrency=32, policy=policy) as run,
    ):
        results = {result.phone: result.state async for result in run.send(people(600))}
        assert run.summary.stopped is None
    left = Counter(text.phone for text in simulator.truth)
    assert max(left.values()) == 1
    assert len(results) == 600
    for phone, state in results.items():
        if state is State.SENT:
            assert phone in left
        if state in {State.REFUSED, State.NOT_SENT, State.SKIPPED}:
            assert phone not in left
    states = Counter(results.values())
    assert states[State.UNKNOWN] > 20
    assert states[State.SENT] > 400


async def test_two_runs_beside_each_other_and_single_calls_between(rumbleup: RumbleUp, simulator: Simulator) -> None:
    """A service with two campaigns would mix them up, or one would starve the other."""
    simulator.add_project(126)

    async def use(action: int, first: int) -> int:
        contacts = [{"phone": f"202235{number:04d}"} for number in range(first, first + 150)]
        async with rumbleup.fast_mode(action=action, text=TEXT, concurrency=8) as run:
            return (await run.send(contacts)).sent

    single = rumbleup.messages.send(phone="2025550101", action=125, text="Hi. STOP")
    one, other, message = await asyncio.gather(use(125, 0), use(126, 5000), single)
    assert (one, other) == (150, 150)
    assert message.logid
    assert Counter(text.action for text in simulator.truth) == {"125": 151, "126": 150}


@pytest.mark.parametrize(
    ("settings", "cause"),
    [
        ({"api_key": "OTHER:KEY"}, "key refused"),
        ({"daily_cap": 20}, "daily cap"),
        ({"outside_hours": True}, "outside hours"),
    ],
)
async def test_what_concerns_everybody_stops_the_run(
    rumbleup: RumbleUp, simulator: Simulator, settings: dict[str, Any], cause: str
) -> None:
    """A wrong key or a used-up cap would be met by every contact of the list."""
    simulator.change(**settings)
    async with rumbleup.fast_mode(action=125, text=TEXT) as run:
        summary = await run.send(people(500))
    assert summary.stopped is not None
    assert summary.stopped.startswith(cause)
    assert simulator.requests.count("message/send") < 120
    assert summary.sent == len(simulator.truth)
    assert summary.unknown == summary.refused == 0
