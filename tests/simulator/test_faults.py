"""Every fault kind: what it does to the bytes on the wire, and whether the text is in the truth."""

import asyncio
import json
import random
from typing import Any

import pytest

from rumbleup_async.simulator import KINDS, Simulator, faults
from rumbleup_async.simulator.trouble.faults import ALIASES, Faults

from .callers import TEXT, Caller, Start, exchange

SEND: dict[str, Any] = {"phone": "2025550101", "action": "125", "text": TEXT}

# Kind of a send -> the status that arrives (0 for none) and how the connection is left.
ON_THE_WIRE: dict[str, tuple[int, str]] = {
    "hang-before": (0, "open"),
    "hang-after": (0, "open"),
    "close-before": (0, "closed"),
    "close-after": (0, "closed"),
    "reset-before": (0, "reset"),
    "reset-after": (0, "reset"),
    "cut-status": (0, "closed"),
    "cut-head": (200, "closed"),
    "half-body": (200, "closed"),
    "wrong-length": (200, "open"),
    "slow": (200, "open"),
    "drip": (200, "open"),
    "keepalive-close": (200, "closed"),
    "keepalive-close-next": (200, "open"),
    "500-before": (500, "open"),
    "500-after": (500, "open"),
    "502-before": (502, "open"),
    "502-after": (502, "open"),
    "503-before": (503, "open"),
    "503-after": (503, "open"),
    "504-before": (504, "open"),
    "504-after": (504, "open"),
    "502-html-before": (502, "open"),
    "502-html-after": (502, "open"),
    "html": (200, "open"),
    "html-after": (200, "open"),
    "empty": (200, "open"),
    "429": (429, "open"),
    "429-retry-after": (429, "open"),
    "440": (440, "open"),
    "441": (441, "open"),
    "440-in-body": (400, "open"),
    "441-in-body": (400, "open"),
    "400": (400, "open"),
    "401": (401, "open"),
    "403": (403, "open"),
    "403-opt-out": (403, "open"),
    "daily-cap": (400, "open"),
    "time-range": (400, "open"),
    "landline": (400, "open"),
    "dnd": (400, "open"),
    "redirect": (307, "open"),
    "redirect-after": (307, "open"),
}


def status_of(arrived: bytes) -> int:
    return int(arrived[9:12]) if len(arrived) > 12 else 0


def body_of(arrived: bytes) -> bytes:
    return arrived.partition(b"\r\n\r\n")[2]


def announced(arrived: bytes) -> int:
    return int(arrived.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])


def test_the_table_knows_every_kind_of_send() -> None:
    """A new kind would go untested."""
    assert {name for name, kind in KINDS.items() if "send" in kind.endpoints} == ON_THE_WIRE.keys()


@pytest.mark.parametrize("name", ON_THE_WIRE)
async def test_the_wire_and_the_truth(start: Start, name: str) -> None:
    """A fault that does something else than it says would prove nothing about a client."""
    async with start(slow_seconds=0.01) as caller:
        caller.simulator.fault("2025550101", f"send:{name}")
        status, expected = ON_THE_WIRE[name]
        arrived, end = await exchange(caller.server, ("message/send", SEND), end=expected, silent=name.startswith("hang"))
        assert (status_of(arrived), end) == (status, expected)
        assert len(caller.simulator.truth) == KINDS[name].left
        assert caller.simulator.requests.faults == {name: 1}


async def test_replies_that_are_cut_short(caller: Caller) -> None:
    """Each of them must be broken where it says, or a client's check of that part is never met."""
    simulator = caller.simulator
    simulator.fault("2025550101", ["cut-status", "cut-head", "half-body", "wrong-length", "empty", "html-after", None])
    ends = ["closed"] * 3 + ["open"] * 4
    kinds = [(await exchange(caller.server, ("message/send", SEND), end=end))[0] for end in ends]
    cut_status, cut_head, half, short, empty, html, whole = kinds
    assert cut_status == b"HTTP/1.1 2"
    assert cut_head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\n\r\n" not in cut_head
    assert announced(half) == 2 * len(body_of(half)) or announced(half) == 2 * len(body_of(half)) + 1
    assert announced(short) == len(body_of(short)) - 10
    assert (announced(empty), body_of(empty)) == (0, b"")
    assert b"text/html" in html
    assert body_of(html).startswith(b"<!DOCTYPE html>")
    assert json.loads(body_of(whole))["phone"] == "2025550101"
    assert len(simulator.truth) == 7


@pytest.mark.parametrize(("name", "code"), [("daily-cap", "DAILYCAP"), ("time-range", "TIMERANGE"), ("landline", "LANDLINE")])
async def test_refusals_bear_their_code(caller: Caller, name: str, code: str) -> None:
    """A client goes by the code to tell a stop of the run from a refusal of one phone."""
    caller.simulator.fault("2025550101", name)
    assert (await caller.send())[1]["code"] == code


async def test_the_special_statuses_can_stand_in_the_body_alone(caller: Caller) -> None:
    """The pages do not say where 440 and 441 appear."""
    caller.simulator.fault("2025550101", "send:441-in-body")
    status, reply = await caller.send()
    assert (status, reply["status"]) == (400, 441)


async def test_retry_after(start: Start) -> None:
    """A client that ignores the header, or needs it, would not be found out."""
    async with start() as caller:
        caller.simulator.fault("2025550101", ["429", "429-retry-after"])
        assert "Retry-After" not in (await caller.raw("message/send", SEND))[2]
        assert (await caller.raw("message/send", SEND))[2]["Retry-After"] == "1"
        caller.simulator.change(retry_after=30)
        caller.simulator.fault("2025550101", "429-retry-after")
        assert (await caller.raw("message/send", SEND))[2]["Retry-After"] == "30"


async def test_following_a_redirect_sends_again(caller: Caller) -> None:
    """A client that follows redirects on a send would look harmless."""
    caller.simulator.fault("2025550101", ["redirect-after", None])
    status, _ = await caller.call("message/send", SEND, allow_redirects=True)
    assert status == 200
    assert len(caller.simulator.truth) == 2
    assert caller.simulator.requests.count("message/send") == 2


async def test_a_connection_closed_at_its_next_request(caller: Caller) -> None:
    """The race of keep-alive (closed just as it is used again) could not be met on purpose."""
    caller.simulator.fault("2025550101", "keepalive-close-next")
    other = SEND | {"phone": "2025550102"}
    arrived, end = await exchange(caller.server, ("message/send", SEND), ("message/send", other), end="closed")
    assert arrived.count(b"HTTP/1.1 200") == 1
    assert end == "closed"
    assert [text.phone for text in caller.simulator.truth] == ["2025550101"]


async def test_the_same_connection_serves_many(caller: Caller) -> None:
    """A server that closes each connection would hide every fault of keep-alive."""
    arrived, end = await exchange(caller.server, *[("message/send", SEND)] * 3)
    assert (arrived.count(b"HTTP/1.1 200"), end) == (3, "open")


async def test_faults_of_other_endpoints(start: Start) -> None:
    """A lost reply of next, the log or the key check could not be played."""
    rates = {"next:502-after": 1.0, "log:html": 1.0, "account:503-before": 1.0}
    async with start(faults=rates) as caller:
        caller.simulator.add_contacts(125, [{"phone": "2025550101"}])
        assert (await caller.next())[0] == 502
        assert len(caller.simulator.world.projects["125"].locks) == 1
        status, page = await caller.log()
        assert (status, page[:9]) == (200, "<!DOCTYPE")
        assert (await caller.call("account/get"))[0] == 503
        assert (await caller.send())[0] == 200


async def test_a_caller_that_leaves_takes_nothing_back(caller: Caller) -> None:
    """The truth would lose a text because its sender was killed."""
    caller.simulator.change(latency=10)
    assert await caller.gives_up("message/send", SEND)
    assert len(caller.simulator.truth) == 1


async def test_a_stalled_server(caller: Caller) -> None:
    """A server that freezes under load and comes back could not be played."""
    caller.simulator.stall()
    assert await caller.gives_up("message/send", SEND)
    assert len(caller.simulator.truth) == 0
    waiting = asyncio.create_task(caller.send())
    await asyncio.sleep(0.02)
    caller.simulator.resume()
    assert (await waiting)[0] == 200
    assert len(caller.simulator.truth) == 1


async def test_rates(start: Start) -> None:
    """A rate that is off would make a proof over many runs count less than it says."""
    async with start(faults={"502": 0.2, "429": 0.1}, keep_alive=True) as caller:
        statuses = [(await caller.send(f"202{n:07}"))[0] for n in range(1000)]
        assert 150 < statuses.count(502) < 250
        assert 60 < statuses.count(429) < 140
        assert len(caller.simulator.truth) == 1000 - statuses.count(429)


def test_the_choice_hangs_on_seed_phone_and_attempt_only() -> None:
    """A failing run could not be replayed, because requests never arrive in the same order."""
    keys = [f"202{n:07}" for n in range(300)] * 3

    def outcome(seed: int, order: list[str]) -> dict[str, list[str]]:
        chosen = Faults(seed, {"hang": 0.2, "429": 0.2})
        seen: dict[str, list[str]] = {}
        for key in order:
            kind = chosen.choose("send", key)
            seen.setdefault(key, []).append(kind.name if kind else "none")
        return seen

    shuffled = random.Random(1).sample(keys, len(keys))
    assert outcome(5, keys) == outcome(5, shuffled)
    assert outcome(5, keys) != outcome(6, keys)


def test_faults_of_a_phone_come_in_turn_and_before_the_rates() -> None:
    """A scenario of "fails twice, then works" could not be written down."""
    simulator = Simulator(faults={"429": 1.0})
    simulator.fault("+1 202 555 0101", ["hang", None, "502-after"])
    simulator.fault("2025550102", "empty")
    chosen = [simulator.faults.choose("send", "2025550101") for _ in range(5)]
    assert [kind and kind.name for kind in chosen] == ["hang-after", None, "502-after", None, None]
    assert {kind.name for _ in range(3) if (kind := simulator.faults.choose("send", "2025550102"))} == {"empty"}
    simulator.fault("2025550102", None)
    kind = simulator.faults.choose("send", "2025550102")
    assert kind is not None
    assert kind.name == "429"


def test_parsing() -> None:
    """The command line's `--fault` would take nonsense."""
    assert faults.parse(["hang=0.01", "next:441=1"]) == {"hang": 0.01, "next:441": 1.0}
    for wrong in ("hang", "hang=", "hang=x", "hang=2", "hang=-1", "hang=nan", "nothing=0.1", "next:dnd=0.1", "send:log-500=1"):
        with pytest.raises(ValueError, match="fault"):
            faults.parse([wrong])
    with pytest.raises(ValueError, match="more than 1"):
        Simulator(faults={"hang": 0.6, "502": 0.6})
    with pytest.raises(ValueError, match="known only after"):
        Simulator().fault("2025550101", "next:441")


def test_every_short_name_stands_for_a_kind() -> None:
    """A short name would fail only when somebody uses it."""
    for alias, name in ALIASES.items():
        assert faults.resolve(alias) == faults.resolve(name)
    for kind in KINDS.values():
        assert kind.sentence.endswith(".")
        assert kind.endpoints
